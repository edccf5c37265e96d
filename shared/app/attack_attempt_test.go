package app_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"contactsync/shared/app/apptest"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/ipaas/ipaastest"
	"contactsync/shared/transfer"
)

// Guarantee 3: a cause that is not the contact's spends no attempt of it and
// leaves nothing in the way of the next one.

// outage makes every create fail until the faults are reset.
func outage(w *apptest.World) {
	w.Target.Fail(ipaastest.Script{Route: ipaastest.CustomerCreate, Times: -1, Effect: ipaastest.Effect{Status: 503}})
}

func TestATransferThatIsPutOffAfterItsLastAttemptBeginsAgainAtTheFirst(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("1", "one@example.com"))
	outage(w)
	for _, wait := range []time.Duration{20, 60, 120, 200, 0} {
		w.Poll()
		w.Clock.Advance(wait*time.Minute + time.Second)
	}
	if s := w.State("1"); s.Status != transfer.Failed || s.Number != 5 {
		t.Fatalf("got %s at attempt %d, want failed at the fifth", s.Status, s.Number)
	}

	w.Target.ResetFaults()
	key := w.Target.APIKey()
	w.Target.RevokeKey(key)
	if got := mustTry(t, w, "1"); got.Status != transfer.Retrying || got.Number != 5 {
		t.Errorf("put off: got %s at attempt %d, want retrying and the attempt as it was", got.Status, got.Number)
	}
	w.Target.SetKey(ipaastest.APIKey{Value: key})
	outage(w)
	w.Clock.Advance(11 * time.Minute)
	w.Poll()
	s := w.State("1")
	if s.Status != transfer.Retrying || s.Number != 1 || s.NextAttemptAt.Sub(s.FinishedAt) != 20*time.Minute {
		t.Errorf("got %s at attempt %d, want retrying after the first of five", s.Status, s.Number)
	}
}

func TestATransferThatIsPutOffBetweenTwoAttemptsGoesOnCounting(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("1", "one@example.com"))
	outage(w)
	w.Poll()
	w.Target.ResetFaults()
	key := w.Target.APIKey()
	w.Target.RevokeKey(key)
	mustTry(t, w, "1")
	w.Target.SetKey(ipaastest.APIKey{Value: key})
	outage(w)
	w.Clock.Advance(11 * time.Minute)
	w.Poll()
	if s := w.State("1"); s.Status != transfer.Retrying || s.Number != 2 || s.NextAttemptAt.Sub(s.FinishedAt) != 60*time.Minute {
		t.Errorf("got %s at attempt %d, want retrying after the second", s.Status, s.Number)
	}
}

func TestARefusedMoveOfTheExternalIDLeavesNoClaimBehind(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("A", "a@example.com"))
	w.Poll()
	rename(t, w, "A", "B")
	key := w.Target.APIKey()
	w.Target.RevokeKey(key)
	if _, err := w.TrySync("B", transfer.ByManual); !errors.Is(err, transfer.DestinationUnauthorized) {
		t.Fatalf("got %v, want DESTINATION_UNAUTHORIZED", err)
	}
	w.Target.SetKey(ipaastest.APIKey{Value: key})
	// No time passes: a claim that was left behind would still live.
	if got := w.Sync("B"); got.Action != transfer.Updated {
		t.Errorf("got %+v, want updated", got)
	}
	if c, found := w.Target.CustomerByExternalID("B|contact"); !found || w.Target.CountCustomers() != 1 {
		t.Errorf("%d customers, B's is %+v; want the one that was A's", w.Target.CountCustomers(), c)
	}
}

func TestACreateThatIsHeldBackByTheRateLeavesNoClaimBehind(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("1", "one@example.com"))
	w.Target.Fail(ipaastest.Script{Route: ipaastest.CustomerCreate, Effect: ipaastest.Throttled("60")})
	if got, err := w.TrySync("1", transfer.ByManual); !errors.Is(err, transfer.ErrThrottled) || got.Status != transfer.Pending || got.Number != 0 {
		t.Fatalf("got %+v, %v; want pending, throttled, no attempt", got.Attempt, err)
	}
	w.Restart() // another process, which knows nothing of the hold
	if got := w.Sync("1"); got.Action != transfer.Created || got.Number != 1 {
		t.Errorf("got %+v, want created at the first attempt", got.Attempt)
	}
	w.Edit("1", func(c *businesscentraltest.Contact) { c.City = "Boston" })
	w.Poll()
	if n := w.Target.CountCustomers(); n != 1 {
		t.Errorf("%d customers, want 1", n)
	}
}

func TestAReadThatIsHeldBackLeavesNoTrace(t *testing.T) {
	w := apptest.New(t, apptest.Options{Deadline: 10 * time.Second}) // shorter than the wait that is asked for
	w.Add(apptest.Person("1", "one@example.com"))
	w.Source.Inject(businesscentraltest.Fault{
		Route: businesscentraltest.RouteContacts, Times: -1, Throttled: true, Header: http.Header{"Retry-After": {"60"}},
	})
	if _, err := w.TrySync("1", transfer.ByManual); !errors.Is(err, transfer.ErrThrottled) {
		t.Fatalf("got %v, want throttled", err)
	}
	if _, found, err := w.Store.KeyOf(t.Context(), refOf(t, "1")); err != nil || found {
		t.Errorf("found %t, %v; want nothing stored", found, err)
	}
}

func TestAContactThatCouldNotBeReadIsTransferredByWhoeverReadsItNext(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("1", "one@example.com"))
	w.Poll()
	down := w.Source.Inject(businesscentraltest.Fault{Route: businesscentraltest.RouteContacts, Times: -1, Status: http.StatusServiceUnavailable})
	if got := w.Sync("1"); got.Status != transfer.Retrying || got.Problem.Code != transfer.SourceUnavailable.Code {
		t.Fatalf("got %+v %+v, want SOURCE_UNAVAILABLE", got.Attempt, got.Problem)
	}
	down.Remove()
	// No time passes: the retry is not due, and the poll reads the same version.
	w.Poll()
	if s := w.State("1"); s.Status != transfer.Succeeded {
		t.Errorf("got %s %+v, want succeeded", s.Status, s.Problem)
	}
}
