package outbound

import (
	"context"
	"sync"
	"time"
)

// A hold keeps all callers back after the system refused one of them.
type hold struct {
	mu  sync.Mutex
	end time.Time
}

// extend holds all callers until end, or longer if they are held longer already.
func (h *hold) extend(end time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if end.After(h.end) {
		h.end = end
	}
}

// until returns the end of the hold, the zero time when there is none.
func (h *hold) until() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.end.After(time.Now()) {
		return time.Time{}
	}
	return h.end
}

// wait returns once nobody is held. It is ErrThrottled at once when the hold ends
// after ctx's deadline, and ctx's error when ctx ends.
func (h *hold) wait(ctx context.Context) error {
	for {
		end := h.until()
		if end.IsZero() {
			return ctx.Err()
		}
		if deadline, ok := ctx.Deadline(); ok && end.After(deadline) {
			return ErrThrottled
		}
		if err := sleep(ctx, time.Until(end)); err != nil {
			return err
		}
	}
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
