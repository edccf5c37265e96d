package statustest

import (
	"fmt"
	"net/url"
	"slices"
	"testing"
	"time"

	"contactsync/shared/contact"
	"contactsync/shared/status"
	"contactsync/shared/transfer"
)

var requestChecks = []check{
	{"requests wait oldest first, wake-ups among them", func(t *testing.T, s status.Store) {
		requests := []transfer.Request{
			{Ref: ref("b"), Trigger: transfer.ByManual, RequestedAt: after(time.Second), Token: "1"},
			{Ref: contact.Ref{ID: idA}, Deleted: true, Trigger: transfer.ByNotification, RequestedAt: Now, Token: "2"},
			{Wake: true, Trigger: transfer.ByNotification, RequestedAt: after(time.Millisecond), Token: "3"},
		}
		ok(t, "request", s.Request(t.Context(), requests...))
		got, more, err := s.Requests(t.Context(), 10)
		ok(t, "requests", err)
		same(t, "waiting", []transfer.Request{requests[1], requests[2], requests[0]}, got)
		same(t, "more", false, more)
	}},
	{"more tells that others wait", func(t *testing.T, s status.Store) {
		for i := range 3 {
			ok(t, "request", s.Request(t.Context(), transfer.Request{Ref: ref(fmt.Sprint(i)), RequestedAt: after(time.Duration(i))}))
		}
		got, more, err := s.Requests(t.Context(), 2)
		ok(t, "requests", err)
		if len(got) != 2 || !more {
			t.Errorf("got %d and more=%t, want 2 and true", len(got), more)
		}
		got, more, err = s.Requests(t.Context(), 3)
		ok(t, "requests", err)
		if len(got) != 3 || more {
			t.Errorf("got %d and more=%t, want 3 and false", len(got), more)
		}
	}},
	{"the last request for a contact replaces earlier ones", func(t *testing.T, s status.Store) {
		ok(t, "first", s.Request(t.Context(), transfer.Request{Ref: ref("a"), Deleted: true, RequestedAt: Now, Token: "1"}))
		last := transfer.Request{Ref: ref("A"), Trigger: transfer.ByHook, RequestedAt: after(time.Second), Token: "2"}
		ok(t, "second", s.Request(t.Context(), last))
		got, _, err := s.Requests(t.Context(), 10)
		ok(t, "requests", err)
		same(t, "waiting", []transfer.Request{last}, got)
	}},
	{"of several requests of one call for a contact a deletion is kept, else the last", func(t *testing.T, s status.Store) {
		ok(t, "request", s.Request(t.Context(),
			transfer.Request{Ref: ref("a"), RequestedAt: Now, Token: "1"},
			transfer.Request{Ref: ref("a"), Deleted: true, Trigger: transfer.ByNotification, RequestedAt: Now, Token: "2"},
			transfer.Request{Ref: ref("A"), RequestedAt: Now, Token: "3"},
			transfer.Request{Ref: ref("b"), RequestedAt: Now, Token: "4"},
			transfer.Request{Ref: ref("b"), RequestedAt: Now, Token: "5"}))
		got, _, err := s.Requests(t.Context(), 10)
		ok(t, "requests", err)
		var tokens []string
		for _, r := range got {
			tokens = append(tokens, r.Token)
		}
		same(t, "tokens", []string{"2", "5"}, tokens)
	}},
	{"a request without token and time gets both", func(t *testing.T, s status.Store) {
		ok(t, "request", s.Request(t.Context(), transfer.Request{Ref: ref("a")}, transfer.Request{Ref: ref("b")}))
		got, _, err := s.Requests(t.Context(), 10)
		ok(t, "requests", err)
		if len(got) != 2 || got[0].Token == "" || got[0].Token == got[1].Token || !got[0].RequestedAt.Equal(Now) {
			t.Errorf("got %+v", got)
		}
	}},
	{"a request is removed while it is the one that was read", func(t *testing.T, s status.Store) {
		r := transfer.Request{Ref: ref("a"), RequestedAt: Now, Token: "1"}
		ok(t, "request", s.Request(t.Context(), r))
		ok(t, "done", s.Done(t.Context(), r))
		ok(t, "done twice", s.Done(t.Context(), r))
		waits(t, s, "a", "")
	}},
	{"a request that was replaced meanwhile stays", func(t *testing.T, s status.Store) {
		read := transfer.Request{Ref: ref("a"), RequestedAt: Now, Token: "1"}
		ok(t, "first", s.Request(t.Context(), read))
		ok(t, "second", s.Request(t.Context(), transfer.Request{Ref: ref("a"), RequestedAt: Now, Token: "2"}))
		ok(t, "done", s.Done(t.Context(), read))
		waits(t, s, "a", "2")
	}},
	{"the request of a contact is the newer one of number and internal id", func(t *testing.T, s status.Store) {
		waits(t, s, "a", "")
		ok(t, "by number", s.Request(t.Context(), transfer.Request{Ref: ref("a"), RequestedAt: Now, Token: "number"}))
		waits(t, s, "A", "number")
		ok(t, "by id", s.Request(t.Context(), transfer.Request{Ref: contact.Ref{ID: idA}, RequestedAt: after(time.Second), Token: "id"}))
		waits(t, s, "a", "id")
	}},
	{"a request survives the outcome of its contact", func(t *testing.T, s status.Store) {
		state := full("a", "")
		_, err := s.Claim(t.Context(), state.Key(), claimOf("one"), Now, transfer.State{No: "a"})
		ok(t, "claim", err)
		ok(t, "request", s.Request(t.Context(), transfer.Request{Ref: ref("a"), RequestedAt: Now, Token: "1"}))
		ok(t, "save", s.Save(t.Context(), state, "one"))
		waits(t, s, "a", "1")
	}},
	{"three thousand requests are stored", func(t *testing.T, s status.Store) {
		requests := make([]transfer.Request, 3000)
		for i := range requests {
			requests[i] = transfer.Request{Ref: ref(fmt.Sprint(i)), Trigger: transfer.ByManual, RequestedAt: after(time.Duration(i) * time.Millisecond)}
		}
		started := time.Now()
		ok(t, "request", s.Request(t.Context(), requests...))
		t.Logf("3,000 requests took %v", time.Since(started).Round(time.Millisecond))
		got, more, err := s.Requests(t.Context(), 3000)
		ok(t, "requests", err)
		if len(got) != 3000 || more || got[2999].Ref.No != "2999" {
			t.Errorf("got %d, more %t", len(got), more)
		}
	}},
}

// waits checks which request waits for number and idA: its token, "" for none.
func waits(t *testing.T, s status.Store, no, token string) {
	t.Helper()
	got, err := s.RequestOf(t.Context(), no, idA)
	ok(t, "request of "+no, err)
	switch {
	case got == nil && token != "":
		t.Errorf("no request waits, want %s", token)
	case got != nil && got.Token != token:
		t.Errorf("request %s waits, want %q", got.Token, token)
	}
}

// retrying returns a state that failed at finished and is due after wait.
func retrying(no string, finished time.Time, wait time.Duration) transfer.State {
	s := outcome(no, "", transfer.Retrying, finished)
	s.NextAttemptAt = finished.Add(wait)
	s.Problem = &transfer.Problem{Code: "INTERNAL"}
	return s
}

var dueChecks = []check{
	{"what is due comes most overdue first, whatever it waited", func(t *testing.T, s status.Store) {
		save(t, s,
			retrying("waited-a-day", after(-25*time.Hour), 24*time.Hour),     // due 60 minutes ago
			retrying("waited-an-hour", after(-90*time.Minute), time.Hour),    // 30
			retrying("waited-a-moment", after(-45*time.Minute), time.Second), // 45
			retrying("due-right-now", after(-20*time.Minute), 20*time.Minute),
			retrying("not-yet", after(-20*time.Minute), 20*time.Minute+time.Millisecond),
			retrying("not-today", after(-time.Minute), 20*time.Hour),
			outcome("failed", "", transfer.Failed, after(-time.Hour)))
		wantDue(t, s, 10, "waited-a-day", "waited-a-moment", "waited-an-hour", "due-right-now")
		wantDue(t, s, 2, "waited-a-day", "waited-a-moment")
	}},
	{"within one wait the limit takes the most overdue", func(t *testing.T, s status.Store) {
		// Finished later but due earlier, with waits of like length.
		for i := range 12 {
			save(t, s, retrying(fmt.Sprintf("N%02d", i), after(time.Duration(i-200)*time.Minute), time.Duration(120-5*i)*time.Minute))
		}
		wantDue(t, s, 3, "N11", "N10", "N09")
	}},
	{"a due state comes without attempts and with everything else", func(t *testing.T, s status.Store) {
		want := full("1", idA)
		save(t, s, want)
		got, err := s.Due(t.Context(), after(2*time.Hour), 10)
		ok(t, "due", err)
		want.Attempts = nil
		same(t, "due", []transfer.State{want}, got)
	}},
	{"what was transferred is not due any more", func(t *testing.T, s status.Store) {
		save(t, s, retrying("1", after(-time.Hour), time.Minute))
		save(t, s, outcome("1", "", transfer.Succeeded, Now))
		wantDue(t, s, 10)
	}},
}

func wantDue(t *testing.T, s status.Store, limit int, want ...string) {
	t.Helper()
	due, err := s.Due(t.Context(), Now, limit)
	ok(t, "due", err)
	var got []string
	for _, state := range due {
		got = append(got, state.No)
	}
	same(t, fmt.Sprintf("due, at most %d", limit), want, got)
}

// mixed stores 40 contacts, eight of each status, one finished each second, N00 first;
// their numbers come back newest first.
func mixed(t *testing.T, s status.Store) (newestFirst []string) {
	t.Helper()
	const n = 40
	codes := []string{"MISSING_EMAIL", "INVALID_EMAIL"}
	for i := range n {
		no := fmt.Sprintf("N%02d", i)
		at := after(time.Duration(i-n) * time.Second)
		newestFirst = append(newestFirst, no)
		state := outcome(no, "", transfer.Succeeded, at)
		switch i % 5 {
		case 1:
			state.Status = transfer.Failed
			state.Problem = &transfer.Problem{Code: codes[i/5%2]}
		case 2:
			state = retrying(no, at, time.Duration(1+i*i)*time.Minute) // due in another order than finished
		case 3:
			state.Status = transfer.Skipped
		case 4:
			ok(t, "request", s.Request(t.Context(), transfer.Request{Ref: ref(no), Trigger: transfer.ByHook, RequestedAt: at, Token: no}))
			continue
		}
		state.RunID = fmt.Sprint("run-", i/10)
		save(t, s, state)
	}
	slices.Reverse(newestFirst)
	return newestFirst
}

func numbers(transfers []transfer.Transfer) (list []string) {
	for _, tr := range transfers {
		list = append(list, tr.ContactNo)
	}
	return list
}

// walk reads a whole list page by page.
func walk(t *testing.T, s status.Store, q status.Query) (list []string) {
	t.Helper()
	for {
		page, err := s.Transfers(t.Context(), q)
		ok(t, "list", err)
		if len(page.Transfers) > q.Limit {
			t.Fatalf("a page of %d transfers, want at most %d", len(page.Transfers), q.Limit)
		}
		list = append(list, numbers(page.Transfers)...)
		if page.NextCursor == "" {
			return list
		}
		if url.QueryEscape(page.NextCursor) != page.NextCursor {
			t.Fatalf("the cursor %q does not fit into a URL", page.NextCursor)
		}
		q.Cursor = page.NextCursor
		if len(list) > 1000 {
			t.Fatal("the list does not end")
		}
	}
}

var listChecks = []check{
	{"an empty store lists nothing", func(t *testing.T, s status.Store) {
		same(t, "listed", none, walk(t, s, status.Query{Limit: 10}))
	}},
	{"transfers of every status come newest first, whatever the page", func(t *testing.T, s status.Store) {
		want := mixed(t, s)
		for _, limit := range []int{1, 3, 7, 40, 100} {
			same(t, fmt.Sprintf("pages of %d", limit), want, walk(t, s, status.Query{Limit: limit}))
		}
	}},
	{"a list can be of one status", func(t *testing.T, s status.Store) {
		all := mixed(t, s)
		for rest, st := range []transfer.Status{transfer.Succeeded, transfer.Failed, transfer.Retrying, transfer.Skipped, transfer.Pending} {
			var want []string
			for i, no := range all {
				if (39-i)%5 == rest {
					want = append(want, no)
				}
			}
			same(t, string(st), want, walk(t, s, status.Query{Status: st, Limit: 3}))
		}
	}},
	{"a list can be of one code", func(t *testing.T, s status.Store) {
		mixed(t, s)
		same(t, "MISSING_EMAIL", []string{"N31", "N21", "N11", "N01"}, walk(t, s, status.Query{Code: "MISSING_EMAIL", Limit: 2}))
		same(t, "failed with INTERNAL", none, walk(t, s, status.Query{Status: transfer.Failed, Code: "INTERNAL", Limit: 2}))
		same(t, "succeeded with a code", none, walk(t, s, status.Query{Status: transfer.Succeeded, Code: "INTERNAL", Limit: 2}))
	}},
	{"a list can be of one run", func(t *testing.T, s status.Store) {
		mixed(t, s)
		want := []string{"N18", "N17", "N16", "N15", "N13", "N12", "N11", "N10"} // N14 and N19 wait
		same(t, "run-1", want, walk(t, s, status.Query{RunID: "run-1", Limit: 3}))
	}},
	{"a list can begin at a time", func(t *testing.T, s status.Store) {
		all := mixed(t, s)
		for _, since := range []time.Time{after(-5 * time.Second), after(-6 * time.Second).Add(time.Microsecond)} {
			same(t, since.String(), all[:5], walk(t, s, status.Query{Since: since, Limit: 2}))
		}
	}},
	{"equal times do not make a list repeat or skip", func(t *testing.T, s status.Store) {
		var want []string
		for i := range 9 {
			no := fmt.Sprint("N", i)
			st := []transfer.Status{transfer.Succeeded, transfer.Failed, transfer.Skipped}[i%3]
			save(t, s, outcome(no, "", st, Now))
			want = append(want, no, no)
			ok(t, "request", s.Request(t.Context(), transfer.Request{Ref: ref(no), RequestedAt: Now, Token: "1"}))
		}
		slices.Reverse(want)
		for limit := 1; limit < 6; limit++ {
			same(t, fmt.Sprintf("pages of %d", limit), want, walk(t, s, status.Query{Limit: limit}))
		}
	}},
	{"a transfer is listed as it was stored, a waiting one as its request", func(t *testing.T, s status.Store) {
		state := full("44552", idA)
		save(t, s, state)
		r := transfer.Request{Ref: contact.Ref{ID: idB}, Trigger: transfer.ByHook, RequestedAt: Now, Token: "1"}
		ok(t, "request", s.Request(t.Context(), r, transfer.Request{Wake: true, RequestedAt: Now}))
		page, err := s.Transfers(t.Context(), status.Query{})
		ok(t, "list", err)
		state.Sent, state.Changed = nil, nil // a state's own page has these
		same(t, "listed", []transfer.Transfer{r.Transfer(), state.Transfer()}, page.Transfers)
	}},
	{"a claim alone is not listed", func(t *testing.T, s status.Store) {
		_, err := s.Claim(t.Context(), keyA, claimOf("one"), Now, transfer.State{})
		ok(t, "claim", err)
		same(t, "listed", none, walk(t, s, status.Query{Limit: 10}))
	}},
	{"errors are counted by code, the most frequent first", func(t *testing.T, s status.Store) {
		mixed(t, s)
		save(t, s, retrying("LAST", Now, time.Hour))
		got, err := s.ErrorCounts(t.Context())
		ok(t, "count", err)
		at := func(i int) time.Time { return after(time.Duration(i-40) * time.Second) }
		same(t, "counts", []status.ErrorCount{
			{Code: "INTERNAL", Count: 9, First: at(2), Last: Now,
				Samples: []string{"LAST|contact", "N37|contact", "N32|contact", "N27|contact", "N22|contact"}},
			{Code: "INVALID_EMAIL", Count: 4, First: at(6), Last: at(36),
				Samples: []string{"N36|contact", "N26|contact", "N16|contact", "N06|contact"}},
			{Code: "MISSING_EMAIL", Count: 4, First: at(1), Last: at(31),
				Samples: []string{"N31|contact", "N21|contact", "N11|contact", "N01|contact"}},
		}, got)
	}},
}

// none is an empty list.
var none []string

var runChecks = []check{
	{"runs come newest first with everything in them", func(t *testing.T, s status.Store) {
		var want []status.Run
		for i := range 3 {
			run := status.Run{
				ID: fmt.Sprint("run-", i), Connection: "default", Mode: "poll", StartedAt: after(time.Duration(i) * time.Minute), FinishedAt: after(time.Hour),
				Complete: true, DryRun: true, Busy: true, Paused: true, Disabled: true,
				Counts:    status.Counts{Read: 45, Created: 1, Updated: 2, Linked: 3, Unchanged: 4, Skipped: 5, Failed: 6, Retrying: 7, Pending: 8},
				Watermark: after(-time.Minute), Problem: &transfer.Problem{Code: "SOURCE_UNAVAILABLE", Detail: "not published"},
				Notes: []string{"one", "two"},
			}
			ok(t, "put", s.PutRun(t.Context(), run))
			want = append(want, run)
		}
		slices.Reverse(want)
		got, err := s.Runs(t.Context(), 10)
		ok(t, "runs", err)
		same(t, "runs", want, got)
		got, err = s.Runs(t.Context(), 2)
		ok(t, "runs", err)
		same(t, "two runs", want[:2], got)
	}},
	{"a run that is stored again is replaced", func(t *testing.T, s status.Store) {
		run := status.Run{ID: "1", StartedAt: Now}
		ok(t, "put", s.PutRun(t.Context(), run))
		run.Complete = true
		ok(t, "put again", s.PutRun(t.Context(), run))
		got, err := s.Runs(t.Context(), 10)
		ok(t, "runs", err)
		same(t, "runs", []status.Run{run}, got)
	}},
	{"an old run is gone", func(t *testing.T, s status.Store) {
		ok(t, "put", s.PutRun(t.Context(), status.Run{ID: "old", StartedAt: after(-status.RunsKept - time.Minute)}))
		ok(t, "put", s.PutRun(t.Context(), status.Run{ID: "kept", StartedAt: after(-status.RunsKept + time.Minute)}))
		got, err := s.Runs(t.Context(), 10)
		ok(t, "runs", err)
		if len(got) != 1 || got[0].ID != "kept" {
			t.Errorf("got %v, want the kept one only", got)
		}
	}},
}
