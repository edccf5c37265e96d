package ipaastest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"contactsync/shared/ipaas/ipaastest"
)

const lookupPath = "/customers/v2/External/LookupSpaceport/313/"

func TestALookUpAnswersTheIDInQuotes(t *testing.T) {
	sim, api := start(t)
	id := api.create(whole)
	company := sim.AddCompany("Adatum Corporation", "C100")
	tests := []struct {
		name string
		got  answer
		want string
	}{
		{"a customer, special form", api.lookup("customer", "44552|contact"), fmt.Sprintf(`"%d"`, id)},
		{"a table in another case", api.lookup("CUSTOMER", "44552|contact"), fmt.Sprintf(`"%d"`, id)},
		{"an address", api.lookup("Address", "44552|contact|address"), fmt.Sprintf(`"%dZZ_BAR_ZZ210003"`, id)},
		{"a company, special form", api.lookup("Customer Company", "C100"), fmt.Sprintf(`"%d"`, company)},
		{"a company, plain form", api.get(lookupPath + "Customer%20Company/C100"), fmt.Sprintf(`"%d"`, company)},
		{"back from the customer", api.get(fmt.Sprintf("/customers/v2/External/LookupExternal/%d/313/customer", id)), `"44552|contact"`},
	}
	for _, tt := range tests {
		if tt.got.status != http.StatusOK || tt.got.text != tt.want {
			t.Errorf("%s: got %d %s, want %s", tt.name, tt.got.status, tt.got.text, tt.want)
		}
	}
}

func TestAnUnlinkedIDIs404WithoutABody(t *testing.T) {
	sim, api := start(t)
	id := sim.AddCustomer(ipaastest.Customer{LastName: "B", EmailAddress: "b@example.com"})
	for _, a := range []answer{
		api.lookup("customer", "44552|contact"), api.get(lookupPath + "customer/44552"),
		api.get(fmt.Sprintf("/customers/v2/External/LookupExternal/%d/313/customer", id)),
	} {
		if a.status != http.StatusNotFound || a.text != "" {
			t.Errorf("got %d %q", a.status, a.text)
		}
	}
}

func TestExternalIDsOfOneTableAreNotThoseOfAnother(t *testing.T) {
	sim, api := start(t)
	sim.AddCompany("Adatum Corporation", "44552|contact")
	wantStatus(t, api.lookup("customer", "44552|contact"), http.StatusNotFound)
	api.create(whole)
}

func TestALookUpOfADeletedCustomerSaysSo(t *testing.T) {
	sim, api := start(t)
	id := api.create(whole)
	sim.Delete(id)
	if a, want := api.lookup("customer", "44552|contact"), fmt.Sprintf(`"DELETED:%d"`, id); a.status != http.StatusOK || a.text != want {
		t.Errorf("got %d %s, want %s", a.status, a.text, want)
	}
	wantRefused(t, api.get(path(id)), http.StatusNotFound, "NFND-1005")
	wantRefused(t, api.put(path(id), `{"last_name":"X"}`), http.StatusNotFound, "NFND-1005")

	again := api.create(whole) // its e-mail and external ids are free
	if a, want := api.lookup("customer", "44552|contact"), fmt.Sprintf(`"%d"`, again); a.text != want {
		t.Errorf("after another create: got %s, want %s", a.text, want)
	}
}

func TestALookUpOfADeactivatedCustomerStillAnswersItsID(t *testing.T) {
	sim, api := start(t)
	id := api.create(whole)
	sim.Deactivate(id)
	if a, want := api.lookup("customer", "44552|contact"), fmt.Sprintf(`"%d"`, id); a.text != want {
		t.Errorf("got %s, want %s", a.text, want)
	}
}

func TestALookUpIsRefused(t *testing.T) {
	_, api := start(t)
	const special = "/customers/v2/External/LookupSpecial"
	tests := []struct {
		name string
		got  answer
		code string
	}{
		{"without a table", api.post(special, `{"system_id":313,"external_id":"1"}`), "VALD-1007"},
		{"without a system", api.post(special, `{"table_name":"customer","external_id":"1"}`), "VALD-1017"},
		{"for an unknown system", api.post(special, `{"table_name":"customer","system_id":7,"external_id":"1"}`), "VALD-1023"},
		{"for a system that is no number", api.get("/customers/v2/External/LookupSpaceport/abc/customer/1"), "VALD-1017"},
		{"without an external id", api.post(special, `{"table_name":"customer","system_id":313}`), "VALD-1002"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { wantRefused(t, tt.got, http.StatusBadRequest, tt.code) })
	}
}

func TestUpdateExternalID(t *testing.T) {
	const route = "/customers/v2/External/UpdateExternalId"
	link := func(id int64, external string) string {
		return fmt.Sprintf(`{"table_name":"customer","system_id":313,"external_id":"%s","internal_id":"%d"}`, external, id)
	}
	t.Run("links a customer and answers the link", func(t *testing.T) {
		sim, api := start(t)
		id := api.create(ada)
		a := api.post(route, link(id, "44552|contact"))
		wantStatus(t, a, http.StatusOK)
		if a.object["external_id"] != "44552|contact" || a.object["internal_id"] != fmt.Sprint(id) {
			t.Errorf("got %s", a.text)
		}
		if got, _ := sim.CustomerByExternalID("44552|contact"); got.ID != id {
			t.Errorf("linked to %d, want %d", got.ID, id)
		}
	})
	t.Run("replaces the one that the customer had", func(t *testing.T) {
		_, api := start(t)
		id := api.create(whole)
		wantStatus(t, api.post(route, link(id, "9|contact")), http.StatusOK)
		wantStatus(t, api.lookup("customer", "44552|contact"), http.StatusNotFound)
	})
	t.Run("refuses one that another customer carries", func(t *testing.T) {
		_, api := start(t)
		api.create(whole)
		other := api.create(`{"last_name":"B","email_address":"b@example.com"}`)
		wantRefused(t, api.post(route, link(other, "44552|contact")), http.StatusBadRequest, "BIZL-1003")
	})
	t.Run("refuses a customer that is not there", func(t *testing.T) {
		_, api := start(t)
		wantRefused(t, api.post(route, link(912, "1|contact")), http.StatusNotFound, "NFND-1005")
	})
	t.Run("refuses what is incomplete", func(t *testing.T) {
		_, api := start(t)
		wantRefused(t, api.post(route, `{"table_name":"customer","system_id":313,"external_id":"1"}`), http.StatusBadRequest, "VALD-1002")
		wantRefused(t, api.post(route, `{"table_name":"customer","system_id":313,"internal_id":"1"}`), http.StatusBadRequest, "VALD-1002")
		wantRefused(t, api.post(route, `{"system_id":313,"external_id":"1","internal_id":"1"}`), http.StatusBadRequest, "VALD-1007")
	})
}

func TestAnUpdateMayCarryAnotherExternalIDOfItsOwn(t *testing.T) {
	sim, api := start(t)
	id := api.create(whole)
	wantStatus(t, api.put(path(id), `{"external_ids":[{"system_id":313,"external_id":"9|contact"}]}`), http.StatusOK)
	if got, _ := sim.Customer(id); got.ExternalID(313) != "9|contact" {
		t.Errorf("got %+v", got.ExternalIDs)
	}
	wantStatus(t, api.lookup("customer", "44552|contact"), http.StatusNotFound)
}

func TestACreateWithATakenExternalIDIsRefused(t *testing.T) {
	sim, api := start(t)
	api.create(whole)
	wantRefused(t, api.post("/customers/v2/Customer", `{"last_name":"B","email_address":"b@example.com","external_ids":[{"system_id":313,"external_id":"44552|contact"}]}`), http.StatusBadRequest, "BIZL-1003")
	if n := sim.CountCustomers(); n != 1 {
		t.Errorf("%d customers", n)
	}
}

func TestMissingListsTheUnlinked(t *testing.T) {
	sim, api := start(t)
	api.create(whole)
	unlinked := sim.AddCustomer(ipaastest.Customer{LastName: "B", EmailAddress: "b@example.com"})
	if a, want := api.get("/customers/v2/External/Missing/313/customer"), fmt.Sprintf("[%d]", unlinked); a.text != want {
		t.Errorf("got %s, want %s", a.text, want)
	}
}

func TestSearchByEmail(t *testing.T) {
	seed := func(sim *ipaastest.Simulator) {
		sim.AddCustomer(ipaastest.Customer{LastName: "A", EmailAddress: "Ada@Example.com"})
		sim.AddCustomer(ipaastest.Customer{LastName: "B", EmailAddress: "ada@example.com.au"})
		sim.AddCustomer(ipaastest.Customer{LastName: "C", EmailAddress: "ada@example.com", Inactive: true})
	}
	tests := []struct {
		name     string
		switches ipaastest.Switches
		want     string // last names
	}{
		{"without regard to case, active ones", ipaastest.Switches{}, "A"},
		{"inactive ones too", ipaastest.Switches{SearchShowsInactive: true}, "AC"},
		{"to the letter", ipaastest.Switches{EmailSearch: ipaastest.EmailExactCase}, ""},
		{"more than was asked for", ipaastest.Switches{EmailSearch: ipaastest.EmailPrefix}, "AB"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sim, api := start(t, ipaastest.Config{Switches: tt.switches})
			seed(sim)
			var names string
			for _, c := range api.byEmail("ada@example.com") {
				names += fmt.Sprint(c["last_name"])
			}
			if names != tt.want {
				t.Errorf("got %q, want %q", names, tt.want)
			}
		})
	}
}

func TestASearchDecodesItsParameter(t *testing.T) {
	sim, api := start(t)
	sim.AddCustomer(ipaastest.Customer{LastName: "A", EmailAddress: "o'ada+x&y@example.com"})
	if n := len(api.byEmail("o'ada+x&y@example.com")); n != 1 {
		t.Errorf("found %d", n)
	}
}

func TestListsComeInPages(t *testing.T) {
	sim, api := start(t, ipaastest.Config{PageSize: 2})
	for i := range 5 {
		sim.AddCustomer(ipaastest.Customer{LastName: "A", EmailAddress: fmt.Sprintf("a%d@example.com", i)})
	}
	for number, want := range map[int]int{1: 2, 2: 2, 3: 1, 4: 0} {
		a := api.get(fmt.Sprintf("/customers/v2/Customers?pageNumber=%d", number))
		if got := strings.Count(a.text, `"email_address"`); got != want {
			t.Errorf("page %d has %d, want %d", number, got, want)
		}
		if header, want := a.header.Get("X-Pagination"), fmt.Sprintf(`{"current_Page":%d,"total_Pages":3,"page_Size":2,"total_Count":5}`, number); header != want {
			t.Errorf("page %d: header %s, want %s", number, header, want)
		}
	}
}

func TestCompanies(t *testing.T) {
	sim, api := start(t)
	id := sim.AddCompany("Adatum Corporation", "C100")
	sim.AddCompany("Trey Research", "")
	a := api.get("/customers/v2/Customer/Companies?action=equals&Name=" + url.QueryEscape("adatum corporation"))
	if a.status != http.StatusOK || !strings.Contains(a.text, fmt.Sprintf(`"id":%d,"name":"Adatum Corporation"`, id)) || strings.Contains(a.text, "Trey") {
		t.Errorf("search: got %d %s", a.status, a.text)
	}
	a = api.get(fmt.Sprintf("/customers/v2/Customer/Company/%d", id))
	if a.object["name"] != "Adatum Corporation" || !strings.Contains(a.text, `"external_id":"C100"`) {
		t.Errorf("get: got %d %s", a.status, a.text)
	}
	wantRefused(t, api.get("/customers/v2/Customer/Company/9"), http.StatusNotFound, "NFND-1005")
}

func TestACustomFieldAlone(t *testing.T) {
	sim, api := start(t)
	id := api.create(ada)
	set := func(id int64, kind, name, value string) answer {
		return api.post("/customers/v2/CustomField/Customer", fmt.Sprintf(`{"id":"%d","type":"%s","custom_field_name":"%s","value":"%s"}`, id, kind, name, value))
	}
	wantStatus(t, set(id, "Customer", "Role", "Buyer"), http.StatusOK)
	if got, _ := sim.Customer(id); got.CustomField("Role") != "Buyer" {
		t.Errorf("got %+v", got.CustomFields)
	}
	wantRefused(t, set(id, "Product", "Role", "Buyer"), http.StatusBadRequest, "VALD-1022")
	wantRefused(t, set(id, "Customer", "Shoe Size", "44"), http.StatusBadRequest, "VALD-1010")
	wantRefused(t, set(9, "Customer", "Role", "Buyer"), http.StatusNotFound, "NFND-1005")
}

func TestADeletedDefinitionTakesItsValuesAlong(t *testing.T) {
	sim, api := start(t)
	id := api.create(whole)
	sim.DeleteCustomField("Role")
	if got, _ := sim.Customer(id); got.CustomField("Role") != "" || got.CustomField("Active") != "true" {
		t.Errorf("got %+v", got.CustomFields)
	}
	wantRefused(t, api.put(path(id), `{"custom_fields":[{"custom_field_name":"Role","value":"Buyer"}]}`), http.StatusBadRequest, "VALD-1010")
}
