package businesscentraltest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	bc "contactsync/shared/businesscentral/businesscentraltest"
)

func day(text string) time.Time {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return at
}

// fiveContacts have numbers, times and values that a filter can tell apart.
func fiveContacts() []bc.Contact {
	return []bc.Contact{
		{No: "A1", Name: "Ada Byron", EMail: "ada@example.com", SystemID: "3f2504e0-4f89-11d3-9a0c-0305e82c3301", Modified: day("2026-03-01T10:00:00.120Z")},
		{No: "B2", Name: "Miles O'Brien", EMail: "MILES@example.com", Modified: day("2026-03-01T10:00:00.120Z"), PrivacyBlocked: true},
		{No: "C/3 & 4", Name: "Cleo", CompanyNo: "K1", Modified: day("2026-03-02T00:00:00Z")},
		{No: "D4", Type: "Company", Name: "Delta", BusinessRelation: "Customer", Modified: day("2026-03-03T00:00:00Z")},
		{No: "E5", Name: "Eve", NeverModified: true},
	}
}

func TestFilterOfAPublishedPage(t *testing.T) {
	sim := bc.Start(t)
	sim.Add(fiveContacts()...)
	c := newCaller(t, sim)
	tests := []struct{ name, filter, want string }{
		{"a number is found whatever its case", "No eq 'a1'", "A1"},
		{"a number with / and & is text like any other", "No eq 'C/3 & 4'", "C/3 & 4"},
		{"ne", "No ne 'A1' and No ne 'B2'", "C/3 & 4 D4 E5"},
		{"numbers go by order", "No gt 'B2' and No le 'D4'", "C/3 & 4 D4"},
		{"or over one field", "No eq 'A1' or No eq 'E5' or No eq 'none'", "A1 E5"},
		{"or in brackets beside another field", "(No eq 'A1' or No eq 'D4') and Type eq 'Person'", "A1"},
		{"a doubled quote is one quote", "Name eq 'Miles O''Brien'", "B2"},
		{"text is compared with its case", "E_Mail eq 'miles@example.com'", ""},
		{"text in its own case", "E_Mail eq 'MILES@example.com'", "B2"},
		{"startswith", "startswith(Name,'Mil')", "B2"},
		{"endswith", "endswith(E_Mail,'@example.com')", "A1 B2"},
		{"contains", "contains(Name, 'e')", "B2 C/3 & 4 D4 E5"},
		{"null is blank text", "E_Mail eq null and Type eq 'Person'", "C/3 & 4 E5"},
		{"not null", "E_Mail ne null", "A1 B2"},
		{"an internal id is written without quotes", "SystemId eq 3F2504E0-4F89-11D3-9A0C-0305E82C3301", "A1"},
		{"a time with milliseconds", "SystemModifiedAt eq 2026-03-01T10:00:00.120Z", "A1 B2"},
		{"a time without the trailing zero is the same time", "SystemModifiedAt eq 2026-03-01T10:00:00.12Z", "A1 B2"},
		{"gt leaves the equal time out", "SystemModifiedAt gt 2026-03-01T10:00:00.12Z", "C/3 & 4 D4"},
		{"ge takes it in", "SystemModifiedAt ge 2026-03-01T10:00:00.12Z", "A1 B2 C/3 & 4 D4"},
		{"a window", "SystemModifiedAt ge 2026-03-01T10:00:00.121Z and SystemModifiedAt lt 2026-03-03T00:00:00Z", "C/3 & 4"},
		{"never modified rows are before any time", "SystemModifiedAt lt 1900-01-01T00:00:00Z", "E5"},
		{"an offset", "SystemModifiedAt lt 2026-03-01T12:00:00.12+02:00", "E5"},
		{"an option is text", "Type eq 'Company'", "D4"},
		{"a boolean", "Privacy_Blocked eq true", "B2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := c.in(t)
			if got := c.page(c.service("Contact_Card") + query("$filter", tt.filter)).list("No"); got != tt.want {
				t.Errorf("%s: got %q, want %q", tt.filter, got, tt.want)
			}
		})
	}
}

func TestFilterOfTheStandardAPI(t *testing.T) {
	sim := bc.Start(t)
	sim.Add(fiveContacts()...)
	c := newCaller(t, sim)
	for filter, want := range map[string]string{
		"number eq 'a1'": "A1",
		"type eq 'Person' and lastModifiedDateTime ge 2026-03-02T00:00:00Z":           "C/3 & 4",
		"type eq Microsoft.NAV.contactType'Company'":                                  "D4",
		"id eq 3f2504e0-4f89-11d3-9a0c-0305e82c3301":                                  "A1",
		"contactBusinessRelation eq 'Customer' or contactBusinessRelation eq 'Other'": "D4",
	} {
		if got := c.page(c.api("contacts") + query("$filter", filter)).list("number"); got != want {
			t.Errorf("%s: got %q, want %q", filter, got, want)
		}
	}
}

func TestQueriesThatAreRefused(t *testing.T) {
	sim := bc.Start(t)
	sim.Add(fiveContacts()...)
	c := newCaller(t, sim)
	tests := []struct {
		name, option, value string
		status              int
		code, text          string
	}{
		{"or over two fields", "$filter", "No eq 'A1' or Name eq 'x'", 501, "BadRequest_MethodNotImplemented", "not supported on distinct fields"},
		{"in", "$filter", "No in ('A1','B2')", 501, "BadRequest_MethodNotImplemented", ""},
		{"not", "$filter", "not (No eq 'A1')", 501, "BadRequest_MethodNotImplemented", ""},
		{"tolower", "$filter", "tolower(No) eq 'a1'", 501, "BadRequest_MethodNotImplemented", ""},
		{"a computed property", "$filter", "LastDateTimeModified gt 2026-01-01T00:00:00Z", 501, "BadRequest_MethodNotImplemented", ""},
		{"an unknown property", "$filter", "Id eq 3f2504e0-4f89-11d3-9a0c-0305e82c3301", 400, "BadRequest", "Could not find a property named 'Id' on type 'NAV.Contact_Card'."},
		{"a property in another case", "$filter", "no eq 'A1'", 400, "BadRequest", "Could not find a property named 'no'"},
		{"an internal id in quotes", "$filter", "SystemId eq '3f2504e0-4f89-11d3-9a0c-0305e82c3301'", 400, "BadRequest", "incompatible types"},
		{"a time in quotes", "$filter", "SystemModifiedAt ge '2026-01-01T00:00:00Z'", 400, "BadRequest", "incompatible types"},
		{"text without quotes", "$filter", "No eq 42", 400, "BadRequest", "incompatible types"},
		{"a quote that is not doubled", "$filter", "Name eq 'O'Brien'", 400, "BadRequest", "Syntax error"},
		{"an open bracket", "$filter", "(No eq 'A1'", 400, "BadRequest", "Syntax error"},
		{"an unknown column to select", "$select", "No,Nothing", 400, "BadRequest", "'Nothing'"},
		{"an unknown column to order by", "$orderby", "Nothing", 400, "BadRequest", "'Nothing'"},
		{"a negative count", "$top", "-1", 400, "BadRequest", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := c.in(t)
			status, body := c.get(c.service("Contact_Card") + query(tt.option, tt.value))
			if status != tt.status || errorCode(body) != tt.code || !strings.Contains(body, tt.text) {
				t.Errorf("got %d %s, want %d %s with %q", status, body, tt.status, tt.code, tt.text)
			}
			if tt.code != "" && !strings.Contains(body, "  CorrelationId:  ") {
				t.Errorf("%s has no CorrelationId", body)
			}
		})
	}
}

func TestAPlusSignInAQueryIsABlank(t *testing.T) {
	c := newCaller(t, bc.Start(t))
	status, _ := c.get(c.service("Contact_Card") + "?$filter=SystemModifiedAt%20ge%202026-03-01T12:00:00+02:00")
	if status != http.StatusBadRequest {
		t.Errorf("an offset that is not encoded: got %d, want 400", status)
	}
}

func TestAQueryStringIsLimitedTo8099Characters(t *testing.T) {
	c := newCaller(t, bc.Start(t))
	longest := "?$filter=No%20eq%20'" + strings.Repeat("x", 8099-len("$filter=No%20eq%20''")) + "'"
	if status, body := c.get(c.service("Contact_Card") + longest); status != http.StatusOK {
		t.Errorf("8,099 characters: got %d %s, want 200", status, body)
	}
	if status, _ := c.get(c.service("Contact_Card") + longest + "x"); status != http.StatusRequestURITooLong {
		t.Errorf("8,100 characters: got %d, want 414", status)
	}
}

func TestAssumptionsAboutFilters(t *testing.T) {
	sim := bc.Start(t, bc.Config{Assumptions: bc.Assumptions{TextFiltersIgnoreCase: true, EnumFilterNeedsType: true, DefaultOrderByID: true}})
	sim.Add(
		bc.Contact{No: "A", Name: "Ada", SystemID: "ffffffff-0000-0000-0000-000000000000"},
		bc.Contact{No: "B", Name: "Bo", SystemID: "00000000-0000-0000-0000-000000000001"},
	)
	c := newCaller(t, sim)
	if got := c.page(c.service("Contact_Card") + query("$filter", "Name eq 'ADA'")).list("No"); got != "A" {
		t.Errorf("no. 17, text without regard to case: got %q, want A", got)
	}
	if status, _ := c.get(c.api("contacts") + query("$filter", "type eq 'Person'")); status != http.StatusBadRequest {
		t.Errorf("no. 16, an enum as text: got %d, want 400", status)
	}
	if got := c.page(c.service("Contact_Card")).list("No"); got != "B A" {
		t.Errorf("no. 14, by internal id: got %q, want B A", got)
	}
}
