package mapping

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"contactsync/shared/contact"
)

// evaluate returns what a custom field gets that the formula fills; "" for nothing.
func evaluate(t *testing.T, formula string, ct contact.Contact, links Links) (string, []Finding) {
	t.Helper()
	result := apply(t, load(t, withFormula(formula)), ct, links)
	var findings []Finding
	for _, f := range result.Findings {
		if f.Kind == FormulaFailed {
			findings = append(findings, f)
		}
	}
	for _, v := range result.Customer.CustomFields {
		if v.Name == "F" {
			return v.Value, findings
		}
	}
	return "", findings
}

func TestFunctionsOfFormulas(t *testing.T) {
	ct := contact.Contact{
		ID: "id-1", No: "44552", FirstName: "Ada", LastName: "Byron", City: "Zürich", CompanyID: "C100", PhoneNo: "12",
		AdditionalProperties: map[string]any{
			"Active_Web_User": true, "Job Title": "Buyer", "FaxNo": "1", "Balance": 12.5, "Visits": int64(7), "Blank": " ", "Null": nil,
			"Tags": []any{"a", "b"}, "Nested": map[string]any{"Inner": "deep"},
		},
	}
	links := staticLinks{"C100": "912"}
	tests := []struct{ formula, want string }{
		{`FirstName_Contact + " " + LastName_Contact`, "Ada Byron"},
		{`EMail`, ""},
		{`SpaceportSystemId`, "77"},
		{`SourceTypeName`, "Contact"},
		{`1 + 2`, "3"},
		{`1.5 + 1`, "2.5"},
		{`1 < 2`, "true"},

		{`AdditionalProperties["Visits"]`, "7"},
		{`AdditionalProperties.Balance`, "12.5"},
		{`AdditionalProperties?.Missing`, ""},
		{`AdditionalProperties.Nested.Inner`, "deep"},
		{`"Visits" in AdditionalProperties`, "true"},
		{`get(AdditionalProperties, "Visits")`, "7"},
		{`GetValueFromCustomField(AdditionalProperties, "Active_Web_User")`, "true"},
		{`GetValueFromCustomField(AdditionalProperties, "Active Web User")`, "true"},
		{`GetValueFromCustomField(AdditionalProperties, "active web user")`, "true"},
		{`GetValueFromCustomField(AdditionalProperties, "Fax No")`, "1"},
		{`GetValueFromCustomField(AdditionalProperties, "Job Title")`, "Buyer"},
		{`GetValueFromCustomField(AdditionalProperties, "Missing")`, ""},
		{`GetCustomFieldValue(AdditionalProperties, "Visits")`, "7"},
		{`GetValue(AdditionalProperties, "Visits")`, "7"},

		{`GetSpaceportId(CompanyID_Contact, "Customer Company", SpaceportSystemId)`, "912"},
		{`GetSpaceportIdAsync(CompanyID_Contact, 49, 77)`, "912"},
		{`GetSpaceportId(CompanyID_Contact, "49", SpaceportSystemId)`, "912"},
		{`GetSpaceportId(EMail, "Customer Company", SpaceportSystemId)`, ""},

		{`Coalesce(EMail, " ", City)`, "Zürich"},
		{`Coalesce(EMail, AdditionalProperties["Blank"], AdditionalProperties["Visits"])`, "7"},
		{`Coalesce(EMail, EMail)`, ""},
		{`CoalesceToInt(EMail, PhoneNo)`, "12"},
		{`CoalesceToDecimal(EMail, "12.50")`, "12.5"},
		{`IsEmpty(EMail)`, "true"},
		{`IsEmpty("  ")`, "true"},
		{`IsEmpty(AdditionalProperties["Null"])`, "true"},
		{`IsEmpty(AdditionalProperties["Tags"])`, "false"},
		{`IsNull(EMail)`, "true"},
		{`IsNull(" ")`, "false"},
		{`IsNull(AdditionalProperties["Null"])`, "true"},

		{`ConvertToBool("Yes")`, "true"},
		{`ConvertToBool(0)`, "false"},
		{`ConvertToBool(EMail)`, ""},
		{`ConvertToInt(PhoneNo) + 1`, "13"},
		{`ConvertToInt(7.0)`, "7"},
		{`ConvertToInt(EMail)`, ""},
		{`ConvertToLong("12")`, "12"},
		{`ConvertToDecimal(" 1.25 ")`, "1.25"},
		{`ConvertToDouble(1)`, "1"},

		{`Truncate(City, 2)`, "Zü"},
		{`Truncate(City, 20)`, "Zürich"},
		{`Truncate(City, 0)`, ""},
		{`Truncate(FirstName_Contact + LastName_Contact, 4)`, "AdaB"},
		{`RemovePrefix("4", No)`, "4552"},
		{`RemovePrefix("x", No)`, "44552"},
		{`SubstringAfterLastMatch("a/b/c", "/")`, "c"},
		{`SubstringAfterLastMatch("abc", "/")`, "abc"},
		{`RegExMatch(No, "^4+5")`, "true"},
		{`RegExMatch(No, "^" + PhoneNo)`, "false"},
		{`No matches "^4+5"`, "true"},
		{`WildcardMatch(City, "z%ch")`, "true"},
		{`WildcardMatch(City, "%RICH")`, "true"},
		{`WildcardMatch(City, "Z_rich")`, "true"},
		{`WildcardMatch(City, "Z_ich")`, "false"},
		{`WildcardMatch(City, "%")`, "true"},
		{`WildcardMatch(EMail, "_")`, "false"},

		{`trim(upper("  a ")) + lower("B")`, "Ab"},
		{`replace("a-b-c", "-", "")`, "abc"},
		{`replace("ab", "", "-")`, "-a-b-"},
		{`join(split("a;b", ";"), ", ")`, "a, b"},
		{`join(filter(split("a;;b", ";"), # != ""))`, "ab"},
		{`string(len(AdditionalProperties["Tags"]))`, "2"},
		{`let n = No; n + n`, "4455244552"},
		{`any(split("a;b", ";"), any(split("b;c", ";"), # == "b"))`, "true"},
	}
	for _, tt := range tests {
		t.Run(tt.formula, func(t *testing.T) {
			got, findings := evaluate(t, tt.formula, ct, links)
			if got != tt.want || len(findings) > 0 {
				t.Errorf("got %q with findings %v, want %q", got, findings, tt.want)
			}
		})
	}
}

func TestEveryFunctionHasAnExample(t *testing.T) {
	// TestFunctionsOfFormulas is the manual of the functions, so it must be whole.
	shown := []string{"GetSpaceportId", "GetSpaceportIdAsync", "GetValueFromCustomField", "GetCustomFieldValue", "GetValue", "Coalesce", "CoalesceToInt",
		"CoalesceToDecimal", "IsEmpty", "IsNull", "ConvertToBool", "ConvertToInt", "ConvertToLong", "ConvertToDecimal", "ConvertToDouble", "Truncate",
		"RemovePrefix", "SubstringAfterLastMatch", "RegExMatch", "WildcardMatch", "string", "replace", "join"}
	var names []string
	for _, f := range functions {
		if !f.hidden {
			names = append(names, f.name)
		}
	}
	if diff := cmp.Diff(shown, names); diff != "" {
		t.Errorf("functions with an example (-) and that exist (+):\n%s", diff)
	}
}

func TestAFormulaThatFailsIsAFindingWithoutValues(t *testing.T) {
	const personal = "Byron-secret"
	ct := contact.Contact{LastName: personal, City: personal, AdditionalProperties: map[string]any{"Personal": personal, "List": []any{personal}}}
	tests := []struct{ name, formula, want string }{
		{"no bool", `ConvertToBool(City)`, "ConvertToBool: the value is neither true nor false (true, false, Yes, No, 1 and 0 are understood)"},
		{"no whole number", `ConvertToInt(City)`, "ConvertToInt: the value is not a whole number"},
		{"no number", `ConvertToDecimal(City)`, "ConvertToDecimal: the value is not a number"},
		{"infinite", `ConvertToDecimal("inf")`, "ConvertToDecimal: the value is not a number"},
		{"a list as number", `ConvertToInt(AdditionalProperties["List"])`, "ConvertToInt: the value is not a number"},
		{"expr's own conversion", `int(City)`, "a value has another type than the formula needs (line 1, column 1 of the formula)"},
		{"division", `1 % len(EMail)`, "it divides by zero (line 1, column 3 of the formula)"},
		{"beyond the end", `split(City, "-")[9]`, "it asks for an item beyond the end of a list (line 1, column 17 of the formula)"},
		{"a member of nothing", `AdditionalProperties.Missing.Inner`, "it asks for a member of a value that has none (line 1, column 30 of the formula)"},
		{"a member of a text", `AdditionalProperties.Personal.Inner`, "a value has another type than the formula needs (line 1, column 31 of the formula)"},
		{"a text as number", `AdditionalProperties.Personal * 2`, "a value has another type than the formula needs (line 1, column 31 of the formula)"},
		{"a text as condition", `AdditionalProperties.Personal ? 1 : 2`, "a value has another type than the formula needs (line 1, column 37 of the formula)"},
		{"a list", `AdditionalProperties.List`, "it gives a list or a record, expected one value"},
		{"a list as text", `string(AdditionalProperties.List)`, "string: the value is a list or a record, not one value"},
		{"a negative length", `Truncate(City, 0 - 1)`, "Truncate: the length is negative"},
		{"a wrong pattern", `RegExMatch(City, "(" + City)`, "RegExMatch: the pattern is not a regular expression"},
		{"an unknown table", `GetSpaceportId(City, 51, 1)`, `GetSpaceportId: no table is known for this type number; write the table's name, such as "Customer Company"`},
		{"no table", `GetSpaceportId(City, EMail, 1)`, "GetSpaceportId: the type is neither a table's name nor its number"},
		{"too many values", `len(1..1000000)`, "it makes too many values (line 1, column 6 of the formula)"},
		{"a list joined of other things", `join([1, 2], "")`, "join: the list holds something that is not a text"},
		{"a text that doubles", `reduce(1..60, #acc + #acc, City)`, "a text grows beyond 8 KB"},
		{"a text that is repeated", `let a = repeat("x", 1500); a + a + a + a + a + a`, "a text grows beyond 8 KB"},
		{"a text replaced by larger ones", `replace(repeat("x", 1500), "x", "xxxxxx")`, "a text grows beyond 8 KB"},
		{"a text replaced by larger ones with expr's own function", `::replace(repeat("x", 1500), "x", "xxxxxx")`, "a text grows beyond 8 KB"},
		{"texts joined", `join(map(1..20, repeat("x", 50)), repeat("y", 500))`, "a text grows beyond 8 KB"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, findings := evaluate(t, tt.formula, ct, staticLinks{})
			for i := range findings {
				findings[i].Source = "" // TestFindingsOfAFormulaNameItsOneSource
			}
			want := []Finding{{Kind: FormulaFailed, Field: "F (Custom Field)", Detail: `row "F (Custom Field)": ` + tt.want}}
			if diff := cmp.Diff(want, findings); diff != "" || got != "" {
				t.Errorf("got %q; findings (-want +got):\n%s", got, diff)
			}
			if strings.Contains(fmt.Sprint(findings), personal) {
				t.Errorf("a finding holds a value of the record: %v", findings)
			}
		})
	}
}

// linkFunc answers GetSpaceportId from a function.
type linkFunc func(ctx context.Context, externalID, table, systemID string) (string, error)

func (f linkFunc) SpaceportID(ctx context.Context, externalID, table, systemID string) (string, error) {
	return f(ctx, externalID, table, systemID)
}

func TestAnErrorOfTheLinksIsReturnedAsItIs(t *testing.T) {
	down := errors.New("the other side is down")
	links := linkFunc(func(context.Context, string, string, string) (string, error) { return "", down })
	files := map[string]string{
		"in a row":              withFormula(`GetSpaceportId("C100", 49, "1")`),
		"hidden behind a ??":    withFormula(`GetSpaceportId("C100", 49, "1") ?? "x"`),
		"in the filter":         valid + "filter: GetSpaceportId(\"C100\", 49, \"1\") == \"\"\n",
		"in the child":          withChild(`{type: formula, source: 'GetSpaceportId("C100", 49, "1")', destination: City}`),
		"in the child's filter": withChild(`{type: field, source: City, destination: City}`) + "    filter: GetSpaceportId(\"C100\", 49, \"1\") == \"\"\n",
	}
	for name, file := range files {
		t.Run(name, func(t *testing.T) {
			ct := fullContact()
			result, err := load(t, file).Apply(t.Context(), &ct, Options{Links: links})
			if !errors.Is(err, down) || err.Error() != down.Error() {
				t.Errorf("got error %v, want the one of Links", err)
			}
			if diff := cmp.Diff(Result{}, result); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAContextThatEndedIsReturnedAsItIs(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ct := fullContact()
	if _, err := seed(t).Apply(ctx, &ct, Options{Links: staticLinks{}}); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want context.Canceled", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	links := linkFunc(func(context.Context, string, string, string) (string, error) { cancel(); return "", nil })
	c := load(t, withFormula(`GetSpaceportId("a", 49, "1") + GetSpaceportId("b", 49, "1")`))
	if _, err := c.Apply(ctx, &ct, Options{Links: links}); !errors.Is(err, context.Canceled) {
		t.Errorf("between two links: got error %v, want context.Canceled", err)
	}
}

func TestWithoutLinksAFormulaThatAsksForOneFails(t *testing.T) {
	ct := fullContact()
	if _, err := seed(t).Apply(t.Context(), &ct, Options{}); !errors.Is(err, errNoLinks) {
		t.Errorf("got error %v, want errNoLinks", err)
	}
}

func TestLinksAreAskedWithTableAndSystem(t *testing.T) {
	var asked []string
	links := linkFunc(func(_ context.Context, externalID, table, systemID string) (string, error) {
		asked = append(asked, strings.Join([]string{externalID, table, systemID}, " / "))
		return "912", nil
	})
	apply(t, seed(t), fullContact(), links)
	if diff := cmp.Diff([]string{"CT000001 / Customer Company / 77"}, asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

func TestWhatIsNotLinkedIsNotedOnce(t *testing.T) {
	c := load(t, withFormula(`GetSpaceportId("A", 49, "1") + GetSpaceportId("A", 49, "1") + GetSpaceportId("A", 8, "1") + GetSpaceportId("B", "Customer Company", 1) + GetSpaceportId("", 49, "1")`))
	got := apply(t, c, fullContact(), staticLinks{"B": "7"})
	if diff := cmp.Diff([]Link{{"Customer Company", "A"}, {"customer", "A"}}, got.Unlinked); diff != "" {
		t.Errorf("unlinked (-want +got):\n%s", diff)
	}
}

// The costliest formula that loads ends by itself, within the budget of elements.
func TestPredicatesInsideEachOtherAreBounded(t *testing.T) {
	got, findings := evaluate(t, `let a = 1..1900; count(a, none(a, # < 0))`, contact.Contact{}, nil)
	if got != "1900" || len(findings) > 0 {
		t.Errorf("got %q with findings %v, want 1900", got, findings)
	}
	_, findings = evaluate(t, `count(1..1900, any(1..1900, # < 0))`, contact.Contact{}, nil)
	if len(findings) != 1 || !strings.Contains(findings[0].Detail, "it makes too many values") {
		t.Errorf("got findings %v, want one of too many values", findings)
	}
}
