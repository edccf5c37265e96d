package mapping

import "testing"

// Whatever a file of cases holds: it is refused with its mistakes, or each of its
// cases passes or says in words why it does not.
func FuzzCases(f *testing.F) {
	f.Add(embeddedCases)
	f.Add([]byte("tests:\n  - {name: a, contact: {Type: Person, \"No\": \"1\", AdditionalProperties: {x: [1, {y: null}]}}, customer: {email_address: 5, addresses: [{city: x}]}, skipped: true}\n"))
	f.Add([]byte("tests:\n  - {name: a, contact: {Type: Company}, links: {Customer Company: {C1: 7}}, errors: [MISSING_EMAIL, X]}\n"))
	c, err := Embedded()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		cases, err := LoadCases("fuzz.test.yaml", data)
		if err != nil {
			wantMistakes(t, err)
			return
		}
		for _, r := range RunCases(c, cases, nil) {
			if !r.Passed && (len(r.Differences) == 0 || r.Differences[0] == "") {
				t.Errorf("case %q fails without a word", r.Name)
			}
		}
	})
}
