package businesscentral

import (
	"strings"
	"testing"
)

func TestAProfileFile(t *testing.T) {
	p, err := parseProfile("names.yaml", []byte("# ours\nNo: Nr\nType: Art\nId: SystemId\nDisplayName: Name\n\"Modified\": Changed_At\n"))
	if err != nil {
		t.Fatal(err)
	}
	got := decodeRow(t, p, `{"Nr":"7","Art":"person","Name":"Ada King Byron","Changed_At":"2026-01-31T10:00:00Z","RecordType":"Customer","Ort":"x"}`)
	if got.No != "7" || got.Type != "Person" || got.FirstName != "Ada" || got.LastName != "Byron" || got.Modified.IsZero() ||
		got.RecordType != "Customer" || got.AdditionalProperties["Ort"] != "x" {
		t.Errorf("got %+v", got)
	}
}

func TestAProfileFileNamesEveryMistake(t *testing.T) {
	for _, tt := range []struct {
		name, file string
		want       []string
	}{
		{"several mistakes", "No: Nr\nEmail: E_Mail\nCity: a b\nCity2: x\nCounty: Land\nPostCode: land\nCounty: Y\n", []string{
			`line 2: unknown model name "Email"`, "line 3: City: expected the name of a property", `line 4: unknown model name "City2"`,
			"line 6: County and PostCode name the same property land", "line 7: County is given twice", "Type is missing",
		}},
		{"a list", "- No\n- Type\n", []string{`expected lines "model name: wire property"`}},
		{"nothing", "", []string{`expected one document`}},
		{"text", "No", []string{`expected lines`}},
		{"no YAML", "No: [", []string{"no YAML"}},
		{"a nested value", "No: {a: b}\nType: Type\n", []string{"line 1: No: expected the name of a property"}},
		{"too large", strings.Repeat("#", maxProfileBytes+1), []string{"at most 65536"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parseProfile("names.yaml", []byte(tt.file))
			if err == nil {
				t.Fatal("accepted")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in:\n%v", want, err)
				}
			}
		})
	}
}

func FuzzProfile(f *testing.F) {
	f.Add("No: Nr\nType: Art\n")
	f.Add("? [a]\n: b\n---\nNo: *x\n")
	f.Add("&a No: !!int 5\n<<: *a\nType: |\n  x\n")
	f.Fuzz(func(t *testing.T, file string) {
		p, err := parseProfile("names.yaml", []byte(file))
		if err == nil && (p.wireName(fieldNo) == "" || p.wireName(fieldType) == "") {
			t.Error("a profile without No or Type was accepted")
		}
	})
}
