package statustest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"contactsync/shared/contact"
	"contactsync/shared/status"
	"contactsync/shared/transfer"
)

var claimChecks = []check{
	{"a claim on a contact never seen stores the seed", func(t *testing.T, s status.Store) {
		seed := transfer.State{No: "44552"}
		got, err := s.Claim(t.Context(), keyA, claimOf("one"), Now, seed)
		ok(t, "claim", err)
		want := transfer.State{No: "44552", ContactID: idA, Claim: claimOf("one")}
		same(t, "under the claim", want, got)
		stored, err := s.State(t.Context(), keyA)
		ok(t, "state", err)
		same(t, "stored", want, stored)
	}},
	{"a seed with an outcome is stored whole and listed", func(t *testing.T, s status.Store) {
		seed := full("44552", idA)
		got, err := s.Claim(t.Context(), keyA, claimOf("one"), Now, seed)
		ok(t, "claim", err)
		seed.Claim = claimOf("one")
		same(t, "under the claim", seed, got)
		page, err := s.Transfers(t.Context(), status.Query{})
		ok(t, "list", err)
		if len(page.Transfers) != 1 {
			t.Errorf("listed %d transfers, want 1", len(page.Transfers))
		}
	}},
	{"a seed never touches a state that is there", func(t *testing.T, s status.Store) {
		for _, existing := range []transfer.State{outcome("44552", idA, transfer.Failed, Now), {No: "7", ContactID: idB}} {
			if existing.Status != "" {
				save(t, s, existing)
			} else {
				_, err := s.Claim(t.Context(), existing.Key(), claimOf("dead"), Now.Add(-time.Hour), existing)
				ok(t, "first claim", err)
			}
			later := transfer.Claim{Owner: "two", Until: after(2 * time.Minute)}
			got, err := s.Claim(t.Context(), existing.Key(), later, after(time.Minute), full("99", existing.ContactID))
			ok(t, "claim", err)
			existing.Claim, existing.Interrupted = later, existing.Status == ""
			same(t, "under the claim", existing, got)
		}
	}},
	{"of two executions one gets the claim", func(t *testing.T, s status.Store) {
		_, err := s.Claim(t.Context(), keyA, claimOf("one"), Now, transfer.State{ContactID: idA})
		ok(t, "first", err)
		_, err = s.Claim(t.Context(), keyA, claimOf("two"), after(29*time.Second), transfer.State{ContactID: idA})
		if !errors.Is(err, transfer.ErrClaimed) {
			t.Errorf("second: got %v, want ErrClaimed", err)
		}
	}},
	{"of many executions at once exactly one gets the claim", func(t *testing.T, s status.Store) {
		results := make([]error, 8)
		var group sync.WaitGroup
		for i := range results {
			group.Go(func() {
				_, results[i] = s.Claim(t.Context(), keyA, claimOf(fmt.Sprint("owner-", i)), Now, transfer.State{ContactID: idA})
			})
		}
		group.Wait()
		won := 0
		for _, err := range results {
			switch {
			case err == nil:
				won++
			case !errors.Is(err, transfer.ErrClaimed):
				t.Errorf("got %v, want ErrClaimed", err)
			}
		}
		if won != 1 {
			t.Errorf("%d executions got the claim, want 1", won)
		}
	}},
	{"a claim that ended can be taken, and the taker learns of it", func(t *testing.T, s status.Store) {
		_, err := s.Claim(t.Context(), keyA, claimOf("dead"), Now, transfer.State{ContactID: idA})
		ok(t, "first", err)
		state, err := s.State(t.Context(), keyA)
		ok(t, "state", err)
		same(t, "the claim stays", claimOf("dead"), state.Claim)
		next := transfer.Claim{Owner: "next", Until: after(time.Minute)}
		got, err := s.Claim(t.Context(), keyA, next, after(30*time.Second), transfer.State{ContactID: idA})
		ok(t, "second", err)
		if !got.Interrupted {
			t.Error("the claim before ended without an outcome, but Interrupted is false")
		}
	}},
	{"an interruption is known until an outcome is stored", func(t *testing.T, s status.Store) {
		_, err := s.Claim(t.Context(), keyA, claimOf("dead"), Now, transfer.State{ContactID: idA})
		ok(t, "first", err)
		claim := func(owner string, minute int) transfer.State {
			at := after(time.Duration(minute) * time.Minute)
			got, err := s.Claim(t.Context(), keyA, transfer.Claim{Owner: owner, Until: at.Add(30 * time.Second)}, at, transfer.State{ContactID: idA})
			ok(t, owner, err)
			return got
		}
		claim("gives up", 1)
		ok(t, "release", s.Release(t.Context(), keyA, "gives up"))
		state := claim("saves", 2)
		if !state.Interrupted {
			t.Error("after a release: Interrupted is false")
		}
		state.Attempt = outcome("", idA, transfer.Succeeded, Now).Attempt
		ok(t, "save", s.Save(t.Context(), state, "saves"))
		if claim("last", 3).Interrupted {
			t.Error("after an outcome: Interrupted is true")
		}
	}},
	{"what claims without an outcome began is known until one is stored", func(t *testing.T, s status.Store) {
		claim := func(owner, externalID string, minute int, want ...string) transfer.State {
			t.Helper()
			at := after(time.Duration(minute) * time.Minute)
			c := transfer.Claim{Owner: owner, Until: at.Add(30 * time.Second), ExternalID: externalID}
			got, err := s.Claim(t.Context(), keyA, c, at, transfer.State{ContactID: idA})
			ok(t, owner, err)
			same(t, owner+": claim", c, got.Claim)
			same(t, owner+": begun", want, got.Begun)
			return got
		}
		claim("dies", "A|contact", 0)
		stored, err := s.State(t.Context(), keyA)
		ok(t, "state", err)
		same(t, "the claim that died", "A|contact", stored.Claim.ExternalID)
		claim("gives up", "B|contact", 1, "A|contact")
		ok(t, "release", s.Release(t.Context(), keyA, "gives up"))
		claim("saves nothing", "", 2, "A|contact")
		claim("dies again", "C|contact", 3, "A|contact")
		claim("dies once more", "C|contact", 4, "A|contact", "C|contact")
		state := claim("saves", "D|contact", 5, "A|contact", "C|contact")
		state.Attempt, state.Begun = outcome("", idA, transfer.Succeeded, Now).Attempt, []string{"C|contact"}
		ok(t, "save", s.Save(t.Context(), state, "saves"))
		states, err := s.States(t.Context(), []transfer.Key{keyA})
		ok(t, "states", err)
		same(t, "of a page", state.Begun, states[keyA].Begun)
		same(t, "claim of a page", transfer.Claim{}, states[keyA].Claim)
		claim("last", "D|contact", 6, "C|contact")
	}},
	{"a claim that was given back is no interruption", func(t *testing.T, s status.Store) {
		_, err := s.Claim(t.Context(), keyA, claimOf("one"), Now, transfer.State{ContactID: idA})
		ok(t, "claim", err)
		ok(t, "release", s.Release(t.Context(), keyA, "one"))
		got, err := s.Claim(t.Context(), keyA, claimOf("two"), Now, transfer.State{ContactID: idA})
		ok(t, "claim again", err)
		same(t, "under the second claim", transfer.State{ContactID: idA, Claim: claimOf("two")}, got)
	}},
	{"the same claim twice is one claim", func(t *testing.T, s status.Store) {
		for range 2 { // a write is repeated when its answer was lost
			got, err := s.Claim(t.Context(), keyA, claimOf("one"), Now, transfer.State{ContactID: idA})
			ok(t, "claim", err)
			if got.Interrupted {
				t.Error("Interrupted is true")
			}
		}
	}},
	{"an outcome ends the claim", func(t *testing.T, s status.Store) {
		save(t, s, full("44552", idA))
		state, err := s.State(t.Context(), keyA)
		ok(t, "state", err)
		same(t, "claim", transfer.Claim{}, state.Claim)
		_, err = s.Claim(t.Context(), keyA, claimOf("next"), Now, transfer.State{ContactID: idA})
		ok(t, "claim", err)
	}},
	{"an outcome after another execution took over is not stored", func(t *testing.T, s status.Store) {
		_, err := s.Claim(t.Context(), keyA, claimOf("slow"), Now, transfer.State{ContactID: idA})
		ok(t, "first", err)
		taker := transfer.Claim{Owner: "taker", Until: after(2 * time.Minute)}
		_, err = s.Claim(t.Context(), keyA, taker, after(time.Minute), transfer.State{ContactID: idA})
		ok(t, "second", err)
		if err := s.Save(t.Context(), full("44552", idA), "slow"); !errors.Is(err, transfer.ErrClaimLost) {
			t.Errorf("got %v, want ErrClaimLost", err)
		}
		ok(t, "release by the loser", s.Release(t.Context(), keyA, "slow"))
		state, err := s.State(t.Context(), keyA)
		ok(t, "state", err)
		same(t, "state", transfer.State{ContactID: idA, Claim: taker}, state)
	}},
	{"an outcome without a claim is not stored", func(t *testing.T, s status.Store) {
		if err := s.Save(t.Context(), full("44552", idA), "nobody"); !errors.Is(err, transfer.ErrClaimLost) {
			t.Errorf("got %v, want ErrClaimLost", err)
		}
		if _, err := s.State(t.Context(), keyA); !errors.Is(err, transfer.ErrNoState) {
			t.Errorf("state: got %v, want ErrNoState", err)
		}
	}},
	{"releasing what is not there is no error", func(t *testing.T, s status.Store) {
		ok(t, "release", s.Release(t.Context(), keyA, "nobody"))
		if _, err := s.State(t.Context(), keyA); !errors.Is(err, transfer.ErrNoState) {
			t.Errorf("state: got %v, want ErrNoState", err)
		}
	}},
}

var stateChecks = []check{
	{"a contact never seen has no state", func(t *testing.T, s status.Store) {
		for _, key := range []transfer.Key{keyA, {No: "44552"}} {
			if _, err := s.State(t.Context(), key); !errors.Is(err, transfer.ErrNoState) {
				t.Errorf("%v: got %v, want ErrNoState", key, err)
			}
		}
	}},
	{"every member of a state comes back", func(t *testing.T, s status.Store) {
		for _, want := range []transfer.State{full("44552", idA), full("R&D/1 'ü#", ""), full("00044552", "")} {
			save(t, s, want)
			got, err := s.State(t.Context(), want.Key())
			ok(t, "state", err)
			same(t, want.No, want, got)
		}
	}},
	{"times are kept to the millisecond", func(t *testing.T, s status.Store) {
		state := outcome("1", "", transfer.Succeeded, Now.Add(456789*time.Nanosecond).In(time.FixedZone("", 3600)))
		save(t, s, state)
		got, err := s.State(t.Context(), state.Key())
		ok(t, "state", err)
		if !got.FinishedAt.Equal(Now) || got.FinishedAt.Location() != time.UTC {
			t.Errorf("finished at %v, want %v", got.FinishedAt, Now)
		}
	}},
	{"an outcome replaces the one before completely", func(t *testing.T, s status.Store) {
		save(t, s, full("44552", idA))
		want := outcome("44553", idA, transfer.Succeeded, after(time.Minute))
		save(t, s, want)
		got, err := s.State(t.Context(), keyA)
		ok(t, "state", err)
		same(t, "state", want, got)
	}},
	{"only the last ten attempts are kept", func(t *testing.T, s status.Store) {
		state := outcome("1", idA, transfer.Failed, Now)
		for n := 12; n > 0; n-- {
			state.Attempts = append(state.Attempts, transfer.Attempt{Status: transfer.Failed, Number: n, FinishedAt: Now})
		}
		save(t, s, state)
		got, err := s.State(t.Context(), keyA)
		ok(t, "state", err)
		same(t, "attempts", state.Attempts[:transfer.MaxAttempts], got.Attempts)
	}},
	{"the states of a page come in one call, without attempts", func(t *testing.T, s status.Store) {
		want := map[transfer.Key]transfer.State{}
		var keys []transfer.Key
		for i := range 130 {
			state := full(fmt.Sprint("C", i), guid(i))
			if i%2 == 1 {
				state = full(fmt.Sprint("C", i), "")
			}
			keys = append(keys, state.Key())
			if i%3 == 0 {
				continue // never seen
			}
			save(t, s, state)
			state.Attempts = nil
			want[state.Key()] = state
		}
		keys = append(keys, keys[1]) // a contact that stands twice on a page
		got, err := s.States(t.Context(), keys)
		ok(t, "states", err)
		same(t, "states", want, got)
	}},
	{"no keys, no states", func(t *testing.T, s status.Store) {
		got, err := s.States(t.Context(), nil)
		ok(t, "states", err)
		same(t, "states", map[transfer.Key]transfer.State{}, got)
	}},
	{"two contacts do not touch each other", func(t *testing.T, s status.Store) {
		save(t, s, full("1", idA), full("2", idB))
		got, err := s.State(t.Context(), keyA)
		ok(t, "state", err)
		same(t, "state", full("1", idA), got)
	}},
}

var badInputChecks = []check{
	{"a key must name one contact", func(t *testing.T, s status.Store) {
		for _, key := range []transfer.Key{{}, {ID: idA, No: "1"}} {
			_, claim := s.Claim(t.Context(), key, claimOf("one"), Now, transfer.State{})
			_, state := s.State(t.Context(), key)
			_, states := s.States(t.Context(), []transfer.Key{key})
			for what, err := range map[string]error{
				"claim": claim, "state": state, "states": states,
				"release": s.Release(t.Context(), key, "one"), "forget": s.Forget(t.Context(), key),
			} {
				if err == nil || errors.Is(err, status.ErrUnavailable) {
					t.Errorf("%s %v: got %v, want an error about the key", what, key, err)
				}
			}
		}
	}},
	{"a state cannot be pending", func(t *testing.T, s status.Store) {
		_, err := s.Claim(t.Context(), keyA, claimOf("one"), Now, transfer.State{})
		ok(t, "claim", err)
		if err := s.Save(t.Context(), outcome("1", idA, transfer.Pending, Now), "one"); err == nil {
			t.Error("a pending state was stored: the stream would start a transfer for it")
		}
	}},
	{"a request names one contact or wakes the poll", func(t *testing.T, s status.Store) {
		for _, r := range []transfer.Request{{}, {Ref: contact.Ref{No: "1", ID: idA}}, {Wake: true, Ref: ref("1")}} {
			if err := s.Request(t.Context(), r); err == nil {
				t.Errorf("%+v was stored", r)
			}
		}
	}},
	{"a pointer needs both ends", func(t *testing.T, s status.Store) {
		_, noNumber := s.Point(t.Context(), "", idA)
		_, noID := s.Point(t.Context(), "1", "")
		if noNumber == nil || noID == nil {
			t.Error("half a pointer was stored")
		}
	}},
	{"a cursor that no list returned is refused", func(t *testing.T, s status.Store) {
		for _, cursor := range []string{"x", "!", "YWFhYQ", strings.Repeat("YWFh", 1000), "YTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5"} {
			if _, err := s.Transfers(t.Context(), status.Query{Cursor: cursor}); !errors.Is(err, status.ErrBadCursor) {
				t.Errorf("%.20s: got %v, want ErrBadCursor", cursor, err)
			}
		}
	}},
	{"a flow that does not exist is refused", func(t *testing.T, s status.Store) {
		if s.PutCursor(t.Context(), "lease", status.Cursor{}) == nil {
			t.Error("a cursor was stored in place of the lease")
		}
	}},
}
