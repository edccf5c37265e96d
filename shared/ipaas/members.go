package ipaas

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// An object is the members of a JSON object as they stand in the document. A
// customer is read this way, without a map and without reflection, several times
// faster than by json.Unmarshal: every create and every update is answered by one.
type object []member

type member struct {
	name []byte // without escapes; shares the document's memory where it has none there
	raw  json.RawMessage
}

// get returns the value of a member, of several with one name the last; nil when
// there is none.
func (o object) get(name string) json.RawMessage {
	for i := len(o) - 1; i >= 0; i-- {
		if string(o[i].name) == name {
			return o[i].raw
		}
	}
	return nil
}

// membersOf returns the members of an object. ok is false when the document is no
// valid JSON object.
func membersOf(document []byte) (members object, ok bool) {
	document = bytes.TrimSpace(document)
	if len(document) == 0 || document[0] != '{' || !json.Valid(document) {
		return nil, false
	}
	return split(document), true
}

// split returns the members of an object that is valid JSON.
func split(document []byte) object {
	members := make(object, 0, 16)
	for rest := after(document, '{'); len(rest) > 0 && rest[0] == '"'; {
		end := textEnd(rest)
		name := rest[1 : end-1]
		if !plainText(name) {
			name = []byte(textAt(rest[:end]))
		}
		rest = after(rest[end:], ':')
		n := valueEnd(rest)
		members = append(members, member{name, rest[:n:n]})
		rest = after(rest[n:], ',')
	}
	return members
}

// elements returns the elements of an array that is valid JSON, nil for any other
// value.
func elements(raw json.RawMessage) []json.RawMessage {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || raw[0] != '[' {
		return nil
	}
	var list []json.RawMessage
	for rest := after(raw, '['); len(rest) > 0 && rest[0] != ']'; {
		n := valueEnd(rest)
		list = append(list, rest[:n:n])
		rest = after(rest[n:], ',')
	}
	return list
}

// after skips blanks, one sign if it comes next, and the blanks behind it.
func after(b []byte, sign byte) []byte {
	b = bytes.TrimLeft(b, " \t\r\n")
	if len(b) > 0 && b[0] == sign {
		b = bytes.TrimLeft(b[1:], " \t\r\n")
	}
	return b
}

// valueEnd returns the length of the value that a valid document goes on with.
func valueEnd(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			i += textEnd(b[i:]) - 1
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i // the end of what a bare value stands in
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
		}
	}
	return len(b)
}

// textEnd returns the length of the string that b begins with, quotes included.
func textEnd(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

// textAt reads a string of a valid document, quotes included.
func textAt(quoted []byte) (text string) {
	if inner := quoted[1 : len(quoted)-1]; plainText(inner) {
		return string(inner)
	}
	if json.Unmarshal(quoted, &text) != nil { // it is a valid one
		return ""
	}
	return text
}

// plainText reports whether a string's inside stands for itself.
func plainText(inner []byte) bool {
	return bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner)
}
