package torture_test

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"contactsync/shared/app/apptest"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/ipaas/ipaastest"
	"contactsync/shared/poll"
	"contactsync/torture/calls"
	"contactsync/torture/tally"
)

// scenario is a day of one connection: creates, a linked company, a duplicate, a
// contact without e-mail, a transfer that is tried again, updates, a new number,
// swapped numbers, a manual sync, a hook, a backfill.
//
// Unless abrupt, numbers change only when the day before has come to rest.
func scenario(w *world, abrupt bool) {
	w.target.AddCompany("Adatum Corporation", "C1")
	w.target.AddCustomer(ipaastest.Customer{CustomerNumber: "W1", LastName: "Web", EmailAddress: "taken@example.com"})
	member := apptest.Person("P1", "p1@example.com")
	member.CompanyNo, member.CompanyName = "C1", "Adatum Corporation"
	w.add(businesscentraltest.Contact{No: "C1", Type: "Company", Name: "Adatum Corporation"}, member,
		apptest.Person("P2", "p2@example.com"), apptest.Person("P3", "taken@example.com"), apptest.Person("P4", ""),
		apptest.Person("P5", "p5@example.com"), apptest.Person("P6", "p6@example.com"), apptest.Person("P7", "p7@example.com"))
	w.target.Fail(ipaastest.Script{Route: ipaastest.CustomerCreate, Times: -1, Effect: ipaastest.Effect{Status: 503},
		When: func(r ipaastest.Request) bool { return strings.Contains(string(r.Body), "p5@example.com") }})
	w.step(func() { _, _ = w.poll() })
	w.target.ResetFaults()
	if w.deaths > 0 && !abrupt {
		_, _ = w.poll()
	}

	w.edit("P2", func(c *businesscentraltest.Contact) { c.City = "Boston" })
	w.clock.Advance(time.Second)
	w.source.Rename("P1", "P9")
	w.clock.Advance(time.Second)
	w.source.Swap("P6", "P7")
	w.add(apptest.Person("P8", "p8@example.com"))
	w.step(func() { w.call("/transfers", `{"ids":["P8","P2|contact"]}`) })
	w.edit("P8", func(c *businesscentraltest.Contact) { c.City = "Denver" })
	w.step(func() { w.call("/hooks", `{"notifications":[{"scope":"contact/updated","external_id":"P8|contact"}]}`) })
	w.step(func() { _, _ = w.poll() })
	w.clock.Advance(21 * time.Minute)
	w.step(func() { _, _ = w.poll() })
	w.step(func() { _, _ = w.run(poll.Event{Mode: poll.Backfill, From: w.begin}) })
}

// step does one invocation. When the process died, the next one meets its lease
// and its claims while they still live, and only then time passes.
func (w *world) step(invocation func()) {
	w.t.Helper()
	before := w.deaths
	invocation()
	if w.deaths == before {
		return
	}
	w.clock.Advance(time.Second)
	_, _ = w.poll()
	w.clock.Advance(61 * time.Second)
}

func TestAProcessThatIsKilledAtAnyCallLosesAndDoublesNothing(t *testing.T) {
	atEveryCall(t, "process killed at any call", false, kills)
}

func TestACallThatBreaksAnywhereLosesAndDoublesNothing(t *testing.T) {
	atEveryCall(t, "call that breaks anywhere", false, breaks)
}

func TestAProcessThatIsKilledBeforeContactsChangeTheirNumbers(t *testing.T) {
	atEveryCall(t, "process killed, then numbers change", true, kills)
}

var five = flag.Bool("five", false, "kill with five workers too")

// What happens at the call whose turn it is.
var (
	kills  = map[string]calls.Verdict{"killed before": calls.KillBefore, "killed after": calls.KillAfter}
	breaks = map[string]calls.Verdict{"broken before": calls.FailBefore, "broken after": calls.FailAfter}
)

func atEveryCall(t *testing.T, kind string, abrupt bool, modes map[string]calls.Verdict) {
	t.Helper()
	count := tally.Begin(t, kind)
	// One worker makes the calls in the same order every time; five are for make torture.
	crews := []int{1}
	if *five {
		crews = append(crews, 5)
	}
	for _, workers := range crews {
		t.Run(fmt.Sprintf("%d workers", workers), func(t *testing.T) {
			perfect := newWorld(t, settings{workers: workers})
			scenario(perfect, abrupt)
			perfect.settle()
			all := perfect.line.Calls()
			customers, outcomes := perfect.customers(), perfect.outcomes()
			if len(customers) != 7 || len(outcomes) != 9 || len(all) < 150 {
				t.Fatalf("the scenario does not play as it should: %d calls\n%s\n%s\n%s", len(all), strings.Join(customers, "\n"), strings.Join(outcomes, "\n"), perfect.tail())
			}
			for _, c := range all {
				for mode, verdict := range modes {
					t.Run(fmt.Sprintf("%s call %d, %s %s", mode, c.N, c.Side, strings.ReplaceAll(c.Name, "/", ".")), func(t *testing.T) {
						t.Parallel()
						count.Scene(t)
						w := newWorld(t, settings{workers: workers})
						w.count = count
						w.line.Judge = func(now calls.Call) calls.Verdict {
							if now.N == c.N {
								return verdict
							}
							return calls.Pass
						}
						scenario(w, abrupt)
						w.settle()
						same(t, w, "customers", w.customers(), customers)
						same(t, w, "outcomes", w.outcomes(), outcomes)
					})
				}
			}
		})
	}
}

// same compares what stands at the end with what a perfect day leaves.
func same(t *testing.T, w *world, what string, got, want []string) {
	t.Helper()
	missing := slices.DeleteFunc(slices.Clone(want), func(line string) bool { return slices.Contains(got, line) })
	extra := slices.DeleteFunc(slices.Clone(got), func(line string) bool { return slices.Contains(want, line) })
	if len(missing)+len(extra) > 0 || len(got) != len(want) {
		if w.count != nil {
			w.count.Add(tally.Row{Lost: len(missing), Doubled: max(0, len(got)-len(want))})
		}
		t.Errorf("%s, missing:\n%s\ntoo much:\n%s\n%s", what, strings.Join(missing, "\n"), strings.Join(extra, "\n"), w.tail())
	}
}
