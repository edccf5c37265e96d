package embedded

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"contactsync/shared/contact"
	"contactsync/shared/status/internal/listing"
	"contactsync/shared/transfer"
)

const wakeKey = "wake"

// requestRow is a request as it is stored.
type requestRow struct {
	No          string           `json:"no,omitempty"`
	ID          string           `json:"contact_id,omitempty"`
	Wake        bool             `json:"wake,omitempty"`
	Deleted     bool             `json:"deleted,omitempty"`
	Trigger     transfer.Trigger `json:"trigger,omitempty"`
	RequestedAt time.Time        `json:"requested_at"`
	Token       string           `json:"token"`
}

func requestKey(r *transfer.Request) string {
	if r.Wake {
		return wakeKey
	}
	return string(stateKey(transfer.Key{ID: r.Ref.ID, No: r.Ref.No}))
}

func requestSortKey(r *transfer.Request) []byte {
	return []byte(listing.SortKey(r.RequestedAt, r.Ref.No, r.Ref.ID))
}

func decodeRequest(key, value []byte) (transfer.Request, error) {
	var row requestRow
	if err := json.Unmarshal(value, &row); err != nil {
		return transfer.Request{}, damagedRow(key, err)
	}
	r := transfer.Request{
		Ref: contact.Ref{No: row.No, ID: row.ID}, Wake: row.Wake, Deleted: row.Deleted,
		Trigger: row.Trigger, RequestedAt: row.RequestedAt, Token: row.Token,
	}
	if err := listing.CheckRequest(&r); err != nil {
		return transfer.Request{}, damagedRow(key, err)
	}
	return r, nil
}

// Request stores requests, all or none; see [transfer.Ledger]. Of several for one
// contact the last is stored, the news of a deletion before any other.
func (s *Store) Request(ctx context.Context, requests ...transfer.Request) error {
	op := fmt.Sprintf("store %d requests", len(requests))
	for i := range requests {
		if err := listing.CheckRequest(&requests[i]); err != nil {
			return fmt.Errorf("%s: %w", op, err)
		}
	}
	requests = listing.Collapse(requests, requestKey)
	for i := range requests {
		r := &requests[i]
		r.Token = cmp.Or(r.Token, rand.Text())
		if r.RequestedAt.IsZero() {
			r.RequestedAt = s.cfg.Now()
		}
		r.RequestedAt = millisecond(r.RequestedAt)
	}
	return s.change(ctx, op, func(t tables) error {
		for i := range requests {
			if err := t.putRequest(&requests[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t tables) putRequest(r *transfer.Request) error {
	key := []byte(requestKey(r))
	if err := t.removeRequest(key); err != nil {
		return err
	}
	value, err := json.Marshal(requestRow{
		No: r.Ref.No, ID: r.Ref.ID, Wake: r.Wake, Deleted: r.Deleted,
		Trigger: r.Trigger, RequestedAt: r.RequestedAt, Token: r.Token,
	})
	if err != nil {
		return err
	}
	if err := t.bucket(bucketByRequest).Put(requestSortKey(r), key); err != nil {
		return err
	}
	return t.bucket(bucketRequests).Put(key, value)
}

// removeRequest deletes the request under a key, if there is one. A damaged one
// leaves a row behind in the index, which lists pass over.
func (t tables) removeRequest(key []byte) error {
	value := t.bucket(bucketRequests).Get(key)
	if value == nil {
		return nil
	}
	if r, err := decodeRequest(key, value); err == nil {
		if err := t.bucket(bucketByRequest).Delete(requestSortKey(&r)); err != nil {
			return err
		}
	}
	return t.bucket(bucketRequests).Delete(key)
}

// Requests returns what waits, oldest first; see [contactsync/shared/status.Store].
func (s *Store) Requests(ctx context.Context, limit int) (waiting []transfer.Request, more bool, err error) {
	const op = "list what waits"
	limit = listing.Limit(limit)
	err = s.view(ctx, op, func(t tables) error {
		rows := t.bucket(bucketRequests)
		index := t.bucket(bucketByRequest).Cursor()
		for k, key := index.First(); k != nil; k, key = index.Next() {
			r, err := decodeRequest(key, rows.Get(key))
			if err != nil {
				s.damaged(ctx, op, err)
				continue
			}
			if len(waiting) == limit {
				more = true
				return nil
			}
			waiting = append(waiting, r)
		}
		return nil
	})
	return waiting, more, err
}

// RequestOf returns the newer of the requests under number and internal id; see
// [contactsync/shared/status.Store].
func (s *Store) RequestOf(ctx context.Context, no, id string) (newest *transfer.Request, err error) {
	op := "read the request of " + contact.Ref{No: no, ID: id}.String()
	var keys [][]byte
	if contact.Key(no) != "" {
		keys = append(keys, stateKey(transfer.Key{No: no}))
	}
	if id != "" {
		keys = append(keys, stateKey(transfer.Key{ID: id}))
	}
	err = s.view(ctx, op, func(t tables) error {
		for _, key := range keys {
			value := t.bucket(bucketRequests).Get(key)
			if value == nil {
				continue
			}
			r, err := decodeRequest(key, value)
			if err != nil {
				return err
			}
			if newest == nil || r.RequestedAt.After(newest.RequestedAt) {
				newest = &r
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return newest, nil
}

// Done removes a request that was not replaced meanwhile; see
// [contactsync/shared/status.Store].
func (s *Store) Done(ctx context.Context, r transfer.Request) error {
	op := "remove the request of " + r.Ref.String()
	if err := listing.CheckRequest(&r); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	key := []byte(requestKey(&r))
	return s.change(ctx, op, func(t tables) error {
		value := t.bucket(bucketRequests).Get(key)
		if value == nil {
			return nil
		}
		stored, err := decodeRequest(key, value)
		if err != nil || stored.Token != r.Token {
			return err
		}
		return t.removeRequest(key)
	})
}
