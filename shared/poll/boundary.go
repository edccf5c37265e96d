package poll

import (
	"context"
	"errors"
	"fmt"
	"time"

	"contactsync/shared/contact"
	"contactsync/shared/transfer"
)

// A boundary is the last row of a page: the place at which the next link goes on.
type boundary struct {
	no, id string
	at     time.Time
}

// errMoved tells that the row at a page's boundary was changed while the window
// was read.
var errMoved = errors.New("the contact at a page's end was changed while the window was read")

// held makes sure that the page that was read through a link goes on where the
// page before it ended. The link's token names that page's last row
// (business-central.md 4.4). Whether the position of the token moves along when
// the row is changed is not known; if it does, the link led to the window's end,
// and everything between would be lost. One read for each link tells. If the row
// was changed, the window begins again at the time it had.
func (w *reading) held(ctx context.Context, behind boundary) error {
	if behind == (boundary{}) || w.schema.Strategy == FullScan {
		return nil // a full scan is ordered by number, which an edit leaves
	}
	ref := contact.Ref{ID: behind.id}
	if behind.id == "" {
		ref.No = behind.no
	}
	now, err := w.run.cfg.Source.Contact(ctx, ref)
	switch {
	case err == nil && now.Modified.Equal(behind.at):
		return nil
	case err != nil && !errors.Is(err, transfer.ContactNotFound):
		return w.run.readingFailed(ctx, fmt.Errorf("look at the end of the page before: %w", err))
	}
	w.cursor.Next, w.cursor.Resume = "", behind.at
	return errMoved
}
