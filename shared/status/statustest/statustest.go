// Package statustest holds the conformance suite of the transfer status store:
// what [status.Store] promises, checked on whatever driver.
package statustest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"contactsync/shared/contact"
	"contactsync/shared/status"
	"contactsync/shared/transfer"
)

// Now is the time by which a store under test lives: a driver that looks at the
// clock must be opened with a clock that stands here.
var Now = time.Date(2026, 1, 31, 10, 0, 0, 123e6, time.UTC)

// Run checks that a store keeps the promises of package status. open returns a
// new, empty store whose clock stands at [Now] and registers its own cleanup.
func Run(t *testing.T, open func(t *testing.T) status.Store) {
	groups := []struct {
		name   string
		checks []check
	}{
		{"claims", claimChecks},
		{"states", stateChecks},
		{"numbers", numberChecks},
		{"requests", requestChecks},
		{"due retries", dueChecks},
		{"lists", listChecks},
		{"runs", runChecks},
		{"control", controlChecks},
		{"bad input", badInputChecks},
	}
	for _, group := range groups {
		t.Run(group.name, func(t *testing.T) {
			for _, c := range group.checks {
				t.Run(c.name, func(t *testing.T) { c.run(t, open(t)) })
			}
		})
	}
}

type check struct {
	name string
	run  func(t *testing.T, s status.Store)
}

const (
	idA = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"
	idB = "3f2504e0-4f89-11d3-9a0c-0305e82c3302"
)

var (
	keyA = transfer.Key{ID: idA}
	keyB = transfer.Key{ID: idB}
)

func after(d time.Duration) time.Time { return Now.Add(d) }

// claimOf returns a claim of 30 seconds from Now.
func claimOf(owner string) transfer.Claim {
	return transfer.Claim{Owner: owner, Until: after(30 * time.Second)}
}

func ok(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// full is a state with something in every member.
func full(no, id string) transfer.State {
	attempt := transfer.Attempt{
		Status: transfer.Retrying, Action: transfer.None, Trigger: transfer.ByPoll, RunID: "run-1", Number: 2,
		StartedAt: after(-2 * time.Second), FinishedAt: after(-time.Second), NextAttemptAt: after(time.Hour),
		Warnings: []string{"Company is empty", "Phone, too"}, Reason: "a filter said no",
		Problem: &transfer.Problem{Code: "COMPANY_NOT_FOUND", Detail: "Business Central knows the company"},
		Sent:    []string{"first_name", "custom_fields.Role, main"}, Changed: []string{"first_name"},
	}
	return transfer.State{
		Attempt: attempt, No: no, ContactID: id, CustomerID: "912",
		ExternalID: no + "|contact", AddressExternalID: "OLD|contact|address",
		Version: after(-time.Minute), Fingerprint: "f1",
		SentHashes: map[string]string{"first_name": "h1", "custom_fields.Größe (Custom Field)": "h2"},
		Begun:      []string{"OLD|contact", id + "|contact"},
		Attempts:   []transfer.Attempt{attempt, {Status: transfer.Succeeded, Action: transfer.Created, Number: 1}},
	}
}

// outcome returns a state with a plain outcome.
func outcome(no, id string, st transfer.Status, finished time.Time) transfer.State {
	s := transfer.State{No: no, ContactID: id}
	s.Attempt = transfer.Attempt{Status: st, Action: transfer.None, Trigger: transfer.ByPoll, Number: 1, StartedAt: finished, FinishedAt: finished}
	return s
}

// save stores a state the way a transfer does.
func save(t *testing.T, s status.Store, states ...transfer.State) {
	t.Helper()
	for _, state := range states {
		key := state.Key()
		_, err := s.Claim(t.Context(), key, claimOf("saver"), Now, transfer.State{No: state.No, ContactID: state.ContactID})
		ok(t, "claim "+state.Ref().String(), err)
		ok(t, "save "+state.Ref().String(), s.Save(t.Context(), state, "saver"))
	}
}

func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func guid(n int) string { return fmt.Sprintf("3f2504e0-4f89-11d3-9a0c-%012d", n) }

func ref(no string) contact.Ref { return contact.Ref{No: no} }
