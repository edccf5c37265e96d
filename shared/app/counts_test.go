package app_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"contactsync/shared/app/apptest"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/contact"
	"contactsync/shared/ipaas/ipaastest"
	"contactsync/shared/status"
	"contactsync/shared/transfer"
)

// read counts contacts, and each of them once, however often the run comes to it
// (design.md 1.4).

func TestAContactThatIsRequestedAndChangedCountsOnce(t *testing.T) {
	w := apptest.New(t)
	for i := range 3 {
		no := fmt.Sprint(i + 1)
		w.Add(apptest.Person(no, no+"@example.com"))
		wish(t, w, no)
	}
	if got, want := w.Poll().Counts, (status.Counts{Read: 3, Created: 3}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestARefusedLinkCountsNoContactTwice(t *testing.T) {
	w := apptest.New(t, apptest.Options{Source: businesscentraltest.Config{MaxPageSize: 3}})
	many(w, 9)
	w.Source.Inject(businesscentraltest.Fault{Route: businesscentraltest.RouteContacts, Skip: 2, RefuseToken: true})
	if got, want := w.Poll().Counts, (status.Counts{Read: 9, Created: 9}); got != want {
		t.Errorf("new contacts: got %+v, want %+v", got, want)
	}
	w.Source.Inject(businesscentraltest.Fault{Route: businesscentraltest.RouteContacts, Skip: 2, RefuseToken: true})
	if got, want := w.Poll().Counts, (status.Counts{Read: 9, Unchanged: 9}); got != want {
		t.Errorf("unchanged contacts: got %+v, want %+v", got, want)
	}
}

// A collection notification that arrives while the run reads makes it read again.
func TestAWakeUpInMidRunCountsNoContactTwice(t *testing.T) {
	w := apptest.New(t)
	many(w, 4)
	w.Poll()
	w.Source.Inject(businesscentraltest.Fault{Route: businesscentraltest.RouteContacts, After: func(*http.Request) {
		wake := transfer.Request{Wake: true, Trigger: transfer.ByNotification, RequestedAt: w.Clock.Now(), Token: "wake"}
		if err := w.Store.Request(t.Context(), wake); err != nil {
			t.Error(err)
		}
		w.Add(apptest.Person("NEW", "new@example.com"))
	}})
	if got, want := w.Poll().Counts, (status.Counts{Read: 5, Created: 1, Unchanged: 4}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestAContactThatAnotherExecutionHasCountsOnceAsPending(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("1", "one@example.com"))
	w.Poll()
	known := w.State("1")
	w.Edit("1", func(c *businesscentraltest.Contact) { c.City = "Boston" })
	claim := transfer.Claim{Owner: "other", Until: w.Clock.Now().Add(30 * time.Second)}
	if _, err := w.Store.Claim(t.Context(), known.Key(), claim, w.Clock.Now(), transfer.State{}); err != nil {
		t.Fatal(err)
	}
	if got, want := w.Poll().Counts, (status.Counts{Read: 1, Pending: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// wish stores that a contact is to be transferred.
func wish(t *testing.T, w *apptest.World, no string) {
	t.Helper()
	r := transfer.Request{Ref: contact.Ref{No: no}, Trigger: transfer.ByHook, RequestedAt: w.Clock.Now(), Token: "wish " + no}
	if err := w.Store.Request(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

// What the last transfer warned of is still so when nothing changed.
func TestAWarningStaysWhileNothingChanges(t *testing.T) {
	w := apptest.New(t)
	p := apptest.Person("1", "one@example.com")
	p.CompanyName = ""
	w.Add(p)
	w.Poll()
	first := w.State("1")
	if len(first.Warnings) == 0 {
		t.Fatalf("a contact without a company's name is transferred without a warning: %+v", first.Attempt)
	}
	if again := w.Sync("1"); again.Action != transfer.Unchanged || len(again.Warnings) != len(first.Warnings) {
		t.Errorf("got %+v, want it unchanged with %q", again.Attempt, first.Warnings)
	}
}

// What our own deadline cuts was looked at and waits for its turn (guarantee 2e).
func TestAContactThatTheDeadlineCutsCountsAsPending(t *testing.T) {
	w := apptest.New(t, apptest.Options{Deadline: 10 * time.Second})
	w.Add(apptest.Person("1", "one@example.com"))
	w.Target.Fail(ipaastest.Script{Route: ipaastest.CustomerCreate, Effect: ipaastest.Throttled("600")})
	run := w.Poll()
	if want := (status.Counts{Read: 1, Pending: 1}); run.Complete || run.Counts != want {
		t.Errorf("got complete %t, %+v, want incomplete and %+v", run.Complete, run.Counts, want)
	}
}
