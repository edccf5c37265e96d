package app_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"contactsync/shared/app/apptest"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/config"
	"contactsync/shared/contact"
	"contactsync/shared/ipaas/ipaastest"
	"contactsync/shared/poll"
	"contactsync/shared/status/embedded"
	"contactsync/shared/transfer"
)

// Guarantee 3: whatever is wrong with one contact, its row or our code for it, the
// others are transferred.

// damage makes the stored row of a contact one that cannot be understood.
func damage(t *testing.T, path, contactID string) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		states, key := tx.Bucket([]byte("default")).Bucket([]byte("states")), []byte("i"+contactID)
		row := states.Get(key)
		if row == nil {
			return errors.New("the contact has no row")
		}
		return states.Put(key, append([]byte(nil), row[:len(row)/2]...))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestADamagedRowStopsNothingButItsOwnContact(t *testing.T) {
	path := filepath.Join(t.TempDir(), "transfers.db")
	open := func() *embedded.Store {
		s, err := embedded.Open(embedded.Config{Connection: "default", Path: path, NoSync: true, Log: quiet})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	store := open()
	w := apptest.New(t, apptest.Options{Store: store})
	w.Add(apptest.Person("1", "one@example.com"), apptest.Person("2", "two@example.com"))
	w.Poll()
	id := w.State("1").ContactID
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	damage(t, path, id)
	w.Store = open()
	w.Restart()

	move := func(c *businesscentraltest.Contact) { c.City += "!" }
	for range 2 {
		w.Edit("1", move)
		w.Edit("2", move)
		run := w.Poll()
		newest, _ := w.Source.Contact("2")
		if !run.Complete || run.Counts.Updated != 1 || run.Counts.Pending == 0 || !run.Watermark.Equal(newest.Modified) {
			t.Errorf("got %+v, watermark %s; want contact 2 updated, contact 1 pending and the watermark behind both", run, run.Watermark)
		}
		if waiting, err := w.Store.RequestOf(t.Context(), "1", id); err != nil || waiting == nil {
			t.Errorf("contact 1: %+v, %v; want its change to wait", waiting, err)
		}
	}

	// An operator erases the row and asks for the contact once more.
	if err := w.Store.Forget(t.Context(), transfer.Key{ID: id}); err != nil {
		t.Fatal(err)
	}
	if got := w.Sync("1"); got.Action != transfer.Updated || w.Target.CountCustomers() != 2 {
		t.Errorf("got %+v and %d customers, want the customer it had updated", got, w.Target.CountCustomers())
	}
}

// defective is a Business Central client with a defect that one contact brings to
// light.
type defective struct {
	transfer.Source
	no     string
	defect func() (contact.Contact, error)
}

func (d defective) Contact(ctx context.Context, ref contact.Ref) (contact.Contact, error) {
	if ref.No == d.no {
		return d.defect()
	}
	return d.Source.Contact(ctx, ref)
}

func TestADefectWhileAContactIsReadStopsNothingButThatContact(t *testing.T) {
	tests := []struct {
		name   string
		defect func() (contact.Contact, error)
	}{
		{"a panic", func() (contact.Contact, error) { panic("defect") }},
		{"an error outside the catalogue", func() (contact.Contact, error) { return contact.Contact{}, errors.New("defect") }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := apptest.New(t)
			w.Add(apptest.Person("1", "one@example.com"))
			runner, err := transfer.New(transfer.Config{
				Source: defective{w.App.Source, "7", tt.defect}, Target: w.App.Target, Ledger: w.Store, Mapping: w.App.Mapping,
				HashKey: func(context.Context) ([]byte, error) { return []byte("key"), nil }, Now: w.Clock.Now, Log: quiet,
			})
			if err != nil {
				t.Fatal(err)
			}
			q := transfer.Request{Ref: refOf(t, "7"), Trigger: transfer.ByHook, RequestedAt: w.Clock.Now(), Token: "hook"}
			if err := w.Store.Request(t.Context(), q); err != nil {
				t.Fatal(err)
			}

			run, err := runWith(t.Context(), t, w, poll.Config{Transfers: runner}, poll.Event{Mode: poll.Poll})
			if err != nil || !run.Complete || run.Counts.Created != 1 || run.Counts.Retrying != 1 {
				t.Errorf("got %+v, %v; want one created and one retrying", run, err)
			}
			s := w.State("7")
			if s.Problem == nil || s.Problem.Code != transfer.Internal.Code || s.NextAttemptAt.Sub(s.FinishedAt) != 20*time.Minute {
				t.Errorf("got %+v %+v, want INTERNAL, tried again after 20 minutes", s.Attempt, s.Problem)
			}
		})
	}
}

const mappingWithoutRequiredEmail = `
collection: Dynamics Contact Add/Update TO iPaaS
status: enabled
triggers: [Contact Create, Contact Update]
filter: Type == "Person"
mappings:
  - {type: field, source: "No", destination: CustomerNumber, required: true, description: Maps the number.}
  - {type: field, source: LastName_Contact, destination: LastName, required: true, description: Maps the last name.}
  - {type: field, source: EMail, destination: EmailAddress, description: Maps the e-mail address.}
`

func TestAContactWithoutAnEmailIsNotLinkedToACustomerWithoutOne(t *testing.T) {
	w := apptest.New(t, apptest.Options{
		Mapping: mappingWithoutRequiredEmail, Config: func(c *config.Config) { c.CollisionMethod = config.UpdateAndLink },
	})
	id := w.Target.AddCustomer(ipaastest.Customer{CustomerNumber: "W1", LastName: "Stranger"})
	w.Add(apptest.Person("1", ""))
	if run := w.Poll(); run.Counts.Failed != 1 {
		t.Errorf("got %+v, want failed", run.Counts)
	}
	if s := w.State("1"); s.Problem == nil || s.Problem.Code != transfer.MissingEmail.Code {
		t.Errorf("got %+v, want MISSING_EMAIL whatever the mapping requires", s.Problem)
	}
	if c, _ := w.Target.Customer(id); c.LastName != "Stranger" || c.CustomerNumber != "W1" {
		t.Errorf("a stranger's customer was taken: number %s", c.CustomerNumber)
	}
}

// blind has a defect wherever the run itself reads a contact.
type blind struct{ poll.Source }

func (blind) Contact(context.Context, contact.Ref) (contact.Contact, error) { panic("defect") }

// What is read while a page's last contacts are begun is read by a goroutine of its
// own, where a panic would end the process.
func TestADefectWhileAPagesEndIsLookedAtEndsTheRunOnly(t *testing.T) {
	w := apptest.New(t, apptest.Options{Source: businesscentraltest.Config{MaxPageSize: 2}})
	many(w, 5)
	run, err := runWith(t.Context(), t, w, poll.Config{Source: blind{w.App.Source}}, poll.Event{Mode: poll.Poll})
	if transfer.FaultOf(err) != transfer.Internal || run.Complete {
		t.Fatalf("got %v, complete %t; want INTERNAL", err, run.Complete)
	}
	if run, err = runWith(t.Context(), t, w, poll.Config{}, poll.Event{Mode: poll.Poll}); err != nil || !run.Complete || w.Target.CountCustomers() != 5 {
		t.Errorf("afterwards: %v, complete %t, %d customers; want 5", err, run.Complete, w.Target.CountCustomers())
	}
}
