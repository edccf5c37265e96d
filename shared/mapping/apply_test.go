package mapping

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"contactsync/shared/contact"
	"contactsync/shared/customer"
)

func TestABlankSourceIsOmittedUnlessItClears(t *testing.T) {
	tests := []struct {
		name, row string
		contact   contact.Contact
		want      any // of the member comment; nil when it is not sent
	}{
		{"omitted by default", `{type: field, source: City, destination: Comment}`, contact.Contact{}, nil},
		{"omitted", `{type: field, source: City, destination: Comment, when_empty: omit}`, contact.Contact{}, nil},
		{"cleared", `{type: field, source: City, destination: Comment, when_empty: clear}`, contact.Contact{}, ""},
		{"blanks count as missing", `{type: field, source: City, destination: Comment, when_empty: clear}`, contact.Contact{City: "  "}, ""},
		{"sent as Business Central spells it", `{type: field, source: City, destination: Comment}`, contact.Contact{City: " São  Paulo "}, " São  Paulo "},
		{"a formula that gives blanks", `{type: formula, source: '" "', destination: Comment}`, contact.Contact{}, nil},
		{"a formula that gives nothing, cleared", `{type: formula, source: 'AdditionalProperties["x"]', destination: Comment, when_empty: clear}`, contact.Contact{}, ""},
		{"a static text", `{type: static, source: "from BC", destination: Comment}`, contact.Contact{}, "from BC"},
		{"always cleared", `{type: static, source: "", destination: Comment, when_empty: clear}`, contact.Contact{}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := apply(t, load(t, withRow(tt.row)), tt.contact, nil)
			if diff := cmp.Diff(tt.want, got.Customer.Get("comment")); diff != "" {
				t.Errorf("comment (-want +got):\n%s", diff)
			}
		})
	}
}

func TestValuesHaveTheDestinationsKind(t *testing.T) {
	properties := map[string]any{"Number": int64(12), "Text": "12", "Flag": true, "Decimal": 1.5, "Whole": 3.0, "List": []any{"a"}, "Word": "perhaps"}
	tests := []struct {
		name, row string
		want      any
		finding   string // "" for none
	}{
		{"a static number", `{type: static, source: 12, destination: CategoryId}`, int64(12), ""},
		{"a formula's number", `{type: formula, source: 6 * 2, destination: CategoryId}`, int64(12), ""},
		{"a formula's number behind a conversion", `{type: formula, source: 'ConvertToInt("12")', destination: CategoryId}`, int64(12), ""},
		{"a property that is a number", `{type: formula, source: AdditionalProperties.Number, destination: CategoryId}`, int64(12), ""},
		{"a property that is a text", `{type: formula, source: AdditionalProperties.Text, destination: CategoryId}`, nil, "it gives a value of another type, expected whole number"},
		{"a property field that is a number", `{type: field, source: Number (Custom Field), destination: CategoryId}`, int64(12), ""},
		{"a property field that is a number's text", `{type: field, source: Text (Custom Field), destination: CategoryId}`, int64(12), ""},
		{"a property field that is whole", `{type: field, source: Whole (Custom Field), destination: CategoryId}`, int64(3), ""},
		{"a property field that is no number", `{type: field, source: Word (Custom Field), destination: CategoryId}`, nil, "the property cannot be read, expected whole number"},
		{"a property field that is not whole", `{type: field, source: Decimal (Custom Field), destination: CategoryId}`, nil, "the property cannot be read, expected whole number"},
		{"a property field that is a list", `{type: field, source: List (Custom Field), destination: CategoryId}`, nil, "the property is a list or a record, expected one value"},
		{"a property field that is not there", `{type: field, source: Missing (Custom Field), destination: CategoryId}`, nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := apply(t, load(t, withRow(tt.row)), contact.Contact{No: "1", FirstName: "a", LastName: "b", EMail: "c", AdditionalProperties: properties}, nil)
			if diff := cmp.Diff(tt.want, got.Customer.Get("category_id")); diff != "" {
				t.Errorf("category_id (-want +got):\n%s", diff)
			}
			var details, want []string
			for _, f := range got.Findings {
				details = append(details, f.Detail)
			}
			if tt.finding != "" {
				want = []string{`row "CategoryId": ` + tt.finding}
			}
			if diff := cmp.Diff(want, details); diff != "" {
				t.Errorf("details of the findings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCustomFieldsAreText(t *testing.T) {
	properties := map[string]any{"Flag": true, "Number": int64(12), "Decimal": 1.25, "Large": 1e15, "Text": "x"}
	for name, want := range map[string]string{"Flag": "true", "Number": "12", "Decimal": "1.25", "Large": "1000000000000000", "Text": "x"} {
		row := fmt.Sprintf("{type: field, source: %s (Custom Field), destination: Mine (Custom Field)}", name)
		got := apply(t, load(t, withRow(row)), contact.Contact{AdditionalProperties: properties}, nil)
		if diff := cmp.Diff([]customer.CustomValue{{Name: "Mine", Value: want}}, got.Customer.CustomFields); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestCustomerTypeComesFromTheModelOrFromTheFurtherProperties(t *testing.T) {
	tests := []struct {
		name    string
		contact contact.Contact
		want    string
	}{
		{"the model's value", contact.Contact{CustomerType: "B2B"}, "B2B"},
		{"the further property", contact.Contact{AdditionalProperties: map[string]any{"Customer_Type": "B2C"}}, "B2C"},
		{"the further property without a blank", contact.Contact{AdditionalProperties: map[string]any{"customerType": "B2C"}}, "B2C"},
		{"the model's value first", contact.Contact{CustomerType: "B2B", AdditionalProperties: map[string]any{"Customer_Type": "B2C"}}, "B2B"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.contact.Type, tt.contact.RecordType = "Person", "Contact"
			got := apply(t, seed(t), tt.contact, nil)
			if got.Customer.CustomFields[0] != (customer.CustomValue{Name: "Customer Type", Value: tt.want}) {
				t.Errorf("got %v, want %s", got.Customer.CustomFields, tt.want)
			}
		})
	}
}

func TestThePartOfAFilterThatSaysNoIsNamedWithoutPersonalValues(t *testing.T) {
	ct := contact.Contact{No: "44552", Type: "Person", FirstName: "Ada", EMail: "ada@example.com", City: "Atlanta", CountryRegionCode: "US",
		AdditionalProperties: map[string]any{"Blocked": true, "Balance": 12.5, "Nick Name": "Countess", "Blank": ""}}
	tests := []struct{ name, filter, want string }{
		{"the second part", `Type == "Person" && CountryRegionCode == "DE"`, `CountryRegionCode == "DE" is false (CountryRegionCode is "US")`},
		{"the word and", `Type == "Person" and CountryRegionCode == "DE"`, `CountryRegionCode == "DE" is false (CountryRegionCode is "US")`},
		{"a part in parentheses", `Type == "Person" && (CountryRegionCode == "DE" || No == "1")`, `CountryRegionCode == "DE" || No == "1" is false (CountryRegionCode is "US", No is "44552")`},
		{"an || at the top", `CountryRegionCode == "DE" || Type == "Company" && No == "1"`,
			`CountryRegionCode == "DE" || (Type == "Company" && No == "1") is false (CountryRegionCode is "US", Type is "Person", No is "44552")`},
		{"a person's value", `EMail endsWith ".de"`, `EMail endsWith ".de" is false (EMail is [hidden])`},
		{"a person's value that is missing", `PhoneNo != ""`, `PhoneNo != "" is false (PhoneNo is empty)`},
		{"a property that is a flag", `AdditionalProperties.Blocked == false`, `AdditionalProperties.Blocked == false is false (Blocked is true)`},
		{"a property that is a number", `AdditionalProperties.Balance > 100`, `AdditionalProperties.Balance > 100 is false (Balance is 12.5)`},
		{"a property that is a text", `GetValue(AdditionalProperties, "Nick Name") == "x"`, `GetValue(AdditionalProperties, "Nick Name") == "x" is false (Nick Name is [hidden])`},
		{"a property that is blank", `AdditionalProperties.Blank == "x"`, `AdditionalProperties.Blank == "x" is false (Blank is empty)`},
		{"all properties", `len(AdditionalProperties) > 9`, `len(AdditionalProperties) > 9 is false (AdditionalProperties is [hidden])`},
		{"the system", `SpaceportSystemId == "1" && SourceTypeName == "Contact"`, `SpaceportSystemId == "1" is false (SpaceportSystemId is "77")`},
		{"no value at all", `1 > 2`, `1 > 2 is false`},
		{"a variable", `let a = No; a == "1" && a == "2"`, `let a = No; a == "1" && a == "2" is false (No is "44552")`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := load(t, valid+"filter: >-\n  "+tt.filter+"\n")
			if diff := cmp.Diff(Result{Skipped: "mapping filter: " + tt.want}, apply(t, c, ct, nil)); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAFilterThatFailsIsAFinding(t *testing.T) {
	ct := contact.Contact{No: "1", FirstName: "a", LastName: "b", EMail: "c", City: "Atlanta"}
	c := load(t, valid+"filter: ConvertToInt(City) > 1\n")
	want := Result{Findings: []Finding{{FormulaFailed, "filter", "formula", "the mapping filter: ConvertToInt: the value is not a whole number"}}}
	if diff := cmp.Diff(want, apply(t, c, ct, nil)); diff != "" {
		t.Errorf("result of the parent's filter (-want +got):\n%s", diff)
	}
	c = load(t, withChild(`{type: field, source: City, destination: City}`)+"    filter: ConvertToInt(City) > 1\n")
	got := apply(t, c, ct, nil)
	wantChild := []Finding{{FormulaFailed, "Addresses", "formula", `the mapping filter of "Child": ConvertToInt: the value is not a whole number`}}
	if diff := cmp.Diff(wantChild, got.Findings); diff != "" || got.Customer.Addresses != nil || got.Customer.Text("customer_number") != "1" {
		t.Errorf("customer %v; findings (-want +got):\n%s", got.Customer, diff)
	}
}

func TestTheAddress(t *testing.T) {
	atlanta := contact.Contact{No: "1", FirstName: "a", LastName: "b", EMail: "c", City: "Atlanta"}
	address := func(values ...customer.Value) []customer.Address { return []customer.Address{{Fields: values}} }
	tests := []struct {
		name, rows, filter string
		contact            contact.Contact
		want               []customer.Address
		findings           []Finding
	}{
		{"only static values are no address", `{type: static, source: true, destination: PreventDuplicate}`, "", atlanta, nil, nil},
		{"a constant formula is no address", `{type: formula, source: '"US"', destination: Country}`, "", atlanta, nil, nil},
		{"a cleared value is no address by itself", `{type: field, source: Address2, destination: Address2, when_empty: clear}`, "", atlanta, nil, nil},
		{"a cleared value beside one that is there", "{type: field, source: City, destination: City}\n      - {type: field, source: Address2, destination: Address2, when_empty: clear}", "", atlanta,
			address(customer.Value{Field: "city", Value: "Atlanta"}, customer.Value{Field: "address_2", Value: ""}), nil},
		{"a filter that says no", `{type: field, source: City, destination: City}`, `City == "Rome"`, atlanta, nil, nil},
		{"parent reaches the contact", `{type: formula, source: parent.City + "/" + City, destination: City}`, `parent.No == "1"`, atlanta,
			address(customer.Value{Field: "city", Value: "Atlanta/Atlanta"}), nil},
		{"parent in a field row", `{type: field, source: parent.City, destination: City}`, "", atlanta, address(customer.Value{Field: "city", Value: "Atlanta"}), nil},
		{"the source type", `{type: formula, source: City + SourceTypeName, destination: City}`, "", atlanta, address(customer.Value{Field: "city", Value: "AtlantaContact"}), nil},
		{"the source type without an address", `{type: formula, source: SourceTypeName, destination: City}`, "", contact.Contact{No: "1", FirstName: "a", LastName: "b", EMail: "c"},
			address(customer.Value{Field: "city", Value: "ParentOnly"}), nil},
		{"a required value that is missing", "{type: field, source: City, destination: City}\n      - {type: field, source: PostCode, destination: PostalCode, required: true}", "", atlanta,
			address(customer.Value{Field: "city", Value: "Atlanta"}), []Finding{{RequiredEmpty, "Addresses.PostalCode", "PostCode", ""}}},
		{"a required value of no address", `{type: field, source: PostCode, destination: PostalCode, required: true}`, "", atlanta, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := withChild(tt.rows)
			if tt.filter != "" {
				file += "    filter: " + tt.filter + "\n"
			}
			got := apply(t, load(t, file), tt.contact, nil)
			if diff := cmp.Diff(tt.want, got.Customer.Addresses); diff != "" {
				t.Errorf("addresses (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.findings, got.Findings); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAFindingNamesTheFurtherPropertyThatCannotBeRead(t *testing.T) {
	c := load(t, withRow(`{type: field, source: Size (Custom Field), destination: CategoryId}`))
	got := apply(t, c, contact.Contact{No: "1", FirstName: "a", LastName: "b", EMail: "c", AdditionalProperties: map[string]any{"Size": "XL"}}, nil)
	want := []Finding{{FormulaFailed, "CategoryId", "Size (Custom Field)", `row "CategoryId": the property cannot be read, expected whole number`}}
	if diff := cmp.Diff(want, got.Findings); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestFindingsOfAFormulaNameItsOneSource(t *testing.T) {
	for formula, want := range map[string]string{
		"trim(EMail)":                                "EMail",
		`Coalesce(EMail, PhoneNo)`:                   "formula",
		`AdditionalProperties["E Mail"]`:             "formula",
		`Coalesce(EMail, AdditionalProperties["x"])`: "formula",
	} {
		file := strings.Replace(valid, "{type: field, source: EMail,", "{type: formula, source: '"+formula+"',", 1)
		got := apply(t, load(t, file), contact.Contact{No: "1", FirstName: "a", LastName: "b"}, nil)
		if diff := cmp.Diff([]Finding{{RequiredEmpty, "EmailAddress", want, ""}}, got.Findings); diff != "" {
			t.Errorf("%s: findings (-want +got):\n%s", formula, diff)
		}
	}
}

func TestSources(t *testing.T) {
	tests := []struct {
		name, file string
		want       Sources
	}{
		{"the number always", strings.Replace(valid, `"No"`, "Id", 1), Sources{Model: []string{"EMail", "FirstName_Contact", "Id", "LastName_Contact", "No"}}},
		{"names in a filter", valid + "filter: Type == \"Person\"\n", Sources{Model: []string{"EMail", "FirstName_Contact", "LastName_Contact", "No", "Type"}}},
		{"names in a child", withChild(`{type: formula, source: parent.City + PostCode, destination: City}`), Sources{Model: []string{"City", "EMail", "FirstName_Contact", "LastName_Contact", "No", "PostCode"}}},
		{"SourceTypeName of a child reads the address", withChild(`{type: formula, source: SourceTypeName, destination: City}`),
			Sources{Model: []string{"Address", "Address2", "City", "CountryRegionCode", "County", "EMail", "FirstName_Contact", "LastName_Contact", "No", "PhoneNo", "PostCode"}}},
		{"a further property as source", withRow(`{type: field, source: Job Title (Custom Field), destination: Comment}`), properties("Job Title")},
		{"constant names", withFormula(`[AdditionalProperties.A, AdditionalProperties["B"], AdditionalProperties?.C, get(AdditionalProperties, "D"), GetValue(AdditionalProperties, "E"), "F" in AdditionalProperties][0]`),
			properties("A", "B", "C", "D", "E", "F")},
		{"a computed name", withFormula(`AdditionalProperties[No]`), Sources{Model: properties().Model, AllProperties: true}},
		{"a computed name in a function", withFormula(`GetValueFromCustomField(AdditionalProperties, No)`), Sources{Model: properties().Model, AllProperties: true}},
		{"all of them", withFormula(`len(AdditionalProperties)`), Sources{Model: properties().Model, AllProperties: true}},
		{"one by name and all of them", withFormula(`[len(AdditionalProperties), AdditionalProperties.A][0]`), Sources{Model: properties().Model, Properties: []string{"A"}, AllProperties: true}},
		{"by a variable", withFormula(`let a = AdditionalProperties; a["B"]`), Sources{Model: properties().Model, AllProperties: true}},
		{"the parent's", withChild(`{type: formula, source: 'string(parent.AdditionalProperties["A"])', destination: City}`), properties("A")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, load(t, tt.file).Sources()); diff != "" {
				t.Errorf("sources (-want +got):\n%s", diff)
			}
		})
	}
}

// properties returns the sources of the smallest file with further properties.
func properties(names ...string) Sources {
	return Sources{Model: []string{"EMail", "FirstName_Contact", "LastName_Contact", "No"}, Properties: names}
}

func TestSourcesThatTheMappingReadsChangeTheBytes(t *testing.T) {
	c := load(t, withRow(`{type: field, source: Mark (Custom Field), destination: Comment}`)+"filter: CountryRegionCode != \"XX\"\n")
	base := fullContact()
	base.AdditionalProperties = map[string]any{"Mark": "1"}
	variants := []func(*contact.Contact){
		func(*contact.Contact) {},
		func(c *contact.Contact) { c.No = "CT2" },
		func(c *contact.Contact) { c.FirstName = "Rob" },
		func(c *contact.Contact) { c.FirstName, c.LastName = c.FirstName+c.LastName[:1], c.LastName[1:] },
		func(c *contact.Contact) { c.CountryRegionCode = "DE" },
		func(c *contact.Contact) { c.AdditionalProperties = nil },
		func(c *contact.Contact) { c.AdditionalProperties = map[string]any{"mark": "1"} },
		func(c *contact.Contact) { c.AdditionalProperties = map[string]any{"Mark": int64(1)} },
		func(c *contact.Contact) { c.AdditionalProperties = map[string]any{"Mark": 1.0} },
		func(c *contact.Contact) { c.AdditionalProperties = map[string]any{"Mark": true} },
		func(c *contact.Contact) { c.AdditionalProperties = map[string]any{"Mark": false} },
		func(c *contact.Contact) { c.AdditionalProperties = map[string]any{"Mark": nil} },
		func(c *contact.Contact) { c.AdditionalProperties = map[string]any{"Mark": ""} },
		func(c *contact.Contact) { c.AdditionalProperties = map[string]any{"Mark": []any{"1"}} },
		func(c *contact.Contact) { c.AdditionalProperties = map[string]any{"Mark": []any{"1", "1"}} },
		func(c *contact.Contact) { c.AdditionalProperties = map[string]any{"Mark": map[string]any{"1": "1"}} },
	}
	var seen []string
	for i, change := range variants {
		ct := base
		change(&ct)
		got := string(c.AppendSources(nil, &ct))
		if j := slices.Index(seen, got); j >= 0 {
			t.Errorf("variants %d and %d have the same bytes", j, i)
		}
		seen = append(seen, got)
	}
	other := base
	other.Address, other.ID, other.PhoneNo = "elsewhere", "another", "0"
	other.AdditionalProperties = map[string]any{"Mark": "1", "Unread": "x"}
	if got := string(c.AppendSources(nil, &other)); got != seen[0] {
		t.Error("values that the mapping does not read change the bytes")
	}
	if got := string(c.AppendSources([]byte("before"), &base)); got != "before"+seen[0] {
		t.Error("the bytes are not appended to dst")
	}
}

func TestAppendSourcesOfAllPropertiesIsTheSameForEveryOrder(t *testing.T) {
	c := load(t, withFormula(`len(AdditionalProperties)`))
	one, two := map[string]any{}, map[string]any{}
	for i := range 50 {
		one[fmt.Sprint(i)] = int64(i)
		two[fmt.Sprint(49-i)] = int64(49 - i)
	}
	a, b := contact.Contact{AdditionalProperties: one}, contact.Contact{AdditionalProperties: two}
	if string(c.AppendSources(nil, &a)) != string(c.AppendSources(nil, &b)) {
		t.Error("equal contacts have different bytes")
	}
	two["0"] = "0"
	if string(c.AppendSources(nil, &a)) == string(c.AppendSources(nil, &b)) {
		t.Error("a changed property has the same bytes")
	}
}

func TestAppendSourcesAllocatesNothingOfItsOwn(t *testing.T) {
	c, ct := seed(t), fullContact()
	dst := make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(100, func() { dst = c.AppendSources(dst[:0], &ct) }); n != 0 {
		t.Errorf("got %v allocations, want 0", n)
	}
}

func TestTheDigestFollowsTheMeaning(t *testing.T) {
	base := withFormula(`City + "x"`) + "filter: Type == \"Person\" && No != \"\"\n"
	digest := load(t, base).Digest()
	same := map[string]string{
		"comments":     "# a comment\n" + base,
		"descriptions": strings.Replace(base, "required: true}", "required: true, description: Number.}", 1) + "description: x\n",
		"spacing":      strings.NewReplacer(`City + "x"`, `City+"x"`, `Type == "Person" && No != ""`, `Type=="Person" and  No!=""`).Replace(base),
		"row order":    swapRows(base),
		"defaults":     base + "status: enabled\ntriggers: [Contact Update, Contact Create]\n",
	}
	for name, file := range same {
		if got := load(t, file).Digest(); got != digest {
			t.Errorf("%s change the digest", name)
		}
	}
	different := map[string]string{
		"a formula":     strings.Replace(base, `"x"`, `"y"`, 1),
		"the filter":    strings.Replace(base, `"Person"`, `"Company"`, 1),
		"no filter":     strings.Replace(base, "filter: Type == \"Person\" && No != \"\"\n", "", 1),
		"a source":      strings.Replace(base, `"No", destination`, `Id, destination`, 1),
		"a destination": strings.Replace(base, "F (Custom", "G (Custom", 1),
		"a mark":        strings.Replace(base, "F (Custom Field)\n", "F (Custom Field)\n    recommended: true\n", 1),
		"a new row":     strings.Replace(base, "filter:", "  - {type: field, source: City, destination: Comment}\nfilter:", 1),
		"the clearing":  strings.Replace(base, "filter:", "  - {type: field, source: City, destination: Comment, when_empty: clear}\nfilter:", 1),
		"a child":       base + "children:\n  - {collection: c, destination: Addresses, mappings: [{type: field, source: City, destination: City}]}\n",
		"the triggers":  base + "triggers: [Contact Create]\n",
		"the status":    base + "status: disabled\n",
	}
	seen := map[string]string{digest: "the base"}
	for name, file := range different {
		got := load(t, file).Digest()
		if other, taken := seen[got]; taken {
			t.Errorf("%s has the digest of %s", name, other)
		}
		seen[got] = name
	}
}

func swapRows(file string) string {
	lines := strings.SplitAfter(file, "\n")
	lines[2], lines[3] = lines[3], lines[2]
	return strings.Join(lines, "")
}

func TestACollectionServesManyContactsAtOnce(t *testing.T) {
	c := seed(t)
	ctx := t.Context()
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			for range 50 {
				ct := fullContact()
				ct.No = fmt.Sprint(i)
				got, err := c.Apply(ctx, &ct, Options{Links: staticLinks{"CT000001": "912"}})
				if err != nil || got.Customer.Text("customer_number") != ct.No || len(got.Findings) > 0 {
					t.Errorf("contact %d: got %v, error %v", i, got, err)
				}
			}
		})
	}
	wait.Wait()
}
