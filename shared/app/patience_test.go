package app_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"contactsync/shared/app/apptest"
	"contactsync/shared/poll"
	"contactsync/shared/status"
)

// A reluctant store takes its time before it stores how far a run came, as a table
// does that throttles for a while.
type reluctant struct {
	status.Store
	wait time.Duration
}

func (s reluctant) PutCursor(ctx context.Context, flow status.Flow, c status.Cursor) error {
	if err := s.hesitate(ctx); err != nil {
		return err
	}
	return s.Store.PutCursor(ctx, flow, c)
}

func (s reluctant) PutRun(ctx context.Context, r status.Run) error {
	if err := s.hesitate(ctx); err != nil {
		return err
	}
	return s.Store.PutRun(ctx, r)
}

func (s reluctant) hesitate(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(s.wait):
		return nil
	}
}

func TestARunHasPatienceWithItsTableWhileThereIsTime(t *testing.T) {
	tests := []struct {
		name     string
		wait     time.Duration
		deadline time.Duration // none if zero
		fails    bool
	}{
		{name: "a table that throttles for some seconds", wait: 7 * time.Second, deadline: time.Minute},
		{name: "the same without a deadline", wait: 7 * time.Second},
		{name: "a table that throttles beyond patience", wait: 11 * time.Second, deadline: time.Minute, fails: true},
		{name: "a table that throttles when there is little time", wait: 3 * time.Second, deadline: 4 * time.Second, fails: true},
		{name: "a table that is slow when there is little time", wait: time.Second, deadline: 4 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := apptest.New(t)
				many(w, 2)
				ctx := t.Context()
				if tt.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.deadline)
					defer cancel()
				}
				run, err := runWith(ctx, t, w, poll.Config{Store: reluctant{w.Store, tt.wait}}, poll.Event{Mode: poll.Poll})
				if tt.fails != errors.Is(err, context.DeadlineExceeded) || !tt.fails && (err != nil || !run.Complete) {
					t.Errorf("got %v, complete %t; want the run to fail: %t", err, run.Complete, tt.fails)
				}
				if n := w.Target.CountCustomers(); n != 2 {
					t.Errorf("%d customers, want 2", n)
				}
			})
		})
	}
}
