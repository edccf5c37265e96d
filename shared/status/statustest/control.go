package statustest

import (
	"errors"
	"testing"
	"time"

	"contactsync/shared/status"
	"contactsync/shared/transfer"
)

var controlChecks = []check{
	{"one run at a time has the lease", func(t *testing.T, s status.Store) {
		ok(t, "first", s.AcquireLease(t.Context(), "one", Now, after(time.Minute)))
		if err := s.AcquireLease(t.Context(), "two", after(59*time.Second), after(2*time.Minute)); !errors.Is(err, status.ErrBusy) {
			t.Errorf("while it lives: got %v, want ErrBusy", err)
		}
		ok(t, "once it ended", s.AcquireLease(t.Context(), "two", after(time.Minute), after(2*time.Minute)))
		if err := s.RenewLease(t.Context(), "one", after(3*time.Minute)); !errors.Is(err, status.ErrLeaseLost) {
			t.Errorf("renewed by the one before: got %v, want ErrLeaseLost", err)
		}
	}},
	{"a lease that is prolonged stays", func(t *testing.T, s status.Store) {
		ok(t, "take", s.AcquireLease(t.Context(), "one", Now, after(time.Minute)))
		ok(t, "prolong", s.RenewLease(t.Context(), "one", after(3*time.Minute)))
		if err := s.AcquireLease(t.Context(), "two", after(2*time.Minute), after(4*time.Minute)); !errors.Is(err, status.ErrBusy) {
			t.Errorf("got %v, want ErrBusy", err)
		}
	}},
	{"a lease that is given back is free, and only its owner gives it back", func(t *testing.T, s status.Store) {
		ok(t, "take", s.AcquireLease(t.Context(), "one", Now, after(time.Minute)))
		ok(t, "give back another's", s.ReleaseLease(t.Context(), "two"))
		if err := s.AcquireLease(t.Context(), "two", Now, after(time.Minute)); !errors.Is(err, status.ErrBusy) {
			t.Errorf("got %v, want ErrBusy", err)
		}
		ok(t, "give back", s.ReleaseLease(t.Context(), "one"))
		ok(t, "take", s.AcquireLease(t.Context(), "two", Now, after(time.Minute)))
	}},
	{"the owner of a lease may take it again", func(t *testing.T, s status.Store) {
		for range 2 { // a write is repeated when its answer was lost
			ok(t, "take", s.AcquireLease(t.Context(), "one", Now, after(time.Minute)))
		}
	}},
	{"a lease that nobody has cannot be prolonged", func(t *testing.T, s status.Store) {
		if err := s.RenewLease(t.Context(), "one", Now); !errors.Is(err, status.ErrLeaseLost) {
			t.Errorf("got %v, want ErrLeaseLost", err)
		}
		ok(t, "give back", s.ReleaseLease(t.Context(), "one"))
	}},
	{"each flow has its cursor", func(t *testing.T, s status.Store) {
		poll := status.Cursor{
			Watermark: Now, Open: true, From: after(-time.Hour), To: after(time.Hour), Resume: after(-time.Minute),
			Next: "https://api.example/next?$skiptoken='ä'", AfterNo: "44#552", AfterTime: after(-time.Minute), Mapping: "digest", Complete: true,
		}
		backfill := status.Cursor{Open: true}
		ok(t, "put", s.PutCursor(t.Context(), status.PollFlow, poll))
		got, err := s.Cursor(t.Context(), status.BackfillFlow)
		ok(t, "cursor", err)
		same(t, "a flow that never ran", status.Cursor{}, got)
		ok(t, "put", s.PutCursor(t.Context(), status.BackfillFlow, backfill))
		got, err = s.Cursor(t.Context(), status.PollFlow)
		ok(t, "cursor", err)
		same(t, "poll", poll, got)
		ok(t, "replace", s.PutCursor(t.Context(), status.PollFlow, status.Cursor{Watermark: Now}))
		got, err = s.Cursor(t.Context(), status.PollFlow)
		ok(t, "cursor", err)
		same(t, "replaced", status.Cursor{Watermark: Now}, got)
	}},
	{"transfers are paused and resumed", func(t *testing.T, s status.Store) {
		for _, want := range []bool{false, true, false} {
			if want {
				ok(t, "pause", s.SetPaused(t.Context(), true))
			}
			if paused, err := s.Paused(t.Context()); err != nil || paused != want {
				t.Errorf("paused %t, error %v; want %t", paused, err, want)
			}
			if want {
				ok(t, "resume", s.SetPaused(t.Context(), false))
			}
		}
	}},
	{"the subscription is kept", func(t *testing.T, s status.Store) {
		got, err := s.Subscription(t.Context())
		ok(t, "none", err)
		same(t, "none", status.Subscription{}, got)
		want := status.Subscription{ID: "1", URL: "https://hook.example", Resource: "contacts", ExpiresAt: after(72 * time.Hour), CheckedAt: Now,
			Problem: &transfer.Problem{Code: "SOURCE_UNAVAILABLE", Detail: "not offered"}}
		ok(t, "put", s.PutSubscription(t.Context(), want))
		got, err = s.Subscription(t.Context())
		ok(t, "read", err)
		same(t, "subscription", want, got)
	}},
}
