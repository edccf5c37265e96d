package mapping

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"contactsync/shared/contact"
)

// valid is the smallest mapping file. Tests add rows at the end of its mappings.
const valid = `collection: Test
mappings:
  - {type: field, source: "No", destination: CustomerNumber, required: true}
  - {type: field, source: FirstName_Contact, destination: FirstName, required: true}
  - {type: field, source: LastName_Contact, destination: LastName, required: true}
  - {type: field, source: EMail, destination: EmailAddress, required: true}
`

// withRow returns a valid file with one more row, which is mappings[4] in line 7.
func withRow(row string) string { return valid + "  - " + row + "\n" }

// withFormula returns a valid file with the formula in a custom field of line 7 to 9.
func withFormula(formula string) string {
	return withRow("type: formula\n    destination: F (Custom Field)\n    source: >-\n      " + formula)
}

// withChild returns a valid file with a child collection of one row, in line 11.
func withChild(row string) string {
	return valid + "children:\n  - collection: Child\n    destination: Addresses\n    mappings:\n      - " + row + "\n"
}

func load(t testing.TB, file string) *Collection {
	t.Helper()
	c, err := Load("test.yaml", []byte(file))
	if err != nil {
		t.Fatalf("%v\n%s", err, file)
	}
	return c
}

func TestMistakesOfARow(t *testing.T) {
	tests := []struct {
		name, row, where, text string
	}{
		{"an unknown key", `{type: field, source: City, destination: Comment, requried: true}`, "mappings[4] (Comment)",
			`unknown key "requried": expected one of type, source, destination, required, recommended, when_empty, description`},
		{"a key twice", "{type: field, source: City, destination: Comment, source: County}", "mappings[4] (Comment)", "source stands here twice, first in line 7"},
		{"no type", `{source: City, destination: Comment}`, "mappings[4] (Comment)", "type is missing: expected field, formula or static"},
		{"an unknown type", `{type: lookup, source: City, destination: Comment}`, "mappings[4] (Comment)", `unknown type "lookup": expected field, formula or static`},
		{"no source", `{type: field, destination: Comment}`, "mappings[4] (Comment)", "source is missing: expected a model name, or a further property's name that ends in (Custom Field)"},
		{"no expression", `{type: formula, destination: Comment}`, "mappings[4] (Comment)", "source is missing: expected an expression"},
		{"no static value", `{type: static, destination: Comment}`, "mappings[4] (Comment)", "source is missing: expected a value"},
		{"no destination", `{type: field, source: City}`, "mappings[4]", "destination is missing: expected a field of iPaaS.com, or a name that ends in (Custom Field)"},
		{"an unknown destination", `{type: field, source: City, destination: ShoeSize}`, "mappings[4] (ShoeSize)",
			`unknown destination "ShoeSize": expected one of CustomerNumber, FirstName, LastName, EmailAddress, Company, Comment, CategoryId, or a custom field whose name ends in (Custom Field)`},
		{"a misspelt destination", `{type: field, source: City, destination: Coment}`, "mappings[4] (Coment)", `unknown destination "Coment": did you mean Comment?`},
		{"the API's name as destination", `{type: field, source: City, destination: category_id}`, "mappings[4] (category_id)", `unknown destination "category_id": did you mean CategoryId?`},
		{"a destination twice", `{type: field, source: City, destination: FirstName}`, "mappings[4] (FirstName)", "FirstName is filled twice, first in line 4: expected one row for each destination"},
		{"a custom field without a name", `{type: field, source: City, destination: " (Custom Field)"}`, "mappings[4] ( (Custom Field))",
			"expected the custom field's name before (Custom Field), without blanks around it"},
		{"an unknown source", `{type: field, source: ShoeSize, destination: Comment}`, "mappings[4] (Comment)",
			`unknown source "ShoeSize": expected one of Id, No, Type, RecordType, CustomerType, WebUserRole_Contact, CompanyID_Contact, CompanyName_Contact, FirstName_Contact, LastName_Contact, EMail, Address, Address2, City, County, CountryRegionCode, PostCode, PhoneNo, or a further property whose name ends in (Custom Field)`},
		{"a misspelt source", `{type: field, source: Email, destination: Comment}`, "mappings[4] (Comment)", `unknown source "Email": did you mean EMail?`},
		{"a name for formulas as source", `{type: field, source: AdditionalProperties, destination: Comment}`, "mappings[4] (Comment)",
			`unknown source "AdditionalProperties": AdditionalProperties can be used in formulas only; a further property is written Name (Custom Field)`},
		{"the number field written as false", `{type: field, source: false, destination: Comment}`, "mappings[4] (Comment)",
			`source: expected text, found the value false (the number field is written "No", in quotes: some programs read a bare No as false)`},
		{"a number as source", `{type: field, source: 12, destination: Comment}`, "mappings[4] (Comment)", "source: expected text, found the number 12"},
		{"a list as source", `{type: field, source: [City], destination: Comment}`, "mappings[4] (Comment)", "source: expected text, found a list"},
		{"nothing as source", `{type: field, source: , destination: Comment}`, "mappings[4] (Comment)", "source: expected text, found nothing"},
		{"text for a number", `{type: field, source: City, destination: CategoryId}`, "mappings[4] (CategoryId)", "City is text and CategoryId takes whole number: expected a formula with ConvertToInt(...)"},
		{"a static text for a number", `{type: static, source: twelve, destination: CategoryId}`, "mappings[4] (CategoryId)", `CategoryId takes whole number, found the text "twelve"`},
		{"a static number for a text", `{type: static, source: 12, destination: Comment}`, "mappings[4] (Comment)", "Comment takes text, in quotes, found the number 12"},
		{"a static number with decimals for a whole one", `{type: static, source: 1.5, destination: CategoryId}`, "mappings[4] (CategoryId)", "CategoryId takes whole number, found the number 1.5"},
		{"a static list", `{type: static, source: [1], destination: Comment}`, "mappings[4] (Comment)", "expected a static value (text), found a list"},
		{"an empty static value", `{type: static, source: "", destination: Comment}`, "mappings[4] (Comment)", "the static value is empty and would never be sent: expected a value, or when_empty: clear"},
		{"a formula's wrong type", `{type: formula, source: 1 + 2, destination: Comment}`, "mappings[4] (Comment)", "the formula gives a whole number and Comment takes text: write string(...)"},
		{"a formula's text for a number", `{type: formula, source: City, destination: CategoryId}`, "mappings[4] (CategoryId)", "the formula gives text and CategoryId takes whole number: write ConvertToInt(...)"},
		{"a formula's decimals for a number", `{type: formula, source: 1 / 2, destination: CategoryId}`, "mappings[4] (CategoryId)", "the formula gives a number with decimals and CategoryId takes whole number"},
		{"a formula's list for a custom field", `{type: formula, source: 'split(City, "-")', destination: F (Custom Field)}`, "mappings[4] (F (Custom Field))",
			"the formula gives a list and F (Custom Field) takes text, a number, or true or false"},
		{"a formula that gives nothing", `{type: formula, source: nil, destination: Comment}`, "mappings[4] (Comment)", "the formula gives always nothing and Comment takes text"},
		{"required and cleared", `{type: field, source: City, destination: Comment, required: true, when_empty: clear}`, "mappings[4] (Comment)",
			"required and when_empty: clear contradict each other: a contact without a required value is not transferred"},
		{"required and recommended", `{type: field, source: City, destination: Comment, required: true, recommended: true}`, "mappings[4] (Comment)",
			"required and recommended contradict each other: expected one of them"},
		{"a cleared custom field", `{type: field, source: City, destination: F (Custom Field), when_empty: clear}`, "mappings[4] (F (Custom Field))",
			"when_empty: clear is not possible for a custom field, because iPaaS.com refuses empty custom values: expected omit"},
		{"a cleared number", `{type: static, source: 12, destination: CategoryId, when_empty: clear}`, "mappings[4] (CategoryId)",
			"when_empty: clear is not possible for CategoryId, which is no text: expected omit"},
		{"an unknown when_empty", `{type: field, source: City, destination: Comment, when_empty: keep}`, "mappings[4] (Comment)",
			`unknown when_empty "keep": expected omit (the field is not sent) or clear (it is sent empty)`},
		{"a mark that is no flag", `{type: field, source: City, destination: Comment, required: "yes"}`, "mappings[4] (Comment)", `required: expected true or false, found the text "yes"`},
		{"a row that is a text", `City`, "mappings[4]", `expected names and values, found the text "City"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wantMistake(t, withRow(tt.row), Mistake{Line: 7, Where: tt.where, Text: tt.text})
		})
	}
}

func wantMistake(t *testing.T, file string, want Mistake) {
	t.Helper()
	_, err := Load("test.yaml", []byte(file))
	list, ok := errors.AsType[*LoadError](err)
	if !ok {
		t.Fatalf("got error %v, want a LoadError", err)
	}
	if !slices.Contains(list.Mistakes, want) {
		t.Errorf("got  %v\nwant %s:%d: %s: %s", err, "test.yaml", want.Line, want.Where, want.Text)
	}
}

func TestMistakesOfAFormula(t *testing.T) {
	tests := []struct{ name, formula, text string }{
		{"an unknown name", `Emial`, "unknown name Emial; did you mean EMail? (column 1 of the formula)"},
		{"a name of nothing", `City + ShoeSize`, "unknown name ShoeSize; values are Id, No, Type, RecordType, CustomerType, WebUserRole_Contact, CompanyID_Contact, CompanyName_Contact, FirstName_Contact, LastName_Contact, EMail, Address, Address2, City, County, CountryRegionCode, PostCode, PhoneNo, AdditionalProperties, SourceTypeName, SpaceportSystemId (column 8 of the formula)"},
		{"a Go name instead of the model name", `PhoneNo + SpaceportSystemID`, "unknown name SpaceportSystemID; did you mean SpaceportSystemId? (column 11 of the formula)"},
		{"C#'s null", `City == null`, `unknown name null; a missing text is "", a missing further property is nil: write IsEmpty(...) (column 9 of the formula)`},
		{"an unknown function", `Trunctae(City, 3)`, "unknown name Trunctae; did you mean Truncate? (column 1 of the formula)"},
		{"the time of day", `string(now())`, "unknown name now; this function is not available, because a mapping must give the same answer for the same contact (column 8 of the formula)"},
		{"the order of a map", `keys(AdditionalProperties)[0]`, "unknown name keys; this function is not available, because a mapping must give the same answer for the same contact (column 1 of the formula)"},
		{"too few arguments", `Truncate(City)`, "not enough arguments to call Truncate (column 1 of the formula)"},
		{"an argument of the wrong type", `Truncate(City, "3")`, "cannot use string as argument (type int) to call Truncate  (column 16 of the formula)"},
		{"types that do not go together", `City + 1`, "invalid operation: + (mismatched types string and int) (column 6 of the formula)"},
		{"a syntax error", `City ==`, "unexpected token EOF (column 7 of the formula)"},
		{"predicates nested more than once", `string(any(1..9, any(1..9, any(1..9, # > 3))))`,
			"predicates are nested more than once, which could run long: expected at most one inside another"},
		{"different predicates nested more than once", `string(len(filter(1..9, len(map(1..9, count(1..9, # > 3))) > 3)))`,
			"predicates are nested more than once, which could run long: expected at most one inside another"},
		{"the whole environment", `$env["City"]`, "$env is not available: expected the names themselves"},
		{"the parent outside a child collection", `parent.No`, "unknown name parent: only the formulas of a child collection have one"},
		{"a wrong pattern", `string(RegExMatch(City, "("))`, "the pattern of RegExMatch is not a regular expression: error parsing regexp: missing closing ): `(`"},
		{"too long", strings.Repeat("City + ", 600) + "City", "the formula has 4204 characters, at most 4000 are accepted"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wantMistake(t, withFormula(tt.formula), Mistake{Line: 9, Where: "mappings[4] (F (Custom Field))", Text: tt.text})
		})
	}
}

func TestMistakesOfTheCollection(t *testing.T) {
	tests := []struct {
		name, file string
		want       Mistake
	}{
		{"an unknown key", "status: enabled\nfilters: x\n" + valid, Mistake{2, "", `unknown key "filters": expected one of collection, status, triggers, filter, description, mappings, children`}},
		{"no name", strings.Replace(valid, "collection: Test\n", "", 1), Mistake{1, "", "collection is missing: expected the name of the mapping collection"}},
		{"no rows", "collection: Test\n", Mistake{1, "", "mappings is missing: expected a list of rows"}},
		{"an empty list of rows", "collection: Test\nmappings: []\n", Mistake{2, "mappings", "the list is empty: expected at least one row"}},
		{"rows that are no list", "collection: Test\nmappings: {a: b}\n", Mistake{2, "mappings", "expected a list, found names and values"}},
		{"an unknown status", valid + "status: active\n", Mistake{7, "", `unknown status "active": expected enabled or disabled`}},
		{"a status that is a flag", valid + "status: true\n", Mistake{7, "", "status: expected text, found the value true"}},
		{"an unknown trigger", valid + "triggers: [Contact Create, Contact Delete]\n", Mistake{7, "triggers", `unknown trigger "Contact Delete": expected Contact Create or Contact Update`}},
		{"no trigger at all", valid + "triggers: []\n", Mistake{7, "triggers", "the list is empty: expected Contact Create, Contact Update or both; status: disabled turns the collection off"}},
		{"triggers that are no list", valid + "triggers: Contact Create\n", Mistake{7, "triggers", `expected a list, found the text "Contact Create"`}},
		{"an empty filter", valid + "filter:\n", Mistake{7, "", "filter: expected text, found nothing"}},
		{"a filter that does not compile", valid + "filter: Typ == \"Person\"\n", Mistake{7, "filter", "unknown name Typ; did you mean Type? (column 1 of the formula)"}},
		{"a filter with = for ==", valid + "filter: Type = \"Person\"\n", Mistake{7, "filter", `unexpected token Operator("=") (column 6 of the formula)`}},
		{"a filter that is a text", valid + "filter: Type\n", Mistake{7, "filter", "the filter gives text: expected true or false"}},
		{"a filter that may be anything", valid + "filter: AdditionalProperties.Blocked\n", Mistake{7, "filter",
			"the filter may give something else than true or false: expected a comparison, such as == true"}},
		{"a child without destination", valid + "children:\n  - collection: Child\n    mappings: [{type: static, source: true, destination: PreventDuplicate}]\n",
			Mistake{8, "children[0]", "destination is missing: expected Addresses"}},
		{"an unknown child destination", strings.Replace(withChild(`{type: field, source: City, destination: City}`), "Addresses", "Orders", 1),
			Mistake{9, "children[0]", `unknown destination "Orders" of a child collection: expected Addresses`}},
		{"two child collections", withChild(`{type: field, source: City, destination: City}`) +
			"  - collection: Second\n    destination: Addresses\n    mappings: [{type: field, source: City, destination: City}]\n",
			Mistake{12, "children[1]", "a second child collection for Addresses: expected one, for a contact has one address"}},
		{"a custom field of an address", withChild(`{type: field, source: City, destination: Town (Custom Field)}`), Mistake{11, "children[0].mappings[0] (Town (Custom Field))",
			"an address has no custom fields: expected one of FirstName, LastName, Company, PhoneNumber, Address1, Address2, Address3, City, Region, Country, PostalCode, IsPrimaryBilling, IsPrimaryShipping, PreventDuplicate"}},
		{"a customer's field in an address", withChild(`{type: field, source: EMail, destination: EmailAddress}`), Mistake{11, "children[0].mappings[0] (EmailAddress)",
			`unknown destination "EmailAddress": expected one of FirstName, LastName, Company, PhoneNumber, Address1, Address2, Address3, City, Region, Country, PostalCode, IsPrimaryBilling, IsPrimaryShipping, PreventDuplicate`}},
		{"a static text for true or false", withChild(`{type: static, source: "true", destination: PreventDuplicate}`), Mistake{11, "children[0].mappings[0] (PreventDuplicate)",
			`PreventDuplicate takes true or false, found the text "true"`}},
		{"parent alone", withChild(`{type: formula, source: string(parent), destination: City}`), Mistake{11, "children[0].mappings[0] (City)",
			"parent stands alone: expected parent and a name, such as parent.No"}},
		{"an unknown name after parent", withChild(`{type: formula, source: parent.Number, destination: City}`), Mistake{11, "children[0].mappings[0] (City)",
			"unknown name after parent: expected a name of the contact, such as parent.No"}},
		{"an alias", "a: &a x\n" + valid, Mistake{1, "", `unknown key "a": expected one of collection, status, triggers, filter, description, mappings, children`}},
		{"an anchored value", "status: &a enabled\n" + valid, Mistake{1, "", "status: expected text, found an anchor or alias, which this file does not know"}},
		{"a tagged value", "status: !!str enabled\n" + valid, Mistake{1, "", "status: expected text, found a tag, which this file does not know"}},
		{"false as a name", valid + "false: 1\n", Mistake{7, "", `expected a name before the colon, found the value false (the number field is written "No", in quotes: some programs read a bare No as false)`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { wantMistake(t, tt.file, tt.want) })
	}
}

func TestFilesThatAreNoMapping(t *testing.T) {
	tests := []struct{ name, file, want string }{
		{"a blank file", " \n\n", "m.yaml has a mistake:\n  m.yaml: the file is blank"},
		{"an empty file", "", "m.yaml has a mistake:\n  m.yaml: the file is blank"},
		{"comments only", "# nothing\n# here\n", "m.yaml has a mistake:\n  m.yaml: the file holds comments only"},
		{"no UTF-8", "\xff\xfe", "m.yaml has a mistake:\n  m.yaml: the file is not UTF-8 text"},
		{"a huge file", strings.Repeat("#", maxFile+1), "m.yaml has a mistake:\n  m.yaml: the file has 262145 bytes, at most 262144 are accepted"},
		{"a text", "just a text", "m.yaml has 3 mistakes:\n  m.yaml:1: expected names and values, found the text \"just a text\"\n  m.yaml:1: collection is missing: expected the name of the mapping collection\n  m.yaml:1: mappings is missing: expected a list of rows"},
		{"two documents", valid + "---\n" + valid, "m.yaml has a mistake:\n  m.yaml:8: the file holds more than one document: expected no --- between"},
		{"brackets without end", strings.Repeat("[", 40), "m.yaml has a mistake:\n  m.yaml:1: lists and maps are nested more than 32 deep"},
		{"a formula that YAML takes apart", "collection: a ? b : c: d\n",
			"m.yaml has a mistake:\n  m.yaml:1: not YAML: mapping value is not allowed in this context; a value that holds \": \" or \" #\" stands in quotes or behind >-"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Load("m.yaml", []byte(tt.file))
			if err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestEveryMistakeIsReportedAtOnceByLine(t *testing.T) {
	file := strings.Replace(valid, "EmailAddress, required: true", "EmailAddress, needed: true", 1) +
		"  - {type: field, source: Cty, destination: Comment}\n" +
		"  - {type: formula, source: Emial, destination: Company}\n" +
		"filter: Type\n"
	const want = `m.yaml has 4 mistakes:
  m.yaml:6: mappings[3] (EmailAddress): unknown key "needed": expected one of type, source, destination, required, recommended, when_empty, description
  m.yaml:7: mappings[4] (Comment): unknown source "Cty": did you mean City?
  m.yaml:8: mappings[5] (Company): unknown name Emial; did you mean EMail? (column 1 of the formula)
  m.yaml:9: filter: the filter gives text: expected true or false`
	_, err := Load("m.yaml", []byte(file))
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// YAML 1.2, which we read, knows no boolean No; other programs may.
func TestABareNoIsTheNumber(t *testing.T) {
	c := load(t, strings.Replace(valid, `"No"`, "No", 1))
	got := apply(t, c, contact.Contact{No: "44552", FirstName: "a", LastName: "b", EMail: "c"}, nil)
	if got.Customer.Text("customer_number") != "44552" {
		t.Errorf("got %v, want customer_number 44552", got.Customer.Fields)
	}
}

func TestStatusAndTriggers(t *testing.T) {
	tests := []struct {
		lines                     string
		enabled, creates, updates bool
	}{
		{"", true, true, true},
		{"status: enabled\n", true, true, true},
		{"status: disabled\n", false, true, true},
		{"triggers: [Contact Create]\n", true, true, false},
		{"triggers: [Contact Update]\n", true, false, true},
		{"triggers: [Contact Update, Contact Create]\n", true, true, true},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%q", tt.lines), func(t *testing.T) {
			c := load(t, valid+tt.lines)
			if c.Enabled() != tt.enabled || c.Creates() != tt.creates || c.Updates() != tt.updates {
				t.Errorf("enabled %t, creates %t, updates %t; want %t, %t, %t", c.Enabled(), c.Creates(), c.Updates(), tt.enabled, tt.creates, tt.updates)
			}
		})
	}
}

func TestLineEndsAndByteOrderMarkDoNotMatter(t *testing.T) {
	want := seed(t).Digest()
	for name, text := range map[string]string{
		"CRLF":            strings.ReplaceAll(string(embedded), "\n", "\r\n"),
		"byte order mark": "\ufeff" + string(embedded),
		"no last newline": strings.TrimSpace(string(embedded)),
	} {
		if got := load(t, text).Digest(); got != want {
			t.Errorf("%s: got digest %s, want %s", name, got, want)
		}
	}
}
