package app_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"contactsync/shared/app/apptest"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/transfer"
)

// Polls, manual syncs, hooks, Business Central's notifications and the stream's
// events over the same contacts, all at once while the contacts are edited, end
// with one customer for each contact, and it holds the newest version.
func TestEverythingAtOnceLeavesOneCustomerWithTheNewestVersion(t *testing.T) {
	const contacts, rounds = 8, 12
	w, g := newListening(t, func(c *businesscentraltest.Config) {
		c.NotificationDelay = -1 // at once, so that every round has some
		c.MaxNotifications = 12  // sometimes a collection instead
	})
	w.Poll() // makes the subscription; the contacts are all new
	for i := range contacts {
		w.Add(apptest.Person(number(i), fmt.Sprintf("p%d@example.com", i)))
	}
	var all sync.WaitGroup
	each := func(do func(round int)) {
		all.Go(func() {
			for round := range rounds {
				do(round)
			}
		})
	}
	// The clock moves a second a round: versions differ, and no claim ends under the
	// one that has it.
	each(func(round int) {
		for i := range contacts {
			if err := w.Source.EditContact(number(i), func(c *businesscentraltest.Contact) { c.City = city(round, i) }); err != nil {
				t.Error(err)
			}
		}
		w.Clock.Advance(time.Second)
	})
	each(func(int) {
		if _, err := w.App.Poll(t.Context(), []byte(`{}`)); err != nil {
			t.Error(err)
		}
	})
	each(func(int) {
		a := g.post("/transfers", map[string]any{"ids": []string{number(0), number(1), number(2), number(3)}})
		for _, one := range a.transfers() {
			if one.Status != transfer.Succeeded && one.Status != transfer.Pending {
				t.Errorf("manual sync of %s: %s %+v", one.ID, one.Status, one.Error)
			}
		}
	})
	each(func(int) {
		for i := range contacts {
			c, _ := w.Source.Contact(number(i))
			hook := map[string]string{"scope": "contact/updated", "external_id": c.SystemID + "|contact"}
			if a := g.post("/hooks", map[string]any{"notifications": []any{hook}}); a.status != http.StatusAccepted {
				t.Errorf("hook: %d %s", a.status, a.body)
			}
		}
	})
	delivered := 0
	each(func(int) {
		got, err := w.Source.DeliverNotifications(t.Context())
		if err != nil || got.Dropped > 0 {
			t.Errorf("notifications: %+v, %v", got, err)
		}
		delivered += got.Notifications
		if _, err := w.App.Poll(t.Context(), streamOf(t, w)); err != nil {
			t.Error(err)
		}
	})
	all.Wait()
	if delivered == 0 {
		t.Error("no notification arrived meanwhile")
	}

	for range 2 {
		w.Clock.Advance(time.Minute)
		w.Poll()
	}
	oneNewestCustomerEach(t, w, contacts, rounds-1)
}

func oneNewestCustomerEach(t *testing.T, w *apptest.World, contacts, round int) {
	t.Helper()
	if n := w.Target.CountCustomers(); n != contacts {
		t.Errorf("%d customers, want %d", n, contacts)
	}
	for i := range contacts {
		c, found := w.Target.CustomerByExternalID(number(i) + "|contact")
		if !found || len(c.Addresses) != 1 || c.Addresses[0].Fields.City != city(round, i) {
			t.Errorf("contact %s: customer %+v, want one in %s", number(i), c, city(round, i))
		}
	}
	if waiting, _, err := w.Store.Requests(t.Context(), 100); err != nil || len(waiting) != 0 {
		t.Errorf("left waiting: %+v, %v", waiting, err)
	}
	if t.Failed() {
		t.Logf("the log:\n%s", w.Log)
	}
}

func number(i int) string { return fmt.Sprintf("T%03d", i) }

func city(round, i int) string { return fmt.Sprintf("City %d-%d", round, i) }
