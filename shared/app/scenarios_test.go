package app_test

import (
	"strings"
	"testing"

	"contactsync/shared/app/apptest"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/ipaas/ipaastest"
	"contactsync/shared/transfer"
)

// The seed's four test scenarios, by their names there.

func TestScenario1ValidContactRecord(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("44552", "robert.townes@contoso.com"))

	run := w.Poll()
	if run.Counts.Created != 1 || !run.Complete {
		t.Fatalf("got %+v, want one created", run)
	}
	c, found := w.Target.CustomerByExternalID("44552|contact")
	if !found {
		t.Fatal("no customer carries the external id 44552|contact")
	}
	for field, pair := range map[string][2]string{
		"customer_number": {c.CustomerNumber, "44552"}, "first_name": {c.FirstName, "Robert"}, "last_name": {c.LastName, "Townes"},
		"email_address": {c.EmailAddress, "robert.townes@contoso.com"}, "Record Type": {c.CustomField("Record Type"), "Contact"},
		"Customer Type": {c.CustomField("Customer Type"), "B2B"}, "Role": {c.CustomField("Role"), "Buyer"}, "Active": {c.CustomField("Active"), "true"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: got %q, want %q", field, pair[0], pair[1])
		}
	}
	if len(c.Addresses) != 1 || c.Addresses[0].Fields.City != "Atlanta" || c.Addresses[0].ExternalID(w.Target.SystemID()) != "44552|contact|address" {
		t.Errorf("address: got %+v", c.Addresses)
	}
	if s := w.State("44552"); s.Status != transfer.Succeeded || s.Action != transfer.Created || s.CustomerID == "" || s.Trigger != transfer.ByPoll {
		t.Errorf("state: got %+v", s)
	}
}

func TestScenario2DuplicateContact(t *testing.T) {
	w := apptest.New(t)
	w.Target.AddCustomer(ipaastest.Customer{CustomerNumber: "W1", LastName: "Townes", EmailAddress: "Robert.Townes@contoso.com"})
	w.Add(apptest.Person("44552", "robert.townes@contoso.com"))

	if run := w.Poll(); run.Counts.Failed != 1 {
		t.Fatalf("got %+v, want one failed", run.Counts)
	}
	s := w.State("44552")
	if s.Problem == nil || s.Problem.Code != transfer.DuplicateContact.Code || s.Status != transfer.Failed {
		t.Errorf("got %+v, want a logged DUPLICATE_CONTACT", s.Attempt)
	}
	if !strings.Contains(w.Log.String(), "DUPLICATE_CONTACT") {
		t.Error("the error is not logged")
	}
	if n := w.Target.CountCustomers(); n != 1 {
		t.Errorf("there are %d customers, want 1", n)
	}
}

func TestScenario3MissingEmail(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("44552", ""))

	if run := w.Poll(); run.Counts.Failed != 1 {
		t.Fatalf("got %+v, want one failed", run.Counts)
	}
	s := w.State("44552")
	if s.Problem == nil || s.Problem.Code != transfer.MissingEmail.Code {
		t.Errorf("got %+v, want MISSING_EMAIL", s.Attempt)
	}
	if !strings.Contains(w.Log.String(), "Ensure email is present in Microsoft Dynamics 365 before syncing.") {
		t.Error("the resolution is not logged")
	}
}

func TestScenario4ContactWithLinkedCompany(t *testing.T) {
	w := apptest.New(t)
	company := w.Target.AddCompany("Adatum Corporation", "CT000001")
	person := apptest.Person("CT000002", "robert.townes@contoso.com")
	person.CompanyNo, person.CompanyName = "CT000001", "Adatum Corporation"
	w.Add(businesscentraltest.Contact{No: "CT000001", Type: "Company", Name: "Adatum Corporation"}, person)

	run := w.Poll()
	if run.Counts.Created != 1 || run.Counts.Skipped != 1 {
		t.Fatalf("got %+v, want one created and the company skipped", run.Counts)
	}
	c, _ := w.Target.CustomerByExternalID("CT000002|contact")
	if got := c.CustomField("iPaaS.com Company ID"); got != text(company) || c.Company != "Adatum Corporation" {
		t.Errorf("company id %q and name %q, want %d and Adatum Corporation", got, c.Company, company)
	}
}
