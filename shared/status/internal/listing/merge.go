package listing

import (
	"cmp"
	"context"

	"contactsync/shared/status"
	"contactsync/shared/transfer"
)

// DefaultLimit is the length of a page when the caller names none.
const DefaultLimit = 50

// Limit returns the length of a page.
func Limit(n int) int {
	if n < 0 {
		return DefaultLimit
	}
	return cmp.Or(n, DefaultLimit)
}

// An Entry is what a partition holds at one position.
type Entry struct {
	Position
	Transfer transfer.Transfer
	// Barrier: the partition was searched up to here without a match, and the
	// search is to go on with the next page of the list.
	Barrier bool
}

// A Stream yields the entries of one partition, newest first; nil after the last.
type Stream func(ctx context.Context) (*Entry, error)

// Merge returns the page that the streams make together, newest first. It ends
// early, with a cursor, at a barrier.
func Merge(ctx context.Context, streams []Stream, limit int) (status.Page, error) {
	heads := make([]*Entry, len(streams))
	for i, next := range streams {
		var err error
		if heads[i], err = next(ctx); err != nil {
			return status.Page{}, err
		}
	}
	page := status.Page{Transfers: make([]transfer.Transfer, 0, limit)}
	var last Position
	for {
		newest := -1
		for i, head := range heads {
			if head != nil && (newest < 0 || head.Before(heads[newest].Position)) {
				newest = i
			}
		}
		switch {
		case newest < 0:
			return page, nil
		case len(page.Transfers) == limit:
			page.NextCursor = last.Cursor()
			return page, nil
		case heads[newest].Barrier:
			page.NextCursor = heads[newest].Cursor()
			return page, nil
		}
		last = heads[newest].Position
		page.Transfers = append(page.Transfers, heads[newest].Transfer)
		var err error
		if heads[newest], err = streams[newest](ctx); err != nil {
			return status.Page{}, err
		}
	}
}
