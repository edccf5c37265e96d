package poll

import (
	"context"
	"errors"
	"time"

	"contactsync/shared/status"
)

const (
	leaseLength = 60 * time.Second // after the last checkpoint (guarantee 8)
	leaseBeat   = 20 * time.Second // how often a live run prolongs it
	leaseExcess = 2 * time.Second  // at most that long after the run's deadline
)

// leased does the run under the lease, so that there is one at a time.
func (r *run) leased(ctx context.Context) (status.Run, error) {
	if busy, err := r.acquire(ctx); busy || err != nil {
		r.sum.Busy = busy
		return r.finish(ctx, err)
	}
	for {
		err := r.underLease(ctx)
		// A request that was stored after our last look, whose stream event met our
		// lease, would wait for the next poll: look once more now that it is free.
		if err != nil || !r.sum.Complete || timeUp(ctx) || !r.waiting(ctx) {
			return r.finish(ctx, err)
		}
		if busy, err := r.acquire(ctx); busy || err != nil {
			return r.finish(ctx, err)
		}
		r.event = Event{Mode: Stream}
	}
}

func (r *run) acquire(ctx context.Context) (busy bool, err error) {
	now := r.cfg.Now()
	err = r.cfg.Store.AcquireLease(ctx, r.id, now, r.leaseEnd(ctx, now))
	if errors.Is(err, status.ErrBusy) {
		return true, nil
	}
	return false, err
}

func (r *run) leaseEnd(ctx context.Context, now time.Time) time.Time {
	end := now.Add(leaseLength)
	if deadline, ok := ctx.Deadline(); ok {
		if last := now.Add(time.Until(deadline) + leaseExcess); last.Before(end) {
			return last
		}
	}
	return end
}

func (r *run) underLease(ctx context.Context) error {
	working, stop := context.WithCancelCause(ctx)
	beating := make(chan struct{})
	go func() {
		defer close(beating)
		r.keepLease(working, stop)
	}()
	err := r.work(working)
	if cause := context.Cause(working); errors.Is(cause, status.ErrLeaseLost) {
		err, r.sum.Complete = nil, false
		r.note("another run took over the lease; it goes on with the work")
	}
	stop(nil)
	<-beating
	release, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if releaseErr := r.cfg.Store.ReleaseLease(release, r.id); releaseErr != nil {
		r.cfg.Log.WarnContext(ctx, "the lease was left to expire", "run_id", r.id, "error", releaseErr)
	}
	return err
}

// keepLease prolongs the lease while the run works. A run that lost it stops.
func (r *run) keepLease(ctx context.Context, stop context.CancelCauseFunc) {
	ticker := time.NewTicker(leaseBeat)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		err := r.cfg.Store.RenewLease(ctx, r.id, r.leaseEnd(ctx, r.cfg.Now()))
		if errors.Is(err, status.ErrLeaseLost) {
			stop(status.ErrLeaseLost)
			return
		}
		if err != nil && ctx.Err() == nil {
			r.cfg.Log.WarnContext(ctx, "the lease could not be prolonged", "run_id", r.id, "error", err)
		}
	}
}
