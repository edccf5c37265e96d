package webhook_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"contactsync/shared/contact"
	"contactsync/shared/status"
	"contactsync/shared/transfer"
	"contactsync/shared/webhook"
	"contactsync/shared/wire"
)

func TestTransfersAreListedNewestFirstWithFiltersAndCursor(t *testing.T) {
	s := open(t)
	for i := range 5 {
		state := failedState(fmt.Sprintf("C%d", i), "", "MISSING_EMAIL")
		state.FinishedAt = noon.Add(time.Duration(i) * time.Minute)
		if i%2 == 1 {
			state.Status, state.Action, state.Problem, state.RunID = transfer.Succeeded, transfer.Updated, nil, "run-2"
		}
		s.keep(state)
	}
	if err := s.store.Request(t.Context(), transfer.Request{Ref: contact.Ref{No: "W1"}, Trigger: transfer.ByHook, RequestedAt: noon.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	tests := map[string]string{
		"": "W1 C4 C3 C2 C1 C0",
		"status=&code=&run=&since=&limit=&cursor=": "W1 C4 C3 C2 C1 C0",
		"status=failed":              "C4 C2 C0",
		"status=pending":             "W1",
		"status=skipped":             "",
		"code=MISSING_EMAIL":         "C4 C2 C0",
		"code=INVALID_EMAIL":         "",
		"run=run-2":                  "C3 C1",
		"since=2026-01-31T12:03:00Z": "W1 C4 C3",
		"since=2026-01-31T13:03:00%2B01:00&status=failed": "C4",
		"since=2026-01-31T13:03:00+01:00&status=failed":   "C4",
		"since=2026-02-01":        "",
		"unknown=1&status=failed": "C4 C2 C0",
	}
	for query, want := range tests {
		got := decode[transfersBody](s.get("/transfers?" + query).is(200))
		if joined := numbers(got.Transfers); joined != want || got.NextCursor != nil {
			t.Errorf("%s: got %s (cursor %v), want %s", query, joined, got.NextCursor, want)
		}
	}

	var all []wire.TransferJSON
	cursor := ""
	for pages := 1; ; pages++ {
		page := decode[transfersBody](s.get("/transfers?limit=2&cursor=" + url.QueryEscape(cursor)).is(200))
		all = append(all, page.Transfers...)
		if len(page.Transfers) > 2 || pages > 4 {
			t.Fatalf("page %d has %d rows", pages, len(page.Transfers))
		}
		if page.NextCursor == nil {
			break
		}
		cursor = *page.NextCursor
	}
	if numbers(all) != "W1 C4 C3 C2 C1 C0" {
		t.Errorf("by pages: %s", numbers(all))
	}
}

func numbers(transfers []wire.TransferJSON) string {
	var list []string
	for _, tr := range transfers {
		list = append(list, tr.ContactNo)
	}
	return strings.Join(list, " ")
}

func TestAFilterThatMakesNoSenseIsRefusedByName(t *testing.T) {
	s := open(t)
	for query, want := range map[string]string{
		"status=done": "status is", "status=Failed": "status is", "code=NO_SUCH": "code is", "code=BAD_REQUEST": "code is",
		"limit=0": "limit is", "limit=-1": "limit is", "limit=201": "from 1 to 200", "limit=ten": "limit is", "limit=1e2": "limit is",
		"since=yesterday": "since is", "since=2026-13-01": "since is", "cursor=x": "cursor is", "status=failed&status=skipped": "status stands there twice",
		"status=%zz": "cannot be decoded",
	} {
		if e := s.get("/transfers?"+query).fails(400, "BAD_REQUEST"); !strings.Contains(e.Detail, want) {
			t.Errorf("%s: %q, want %q", query, e.Detail, want)
		}
	}
	s.get("/runs?limit=0").fails(400, "BAD_REQUEST")
	s.get("/runs?limit=1&limit=2").fails(400, "BAD_REQUEST")
}

func TestOneContactIsShownWithItsAttemptsUnderAnyFormOfItsID(t *testing.T) {
	s := open(t)
	state := failedState("44552", ada, "MISSING_EMAIL")
	state.Sent, state.Changed = []string{"first_name"}, []string{"first_name"}
	for range 12 {
		state.Attempts = append(state.Attempts, state.Attempt)
	}
	s.keep(state)
	for _, id := range []string{"44552", "44552|contact", escaped("44552|contact"), ada, strings.ToUpper(ada), ada + "|contact", ada + "%7Ccontact"} {
		got := decode[oneBody](s.get("/transfers/" + id).is(200))
		if got.Transfer.ID != "44552|contact" || got.Transfer.Status != transfer.Failed || got.Transfer.Error.Code != "MISSING_EMAIL" {
			t.Errorf("%s: %+v", id, got.Transfer)
		}
		if len(got.Attempts) != transfer.MaxAttempts || got.Attempts[0].Sent[0] != "first_name" || got.Attempts[0].Changed[0] != "first_name" {
			t.Errorf("%s: %d attempts, want %d; %+v", id, len(got.Attempts), transfer.MaxAttempts, got.Attempts)
		}
	}
	for _, id := range []string{"44553", bert, "1|2", strings.Repeat("4", 21), "%", "%zz", "44552/", "44552|customer", " "} {
		s.get("/transfers/"+id).fails(404, "NOT_FOUND")
	}
	s.get("/transfers/").fails(404, "NOT_FOUND")
}

func TestNumbersOfEveryKindAreFoundEncodedOrNot(t *testing.T) {
	for _, no := range []string{"A/B", "A&B", "O'NEIL", "A B", "ÄÖ 1", "00042", "A/REPLAY", "5%", "5%41", "A+B", "#1", "?1", "日本"} {
		s := open(t)
		s.keep(failedState(no, "", "MISSING_EMAIL"))
		for how, path := range map[string]string{
			"decoded by API Gateway":        no,
			"encoded":                       escaped(no),
			"in lower case":                 strings.ToLower(no),
			"encoded with marker":           escaped(no + "|contact"),
			"decoded with marker":           no + "|contact",
			"encoded in lower case":         escaped(strings.ToLower(no)),
			"encoded with another spelling": strings.ReplaceAll(escaped(no), "%2F", "%2f"),
		} {
			got := decode[oneBody](s.get2("/transfers/" + path).is(200))
			if got.Transfer.ID != no+"|contact" {
				t.Errorf("%s %s: got %s", no, how, got.Transfer.ID)
			}
			queued := decode[queuedBody](s.do(call{method: http.MethodPost, path: "/transfers/" + path + "/replay"}).is(202))
			if len(queued.Queued) != 1 || queued.Queued[0] != no+"|contact" {
				t.Errorf("replay of %s %s: %v", no, how, queued.Queued)
			}
		}
		if w := s.waiting(); len(w) != 1 || w[0].Ref.No != no || w[0].Trigger != transfer.ByReplay {
			t.Errorf("%s: %+v wait", no, w)
		}
	}
}

// get2 reads a path that may hold a question mark.
func (s *site) get2(path string) answer { return s.do(call{method: http.MethodGet, path: path}) }

func TestAnIDIsDecodedAtMostOnceAndOnlyWhenItNamesNothingAsItCame(t *testing.T) {
	s := open(t)
	s.keep(failedState("5%41", "", "MISSING_EMAIL"))
	s.keep(failedState("5A", "", "INVALID_EMAIL"))
	for path, want := range map[string]string{"5%41": "5%41|contact", "5%2541": "5%41|contact", "5%2541|contact": "5%41|contact", "5A": "5A|contact", "%35A": "5A|contact"} {
		if got := decode[oneBody](s.get("/transfers/" + path).is(200)); got.Transfer.ID != want {
			t.Errorf("%s is %s, want %s", path, got.Transfer.ID, want)
		}
	}
	s.get("/transfers/%252535A").fails(404, "NOT_FOUND")
}

func TestAContactThatOnlyWaitsIsPendingWithoutAttempts(t *testing.T) {
	s := open(t)
	s.post("/hooks", `{"notifications":[{"scope":"contact/updated","external_id":"77"}]}`).is(202)
	got := decode[oneBody](s.get("/transfers/77").is(200))
	if got.Transfer.Status != transfer.Pending || got.Transfer.Trigger != transfer.ByHook || got.Transfer.RequestedAt == nil || got.Attempts == nil || len(got.Attempts) != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestAContactThatWaitsAgainIsPendingAndKeepsCustomerAndAttempts(t *testing.T) {
	s := open(t)
	s.keep(failedState("44552", ada, "MISSING_EMAIL"))
	s.notify(batch(notification("state-now", "updated", contactResource(ada)))).is(202)
	for _, id := range []string{"44552", ada} {
		got := decode[oneBody](s.get("/transfers/" + id).is(200))
		tr := got.Transfer
		if tr.Status != transfer.Pending || tr.Trigger != transfer.ByNotification || tr.ID != "44552|contact" || tr.ContactID != ada || tr.CustomerID != "912" || tr.Error != nil || len(got.Attempts) != 1 {
			t.Errorf("%s: %+v, %d attempts", id, tr, len(got.Attempts))
		}
	}
}

func TestAContactWhoseFirstTransferIsUnderWayIsPending(t *testing.T) {
	s := open(t)
	s.keep(transfer.State{No: "44552", ContactID: ada})
	if got := decode[oneBody](s.get("/transfers/44552").is(200)); got.Transfer.Status != transfer.Pending || got.Transfer.Action != transfer.None {
		t.Errorf("got %+v", got.Transfer)
	}
}

func TestAGetOfTheReplayRouteIsNotAllowedUnlessANumberEndsSo(t *testing.T) {
	s := open(t)
	s.keep(failedState("A/REPLAY", "", "MISSING_EMAIL"))
	s.get("/transfers/a/replay").is(200)
	s.get("/transfers/44552/replay").fails(405, "METHOD_NOT_ALLOWED")
	s.post("/transfers/44552", "{}").fails(405, "METHOD_NOT_ALLOWED")
}

func TestAReplayOfAWaitingDeletionStaysADeletion(t *testing.T) {
	s := open(t)
	s.notify(batch(notification("state-now", "deleted", contactResource(ada)))).is(202)
	s.post("/transfers/"+ada+"/replay", "").is(202)
	if w := s.waiting(); len(w) != 1 || !w[0].Deleted || w[0].Trigger != transfer.ByReplay {
		t.Errorf("%+v wait", w)
	}
	s.post("/transfers/unknown/replay", "").fails(404, "NOT_FOUND")
}

func TestReplaysTakeWhatFailedOrRetriesByCode(t *testing.T) {
	fill := func() *site {
		s := open(t)
		s.keep(failedState("F1", "", "MISSING_EMAIL"))
		s.keep(failedState("F2", "", "COMPANY_NOT_FOUND"))
		retrying := failedState("R1", "", "COMPANY_NOT_FOUND")
		retrying.Status, retrying.NextAttemptAt = transfer.Retrying, noon.Add(time.Hour)
		s.keep(retrying)
		succeeded := failedState("S1", "", "")
		succeeded.Status, succeeded.Problem = transfer.Succeeded, nil
		s.keep(succeeded)
		return s
	}
	for body, want := range map[string]int{
		`{}`: 3, `{"status":"failed"}`: 2, `{"status":"retrying"}`: 1, `{"code":"COMPANY_NOT_FOUND"}`: 2,
		`{"status":"failed","code":"COMPANY_NOT_FOUND"}`: 1, `{"status":null,"code":""}`: 3, `{"code":"INTERNAL"}`: 0,
	} {
		s := fill()
		got := decode[queuedBody](s.post("/replays", body).is(202))
		if len(got.Queued) != want || got.More || len(s.waiting()) != want || len(s.dispatched) != want {
			t.Errorf("%s: queued %v, more %t, %d wait", body, got.Queued, got.More, len(s.waiting()))
		}
	}
	s := fill()
	for _, body := range []string{``, `[]`, `{"status":"succeeded"}`, `{"status":"done"}`, `{"status":1}`, `{"code":"NO_SUCH"}`, `{"codes":"INTERNAL"}`} {
		s.post("/replays", body).fails(400, "BAD_REQUEST")
	}
}

func TestMoreThan3000ReplaysGoOnWithTheNextCall(t *testing.T) {
	s := open(t)
	for i := range webhook.MaxIDs + 7 {
		s.keep(failedState(fmt.Sprintf("C%05d", i), "", "INTERNAL"))
	}
	first := decode[queuedBody](s.post("/replays", `{"status":"failed"}`).is(202))
	if len(first.Queued) != webhook.MaxIDs || !first.More {
		t.Fatalf("the first call queues %d, more %t", len(first.Queued), first.More)
	}
	second := decode[queuedBody](s.post("/replays", `{"status":"failed"}`).is(202))
	if len(second.Queued) != 7 || second.More || len(s.waiting()) != webhook.MaxIDs+7 {
		t.Errorf("the second call queues %d, more %t; %d wait", len(second.Queued), second.More, len(s.waiting()))
	}
}

func TestErrorsAreGroupedByCodeWithTheirResolution(t *testing.T) {
	s := open(t)
	s.keep(failedState("1", "", "MISSING_EMAIL"))
	s.keep(failedState("2", "", "MISSING_EMAIL"))
	s.keep(failedState("3", "", "INTERNAL"))
	got := decode[struct{ Errors []wire.ErrorCountJSON }](s.get("/errors").is(200)).Errors
	if len(got) != 2 || got[0].Code != "MISSING_EMAIL" || got[0].Count != 2 || len(got[0].SampleIDs) != 2 || got[0].Resolution != transfer.MissingEmail.Resolution {
		t.Errorf("got %+v", got)
	}
}

func TestRunsAreListedNewestFirst(t *testing.T) {
	s := open(t)
	for i := range 3 {
		run := status.Run{ID: fmt.Sprintf("r%d", i), Connection: "default", Mode: "poll", StartedAt: noon.Add(time.Duration(i) * time.Hour), FinishedAt: noon.Add(time.Duration(i)*time.Hour + time.Minute), Complete: true}
		if err := s.store.PutRun(t.Context(), run); err != nil {
			t.Fatal(err)
		}
	}
	got := decode[struct{ Runs []wire.RunJSON }](s.get("/runs?limit=2").is(200)).Runs
	if len(got) != 2 || got[0].RunID != "r2" || got[1].RunID != "r1" || !got[0].Complete {
		t.Errorf("got %+v", got)
	}
}

func TestThePreflightShowsTrueFalseAndUnknown(t *testing.T) {
	s := open(t)
	s.get("/preflight").fails(503, "UNAVAILABLE")
	yes, no := true, false
	s.checks = []webhook.Check{{Name: "token", OK: &yes, Detail: "granted"}, {Name: "contact page", OK: &no, Detail: "not published"}, {Name: "custom fields"}}
	const want = `{"checks":[{"name":"token","ok":true,"detail":"granted"},{"name":"contact page","ok":false,"detail":"not published"},{"name":"custom fields","ok":null,"detail":""}]}`
	if got := strings.TrimSpace(s.get("/preflight").is(200).body); got != want {
		t.Errorf("got %s", got)
	}
}

func TestEmptyListsAreListsAndNotNull(t *testing.T) {
	s := open(t)
	s.checks = []webhook.Check{}
	for path, want := range map[string]string{
		"/transfers": `{"transfers":[],"next_cursor":null}`, "/errors": `{"errors":[]}`, "/runs": `{"runs":[]}`, "/preflight": `{"checks":[]}`,
	} {
		if got := strings.TrimSpace(s.get(path).is(200).body); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
	if got := strings.TrimSpace(s.post("/replays", "{}").is(202).body); got != `{"queued":[],"more":false}` {
		t.Errorf("replays: got %s", got)
	}
}

func TestAStoreThatIsDownIs503Everywhere(t *testing.T) {
	s := open(t)
	s.store.down = true
	for _, path := range []string{"/transfers", "/transfers/44552", "/errors", "/runs"} {
		if a := s.get(path); a.fails(503, "UNAVAILABLE").Resolution == "" || a.header["Retry-After"] == "" {
			t.Errorf("%s: %s", path, a.body)
		}
	}
	s.post("/replays", "{}").fails(503, "UNAVAILABLE")
	s.post("/transfers/44552/replay", "").fails(503, "UNAVAILABLE")
}
