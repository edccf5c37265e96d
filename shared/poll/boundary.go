package poll

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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

// A look is one read of a boundary that is under way.
type look struct {
	done chan struct{} // closed when the others are set
	now  contact.Contact
	err  error
}

// needless reports whether nothing can be wrong with a boundary: there is none, or
// the order is that of the number, which an edit leaves.
func (w *reading) needless(behind boundary) bool {
	return behind == (boundary{}) || w.schema.Strategy == FullScan
}

// look begins to read a boundary. The page behind it was read.
func (w *reading) look(ctx context.Context, behind boundary) *look {
	if w.needless(behind) {
		return nil
	}
	ref := contact.Ref{ID: behind.id}
	if behind.id == "" {
		ref.No = behind.no
	}
	l := &look{done: make(chan struct{})}
	w.run.pool.all.Go(func() {
		defer close(l.done)
		defer func() { // here it would end the process, with every contact under way
			if defect := recover(); defect != nil {
				l.err = transfer.Defect(ctx, w.run.cfg.Log, "read contact "+ref.String(), defect, slog.String("run_id", w.run.id), slog.String("contact_no", ref.String()))
			}
		}()
		l.now, l.err = w.run.cfg.Source.Contact(ctx, ref)
	})
	return l
}

// held makes sure that the page that was read through a link goes on where the
// page before it ended. The link's token names that page's last row
// (business-central.md 4.4). Whether the position of the token moves along when
// the row is changed is not known; if it does, the link led to the window's end,
// and everything between would be lost. One read for each link tells. If the row
// was changed, the window begins again at the time it had.
func (w *reading) held(ctx context.Context, behind boundary, l *look) error {
	if w.needless(behind) {
		return nil
	}
	<-l.done // it ends with ctx at the latest
	switch {
	case l.err == nil && l.now.Modified.Equal(behind.at):
		return nil
	case l.err != nil && !errors.Is(l.err, transfer.ContactNotFound):
		return w.run.readingFailed(ctx, fmt.Errorf("look at the end of the page before: %w", l.err))
	}
	w.cursor.Next, w.cursor.Resume = "", behind.at
	return errMoved
}
