package mapping

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"contactsync/shared/contact"
	"contactsync/shared/customer"
)

func seed(t testing.TB) *Collection {
	t.Helper()
	c, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func apply(t testing.TB, c *Collection, ct contact.Contact, links Links) Result {
	t.Helper()
	result, err := c.Apply(t.Context(), &ct, Options{SystemID: "77", Links: links})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// The embedded file is the seed's document (Mappings), row by row in its order.
func TestTheTablesAreTheSeeds(t *testing.T) {
	const omit = "omit"
	want := []Table{{
		Name:        "Dynamics Contact Add/Update TO iPaaS",
		Filter:      `Type == "Person" && RecordType == "Contact"`,
		Description: `This filter ensures only Contact records are processed. Records must have Type "Person" and RecordType "Contact".`,
		Rows: []Row{
			{Field, "Customer Type (Custom Field)", "Customer Type (Custom Field)", false, false, omit, "Maps customer type from Dynamics 365."},
			{Field, "RecordType", "Record Type (Custom Field)", false, false, omit, "Maps Record Type from Dynamics 365."},
			{Field, "WebUserRole_Contact", "Role (Custom Field)", false, false, omit, "Maps the web user role of the contact."},
			{Formula, `ConvertToBool(GetValueFromCustomField(AdditionalProperties, "Active_Web_User"))`, "Active (Custom Field)", false, false, omit,
				"Retrieves Active_Web_User value from AdditionalProperties using GetValueFromCustomField method."},
			{Formula, `CompanyID_Contact != "" ? GetSpaceportIdAsync(CompanyID_Contact, "Customer Company", SpaceportSystemId) : ""`, "iPaaS.com Company ID (Custom Field)", false, false, omit,
				"If CompanyID_Contact exists, resolves corresponding iPaaS.com Company ID using GetSpaceportIdAsync; otherwise returns empty."},
			{Field, "No", "CustomerNumber", true, false, omit, "Maps Dynamics 365 customer number."},
			{Field, "FirstName_Contact", "FirstName", true, false, omit, "Maps contact's first name."},
			{Field, "LastName_Contact", "LastName", true, false, omit, "Maps contact's last name."},
			{Formula, "EMail", "EmailAddress", true, false, omit, "Maps contact's email address."},
			{Field, "CompanyName_Contact", "Company", false, true, omit, "Maps contact's company name."},
		},
	}, {
		Name:        "Contact Address Add/Update To iPaaS.com",
		Destination: "Addresses",
		Filter:      `SourceTypeName != "ParentOnly"`,
		Description: "This filter processes address records except those marked as ParentOnly.",
		Rows: []Row{
			{Field, "Address", "Address1", false, false, omit, "Maps Address to Address1."},
			{Field, "Address2", "Address2", false, false, omit, "Maps Address2 to Address2"},
			{Field, "City", "City", false, false, omit, "Maps City to City."},
			{Field, "County", "Region", false, false, omit, "Maps County to Region."},
			{Field, "CountryRegionCode", "Country", false, false, omit, "Maps the Country code to Country."},
			{Field, "PostCode", "PostalCode", false, false, omit, "Maps PostCode to PostalCode."},
			{Field, "PhoneNo", "PhoneNumber", false, false, omit, "Maps PhoneNo to PhoneNumber"},
			{Static, "true", "PreventDuplicate", false, false, omit, "When set true, prevents duplicate records from being created."},
		},
	}}
	if diff := cmp.Diff(want, seed(t).Rows()); diff != "" {
		t.Errorf("tables (-want +got):\n%s", diff)
	}
}

func TestTheCollectionIsEnabledForBothTriggers(t *testing.T) {
	c := seed(t)
	if c.Name() != "Dynamics Contact Add/Update TO iPaaS" || !c.Enabled() || !c.Creates() || !c.Updates() {
		t.Errorf("name %q, enabled %t, creates %t, updates %t", c.Name(), c.Enabled(), c.Creates(), c.Updates())
	}
}

// business-central.md 9.6 with an Address2 and a phone number.
func TestAFullContactBecomesACustomerWithEveryRow(t *testing.T) {
	want := Result{Customer: customer.Customer{
		Fields: []customer.Value{
			{Field: "customer_number", Value: "CT000002"}, {Field: "first_name", Value: "Robert"}, {Field: "last_name", Value: "Townes"},
			{Field: "email_address", Value: "robert.townes@contoso.com"}, {Field: "company", Value: "Adatum Corporation"},
		},
		CustomFields: []customer.CustomValue{
			{Name: "Customer Type", Value: "B2B"}, {Name: "Record Type", Value: "Contact"}, {Name: "Role", Value: "Buyer"},
			{Name: "Active", Value: "true"}, {Name: "iPaaS.com Company ID", Value: "912"},
		},
		Addresses: []customer.Address{{Fields: []customer.Value{
			{Field: "address_1", Value: "192 Market Square"}, {Field: "address_2", Value: "Suite 4"}, {Field: "city", Value: "Atlanta"},
			{Field: "region", Value: "GA"}, {Field: "country", Value: "US"}, {Field: "postal_code", Value: "31772"},
			{Field: "phone_number", Value: "+1 425 555 0100"}, {Field: "prevent_duplicate", Value: true},
		}}},
	}}
	got := apply(t, seed(t), fullContact(), staticLinks{"CT000001": "912"})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
}

// Each row of the parent on its own: the contact with and without the value.
func TestEachRowOfTheParent(t *testing.T) {
	fields := func(r *Result) map[string]string {
		all := map[string]string{}
		for _, v := range r.Customer.Fields {
			all[v.Field], _ = v.Value.(string)
		}
		for _, v := range r.Customer.CustomFields {
			all[v.Name] = v.Value
		}
		return all
	}
	tests := []struct {
		row     string // destination, as sent
		without func(*contact.Contact)
		want    string
	}{
		{"Customer Type", func(c *contact.Contact) { c.CustomerType = "" }, "B2B"},
		{"Role", func(c *contact.Contact) { c.WebUserRole = "  " }, "Buyer"},
		{"Active", func(c *contact.Contact) { c.AdditionalProperties = nil }, "true"},
		{"iPaaS.com Company ID", func(c *contact.Contact) { c.CompanyID = "" }, "912"},
		{"customer_number", func(c *contact.Contact) { c.No = "" }, "CT000002"},
		{"first_name", func(c *contact.Contact) { c.FirstName = "" }, "Robert"},
		{"last_name", func(c *contact.Contact) { c.LastName = "" }, "Townes"},
		{"email_address", func(c *contact.Contact) { c.EMail = "" }, "robert.townes@contoso.com"},
		{"company", func(c *contact.Contact) { c.CompanyName = "" }, "Adatum Corporation"},
	}
	links := staticLinks{"CT000001": "912"}
	full := apply(t, seed(t), fullContact(), links)
	for _, tt := range tests {
		t.Run(tt.row, func(t *testing.T) {
			if got := fields(&full)[tt.row]; got != tt.want {
				t.Errorf("with the value: got %q, want %q", got, tt.want)
			}
			ct := fullContact()
			tt.without(&ct)
			result := apply(t, seed(t), ct, links)
			got := fields(&result)
			if _, sent := got[tt.row]; sent {
				t.Errorf("without the value: %q is sent, want nothing", got[tt.row])
			}
			if len(got) != len(tests) {
				t.Errorf("without the value %d other members are sent, want %d", len(got), len(tests))
			}
		})
	}
	// The filter lets Contact through only, so Record Type has no case without it.
	if got := fields(&full)["Record Type"]; got != "Contact" {
		t.Errorf("Record Type: got %q, want Contact", got)
	}
}

func TestEachRowOfTheAddress(t *testing.T) {
	tests := []struct {
		row     string // as sent
		contact contact.Contact
	}{
		{"address_1", contact.Contact{Address: "value"}},
		{"address_2", contact.Contact{Address2: "value"}},
		{"city", contact.Contact{City: "value"}},
		{"region", contact.Contact{County: "value"}},
		{"country", contact.Contact{CountryRegionCode: "value"}},
		{"postal_code", contact.Contact{PostCode: "value"}},
		{"phone_number", contact.Contact{PhoneNo: "value"}},
	}
	for _, tt := range tests {
		t.Run(tt.row, func(t *testing.T) {
			tt.contact.Type, tt.contact.RecordType = "Person", "Contact"
			want := []customer.Address{{Fields: []customer.Value{{Field: tt.row, Value: "value"}, {Field: "prevent_duplicate", Value: true}}}}
			if diff := cmp.Diff(want, apply(t, seed(t), tt.contact, nil).Customer.Addresses); diff != "" {
				t.Errorf("addresses (-want +got):\n%s", diff)
			}
		})
	}
}

// business-central.md 12, no. 4: the type of Active_Web_User is not known.
func TestActiveIsSentAsTrueOrFalse(t *testing.T) {
	tests := []struct {
		name  string
		value any
		want  string // "" when nothing is sent
	}{
		{"true", true, "true"}, {"false", false, "false"},
		{"the text true", "true", "true"}, {"the text FALSE", "FALSE", "false"},
		{"the text Yes", "Yes", "true"}, {"the text No", " No ", "false"},
		{"the number 1", int64(1), "true"}, {"the number 0", int64(0), "false"},
		{"the number 1 with decimals", 1.0, "true"}, {"the text 0", "0", "false"},
		{"nothing", nil, ""}, {"a blank text", " ", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ct := fullContact()
			ct.AdditionalProperties = map[string]any{"Active_Web_User": tt.value}
			result := apply(t, seed(t), ct, staticLinks{"CT000001": "912"})
			got := ""
			for _, v := range result.Customer.CustomFields {
				if v.Name == "Active" {
					got = v.Value
				}
			}
			if got != tt.want || len(result.Findings) > 0 {
				t.Errorf("got %q with findings %v, want %q", got, result.Findings, tt.want)
			}
		})
	}
}

func TestTheFiltersSayWhyAContactIsSkipped(t *testing.T) {
	tests := []struct {
		name    string
		contact contact.Contact
		want    string
	}{
		{"a company", contact.Contact{Type: "Company", RecordType: "Contact"}, `mapping filter: Type == "Person" is false (Type is "Company")`},
		{"a person that is a customer", contact.Contact{Type: "Person", RecordType: "Customer"}, `mapping filter: RecordType == "Contact" is false (RecordType is "Customer")`},
		{"a contact without a type", contact.Contact{RecordType: "Contact"}, `mapping filter: Type == "Person" is false (Type is empty)`},
		{"a person without a record type", contact.Contact{Type: "Person"}, `mapping filter: RecordType == "Contact" is false (RecordType is empty)`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(Result{Skipped: tt.want}, apply(t, seed(t), tt.contact, nil)); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAContactWithoutAddressValuesIsParentOnly(t *testing.T) {
	got := apply(t, seed(t), contact.Contact{Type: "Person", RecordType: "Contact", No: "1"}, nil)
	if got.Customer.Addresses != nil {
		t.Errorf("got addresses %v, want none", got.Customer.Addresses)
	}
}

func TestEverythingThatIsMissingIsReportedAtOnce(t *testing.T) {
	got := apply(t, seed(t), contact.Contact{Type: "Person", RecordType: "Contact"}, nil)
	want := []Finding{
		{Kind: RequiredEmpty, Field: "CustomerNumber", Source: "No"},
		{Kind: RequiredEmpty, Field: "FirstName", Source: "FirstName_Contact"},
		{Kind: RequiredEmpty, Field: "LastName", Source: "LastName_Contact"},
		{Kind: RequiredEmpty, Field: "EmailAddress", Source: "EMail"},
	}
	if diff := cmp.Diff(want, got.Findings); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Company is recommended and empty (source CompanyName_Contact)"}, got.Warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

func TestWhatTheSeedReadsOfAContact(t *testing.T) {
	want := Sources{
		Model: []string{"Address", "Address2", "City", "CompanyID_Contact", "CompanyName_Contact", "CountryRegionCode", "County", "CustomerType",
			"EMail", "FirstName_Contact", "LastName_Contact", "No", "PhoneNo", "PostCode", "RecordType", "Type", "WebUserRole_Contact"},
		Properties: []string{"Active_Web_User", "Customer Type"},
	}
	if diff := cmp.Diff(want, seed(t).Sources()); diff != "" {
		t.Errorf("sources (-want +got):\n%s", diff)
	}
}
