package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"contactsync/shared/transfer"
)

func TestAManualSyncAnswersOneTransferForEachIDInOrder(t *testing.T) {
	s := open(t)
	got := decode[transfersBody](s.post("/transfers", ids("A/B|contact", "nobody", "44552", "1|2")).is(200)).Transfers
	if len(got) != 4 {
		t.Fatalf("got %d transfers", len(got))
	}
	if got[0].ID != "A/B|contact" || got[0].ContactID != bert || got[0].Status != transfer.Succeeded || got[0].Action != transfer.Created || got[0].Trigger != transfer.ByManual {
		t.Errorf("first: %+v", got[0])
	}
	if got[1].Status != transfer.Failed || got[1].Error == nil || got[1].Error.Code != "CONTACT_NOT_FOUND" {
		t.Errorf("an unknown contact: %+v", got[1])
	}
	if got[2].ID != "44552|contact" || got[2].CustomerID != "912" {
		t.Errorf("third: %+v", got[2])
	}
	if got[3].ID != "1|2" || got[3].Status != transfer.Failed || got[3].Error == nil || got[3].Error.Code != "INVALID_ID" || got[3].Error.Resolution == "" {
		t.Errorf("a bad id among good ones: %+v", got[3])
	}
	if len(s.waiting()) != 0 {
		t.Errorf("what is finished waits: %+v", s.waiting())
	}
}

func TestAllFormsOfAnIDNameTheContact(t *testing.T) {
	for _, id := range []string{"44552", "44552|contact", ada, ada + "|contact", strings.ToUpper(ada), " 44552 "} {
		got := decode[transfersBody](open(t).post("/transfers", ids(id)).is(200)).Transfers
		if len(got) != 1 || got[0].ID != "44552|contact" || got[0].ContactID != ada {
			t.Errorf("%q: %+v", id, got)
		}
	}
}

func TestIDsThatNameOneContactAreTransferredOnceAndShownAtEachPlace(t *testing.T) {
	for _, known := range []bool{true, false} {
		t.Run(fmt.Sprintf("known before: %t", known), func(t *testing.T) {
			s := open(t)
			if known {
				s.keep(failedState("A/B", bert, "MISSING_EMAIL"))
			}
			got := decode[transfersBody](s.post("/transfers", ids("a/b", "A/B", "44552", "A/B|contact", bert, strings.ToUpper(bert)+"|contact")).is(200)).Transfers
			for i, want := range []string{"A/B", "A/B", "44552", "A/B", "A/B", "A/B"} {
				if got[i].ContactNo != want || got[i].Status != transfer.Succeeded {
					t.Errorf("place %d: %+v, want contact %s", i, got[i], want)
				}
			}
			if n := s.syncer.transfers[bert]; n != 1 {
				t.Errorf("the contact is transferred %d times", n)
			}
		})
	}
}

func TestTransfersRunAtOnceAsManyAsThereAreWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.syncer.hold, s.syncer.deaf = make(chan struct{}), map[string]bool{}
		var list []string
		for i := range 25 {
			list = append(list, fmt.Sprint(i))
			s.syncer.deaf[fmt.Sprint(i)] = true
		}
		go func() { synctest.Wait(); close(s.syncer.hold) }()
		got := decode[transfersBody](s.post("/transfers", ids(list...)).is(200)).Transfers
		if s.syncer.most != 5 || len(got) != 25 || len(s.waiting()) != 0 {
			t.Errorf("%d at once, want 5; %d answers, %d wait", s.syncer.most, len(got), len(s.waiting()))
		}
	})
}

func TestWhatIsNotFinishedBeforeTheDeadlineIsStoredAndShownAsPending(t *testing.T) {
	tests := []struct {
		name     string
		deadline time.Duration // of the invocation; none if zero
		want     time.Duration // when the answer comes
	}{
		{"two seconds before the deadline", 10 * time.Second, 8 * time.Second},
		{"after 25 seconds at most", 15 * time.Minute, 25 * time.Second},
		{"without a deadline after 25 seconds", 0, 25 * time.Second},
		{"at once when there is no time at all", time.Second, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := open(t)
				s.syncer.slow = map[string]bool{"44552": true}
				ctx := t.Context()
				if tt.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.deadline)
					defer cancel()
				}
				started := time.Now()
				got := decode[transfersBody](s.do(call{method: http.MethodPost, path: "/transfers", body: ids("44552", "A/B"), ctx: ctx}).is(200)).Transfers
				if took := time.Since(started); took != tt.want {
					t.Errorf("the answer comes after %v, want %v", took, tt.want)
				}
				if got[0].Status != transfer.Pending || got[0].Trigger != transfer.ByManual || got[0].RequestedAt == nil || !got[0].RequestedAt.Equal(noon) {
					t.Errorf("unfinished: %+v", got[0])
				}
				if tt.want > 0 && got[1].Status != transfer.Succeeded {
					t.Errorf("finished: %+v", got[1])
				}
				waits := s.waiting()
				if !slices.ContainsFunc(waits, func(r transfer.Request) bool { return r.Ref.No == "44552" && r.Trigger == transfer.ByManual }) ||
					tt.want > 0 && len(waits) != 1 || len(s.dispatched) != len(waits) {
					t.Errorf("%+v wait, %d dispatched", waits, len(s.dispatched))
				}
			})
		})
	}
}

func TestATransferThatDoesNotNoticeTheCutIsLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.syncer.deaf, s.syncer.hold = map[string]bool{"44552": true}, make(chan struct{})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		got := decode[transfersBody](s.do(call{method: http.MethodPost, path: "/transfers", body: ids("44552"), ctx: ctx}).is(200)).Transfers
		if ctx.Err() != nil || got[0].Status != transfer.Pending || len(s.waiting()) != 1 {
			t.Errorf("context %v, %+v, %d wait", ctx.Err(), got[0], len(s.waiting()))
		}
		close(s.syncer.hold)
	})
}

func TestACallerThatHangsUpLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.syncer.slow = map[string]bool{"44552": true}
		ctx, hangUp := context.WithCancel(t.Context())
		go func() { synctest.Wait(); hangUp() }()
		s.do(call{method: http.MethodPost, path: "/transfers", body: ids("44552"), ctx: ctx})
		if len(s.waiting()) != 1 {
			t.Errorf("%+v wait, want the contact", s.waiting())
		}
	})
}

func TestWhatAnotherExecutionTransfersOrAStoreRefusesWaits(t *testing.T) {
	for name, prepare := range map[string]func(s *site){
		"claimed elsewhere": func(s *site) { s.syncer.claimed = map[string]bool{"44552": true} },
		"the store failed":  func(s *site) { s.syncer.err = transfer.ErrLedger },
		"throttled":         func(s *site) { s.syncer.err = transfer.ErrUnfinished },
		"a defect":          func(s *site) { s.syncer.panics = true },
		"transfers are paused": func(s *site) {
			if err := s.store.SetPaused(s.t.Context(), true); err != nil {
				s.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			prepare(s)
			got := decode[transfersBody](s.post("/transfers", ids("44552")).is(200)).Transfers
			if got[0].Status != transfer.Pending || got[0].RequestedAt == nil || len(s.waiting()) != 1 {
				t.Errorf("%+v, %d wait", got[0], len(s.waiting()))
			}
			if strings.Contains(s.log.String(), "Byron") {
				t.Errorf("the log quotes a record: %s", s.log)
			}
			if name == "transfers are paused" && len(s.syncer.transfers) != 0 {
				t.Error("a transfer is made while transfers are paused")
			}
		})
	}
}

func TestOneCauseThatStopsEverythingLeavesAllRetrying(t *testing.T) {
	s := open(t)
	s.syncer.err = transfer.DestinationUnauthorized.Fail("save customer", "the key is refused")
	s.syncer.claimed = map[string]bool{"3": true}
	got := decode[transfersBody](s.post("/transfers", ids("1", "2", "3")).is(200)).Transfers
	for i, tr := range got[:2] {
		if tr.Status != transfer.Retrying || tr.Attempt != 0 || tr.NextAttemptAt.IsZero() || tr.Error == nil || tr.Error.Code != "DESTINATION_UNAUTHORIZED" {
			t.Errorf("place %d: %+v", i, tr)
		}
	}
	if got[2].Status != transfer.Pending || len(s.waiting()) != 1 {
		t.Errorf("what cannot be stored as retrying: %+v, %d wait", got[2], len(s.waiting()))
	}
	if n := strings.Count(s.log.String(), "transfers stopped"); n != 1 {
		t.Errorf("the log says %d times that transfers stopped", n)
	}
}

func TestNothingIsAcceptedThatCannotBeStored(t *testing.T) {
	many := make([]string, 26)
	for i := range many {
		many[i] = fmt.Sprint(i)
	}
	s := open(t)
	s.store.readonly = true
	s.syncer.claimed = map[string]bool{"44552": true}
	s.post("/transfers", ids("44552")).fails(503, "UNAVAILABLE")
	s.post("/transfers", ids(many...)).fails(503, "UNAVAILABLE")
	s.store.down = true
	s.post("/transfers", ids("44552")).fails(503, "UNAVAILABLE")
}

func TestManyIDsAreStoredInOneCallAndAcceptedAsTheyWereSent(t *testing.T) {
	s := open(t)
	list := []string{"1|2", "44552|contact", "44552"}
	for i := len(list); i < 3000; i++ {
		list = append(list, fmt.Sprintf("C%05d", i))
	}
	got := decode[acceptedBody](s.post("/transfers", ids(list...)).is(202))
	if len(got.Accepted) != 2999 || got.Accepted[0] != "44552|contact" || got.Accepted[1] != "44552" {
		t.Errorf("%d are accepted, first %v", len(got.Accepted), got.Accepted[:2])
	}
	if len(got.Rejected) != 1 || got.Rejected[0].ID != "1|2" || got.Rejected[0].Error.Code != "INVALID_ID" {
		t.Errorf("rejected: %+v", got.Rejected)
	}
	if n := len(s.waiting()); n != 2998 || s.store.stored != 1 {
		t.Errorf("%d wait after %d calls, want 2998 after 1", n, s.store.stored)
	}
	if len(s.syncer.transfers) != 0 {
		t.Error("some are transferred before the answer")
	}
}

func TestADryRunShowsBodyAndChangesAndWritesNothing(t *testing.T) {
	s := open(t)
	if err := s.store.SetPaused(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	got := decode[transfersBody](s.post("/transfers", `{"ids":["44552","nobody","1|2"],"dry_run":true}`).is(200)).Transfers
	first := got[0]
	if first.DryRunJSON == nil || !first.DryRun || string(first.Request) != `{"customer_number":"44552"}` ||
		len(first.Changes) != 1 || first.Changes[0].Field != "company" {
		t.Errorf("first: %+v", first)
	}
	for _, tr := range got[1:] {
		if tr.DryRunJSON == nil || !tr.DryRun || string(tr.Request) != "null" || tr.Changes == nil || tr.Status != transfer.Failed {
			t.Errorf("one that would fail: %+v", tr)
		}
	}
	if s.store.stored != 0 || len(s.waiting()) != 0 || s.syncer.dryRuns != 2 {
		t.Errorf("%d stored, %d wait, %d dry runs", s.store.stored, len(s.waiting()), s.syncer.dryRuns)
	}
}

func TestADryRunThatCannotBeFinishedStoresNothingEither(t *testing.T) {
	tests := map[string]struct {
		err  error
		slow bool
		want transfer.Status
	}{
		"no time":       {slow: true, want: transfer.Pending},
		"stopped":       {err: transfer.SourceUnauthorized.Fail("read contact", "refused"), want: transfer.Retrying},
		"throttled":     {err: transfer.ErrUnfinished, want: transfer.Pending},
		"store is down": {err: errors.Join(transfer.ErrLedger)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := open(t)
				s.syncer.err, s.syncer.slow = tt.err, map[string]bool{"44552": tt.slow}
				a := s.post("/transfers", `{"ids":["44552"],"dry_run":true}`)
				if tt.want == "" {
					a.fails(503, "UNAVAILABLE")
				} else if got := decode[transfersBody](a.is(200)).Transfers; got[0].Status != tt.want || !got[0].DryRun {
					t.Errorf("got %+v, want %s", got[0], tt.want)
				}
				if s.store.stored != 0 {
					t.Error("a dry run stores")
				}
			})
		})
	}
}

func TestAManualBodyThatMakesNoSenseIsRefusedWithThePlace(t *testing.T) {
	tooMany := strings.TrimSuffix(strings.Repeat(`"1",`, 3001), ",")
	for body, want := range map[string]string{
		``:                              "the body is empty",
		`  `:                            "the body is empty",
		`[]`:                            "the body is a list",
		`"x"`:                           "the body is text",
		`{`:                             "not JSON",
		`{"ids":["1"]} x`:               "byte 15",
		`{"ids":["1"]}{}`:               "not JSON",
		`{"ids":["1",]}`:                "byte 13",
		`{}`:                            "ids is missing",
		`{"ids":null}`:                  "ids is null",
		`{"ids":"44552"}`:               "ids is text",
		`{"ids":[]}`:                    "ids is empty",
		`{"ids":["1",44552]}`:           "ids[1] is a number",
		`{"ids":["1",["2"]]}`:           "ids[1] is a list",
		`{"ids":[` + tooMany + `]}`:     "3001 ids, at most 3000",
		`{"ids":["1"],"dry_run":"yes"}`: "dry_run is text",
		`{"ids":["1"],"dry_run":null}`:  "dry_run is null",
		`{"ids":["1"],"dryrun":true}`:   "unknown member dryrun",
		`{"ids":["1"],"IDS":["2"]}`:     "unknown member IDS",
		`{"ids":["1"],"ids":["2"]}`:     "ids stands there twice",
		"{\"ids\":[\"\xff\"]}":          "not valid UTF-8 at byte 9",
		`{"ids":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`: "nested more than 16 levels",
		`{"ids":["` + strings.Repeat(`1","`, 25) + `1"],"dry_run":true}`:    "26 ids, a dry run takes at most 25",
	} {
		s := open(t)
		e := s.do(call{method: http.MethodPost, path: "/transfers", body: body, base64: true}).fails(400, "BAD_REQUEST")
		if !strings.Contains(e.Detail, want) || len(e.Detail) > 300 {
			t.Errorf("%.40q: %.300q, want %q", body, e.Detail, want)
		}
		if s.store.stored != 0 || len(s.syncer.transfers) != 0 {
			t.Errorf("%.40q: something is done", body)
		}
	}
}
