package app_test

import (
	"testing"
	"time"

	"contactsync/shared/app/apptest"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/ipaas/ipaastest"
	"contactsync/shared/transfer"
)

// Guarantee 2f where something fails while numbers change hands.

// rename gives a contact another number a minute later.
func rename(t *testing.T, w *apptest.World, from, to string) {
	t.Helper()
	w.Clock.Advance(time.Minute)
	if err := w.Source.RenameContact(from, to); err != nil {
		t.Fatal(err)
	}
}

func TestANewContactWhoseFirstTransferFailedDoesNotTakeTheCustomerOfTheNumbersFormerOwner(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("A", "old@example.com"))
	w.Poll()
	old, _ := w.Target.CustomerByExternalID("A|contact")
	rename(t, w, "A", "Z")
	// Z's own transfer fails, so that its customer still carries A's external id.
	w.Edit("Z", func(c *businesscentraltest.Contact) { c.EMail = "" })
	w.Add(apptest.Person("A", ""))
	if run := w.Poll(); run.Counts.Failed != 2 {
		t.Fatalf("got %+v, want both failed for their missing e-mail", run.Counts)
	}

	w.Edit("A", func(c *businesscentraltest.Contact) { c.EMail = "new@example.com" })
	if run := w.Poll(); run.Counts.Created != 1 {
		t.Fatalf("got %+v, want one created", run.Counts)
	}
	isA, _ := w.Target.CustomerByExternalID("A|contact")
	if isA.ID == old.ID || isA.EmailAddress != "new@example.com" {
		t.Errorf("A is customer %d, want one of its own and not %d", isA.ID, old.ID)
	}
	if untouched, _ := w.Target.Customer(old.ID); untouched.EmailAddress != "old@example.com" {
		t.Error("the customer of Z was overwritten with the values of A")
	}

	w.Edit("Z", func(c *businesscentraltest.Contact) { c.EMail = "old@example.com" })
	w.Poll()
	if isZ, _ := w.Target.CustomerByExternalID("Z|contact"); isZ.ID != old.ID {
		t.Errorf("Z is customer %d, want %d, which it had from the start", isZ.ID, old.ID)
	}
	if n := w.Target.CountCustomers(); n != 2 {
		t.Errorf("%d customers, want 2", n)
	}
}

func TestNumbersThatAreSwappedWhileExternalIDsCannotBeMovedComeRightAfterwards(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("A", "a@example.com"), apptest.Person("B", "b@example.com"))
	w.Poll()
	wasA, _ := w.Target.CustomerByExternalID("A|contact")
	wasB, _ := w.Target.CustomerByExternalID("B|contact")
	w.Clock.Advance(time.Minute)
	if err := w.Source.SwapNumbers("A", "B"); err != nil {
		t.Fatal(err)
	}
	w.Target.Fail(ipaastest.Script{Route: ipaastest.LinkUpdate, Times: -1, Effect: ipaastest.Effect{Status: 503}})
	if run := w.Poll(); run.Counts.Retrying == 0 || run.Counts.Updated != 0 {
		t.Fatalf("during the outage: got %+v, want none updated", run.Counts)
	}

	w.Target.ResetFaults()
	for range 2 {
		w.Clock.Advance(21 * time.Minute)
		w.Poll()
	}
	isA, _ := w.Target.CustomerByExternalID("A|contact")
	isB, _ := w.Target.CustomerByExternalID("B|contact")
	if isA.ID != wasB.ID || isB.ID != wasA.ID || isA.EmailAddress != "b@example.com" || isB.EmailAddress != "a@example.com" {
		t.Errorf("A is customer %d, B is %d; want %d and %d", isA.ID, isB.ID, wasB.ID, wasA.ID)
	}
	for _, no := range []string{"A", "B"} {
		if s := w.State(no); s.Status != transfer.Succeeded || s.No != no {
			t.Errorf("%s: got %s under the number %s, %+v; want succeeded", no, s.Status, s.No, s.Problem)
		}
	}
}

func TestAFormerNumberThatNobodyHasMeansTheContactThatHadIt(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("A", "a@example.com"))
	w.Poll()
	rename(t, w, "A", "B")
	w.Poll()

	if got := w.Sync("A"); got.Status != transfer.Succeeded || got.ContactNo != "B" {
		t.Errorf("manual sync of the former number: got %s of %s, %+v; want B's, succeeded", got.Status, got.ContactNo, got.Problem)
	}
	if s := w.State("B"); s.Status != transfer.Succeeded {
		t.Errorf("B: got %s, %+v; want succeeded as before", s.Status, s.Problem)
	}
	if run := w.Poll(); run.Counts.Failed != 0 || run.Counts.Unchanged != 1 {
		t.Errorf("got %+v, want B unchanged", run.Counts)
	}
}

func TestARetryMeansTheContactThatFailedAndNotTheOneThatGotItsNumber(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("A", "old@example.com"))
	w.Target.Fail(ipaastest.Script{Route: ipaastest.CustomerCreate, Times: -1, Effect: ipaastest.Effect{Status: 503}})
	w.Poll()
	if s := w.State("A"); s.Status != transfer.Retrying {
		t.Fatalf("got %s, want retrying", s.Status)
	}
	w.Target.ResetFaults()
	rename(t, w, "A", "Z")
	w.Add(apptest.Person("A", "new@example.com"))
	w.Clock.Advance(21 * time.Minute)

	if run := w.Poll(); run.Counts.Created != 2 {
		t.Fatalf("got %+v, want both created", run.Counts)
	}
	if s := w.State("Z"); s.Trigger != transfer.ByRetry || s.Status != transfer.Succeeded {
		t.Errorf("Z: got %s by %s, want the retry to have transferred it", s.Status, s.Trigger)
	}
	for no, email := range map[string]string{"Z": "old@example.com", "A": "new@example.com"} {
		if c, _ := w.Target.CustomerByExternalID(no + "|contact"); c.EmailAddress != email {
			t.Errorf("the customer of %s has the e-mail address of another contact", no)
		}
	}
}

func TestAnExternalIDThatWasMovedIsNotMovedAgainWhenTheUpdateAfterItFailed(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("A", "a@example.com"))
	w.Poll()
	rename(t, w, "A", "B")
	w.Target.Fail(ipaastest.Script{Route: ipaastest.CustomerUpdate, Times: -1, Effect: ipaastest.Effect{Status: 503}})
	if run := w.Poll(); run.Counts.Retrying != 1 {
		t.Fatalf("got %+v, want retrying", run.Counts)
	}
	w.Target.ResetFaults()
	w.Target.ResetRequests()
	w.Clock.Advance(21 * time.Minute)
	if run := w.Poll(); run.Counts.Updated != 1 || calls(w) != 1 {
		t.Errorf("got %+v with %d calls, want updated with the one call that was missing", run.Counts, calls(w))
	}
}
