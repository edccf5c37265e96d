package torture_test

import (
	"fmt"
	"testing"
	"time"

	"contactsync/shared/app/apptest"
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
