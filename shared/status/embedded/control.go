package embedded

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"contactsync/shared/status"
	"contactsync/shared/status/internal/listing"
)

// Rows of the control bucket besides the flows.
const (
	rowLease        = "lease"
	rowPause        = "pause"
	rowSubscription = "subscription"
)

// getControl reads a row into v and leaves v as it is when there is none.
func (t tables) getControl(name string, v any) (found bool, err error) {
	value := t.bucket(bucketControl).Get([]byte(name))
	if value == nil {
		return false, nil
	}
	if err := json.Unmarshal(value, v); err != nil {
		return false, damagedRow([]byte(name), err)
	}
	return true, nil
}

func (t tables) putControl(name string, v any) error {
	value, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return t.bucket(bucketControl).Put([]byte(name), value)
}

func (s *Store) readControl(ctx context.Context, op, name string, v any) error {
	return s.view(ctx, op, func(t tables) error {
		_, err := t.getControl(name, v)
		return err
	})
}

func (s *Store) writeControl(ctx context.Context, op, name string, v any) error {
	return s.change(ctx, op, func(t tables) error { return t.putControl(name, v) })
}

func runKey(r *status.Run) []byte { return []byte(listing.FormatTime(r.StartedAt) + "#" + r.ID) }

// PutRun stores a run and removes those that are older than [status.RunsKept]; see
// [status.Store].
func (s *Store) PutRun(ctx context.Context, r status.Run) error {
	op := "store the run " + r.ID
	if r.ID == "" {
		return fmt.Errorf("store a run: it has no id")
	}
	r.StartedAt, r.FinishedAt, r.Watermark = millisecond(r.StartedAt), millisecond(r.FinishedAt), millisecond(r.Watermark)
	value, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return s.change(ctx, op, func(t tables) error {
		runs := t.bucket(bucketRuns)
		cursor := runs.Cursor()
		for k, _ := cursor.First(); k != nil && string(k) < s.oldestRun(); k, _ = cursor.First() {
			if err := cursor.Delete(); err != nil {
				return err
			}
		}
		return runs.Put(runKey(&r), value)
	})
}

func (s *Store) oldestRun() string { return listing.FormatTime(s.cfg.Now().Add(-status.RunsKept)) }

// Runs lists runs, newest first; see [status.Store].
func (s *Store) Runs(ctx context.Context, limit int) ([]status.Run, error) {
	const op = "list runs"
	limit = listing.Limit(limit)
	runs := make([]status.Run, 0, limit)
	err := s.view(ctx, op, func(t tables) error {
		cursor := t.bucket(bucketRuns).Cursor()
		for k, value := cursor.Last(); k != nil && string(k) > s.oldestRun() && len(runs) < limit; k, value = cursor.Prev() {
			var r status.Run
			if err := json.Unmarshal(value, &r); err != nil {
				s.damaged(ctx, op, damagedRow(k, err))
				continue
			}
			runs = append(runs, r)
		}
		return nil
	})
	return runs, err
}

type lease struct {
	Owner string    `json:"owner"`
	Until time.Time `json:"until"`
}

// AcquireLease takes the right to run; see [status.Store].
func (s *Store) AcquireLease(ctx context.Context, owner string, now, until time.Time) error {
	return s.change(ctx, "take the lease", func(t tables) error {
		var held lease
		found, err := t.getControl(rowLease, &held)
		if err != nil {
			return err
		}
		if found && held.Owner != owner && held.Until.After(millisecond(now)) {
			return verdict{status.ErrBusy}
		}
		return t.putControl(rowLease, lease{owner, millisecond(until)})
	})
}

// RenewLease prolongs the lease; see [status.Store].
func (s *Store) RenewLease(ctx context.Context, owner string, until time.Time) error {
	return s.change(ctx, "prolong the lease", func(t tables) error {
		var held lease
		found, err := t.getControl(rowLease, &held)
		if err != nil {
			return err
		}
		if !found || held.Owner != owner {
			return verdict{status.ErrLeaseLost}
		}
		return t.putControl(rowLease, lease{owner, millisecond(until)})
	})
}

// ReleaseLease gives the lease back; see [status.Store].
func (s *Store) ReleaseLease(ctx context.Context, owner string) error {
	return s.change(ctx, "give the lease back", func(t tables) error {
		var held lease
		found, err := t.getControl(rowLease, &held)
		if err != nil || !found || held.Owner != owner {
			return err
		}
		return t.bucket(bucketControl).Delete([]byte(rowLease))
	})
}

// Cursor returns how far a flow has come; see [status.Store].
func (s *Store) Cursor(ctx context.Context, flow status.Flow) (c status.Cursor, err error) {
	op := fmt.Sprintf("read the cursor %s", flow)
	if err := listing.CheckFlow(flow); err != nil {
		return c, fmt.Errorf("%s: %w", op, err)
	}
	if err := s.readControl(ctx, op, string(flow), &c); err != nil {
		return status.Cursor{}, err
	}
	return c, nil
}

// PutCursor stores how far a flow has come; see [status.Store].
func (s *Store) PutCursor(ctx context.Context, flow status.Flow, c status.Cursor) error {
	op := fmt.Sprintf("store the cursor %s", flow)
	if err := listing.CheckFlow(flow); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	c.Watermark, c.From, c.To = millisecond(c.Watermark), millisecond(c.From), millisecond(c.To)
	return s.writeControl(ctx, op, string(flow), c)
}

// Paused reports whether transfers are paused; see [status.Store].
func (s *Store) Paused(ctx context.Context) (paused bool, err error) {
	err = s.readControl(ctx, "read whether transfers are paused", rowPause, &paused)
	return paused, err
}

// SetPaused pauses or resumes; see [status.Store].
func (s *Store) SetPaused(ctx context.Context, paused bool) error {
	return s.writeControl(ctx, "store whether transfers are paused", rowPause, paused)
}

// Subscription returns what is known of the subscription; see [status.Store].
func (s *Store) Subscription(ctx context.Context) (sub status.Subscription, err error) {
	if err := s.readControl(ctx, "read the subscription", rowSubscription, &sub); err != nil {
		return status.Subscription{}, err
	}
	return sub, nil
}

// PutSubscription stores what is known of the subscription; see [status.Store].
func (s *Store) PutSubscription(ctx context.Context, sub status.Subscription) error {
	sub.ExpiresAt, sub.CheckedAt = millisecond(sub.ExpiresAt), millisecond(sub.CheckedAt)
	return s.writeControl(ctx, "store the subscription", rowSubscription, sub)
}
