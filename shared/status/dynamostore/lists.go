package dynamostore

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"golang.org/x/sync/errgroup"

	"contactsync/shared/status"
	"contactsync/shared/status/internal/listing"
	"contactsync/shared/transfer"
)

const (
	// maxPage is how many index rows are asked for at once; DynamoDB ends a page
	// at 1 MB, about 2,000 rows, by itself.
	maxPage = 1000
	// maxSearch is how many pages of one partition a filtered list looks through
	// before it answers with what it has and a cursor.
	maxSearch = 10
)

// query returns the question for the rows of one index partition between two sort
// keys, both included; "" is open.
func (s *Store) query(partition, from, to string) *dynamodb.QueryInput {
	condition := "#status_key = :partition"
	values := item{":partition": text(partition)}
	switch {
	case from != "" && to != "":
		condition += " AND #sort_key BETWEEN :from AND :to"
		values[":from"], values[":to"] = text(from), text(to)
	case from != "":
		condition += " AND #sort_key >= :from"
		values[":from"] = text(from)
	case to != "":
		condition += " AND #sort_key <= :to"
		values[":to"] = text(to)
	}
	return &dynamodb.QueryInput{
		TableName: &s.cfg.Table, IndexName: &Definition.Index,
		KeyConditionExpression: &condition, ExpressionAttributeNames: namesIn(condition), ExpressionAttributeValues: values,
		ScanIndexForward: aws.Bool(false),
	}
}

func filter(in *dynamodb.QueryInput, expression string, values item) {
	if in.FilterExpression != nil {
		expression = *in.FilterExpression + " AND " + expression
	}
	in.FilterExpression = &expression
	for k, v := range namesIn(expression) {
		in.ExpressionAttributeNames[k] = v
	}
	for k, v := range values {
		in.ExpressionAttributeValues[k] = v
	}
}

// partition is one part of the list of transfers in the index.
type partition struct {
	key    string
	status transfer.Status
}

// partitions are all parts of the list, in the order that cursors count them.
func (s *Store) partitions() []partition {
	list := []partition{
		{s.statusKey(transfer.Pending), transfer.Pending},
		{s.statusKey(transfer.Succeeded), transfer.Succeeded},
		{s.statusKey(transfer.Skipped), transfer.Skipped},
		{s.statusKey(transfer.Failed), transfer.Failed},
	}
	for _, band := range waitBands {
		list = append(list, partition{s.bandKey(band), transfer.Retrying})
	}
	return list
}

// matches reports whether a partition can hold what a query asks for.
func (p partition) matches(q *status.Query) bool {
	switch {
	case q.Status != "" && q.Status != p.status:
		return false
	case q.Code != "" && p.status != transfer.Failed && p.status != transfer.Retrying:
		return false // only these have a code
	case q.RunID != "" && p.status == transfer.Pending:
		return false // what waits belongs to no run yet
	}
	return true
}

// Transfers lists transfers, newest first, by merging the partitions of the index;
// see [status.Store].
func (s *Store) Transfers(ctx context.Context, q status.Query) (status.Page, error) {
	const op = "list transfers"
	q.Limit = listing.Limit(q.Limit)
	all := s.partitions()
	var after *listing.Position
	if q.Cursor != "" {
		position, err := listing.ParseCursor(q.Cursor, len(all))
		if err != nil {
			return status.Page{}, fmt.Errorf("%s: %w", op, err)
		}
		after = &position
	}
	var lists []*indexList
	for i, p := range all {
		if p.matches(&q) {
			lists = append(lists, s.openList(p, i, &q, after))
		}
	}
	group, groupCtx := errgroup.WithContext(ctx)
	for _, list := range lists {
		group.Go(func() error { return list.fill(groupCtx) })
	}
	if err := group.Wait(); err != nil {
		return status.Page{}, s.fail(ctx, op, err)
	}
	streams := make([]listing.Stream, len(lists))
	for i, list := range lists {
		streams[i] = list.next
	}
	page, err := listing.Merge(ctx, streams, q.Limit)
	return page, s.fail(ctx, op, err)
}

// indexList reads one partition of the index, newest first, page by page.
type indexList struct {
	store     *Store
	partition partition
	number    int
	in        *dynamodb.QueryInput
	after     *listing.Position
	entries   []listing.Entry
	searched  int // pages
	ended     bool
}

func (s *Store) openList(p partition, number int, q *status.Query, after *listing.Position) *indexList {
	from, to := "", ""
	if !q.Since.IsZero() {
		// What is finer than a millisecond was cut off when it was stored.
		from = listing.FormatTime(q.Since.Add(time.Millisecond - 1))
	}
	if after != nil {
		to = after.SortKey
	}
	list := &indexList{store: s, partition: p, number: number, after: after}
	if from != "" && to != "" && from > to {
		list.ended = true
		return list
	}
	list.in = s.query(p.key, from, to)
	list.in.Limit = aws.Int32(int32(min(q.Limit+2, maxPage)))
	if p.status == transfer.Pending {
		filter(list.in, "attribute_not_exists(#wake)", nil)
	}
	if q.Code != "" {
		filter(list.in, "#transfer.#code = :code", item{":code": text(q.Code)})
		list.in.Limit = aws.Int32(maxPage)
	}
	if q.RunID != "" {
		filter(list.in, "#transfer.#run_id = :run", item{":run": text(q.RunID)})
		list.in.Limit = aws.Int32(maxPage)
	}
	return list
}

func (l *indexList) next(ctx context.Context) (*listing.Entry, error) {
	if err := l.fill(ctx); err != nil || len(l.entries) == 0 {
		return nil, err
	}
	entry := l.entries[0]
	l.entries = l.entries[1:]
	return &entry, nil
}

// fill reads on until there is an entry, or a barrier where the search has taken long enough.
func (l *indexList) fill(ctx context.Context) error {
	for len(l.entries) == 0 && !l.ended {
		out, err := l.store.client.Query(ctx, l.in)
		if err != nil {
			return err
		}
		l.searched++
		for _, it := range out.Items {
			l.add(ctx, it)
		}
		l.in.ExclusiveStartKey = out.LastEvaluatedKey
		if len(out.LastEvaluatedKey) == 0 {
			l.ended = true
		} else if len(l.entries) == 0 && l.searched >= maxSearch {
			r := newReader(out.LastEvaluatedKey)
			last := listing.Position{SortKey: r.text(attrSortKey), Partition: l.number}
			if err := r.done(); err != nil {
				return err
			}
			l.entries = append(l.entries, listing.Entry{Barrier: true, Position: last})
		}
	}
	return nil
}

func (l *indexList) add(ctx context.Context, it item) {
	sortKey := newReader(it).text(attrSortKey)
	entry := listing.Entry{Position: listing.Position{SortKey: sortKey, Partition: l.number}}
	if l.after != nil && !l.after.Before(entry.Position) {
		return
	}
	var err error
	if entry.Transfer, err = l.store.transferIn(it, l.partition.status); err != nil {
		l.store.damaged(ctx, "list transfers", err)
		return
	}
	l.entries = append(l.entries, entry)
}

func (s *Store) transferIn(it item, of transfer.Status) (transfer.Transfer, error) {
	if of == transfer.Pending {
		r, err := s.requestOf(it)
		return r.Transfer(), err
	}
	state, err := stateOf(it)
	return listing.Shown(&state), err
}

// ErrorCounts reads the failed and retrying part of the index; see [status.Store].
func (s *Store) ErrorCounts(ctx context.Context) ([]status.ErrorCount, error) {
	const op = "count errors"
	var parts []partition
	for _, p := range s.partitions() {
		if p.status == transfer.Failed || p.status == transfer.Retrying {
			parts = append(parts, p)
		}
	}
	found := make([][]failure, len(parts))
	group, groupCtx := errgroup.WithContext(ctx)
	for i, p := range parts {
		group.Go(func() (err error) {
			found[i], err = s.failures(groupCtx, op, p)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, s.fail(ctx, op, err)
	}
	var codes listing.Codes
	for _, f := range slices.Concat(found...) {
		codes.Add(f.code, f.id, f.at)
	}
	return codes.Counts(), nil
}

type failure struct {
	code, id string
	at       time.Time
}

func (s *Store) failures(ctx context.Context, op string, p partition) ([]failure, error) {
	in := s.query(p.key, "", "")
	projection := "#pk, #sk, #transfer.#code, #transfer.#no, #transfer.#contact_id, #transfer.#finished_at"
	in.ProjectionExpression = &projection
	for k, v := range namesIn(projection) {
		in.ExpressionAttributeNames[k] = v
	}
	var failures []failure
	for {
		out, err := s.client.Query(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, it := range out.Items {
			r := newReader(it)
			t := r.in(attrTransfer)
			f := failure{code: t.text("code"), at: t.moment("finished_at")}
			f.id = (&transfer.State{No: t.text("no"), ContactID: t.text("contact_id")}).Ref().String()
			if err := r.done(); err != nil {
				s.damaged(ctx, op, err)
				continue
			}
			failures = append(failures, f)
		}
		if len(out.LastEvaluatedKey) == 0 {
			return failures, nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}
