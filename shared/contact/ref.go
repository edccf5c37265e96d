package contact

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxNumberLength is the length of Business Central's number field, in
// characters (business-central.md 3.2).
const MaxNumberLength = 20

const marker = "|contact"

// ErrInvalidID is the cause of every error of [ParseRef].
var ErrInvalidID = errors.New("not a contact id")

// A Ref names one contact by its number or by its internal id, whichever the
// caller knew. At most one of both is set.
type Ref struct {
	No string // number, spelled as it came
	ID string // internal id, lower case
}

// ParseRef reads the four forms of design.md 1.6: 44552, 44552|contact, a GUID,
// a GUID followed by |contact. Numbers are text: leading zeros, / & ' and blanks
// inside are kept. Its errors are [ErrInvalidID] with the reason.
func ParseRef(s string) (Ref, error) {
	text := strings.TrimSpace(s)
	if n := len(text) - len(marker); n >= 0 && strings.EqualFold(text[n:], marker) {
		text = strings.TrimSpace(text[:n])
	}
	switch {
	case text == "":
		return Ref{}, fmt.Errorf("%w: it is empty", ErrInvalidID)
	case !utf8.ValidString(text):
		return Ref{}, fmt.Errorf("%w: it is not valid UTF-8", ErrInvalidID)
	case IsGUID(text):
		return Ref{ID: strings.ToLower(text)}, nil
	case strings.Contains(text, "|"):
		return Ref{}, fmt.Errorf("%w: only |contact may follow the number", ErrInvalidID)
	case utf8.RuneCountInString(text) > MaxNumberLength:
		return Ref{}, fmt.Errorf("%w: a number has at most %d characters, this has %d",
			ErrInvalidID, MaxNumberLength, utf8.RuneCountInString(text))
	case strings.ContainsFunc(text, unicode.IsControl):
		return Ref{}, fmt.Errorf("%w: it holds a control character", ErrInvalidID)
	}
	return Ref{No: text}, nil
}

// String returns the form that is shown and stored: 44552|contact.
func (r Ref) String() string {
	if r.No != "" {
		return ExternalID(r.No)
	}
	return ExternalID(r.ID)
}

// Key returns the number as Business Central compares it: upper case. The
// number 44552a and the number 44552A are one contact (design.md 1.6).
func Key(no string) string { return strings.ToUpper(strings.TrimSpace(no)) }

// ExternalID returns the external id that is saved in iPaaS.com for a contact
// number (design.md 1.6).
func ExternalID(no string) string { return no + marker }

// AddressExternalID returns the external id of the address of a contact number.
func AddressExternalID(no string) string { return no + marker + "|address" }

// IsGUID reports whether s is a GUID of the form 8-4-4-4-12, in any case.
func IsGUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch i {
		case 8, 13, 18, 23:
			if s[i] != '-' {
				return false
			}
		default:
			c := s[i] | 0x20
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
				return false
			}
		}
	}
	return true
}
