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

// Whatever somebody sends as an id: it is refused with a reason, or it comes back
// from what is shown and stored as the same one, whose external ids differ from
// those of every other contact.
func TestAnyTextIsAnIDThatRoundTripsOrNone(t *testing.T) {
	forms := rapid.OneOf(rapid.String(), rapid.StringMatching(`[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(\|contact)?`),
		rapid.StringMatching(`.{0,20}(\|[cC]ontact)?`))
	rapid.Check(t, func(t *rapid.T) {
		ref, err := ParseRef(forms.Draw(t, "text"))
		if err != nil {
			if !errors.Is(err, ErrInvalidID) || ref != (Ref{}) {
				t.Fatalf("got %+v, %v; want ErrInvalidID alone", ref, err)
			}
			return
		}
		if (ref.No == "") == (ref.ID == "") {
			t.Fatalf("%+v names its contact twice or not at all", ref)
		}
		again, err := ParseRef(ref.String())
		if err != nil || again != ref {
			t.Fatalf("%+v became %+v (%v)", ref, again, err)
		}
		if AddressExternalID(ref.No) == ref.String() || Key(Key(ref.No)) != Key(ref.No) {
			t.Fatalf("%+v: its address has the contact's id, or its key changes", ref)
		}
		if other, err := ParseRef(forms.Draw(t, "another text")); err == nil && other != ref && other.String() == ref.String() {
			t.Fatalf("%+v and %+v are shown alike", ref, other)
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
