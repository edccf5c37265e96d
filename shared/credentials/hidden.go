package credentials

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"log/slog"
	"unique"
)

const redacted = "[secret]"

// Hidden is a text that is printed as [secret] by every way of printing: fmt with
// any verb, slog, JSON, YAML, also inside other values. Two equal texts are equal
// under ==. The zero Hidden is the empty text.
type Hidden struct {
	// A handle rather than a string: what prints a value by reflection, without
	// asking it, comes upon a pointer and not upon the text.
	text unique.Handle[string]
}

// Hide returns the text as a secret.
func Hide(text string) Hidden {
	if text == "" {
		return Hidden{}
	}
	return Hidden{text: unique.Make(text)}
}

// Reveal returns the text. Whoever calls it answers for where it goes.
func (h Hidden) Reveal() string {
	if h.IsZero() {
		return ""
	}
	return h.text.Value()
}

// IsZero reports whether the text is empty.
func (h Hidden) IsZero() bool { return h == Hidden{} }

// String returns [secret].
func (h Hidden) String() string { return redacted }

// GoString returns [secret].
func (h Hidden) GoString() string { return redacted }

// Format prints [secret] for every verb, the wrong ones included.
func (h Hidden) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue returns [secret].
func (h Hidden) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns [secret].
func (h Hidden) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// matches reports whether shown is one of the texts. It compares with all of
// them, by hashes of equal length, so that the time it takes tells nothing of
// the texts, their lengths, or which one it was. An empty text matches none.
func matches(shown string, texts []Hidden) bool {
	sum := sha256.Sum256([]byte(shown))
	found := 0
	for _, text := range texts {
		want := sha256.Sum256([]byte(text.Reveal()))
		found |= subtle.ConstantTimeCompare(sum[:], want[:])
	}
	return found == 1 && shown != ""
}
