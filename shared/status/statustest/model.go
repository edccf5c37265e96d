package statustest

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"contactsync/shared/contact"
	"contactsync/shared/status"
	"contactsync/shared/transfer"
)

// model is the store as one would write it without caring for speed: maps, and
// lists made by sorting everything.
type model struct {
	now      time.Time
	states   map[transfer.Key]transfer.State
	dead     map[transfer.Key]bool // a claim ended without an outcome since the last one
	requests map[transfer.Key]transfer.Request
	numbers  map[string]transfer.Number // that lead somewhere
	savedBy  map[transfer.Key]string    // owner of the claim under which the state was saved
}

// Model runs random sequences of calls against a store and its model and compares
// what both tell after each. open returns an empty store, whose clock stands at
// [Now], for each sequence.
func Model(t *testing.T, open func(t *rapid.T) status.Store) {
	rapid.Check(t, func(rt *rapid.T) {
		s := open(rt)
		m := &model{
			now: Now, states: map[transfer.Key]transfer.State{}, dead: map[transfer.Key]bool{},
			requests: map[transfer.Key]transfer.Request{}, numbers: map[string]transfer.Number{}, savedBy: map[transfer.Key]string{},
		}
		keys := []transfer.Key{{No: "1"}, {No: "2"}, {ID: "a"}, {ID: "b"}}
		key := rapid.SampledFrom(keys)
		owner := rapid.SampledFrom([]string{"one", "two", "three"})
		rt.Repeat(map[string]func(*rapid.T){
			"time goes by": func(rt *rapid.T) { m.now = m.now.Add(time.Duration(rapid.IntRange(1, 40).Draw(rt, "s")) * time.Second) },
			"claim":        func(rt *rapid.T) { m.claim(rt, s, key.Draw(rt, "key"), owner.Draw(rt, "owner")) },
			"save":         func(rt *rapid.T) { m.save(rt, s, key.Draw(rt, "key"), owner.Draw(rt, "owner")) },
			"release":      func(rt *rapid.T) { m.release(rt, s, key.Draw(rt, "key"), owner.Draw(rt, "owner")) },
			"request":      func(rt *rapid.T) { m.request(rt, s, key.Draw(rt, "key")) },
			"point":        func(rt *rapid.T) { m.point(rt, s) },
			"":             func(rt *rapid.T) { m.compare(rt, s) },
		})
	})
}

// point uses numbers under which no state is kept, except 2.
func (m *model) point(t *rapid.T, s status.Store) {
	no := rapid.SampledFrom([]string{"2", "n3"}).Draw(t, "number")
	id := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "id")
	got, err := s.Point(t.Context(), no, id)
	if err != nil {
		t.Fatal(err)
	}
	delete(m.states, transfer.Key{No: no}) // the pointer takes its place
	delete(m.dead, transfer.Key{No: no})
	n := m.numbers[no]
	n.Key, n.Found, n.First = transfer.Key{ID: id}, true, cmp.Or(n.First, id)
	if !slices.Contains(n.LedTo, id) {
		n.LedTo = append(slices.Clone(n.LedTo), id)
	}
	m.numbers[no] = n
	sameNumber(t, n, got)
}

func sameNumber(t *rapid.T, want, got transfer.Number) {
	t.Helper()
	same := func(a, b string) bool { return a < b }
	if diff := gocmp.Diff(want, got, cmpopts.SortSlices(same)); diff != "" {
		t.Fatalf("number (-model +store):\n%s", diff)
	}
}

func (m *model) claim(t *rapid.T, s status.Store, key transfer.Key, owner string) {
	if m.numbers[key.No].Found {
		return // no state is kept under a number that leads elsewhere
	}
	claim := transfer.Claim{Owner: owner, Until: m.now.Add(30 * time.Second), ExternalID: rapid.SampledFrom([]string{"", "1|contact", "2|contact"}).Draw(t, "external id")}
	got, err := s.Claim(t.Context(), key, claim, m.now, transfer.State{})
	state, known := m.states[key]
	if state.Claim.Owner != "" && state.Claim.Until.After(m.now) && state.Claim != claim {
		if !errors.Is(err, transfer.ErrClaimed) {
			t.Fatalf("claim: got %v, want ErrClaimed", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if !known {
		state.No, state.ContactID = key.No, key.ID
	}
	if state.Claim.Owner != "" && state.Claim != claim {
		m.dead[key] = true
		if id := state.Claim.ExternalID; id != "" && !slices.Contains(state.Begun, id) {
			state.Begun = append(slices.Clone(state.Begun), id)
		}
	}
	state.Claim = claim
	m.states[key] = state
	state.Interrupted = m.dead[key]
	if diff := gocmp.Diff(state, got); diff != "" {
		t.Fatalf("under the claim (-model +store):\n%s", diff)
	}
}

func (m *model) owned(key transfer.Key, owner string) bool {
	return m.states[key].Claim.Owner == owner
}

func (m *model) save(t *rapid.T, s status.Store, key transfer.Key, owner string) {
	state := transfer.State{No: key.No, ContactID: key.ID}
	state.Status = rapid.SampledFrom([]transfer.Status{transfer.Succeeded, transfer.Failed, transfer.Retrying}).Draw(t, "status")
	state.FinishedAt = m.now
	state.Begun = rapid.SampledFrom([][]string{nil, {"3|contact"}}).Draw(t, "begun")
	if state.Status == transfer.Retrying {
		state.NextAttemptAt = m.now.Add(time.Duration(rapid.IntRange(0, 60).Draw(t, "wait")) * time.Second)
	}
	err := s.Save(t.Context(), state, owner)
	if !m.owned(key, owner) {
		// A driver may take a second Save under one claim for its own first, whose answer was lost.
		// Somebody else may have the claim by then.
		repeated := err == nil && m.savedBy[key] == owner
		if !repeated && !errors.Is(err, transfer.ErrClaimLost) {
			t.Fatalf("save: got %v, want ErrClaimLost", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	m.states[key], m.savedBy[key] = state, owner
	delete(m.dead, key)
}

func (m *model) release(t *rapid.T, s status.Store, key transfer.Key, owner string) {
	if err := s.Release(t.Context(), key, owner); err != nil {
		t.Fatal(err)
	}
	if m.owned(key, owner) {
		state := m.states[key]
		state.Claim = transfer.Claim{}
		m.states[key] = state
	}
}

func (m *model) request(t *rapid.T, s status.Store, key transfer.Key) {
	r := transfer.Request{Ref: contact.Ref{No: key.No, ID: key.ID}, RequestedAt: m.now, Token: rapid.StringMatching("[a-z]{8}").Draw(t, "token")}
	if err := s.Request(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	m.requests[key] = r
}

func (m *model) compare(t *rapid.T, s status.Store) {
	for no, want := range m.numbers {
		got, err := s.Number(t.Context(), no)
		if err != nil {
			t.Fatal(err)
		}
		sameNumber(t, want, got)
	}
	for key, want := range m.states {
		got, err := s.State(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		want.Interrupted = m.dead[key] && want.Claim.Owner == ""
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Fatalf("state %v (-model +store):\n%s", key, diff)
		}
	}
	var want, due []string
	for _, state := range m.states {
		if state.Status != "" {
			want = append(want, state.FinishedAt.String()+" "+state.Ref().String())
		}
		if state.Status == transfer.Retrying && !state.NextAttemptAt.After(m.now) {
			due = append(due, state.NextAttemptAt.String()+" "+state.Ref().String())
		}
	}
	for r := range maps.Values(m.requests) {
		want = append(want, r.RequestedAt.String()+" "+r.Ref.String())
	}
	page, err := s.Transfers(t.Context(), status.Query{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, tr := range page.Transfers {
		at := tr.FinishedAt
		if tr.Status == transfer.Pending {
			at = tr.RequestedAt
		}
		if n := len(got); n > 0 && got[n-1][:23] < at.String()[:23] {
			t.Fatalf("%s is listed after %s", at, got[n-1])
		}
		got = append(got, at.String()+" "+tr.ID)
	}
	sameList(t, "listed", want, got)

	states, err := s.Due(t.Context(), m.now, 100)
	if err != nil {
		t.Fatal(err)
	}
	got = nil
	for _, state := range states {
		got = append(got, state.NextAttemptAt.String()+" "+state.Ref().String())
	}
	sameList(t, "due", due, got)
}

func sameList(t *rapid.T, what string, want, got []string) {
	t.Helper()
	slices.Sort(want)
	slices.Sort(got)
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Fatalf("%s (-model +store):\n%s", what, diff)
	}
}
