package businesscentral

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"contactsync/shared/contact"
)

const (
	zeroGUID      = "00000000-0000-0000-0000-000000000000"
	unsetDate     = "0001-01-01"
	unsetDateTime = "0001-01-01T00:00:00Z"
	blankEnum     = "_x0020_"
)

// present returns the value, "" for every way in which Business Central writes
// "nothing": blanks, the unset date, the zero GUID, the blank enum member
// (business-central.md 3.8, 11 no. 3).
func present(s string) string {
	if s == "" {
		return ""
	}
	// Only these beginnings can be a blank value; anything else is a value.
	switch c := s[0]; {
	case c == '_' && s == blankEnum:
		return ""
	case c == '0' && (s == unsetDate || s == unsetDateTime || s == zeroGUID):
		return ""
	case (c <= ' ' || c >= utf8.RuneSelf) && strings.TrimSpace(s) == "":
		return ""
	}
	return s
}

// enumName returns the name of an option or enum member: trimmed, with the code
// points that an API writes as _xNNNN_ turned back into characters
// (business-central.md 3.8).
func enumName(s string) string {
	return strings.TrimSpace(present(decodeXMLName(present(s))))
}

// decodeXMLName turns Not_x0020_Started into "Not Started". What is no escape
// stays as it is.
func decodeXMLName(s string) string {
	if !strings.Contains(s, "_x") {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); {
		if r, ok := escapedRune(s[i:]); ok {
			out.WriteRune(r)
			i += len(blankEnum)
			continue
		}
		out.WriteByte(s[i])
		i++
	}
	return out.String()
}

func escapedRune(s string) (rune, bool) {
	if len(s) < len(blankEnum) || s[0] != '_' || s[1] != 'x' || s[6] != '_' {
		return 0, false
	}
	code, err := strconv.ParseUint(s[2:6], 16, 16)
	if err != nil || !utf8.ValidRune(rune(code)) {
		return 0, false
	}
	return rune(code), true
}

// spelled returns the enum's name in the seed's spelling when it is one of the
// known ones in any case, else as Business Central spells it.
func spelled(s string, known ...string) string {
	for _, k := range known {
		if s == k {
			return k
		}
	}
	s = enumName(s)
	for _, k := range known {
		if strings.EqualFold(s, k) {
			return k
		}
	}
	return s
}

// internalID returns the GUID in lower case without braces, "" for anything else.
func internalID(s string) string {
	s = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(s), "{"), "}")
	if !contact.IsGUID(s) || s == zeroGUID {
		return ""
	}
	return strings.ToLower(s)
}

// changeTime reads a time of change in UTC. An unset time, a blank and what is no
// time are the zero time: such a row is read by an unfiltered read only, as one
// that was never changed (business-central.md 4.8 no. 5). A bare date is its
// first instant.
func changeTime(s string) time.Time {
	if s == "" || s == unsetDateTime || s == unsetDate {
		return time.Time{}
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// maxNamePart is the length of First Name, Middle Name and Surname, in
// characters (business-central.md 3.2).
const maxNamePart = 30

// splitName splits a person's name by Business Central's own rule: the last word
// is the surname, the second-last the middle name if there are more than two, the
// rest the first name; each is cut to 30 characters (business-central.md 3.2).
// The middle name has no place in a customer. A single word is the surname.
func splitName(name string) (first, last string) {
	words := strings.Fields(name)
	n := len(words)
	switch {
	case n == 0:
		return "", ""
	case n > 2:
		first = strings.Join(words[:n-2], " ")
	case n == 2:
		first = words[0]
	}
	return cut(first), cut(words[n-1])
}

func cut(s string) string {
	if len(s) <= maxNamePart {
		return s
	}
	for i := range s {
		if utf8.RuneCountInString(s[:i]) == maxNamePart {
			return strings.TrimSpace(s[:i])
		}
	}
	return s
}
