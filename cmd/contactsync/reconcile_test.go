package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"contactsync/shared/app/apptest"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/ipaas/ipaastest"
	"contactsync/shared/poll"
	"contactsync/shared/status"
	"contactsync/shared/transfer"
)

// openDemo is a sandbox whose demo company was transferred once, open in this
// process so that both sides can be edited behind our back.
func openDemo(t *testing.T) *sandbox {
	t.Helper()
	box, err := openSandbox(t.TempDir(), sandboxOptions{log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = box.close() })
	if _, err := box.app.Run(t.Context(), poll.Event{Mode: poll.Poll}); err != nil {
		t.Fatal(err)
	}
	box.app.Config.Workers = 5 // for what is done with it
	return box
}

// typed runs a verb inside the sandbox.
func (b *sandbox) typed(t *testing.T, args ...string) told {
	t.Helper()
	var out, errOut bytes.Buffer
	var asks string
	got := runIn(t.Context(), b, args, screen{Width: widthOfFile}, &out, &errOut, &asks)
	return told{t, strings.Join(args, " "), got, out.String(), errOut.String()}
}

func (b *sandbox) customerOf(t *testing.T, no string) ipaastest.Customer {
	t.Helper()
	c, found := b.target.CustomerByExternalID(no + "|contact")
	if !found {
		t.Fatalf("contact %s has no customer", no)
	}
	return c
}

func (b *sandbox) reconciled(t *testing.T, status int) report {
	t.Helper()
	var got report
	b.typed(t, "reconcile", "-o", "json").must(status).into(&got)
	return got
}

// of returns the finding about a contact.
func of(list []finding, no string) *finding {
	for i := range list {
		if list[i].ID == no+"|contact" {
			return &list[i]
		}
	}
	return nil
}

func TestReconcileFindsWhatHappenedBehindOurBack(t *testing.T) {
	box := openDemo(t)
	before := box.reconciled(t, exitSomeFailed)
	if len(before.Differing)+len(before.Orphaned) != 0 {
		t.Fatalf("right after a transfer: %+v", before)
	}

	gone, removed, relinked := box.customerOf(t, "CT000002"), box.customerOf(t, "CT000003"), box.customerOf(t, "CT000006")
	box.source.Delete("CT000002") // leaves a customer without its contact
	box.target.Delete(removed.ID) // leaves a contact without its customer
	box.target.Relink(relinked.ID, "4711|contact")
	box.target.EditCustomer(box.customerOf(t, "CT000035").ID, func(c *ipaastest.Customer) { c.FirstName = "Somebody" })
	box.source.Edit("CT000004", func(c *businesscentraltest.Contact) { c.Type = "Company" })
	box.source.Rename("CT000007", "CT999007") // it keeps its customer: no orphan, and not missing

	got := box.reconciled(t, exitSomeFailed)
	if f := of(got.Orphaned, "CT000002"); f == nil || f.CustomerID != idText(gone.ID) || !strings.Contains(f.Reason, "gone") {
		t.Errorf("the deleted contact's customer: %+v", f)
	}
	if f := of(got.Orphaned, "CT000004"); f == nil || !strings.Contains(f.Reason, `Type == "Person" is false`) {
		t.Errorf("the contact that became a company: %+v", f)
	}
	if f := of(got.Missing, "CT000003"); f == nil || !strings.Contains(f.Reason, "would create") {
		t.Errorf("the removed customer: %+v", f)
	}
	for no, field := range map[string]string{"CT000006": "external_ids", "CT000035": "first_name", "CT999007": "customer_number"} {
		f := of(got.Differing, no)
		if f == nil || f.Fields[0].Field != field || f.Fields[0].From != nil {
			t.Errorf("%s differs: %+v, want %s without values", no, f, field)
		}
	}
	if len(got.Orphaned) != 2 || len(got.Differing) != 3 || len(got.Missing) != len(before.Missing)+1 {
		t.Errorf("%d orphaned, %d differing, %d missing", len(got.Orphaned), len(got.Differing), len(got.Missing))
	}
	if sum := got.Equal + got.LeftOut + len(got.Missing) + len(got.Differing) + 1; got.Read != sum {
		t.Errorf("read %d, but %d are accounted for", got.Read, sum) // 1: the contact that is left out and has a customer
	}
	box.typed(t, "reconcile", "--values").must(exitSomeFailed).says(`first_name: "Somebody", should be`, `external_ids: "4711|contact", should be "CT000006|contact"`)
}

func idText(id int64) string { return strconv.FormatInt(id, 10) }

func TestReconcileHasNothingToSayAfterAllIsMended(t *testing.T) {
	box, err := openSandbox(t.TempDir(), sandboxOptions{log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = box.close() })
	for _, c := range box.source.Contacts() {
		if no := c.No; no >= "CT000056" && no <= "CT000075" {
			box.source.Delete(no) // those whose transfer fails
		}
	}
	box.typed(t, "poll").must(exitWell)
	if got := box.reconciled(t, exitWell); got.Equal == 0 || got.found() != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestReconcileCountsNoCustomerThatWasRetiredWithItsContact(t *testing.T) {
	w := apptest.New(t, apptest.Options{Target: ipaastest.Config{Switches: ipaastest.Switches{ActiveMember: "is_active"}}})
	w.Add(apptest.Person("44552", "ada@contoso.com"), apptest.Person("44553", "bob@contoso.com"))
	w.Poll()
	w.Source.Delete("44552")
	w.Source.Delete("44553")
	retired, _ := w.Target.CustomerByExternalID("44552|contact")
	w.Target.Deactivate(retired.ID)

	r, err := reconcile(t.Context(), w.App, func() {})
	if err != nil || len(r.Orphaned) != 1 || r.Orphaned[0].ID != "44553|contact" {
		t.Errorf("got %+v, error %v; want the customer of 44553 only", r, err)
	}
}

// A readOnlyStore fails the test when anything writes.
type readOnlyStore struct {
	status.Store
	t *testing.T
}

func (r readOnlyStore) wrote(what string) { r.t.Errorf("the store was written to: %s", what) }

func (r readOnlyStore) Claim(ctx context.Context, key transfer.Key, c transfer.Claim, now time.Time, seed transfer.State) (transfer.State, error) {
	r.wrote("Claim")
	return r.Store.Claim(ctx, key, c, now, seed)
}

func (r readOnlyStore) Save(ctx context.Context, s transfer.State, owner string) error {
	r.wrote("Save")
	return r.Store.Save(ctx, s, owner)
}

func (r readOnlyStore) Point(ctx context.Context, no, id string) (transfer.Number, error) {
	r.wrote("Point")
	return r.Store.Point(ctx, no, id)
}

func (r readOnlyStore) Request(ctx context.Context, requests ...transfer.Request) error {
	r.wrote("Request")
	return r.Store.Request(ctx, requests...)
}

func (r readOnlyStore) PutRun(ctx context.Context, run status.Run) error {
	r.wrote("PutRun")
	return r.Store.PutRun(ctx, run)
}

func (r readOnlyStore) PutCursor(ctx context.Context, flow status.Flow, c status.Cursor) error {
	r.wrote("PutCursor")
	return r.Store.PutCursor(ctx, flow, c)
}

func (r readOnlyStore) AcquireLease(ctx context.Context, owner string, now, until time.Time) error {
	r.wrote("AcquireLease")
	return r.Store.AcquireLease(ctx, owner, now, until)
}

func TestVerbsThatOnlyLookWriteNothingAnywhere(t *testing.T) {
	box := openDemo(t)
	box.source.Delete("CT000002")
	box.target.Delete(box.customerOf(t, "CT000003").ID)
	box.app.Store = readOnlyStore{box.app.Store, t}
	for _, verb := range []string{"reconcile --values", "preview CT000035 CT000062", "show CT000035 --values", "preflight", "errors", "transfers", "runs", "subscriptions", "poll --dry-run"} {
		t.Run(verb, func(t *testing.T) {
			source, target := saved(t, box)
			box.source.ResetRequests()
			box.target.ResetRequests()
			got := box.typed(t, strings.Fields(verb)...)
			if got.status == exitCouldNot {
				t.Fatal(got.err)
			}
			afterSource, afterTarget := saved(t, box)
			if diff := cmp.Diff(source, afterSource) + cmp.Diff(target, afterTarget); diff != "" {
				t.Errorf("a simulator is another one than before:\n%s", diff)
			}
			for _, r := range box.target.Requests() {
				if r.Method != http.MethodGet && !strings.HasSuffix(r.Path, "/LookupSpecial") {
					t.Errorf("iPaaS.com was called with %s %s", r.Method, r.Path)
				}
			}
			for _, r := range box.source.Requests() {
				if r.Method != http.MethodGet && !strings.HasSuffix(r.URL, "/token") {
					t.Errorf("Business Central was called with %s %s", r.Method, r.URL)
				}
			}
		})
	}
}

func saved(t *testing.T, box *sandbox) (source, target string) {
	t.Helper()
	var a, b bytes.Buffer
	if err := box.source.Save(&a); err != nil {
		t.Fatal(err)
	}
	if err := box.target.Save(&b); err != nil {
		t.Fatal(err)
	}
	return a.String(), b.String()
}

// damage makes the stored row of a contact one that cannot be understood.
func damage(t *testing.T, folder, contactID string) {
	t.Helper()
	db, err := bolt.Open(filepath.Join(folder, storeFile), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		return tx.Bucket([]byte("sandbox")).Bucket([]byte("states")).Put([]byte("i"+contactID), []byte("{"))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestADamagedRowIsSaidAndCanBeForgotten(t *testing.T) {
	d := newDemo(t)
	var shown struct {
		Transfer struct {
			ContactID string `json:"contact_id"`
		}
	}
	d.run("show", "CT000002", "-o", "json").must(exitWell).into(&shown)
	damage(t, d.folder, shown.Transfer.ContactID)
	d.run("show", "CT000002").must(exitCouldNot).complains("contactsync forget CT000002 erases it")
	d.run("reconcile").must(exitSomeFailed).says("277 equal, 21 left out by the mapping, 17 missing, 1 differing", "contactsync forget CT000002")
	d.run("errors").must(exitWell)
	d.run("forget", "CT000002", "--yes").must(exitWell)
	d.run("sync", "CT000002").must(exitWell).says("succeeded: updated")
	d.run("reconcile").must(exitSomeFailed).says("278 equal, 21 left out by the mapping, 17 missing, 0 differing")
}

func TestReconcileStopsAtACauseThatFailsEverything(t *testing.T) {
	box := openDemo(t)
	box.target.RevokeKey(box.target.APIKey())
	got := box.typed(t, "reconcile").must(exitCouldNot).complains("DESTINATION_UNAUTHORIZED")
	if got.out != "" {
		t.Errorf("half a report was printed:\n%s", got.out)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r, err := reconcile(ctx, box.app, func() {}); err == nil {
		t.Errorf("interrupted, and yet a report: %+v", r)
	}
}

// What is printed for scripts says nothing of a person.
func TestAReportHasNoValuesUnlessTheyAreAskedFor(t *testing.T) {
	box := openDemo(t)
	box.target.EditCustomer(box.customerOf(t, "CT000035").ID, func(c *ipaastest.Customer) { c.FirstName = "Zebulon" })
	for _, args := range [][]string{{"reconcile"}, {"reconcile", "-o", "json"}} {
		if got := box.typed(t, args...); strings.Contains(got.out, "Zebulon") {
			t.Errorf("%s shows a name:\n%s", got.args, got.out)
		}
	}
	var got report
	if err := json.Unmarshal([]byte(box.typed(t, "reconcile", "--values", "-o", "json").out), &got); err != nil {
		t.Fatal(err)
	}
	if f := of(got.Differing, "CT000035"); f == nil || *f.Fields[0].From != "Zebulon" {
		t.Errorf("with values: %+v", f)
	}
}
