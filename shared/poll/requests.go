package poll

import (
	"context"
	"errors"

	"contactsync/shared/contact"
	"contactsync/shared/status"
	"contactsync/shared/transfer"
)

// takeSize is how many waiting requests or due retries are taken at once.
const takeSize = 200

// requests transfers what waits, the oldest first, and takes each request once.
// Wake-ups are gathered for windows.
func (r *run) requests(ctx context.Context) error {
	for {
		waiting, more, err := r.cfg.Store.Requests(ctx, takeSize+len(r.seen))
		if err != nil {
			return r.readingFailed(ctx, err)
		}
		fresh := r.unseen(waiting)
		if err := r.take(ctx, fresh); err != nil {
			return err
		}
		if len(fresh) == 0 || !more && len(fresh) < takeSize {
			return nil
		}
	}
}

// unseen leaves out the requests that this run took up already: one whose contact
// is claimed elsewhere stays for a later run.
func (r *run) unseen(waiting []transfer.Request) []transfer.Request {
	var fresh []transfer.Request
	for _, q := range waiting {
		if !r.seen[q.Token] {
			r.seen[q.Token] = true
			fresh = append(fresh, q)
		}
	}
	return fresh
}

func (r *run) take(ctx context.Context, requests []transfer.Request) error {
	b := &batch{}
	for _, q := range requests {
		if q.Wake {
			r.woken = append(r.woken, q)
			continue
		}
		job := transfer.Job{Ref: q.Ref, Deleted: q.Deleted, Trigger: q.Trigger}
		if err := r.pool.start(ctx, b, job, func(_ transfer.Transfer, err error) error { return r.afterRequest(ctx, q, err) }); err != nil {
			b.settled()
			return err
		}
	}
	b.settled()
	r.cfg.Progress(r.tally.counts())
	return r.pool.failure(nil)
}

// afterRequest removes a request whose transfer is stored. One that was put anew
// meanwhile stays and is transferred afterwards (guarantee 1).
func (r *run) afterRequest(ctx context.Context, q transfer.Request, err error) error {
	switch {
	case err == nil:
		return r.done(ctx, q)
	case errors.Is(err, transfer.ErrClaimed):
		r.mu.Lock()
		if _, before := r.claimed[q.Token]; !before {
			r.claimed[q.Token] = true
		}
		r.mu.Unlock()
		return nil // stays pending
	case errors.Is(err, transfer.ErrUnfinished):
		return errTimeUp
	case errors.Is(err, status.ErrDamaged):
		return r.damaged(ctx, q.Ref, err)
	}
	return err
}

// forgetClaimed lets the run try requests once more whose contact was claimed when
// it came to them: the claim may have been that of a page of its own.
func (r *run) forgetClaimed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for token, fresh := range r.claimed {
		if fresh {
			delete(r.seen, token)
			r.claimed[token] = false
		}
	}
}

// damaged tells of a row that cannot be understood; it must not stop the work on
// all others.
func (r *run) damaged(ctx context.Context, ref contact.Ref, err error) error {
	r.cfg.Log.ErrorContext(ctx, "a stored row cannot be understood; erase it with contactsync forget", "run_id", r.id, "contact_no", ref.String(), "error", err)
	return nil
}

func (r *run) done(ctx context.Context, requests ...transfer.Request) error {
	if r.event.DryRun {
		return nil
	}
	for _, q := range requests {
		if err := r.cfg.Store.Done(context.WithoutCancel(ctx), q); err != nil {
			return err
		}
	}
	return nil
}

// retries transfers what is due again.
func (r *run) retries(ctx context.Context) error {
	taken := map[transfer.Key]bool{}
	for {
		due, err := r.cfg.Store.Due(ctx, r.cfg.Now(), takeSize+len(taken))
		if err != nil {
			return r.readingFailed(ctx, err)
		}
		b := &batch{}
		fresh := 0
		for _, s := range due {
			if taken[s.Key()] {
				continue
			}
			taken[s.Key()] = true
			fresh++
			job := transfer.Job{Ref: steadyRef(&s), Trigger: transfer.ByRetry, Known: &s}
			if err := r.pool.start(ctx, b, job, func(_ transfer.Transfer, err error) error { return r.afterRetry(ctx, job.Ref, err) }); err != nil {
				b.settled()
				return err
			}
		}
		b.settled()
		if err := r.pool.failure(nil); err != nil || fresh < takeSize {
			return err
		}
	}
}

// steadyRef names a contact by what does not change: its number may be another
// contact's by now.
func steadyRef(s *transfer.State) contact.Ref {
	if s.ContactID != "" {
		return contact.Ref{ID: s.ContactID}
	}
	return s.Ref()
}

func (r *run) afterRetry(ctx context.Context, ref contact.Ref, err error) error {
	switch {
	case errors.Is(err, transfer.ErrClaimed):
		return nil // stays due
	case errors.Is(err, transfer.ErrUnfinished):
		return errTimeUp
	case errors.Is(err, status.ErrDamaged):
		return r.damaged(ctx, ref, err)
	}
	return err
}

// stillPending reads the requests of a stream event as they stand now: what the
// event shows is a hint, and one that is done does nothing. A wake-up is taken as
// it is; one too many costs a poll that finds nothing.
func (r *run) stillPending(ctx context.Context) ([]transfer.Request, error) {
	var waiting []transfer.Request
	for _, hint := range r.event.Requests {
		if hint.Wake {
			waiting = append(waiting, hint)
			continue
		}
		now, err := r.cfg.Store.RequestOf(ctx, hint.Ref.No, hint.Ref.ID)
		if err != nil {
			return nil, err
		}
		if now != nil {
			waiting = append(waiting, *now)
		}
	}
	return waiting, nil
}

// stream transfers the pending items of a stream event, and whatever waits besides.
func (r *run) stream(ctx context.Context, schema Schema) error {
	if err := r.take(ctx, r.unseen(r.event.Requests)); err != nil {
		return err
	}
	if err := r.requests(ctx); err != nil {
		return err
	}
	if len(r.woken) == 0 {
		return nil
	}
	r.event = Event{Mode: Poll}
	return r.windows(ctx, schema)
}

// waiting reports whether a request waits that this run has not seen.
func (r *run) waiting(ctx context.Context) bool {
	waiting, _, err := r.cfg.Store.Requests(ctx, 1+len(r.seen))
	if err != nil {
		return false
	}
	for _, q := range waiting {
		if !r.seen[q.Token] {
			return true
		}
	}
	return false
}
