package torture_test

import (
	"fmt"
	"testing"
	"time"

	"contactsync/shared/app/apptest"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/torture/calls"
)

// spent counts, by name, the calls that change something in iPaaS.com and the
// writes of contacts' items while f runs.
func (w *world) spent(f func()) map[string]int {
	count := map[string]int{}
	w.line.Judge = func(c calls.Call) calls.Verdict {
		switch {
		case c.Side == "target":
			count["calls"]++
		case c.Name == "Claim", c.Name == "Save", c.Name == "Point", c.Name == "Release", c.Name == "Request", c.Name == "Done":
			count["writes"]++
		}
		return calls.Pass
	}
	f()
	w.line.Judge = nil
	return count
}

// The budgets of design.md, also where numbers change hands.
func TestWhatATransferCosts(t *testing.T) {
	poll := func(w *world) { _, _ = w.poll() }
	sync := func(no string) func(*world) {
		return func(w *world) { w.call("/transfers", fmt.Sprintf(`{"ids":[%q]}`, no)) }
	}
	tests := []struct {
		name   string
		before func(w *world)
		do     func(w *world)
		calls  int
		writes int
	}{
		{"unchanged", func(*world) {}, poll, 0, 0},
		{"written again with the same values", func(w *world) {
			w.edit("A", func(c *businesscentraltest.Contact) { c.JobTitle = "x" })
		}, poll, 0, 0},
		{"first seen", func(w *world) { w.add(apptest.Person("C", "c@example.com")) }, poll, 3, 3},
		{"changed", func(w *world) { w.edit("A", boston) }, poll, 1, 2},
		{"changed, synced by hand", func(w *world) { w.edit("A", boston) }, sync("A"), 1, 2},
		{"another number, which is new", func(w *world) { w.clock.Advance(time.Minute); w.source.Rename("A", "C") }, poll, 2, 3},
		// The other contact's customer gives the external id free: one call, and its item is written under a claim.
		{"another number, which another contact's customer carries", func(w *world) { w.clock.Advance(time.Minute); w.source.Swap("A", "B") }, sync("A"), 3, 5},
		{"both of two that swapped numbers", func(w *world) { w.clock.Advance(time.Minute); w.source.Swap("A", "B") }, poll, 5, 8},
		{"a number whose former owner has moved on", func(w *world) {
			w.clock.Advance(time.Minute)
			w.source.Rename("A", "C")
			w.settle()
			w.add(apptest.Person("A", "heir@example.com"))
		}, poll, 3, 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, settings{workers: 1, pageSize: 10})
			w.add(apptest.Person("A", "a@example.com"), apptest.Person("B", "b@example.com"))
			w.settle()
			tt.before(w)
			if got := w.spent(func() { tt.do(w) }); got["calls"] != tt.calls || got["writes"] > tt.writes {
				t.Errorf("got %v, want %d calls and at most %d writes", got, tt.calls, tt.writes)
			}
			w.settle()
			if n := w.target.CountCustomers(); n < 2 || n > 3 {
				t.Errorf("%d customers", n)
			}
		})
	}
}
