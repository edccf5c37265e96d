package torture_test

import (
	"fmt"
	"testing"
	"time"

	"contactsync/shared/app/apptest"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/config"
	"contactsync/shared/ipaas/ipaastest"
	"contactsync/shared/transfer"
	"contactsync/torture/tally"
)

// The schedule of design.md 1.9, lived through by the clock of the scene: nothing is
// tried before it is due, and the fifth failure is the last.
func TestAFailedTransferIsTriedAgainWhenItIsDueAndFiveTimesInAll(t *testing.T) {
	unavailable := func(w *world) {
		w.target.Fail(ipaastest.Script{Route: ipaastest.CustomerCreate, Times: -1, Effect: ipaastest.Effect{Status: 503}})
	}
	noCompany := func(w *world) {} // C9 is nowhere
	noField := func(w *world) { w.target.DeleteCustomField("Role") }
	tests := []struct {
		name    string
		cause   func(w *world)
		company string
		unit    time.Duration // RETRY_UNIT
		code    string
		waits   []time.Duration // in units
	}{
		{"iPaaS.com is down", unavailable, "", 10 * time.Minute, "DESTINATION_UNAVAILABLE", []time.Duration{2, 6, 12, 20}},
		{"iPaaS.com is down, another unit", unavailable, "", time.Hour, "DESTINATION_UNAVAILABLE", []time.Duration{2, 6, 12, 20}},
		{"the company is not linked", noCompany, "C9", 10 * time.Minute, "COMPANY_NOT_FOUND", []time.Duration{12, 36, 72, 120}},
		{"the custom field is not defined", noField, "", 10 * time.Minute, "CUSTOM_FIELD_NOT_FOUND", []time.Duration{12, 36, 72, 120}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, settings{config: func(c *config.Config) { c.RetryUnit = tt.unit }})
			tt.cause(w)
			p := apptest.Person("A", "a@example.com")
			p.CompanyNo = tt.company
			w.add(p)
			_, _ = w.poll()
			for n, wait := range tt.waits {
				s := w.state("A")
				if s.Status != transfer.Retrying || s.Number != n+1 || s.Problem.Code != tt.code || s.NextAttemptAt.Sub(s.FinishedAt) != wait*tt.unit {
					t.Fatalf("after failure %d: %s %s, attempt %d, next after %s; want %s", n+1, s.Status, s.Problem.Code, s.Number, s.NextAttemptAt.Sub(s.FinishedAt), wait*tt.unit)
				}
				w.clock.Advance(s.NextAttemptAt.Sub(w.clock.Now()) - time.Millisecond)
				_, _ = w.poll()
				if early := w.state("A"); early.Number != s.Number || !early.FinishedAt.Equal(s.FinishedAt) {
					t.Fatalf("attempt %d was made a millisecond before it was due", early.Number)
				}
				w.clock.Advance(time.Millisecond)
				_, _ = w.poll()
			}
			s := w.state("A")
			if s.Status != transfer.Failed || s.Number != 5 || s.Problem.Code != tt.code || !s.NextAttemptAt.IsZero() || len(s.Attempts) != 5 {
				t.Errorf("after the fifth failure: %+v", s.Attempt)
			}
			w.clock.Advance(30 * 24 * time.Hour)
			w.target.ResetRequests()
			if _, _ = w.poll(); w.target.Calls(ipaastest.CustomerCreate) != 0 || w.state("A").Number != 5 {
				t.Errorf("it was tried again by itself a month later: %+v", w.state("A").Attempt)
			}
			// A new version starts again at attempt 1.
			w.edit("A", boston)
			if _, _ = w.poll(); w.state("A").Number != 1 || w.state("A").Status != transfer.Retrying {
				t.Errorf("the next version: %+v, want attempt 1, retrying", w.state("A").Attempt)
			}
		})
	}
}

// One cause that fails everything: the run stops at once, spends nothing, and the
// next one transfers all of it by itself when the cause is gone.
func TestOneCauseThatFailsEverythingStopsTheRunAtOnce(t *testing.T) {
	const all = 7
	tests := []struct {
		name  string
		harm  func(w *world) (mend func())
		fails *transfer.Fault
		calls int // to iPaaS.com at most, of five workers
	}{
		{"the API key is revoked", func(w *world) func() {
			key := w.target.APIKey()
			w.target.RevokeKey(key)
			w.secret = func() ([]byte, error) { return []byte(w.document(key)), nil }
			return func() { w.target.SetKey(ipaastest.APIKey{Value: key}) }
		}, transfer.DestinationUnauthorized, 10},
		{"a permission is missing in iPaaS.com", func(w *world) func() {
			w.target.Fail(ipaastest.Script{Times: -1, Effect: ipaastest.Refused(403, "AUTH-2001", "no permission")})
			return w.target.ResetFaults
		}, transfer.DestinationUnauthorized, 10},
		{"the client secret has expired", func(w *world) func() {
			w.source.SetClientSecrets("another")
			return func() { w.source.SetClientSecrets(w.source.Config().ClientSecret) }
		}, transfer.SourceUnauthorized, 0},
		{"the contact page is not published", func(w *world) func() {
			w.source.Unpublish("Contact_Card")
			return func() {
				if err := w.source.Publish(businesscentraltest.Service{Name: "Contact_Card", Page: businesscentraltest.ContactPage}); err != nil {
					w.t.Fatal(err)
				}
			}
		}, transfer.SourceUnavailable, 0},
	}
	count := tally.Begin(t, "one cause that fails everything")
	for _, tt := range tests {
		for _, workers := range []int{1, 5} {
			t.Run(fmt.Sprintf("%s, %d workers", tt.name, workers), func(t *testing.T) {
				count.Scene(t)
				w := newWorld(t, settings{workers: workers})
				population(w)
				mend := tt.harm(w)
				for range 8 { // more runs than an item has attempts
					w.clock.Advance(10 * time.Minute)
					w.target.ResetRequests()
					run, err := w.poll()
					c := run.Counts
					if transfer.FaultOf(err) != tt.fails || run.Complete || c.Failed+c.Retrying+c.Created > 0 || !run.Watermark.IsZero() {
						t.Fatalf("got %+v, %v; want %s, nothing spent, no watermark", run, err, tt.fails.Code)
					}
					if n := len(w.target.Requests()); n > tt.calls {
						t.Errorf("%d calls before the run stopped, want at most %d", n, tt.calls)
					}
				}
				if lines := w.outcomes(); len(lines) > 1 { // the company, which is skipped without a call
					t.Errorf("stored %q, want no outcome of a person", lines)
				}
				mend()
				w.clock.Advance(10 * time.Minute)
				run, err := w.poll()
				if err != nil || !run.Complete || run.Counts.Created != all || w.target.CountCustomers() != all {
					t.Errorf("afterwards: got %+v, %v; want %d created\n%s", run, err, all, w.tail())
				}
			})
		}
	}
}
