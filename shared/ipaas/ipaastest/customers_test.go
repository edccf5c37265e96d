package ipaastest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"contactsync/shared/ipaas/ipaastest"
)

const whole = `{"customer_number":"44552","first_name":"Ada","last_name":"Byron","email_address":"ada@example.com","company":"Adatum Corporation",
	"custom_fields":[{"custom_field_name":"Role","value":"Buyer"},{"custom_field_name":"Active","value":"true"}],
	"external_ids":[{"system_id":313,"external_id":"44552|contact"}],
	"addresses":[{"address_1":"192 Market Square","city":"Atlanta","region":"GA","country":"US","postal_code":"31772","phone_number":"1","prevent_duplicate":true,
		"external_ids":[{"system_id":313,"external_id":"44552|contact|address"}]}]}`

func TestOneCreateStoresCustomerFieldsLinkAndAddress(t *testing.T) {
	now := time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC)
	sim, api := start(t, ipaastest.Config{Now: func() time.Time { return now }})
	id := api.create(whole)

	got, _ := sim.CustomerByExternalID("44552|contact")
	want := ipaastest.Customer{
		ID: id, CustomerNumber: "44552", FirstName: "Ada", LastName: "Byron", EmailAddress: "ada@example.com", Company: "Adatum Corporation",
		Created: now, Updated: now,
		CustomFields: []ipaastest.CustomField{{ID: "210001", Name: "Role", Value: "Buyer"}, {ID: "210002", Name: "Active", Value: "true"}},
		ExternalIDs:  []ipaastest.ExternalID{{SystemID: 313, ExternalID: "44552|contact"}},
		Addresses: []ipaastest.Address{{
			ID: fmt.Sprintf("%dZZ_BAR_ZZ210003", id),
			Fields: ipaastest.AddressValues{
				Address1: "192 Market Square", City: "Atlanta", Region: "GA", Country: "US", PostalCode: "31772", PhoneNumber: "1",
			},
			ExternalIDs: []ipaastest.ExternalID{{SystemID: 313, ExternalID: "44552|contact|address"}},
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("customer (-want +got):\n%s", diff)
	}
	shown := api.get(fmt.Sprintf("/customers/v2/Customer/%d", id)).text
	for _, part := range []string{
		fmt.Sprintf(`"id":%d,`, id), `"email_address":"ada@example.com"`, `"custom_field_name":"Role","value":"Buyer"`,
		`"external_id":"44552|contact"`, `"address_1":"192 Market Square"`, `"created_datetime":"2026-01-31T10:00:00.0000000+00:00"`,
	} {
		if !strings.Contains(shown, part) {
			t.Errorf("the answer lacks %s: %s", part, shown)
		}
	}
	if strings.Contains(shown, "prevent_duplicate") {
		t.Errorf("the answer shows prevent_duplicate: %s", shown)
	}
}

func TestACreateIsRefused(t *testing.T) {
	tests := []struct {
		name, body, code string
	}{
		{"without an e-mail", `{"first_name":"A","last_name":"B"}`, "VALD-1021"},
		{"with an empty e-mail", `{"first_name":"A","last_name":"B","email_address":""}`, "VALD-1021"},
		{"without any name", `{"email_address":"a@example.com"}`, "VALD-1049"},
		{"without a body", ``, "VALD-1003"},
		{"with broken JSON", `{"first_name":`, "VALD-1003"},
		{"with an array", `[]`, "VALD-1003"},
		{"with two values", `{} {}`, "VALD-1003"},
		{"with a number as name", `{"first_name":1,"email_address":"a@example.com"}`, "VALD-1003"},
		{"with an undefined custom field", `{"first_name":"A","email_address":"a@example.com","custom_fields":[{"custom_field_name":"Shoe Size","value":"44"}]}`, "VALD-1010"},
		{"with an empty custom field", `{"first_name":"A","email_address":"a@example.com","custom_fields":[{"custom_field_name":"Role","value":""}]}`, "VALD-1002"},
		{"with a custom field without a name", `{"first_name":"A","email_address":"a@example.com","custom_fields":[{"value":"x"}]}`, "VALD-1015"},
		{"with a custom field of another type", `{"first_name":"A","email_address":"a@example.com","custom_fields":[{"custom_field_name":"Active","value":"yes"}]}`, "VALD-1036"},
		{"with an external id of no system", `{"first_name":"A","email_address":"a@example.com","external_ids":[{"external_id":"1|contact"}]}`, "VALD-1017"},
		{"with an external id of another system", `{"first_name":"A","email_address":"a@example.com","external_ids":[{"system_id":7,"external_id":"1|contact"}]}`, "VALD-1023"},
		{"with an empty external id", `{"first_name":"A","email_address":"a@example.com","external_ids":[{"system_id":313,"external_id":""}]}`, "VALD-1002"},
		{"with two external ids of one system", `{"first_name":"A","email_address":"a@example.com","external_ids":[{"system_id":313,"external_id":"1"},{"system_id":313,"external_id":"2"}]}`, "BIZL-1005"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sim, api := start(t)
			wantRefused(t, api.post("/customers/v2/Customer", tt.body), http.StatusBadRequest, tt.code)
			if n := sim.CountCustomers(); n != 0 {
				t.Errorf("%d customers were stored", n)
			}
		})
	}
}

func TestTheRefusalOfACustomFieldNamesIt(t *testing.T) {
	_, api := start(t)
	a := api.post("/customers/v2/Customer", `{"first_name":"A","email_address":"a@example.com","custom_fields":[{"custom_field_name":"Shoe Size","value":"44"}]}`)
	if !strings.Contains(a.text, "Shoe Size") {
		t.Errorf("the field is not named: %s", a.text)
	}
}

func TestEmailAddressesAreUniqueWithoutRegardToCase(t *testing.T) {
	_, api := start(t)
	api.create(ada)
	other := api.create(`{"last_name":"B","email_address":"b@example.com"}`)

	wantRefused(t, api.post("/customers/v2/Customer", strings.Replace(ada, "ada@", "ADA@", 1)), http.StatusBadRequest, "BIZL-1006")
	wantRefused(t, api.put(path(other), `{"email_address":"Ada@Example.com"}`), http.StatusBadRequest, "BIZL-1006")
	wantStatus(t, api.put(path(other), `{"email_address":"B@example.com"}`), http.StatusOK) // its own, in another case
	wantStatus(t, api.put(path(other), `{"email_address":"c@example.com"}`), http.StatusOK)
	api.create(`{"last_name":"B","email_address":"b@example.com"}`) // free again
}

func TestAnInactiveHolderOfAnEmailIsNamedAsSuch(t *testing.T) {
	_, api := start(t)
	id := api.create(ada)
	wantStatus(t, api.do(http.MethodDelete, path(id), ""), http.StatusNoContent)
	wantRefused(t, api.post("/customers/v2/Customer", ada), http.StatusBadRequest, "BIZL-1009")
	if found := api.byEmail("ada@example.com"); len(found) != 0 {
		t.Errorf("the search shows the deactivated customer: %v", found)
	}
}

func TestAnUpdateLeavesWhatItDoesNotName(t *testing.T) {
	sim, api := start(t)
	id := api.create(whole)
	before, _ := sim.Customer(id)
	wantStatus(t, api.put(path(id), `{"last_name":"King","company":"","custom_fields":[{"custom_field_name":"Role","value":"Approver"},{"custom_field_name":"Record Type","value":"Contact"}]}`), http.StatusOK)

	got, _ := sim.Customer(id)
	if got.LastName != "King" || got.Company != "" || got.CustomField("Role") != "Approver" || got.CustomField("Record Type") != "Contact" {
		t.Errorf("not updated: %+v", got)
	}
	if got.FirstName != "Ada" || got.CustomField("Active") != "true" || got.ExternalID(313) != "44552|contact" {
		t.Errorf("an absent member was touched: %+v", got)
	}
	if diff := cmp.Diff(before.Addresses, got.Addresses); diff != "" {
		t.Errorf("addresses (-before +after):\n%s", diff)
	}
}

func TestARefusedUpdateChangesNothing(t *testing.T) {
	sim, api := start(t)
	id := api.create(whole)
	api.create(`{"last_name":"B","email_address":"b@example.com","external_ids":[{"system_id":313,"external_id":"2|contact"}]}`)
	before := sim.Customers()
	wantRefused(t, api.put(path(id), `{"last_name":"X","addresses":[{"city":"Y"}],"external_ids":[{"system_id":313,"external_id":"2|contact"}]}`), http.StatusBadRequest, "BIZL-1003")
	wantRefused(t, api.put(path(id), `{"last_name":"","first_name":""}`), http.StatusBadRequest, "VALD-1049")
	if diff := cmp.Diff(before, sim.Customers()); diff != "" {
		t.Errorf("customers (-before +after):\n%s", diff)
	}
}

func TestIDsInPaths(t *testing.T) {
	_, api := start(t)
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
		body := ""
		if method == http.MethodPut {
			body = `{"last_name":"X"}`
		}
		wantRefused(t, api.do(method, "/customers/v2/Customer/912", body), http.StatusNotFound, "NFND-1005")
		wantRefused(t, api.do(method, "/customers/v2/Customer/abc", body), http.StatusBadRequest, "VALD-1004")
		wantRefused(t, api.do(method, "/customers/v2/Customer/0", body), http.StatusBadRequest, "VALD-1005")
	}
}

func TestADeactivatedCustomerRefusesAnUpdateUnlessItReactivates(t *testing.T) {
	t.Run("refused", func(t *testing.T) {
		sim, api := start(t)
		id := api.create(ada)
		sim.Deactivate(id)
		wantRefused(t, api.put(path(id), `{"last_name":"King"}`), http.StatusBadRequest, "BIZL-1009")
	})
	t.Run("reactivated", func(t *testing.T) {
		sim, api := start(t, ipaastest.Config{Switches: ipaastest.Switches{InactiveUpdate: ipaastest.InactiveReactivated}})
		id := api.create(ada)
		sim.Deactivate(id)
		wantStatus(t, api.put(path(id), `{"last_name":"King"}`), http.StatusOK)
		if got, _ := sim.Customer(id); got.Inactive || got.LastName != "King" {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("not while another active customer has the e-mail", func(t *testing.T) {
		sim, api := start(t, ipaastest.Config{Switches: ipaastest.Switches{InactiveUpdate: ipaastest.InactiveReactivated}})
		id := sim.AddCustomer(ipaastest.Customer{LastName: "B", EmailAddress: "ada@example.com", Inactive: true})
		sim.AddCustomer(ipaastest.Customer{LastName: "C", EmailAddress: "ada@example.com"})
		wantRefused(t, api.put(path(id), `{"last_name":"King"}`), http.StatusBadRequest, "BIZL-1006")
	})
}

func TestAddressesOfAnUpdate(t *testing.T) {
	const street = `"address_1":"192 Market Square","city":"Atlanta","region":"GA","country":"US","postal_code":"31772","phone_number":"1"`
	tests := []struct {
		name, addresses string
		cities          []string // afterwards
	}{
		{"the same external id updates in place", `[{"city":"Boston","external_ids":[{"system_id":313,"external_id":"44552|contact|address"}]}]`, []string{"Boston"}},
		{"an equal one is not added when that is asked for", `[{` + street + `,"prevent_duplicate":true}]`, []string{"Atlanta"}},
		{"an equal one is added when that is not asked for", `[{` + street + `}]`, []string{"Atlanta", "Atlanta"}},
		{"another one is added", `[{"city":"Boston","prevent_duplicate":true}]`, []string{"Atlanta", "Boston"}},
		{"an empty array removes nothing", `[]`, []string{"Atlanta"}},
		{"its own id updates in place", `[{"id":"901ZZ_BAR_ZZ210003","city":"Boston"}]`, []string{"Boston"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sim, api := start(t)
			id := api.create(whole)
			wantStatus(t, api.put(path(id), `{"addresses":`+tt.addresses+`}`), http.StatusOK)
			got, _ := sim.Customer(id)
			var cities []string
			for _, a := range got.Addresses {
				cities = append(cities, a.Fields.City)
			}
			if diff := cmp.Diff(tt.cities, cities); diff != "" {
				t.Errorf("cities (-want +got):\n%s", diff)
			}
			if got.Addresses[0].ExternalID(313) != "44552|contact|address" {
				t.Errorf("the first address lost its external id: %+v", got.Addresses[0])
			}
		})
	}
}

func TestAnAddressKeepsItsExternalIDWhenTheCustomerGetsAnother(t *testing.T) {
	sim, api := start(t)
	id := api.create(whole)
	wantStatus(t, api.post("/customers/v2/External/UpdateExternalId", fmt.Sprintf(`{"table_name":"customer","system_id":313,"external_id":"9|contact","internal_id":"%d"}`, id)), http.StatusOK)
	got, _ := sim.CustomerByExternalID("9|contact")
	if got.ID != id || got.Addresses[0].ExternalID(313) != "44552|contact|address" {
		t.Errorf("got %+v", got)
	}
	// so a new contact 44552 may have the customer's id, but not the address's.
	other := strings.Replace(whole, "ada@", "b@", 1)
	wantRefused(t, api.post("/customers/v2/Customer", other), http.StatusBadRequest, "BIZL-1003")
}

func path(id int64) string { return fmt.Sprintf("/customers/v2/Customer/%d", id) }
