package ipaas

import (
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"contactsync/shared/customer"
)

// masked stands where a value of the record stood.
const masked = "[masked]"

// maxWording bounds what is quoted of iPaaS.com's words, in characters.
const maxWording = 200

// maxQuotable is the length beyond which an answer's words are not quoted at all.
const maxQuotable = 8 << 10

var (
	likeEmail = regexp.MustCompile(`[^\s@<>"'(),;:\[\]=]+(?:@|%40|&#64;|\\u0040)[^\s@<>"'(),;:\[\]]+`)
	likePhone = regexp.MustCompile(`\+?\(?\d(?:[\s().\-/]{0,3}\d){6,}`)
	bearer    = regexp.MustCompile(`(?i)bearer\s+[^\s"'<>]{8,}`)
)

// mask takes every given value out of what iPaaS.com said, in whatever case and
// in the forms that JSON, URLs and HTML give it, and everything that looks like
// an e-mail address, a phone number or a bearer token. What remains is on one
// line and bounded in length.
func mask(text string, values []string) string {
	if len(text) > maxQuotable {
		return ""
	}
	text = strings.ToValidUTF8(text, "\ufffd")
	if known := pattern(values); known != nil {
		text = known.ReplaceAllLiteralString(text, masked)
	}
	text = bearer.ReplaceAllLiteralString(text, masked)
	text = likeEmail.ReplaceAllLiteralString(text, masked)
	text = likePhone.ReplaceAllLiteralString(text, masked)
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " ")
	if utf8.RuneCountInString(text) > maxWording {
		text = string([]rune(text)[:maxWording]) + "…"
	}
	return text
}

// pattern matches every form of every value, longest first; nil when there is
// nothing to match.
func pattern(values []string) *regexp.Regexp {
	var forms []string
	for _, value := range values {
		for _, part := range append(words(value), value) {
			forms = append(forms, formsOf(part)...)
		}
	}
	slices.SortFunc(forms, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	forms = slices.Compact(forms)
	for i := range forms {
		forms[i] = regexp.QuoteMeta(forms[i])
	}
	if len(forms) == 0 {
		return nil
	}
	known, err := regexp.Compile(`(?i)(?:` + strings.Join(forms, "|") + `)`)
	if err != nil { // a record too large for one expression
		return regexp.MustCompile(`(?s).+`)
	}
	return known
}

// words returns the longer words of a value: an answer may quote a part of it.
func words(value string) []string {
	parts := strings.FieldsFunc(value, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return slices.DeleteFunc(parts, func(part string) bool { return utf8.RuneCountInString(part) < 4 })
}

// formsOf returns a value as it is and as JSON, URLs and HTML write it. A value
// of one or two characters would take every second word along.
func formsOf(value string) []string {
	value = strings.TrimSpace(value)
	if utf8.RuneCountInString(value) <= 2 || !utf8.ValidString(value) {
		return nil
	}
	forms := []string{value, url.QueryEscape(value), url.PathEscape(value), html.EscapeString(value)}
	if encoded, err := json.Marshal(value); err == nil {
		forms = append(forms, string(encoded[1:len(encoded)-1]))
	}
	return append(forms, asciiOf(value), strings.ReplaceAll(value, "/", `\/`))
}

// asciiOf writes a value as a JSON encoder does that knows only ASCII.
func asciiOf(value string) string {
	var b strings.Builder
	for _, r := range value {
		if r < utf8.RuneSelf {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

// valuesOf returns every text that a customer would bring to iPaaS.com.
func valuesOf(c customer.Customer) []string {
	var values []string
	add := func(fields []customer.Value) {
		for _, field := range fields {
			if text, ok := field.Value.(string); ok {
				values = append(values, text)
			}
		}
	}
	add(c.Fields)
	for _, field := range c.CustomFields {
		values = append(values, field.Value)
	}
	for _, address := range c.Addresses {
		add(address.Fields)
	}
	return values
}
