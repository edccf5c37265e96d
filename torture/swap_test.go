package torture_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"contactsync/shared/app/apptest"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/ipaas/ipaastest"
	"contactsync/shared/transfer"
	"contactsync/torture/calls"
)

// The outcome of one of two contacts is not stored, and then they swap numbers:
// which customer, and which address, is whose is only in iPaaS.com.
func TestContactsThatSwapNumbersAfterACreateWhoseOutcomeIsNotStored(t *testing.T) {
	for lost, first := range map[string]string{"A": "B", "B": "A"} {
		for _, order := range [][2]string{{"A", "B"}, {"B", "A"}} {
			t.Run("of "+lost+", then "+order[0]+" first", func(t *testing.T) {
				w := newWorld(t, settings{workers: 1})
				w.add(apptest.Person("A", "a@example.com"), apptest.Person("B", "b@example.com"))
				w.call("/transfers", `{"ids":["`+first+`"]}`)
				created := false
				w.line.Judge = func(c calls.Call) calls.Verdict {
					if c.Name == "POST /customers/v2/Customer" {
						created = true
					}
					if created && c.Name == "Save" {
						return calls.KillBefore
					}
					return calls.Pass
				}
				w.call("/transfers", `{"ids":["`+lost+`"]}`)
				w.line.Judge = nil
				if w.deaths != 1 || w.target.CountCustomers() != 2 {
					t.Fatalf("%d deaths and %d customers, want the process killed after the second create", w.deaths, w.target.CountCustomers())
				}
				w.clock.Advance(62 * time.Second)
				w.source.Swap("A", "B")
				w.call("/transfers", `{"ids":["`+order[0]+`"]}`)
				w.settle()
				isA, _ := w.target.CustomerByExternalID("A|contact")
				isB, _ := w.target.CustomerByExternalID("B|contact")
				if isA.EmailAddress != "b@example.com" || isB.EmailAddress != "a@example.com" || w.target.CountCustomers() != 2 ||
					w.state("A").Status != transfer.Succeeded || w.state("B").Status != transfer.Succeeded {
					t.Errorf("got %q\nA: %+v\nB: %+v\n%s", w.customers(), w.state("A").Attempt, w.state("B").Attempt, w.tail())
				}
			})
		}
	}
}

// A number goes through three hands, each transferred in its time. The first
// one's address keeps the external id that is made of the number.
func TestANumberThatGoesThroughThreeHands(t *testing.T) {
	w := newWorld(t, settings{})
	for i, next := range []string{"B", "C", ""} {
		w.add(apptest.Person("A", fmt.Sprintf("owner%d@example.com", i)))
		w.settle()
		if next != "" {
			w.clock.Advance(time.Minute)
			w.source.Rename("A", next)
			w.settle()
		}
	}
	if w.target.CountCustomers() != 3 || w.state("A").Status != transfer.Succeeded {
		t.Errorf("got %q, A: %+v", w.customers(), w.state("A").Problem)
	}
}

// Two contacts swap numbers, one of them is transferred, and they swap back.
func TestContactsThatSwapNumbersAndBack(t *testing.T) {
	w := newWorld(t, settings{})
	w.add(apptest.Person("A", "a@example.com"), apptest.Person("B", "b@example.com"))
	w.settle()
	w.clock.Advance(time.Minute)
	w.source.Swap("A", "B")
	w.call("/transfers", `{"ids":["A"]}`)
	w.clock.Advance(time.Minute)
	w.source.Swap("A", "B")
	w.settle()
	isA, _ := w.target.CustomerByExternalID("A|contact")
	isB, _ := w.target.CustomerByExternalID("B|contact")
	if isA.EmailAddress != "a@example.com" || isB.EmailAddress != "b@example.com" || w.target.CountCustomers() != 2 {
		t.Errorf("got %q\n%s", w.customers(), w.tail())
	}
}

// What the number was, and what the e-mail address, is remembered by nothing but
// the claim of the execution that died.
func TestAContactWhoseCreateIsNotRecordedThenGetsAnotherNumberAndAnotherEmailHasOneCustomer(t *testing.T) {
	ends := map[string]func(w *world) calls.Verdict{
		"the process is killed": func(*world) calls.Verdict { return calls.KillAfter },
		"the answer is lost, and the look-up after it fails": func(w *world) calls.Verdict {
			w.target.Fail(ipaastest.Script{Route: ipaastest.LookupCustomer, Times: 4, Effect: ipaastest.Effect{Status: 503}})
			return calls.FailAfter
		},
	}
	for name, end := range ends {
		for _, heir := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, the number goes to another contact %t", name, heir), func(t *testing.T) {
				w := newWorld(t, settings{workers: 1})
				w.add(apptest.Person("A", "a@example.com"))
				w.line.Judge = func(c calls.Call) calls.Verdict {
					if c.Name == "POST /customers/v2/Customer" {
						w.line.Judge = nil
						return end(w)
					}
					return calls.Pass
				}
				_, _ = w.poll()
				w.line.Judge = nil
				w.target.ResetFaults()
				if w.target.CountCustomers() != 1 {
					t.Fatalf("%d customers, want the one that is not recorded", w.target.CountCustomers())
				}
				made := w.target.Customers()[0].ID
				w.clock.Advance(62 * time.Second)
				w.source.Rename("A", "B")
				w.edit("B", func(c *businesscentraltest.Contact) { c.EMail = "other@example.com"; boston(c) })
				all := 1
				if heir {
					all = 2
					w.add(apptest.Person("A", "heir@example.com"))
					w.call("/transfers", `{"ids":["A"]}`)
				}
				w.settle()
				isB, _ := w.target.CustomerByExternalID("B|contact")
				if isB.ID != made || isB.EmailAddress != "other@example.com" || len(isB.Addresses) != 1 || w.target.CountCustomers() != all {
					t.Errorf("got %q, B is customer %d; want %d of %d\n%s", w.customers(), isB.ID, made, all, w.tail())
				}
			})
		}
	}
}

// A customer that another contact's transfer was about to give a free external id,
// and nobody knows whether it has it.
func TestAnExternalIDThatMayHaveBeenFreedIsSetRight(t *testing.T) {
	for mode, verdict := range map[string]calls.Verdict{
		"killed before": calls.KillBefore, "killed after": calls.KillAfter, "broken before": calls.FailBefore, "broken after": calls.FailAfter,
	} {
		for _, back := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, swapped back %t", mode, back), func(t *testing.T) {
				w := newWorld(t, settings{workers: 1})
				w.add(apptest.Person("A", "a@example.com"), apptest.Person("B", "b@example.com"))
				w.settle()
				w.clock.Advance(time.Minute)
				w.source.Swap("A", "B")
				w.line.Judge = func(c calls.Call) calls.Verdict {
					if strings.HasSuffix(c.Name, "/UpdateExternalId") {
						return verdict // of each call: the client repeats it
					}
					return calls.Pass
				}
				w.call("/transfers", `{"ids":["A"]}`)
				w.line.Judge = nil
				want := map[string]string{"A": "b@example.com", "B": "a@example.com"}
				if back {
					w.clock.Advance(time.Minute)
					w.source.Swap("A", "B")
					want = map[string]string{"A": "a@example.com", "B": "b@example.com"}
				}
				w.settle()
				for no, email := range want {
					if c, _ := w.target.CustomerByExternalID(no + "|contact"); c.EmailAddress != email {
						t.Errorf("%s: got %q\n%s", no, w.customers(), w.tail())
					}
				}
			})
		}
	}
}

func TestTheAddressOfALaterOwnerKeepsItsExternalIDAfterACreateThatDied(t *testing.T) {
	w := newWorld(t, settings{workers: 1})
	w.add(apptest.Person("A", "first@example.com"))
	w.settle()
	w.clock.Advance(time.Minute)
	w.source.Rename("A", "B")
	w.add(apptest.Person("A", "second@example.com"))
	w.line.Judge = func(c calls.Call) calls.Verdict {
		if c.Name == "POST /customers/v2/Customer" {
			return calls.KillAfter
		}
		return calls.Pass
	}
	_, _ = w.poll()
	w.line.Judge = nil
	w.clock.Advance(62 * time.Second)
	w.edit("A", boston)
	w.settle()
	isA, _ := w.target.CustomerByExternalID("A|contact")
	if isA.EmailAddress != "second@example.com" || len(isA.Addresses) != 1 || isA.Addresses[0].Fields.City != "Boston" || w.target.CountCustomers() != 2 {
		t.Errorf("got %q\n%s", w.customers(), w.tail())
	}
}

func TestADryRunOfANumbersNewOwnerShowsACustomerOfItsOwn(t *testing.T) {
	w := newWorld(t, settings{workers: 1})
	w.add(apptest.Person("A", "first@example.com"))
	w.settle()
	w.clock.Advance(time.Minute)
	w.source.Rename("A", "B")
	w.add(apptest.Person("A", "second@example.com"))
	before := w.customers()
	_, answer := w.call("/transfers", `{"ids":["A"],"dry_run":true}`)
	if !strings.Contains(answer, `"action":"created"`) || strings.Contains(answer, "first@example.com") {
		t.Errorf("got %s, want a customer to be created", answer)
	}
	same(t, w, "customers", w.customers(), before)
}
