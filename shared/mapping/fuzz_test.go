package mapping

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"contactsync/shared/contact"
)

// Whatever a mapping file holds: it loads, or it is one error with a mistake.
func FuzzLoad(f *testing.F) {
	f.Add(embedded)
	f.Add(embeddedCases)
	f.Add([]byte(valid))
	f.Add([]byte(withFormula(`any(split(EMail, ";"), # contains "@")`)))
	f.Add([]byte(withChild(`{type: static, source: true, destination: PreventDuplicate}`)))
	f.Add([]byte("collection: &a [*a, !!str x, <<: *a]\nmappings: - - ? : |-\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Load("fuzz.yaml", data)
		if _, casesErr := LoadCases("fuzz.yaml", data); casesErr != nil {
			wantMistakes(t, casesErr)
		}
		if err != nil {
			wantMistakes(t, err)
			return
		}
		ct := fullContact()
		if _, err := c.Apply(t.Context(), &ct, Options{Links: staticLinks{}}); err != nil {
			t.Errorf("a file that loads cannot be applied: %v", err)
		}
	})
}

func wantMistakes(t *testing.T, err error) {
	t.Helper()
	list, ok := errors.AsType[*LoadError](err)
	if !ok || len(list.Mistakes) == 0 {
		t.Fatalf("got error %v, want a LoadError with mistakes", err)
	}
	for _, m := range list.Mistakes {
		if m.Text == "" || m.Line < 0 {
			t.Errorf("a mistake without words or with a wrong line: %+v", m)
		}
	}
}

// Whatever a formula says: it is refused, or it gives a value or a finding.
func FuzzFormula(f *testing.F) {
	for _, seed := range []string{
		`EMail`, `ConvertToBool(GetValueFromCustomField(AdditionalProperties, "Active_Web_User"))`,
		`CompanyID_Contact != "" ? GetSpaceportIdAsync(CompanyID_Contact, "Customer Company", SpaceportSystemId) : ""`,
		`reduce(1..9, #acc + string(#), City)`, `let a = No; a[0:2] + a`, `[1, "a", nil][int(PhoneNo)]`, `{"a": 1}.b.c`,
		`groupBy(split(City, ""), #) | len()`, `sum(map(1..9, # * 2)) / 0`, `City matches PhoneNo`, `"a".b?.c ?? true`, `-City`, `not No`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		compiled, err := compileFormula(source, true)
		if err != nil {
			if err.Error() == "" {
				t.Error("a refusal without words")
			}
			return
		}
		ct := fullContact()
		e := newEnvironment(t.Context(), &ct, Options{Links: staticLinks{}})
		defer e.release()
		first, firstErr := compiled.run(e)
		second, secondErr := compiled.run(e)
		if fmt.Sprint(first, firstErr) != fmt.Sprint(second, secondErr) {
			t.Errorf("%q gives %v, %v and then %v, %v", source, first, firstErr, second, secondErr)
		}
	})
}

// contacts draws any contact, with the values that matter more often than others.
func contacts() *rapid.Generator[contact.Contact] {
	text := rapid.OneOf(rapid.Just(""), rapid.Just("  "), rapid.String())
	value := rapid.OneOf(
		rapid.Just[any](nil), rapid.Map(text, func(s string) any { return s }), rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		rapid.Map(rapid.Int64(), func(n int64) any { return n }), rapid.Map(rapid.Float64(), func(f float64) any { return f }),
		rapid.Just[any]([]any{"a", int64(1)}), rapid.Just[any](map[string]any{"a": nil}),
	)
	return rapid.Custom(func(t *rapid.T) contact.Contact {
		var c contact.Contact
		for _, m := range modelNames {
			m.set(&c, text.Draw(t, m.name))
		}
		c.Type = rapid.SampledFrom([]string{"Person", "Person", "Company", ""}).Draw(t, "type")
		c.RecordType = rapid.SampledFrom([]string{"Contact", "Contact", "Customer", ""}).Draw(t, "record type")
		c.AdditionalProperties = rapid.MapOf(rapid.SampledFrom([]string{"Active_Web_User", "ActiveWebUser", "Customer Type", "customer_type", "Other"}), value).Draw(t, "properties")
		return c
	})
}

func TestEveryContactMapsAndMapsAlikeEachTime(t *testing.T) {
	c := seed(t)
	o := Options{SystemID: "77", Links: staticLinks{"C1": "912"}}
	ctx := t.Context()
	rapid.Check(t, func(t *rapid.T) {
		ct := contacts().Draw(t, "contact")
		before := string(c.AppendSources(nil, &ct))
		first, err := c.Apply(ctx, &ct, o)
		if err != nil {
			t.Fatal(err)
		}
		second, err := c.Apply(ctx, &ct, o)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(first, second); diff != "" {
			t.Fatalf("two results of one contact:\n%s", diff)
		}
		if after := string(c.AppendSources(nil, &ct)); after != before {
			t.Fatal("mapping changed the contact")
		}
		if (first.Skipped == "") != (ct.Type == "Person" && ct.RecordType == "Contact") {
			t.Fatalf("type %q, record type %q: skipped is %q", ct.Type, ct.RecordType, first.Skipped)
		}
		for _, v := range first.Customer.CustomFields {
			if blank(v.Value) {
				t.Fatalf("custom field %s is sent blank", v.Name)
			}
		}
		for _, v := range first.Customer.Fields {
			if blank(v.Value) {
				t.Fatalf("%s is sent blank", v.Field)
			}
		}
		for _, a := range first.Customer.Addresses {
			if len(a.Fields) < 2 {
				t.Fatalf("an address of %d values is sent", len(a.Fields))
			}
		}
	})
}

func TestContactsWithEqualSourcesMapAlike(t *testing.T) {
	c := seed(t)
	o := Options{SystemID: "77", Links: staticLinks{"C1": "912"}}
	ctx := t.Context()
	rapid.Check(t, func(t *rapid.T) {
		one := contacts().Draw(t, "contact")
		two := one
		two.AdditionalProperties = map[string]any{"Unread": "x"}
		for k, v := range one.AdditionalProperties {
			two.AdditionalProperties[k] = v
		}
		two.ID = "another"
		if rapid.Bool().Draw(t, "change a value") {
			m := rapid.SampledFrom(modelNames).Draw(t, "which")
			m.set(&two, rapid.String().Draw(t, "value"))
		}
		first, err := c.Apply(ctx, &one, o)
		if err != nil {
			t.Fatal(err)
		}
		second, err := c.Apply(ctx, &two, o)
		if err != nil {
			t.Fatal(err)
		}
		if string(c.AppendSources(nil, &one)) == string(c.AppendSources(nil, &two)) && !cmp.Equal(first, second) {
			t.Fatalf("equal sources, different results:\n%s", cmp.Diff(first, second))
		}
	})
}

// find follows the rule of contact.Property, without its allocations.
func TestPropertiesAreFoundAsTheContactFindsThem(t *testing.T) {
	names := []string{"Customer Type", "Customer_Type", "CustomerType", "customer type", "customertype", "CUSTOMER_TYPE", "Other"}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(names).Draw(t, "name")
		// One key at most, so that the order of the map cannot matter.
		ct := contact.Contact{AdditionalProperties: map[string]any{rapid.SampledFrom(names).Draw(t, "key"): "x"}}
		want, wantFound := ct.Property(name)
		p := newProperty(name)
		_, got, gotFound := p.find(ct.AdditionalProperties)
		if got != want || gotFound != wantFound {
			t.Fatalf("%q in %v: got %v, %t, want %v, %t", name, ct.AdditionalProperties, got, gotFound, want, wantFound)
		}
	})
}
