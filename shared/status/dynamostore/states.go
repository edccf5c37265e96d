package dynamostore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"golang.org/x/sync/errgroup"

	"contactsync/shared/status/internal/listing"
	"contactsync/shared/transfer"
)

const stateProjection = "#pk, #sk, #status, #transfer, #known, #claim_owner, #claim_until, #claim_names, #begun, #open_claims"

// States reads the states of a page in batches, several at once; see [status.Store].
func (s *Store) States(ctx context.Context, keys []transfer.Key) (map[transfer.Key]transfer.State, error) {
	op := fmt.Sprintf("read the states of %d contacts", len(keys))
	wanted := make(map[string]transfer.Key, len(keys))
	lookups := make([]item, 0, len(keys))
	for _, key := range keys {
		if err := listing.CheckKey(key); err != nil {
			return nil, fmt.Errorf("%s: %w", op, err)
		}
		pk := s.keyPK(key)
		if _, twice := wanted[pk]; !twice { // BatchGetItem refuses a key that comes twice
			wanted[pk] = key
			lookups = append(lookups, primaryKey(pk, skState))
		}
	}
	batches := slices.Collect(slices.Chunk(lookups, readBatch))
	found := make([][]item, len(batches))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(batchesInFlight)
	for i, batch := range batches {
		group.Go(func() (err error) {
			found[i], err = s.read(groupCtx, batch, stateProjection)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, s.fail(ctx, op, err)
	}
	states := make(map[transfer.Key]transfer.State, len(lookups))
	for _, it := range slices.Concat(found...) {
		if !hasState(it) {
			continue
		}
		state, err := stateOf(it)
		if err != nil {
			s.damaged(ctx, op, err)
			continue
		}
		if key, asked := wanted[newReader(it).text(attrPK)]; asked {
			states[key] = state
		}
	}
	return states, nil
}

// Due finds the most overdue transfers in the index and reads their states as they
// are now; see [status.Store].
func (s *Store) Due(ctx context.Context, now time.Time, limit int) ([]transfer.State, error) {
	const op = "list what is due"
	limit = listing.Limit(limit)
	found := make([][]dueRow, len(waitBands))
	group, groupCtx := errgroup.WithContext(ctx)
	for i, band := range waitBands {
		group.Go(func() (err error) {
			found[i], err = s.dueInBand(groupCtx, op, band, now, limit)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, s.fail(ctx, op, err)
	}
	rows := slices.Concat(found...)
	slices.SortFunc(rows, dueRow.compare)
	rows = rows[:min(len(rows), limit)]
	keys := make([]transfer.Key, len(rows))
	for i, row := range rows {
		keys[i] = row.key
	}
	states, err := s.States(ctx, keys)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	due := make([]transfer.State, 0, len(rows))
	for _, row := range rows {
		// The index may lag behind: somebody may have transferred it meanwhile.
		if state, ok := states[row.key]; ok && state.Status == transfer.Retrying && !state.NextAttemptAt.After(now) {
			due = append(due, state)
		}
	}
	return due, nil
}

// dueRow is what the index tells of a transfer that is due.
type dueRow struct {
	key     transfer.Key
	due     time.Time
	sortKey string
}

func (a dueRow) compare(b dueRow) int {
	return cmp.Or(a.due.Compare(b.due), cmp.Compare(a.sortKey, b.sortKey))
}

// dueInBand returns the most overdue rows of one band, at most limit. The band is
// sorted by finish time, and a row is due at least band.min after it; so reading
// ends when no row ahead can be more overdue than those at hand.
func (s *Store) dueInBand(ctx context.Context, op string, band waitBand, now time.Time, limit int) ([]dueRow, error) {
	in := s.query(s.bandKey(band), "", listing.FormatTime(now.Add(-band.min+time.Millisecond)))
	in.ScanIndexForward = aws.Bool(true)
	in.Limit = aws.Int32(int32(min(2*limit, maxPage)))
	filter(in, "(attribute_not_exists(#transfer.#next_attempt_at) OR #transfer.#next_attempt_at <= :now)", item{":now": moment(now)})
	var rows []dueRow
	for {
		out, err := s.client.Query(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, it := range out.Items {
			row, err := s.dueRowOf(it)
			if err != nil {
				s.damaged(ctx, op, err)
				continue
			}
			rows = append(rows, row)
		}
		slices.SortFunc(rows, dueRow.compare)
		rows = rows[:min(len(rows), limit)]
		if len(out.LastEvaluatedKey) == 0 {
			return rows, nil
		}
		reached, err := finishIn(out.LastEvaluatedKey)
		if err != nil {
			return nil, err
		}
		if len(rows) == limit && !reached.Add(band.min).Before(rows[limit-1].due) {
			return rows, nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

func (s *Store) dueRowOf(it item) (dueRow, error) {
	r := newReader(it)
	row := dueRow{due: r.in(attrTransfer).moment("next_attempt_at"), sortKey: r.text(attrSortKey)}
	key, ok := s.keyOfPK(r.text(attrPK))
	if !ok {
		r.bad(attrPK, "the key of a contact")
	}
	row.key = key
	return row, r.done()
}

// finishIn returns the finish time that a row's sort key begins with.
func finishIn(it item) (time.Time, error) {
	r := newReader(it)
	t, err := listing.TimeOf(r.text(attrSortKey))
	if err != nil {
		r.bad(attrSortKey, "a time and a contact")
	}
	return t, r.done()
}
