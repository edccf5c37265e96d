package contact

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestTheFourFormsOfAnID(t *testing.T) {
	const guid = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"
	tests := []struct {
		text string
		want Ref
		show string
	}{
		{"44552", Ref{No: "44552"}, "44552|contact"},
		{"44552|contact", Ref{No: "44552"}, "44552|contact"},
		{guid, Ref{ID: guid}, guid + "|contact"},
		{guid + "|contact", Ref{ID: guid}, guid + "|contact"},
		{strings.ToUpper(guid), Ref{ID: guid}, guid + "|contact"},
		{"000123", Ref{No: "000123"}, "000123|contact"},
		{"A/1 & 'Ø'", Ref{No: "A/1 & 'Ø'"}, "A/1 & 'Ø'|contact"},
		{" ct000001 ", Ref{No: "ct000001"}, "ct000001|contact"},
		{strings.Repeat("ß", 20), Ref{No: strings.Repeat("ß", 20)}, strings.Repeat("ß", 20) + "|contact"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			got, err := ParseRef(tt.text)
			if err != nil || got != tt.want || got.String() != tt.show {
				t.Errorf("got %+v (%s), error %v; want %+v (%s)", got, got, err, tt.want, tt.show)
			}
		})
	}
}

func TestWhatIsNoID(t *testing.T) {
	for _, text := range []string{"", "   ", "|contact", "44552|customer", "a|b", strings.Repeat("9", 21), "a\nb", "\xff"} {
		if got, err := ParseRef(text); !errors.Is(err, ErrInvalidID) {
			t.Errorf("%q: got %+v, error %v; want ErrInvalidID", text, got, err)
		}
	}
}

func TestIDsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[A-Z0-9/&' äØ-]{1,20}`).Draw(t, "number")
		ref, err := ParseRef(text)
		if err != nil {
			if strings.TrimSpace(text) == "" {
				return
			}
			t.Fatal(err)
		}
		again, err := ParseRef(ref.String())
		if err != nil || again != ref {
			t.Fatalf("%q became %+v, then %+v (%v)", text, ref, again, err)
		}
		if Key(ref.No) != Key(strings.ToLower(ref.No)) {
			t.Fatalf("%q has another key in lower case", ref.No)
		}
	})
}

func TestAFurtherPropertyIsFoundByTheNameOfItsCustomField(t *testing.T) {
	c := Contact{AdditionalProperties: map[string]any{"Active_Web_User": true, "E_Mail_2": "x", "FPPCode": int64(1)}}
	for _, name := range []string{"Active_Web_User", "Active Web User", "active web user", "FPP Code", "E Mail 2"} {
		if _, ok := c.Property(name); !ok {
			t.Errorf("%q is not found", name)
		}
	}
	if _, ok := c.Property("Other"); ok {
		t.Error("a property that is not there is found")
	}
}
