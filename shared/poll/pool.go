package poll

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"contactsync/shared/contact"
	"contactsync/shared/transfer"
)

// pool transfers contacts, Workers at once; the run's tally counts what comes of them.
type pool struct {
	run   *run
	slots chan struct{}
	all   sync.WaitGroup

	mu      sync.Mutex
	stopped error // why no further contact is begun
}

func newPool(r *run) *pool {
	return &pool{run: r, slots: make(chan struct{}, r.cfg.Workers)}
}

// batch is a group of contacts whose outcomes are awaited together: a page, or
// the requests that were waiting.
type batch struct {
	group sync.WaitGroup
	mu    sync.Mutex
	open  bool // a member is not settled
}

func (b *batch) leaveOpen() {
	b.mu.Lock()
	b.open = true
	b.mu.Unlock()
}

// settled waits for all members and reports whether each has its outcome stored.
func (b *batch) settled() bool {
	b.group.Wait()
	return !b.open
}

// start transfers one contact as soon as a worker is free. after is told the
// outcome; what it returns ends the run.
func (p *pool) start(ctx context.Context, b *batch, job transfer.Job, after func(transfer.Transfer, error) error) error {
	if err := p.failure(nil); err != nil {
		return err
	}
	if timeUp(ctx) {
		return p.stop(errTimeUp)
	}
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return p.stop(errTimeUp)
	}
	job.RunID = p.run.id
	b.group.Add(1)
	p.all.Go(func() {
		defer b.group.Done()
		defer func() { <-p.slots }()
		t, err := p.transfer(ctx, job)
		if afterErr := after(t, err); afterErr != nil {
			b.leaveOpen()
			if errors.Is(afterErr, errTimeUp) && errors.Is(p.failure(errTimeUp), errTimeUp) { // it was looked at, and its turn comes again (guarantee 2e)
				p.run.tally.done(keyOf(t, job), asPending)
			}
			_ = p.stop(afterErr) // start and failure tell it on
			return
		}
		p.run.tally.done(keyOf(t, job), kindOf(t.Status, t.Action))
	})
	return nil
}

// keyOf is the contact that a transfer was about, by what does not change if that
// is known.
func keyOf(t transfer.Transfer, job transfer.Job) transfer.Key {
	switch {
	case job.Contact != nil:
		return transfer.KeyFor(job.Contact)
	case t.ContactID != "":
		return transfer.Key{ID: t.ContactID}
	case job.Ref.ID != "":
		return transfer.Key{ID: job.Ref.ID}
	}
	return transfer.Key{No: contact.Key(job.Ref.No)}
}

// transfer does one contact. A side that asks for patience is waited for here,
// outside the claim, if the run has the time.
func (p *pool) transfer(ctx context.Context, job transfer.Job) (transfer.Transfer, error) {
	for {
		if p.failure(nil) != nil {
			return transfer.Transfer{Attempt: transfer.Attempt{Status: transfer.Pending}}, transfer.ErrUnfinished
		}
		t, err := p.once(ctx, job)
		if !errors.Is(err, transfer.ErrThrottled) || !p.patience(ctx) {
			return t, err
		}
	}
}

// once makes one attempt. A defect outside the transfer's own steps, such as one in
// storing its outcome, must not end the process with every contact under way: this
// one is left waiting like one that another execution has.
func (p *pool) once(ctx context.Context, job transfer.Job) (t transfer.Transfer, err error) {
	defer func() {
		if defect := recover(); defect != nil {
			ref := job.Ref
			if job.Contact != nil {
				ref = job.Contact.Ref()
			}
			err = transfer.Defect(ctx, p.run.cfg.Log, "transfer contact "+ref.String(), defect, slog.String("run_id", p.run.id), slog.String("contact_no", ref.String()))
			t = transfer.Transfer{Attempt: transfer.Attempt{Status: transfer.Pending}}
			err = fmt.Errorf("%w: %w", err, transfer.ErrClaimed)
		}
	}()
	if p.run.event.DryRun {
		preview, err := p.run.cfg.Transfers.Preview(ctx, job)
		return preview.Transfer, err
	}
	return p.run.cfg.Transfers.Transfer(ctx, job)
}

// patience waits until a side that asked for it is ready again. It reports false
// when the run has not the time.
func (p *pool) patience(ctx context.Context) bool {
	wait := time.Second
	if p.run.cfg.Pace != nil {
		// Without a hold it is the rate that gave no turn in time: do not press.
		wait = 2 * time.Second
		if held := p.run.cfg.Pace.HeldUntil(); !held.IsZero() {
			wait = max(time.Until(held), 100*time.Millisecond)
		}
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < wait+reserve {
		return false
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(wait):
		return true
	}
}

// stop makes the run begin no further contact, and calls under way end unspent
// where the cause fails every contact alike.
func (p *pool) stop(err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped == nil || (errors.Is(p.stopped, errTimeUp) && !errors.Is(err, errTimeUp)) {
		p.stopped = err
	}
	return err
}

// failure returns why the run stopped, otherwise the given error.
func (p *pool) failure(otherwise error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped != nil {
		return p.stopped
	}
	return otherwise
}

func (p *pool) wait() { p.all.Wait() }

// lookup finds out, for contacts of a page, which of them are settled, and starts
// the others. before is what the run looked at already.
func (p *pool) lookup(ctx context.Context, b *batch, page []*contact.Contact, trigger transfer.Trigger, before span) (err error) {
	defer func() {
		if err != nil {
			b.leaveOpen() // some of these contacts were not even looked at
		}
	}()
	keys := make([]transfer.Key, len(page))
	for i, c := range page {
		keys[i] = transfer.KeyFor(c)
	}
	states, err := p.run.cfg.Store.States(ctx, keys)
	if err != nil {
		return p.run.readingFailed(ctx, err)
	}
	for i, c := range page {
		var known *transfer.State
		if s, ok := states[keys[i]]; ok {
			known = &s
		}
		settled, yes, err := p.run.cfg.Transfers.Settled(ctx, c, known)
		if err != nil {
			return err
		}
		if yes {
			p.run.tally.settled(keys[i], kindOf(settled, transfer.Unchanged), before.holds(c.Modified))
			continue
		}
		job := transfer.Job{Contact: c, Trigger: trigger, Known: known}
		err = p.start(ctx, b, job, func(_ transfer.Transfer, err error) error { return p.run.afterChanged(ctx, c, trigger, err) })
		if err != nil {
			return err
		}
	}
	p.run.cfg.Progress(p.run.tally.counts())
	return nil
}
