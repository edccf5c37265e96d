package torture_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"contactsync/shared/app/apptest"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/config"
	"contactsync/shared/ipaas/ipaastest"
	"contactsync/shared/transfer"
	"contactsync/torture/tally"
)

func boston(c *businesscentraltest.Contact) { c.City = "Boston" }

// customer returns the customer that carries the contact's external id.
func (w *world) customer(no string) ipaastest.Customer {
	w.t.Helper()
	c, found := w.target.CustomerByExternalID(no + "|contact")
	if !found {
		w.t.Fatalf("no customer is linked to %s: %q", no, w.customers())
	}
	return c
}

// What happens between two transfers without our knowing, and how guarantee 9
// wants it to end. Each scene has the contacts P0 to P6, transferred yesterday.
func TestChangesBehindOurBack(t *testing.T) {
	tests := []struct {
		name   string
		change func(w *world)
		no     string // the contact to look at; P1 if empty
		want   string // its outcome
		code   string
		city   string // where its customer lives; not looked at if empty
		all    int    // customers in the end; 7 if zero
	}{
		{name: "the customer is deleted", change: func(w *world) { w.target.Delete(w.customer("P1").ID); w.edit("P1", boston) }, want: "created", city: "Boston"},
		{name: "the customer is deleted, and another one has the e-mail address", change: func(w *world) {
			w.target.Delete(w.customer("P1").ID)
			w.target.AddCustomer(ipaastest.Customer{LastName: "X", EmailAddress: "p1@example.com"})
			w.edit("P1", boston)
		}, want: "none", code: "DUPLICATE_CONTACT"},
		{name: "the customer is deactivated", change: func(w *world) { w.target.Deactivate(w.customer("P1").ID); w.edit("P1", boston) }, want: "none", code: "DESTINATION_REJECTED", city: "Atlanta"},
		{name: "the customer is linked elsewhere", change: func(w *world) { w.target.Relink(w.customer("P1").ID, "X9|contact"); w.edit("P1", boston) }, want: "none", code: "DUPLICATE_CONTACT"},
		{name: "the customer's e-mail address is changed, and another one takes the contact's", change: func(w *world) {
			w.target.ChangeEmail(w.customer("P1").ID, "other@example.com")
			w.target.AddCustomer(ipaastest.Customer{LastName: "X", EmailAddress: "p1@example.com"})
			w.edit("P1", boston)
		}, want: "none", code: "DUPLICATE_CONTACT", city: "Atlanta", all: 8},
		{name: "the contact is renumbered", change: func(w *world) { w.clock.Advance(time.Minute); w.source.Rename("P1", "Q1") }, no: "Q1", want: "updated", city: "Atlanta"},
		{name: "the contact is deleted", change: func(w *world) { w.clock.Advance(time.Minute); w.source.Delete("P1") }, want: "created", city: "Atlanta"},
		{name: "the contact is deleted while it waits for its transfer", change: func(w *world) {
			w.call("/hooks", `{"notifications":[{"scope":"contact/updated","external_id":"P1|contact"}]}`)
			w.source.Delete("P1")
		}, want: "none", code: "CONTACT_NOT_FOUND", city: "Atlanta"},
		{name: "the contact becomes a company", change: func(w *world) {
			w.edit("P1", func(c *businesscentraltest.Contact) { c.Type = "Company"; boston(c) })
		}, want: "none", city: "Atlanta"},
		{name: "the contact is edited while its transfer runs", change: func(w *world) {
			w.target.Fail(ipaastest.Script{Route: ipaastest.CustomerUpdate, Effect: ipaastest.Effect{After: func(ipaastest.Request) {
				w.edit("P1", func(c *businesscentraltest.Contact) { c.City = "Denver" })
			}}})
			w.edit("P1", boston)
		}, want: "updated", city: "Denver"},
		{name: "the contact is edited after its page was read", change: func(w *world) {
			w.source.Inject(businesscentraltest.Fault{Route: businesscentraltest.RouteContacts, After: func(*http.Request) {
				w.edit("P1", func(c *businesscentraltest.Contact) { c.City = "Denver" })
			}})
			w.edit("P1", boston)
		}, want: "updated", city: "Denver"},
		{name: "a change with an older time shows up at its commit", change: func(w *world) {
			late := w.source.Begin()
			late.Edit("P1", boston)
			w.clock.Advance(9 * time.Minute)
			w.edit("P2", boston)
			if _, err := w.poll(); err != nil {
				w.t.Fatal(err)
			}
			if err := late.Commit(); err != nil {
				w.t.Fatal(err)
			}
		}, want: "updated", city: "Boston"},
	}
	count := tally.Begin(t, "changes behind our back")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			count.Scene(t)
			w := newWorld(t, settings{})
			population(w)
			w.settle()
			w.clock.Advance(24 * time.Hour)
			tt.change(w)
			w.settle()
			no, all := tt.no, tt.all
			if no == "" {
				no = "P1"
			}
			if all == 0 {
				all = 7
			}
			s := w.state(no)
			code := ""
			if s.Problem != nil {
				code = s.Problem.Code
			}
			if string(s.Action) != tt.want || code != tt.code || w.target.CountCustomers() != all {
				t.Errorf("got %s %s with %d customers, want %s %s with %d\n%+v\n%s", s.Action, code, w.target.CountCustomers(), tt.want, tt.code, all, s.Attempt, w.tail())
			}
			if tt.city != "" && w.customer(no).Addresses[0].Fields.City != tt.city {
				t.Errorf("its customer lives in %s, want %s\n%s", w.customer(no).Addresses[0].Fields.City, tt.city, w.tail())
			}
		})
	}
}

func TestATableThatIsRestoredToYesterdayFindsItsCustomers(t *testing.T) {
	w := newWorld(t, settings{})
	population(w)
	w.settle()
	yesterday := w.backup()
	w.clock.Advance(24 * time.Hour)
	w.edit("P1", boston)
	w.add(apptest.Person("N1", "n1@example.com"))
	w.source.Rename("P2", "Q2")
	w.clock.Advance(time.Second)
	w.source.Swap("P3", "P4")
	w.settle()
	customers := w.customers()

	w.restore(yesterday)
	w.edit("P5", boston)
	w.settle()
	want := make([]string, len(customers))
	for i, line := range customers {
		if strings.HasPrefix(line, "P5|") {
			line = strings.Replace(line, "Atlanta", "Boston", 1)
		}
		want[i] = line
	}
	same(t, w, "customers", w.customers(), want)
	for _, no := range []string{"P1", "N1", "Q2", "P3", "P4", "P5"} {
		if s := w.state(no); s.Status != transfer.Succeeded || s.Action == transfer.Created {
			t.Errorf("%s: %s %s, want it updated\n%s", no, s.Status, s.Action, w.tail())
		}
	}
}

func TestAMappingThatChangesBetweenTwoRuns(t *testing.T) {
	w := newWorld(t, settings{})
	population(w)
	w.settle()
	w.clock.Advance(24 * time.Hour)
	text, err := os.ReadFile("../shared/mapping/contact_to_customer.yaml")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "changed.yaml")
	changed := strings.Replace(string(text), "children:", "  - {type: static, source: changed, destination: Comment}\nchildren:", 1)
	if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	w.set.config = func(c *config.Config) { c.MappingFile = path }
	w.start()
	w.target.ResetRequests()
	run, err := w.poll()
	if err != nil || !strings.Contains(strings.Join(run.Notes, " "), "run a backfill") {
		t.Fatalf("got %+v, %v; want the advice to run a backfill", run, err)
	}
	if run.Counts.Updated != 7 || w.target.CountCustomers() != 7 {
		t.Errorf("got %+v, want what is read again transferred again", run.Counts)
	}
}
