package mapping

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"contactsync/shared/contact"
)

// plainJudge knows two codes, enough to see that RunCases compares them.
func plainJudge(_ *contact.Contact, result *Result) []string {
	var codes []string
	for _, f := range result.Findings {
		if f.Field == "EmailAddress" {
			codes = append(codes, "MISSING_EMAIL")
		} else {
			codes = append(codes, "MISSING_REQUIRED_FIELD")
		}
	}
	return codes
}

func cases(t *testing.T, file string) []Case {
	t.Helper()
	loaded, err := LoadCases("test.yaml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

const person = `Type: Person, RecordType: Contact, "No": "007", FirstName_Contact: Ada, LastName_Contact: Byron`

// A case passes with what the contact becomes, and with anything else it says in
// words what differs.
func TestACaseSaysWhatDiffers(t *testing.T) {
	tests := []struct {
		name, test string
		want       []string
	}{
		{"everything is right", `contact: {` + person + `, EMail: a@b.c, City: Rome}, customer: {customer_number: "007", first_name: Ada, company: null, custom_fields: {Record Type: Contact, Role: null}, addresses: [{city: Rome, prevent_duplicate: true, region: null}]}`, nil},
		{"custom fields as the API's list", `contact: {` + person + `, EMail: a@b.c}, customer: {custom_fields: [{custom_field_name: Record Type, value: Contact}]}`, nil},
		{"a wrong member", `contact: {` + person + `, EMail: a@b.c}, customer: {first_name: Eve}`, []string{`first_name: expected "Eve", got "Ada"`}},
		{"a member that is not sent", `contact: {` + person + `, EMail: a@b.c}, customer: {company: Adatum}`, []string{`company: expected "Adatum", but it is not sent`}},
		{"a member that must not be sent", `contact: {` + person + `, EMail: a@b.c}, customer: {first_name: null}`, []string{`first_name: expected that it is not sent, got "Ada"`}},
		{"a wrong custom field", `contact: {` + person + `, EMail: a@b.c}, customer: {custom_fields: {Record Type: Customer}}`, []string{`custom_fields.Record Type: expected "Customer", got "Contact"`}},
		{"an address that is not there", `contact: {` + person + `, EMail: a@b.c}, customer: {addresses: [{city: Rome}]}`, []string{"addresses: expected 1, got 0"}},
		{"an address that must not be there", `contact: {` + person + `, EMail: a@b.c, City: Rome}, customer: {addresses: []}`, []string{"addresses: expected 0, got 1"}},
		{"a wrong address", `contact: {` + person + `, EMail: a@b.c, City: Rome}, customer: {addresses: [{city: Paris, prevent_duplicate: false}]}`,
			[]string{`addresses[0].city: expected "Paris", got "Rome"`, `addresses[0].prevent_duplicate: expected "false", got "true"`}},
		{"a number and a flag as text", `contact: {Type: Person, RecordType: Contact, "No": 007, FirstName_Contact: 1.50, LastName_Contact: true, EMail: a@b.c}, customer: {customer_number: "007", first_name: "1.50", last_name: "true"}`, nil},
		{"skipped", `contact: {Type: Company}, skipped: true`, nil},
		{"skipped for a reason", `contact: {Type: Company}, skipped: Type is "Company"`, nil},
		{"skipped for another reason", `contact: {Type: Company}, skipped: because`, []string{`skipped: expected a reason with "because", got "mapping filter: Type == \"Person\" is false (Type is \"Company\")"`}},
		{"not skipped", `contact: {` + person + `, EMail: a@b.c}, skipped: true`, []string{"skipped: expected that a filter leaves the contact out, but it is transferred"}},
		{"skipped by surprise", `contact: {Type: Company}, customer: {first_name: Ada}`, []string{`skipped: expected a transfer, got "mapping filter: Type == \"Person\" is false (Type is \"Company\")"`}},
		{"the right errors in any order", `contact: {Type: Person, RecordType: Contact, "No": "1", FirstName_Contact: Ada}, errors: [MISSING_REQUIRED_FIELD, MISSING_EMAIL]`, nil},
		{"wrong errors", `contact: {` + person + `}, errors: [INVALID_EMAIL]`, []string{"errors: expected INVALID_EMAIL, got MISSING_EMAIL (EmailAddress is empty (source EMail))"}},
		{"errors by surprise", `contact: {` + person + `}, customer: {first_name: Ada}`, []string{"errors: expected none, got MISSING_EMAIL (EmailAddress is empty (source EMail))"}},
		{"no error where one is expected", `contact: {` + person + `, EMail: a@b.c}, errors: [MISSING_EMAIL]`, []string{"errors: expected MISSING_EMAIL, got none"}},
		{"a warning", `contact: {` + person + `, EMail: a@b.c}, warnings: [Company]`, nil},
		{"a warning that is not there", `contact: {` + person + `, EMail: a@b.c, CompanyName_Contact: x}, warnings: [Company]`, []string{`warnings: expected one with "Company", got none`}},
		{"a link", `contact: {` + person + `, EMail: a@b.c, CompanyID_Contact: C1}, links: {customer company: {C1: 912}}, customer: {custom_fields: {iPaaS.com Company ID: 912}}`, nil},
		{"further properties", `contact: {` + person + `, EMail: a@b.c, Active_Web_User: 1, AdditionalProperties: {Customer_Type: B2B}}, customer: {custom_fields: {Active: "true", Customer Type: B2B}}`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			results := RunCases(seed(t), cases(t, "tests:\n  - {name: it, "+tt.test+"}\n"), plainJudge)
			want := []CaseResult{{Name: "it", Line: 2, Passed: tt.want == nil, Differences: tt.want}}
			if diff := cmp.Diff(want, results); diff != "" {
				t.Errorf("results (-want +got):\n%s", diff)
			}
		})
	}
}

// The cases of design.md 1.11.
func TestTheCasesOfTheContract(t *testing.T) {
	const file = `tests:
  - name: a person with a linked company
    contact: {Type: Person, RecordType: Contact, "No": "44552", FirstName_Contact: Ada, LastName_Contact: Byron, EMail: ada@example.com, CompanyID_Contact: C100}
    links: {Customer Company: {C100: "912"}}       # what the other side answers to GetSpaceportId
    customer: {customer_number: "44552", email_address: ada@example.com}   # these members must be equal; others are free
  - {name: a company is skipped, contact: {Type: Company}, skipped: true}
  - {name: no e-mail, contact: {Type: Person, RecordType: Contact, "No": "1", FirstName_Contact: A, LastName_Contact: B}, errors: [MISSING_EMAIL]}
`
	results := RunCases(seed(t), cases(t, file), plainJudge)
	want := []CaseResult{
		{Name: "a person with a linked company", Line: 2, Passed: true},
		{Name: "a company is skipped", Line: 6, Passed: true},
		{Name: "no e-mail", Line: 7, Passed: true},
	}
	if diff := cmp.Diff(want, results); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
}

func TestWithoutAJudgeNoErrorCanBeTold(t *testing.T) {
	results := RunCases(seed(t), cases(t, `tests:
  - {name: expected, contact: {`+person+`, EMail: a@b.c}, errors: [INVALID_EMAIL]}
  - {name: a surprise, contact: {`+person+`}, customer: {first_name: Ada}}
`), nil)
	want := []CaseResult{
		{Name: "expected", Line: 2, Differences: []string{"errors: nothing here can tell INVALID_EMAIL"}},
		{Name: "a surprise", Line: 3, Differences: []string{"errors: expected none, but EmailAddress is empty (source EMail) stands against the transfer"}},
	}
	if diff := cmp.Diff(want, results); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
}

func TestMistakesOfCases(t *testing.T) {
	tests := []struct {
		name, test string
		want       Mistake
	}{
		{"an unknown key", `{name: n, contact: {}, skiped: true}`, Mistake{2, "tests[0] (n)", `unknown key "skiped": expected one of name, contact, links, customer, skipped, errors, warnings`}},
		{"no name", `{contact: {}, skipped: true}`, Mistake{2, "tests[0]", "name is missing: expected a sentence that says what is tested"}},
		{"a name twice", "{name: n, contact: {}, skipped: true}\n  - {name: n, contact: {}, skipped: true}", Mistake{3, "tests[1] (n)", "the name is used twice, first in line 2"}},
		{"no contact", `{name: n, skipped: true}`, Mistake{2, "tests[0] (n)", "contact is missing: expected the contact's values by model name"}},
		{"a contact that is a text", `{name: n, contact: Ada, skipped: true}`, Mistake{2, "tests[0] (n).contact", `expected names and values, found the text "Ada"`}},
		{"a list under a model name", `{name: n, contact: {City: [a]}, skipped: true}`, Mistake{2, "tests[0] (n).contact", "City: expected one value, found a list"}},
		{"a value that JSON has not", `{name: n, contact: {Further: .inf}, skipped: true}`, Mistake{2, "tests[0] (n).contact.Further", "expected a value that JSON has, found a number without a value"}},
		{"the number as false", `{name: n, contact: {false: "1"}, skipped: true}`, Mistake{2, "tests[0] (n).contact",
			`expected a name before the colon, found the value false (the number field is written "No", in quotes: some programs read a bare No as false)`}},
		{"a derived value", `{name: n, contact: {SourceTypeName: Contact}, skipped: true}`, Mistake{2, "tests[0] (n).contact", "SourceTypeName is no value of the contact: it follows from the others"}},
		{"a link that is a list", `{name: n, contact: {}, skipped: true, links: {Customer Company: {C1: [1]}}}`, Mistake{2, "tests[0] (n).links.Customer Company", "C1: expected an id of iPaaS.com, found a list"}},
		{"an unknown member", `{name: n, contact: {}, customer: {EmailAddress: x}}`, Mistake{2, "tests[0] (n).customer", `unknown member "EmailAddress": did you mean email_address?`}},
		{"an unknown member of an address", `{name: n, contact: {}, customer: {addresses: [{town: x}]}}`, Mistake{2, "tests[0] (n).customer.addresses[0]",
			`unknown member "town": expected one of first_name, last_name, company, phone_number, address_1, address_2, address_3, city, region, country, postal_code, is_primary_billing, is_primary_shipping, prevent_duplicate`}},
		{"a list as member", `{name: n, contact: {}, customer: {first_name: [x]}}`, Mistake{2, "tests[0] (n).customer", "first_name: expected one value, or null for a member that must not be sent, found a list"}},
		{"half a custom field", `{name: n, contact: {}, customer: {custom_fields: [{value: x}]}}`, Mistake{2, "tests[0] (n).customer.custom_fields", "expected custom_field_name and value"}},
		{"skipped: false", `{name: n, contact: {}, skipped: false}`, Mistake{2, "tests[0] (n)", "skipped: expected true or a piece of the reason; a case without skipped is one that is transferred"}},
		{"no expectation", `{name: n, contact: {}}`, Mistake{2, "tests[0] (n)", "the case expects nothing: expected customer, skipped, errors or warnings"}},
		{"skipped and a customer", `{name: n, contact: {}, skipped: true, customer: {first_name: x}}`, Mistake{2, "tests[0] (n)", "a contact that is skipped has no customer, errors or warnings"}},
		{"errors that are no list", `{name: n, contact: {}, errors: MISSING_EMAIL}`, Mistake{2, "tests[0] (n).errors", `expected a list, found the text "MISSING_EMAIL"`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := LoadCases("test.yaml", []byte("tests:\n  - "+tt.test+"\n"))
			list, ok := errors.AsType[*LoadError](err)
			if !ok {
				t.Fatalf("got error %v, want a LoadError", err)
			}
			for _, m := range list.Mistakes {
				if m == tt.want {
					return
				}
			}
			t.Errorf("got  %v\nwant line %d: %s: %s", err, tt.want.Line, tt.want.Where, tt.want.Text)
		})
	}
}

func TestFilesThatHoldNoCases(t *testing.T) {
	for file, want := range map[string]string{
		"":                 "c.yaml: the file is blank",
		"tests: []\n":      "c.yaml:1: tests: the list is empty: expected at least one case",
		"cases: []\n":      `c.yaml:1: unknown key "cases": expected one of tests`,
		"tests: {a: b}\n":  "c.yaml:1: tests: expected a list, found names and values",
		"tests: [a, b]\n":  `c.yaml:1: tests[0]: expected names and values, found the text "a"`,
		"tests:\n  - a: [": "not YAML",
	} {
		_, err := LoadCases("c.yaml", []byte(file))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", file, err, want)
		}
	}
}
