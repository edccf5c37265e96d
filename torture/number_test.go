package torture_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"contactsync/shared/app/apptest"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/contact"
	"contactsync/shared/status"
	"contactsync/shared/transfer"
	"contactsync/torture/calls"
	"contactsync/torture/tally"
)

// meanwhile lets something happen right before a call to the table, once.
type meanwhile struct {
	status.Store
	before string
	done   atomic.Bool
	happen func()
}

func (m *meanwhile) at(call string) {
	if call == m.before && m.done.CompareAndSwap(false, true) {
		m.happen()
	}
}

func (m *meanwhile) Claim(ctx context.Context, key transfer.Key, c transfer.Claim, now time.Time, seed transfer.State) (transfer.State, error) {
	m.at("Claim")
	return m.Store.Claim(ctx, key, c, now, seed)
}

func (m *meanwhile) Number(ctx context.Context, no string) (transfer.Number, error) {
	m.at("Number")
	return m.Store.Number(ctx, no)
}

func (m *meanwhile) Point(ctx context.Context, no, id string) (transfer.Number, error) {
	m.at("Point")
	return m.Store.Point(ctx, no, id)
}

func (m *meanwhile) State(ctx context.Context, key transfer.Key) (transfer.State, error) {
	m.at("State")
	return m.Store.State(ctx, key)
}

func (m *meanwhile) Save(ctx context.Context, s transfer.State, owner string) error {
	m.at("Save")
	return m.Store.Save(ctx, s, owner)
}

// syncOnce transfers a contact by hand and does not wait for one that is being
// transferred.
func (w *world) syncOnce(no string) {
	runner, err := w.app.Runner()
	if err != nil {
		w.t.Error(err)
		return
	}
	_, err = runner.Transfer(context.Background(), transfer.Job{Ref: contact.Ref{No: no}, Trigger: transfer.ByManual, RunID: "by hand"})
	if err != nil && !errors.Is(err, transfer.ErrClaimed) {
		w.t.Error(err)
	}
}

// A contact is transferred with a copy that was read when it still had its number,
// and at that moment the one that has the number now is transferred, too.
func TestTwoContactsThatTakeTheSameNumberAtOnce(t *testing.T) {
	one := func(w *world) { w.add(apptest.Person("A", "one@example.com")) }
	tests := []struct {
		name   string
		before func(w *world)
		calls  string // to the table, at which it happens
		all    int    // customers in the end
	}{
		{"both are new", one, "Claim Number Point Save", 2},
		{"the old one has a customer", func(w *world) { one(w); w.settle(); w.edit("A", boston) }, "Claim Save", 2},
		{"the new one has a customer", func(w *world) { w.add(apptest.Person("X", "two@example.com")); w.settle(); one(w) }, "Claim Number Point Save", 2},
		{"a third one had the number", func(w *world) {
			w.add(apptest.Person("A", "three@example.com"))
			w.settle()
			w.clock.Advance(time.Minute)
			w.source.Rename("A", "C")
			one(w)
		}, "Claim Number Point State Save", 3},
	}
	count := tally.Begin(t, "number taken twice at once")
	for _, tt := range tests {
		for _, call := range strings.Fields(tt.calls) {
			t.Run(tt.name+", before "+call, func(t *testing.T) {
				t.Parallel()
				count.Scene(t)
				w := newWorld(t, settings{workers: 1})
				w.count = count
				tt.before(w)
				happened := false
				w.disk = &meanwhile{Store: w.disk, before: call, happen: func() {
					happened = true
					w.clock.Advance(time.Second)
					w.source.Rename("A", "B")
					if _, has := w.source.Contact("X"); has {
						w.source.Rename("X", "A")
					} else {
						w.add(apptest.Person("A", "two@example.com"))
					}
					w.syncOnce("A")
				}}
				w.start()
				_, _ = w.poll()
				w.settle()
				isA, _ := w.target.CustomerByExternalID("A|contact")
				isB, _ := w.target.CustomerByExternalID("B|contact")
				if !happened || isA.EmailAddress != "two@example.com" || isB.EmailAddress != "one@example.com" ||
					w.target.CountCustomers() != tt.all || len(isA.Addresses) != 1 || len(isB.Addresses) != 1 {
					t.Errorf("happened %t, got %q, want %d customers\n%s", happened, w.customers(), tt.all, w.tail())
				}
			})
		}
	}
}

// The first address of a customer is saved, nobody records that, and the contact
// gets another number.
func TestAnAddressThatIsNotRecordedKeepsItsFirstExternalID(t *testing.T) {
	for mode, verdict := range map[string]calls.Verdict{"killed after the call": calls.KillAfter, "the answer is lost": calls.FailAfter} {
		for _, heir := range []bool{false, true} {
			t.Run(mode, func(t *testing.T) {
				w := newWorld(t, settings{workers: 1})
				homeless := businesscentraltest.Contact{No: "A", Type: "Person", FirstName: "Robert", Surname: "Townes", EMail: "a@example.com"}
				w.add(homeless)
				w.settle()
				w.edit("A", boston)
				w.line.Judge = func(c calls.Call) calls.Verdict {
					if c.Name == "PUT /customers/v2/Customer/901" {
						return verdict // of each call: the client repeats it
					}
					return calls.Pass
				}
				_, _ = w.poll()
				w.line.Judge = nil
				if c, _ := w.target.CustomerByExternalID("A|contact"); len(c.Addresses) != 1 {
					t.Fatalf("got %+v, want the address saved\n%s", c, w.tail())
				}
				w.clock.Advance(62 * time.Second)
				w.source.Rename("A", "B")
				w.edit("B", func(c *businesscentraltest.Contact) { c.City = "Denver" })
				if heir {
					w.add(apptest.Person("A", "heir@example.com"))
					w.call("/transfers", `{"ids":["A"]}`)
				}
				w.settle()
				c, _ := w.target.CustomerByExternalID("B|contact")
				if len(c.Addresses) != 1 || c.Addresses[0].Fields.City != "Denver" {
					t.Errorf("got %q, want one address\n%s", w.customers(), w.tail())
				}
			})
		}
	}
}

// Of two contacts of which each claimed to be about to save the same external id,
// the one that died before it did so does not take the customer of the other.
func TestAClaimThatDiedBeforeItSavedAnythingTakesNoCustomer(t *testing.T) {
	count := tally.Begin(t, "process killed while it takes a number over")
	for _, recorded := range []bool{true, false} {
		for _, call := range []string{"Claim", "Point", "Number", "State", "GET /customers/v2/External/LookupSpaceport/313/Customer%20Company/C1", "Save", "POST /customers/v2/External/UpdateExternalId"} {
			for mode, verdict := range map[string]calls.Verdict{"before": calls.KillBefore, "after": calls.KillAfter} {
				t.Run(fmt.Sprintf("recorded %t, killed %s %s", recorded, mode, strings.ReplaceAll(call, "/", ".")), func(t *testing.T) {
					t.Parallel()
					count.Scene(t)
					w := newWorld(t, settings{workers: 1})
					w.count = count
					w.target.AddCompany("Adatum Corporation", "C1")
					w.add(businesscentraltest.Contact{No: "C1", Type: "Company", Name: "Adatum Corporation"})
					two := apptest.Person("B", "two@example.com")
					two.CompanyNo, two.CompanyName = "C1", "Adatum Corporation"
					w.add(apptest.Person("A", "one@example.com"))
					w.line.Judge = func(c calls.Call) calls.Verdict {
						if !recorded && c.Name == "POST /customers/v2/Customer" {
							return calls.KillAfter
						}
						return calls.Pass
					}
					_, _ = w.poll()
					w.add(two)
					w.clock.Advance(62 * time.Second)
					w.source.Swap("A", "B")
					w.line.Judge = func(c calls.Call) calls.Verdict {
						if c.Name == call {
							return verdict
						}
						return calls.Pass
					}
					w.call("/transfers", `{"ids":["A"]}`)
					w.line.Judge = nil
					w.clock.Advance(62 * time.Second)
					w.source.Swap("A", "B")
					w.edit("B", func(c *businesscentraltest.Contact) { c.EMail = "other@example.com" })
					w.settle()
					isA, _ := w.target.CustomerByExternalID("A|contact")
					isB, _ := w.target.CustomerByExternalID("B|contact")
					if isA.EmailAddress != "one@example.com" || isB.EmailAddress != "other@example.com" || w.target.CountCustomers() != 2 {
						t.Errorf("got %q\n%s", w.customers(), w.tail())
					}
				})
			}
		}
	}
}
