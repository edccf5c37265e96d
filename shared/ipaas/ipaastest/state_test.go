package ipaastest_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"contactsync/shared/ipaas/ipaastest"
)

func TestASavedStateIsLoadedAsItWas(t *testing.T) {
	sim, api := start(t)
	gone := api.create(strings.ReplaceAll(strings.Replace(whole, "ada@", "b@", 1), "44552", "7"))
	api.create(whole)
	sim.AddCompany("Adatum Corporation", "C100")
	sim.DefineCustomField(ipaastest.CustomFieldDefinition{Name: "Shoe Size", DataType: "number"})
	sim.Delete(gone)
	var saved, again bytes.Buffer
	if err := sim.Save(&saved); err != nil {
		t.Fatal(err)
	}

	other, otherAPI := start(t)
	if err := other.Load(bytes.NewReader(saved.Bytes())); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sim.Customers(), other.Customers()); diff != "" {
		t.Errorf("customers (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(sim.Companies(), other.Companies()); diff != "" {
		t.Errorf("companies (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(sim.CustomFields(), other.CustomFields()); diff != "" {
		t.Errorf("definitions (-want +got):\n%s", diff)
	}
	if a := otherAPI.lookup("customer", "7|contact"); a.text != `"DELETED:901"` {
		t.Errorf("the link of a deleted customer: got %s", a.text)
	}
	wantRefused(t, otherAPI.post("/customers/v2/Customer", whole), http.StatusBadRequest, "BIZL-1006")
	if id := otherAPI.create(`{"last_name":"C","email_address":"c@example.com"}`); id != 903 {
		t.Errorf("the next id is %d", id)
	}
	if err := sim.Save(&again); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(saved.Bytes(), again.Bytes()) {
		t.Error("the same state is saved differently")
	}
}

func TestABrokenStateIsRefusedAndChangesNothing(t *testing.T) {
	for name, state := range map[string]string{
		"no JSON":                  `<html>`,
		"another format":           `{"format":2}`,
		"an unknown member":        `{"format":1,"x":1}`,
		"an id beyond the last":    `{"format":1,"last_customer":1,"customers":[{"id":2}]}`,
		"an id twice":              `{"format":1,"last_customer":2,"customers":[{"id":2},{"id":2}]}`,
		"a company beyond":         `{"format":1,"companies":[{"id":2}]}`,
		"an address twice":         `{"format":1,"last_customer":2,"customers":[{"id":2,"addresses":[{"id":"a"}]},{"id":1,"addresses":[{"id":"a"}]}]}`,
		"an external id twice":     `{"format":1,"links":[{"system_id":1,"table":"customer","external_id":"a","internal_id":"1"},{"system_id":1,"table":"customer","external_id":"a","internal_id":"2"}]}`,
		"a record with two of one": `{"format":1,"links":[{"system_id":1,"table":"customer","external_id":"a","internal_id":"1"},{"system_id":1,"table":"customer","external_id":"b","internal_id":"1"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			sim, api := start(t)
			api.create(ada)
			if err := sim.Load(strings.NewReader(state)); err == nil {
				t.Fatal("no error")
			}
			if sim.CountCustomers() != 1 {
				t.Error("the state was changed")
			}
		})
	}
}

func TestBehindTheScenes(t *testing.T) {
	sim, api := start(t)
	ours := sim.AddCustomer(ipaastest.Customer{LastName: "A", EmailAddress: "a@example.com", ExternalIDs: []ipaastest.ExternalID{{SystemID: 313, ExternalID: "1|contact"}}})
	twin := sim.AddCustomer(ipaastest.Customer{LastName: "B", EmailAddress: "A@example.com"})
	if n := len(api.byEmail("a@example.com")); n != 2 {
		t.Errorf("%d customers share the e-mail, want 2", n)
	}
	sim.Relink(twin, "1|contact")
	if got, _ := sim.CustomerByExternalID("1|contact"); got.ID != twin {
		t.Errorf("linked to %d, want %d", got.ID, twin)
	}
	if got, _ := sim.Customer(ours); len(got.ExternalIDs) != 0 {
		t.Errorf("the link was not taken: %+v", got.ExternalIDs)
	}
	sim.Unlink(twin)
	if _, found := sim.CustomerByExternalID("1|contact"); found {
		t.Error("still linked")
	}
	sim.ChangeEmail(ours, "new@example.com")
	if len(api.byEmail("a@example.com")) != 1 || len(api.byEmail("new@example.com")) != 1 {
		t.Error("the e-mail was not changed")
	}
	before := sim.Revision()
	sim.Deactivate(ours)
	sim.Reactivate(ours)
	if sim.Revision() == before || len(api.byEmail("new@example.com")) != 1 {
		t.Error("not active again, or the revision stands still")
	}
	sim.Reset()
	if sim.CountCustomers() != 0 || len(sim.Companies()) != 0 || sim.Calls() != 0 {
		t.Error("not empty")
	}
}

func TestAReturnedCustomerIsACopy(t *testing.T) {
	sim, api := start(t)
	id := api.create(whole)
	got, _ := sim.Customer(id)
	got.CustomFields[0].Value, got.Addresses[0].Fields.City = "x", "x"
	if again, _ := sim.Customer(id); again.CustomField("Role") != "Buyer" || again.Addresses[0].Fields.City != "Atlanta" {
		t.Errorf("the state was changed: %+v", again)
	}
}

func TestTheDemoHasLinkedAndUnlinkedCompanies(t *testing.T) {
	sim := ipaastest.Demo(ipaastest.Config{}, map[string]string{"Adatum Corporation": "CT000001", "Fabrikam": "CT000002"}, "taken@example.com")
	api := caller{t, sim, sim.APIKey()}
	if a := api.lookup("Customer Company", "CT000001"); a.text != `"501"` {
		t.Errorf("Adatum: got %d %s", a.status, a.text)
	}
	if a := api.lookup("Customer Company", "CT000002"); a.text != `"506"` {
		t.Errorf("Fabrikam: got %d %s", a.status, a.text)
	}
	if n := len(sim.Companies()); n != 6 {
		t.Errorf("%d companies", n)
	}
	wantRefused(t, api.post("/customers/v2/Customer", `{"last_name":"A","email_address":"Taken@example.com"}`), 400, "BIZL-1006")
}

func TestTheSandboxSurface(t *testing.T) {
	sim, api := start(t)
	want := func(a answer, status int, part string) {
		t.Helper()
		if a.status != status || !strings.Contains(a.text, part) {
			t.Errorf("got %d %s, want %d with %s", a.status, a.text, status, part)
		}
	}
	want(api.post("/simulator/customers", `{"last_name":"A","email_address":"a@example.com"}`), 201, `"id":901`)
	want(api.post("/simulator/customers", `{"id":901}`), 409, "exists already")
	want(api.post("/simulator/customers", `{"nick":"x"}`), 400, "nick")
	want(api.do("PATCH", "/simulator/customers/901", `{"last_name":"King"}`), 200, `"email_address":"a@example.com"`)
	want(api.put("/simulator/customers/901/link", `{"external_id":"1|contact"}`), 200, `"external_id":"1|contact"`)
	want(api.get("/simulator/customers?external_id=1%7Ccontact"), 200, `"last_name":"King"`)
	want(api.get("/simulator/customers?email=A@example.com"), 200, `"last_name":"King"`)
	want(api.get("/simulator/customers"), 200, `"last_name":"King"`)
	want(api.do("DELETE", "/simulator/customers/901?deactivate=true", ""), 204, "")
	want(api.get("/simulator/customers/901"), 200, `"inactive":true`)
	want(api.do("DELETE", "/simulator/customers/901", ""), 204, "")
	want(api.get("/simulator/customers/901"), 404, "no such customer")
	want(api.do("PATCH", "/simulator/customers/901", `{}`), 404, "no such customer")
	want(api.get("/simulator/customers/x"), 400, "integer")

	want(api.post("/simulator/companies", `{"name":"Adatum Corporation","external_id":"C100"}`), 201, `"id":501`)
	want(api.get("/simulator/companies"), 200, `"external_id":"C100"`)
	want(api.post("/simulator/custom-fields", `{"name":"Shoe Size"}`), 204, "")
	want(api.get("/simulator/custom-fields"), 200, `"Shoe Size"`)
	want(api.do("DELETE", "/simulator/custom-fields/Shoe%20Size", ""), 204, "")

	want(api.post("/simulator/faults", `{"route":"customer search","status":503,"header":{"Retry-After":"3"},"body":"busy"}`), 204, "")
	want(api.post("/simulator/faults", `{"status":99}`), 400, "status")
	want(api.get("/customers/v2/Customers"), 503, "busy")
	want(api.get("/simulator/requests"), 200, `"calls":{"customer search":1}`)
	want(api.do("DELETE", "/simulator/requests", ""), 204, "")
	want(api.post("/simulator/faults", `{"cut":true}`), 204, "")
	want(api.do("DELETE", "/simulator/faults", ""), 204, "")
	want(api.post("/simulator/reset", `{}`), 204, "")
	if len(sim.Companies()) != 0 {
		t.Error("not reset")
	}
}

func TestAPageOfAnotherOriginCannotUseTheSandboxSurface(t *testing.T) {
	sim, api := start(t)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, sim.BaseURL()+"/simulator/reset", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Origin", "https://elsewhere.example")
	a, err := api.trySend(request)
	if err != nil {
		t.Fatal(err)
	}
	wantStatus(t, a, http.StatusForbidden)
}
