package app_test

import (
	"strings"
	"testing"

	"contactsync/shared/app/apptest"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/transfer"
)

// One bad record never stops the run (guarantee 3): also one that has an internal
// id and no number.
func TestAContactWithoutANumberFailsAloneAndIsMendedByOne(t *testing.T) {
	w := apptest.New(t, apptest.Options{Source: businesscentraltest.Config{MaxPageSize: 1}})
	w.Add(apptest.Person("1", "one@example.com"), apptest.Person("2", "two@example.com"))
	var id string
	w.Edit("2", func(c *businesscentraltest.Contact) { id = c.SystemID })
	w.Source.Inject(businesscentraltest.Fault{Route: businesscentraltest.RouteContacts, Match: followed, Times: -1, RawMembers: `"No":""`})
	for range 2 {
		if run := w.Poll(); !run.Complete || run.Counts.Failed != 1 || w.Target.CountCustomers() != 1 {
			t.Fatalf("got %+v and %d customers, want 1 failed and 1 customer\n%s", run, w.Target.CountCustomers(), w.Log)
		}
	}
	s, err := w.Store.State(t.Context(), transfer.Key{ID: id})
	if err != nil || s.Problem == nil || s.Problem.Code != "MISSING_REQUIRED_FIELD" || !strings.Contains(s.Problem.Detail, "No") {
		t.Errorf("got %+v, %v", s.Problem, err)
	}
	w.Source.ClearFaults()
	w.Edit("2", func(c *businesscentraltest.Contact) { c.City = "Boston" })
	if run := w.Poll(); run.Counts.Created != 1 || w.Target.CountCustomers() != 2 {
		t.Errorf("with its number: got %+v", run)
	}
}
