package app_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"contactsync/shared/app/apptest"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/ipaas/ipaastest"
	"contactsync/shared/transfer"
)

func text(id int64) string { return strconv.FormatInt(id, 10) }

// calls counts what arrived at iPaaS.com since the last reset.
func calls(w *apptest.World) int { return len(w.Target.Requests()) }

func TestANewContactCostsAtMostThreeCalls(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("1", "one@example.com"))
	w.Poll()
	if n := calls(w); n != 3 {
		t.Errorf("%d calls, want 3: e-mail look-up, external-id look-up, create", n)
	}
}

func TestAChangedContactCostsOneCall(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("1", "one@example.com"))
	w.Poll()
	w.Edit("1", func(c *businesscentraltest.Contact) { c.City = "Boston" })
	w.Target.ResetRequests()
	run := w.Poll()
	if n := calls(w); n != 1 || run.Counts.Updated != 1 {
		t.Errorf("%d calls and %+v, want one call and one updated", n, run.Counts)
	}
	c, _ := w.Target.CustomerByExternalID("1|contact")
	if c.Addresses[0].Fields.City != "Boston" || len(c.Addresses) != 1 {
		t.Errorf("addresses: %+v, want the one in Boston", c.Addresses)
	}
	if changed := w.State("1").Changed; len(changed) != 1 || changed[0] != "addresses.city" {
		t.Errorf("changed fields %v, want addresses.city", changed)
	}
}

func TestAnUnchangedContactCostsNothing(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("1", "one@example.com"), apptest.Person("2", ""), businesscentraltest.Contact{No: "3", Type: "Company", Name: "C"})
	w.Poll()
	before := w.State("1")
	w.Target.ResetRequests()

	run := w.Poll()
	if n := calls(w); n != 0 {
		t.Errorf("%d calls, want none", n)
	}
	if c := run.Counts; c.Unchanged != 1 || c.Failed != 1 || c.Skipped != 1 || c.Read != 3 {
		t.Errorf("got %+v, want one unchanged, one failed, one skipped", c)
	}
	if after := w.State("1"); after.RunID != before.RunID {
		t.Error("the state of an unchanged contact was written again")
	}
}

func TestAContactWhoseMappedValuesAreTheSameIsUnchanged(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("1", "one@example.com"))
	w.Poll()
	w.Edit("1", func(c *businesscentraltest.Contact) { c.JobTitle = "Boss" }) // not mapped
	w.Target.ResetRequests()
	if run := w.Poll(); run.Counts.Unchanged != 1 || calls(w) != 0 {
		t.Errorf("got %+v with %d calls, want unchanged without a call", run.Counts, calls(w))
	}
}

func TestACompanyIsLookedUpOncePerRun(t *testing.T) {
	w := apptest.New(t)
	w.Target.AddCompany("Adatum Corporation", "C1")
	w.Add(businesscentraltest.Contact{No: "C1", Type: "Company", Name: "Adatum Corporation"})
	for i := range 20 {
		p := apptest.Person(fmt.Sprintf("P%d", i), fmt.Sprintf("p%d@example.com", i))
		p.CompanyNo, p.CompanyName = "C1", "Adatum Corporation"
		w.Add(p)
	}
	if run := w.Poll(); run.Counts.Created != 20 {
		t.Fatalf("got %+v, want 20 created", run.Counts)
	}
	if n := w.Target.Calls(ipaastest.LookupCompany); n != 1 {
		t.Errorf("the company was looked up %d times, want once", n)
	}
}

func TestAManualSyncOfANewContactReadsItOnce(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("1", "one@example.com"))
	w.Poll()
	w.Add(apptest.Person("2", "two@example.com"))
	w.Source.ResetRequests()
	w.Target.ResetRequests()
	if got := w.Sync("2"); got.Action != transfer.Created {
		t.Fatalf("got %+v, want created", got)
	}
	if n := w.Source.Calls(businesscentraltest.RouteContacts, businesscentraltest.RouteContact); n != 1 {
		t.Errorf("%d reads, want one", n)
	}
	if n := calls(w); n != 3 {
		t.Errorf("%d calls, want 3", n)
	}
}

func TestAFailedTransferIsRetriedWhenItIsDue(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("1", "one@example.com"))
	w.Target.Fail(ipaastest.Script{Route: ipaastest.CustomerCreate, Times: -1, Effect: ipaastest.Effect{Status: 503}})
	for n, wait := range []time.Duration{20, 60, 120, 200} {
		w.Poll()
		s := w.State("1")
		if s.Status != transfer.Retrying || s.Number != n+1 || s.NextAttemptAt.Sub(s.FinishedAt) != wait*time.Minute {
			t.Fatalf("after failure %d: %s, attempt %d, next in %s", n+1, s.Status, s.Number, s.NextAttemptAt.Sub(s.FinishedAt))
		}
		w.Clock.Advance(wait*time.Minute + time.Second)
	}
	w.Poll()
	if s := w.State("1"); s.Status != transfer.Failed || s.Number != 5 || s.Problem.Code != transfer.DestinationUnavailable.Code {
		t.Errorf("after five failures: %+v", s.Attempt)
	}
	w.Target.ResetFaults()
	if got, err := w.TrySync("1", transfer.ByReplay); err != nil || got.Action != transfer.Created {
		t.Errorf("replay: %+v, %v", got, err)
	}
}
