package app_test

import (
	"context"
	"testing"
	"time"

	"contactsync/shared/app/apptest"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/ipaas/ipaastest"
	"contactsync/shared/poll"
)

// Guarantee 2 where an execution dies between a call and its outcome: what the
// customer holds is not certain until the next call has told.

// diesAfter does a poll that dies when the next call of the route was carried out:
// its answer is not seen and its claim is left behind. Time passes until the claim
// has ended.
func diesAfter(t *testing.T, w *apptest.World, route ipaastest.Route) {
	t.Helper()
	ctx, die := context.WithCancel(t.Context())
	defer die()
	w.Target.OnCall(route, 1, nil, func(ipaastest.Request) { die() })
	run, err := w.App.Run(ctx, poll.Event{Mode: poll.Poll})
	if err != nil || run.Complete || w.Target.PendingFaults() > 0 {
		t.Fatalf("got %+v, %v; want a run that ended at its call of %s", run, err, route)
	}
	w.Clock.Advance(time.Minute)
	w.Restart()
}

func TestAnUpdateThatDiedIsNotForgotten(t *testing.T) {
	inAtlanta := func(c *businesscentraltest.Contact) { c.City = "Atlanta" }
	tests := []struct {
		name    string
		between func(t *testing.T, w *apptest.World) // ends with the contact as it was before the update that died
	}{
		{
			name:    "when the contact is edited back",
			between: func(_ *testing.T, w *apptest.World) { w.Edit("1", inAtlanta) },
		},
		{
			name: "by a version that fails without a call",
			between: func(t *testing.T, w *apptest.World) {
				w.Edit("1", func(c *businesscentraltest.Contact) { c.City, c.EMail = "Atlanta", "" })
				if run := w.Poll(); run.Counts.Failed != 1 {
					t.Fatalf("got %+v, want failed", run.Counts)
				}
				w.Edit("1", func(c *businesscentraltest.Contact) { c.EMail = "one@example.com" })
			},
		},
		{
			name: "by a manual sync that is put off",
			between: func(t *testing.T, w *apptest.World) {
				key := w.Target.APIKey()
				w.Target.RevokeKey(key)
				mustTry(t, w, "1")
				w.Target.SetKey(ipaastest.APIKey{Value: key})
				w.Edit("1", inAtlanta)
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := apptest.New(t)
			w.Add(apptest.Person("1", "one@example.com"))
			w.Poll()
			c, _ := w.Target.CustomerByExternalID("1|contact")
			w.Edit("1", func(c *businesscentraltest.Contact) { c.City = "Boston" })
			diesAfter(t, w, ipaastest.CustomerUpdate)
			if now, _ := w.Target.Customer(c.ID); now.Addresses[0].Fields.City != "Boston" {
				t.Fatal("the update did not arrive before its execution died")
			}

			tt.between(t, w)
			w.Poll()
			if now, _ := w.Target.Customer(c.ID); now.Addresses[0].Fields.City != "Atlanta" {
				t.Errorf("the customer lives in %s and the contact in Atlanta", now.Addresses[0].Fields.City)
			}
		})
	}
}

func TestAContactWhoseCreateDiedAndThatGotAnotherNumberHasOneCustomer(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("A", "a@example.com"))
	diesAfter(t, w, ipaastest.CustomerCreate)
	rename(t, w, "A", "B")
	for range 2 {
		w.Poll()
	}
	c, found := w.Target.CustomerByExternalID("B|contact")
	if !found || c.CustomerNumber != "B" || w.Target.CountCustomers() != 1 {
		t.Errorf("%d customers, B's is %+v; want one under B, state %+v", w.Target.CountCustomers(), c, w.State("B"))
	}
}
