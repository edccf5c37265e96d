package app_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"contactsync/shared/app/apptest"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/ipaas/ipaastest"
	"contactsync/shared/transfer"
	"contactsync/shared/wire"
)

// Issue 4 through the real adapter: events as API Gateway sends them, over both
// simulators and the embedded store.

const internalID = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"

func TestAManualSyncTakesAllFourFormsOfAnID(t *testing.T) {
	for _, id := range []string{"44552a", "44552A|contact", internalID, strings.ToUpper(internalID) + "|contact"} {
		t.Run(id, func(t *testing.T) {
			w := apptest.New(t)
			p := apptest.Person("44552A", "one@example.com")
			p.SystemID = internalID
			w.Add(p)
			got := gateway{w}.sync(id)[0]
			c, found := w.Target.CustomerByExternalID("44552A|contact")
			if !found || got.ID != "44552A|contact" || got.ContactID != internalID || got.CustomerID != text(c.ID) ||
				got.Status != transfer.Succeeded || got.Action != transfer.Created || got.Trigger != transfer.ByManual || got.Attempt != 1 {
				t.Errorf("got %+v, want created as 44552A|contact", got)
			}
		})
	}
}

func TestFormsOfOneContactAreTransferredOnceAndShownAtEachPlace(t *testing.T) {
	w := apptest.New(t)
	p := apptest.Person("44552", "one@example.com")
	p.SystemID = internalID
	w.Add(p)
	got := gateway{w}.sync("44552", "a|b|c", internalID, "44552|contact")
	if n := w.Target.Calls(ipaastest.CustomerCreate); n != 1 || len(got) != 4 {
		t.Fatalf("%d creates and %d transfers, want 1 and 4", n, len(got))
	}
	for i, want := range []transfer.Status{transfer.Succeeded, transfer.Failed, transfer.Succeeded, transfer.Succeeded} {
		if got[i].Status != want {
			t.Errorf("place %d: %s, want %s", i, got[i].Status, want)
		}
	}
	if got[1].Error == nil || got[1].Error.Code != wire.InvalidID || got[1].ID != "a|b|c" {
		t.Errorf("the bad id: %+v, want INVALID_ID at its place", got[1])
	}
}

func TestADryRunShowsTheBodyAndTheChangesAndWritesNothing(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("1", "one@example.com"), apptest.Person("2", ""))
	g := gateway{w}
	g.sync("1")
	w.Edit("1", func(c *businesscentraltest.Contact) { c.City = "Boston" })
	before := w.State("1")
	w.Target.ResetRequests()

	a := g.post("/transfers", map[string]any{"ids": []string{"1", "2"}, "dry_run": true})
	a.must(http.StatusOK)
	got := a.transfers()
	one := got[0]
	if one.DryRunJSON == nil || !one.DryRun || one.Action != transfer.Updated || !strings.Contains(string(one.Request), `"city":"Boston"`) {
		t.Fatalf("got %s, want the body of an update to Boston", a.body)
	}
	if len(one.Changes) != 1 || one.Changes[0] != (wire.ChangeJSON{Field: "addresses.city", From: "Atlanta", To: "Boston"}) {
		t.Errorf("changes %+v, want the city from Atlanta to Boston", one.Changes)
	}
	if got[1].Error == nil || got[1].Error.Code != transfer.MissingEmail.Code || string(got[1].Request) != "null" {
		t.Errorf("the second: %+v, want MISSING_EMAIL without a body", got[1])
	}
	if n := w.Target.Calls(ipaastest.CustomerCreate, ipaastest.CustomerUpdate, ipaastest.LinkUpdate); n != 0 {
		t.Errorf("%d writes to iPaaS.com, want none", n)
	}
	if after := w.State("1"); after.FinishedAt != before.FinishedAt || after.RunID != before.RunID {
		t.Error("the state was written")
	}
	if _, found, _ := w.Store.KeyOf(t.Context(), refOf(t, "2")); found {
		t.Error("a row of the second contact was written")
	}
}

// pendingIDs are thirty ids, stored as pending by one manual sync.
func pendingIDs(t *testing.T, g gateway) []string {
	t.Helper()
	var ids []string
	for i := range 30 {
		no := fmt.Sprintf("P%02d", i)
		g.w.Add(apptest.Person(no, strings.ToLower(no)+"@example.com"))
		ids = append(ids, no)
	}
	ids = append(ids, strings.Repeat("9", 21))
	a := g.post("/transfers", map[string]any{"ids": ids})
	a.must(http.StatusAccepted)
	var body struct {
		Accepted []string `json:"accepted"`
		Rejected []struct {
			ID    string         `json:"id"`
			Error wire.ErrorJSON `json:"error"`
		} `json:"rejected"`
	}
	a.into(&body)
	if len(body.Accepted) != 30 || len(body.Rejected) != 1 || body.Rejected[0].Error.Code != wire.InvalidID {
		t.Fatalf("got %s, want 30 accepted and one INVALID_ID", a.body)
	}
	if n := len(g.w.Target.Requests()); n != 0 {
		t.Fatalf("%d calls before the answer, want none", n)
	}
	if list := g.get("/transfers"); len(list.transfers()) != 30 || list.transfers()[0].Status != transfer.Pending {
		t.Fatalf("the list shows %s, want 30 pending", list.body)
	}
	return ids[:30]
}

func TestManyIDsAreStoredAndTransferredByTheStream(t *testing.T) {
	w := apptest.New(t)
	g := gateway{w}
	pendingIDs(t, g)
	event := streamOf(t, w)
	run, err := w.App.Poll(w.Context(), event)
	if err != nil || run.Mode != "stream" || run.Created != 30 || run.BatchItemFailures == nil || len(*run.BatchItemFailures) != 0 {
		t.Fatalf("got %+v, %v; want 30 created and no failed item", run, err)
	}
	if again, err := w.App.Poll(w.Context(), event); err != nil || again.Read != 0 {
		t.Errorf("the same event again: %+v, %v; want nothing read", again, err)
	}
}

func TestManyIDsAreTransferredByThePollIfItIsFirst(t *testing.T) {
	w := apptest.New(t)
	g := gateway{w}
	ids := pendingIDs(t, g)
	if run := w.Poll(); run.Counts.Created != 30 {
		t.Fatalf("got %+v, want 30 created", run.Counts)
	}
	for _, id := range ids {
		if s := w.State(id); s.Trigger != transfer.ByManual {
			t.Errorf("%s: trigger %s, want manual", id, s.Trigger)
		}
	}
	if list := g.call(http.MethodGet, "/transfers", "status=pending", apptest.APIKey, nil); len(list.transfers()) != 0 {
		t.Errorf("still pending: %s", list.body)
	}
}

func TestAHookLetsItsContactsBeTransferred(t *testing.T) {
	w := apptest.New(t)
	g := gateway{w}
	w.Add(apptest.Person("44552", "one@example.com"))
	a := g.post("/hooks", map[string]any{"notifications": []map[string]string{
		{"scope": "contact/updated", "external_id": "44552|contact"},
		{"scope": "order/created", "external_id": "1"},
	}})
	a.must(http.StatusAccepted)
	var body struct {
		Accepted int `json:"accepted"`
		Rejected []struct {
			ExternalID string `json:"external_id"`
		} `json:"rejected"`
	}
	if a.into(&body); body.Accepted != 1 || len(body.Rejected) != 1 || body.Rejected[0].ExternalID != "1" {
		t.Fatalf("got %s, want one accepted and the order rejected", a.body)
	}
	arrived(t, w)
	if s := w.State("44552"); s.Action != transfer.Created || s.Trigger != transfer.ByHook {
		t.Errorf("got %+v, want created by the hook", s.Attempt)
	}
}

func TestWhilePausedAManualSyncIsStoredAndWaits(t *testing.T) {
	w := apptest.New(t)
	g := gateway{w}
	w.Add(apptest.Person("1", "one@example.com"))
	if err := w.Store.SetPaused(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if got := g.sync("1")[0]; got.Status != transfer.Pending || got.RequestedAt == nil {
		t.Errorf("got %+v, want pending", got)
	}
	if run := w.Poll(); !run.Paused || len(w.Target.Requests()) != 0 {
		t.Errorf("got %+v with %d calls, want paused without a call", run, len(w.Target.Requests()))
	}
	if err := w.Store.SetPaused(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if run := w.Poll(); run.Counts.Created != 1 {
		t.Errorf("after the pause: %+v, want one created", run.Counts)
	}
}

func TestADisabledMappingSkipsAManualSyncWithThatReason(t *testing.T) {
	w := apptest.New(t, apptest.Options{Mapping: strings.Replace(embeddedMapping(t), "status: enabled", "status: disabled", 1)})
	w.Add(apptest.Person("1", "one@example.com"))
	got := gateway{w}.sync("1")[0]
	if got.Status != transfer.Skipped || !strings.Contains(got.Reason, "disabled") || len(w.Target.Requests()) != 0 {
		t.Errorf("got %+v with %d calls, want skipped because the collection is disabled", got, len(w.Target.Requests()))
	}
	if run := w.Poll(); !run.Disabled || run.Counts.Read != 0 {
		t.Errorf("the poll: %+v, want disabled", run)
	}
}

func TestARejectedAPIKeySpendsNoAttempt(t *testing.T) {
	w := apptest.New(t)
	g := gateway{w}
	w.Add(apptest.Person("1", "one@example.com"), apptest.Person("2", "two@example.com"))
	key := w.Target.APIKey()
	w.Target.RevokeKey(key)
	for _, got := range g.sync("1", "2") {
		if got.Status != transfer.Retrying || got.Attempt != 0 || got.Error == nil || got.Error.Code != transfer.DestinationUnauthorized.Code {
			t.Fatalf("got %+v, want retrying, attempt 0, DESTINATION_UNAUTHORIZED", got)
		}
		if wait := got.NextAttemptAt.Sub(got.FinishedAt.Time); wait != 10*time.Minute {
			t.Errorf("next attempt after %s, want one unit of 10 minutes", wait)
		}
	}
	w.Target.SetKey(ipaastest.APIKey{Value: key})
	if got := g.sync("1")[0]; got.Action != transfer.Created || got.Attempt != 1 {
		t.Errorf("with the key again: %+v, want created at attempt 1", got)
	}
}

func TestRepliesOfTheStatusRoutes(t *testing.T) {
	w := apptest.New(t)
	g := gateway{w}
	w.Add(apptest.Person("1", "one@example.com"), apptest.Person("A/B 2", ""), apptest.Person("3", "none"), apptest.Person("4", ""))
	run := w.Poll()

	t.Run("errors are grouped by code with samples and what to do", func(t *testing.T) {
		var body struct {
			Errors []wire.ErrorCountJSON `json:"errors"`
		}
		g.get("/errors").into(&body)
		if len(body.Errors) != 2 || body.Errors[0].Code != transfer.MissingEmail.Code || body.Errors[0].Count != 2 ||
			len(body.Errors[0].SampleIDs) != 2 || body.Errors[0].Resolution != transfer.MissingEmail.Resolution {
			t.Errorf("got %+v, want MISSING_EMAIL twice first", body.Errors)
		}
	})
	t.Run("the run stands there with its counts", func(t *testing.T) {
		var body struct {
			Runs []wire.RunJSON `json:"runs"`
		}
		g.get("/runs").into(&body)
		if len(body.Runs) != 1 || body.Runs[0].RunID != run.ID || body.Runs[0].Failed != 3 || body.Runs[0].Created != 1 {
			t.Errorf("got %+v, want run %s with one created and three failed", body.Runs, run.ID)
		}
	})
	t.Run("the transfers of a run are found by its id and a code", func(t *testing.T) {
		a := g.call(http.MethodGet, "/transfers", "run="+run.ID+"&code=INVALID_EMAIL", apptest.APIKey, nil)
		if got := a.transfers(); len(got) != 1 || got[0].ID != "3|contact" {
			t.Errorf("got %s, want 3|contact", a.body)
		}
	})
	t.Run("pages follow each other by their cursor", func(t *testing.T) {
		seen, cursor := map[string]bool{}, ""
		for range 4 {
			a := g.call(http.MethodGet, "/transfers", "limit=1&cursor="+cursor, apptest.APIKey, nil)
			var body struct {
				NextCursor string `json:"next_cursor"`
			}
			a.into(&body)
			seen[a.transfers()[0].ID], cursor = true, body.NextCursor
		}
		if len(seen) != 4 || cursor != "" {
			t.Errorf("saw %v and then the cursor %q, want four and none", seen, cursor)
		}
	})
	t.Run("one contact with its attempts, by number with a slash and a blank", func(t *testing.T) {
		for _, path := range []string{"/transfers/A/B 2|contact", "/transfers/A%2FB%202%7Ccontact"} {
			a := g.get(path)
			a.must(http.StatusOK)
			var body struct {
				Transfer wire.TransferJSON  `json:"transfer"`
				Attempts []wire.AttemptJSON `json:"attempts"`
			}
			if a.into(&body); body.Transfer.ContactNo != "A/B 2" || len(body.Attempts) != 1 {
				t.Errorf("%s: %s", path, a.body)
			}
		}
		if a := g.get("/transfers/unheard"); a.status != http.StatusNotFound || a.code() != wire.NotFound {
			t.Errorf("an unknown one: %d %s", a.status, a.body)
		}
	})
	t.Run("a key that is not one of ours is refused", func(t *testing.T) {
		for _, key := range []string{"", "wrong"} {
			if a := g.call(http.MethodGet, "/errors", "", key, nil); a.status != http.StatusUnauthorized || a.code() != wire.Unauthorized {
				t.Errorf("key %q: %d %s", key, a.status, a.body)
			}
		}
	})
}

func TestAReplayTransfersAgainWhatFailed(t *testing.T) {
	w := apptest.New(t)
	g := gateway{w}
	w.Add(apptest.Person("1", "one@example.com"), apptest.Person("2", "two@example.com"), apptest.Person("3", ""))
	w.Target.Fail(ipaastest.Script{Route: ipaastest.CustomerCreate, Times: -1, Effect: ipaastest.Effect{Status: 503}})
	if run := w.Poll(); run.Counts.Retrying != 2 {
		t.Fatalf("got %+v, want two retrying", run.Counts)
	}
	w.Target.ResetFaults()
	a := g.post("/replays", map[string]string{"code": transfer.DestinationUnavailable.Code})
	a.must(http.StatusAccepted)
	var body struct {
		Queued []string `json:"queued"`
		More   bool     `json:"more"`
	}
	if a.into(&body); len(body.Queued) != 2 || body.More {
		t.Fatalf("got %s, want two queued", a.body)
	}
	if run := w.Poll(); run.Counts.Created != 2 {
		t.Errorf("got %+v, want two created", run.Counts)
	}
	if s := w.State("2"); s.Trigger != transfer.ByReplay {
		t.Errorf("trigger %s, want replay", s.Trigger)
	}
	g.call(http.MethodPost, "/transfers/3|contact/replay", "", apptest.APIKey, nil).must(http.StatusAccepted)
	w.Poll()
	if s := w.State("3"); s.Status != transfer.Failed || s.Trigger != transfer.ByReplay {
		t.Errorf("got %+v, want the third failed again by replay", s.Attempt)
	}
}

func embeddedMapping(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile("../mapping/contact_to_customer.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
