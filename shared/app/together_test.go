package app_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"contactsync/shared/app/apptest"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/status"
	"contactsync/shared/transfer"
)

// Polls, manual syncs, notifications and stream events over the same contacts, all
// at once while the contacts are edited, end with one customer for each contact
// that holds the newest version.
func TestEverythingAtOnceLeavesOneCustomerWithTheNewestVersion(t *testing.T) {
	const contacts, rounds = 8, 12
	w, g := newListening(t)
	for i := range contacts {
		w.Add(apptest.Person(number(i), fmt.Sprintf("p%d@example.com", i)))
	}
	var all sync.WaitGroup
	// The clock moves a second a round: versions differ, and no claim ends under the
	// one that has it.
	all.Go(func() {
		for n := range rounds {
			for i := range contacts {
				if err := w.Source.EditContact(number(i), func(c *businesscentraltest.Contact) { c.City = city(n, i) }); err != nil {
					t.Error(err)
				}
			}
			w.Clock.Advance(time.Second)
		}
	})
	all.Go(func() {
		for range rounds {
			if _, err := w.App.Poll(t.Context(), []byte(`{}`)); err != nil {
				t.Error(err)
			}
		}
	})
	all.Go(func() {
		for range rounds {
			for _, one := range g.sync(number(0), number(1), number(2), number(3)) {
				if one.Status != transfer.Succeeded && one.Status != transfer.Pending {
					t.Errorf("manual sync of %s: %s %+v", one.ID, one.Status, one.Error)
				}
			}
		}
	})
	all.Go(func() {
		for range rounds {
			for i := range contacts {
				c, _ := w.Source.Contact(number(i))
				a := g.post("/hooks", map[string]any{"notifications": []map[string]string{{"scope": "contact/updated", "external_id": c.SystemID + "|contact"}}})
				a.must(202)
			}
			if _, err := w.App.Poll(t.Context(), streamOf(t, w)); err != nil {
				t.Error(err)
			}
		}
	})
	all.Wait()

	for range 3 {
		w.Clock.Advance(time.Minute)
		w.Poll()
	}
	if n := w.Target.CountCustomers(); n != contacts {
		t.Errorf("%d customers, want %d\n%s", n, contacts, w.Log)
	}
	for i := range contacts {
		c, found := w.Target.CustomerByExternalID(number(i) + "|contact")
		if !found || len(c.Addresses) != 1 || c.Addresses[0].Fields.City != city(rounds-1, i) {
			t.Errorf("contact %s: customer %+v, want one in %s", number(i), c, city(rounds-1, i))
		}
	}
	if page, err := w.Store.Transfers(t.Context(), status.Query{Status: transfer.Pending}); err != nil || len(page.Transfers) != 0 {
		t.Errorf("left waiting: %+v, %v", page.Transfers, err)
	}
}

func number(i int) string { return fmt.Sprintf("T%03d", i) }

func city(round, i int) string { return fmt.Sprintf("City %d-%d", round, i) }
