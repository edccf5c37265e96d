package embedded_test

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"contactsync/shared/contact"
	"contactsync/shared/status"
	"contactsync/shared/status/embedded"
	"contactsync/shared/status/statustest"
	"contactsync/shared/transfer"
)

// model is the store as one would write it without caring for speed: maps, and
// lists made by sorting everything.
type model struct {
	now      time.Time
	states   map[transfer.Key]transfer.State
	dead     map[transfer.Key]bool // a claim ended without an outcome since the last one
	requests map[transfer.Key]transfer.Request
}

// TestStoreBehavesLikeItsModel runs random sequences of calls against the file and
// the model and compares what both tell after each.
func TestStoreBehavesLikeItsModel(t *testing.T) {
	files := 0
	rapid.Check(t, func(rt *rapid.T) {
		files++
		s, err := embedded.Open(embedded.Config{
			Connection: "default", Path: filepath.Join(t.TempDir(), fmt.Sprint(files)), NoSync: true,
			Now: func() time.Time { return statustest.Now },
		})
		if err != nil {
			rt.Fatal(err)
		}
		defer s.Close()
		m := &model{now: statustest.Now, states: map[transfer.Key]transfer.State{}, dead: map[transfer.Key]bool{}, requests: map[transfer.Key]transfer.Request{}}
		keys := []transfer.Key{{No: "1"}, {No: "2"}, {ID: "a"}, {ID: "b"}}
		key := rapid.SampledFrom(keys)
		owner := rapid.SampledFrom([]string{"one", "two", "three"})
		rt.Repeat(map[string]func(*rapid.T){
			"time goes by": func(rt *rapid.T) { m.now = m.now.Add(time.Duration(rapid.IntRange(1, 40).Draw(rt, "s")) * time.Second) },
			"claim":        func(rt *rapid.T) { m.claim(rt, s, key.Draw(rt, "key"), owner.Draw(rt, "owner")) },
			"save":         func(rt *rapid.T) { m.save(rt, s, key.Draw(rt, "key"), owner.Draw(rt, "owner")) },
			"release":      func(rt *rapid.T) { m.release(rt, s, key.Draw(rt, "key"), owner.Draw(rt, "owner")) },
			"request":      func(rt *rapid.T) { m.request(rt, s, key.Draw(rt, "key")) },
			"":             func(rt *rapid.T) { m.compare(rt, s) },
		})
	})
}

func (m *model) claim(t *rapid.T, s status.Store, key transfer.Key, owner string) {
	claim := transfer.Claim{Owner: owner, Until: m.now.Add(30 * time.Second)}
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
	}
	state.Claim = claim
	m.states[key] = state
	state.Interrupted = m.dead[key]
	if diff := cmp.Diff(state, got); diff != "" {
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
	if state.Status == transfer.Retrying {
		state.NextAttemptAt = m.now.Add(time.Duration(rapid.IntRange(0, 60).Draw(t, "wait")) * time.Second)
	}
	err := s.Save(t.Context(), state, owner)
	if !m.owned(key, owner) {
		if !errors.Is(err, transfer.ErrClaimLost) {
			t.Fatalf("save: got %v, want ErrClaimLost", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	m.states[key] = state
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
	for key, want := range m.states {
		got, err := s.State(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		want.Interrupted = m.dead[key] && want.Claim.Owner == ""
		if diff := cmp.Diff(want, got); diff != "" {
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
	same(t, "listed", want, got)

	states, err := s.Due(t.Context(), m.now, 100)
	if err != nil {
		t.Fatal(err)
	}
	got = nil
	for _, state := range states {
		got = append(got, state.NextAttemptAt.String()+" "+state.Ref().String())
	}
	same(t, "due", due, got)
}

func same(t *rapid.T, what string, want, got []string) {
	t.Helper()
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%s (-model +store):\n%s", what, diff)
	}
}
