package poll

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"contactsync/shared/contact"
	"contactsync/shared/status"
	"contactsync/shared/transfer"
)

// lookSize is how many contacts are looked up in the store at once: what one
// batch read takes.
const lookSize = 100

// window reads one window of changed contacts, from where the last run stopped.
func (r *run) window(ctx context.Context, schema Schema) error {
	flow, trigger := status.PollFlow, transfer.ByPoll
	if r.event.Mode == Backfill {
		flow, trigger = status.BackfillFlow, transfer.ByBackfill
	}
	cursor, err := r.cfg.Store.Cursor(ctx, flow)
	if err != nil {
		return err
	}
	w := &reading{run: r, flow: flow, trigger: trigger, schema: schema}
	w.cursor = r.open(cursor)
	if flow == status.PollFlow && !r.event.DryRun {
		defer func() { r.sum.Watermark = w.cursor.Watermark }()
	}
	repeats := 0
	for range maxRestarts {
		err = w.read(ctx)
		switch {
		case errors.Is(err, ErrNextRepeated) && repeats < maxRepeats:
			repeats++
			w.restart()
		case errors.Is(err, ErrNextRefused):
			w.restart()
		case errors.Is(err, errMoved):
		default:
			return err
		}
		r.cfg.Log.WarnContext(ctx, "the window begins again", "run_id", r.id, "from", w.cursor.From, "reason", err)
	}
	return errTimeUp // the next run goes on
}

// maxRestarts bounds how often one run begins a window again, maxRepeats how often
// because of a link that came again: after that it is no edited row any more.
const maxRestarts, maxRepeats = 20, 5

// open goes on with an unfinished window or begins a new one.
func (r *run) open(c status.Cursor) status.Cursor {
	digest := r.cfg.Mapping.Digest()
	if c.Mapping != "" && c.Mapping != digest && r.event.Mode == Poll {
		r.note("the mapping changed since the last run: contacts that are read again are transferred again; run a backfill for the others")
	}
	c.Mapping = digest
	if r.event.Mode == Backfill {
		if c.Open && c.From.Equal(r.event.From) && c.To.Equal(r.event.To) {
			return c
		}
		return status.Cursor{Open: true, From: r.event.From, To: r.event.To, Mapping: digest}
	}
	if c.Open {
		return c
	}
	c = status.Cursor{Watermark: c.Watermark, Mapping: c.Mapping, Complete: c.Complete, Open: true}
	if !c.Watermark.IsZero() {
		c.From = c.Watermark.Add(-r.cfg.Overlap)
	}
	return c
}

// reading is one window under way.
type reading struct {
	run     *run
	flow    status.Flow
	trigger transfer.Trigger
	schema  Schema
	cursor  status.Cursor

	batch    []*contact.Contact
	page     *page
	previous *page     // ended, its last contacts still under way
	newest   time.Time // greatest time of change that was looked at
}

// page is one page of the window under way.
type page struct {
	batch
	newest time.Time
	last   boundary // its last row
	behind boundary // the last row of the page before, whose link led here
	next   string
	rows   int // looked at so far
}

// restart begins the window again behind what is certain to be done: pages are
// ordered by time, so everything before the watermark is.
func (w *reading) restart() {
	// What is under way ends first: a contact that is read again would meet its own
	// claim, and its newer version would have to wait for the next run.
	for _, p := range []*page{w.previous, w.page} {
		if p != nil {
			p.settled()
		}
	}
	w.cursor.Next = ""
	behind := w.cursor.Watermark.Add(-w.run.cfg.Overlap)
	if w.schema.Strategy != FullScan && behind.After(w.start()) {
		w.cursor.Resume = behind
	}
	w.batch, w.page, w.previous = nil, nil, nil
}

func (w *reading) read(ctx context.Context) error {
	where := Window{From: w.start(), To: w.cursor.To, Next: w.cursor.Next}
	if w.schema.Strategy == FullScan && w.cursor.AfterTime.IsZero() {
		where.AfterNo = w.cursor.AfterNo
	}
	w.page = &page{}
	begin := where.From
	if where.Next != "" {
		w.page.behind = boundary{no: w.cursor.AfterNo, at: w.cursor.AfterTime}
		begin = w.cursor.AfterTime
	}
	if w.schema.Strategy != FullScan { // its rows have no times
		w.newest = time.Time{}
		defer func() {
			if !w.newest.IsZero() {
				w.run.looked.add(begin, w.newest)
			}
		}()
	}
	err := w.pages(ctx, where)
	if err != nil {
		return w.interrupted(ctx, err)
	}
	if err := w.finishPrevious(ctx); err != nil {
		return w.interrupted(ctx, err)
	}
	w.cursor = status.Cursor{Watermark: w.cursor.Watermark, From: w.cursor.From, To: w.cursor.To, Mapping: w.cursor.Mapping, Complete: true}
	return w.store(ctx)
}

func (w *reading) pages(ctx context.Context, where Window) error {
	for item, err := range w.run.cfg.Source.Changed(ctx, where) {
		if err != nil {
			if errors.Is(err, ErrNextRefused) {
				return err
			}
			return w.run.readingFailed(ctx, err)
		}
		if item.Contact == nil {
			if err := w.endPage(ctx, item.Next); err != nil {
				return err
			}
			continue
		}
		w.add(item.Contact)
		if len(w.batch) == lookSize {
			if err := w.lookup(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *reading) add(c *contact.Contact) {
	w.batch = append(w.batch, c)
}

func (w *reading) lookup(ctx context.Context) error {
	batch := w.batch
	w.batch = nil
	if len(batch) == 0 {
		return nil
	}
	if err := w.run.pool.lookup(ctx, &w.page.batch, batch, w.trigger, w.run.looked); err != nil {
		return err
	}
	// Only what was looked at counts as read: see interrupted.
	for _, c := range batch {
		if c.Modified.After(w.page.newest) {
			w.page.newest = c.Modified
		}
		if c.Modified.After(w.newest) {
			w.newest = c.Modified
		}
	}
	last := batch[len(batch)-1]
	w.page.last = boundary{no: last.No, id: last.ID, at: last.Modified}
	w.page.rows += len(batch)
	return nil
}

// endPage lets the page's last contacts finish while the next page is read, and
// takes requests that arrived meanwhile.
func (w *reading) endPage(ctx context.Context, next string) error {
	look := w.look(ctx, w.page.behind) // while the last contacts are begun
	if err := w.lookup(ctx); err != nil {
		return err
	}
	if err := w.finishPrevious(ctx); err != nil {
		return err
	}
	if err := w.held(ctx, w.page.behind, look); err != nil {
		return err
	}
	w.previous, w.page = w.page, &page{behind: w.page.last}
	w.previous.next = next
	if next == "" {
		return nil
	}
	return w.run.requests(ctx)
}

// finishPrevious waits for the page before and moves the watermark past it: every
// contact in it has its outcome stored (guarantee 1).
func (w *reading) finishPrevious(ctx context.Context) error {
	p := w.previous
	if p == nil {
		return nil
	}
	if !p.settled() {
		return w.run.pool.failure(errTimeUp)
	}
	w.previous = nil
	w.pass(p)
	w.cursor.Next = p.next
	if p.next == "" {
		return nil // the window's end is stored in one write
	}
	return w.store(ctx)
}

func (w *reading) pass(p *page) {
	if p.newest.After(w.cursor.Watermark) {
		w.cursor.Watermark = p.newest
	}
	if p.rows > 0 {
		w.cursor.AfterNo, w.cursor.AfterTime = p.last.no, p.last.at
	}
}

// interrupted keeps what an unfinished page already gave, so that a source so slow
// that a run does not see a whole page makes headway too (guarantee 8): all its
// contacts so far are settled, and the order is by time.
func (w *reading) interrupted(ctx context.Context, cause error) error {
	if errors.Is(cause, ErrNextRefused) || errors.Is(cause, ErrNextRepeated) {
		return cause
	}
	if err := w.finishPrevious(ctx); err != nil {
		return cause
	}
	if errors.Is(cause, errMoved) {
		w.batch = nil // read again from the boundary on
		return cmp.Or(w.store(ctx), cause)
	}
	p := w.page
	w.batch = nil
	if p == nil || p.rows == 0 || !p.settled() {
		return cause
	}
	if err := w.held(ctx, p.behind, w.look(ctx, p.behind)); errors.Is(err, errMoved) {
		return cmp.Or(w.store(ctx), cause)
	} else if err != nil {
		return cause
	}
	switch {
	case w.schema.Strategy == FullScan:
		w.cursor.Next = ""
	case p.newest.After(w.start()):
		w.cursor.Resume, w.cursor.Next = p.newest, ""
	default:
		return cause
	}
	w.pass(p)
	return cmp.Or(w.store(ctx), cause)
}

// start is where the open window goes on when there is no link.
func (w *reading) start() time.Time {
	if w.cursor.Resume.After(w.cursor.From) {
		return w.cursor.Resume
	}
	return w.cursor.From
}

func (w *reading) store(ctx context.Context) error {
	if w.run.event.DryRun {
		return nil
	}
	ctx, cancel := toStore(ctx)
	defer cancel()
	if err := w.run.cfg.Store.PutCursor(ctx, w.flow, w.cursor); err != nil {
		return fmt.Errorf("store how far run %s came: %w", w.run.id, err)
	}
	return nil
}

// afterChanged decides what happens to a changed contact that was not transferred.
// One that somebody else is transferring right now is left waiting, so that the
// version at hand is not lost when the watermark moves on.
func (r *run) afterChanged(ctx context.Context, c *contact.Contact, trigger transfer.Trigger, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, transfer.ErrClaimed):
		if r.event.DryRun {
			return nil
		}
		return r.leaveWaiting(context.WithoutCancel(ctx), c, trigger)
	case errors.Is(err, transfer.ErrUnfinished):
		return errTimeUp
	case errors.Is(err, status.ErrDamaged):
		return errors.Join(r.damaged(ctx, c.Ref(), err), r.leaveWaiting(context.WithoutCancel(ctx), c, trigger))
	}
	return err
}

// leaveWaiting stores that a contact waits, unless it does already: a request
// that says more (deleted, replay) must not be replaced.
func (r *run) leaveWaiting(ctx context.Context, c *contact.Contact, trigger transfer.Trigger) error {
	waiting, err := r.cfg.Store.RequestOf(ctx, c.No, c.ID)
	if err != nil || waiting != nil {
		return err
	}
	ref := c.Ref()
	if c.ID != "" {
		ref = contact.Ref{ID: c.ID} // its number may change before its turn
	}
	return r.cfg.Store.Request(ctx, transfer.Request{
		Ref: ref, Trigger: trigger, RequestedAt: r.cfg.Now().UTC().Truncate(time.Millisecond), Token: rand.Text(),
	})
}
