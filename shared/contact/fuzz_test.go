package contact_test

import (
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"contactsync/shared/contact"
)

// Whatever an id is: it names a contact and comes back the same, or it is refused.
func FuzzParseRef(f *testing.F) {
	for _, seed := range []string{"44552", "44552|contact", "3f2504e0-4f89-11d3-9a0c-0305e82c3301|CONTACT", "A/B & 'C' ü", "|contact", "1|contact|contact", " 007 ", "\x00", "\xff", strings.Repeat("x", 21), "{3F2504E0-4F89-11D3-9A0C-0305E82C3301}", "1\u2028", "\u00a0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, id string) {
		ref, err := contact.ParseRef(id)
		if err != nil {
			if !errors.Is(err, contact.ErrInvalidID) {
				t.Fatalf("got %v, want ErrInvalidID", err)
			}
			return
		}
		if (ref.No == "") == (ref.ID == "") {
			t.Fatalf("%q names %+v", id, ref)
		}
		if n := utf8.RuneCountInString(ref.No); n > contact.MaxNumberLength || !utf8.ValidString(ref.No) || strings.ContainsFunc(ref.No, unicode.IsControl) || strings.Contains(ref.No, "|") {
			t.Fatalf("%q gives the number %q", id, ref.No)
		}
		if again, err := contact.ParseRef(ref.String()); err != nil || again != ref {
			t.Fatalf("%q is %+v, and its own form is %+v, %v", id, ref, again, err)
		}
	})
}
