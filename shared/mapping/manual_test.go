package mapping

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"contactsync/shared/contact"
	"contactsync/shared/customer"
)

// docs/mapping.md is the manual of mapping files. What stands in it is held here:
// it is whole, its files and rows load, and its formulas give what it says.

func manual(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/mapping.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

func TestTheManualNamesEverySourceDestinationAndFunction(t *testing.T) {
	page := manual(t)
	var names []string
	for _, m := range modelNames {
		names = append(names, "`"+m.name+"`")
	}
	for _, f := range append(append([]customer.FieldSpec{}, customer.Fields...), customer.AddressFields...) {
		names = append(names, "`"+f.Name+"`")
	}
	for _, f := range functions {
		if !f.hidden {
			names = append(names, "`"+f.name+"(")
		}
	}
	for _, name := range disabled {
		names = append(names, "`"+name+"`")
	}
	for _, name := range names {
		if !strings.Contains(page, name) {
			t.Errorf("%s is not in docs/mapping.md", name)
		}
	}
}

// manualContact is the contact that the formulas of the manual are about.
func manualContact(t *testing.T, page string) contact.Contact {
	t.Helper()
	block := regexp.MustCompile("(?ms)^```contact\n(.*?)^```$").FindStringSubmatch(page)
	if block == nil {
		t.Fatal("the manual shows no contact")
	}
	text := "tests:\n  - name: manual\n    skipped: true\n    contact:\n" + regexp.MustCompile("(?m)^").ReplaceAllString(strings.TrimSpace(block[1]), "      ")
	cases, err := LoadCases("docs/mapping.md", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return cases[0].contact
}

func TestTheFormulasOfTheManualGiveWhatItSays(t *testing.T) {
	page := manual(t)
	ct := manualContact(t, page)
	rows := regexp.MustCompile("(?m)^\\| `(.+?)` \\| `(.+?)` \\|").FindAllStringSubmatch(page[strings.Index(page, "## Formulas"):], -1)
	if len(rows) < 30 {
		t.Fatalf("only %d formulas", len(rows))
	}
	for _, row := range rows {
		t.Run(row[1], func(t *testing.T) {
			got, findings := evaluate(t, row[1], ct, staticLinks{"C100": "912"})
			if got != row[2] || len(findings) > 0 {
				t.Errorf("got %q with findings %v, the manual says %q", got, findings, row[2])
			}
		})
	}
}

func TestTheFilesAndRowsOfTheManualLoad(t *testing.T) {
	blocks := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$").FindAllStringSubmatch(manual(t), -1)
	if len(blocks) < 6 {
		t.Fatalf("only %d pieces of YAML", len(blocks))
	}
	head := "collection: C\nmappings:\n  - {type: field, source: EMail, destination: EmailAddress}\n"
	for _, block := range blocks {
		text := block[1]
		first, _, _ := strings.Cut(text, "\n")
		t.Run(first, func(t *testing.T) {
			var err error
			switch {
			case strings.HasPrefix(text, "tests:"):
				_, err = LoadCases("docs/mapping.md", []byte(text))
			case strings.HasPrefix(text, "collection:"):
				_, err = Load("docs/mapping.md", []byte(text))
			case strings.HasPrefix(text, "filter:"):
				_, err = Load("docs/mapping.md", []byte(text+head))
			case strings.Contains(text, "destination: Country\n"):
				_, err = Load("docs/mapping.md", []byte(head+"children:\n  - collection: A\n    destination: Addresses\n    mappings:\n"+indented(text, "      ")))
			default:
				_, err = Load("docs/mapping.md", []byte(head+indented(text, "  ")))
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func indented(text, by string) string {
	return regexp.MustCompile("(?m)^(.)").ReplaceAllString(text, by+"$1")
}

// The cases of the manual hold for the mapping that is built in. (Codes are judged
// by package transfer; here a case with errors is left out.)
func TestTheCasesOfTheManualHold(t *testing.T) {
	block := regexp.MustCompile("(?ms)^```yaml\n(tests:.*?)^```$").FindStringSubmatch(manual(t))
	if block == nil {
		t.Fatal("the manual shows no cases")
	}
	cases, err := LoadCases("docs/mapping.md", []byte(block[1]))
	if err != nil {
		t.Fatal(err)
	}
	builtIn, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	judge := func(_ *contact.Contact, r *Result) []string {
		for _, f := range r.Findings {
			if f.Field == "EmailAddress" {
				return []string{"MISSING_EMAIL"}
			}
		}
		return nil
	}
	for _, r := range RunCases(builtIn, cases, judge) {
		if !r.Passed {
			t.Errorf("%s: %s", r.Name, strings.Join(r.Differences, "; "))
		}
	}
}
