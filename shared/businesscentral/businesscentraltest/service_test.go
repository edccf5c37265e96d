package businesscentraltest_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	bc "contactsync/shared/businesscentral/businesscentraltest"
)

func TestAddressesOfACompany(t *testing.T) {
	sim := bc.Start(t, bc.Config{
		Company:        bc.Company{Name: "O'Brien & Co", DisplayName: "O'Brien", ID: bc.DefaultCompanyID},
		OtherCompanies: []bc.Company{{Name: "My Company", ID: "11111111-2222-3333-4444-555555555555", Evaluation: true}},
	})
	sim.Add(bc.Contact{No: "A", Name: "Ada"})
	c := newCaller(t, sim)
	odata := c.environment() + "/ODataV4"
	tests := []struct {
		name, address string
		status        int
		rows          int
		code          string
	}{
		{"by name, quotes doubled", odata + "/Company('O%27%27Brien%20%26%20Co')/Contact_Card", 200, 1, ""},
		{"by id", odata + "/Company(Id=" + bc.DefaultCompanyID + ")/Contact_Card", 200, 1, ""},
		{"by id in quotes", odata + "/Company('" + bc.DefaultCompanyID + "')/Contact_Card", 200, 1, ""},
		{"as an option", odata + "/Contact_Card?company='O%27Brien%20%26%20Co'", 200, 1, ""},
		{"without the tenant", sim.BaseURL() + "/Production/ODataV4/Company(Id=" + bc.DefaultCompanyID + ")/Contact_Card", 200, 1, ""},
		{"another company has no records", odata + "/Company('My%20Company')/Contact_Card", 200, 0, ""},
		{"the name in another case", odata + "/Company('o%27%27brien%20%26%20co')/Contact_Card", 404, 0, "Internal_CompanyNotFound"},
		{"an unknown id", odata + "/Company(Id=99999999-2222-3333-4444-555555555555)/Contact_Card", 404, 0, "Internal_CompanyNotFound"},
		{"of the API", c.api("contacts"), 200, 1, ""},
		{"of the API as an option", c.environment() + "/api/v2.0/contacts?company=" + bc.DefaultCompanyID, 200, 1, ""},
		{"an unknown one of the API", strings.Replace(c.api("contacts"), "70c0", "ffff", 1), 404, 0, "Internal_CompanyNotFound"},
		{"the list", odata + "/Company", 200, 2, ""},
		{"the list of the API", c.environment() + "/api/v2.0/companies", 200, 2, ""},
		{"the list by name", odata + "/Company" + query("$filter", "Name eq 'My Company'"), 200, 1, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := c.in(t)
			status, body := c.get(tt.address)
			var p page
			_ = json.Unmarshal([]byte(body), &p)
			if status != tt.status || len(p.Value) != tt.rows || errorCode(body) != tt.code {
				t.Errorf("got %d %s, want %d, %d rows, code %q", status, body, tt.status, tt.rows, tt.code)
			}
		})
	}
}

func TestTheFormsOf404(t *testing.T) {
	sim := bc.Start(t)
	sim.Add(fiveContacts()...)
	c := newCaller(t, sim)
	tests := []struct{ name, address, code, text string }{
		{"a service that is not published", c.service("Contact_List"), "BadRequest_ResourceNotFound", "Resource not found for the segment 'Contact_List'.  CorrelationId:  "},
		{"a record that is not there", c.service("Contact_Card('NOBODY')"), "BadRequest_ResourceNotFound", "segment 'Contact_Card'."},
		{"a record of the API that is not there", c.api("contacts(5d115c9c-44e3-ea11-bb43-000d3a2feca1)"), "BadRequest_ResourceNotFound", "segment 'contacts'."},
		{"a malformed key", c.api("contacts(None)"), "BadRequest_NotFound", `"Bad Request - Error in query syntax."`},
		{"a number as the key of the API", c.api("contacts('A1')"), "BadRequest_NotFound", ""},
		{"an internal id as the key of a page", c.service("Contact_Card(3f2504e0-4f89-11d3-9a0c-0305e82c3301)"), "BadRequest_NotFound", ""},
		{"an API that is not there", strings.Replace(c.api("contacts"), "v2.0/companies", "contoso/app/v1.0/companies", 1), "BadRequest_NotFound", "No HTTP resource was found that matches the request URI 'https://api.businesscentral.example/v2.0/"},
		{"another environment", strings.Replace(c.service("Contact_Card"), "Production", "Sandbox", 1), "", "<code>NoEnvironment</code>"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := c.in(t)
			status, body := c.get(tt.address)
			if status != 404 || errorCode(body) != tt.code || !strings.Contains(body, tt.text) {
				t.Errorf("got %d %s, want 404 %s with %q", status, body, tt.code, tt.text)
			}
		})
	}
	sim.Unpublish("Contact_Card")
	if status, _ := c.get(c.service("Contact_Card('A1')")); status != 404 {
		t.Errorf("unpublished: got %d, want 404", status)
	}
	if err := sim.Publish(bc.Service{Name: "My_Contacts"}); err != nil {
		t.Fatal(err)
	}
	if status, _ := c.get(c.service("My_Contacts('a1')")); status != 200 {
		t.Errorf("published under another name: got %d, want 200", status)
	}
	if err := sim.Publish(bc.Service{Name: "Contact Card"}); err == nil {
		t.Error("a service name with a blank was accepted")
	}
}

func TestAssumptionsAbout404(t *testing.T) {
	sim := bc.Start(t, bc.Config{Assumptions: bc.Assumptions{RecordNotFoundByTable: true, UnknownCompanyStatus: 400}})
	c := newCaller(t, sim)
	if status, body := c.get(c.service("Contact_Card('NOBODY')")); status != 404 || errorCode(body) != "Internal_RecordNotFound" {
		t.Errorf("no. 9: got %d %s", status, body)
	}
	if status, _ := c.get(c.environment() + "/ODataV4/Company('X')/Contact_Card"); status != 400 {
		t.Errorf("no. 19: got %d, want 400", status)
	}
}

func TestNumbersWithSpecialCharactersAreKeys(t *testing.T) {
	sim := bc.Start(t)
	sim.Add(bc.Contact{No: "K/1 & O'HARA"}, bc.Contact{No: "000042"}, bc.Contact{No: "ÆØ 9/8"})
	c := newCaller(t, sim)
	for _, key := range []string{"K%2F1%20%26%20O%27%27HARA", "k%2F1%20%26%20o''hara", "000042", "%C3%86%C3%98%209%2F8"} {
		for _, form := range []string{"('" + key + "')", "(No='" + key + "')"} {
			if status, body := c.get(c.service("Contact_Card" + form)); status != 200 {
				t.Errorf("%s: got %d %s, want 200", form, status, body)
			}
		}
	}
	if status, _ := c.get(c.service("Contact_Card('42')")); status != 404 {
		t.Errorf("42 is not 000042: got %d, want 404", status)
	}
}

func TestPagesWithoutTheirTimeOrInternalID(t *testing.T) {
	sim := bc.Start(t, bc.Config{Services: []bc.Service{
		{Name: "Standard", Profile: bc.PageStandard},
		{Name: "Timeless", Without: []string{"SystemModifiedAt", "SystemId", "Web_User_Role"}},
		{Name: "Renamed", Rename: map[string]string{"SystemModifiedAt": "LastModifiedDateTime"}},
		{Name: "ByID", Profile: bc.ModelNames, KeySystemID: true},
	}})
	sim.Add(fiveContacts()...)
	c := newCaller(t, sim)
	_, metadata := c.get(c.environment() + "/ODataV4/$metadata")
	properties := propertiesOf(t, metadata)
	for name, missing := range map[string][]string{"Standard": {"SystemModifiedAt", "SystemId", "First_Name"}, "Timeless": {"SystemModifiedAt", "SystemId", "Web_User_Role"}, "Renamed": {"SystemModifiedAt"}} {
		_, row := c.get(c.service(name + "('A1')"))
		for _, property := range missing {
			if properties[name][property] != "" || strings.Contains(row, `"`+property+`"`) {
				t.Errorf("%s still has %s", name, property)
			}
			if status, _ := c.get(c.service(name) + query("$orderby", property)); status != 400 {
				t.Errorf("%s ordered by %s: got %d, want 400", name, property, status)
			}
		}
	}
	if properties["Renamed"]["LastModifiedDateTime"] != "Edm.DateTimeOffset" {
		t.Errorf("got %v", properties["Renamed"])
	}
	if got := c.page(c.service("Renamed") + query("$filter", "LastModifiedDateTime ge 2026-03-02T00:00:00Z", "$orderby", "LastModifiedDateTime,No")).list("No"); got != "C/3 & 4 D4" {
		t.Errorf("by LastModifiedDateTime: got %q", got)
	}
	if status, _ := c.get(c.service("ByID(3f2504e0-4f89-11d3-9a0c-0305e82c3301)")); status != 200 {
		t.Errorf("a page whose key is the internal id: got %d", status)
	}
}

// propertiesOf parses $metadata: entity type, property, type.
func propertiesOf(t *testing.T, metadata string) map[string]map[string]string {
	t.Helper()
	types, current := map[string]map[string]string{}, ""
	d := xml.NewDecoder(strings.NewReader(metadata))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return types
		}
		if err != nil {
			t.Fatalf("$metadata: %v", err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		attributes := map[string]string{}
		for _, a := range start.Attr {
			attributes[a.Name.Local] = a.Value
		}
		switch start.Name.Local {
		case "EntityType":
			current = attributes["Name"]
			types[current] = map[string]string{}
		case "Property":
			types[current][attributes["Name"]] = attributes["Type"]
		}
	}
}

func TestMetadataListsExactlyWhatRowsCarry(t *testing.T) {
	sim := bc.Start(t, bc.Config{CustomAPI: &bc.CustomAPI{Publisher: "contoso", Group: "app", Version: "v1.0"},
		ExtraProperties: []bc.ExtraProperty{{Name: "Loyalty_Points", Type: "Edm.Int32"}, {Name: "Nickname"}}, MetadataPadding: 200_000})
	sim.Add(bc.Contact{No: "A", Extra: map[string]any{"Loyalty_Points": 12}})
	if err := sim.AddCustomers(bc.Customer{No: "A"}); err != nil {
		t.Fatal(err)
	}
	c := newCaller(t, sim)
	custom := strings.Replace(c.api("contacts"), "v2.0/companies", "contoso/app/v1.0/companies", 1)
	for typeName, addresses := range map[string][2]string{
		"Contact_Card":  {c.environment() + "/ODataV4/$metadata", c.service("Contact_Card")},
		"Customers":     {c.environment() + "/ODataV4/$metadata", c.service("Customers")},
		"Customer_Card": {c.environment() + "/ODataV4/$metadata", c.service("Customer_Card")},
		"contact":       {c.environment() + "/api/v2.0/$metadata", c.api("contacts")},
		"customer":      {c.environment() + "/api/v2.0/$metadata", c.api("customers")},
		"contact ":      {c.environment() + "/api/contoso/app/v1.0/$metadata", custom},
	} {
		_, metadata := c.get(addresses[0])
		if len(metadata) < 200_000 {
			t.Errorf("%s: $metadata has %d bytes, want padding to 200,000", typeName, len(metadata))
		}
		properties := propertiesOf(t, metadata)[strings.TrimSpace(typeName)]
		row := c.page(addresses[1]).Value[0]
		for name, value := range row {
			if name != "@odata.etag" && properties[name] == "" {
				t.Errorf("%s: $metadata lacks %s", typeName, name)
			}
			if value == nil {
				t.Errorf("%s: %s is null", typeName, name)
			}
		}
		if len(row) != len(properties)+1 || len(properties) == 0 {
			t.Errorf("%s: %d members, %d properties in $metadata", typeName, len(row)-1, len(properties))
		}
	}
	if got := c.page(custom).Value[0]; got["Loyalty_Points"] != 12.0 || got["Nickname"] != "" {
		t.Errorf("extra properties: got %v and %v", got["Loyalty_Points"], got["Nickname"])
	}
}

func TestActiveWebUserInEachAssumedForm(t *testing.T) {
	for form, want := range map[bc.ActiveForm]string{bc.ActiveBoolean: "true Edm.Boolean", bc.ActiveYesNo: `"Yes" Edm.String`, bc.ActiveText: `"true" Edm.String`, bc.ActiveNumber: "1 Edm.Int32"} {
		sim := bc.Start(t, bc.Config{Assumptions: bc.Assumptions{ActiveWebUser: form}})
		sim.Add(bc.Contact{No: "A", ActiveWebUser: true})
		c := newCaller(t, sim)
		_, metadata := c.get(c.environment() + "/ODataV4/$metadata")
		_, row := c.get(c.service("Contact_Card('A')?$select=Active_Web_User"))
		kind := propertiesOf(t, metadata)["Contact_Card"]["Active_Web_User"]
		if text, _, _ := strings.Cut(strings.SplitN(row, `"Active_Web_User":`, 2)[1], "}"); text+" "+kind != want {
			t.Errorf("no. 4, %q: got %s %s, want %s", form, text, kind, want)
		}
	}
}

func TestBlankOptionsTimesAndTexts(t *testing.T) {
	sim := bc.Start(t)
	sim.Add(bc.Contact{No: "A", BusinessRelation: " ", NeverModified: true}, bc.Contact{No: "B", BusinessRelation: "Bank Account", Modified: day("2026-01-01T00:00:05.470Z")},
		bc.Contact{No: "C", Modified: day("2026-01-01T00:00:35Z")})
	c := newCaller(t, sim)
	for address, want := range map[string]string{
		c.service("Contact_Card('A')?$select=Contact_Business_Relation,SystemModifiedAt,E_Mail"):    `"Contact_Business_Relation":" ","SystemModifiedAt":"0001-01-01T00:00:00Z","E_Mail":""}`,
		c.service("Contact_Card('B')?$select=Contact_Business_Relation,SystemModifiedAt"):           `"Contact_Business_Relation":"Bank Account","SystemModifiedAt":"2026-01-01T00:00:05.47Z"}`,
		c.service("Contact_Card('C')?$select=SystemModifiedAt"):                                     `"SystemModifiedAt":"2026-01-01T00:00:35Z"}`,
		c.api("contacts") + query("$filter", "number eq 'A'", "$select", "contactBusinessRelation"): `"contactBusinessRelation":"_x0020_"}]}`,
		c.api("contacts") + query("$filter", "number eq 'B'", "$select", "contactBusinessRelation"): `"contactBusinessRelation":"Bank_x0020_Account"}]}`,
	} {
		if _, body := c.get(address); !strings.HasSuffix(body, want) {
			t.Errorf("got  %s\nwant %s at the end", body, want)
		}
	}
}

// TestRecordedPayloads compares the members of an answer, in their order, with
// those of the samples in business-central.md section 9.
func TestRecordedPayloads(t *testing.T) {
	sim := bc.Start(t, bc.Config{Services: append(bc.StandardServices(), bc.Service{Name: "Model", Profile: bc.ModelNames})})
	sim.Add(
		bc.Contact{No: "CT000025", SystemID: "9dc64b0b-4630-f011-9a4a-7ced8d1df4b8", Name: "Monique Peters", CountryRegionCode: "US", Modified: day("2025-05-13T22:03:05.47Z")},
		bc.Contact{No: "CT000002", SystemID: "3f2504e0-4f89-11d3-9a0c-0305e82c3301", Name: "Robert Townes", CustomerType: "B2B", WebUserRole: "Buyer", ActiveWebUser: true,
			CompanyNo: "CT000001", CompanyName: "Adatum Corporation", EMail: "robert.townes@contoso.com", Address: "192 Market Square", City: "Atlanta", County: "GA",
			CountryRegionCode: "US", PostCode: "31772", Modified: day("2026-08-20T07:38:44.293Z")},
	)
	if err := sim.AddCustomers(bc.Customer{No: "20000", SystemID: "5de545bc-f6f9-ef11-9344-6045bdc8c234", Name: "Trey Research", Address: "153 Thomas Drive", City: "Chicago",
		County: "IL", CountryRegionCode: "US", PostCode: "61236", EMail: "helen.ray@contoso.com", SalespersonCode: "JO", CurrencyCode: "USD", Modified: day("2025-03-05T19:19:22.37Z")}); err != nil {
		t.Fatal(err)
	}
	c := newCaller(t, sim)
	varying := regexp.MustCompile(`"(@odata\.context|@odata\.etag|@odata\.nextLink)":"(\\.|[^"\\])*",?`)
	for file, address := range map[string]string{
		"9.1-api-contact.json":         c.api("contacts(9dc64b0b-4630-f011-9a4a-7ced8d1df4b8)"),
		"9.3-api-customer.json":        c.api("customers(5de545bc-f6f9-ef11-9344-6045bdc8c234)"),
		"9.6-model-names-contact.json": c.service("Model('CT000002')"),
	} {
		want, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		_, got := c.get(address)
		if got = varying.ReplaceAllString(got, ""); got != strings.TrimSpace(varying.ReplaceAllString(string(want), "")) {
			t.Errorf("%s:\ngot  %s\nwant %s", file, got, want)
		}
	}
}

func TestAnswersHaveTheHeadersSeenOnline(t *testing.T) {
	c := newCaller(t, bc.Start(t))
	response := c.request(http.MethodGet, c.service("Contact_Card"), "", "Accept-Encoding", "gzip")
	for name, want := range map[string]string{"Content-Type": "application/json; odata.metadata=minimal; odata.streaming=true", "OData-Version": "4.0",
		"Server": "Microsoft-HTTPAPI/2.0", "Vary": "Accept-Encoding", "Content-Encoding": "gzip", "X-Content-Type-Options": "nosniff"} {
		if got := response.Header.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if response.Header.Get("Request-Id") == "" || response.Header.Get("ms-correlation-x") == "" {
		t.Error("the answer has no ids")
	}
	if body := gunzip(t, response); !strings.HasSuffix(body, `/Contact_Card","value":[]}`) {
		t.Errorf("got %s", body)
	}
}

// failures collects what a simulator says to its test.
type failures struct {
	testing.TB
	texts []string
}

func (f *failures) Helper()                           {}
func (f *failures) Cleanup(func())                    {}
func (f *failures) Errorf(format string, args ...any) { f.texts = append(f.texts, format) }

func TestAnUnknownRequestFailsTheTest(t *testing.T) {
	for name, send := range map[string]func(c *caller){
		"an unknown stack":        func(c *caller) { c.get(c.sim.BaseURL() + "/" + bc.DefaultTenant + "/Production/WS/Page/Contact") },
		"an unknown query option": func(c *caller) { c.get(c.service("Contact_Card?$expand=Company_No_Link")) },
		"a write":                 func(c *caller) { c.request(http.MethodPatch, c.service("Contact_Card('A')"), "{}") },
		"a batch":                 func(c *caller) { c.request(http.MethodPost, c.environment()+"/ODataV4/$batch", "{}") },
	} {
		recorder := &failures{TB: t}
		sim := bc.Start(recorder)
		send(newCaller(t, sim))
		if len(recorder.texts) != 1 || sim.Unknown() != 1 {
			t.Errorf("%s: the test failed %d times, want once", name, len(recorder.texts))
		}
	}
}

func TestRequestsAreRecordedAndCounted(t *testing.T) {
	sim := bc.Start(t, bc.Config{RequestLimit: 2})
	c := newCaller(t, sim)
	for range 3 {
		c.get(c.service("Contact_Card?$top=1"))
	}
	if got := sim.Calls(bc.RouteContacts); got != 3 || sim.Calls() != 3 || sim.Calls(bc.RouteToken) != 1 {
		t.Errorf("got %d calls, want 3", got)
	}
	requests := sim.Requests(bc.RouteContacts)
	if len(requests) != 2 || requests[1].Status != 200 || !strings.HasSuffix(requests[1].URL, "/Contact_Card?$top=1") || requests[1].Method != "GET" {
		t.Errorf("got %+v, want the latest 2", requests)
	}
	if sim.ResetRequests(); sim.Calls() != 0 || len(sim.Requests()) != 0 {
		t.Error("reset did not forget")
	}
}

func TestTheCustomAPIOfTheDocumentsIsServedAsItIsWritten(t *testing.T) {
	source, err := os.ReadFile("../../../docs/business-central/ContactApi.page.al")
	if err != nil {
		t.Fatal(err)
	}
	sim := bc.Start(t, bc.Config{CustomAPI: &bc.CustomAPI{Publisher: "contactsync", Group: "transfer", Version: "v1.0", Profile: bc.ContactAPI}})
	sim.Add(bc.Contact{No: "A"})
	c := newCaller(t, sim)
	row := c.page(strings.Replace(c.api("contacts"), "v2.0/companies", "contactsync/transfer/v1.0/companies", 1)).Value[0]
	delete(row, "@odata.etag")
	var names []string
	for _, control := range regexp.MustCompile(`(?m)^\s*field\((\w+);`).FindAllStringSubmatch(string(source), -1) {
		names = append(names, control[1])
	}
	slices.Sort(names)
	if diff := cmp.Diff(names, slices.Sorted(maps.Keys(row))); diff != "" {
		t.Errorf("properties (-page +simulator):\n%s", diff)
	}
}
