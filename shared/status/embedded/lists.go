package embedded

import (
	"bytes"
	"context"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"contactsync/shared/status"
	"contactsync/shared/status/internal/listing"
	"contactsync/shared/transfer"
)

// Due returns what is due, the most overdue first; see [status.Store].
func (s *Store) Due(ctx context.Context, now time.Time, limit int) (due []transfer.State, err error) {
	const op = "list what is due"
	limit = listing.Limit(limit)
	end := []byte(listing.FormatTime(now) + "$") // $ follows #: everything due in that millisecond is before it
	err = s.view(ctx, op, func(t tables) error {
		rows := t.bucket(bucketStates)
		index := t.bucket(bucketByDue).Cursor()
		for k, key := index.First(); k != nil && bytes.Compare(k, end) < 0 && len(due) < limit; k, key = index.Next() {
			var r record
			if err := decodeHead(key, rows.Get(key), &r); err != nil {
				s.damaged(ctx, op, err)
				continue
			}
			due = append(due, r.State)
		}
		return nil
	})
	return due, err
}

// listed are the statuses of the list of transfers, in the order that cursors count them.
var listed = []transfer.Status{transfer.Pending, transfer.Succeeded, transfer.Skipped, transfer.Failed, transfer.Retrying}

// Transfers lists transfers, newest first; see [status.Store].
func (s *Store) Transfers(ctx context.Context, q status.Query) (page status.Page, err error) {
	const op = "list transfers"
	var after *listing.Position
	if q.Cursor != "" {
		position, err := listing.ParseCursor(q.Cursor, len(listed))
		if err != nil {
			return status.Page{}, fmt.Errorf("%s: %w", op, err)
		}
		after = &position
	}
	err = s.view(ctx, op, func(t tables) error {
		var streams []listing.Stream
		for i, of := range listed {
			if q.Status == "" || q.Status == of {
				list := &indexList{store: s, tables: t, query: &q, number: i, status: of, after: after}
				streams = append(streams, list.next)
			}
		}
		page, err = listing.Merge(ctx, streams, listing.Limit(q.Limit))
		return err
	})
	return page, err
}

// indexList reads one status of an index, newest first.
type indexList struct {
	store  *Store
	tables tables
	query  *status.Query
	number int
	status transfer.Status
	after  *listing.Position

	index  *bolt.Cursor
	prefix []byte
}

func (l *indexList) next(ctx context.Context) (*listing.Entry, error) {
	for k, key := l.step(); k != nil; k, key = l.step() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		entry := listing.Entry{Position: listing.Position{SortKey: string(k[len(l.prefix):]), Partition: l.number}}
		if l.after != nil && !l.after.Before(entry.Position) {
			continue
		}
		if !l.query.Since.IsZero() && entry.SortKey < listing.FormatTime(l.query.Since.Add(time.Millisecond-1)) {
			return nil, nil
		}
		var err error
		if entry.Transfer, err = l.read(key); err != nil {
			l.store.damaged(ctx, "list transfers", err)
			continue
		}
		if l.matches(&entry.Transfer) {
			return &entry, nil
		}
	}
	return nil, nil
}

// step moves to the next older row of the index; the first time to the newest one
// that may be on the page.
func (l *indexList) step() (k, key []byte) {
	if l.index != nil {
		k, key = l.index.Prev()
	} else {
		k, key = l.open()
	}
	if !bytes.HasPrefix(k, l.prefix) {
		return nil, nil
	}
	return k, key
}

func (l *indexList) open() (k, key []byte) {
	name := bucketByRequest
	if l.status != transfer.Pending {
		name, l.prefix = bucketByStatus, []byte(string(l.status)+"\x00")
	}
	l.index = l.tables.bucket(name).Cursor()
	end := append(bytes.Clone(l.prefix), '~') // after every time
	if l.after != nil {
		end = append(append(bytes.Clone(l.prefix), l.after.SortKey...), 0)
	}
	if k, _ = l.index.Seek(end); k == nil {
		return l.index.Last()
	}
	return l.index.Prev()
}

func (l *indexList) read(key []byte) (transfer.Transfer, error) {
	if l.status == transfer.Pending {
		r, err := decodeRequest(key, l.tables.bucket(bucketRequests).Get(key))
		if r.Wake {
			return transfer.Transfer{}, err
		}
		return r.Transfer(), err
	}
	var r record
	err := decodeHead(key, l.tables.bucket(bucketStates).Get(key), &r)
	return listing.Shown(&r.State), err
}

func (l *indexList) matches(t *transfer.Transfer) bool {
	switch {
	case t.Status == "": // a wake-up request
		return false
	case l.query.RunID != "" && t.RunID != l.query.RunID:
		return false
	case l.query.Code != "" && (t.Problem == nil || t.Problem.Code != l.query.Code):
		return false
	}
	return true
}

// ErrorCounts groups what is failed or retrying; see [status.Store].
func (s *Store) ErrorCounts(ctx context.Context) ([]status.ErrorCount, error) {
	const op = "count errors"
	var codes listing.Codes
	err := s.view(ctx, op, func(t tables) error {
		for _, of := range []transfer.Status{transfer.Failed, transfer.Retrying} {
			list := &indexList{store: s, tables: t, query: &status.Query{}, status: of}
			for {
				entry, err := list.next(ctx)
				if err != nil {
					return err
				}
				if entry == nil {
					break
				}
				codes.Add(codeOf(&entry.Transfer), entry.Transfer.ID, entry.Transfer.FinishedAt)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return codes.Counts(), nil
}

func codeOf(t *transfer.Transfer) string {
	if t.Problem == nil {
		return ""
	}
	return t.Problem.Code
}
