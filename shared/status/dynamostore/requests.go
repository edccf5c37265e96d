package dynamostore

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"contactsync/shared/contact"
	"contactsync/shared/status/internal/listing"
	"contactsync/shared/transfer"
)

// Request stores requests in batches, several at once; see [transfer.Ledger]. Of
// several for one contact the last is stored, the news of a deletion before any
// other. After an error some of them may be stored.
func (s *Store) Request(ctx context.Context, requests ...transfer.Request) error {
	op := fmt.Sprintf("store %d requests", len(requests))
	for i := range requests {
		if err := listing.CheckRequest(&requests[i]); err != nil {
			return fmt.Errorf("%s: %w", op, err)
		}
	}
	requests = listing.Collapse(requests, s.requestPK)
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(batchesInFlight)
	for batch := range slices.Chunk(requests, writeBatch) {
		writes := make([]types.WriteRequest, len(batch))
		for i := range batch {
			batch[i].Token = cmp.Or(batch[i].Token, rand.Text())
			if batch[i].RequestedAt.IsZero() {
				batch[i].RequestedAt = s.cfg.Now()
			}
			writes[i].PutRequest = &types.PutRequest{Item: s.requestItem(&batch[i])}
		}
		group.Go(func() error { return s.write(groupCtx, writes) })
	}
	return s.fail(ctx, op, group.Wait())
}

// Requests returns what waits, oldest first; see [status.Store].
func (s *Store) Requests(ctx context.Context, limit int) (waiting []transfer.Request, more bool, err error) {
	const op = "list what waits"
	limit = listing.Limit(limit)
	in := s.query(s.statusKey(transfer.Pending), "", "")
	in.ScanIndexForward = aws.Bool(true)
	in.Limit = aws.Int32(int32(min(limit+1, maxPage)))
	for {
		out, err := s.client.Query(ctx, in)
		if err != nil {
			return nil, false, s.fail(ctx, op, err)
		}
		for _, it := range out.Items {
			r, err := s.requestOf(it)
			if err != nil {
				s.damaged(ctx, op, err)
				continue
			}
			if len(waiting) == limit {
				return waiting, true, nil
			}
			waiting = append(waiting, r)
		}
		if len(out.LastEvaluatedKey) == 0 {
			return waiting, false, nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// RequestOf returns the newer of the requests under number and internal id; see
// [status.Store].
func (s *Store) RequestOf(ctx context.Context, no, id string) (*transfer.Request, error) {
	op := "read the request of " + contact.Ref{No: no, ID: id}.String()
	var keys []item
	if contact.Key(no) != "" {
		keys = append(keys, primaryKey(s.numberPK(no), skRequest))
	}
	if id != "" {
		keys = append(keys, primaryKey(s.prefix+kindID+id, skRequest))
	}
	if len(keys) == 0 {
		return nil, nil
	}
	items, err := s.read(ctx, keys, requestProjection)
	if err != nil {
		return nil, s.fail(ctx, op, err)
	}
	var newest *transfer.Request
	for _, it := range items {
		r, err := s.requestOf(it)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", op, err)
		}
		if newest == nil || r.RequestedAt.After(newest.RequestedAt) {
			newest = &r
		}
	}
	return newest, nil
}

const requestProjection = "#pk, #sk, #status, #no, #contact_id, #wake, #deleted, #trigger, #requested_at, #token"

// Done removes a request that was not replaced meanwhile; see [status.Store].
func (s *Store) Done(ctx context.Context, r transfer.Request) error {
	op := "remove the request of " + r.Ref.String()
	if err := listing.CheckRequest(&r); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	unchanged := condition{"#token = :token", item{":token": text(r.Token)}}
	if r.Token == "" { // put by hand
		unchanged = condition{"attribute_not_exists(#token)", nil}
	}
	return s.deleteIf(ctx, op, s.requestPK(&r), skRequest, unchanged)
}
