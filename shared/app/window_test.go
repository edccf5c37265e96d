package app_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"contactsync/shared/app/apptest"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/poll"
	"contactsync/shared/status"
	"contactsync/shared/transfer"
)

// many puts n persons into Business Central, a second apart.
func many(w *apptest.World, n int) {
	for i := range n {
		w.Add(apptest.Person(fmt.Sprintf("P%05d", i), fmt.Sprintf("p%d@example.com", i)))
	}
}

// followed reports whether a call goes through a next link.
func followed(r *http.Request) bool { return strings.Contains(r.URL.RawQuery, "skiptoken") }

func TestARowAtAPagesEndThatIsEditedInMidWindowLosesNothing(t *testing.T) {
	for _, follows := range []bool{false, true} {
		t.Run(fmt.Sprintf("the token follows its row: %t", follows), func(t *testing.T) {
			w := apptest.New(t, apptest.Options{Source: businesscentraltest.Config{
				MaxPageSize: 10, Assumptions: businesscentraltest.Assumptions{SkipTokenFollowsRow: follows},
			}})
			many(w, 35)
			w.Source.Inject(businesscentraltest.Fault{
				Route: businesscentraltest.RouteContacts, Match: followed, Times: 1,
				Before: func(*http.Request) {
					w.Clock.Advance(time.Minute)
					if err := w.Source.EditContact("P00009", func(c *businesscentraltest.Contact) { c.City = "Boston" }); err != nil {
						t.Error(err)
					}
				},
			})
			run := w.Poll()
			if n := w.Target.CountCustomers(); n != 35 || !run.Complete {
				t.Fatalf("%d customers after %+v, want 35", n, run)
			}
			if c, _ := w.Target.CustomerByExternalID("P00009|contact"); c.Addresses[0].Fields.City != "Boston" {
				t.Errorf("P00009 lives in %s, want Boston", c.Addresses[0].Fields.City)
			}
		})
	}
}

// The link names the row that its page ended with. P00001 ends the first page, is
// edited, and ends the second one too: the same link comes again, and no server
// goes round in circles.
func TestARowThatEndsTwoPagesOfAWindowIsNoCircle(t *testing.T) {
	w := apptest.New(t, apptest.Options{Source: businesscentraltest.Config{MaxPageSize: 2}})
	many(w, 4)
	w.Source.Inject(businesscentraltest.Fault{
		Route: businesscentraltest.RouteContacts, Match: followed, Times: 1,
		Before: func(*http.Request) {
			for _, no := range []string{"P00001", "P00003"} {
				w.Clock.Advance(time.Minute)
				if err := w.Source.EditContact(no, func(c *businesscentraltest.Contact) { c.City = "Boston" }); err != nil {
					t.Error(err)
				}
			}
		},
	})
	run := w.Poll()
	if n := w.Target.CountCustomers(); n != 4 || !run.Complete {
		t.Fatalf("%d customers after %+v, want 4", n, run)
	}
	for _, no := range []string{"P00001", "P00003"} {
		if c, _ := w.Target.CustomerByExternalID(no + "|contact"); c.Addresses[0].Fields.City != "Boston" {
			t.Errorf("%s lives in %s, want Boston", no, c.Addresses[0].Fields.City)
		}
	}
}

func TestAServerThatGoesRoundInCirclesEndsTheRun(t *testing.T) {
	w := apptest.New(t, apptest.Options{Source: businesscentraltest.Config{MaxPageSize: 2}})
	many(w, 7)
	fault := w.Source.Inject(businesscentraltest.Fault{Route: businesscentraltest.RouteContacts, Match: followed, Times: -1, SameToken: true})
	run, err := w.App.Run(t.Context(), poll.Event{Mode: poll.Poll})
	if !errors.Is(err, transfer.SourceUnavailable) || run.Complete || w.Source.Calls(businesscentraltest.RouteContacts) > 30 {
		t.Errorf("got %v after %d calls, want the source unavailable after a few", err, w.Source.Calls(businesscentraltest.RouteContacts))
	}
	fault.Remove()
	if w.Poll(); w.Target.CountCustomers() != 7 {
		t.Errorf("%d customers once the server is well, want 7", w.Target.CountCustomers())
	}
}

// A timebox is the context of an invocation whose end comes when the test says so.
type timebox struct {
	context.Context
	over atomic.Bool
}

// Deadline is far away until the time is over; then it leaves a run no time to begin
// another contact, and those under way the time to finish.
func (b *timebox) Deadline() (time.Time, bool) {
	if b.over.Load() {
		return time.Now().Add(2 * time.Second), true
	}
	return time.Now().Add(time.Hour), true
}

// interrupted does a run whose time is over at the n-th call through a next link,
// the first being 0.
func interrupted(t *testing.T, w *apptest.World, n int, e poll.Event) status.Run {
	t.Helper()
	ctx := &timebox{Context: t.Context()}
	fault := w.Source.Inject(businesscentraltest.Fault{
		Route: businesscentraltest.RouteContacts, Match: followed, Skip: n, Times: 1, Before: func(*http.Request) { ctx.over.Store(true) },
	})
	defer fault.Remove()
	run, err := w.App.Run(ctx, e)
	if err != nil {
		t.Fatalf("run: %v", err)
	}
	return run
}

func TestARunThatWasCutGoesOnWhereItStopped(t *testing.T) {
	w := apptest.New(t, apptest.Options{Source: businesscentraltest.Config{MaxPageSize: 10}})
	many(w, 45)
	first := interrupted(t, w, 1, poll.Event{Mode: poll.Poll})
	if first.Complete || first.Watermark.IsZero() || w.Target.CountCustomers() == 45 {
		t.Fatalf("got %+v, want an incomplete run with a watermark", first)
	}
	w.Restart()
	second := w.Poll()
	if !second.Complete || w.Target.CountCustomers() != 45 || second.Counts.Read >= 45 {
		t.Errorf("got %+v and %d customers, want the rest only", second, w.Target.CountCustomers())
	}
}

func TestARunInsideAWindowOfEqualTimesMakesHeadway(t *testing.T) {
	w := apptest.New(t, apptest.Options{Source: businesscentraltest.Config{MaxPageSize: 10}})
	at := w.Clock.Now()
	for i := range 60 {
		p := apptest.Person(fmt.Sprintf("P%05d", i), fmt.Sprintf("p%d@example.com", i))
		p.Modified = at
		if err := w.Source.AddContacts(p); err != nil {
			t.Fatal(err)
		}
	}
	runs := 1
	for ; !interrupted(t, w, 1, poll.Event{Mode: poll.Poll}).Complete; runs++ {
		if runs > 20 {
			t.Fatalf("no headway: %d customers after %d runs", w.Target.CountCustomers(), runs)
		}
		w.Restart()
	}
	if n := w.Target.CountCustomers(); n != 60 || runs < 3 {
		t.Errorf("%d customers after %d runs, want 60 over several", n, runs)
	}
}

func TestAStoredLinkThatIsRefusedRestartsTheWindow(t *testing.T) {
	w := apptest.New(t, apptest.Options{Source: businesscentraltest.Config{MaxPageSize: 10}})
	many(w, 45)
	interrupted(t, w, 1, poll.Event{Mode: poll.Poll})
	w.Restart()
	w.Source.Inject(businesscentraltest.Fault{Route: businesscentraltest.RouteContacts, RefuseToken: true, Match: followed, Times: 1})
	if run := w.Poll(); !run.Complete || w.Target.CountCustomers() != 45 {
		t.Errorf("got %+v and %d customers, want all 45", run, w.Target.CountCustomers())
	}
}

func TestABackfillGoesOnOverSeveralRuns(t *testing.T) {
	w := apptest.New(t, apptest.Options{Source: businesscentraltest.Config{MaxPageSize: 10}})
	many(w, 35)
	e := poll.Event{Mode: poll.Backfill, From: apptest.Start, To: apptest.Start.Add(31 * time.Second)}
	if run := interrupted(t, w, 1, e); run.Complete {
		t.Fatalf("got %+v; want incomplete", run)
	}
	if run := w.Run(e); !run.Complete || w.Target.CountCustomers() != 30 || run.Counts.Read >= 30 {
		t.Errorf("got %+v and %d customers, want the 30 before its end", run, w.Target.CountCustomers())
	}
}

func TestAFullScanFindsWhatChangedByFingerprint(t *testing.T) {
	w := apptest.New(t, apptest.Options{Source: businesscentraltest.Config{
		MaxPageSize: 10, APIServicesOff: true,
		Services: []businesscentraltest.Service{{Name: "Contact_Card", Page: businesscentraltest.ContactPage, Without: []string{"SystemModifiedAt", "LastDateTimeModified"}}},
	}})
	many(w, 25)
	if run := w.Poll(); run.Counts.Created != 25 || !strings.Contains(strings.Join(run.Notes, " "), "reads all contacts") {
		t.Fatalf("got %+v, want 25 created and a note about the full scan\n%s", run, w.Log)
	}
	w.Edit("P00003", func(c *businesscentraltest.Contact) { c.City = "Boston" })
	w.Target.ResetRequests()
	if run := w.Poll(); run.Counts.Updated != 1 || run.Counts.Unchanged != 24 || calls(w) != 1 {
		t.Errorf("got %+v with %d calls, want one updated with one call", run.Counts, calls(w))
	}
}

func TestAPageWithoutTimesIsReadByWhatTheStandardAPISaysChanged(t *testing.T) {
	w := apptest.New(t, apptest.Options{Source: businesscentraltest.Config{
		MaxPageSize: 10,
		Services:    []businesscentraltest.Service{{Name: "Contact_Card", Page: businesscentraltest.ContactPage, Without: []string{"SystemModifiedAt", "SystemId"}}},
	}})
	many(w, 25)
	if run := w.Poll(); run.Counts.Created != 25 {
		t.Fatalf("got %+v, want 25 created\n%s", run, w.Log)
	}
	w.Edit("P00003", func(c *businesscentraltest.Contact) { c.City = "Boston" })
	w.Target.ResetRequests()
	if run := w.Poll(); run.Counts.Updated != 1 || calls(w) != 1 {
		t.Errorf("got %+v with %d calls, want one updated with one call", run, calls(w))
	}
	if got := w.Sync("P00004"); got.ContactID == "" {
		t.Errorf("got %+v, want the internal id of the standard API", got)
	}
}

func TestTwoRunsAtOnceAreOne(t *testing.T) {
	w := apptest.New(t)
	many(w, 3)
	if err := w.Store.AcquireLease(t.Context(), "other", w.Clock.Now(), w.Clock.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	run := w.Poll()
	if !run.Busy || run.Complete || run.Counts.Read != 0 {
		t.Errorf("got %+v, want busy", run)
	}
	if runs, _ := w.Store.Runs(t.Context(), 5); len(runs) != 0 {
		t.Error("a busy run is stored")
	}
	w.Clock.Advance(2 * time.Minute) // the other died
	if run := w.Poll(); run.Counts.Created != 3 {
		t.Errorf("got %+v, want three created after the lease ended", run)
	}
}

// to is exclusive: a window that ends where it begins holds nothing.
func TestABackfillThatEndsWhereItBeginsReadsNothing(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("1", "one@example.com"))
	if run := w.Run(poll.Event{Mode: poll.Backfill, From: apptest.Start, To: apptest.Start}); !run.Complete || run.Counts.Read != 0 {
		t.Errorf("got %+v", run)
	}
	if err := (poll.Event{Mode: poll.Backfill, From: apptest.Start, To: apptest.Start.Add(-time.Millisecond)}).Check(); err == nil {
		t.Error("a backfill that ends before it begins is accepted")
	}
}
