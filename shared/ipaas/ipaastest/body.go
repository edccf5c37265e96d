package ipaastest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

// members reads the members of one JSON object, strictly: the first wrong type,
// and each member that nobody asked for, is a problem. Reading goes on after a
// problem, so a handler asks for everything and looks at the problem once.
type members struct {
	name    string // of the object, for messages: "customer"
	values  map[string]any
	asked   []string
	problem *problem
}

func parseBody(body []byte) (*members, *problem) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return nil, unreadable("no JSON")
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, unreadable("more than one JSON value")
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, unreadable("not an object")
	}
	return &members{name: "body", values: object}, nil
}

func (m *members) fail(p *problem) {
	if m.problem == nil {
		m.problem = p
	}
}

// take returns a member. An explicit null is refused: vendor clients leave nulls
// out, and what the API makes of one is not known (ipaas.md 4).
func (m *members) take(name string) (any, bool) {
	m.asked = append(m.asked, name)
	v, sent := m.values[name]
	if sent && v == nil {
		m.fail(unexpected(http.StatusBadRequest, "member %s of the %s is null", name, m.name))
		return nil, false
	}
	return v, sent
}

func (m *members) wrong(name, want string) {
	m.fail(unreadable(fmt.Sprintf("%s of the %s must be %s", name, m.name, want)))
}

// text sets to when the member was sent.
func (m *members) text(name string, to *string) bool {
	v, sent := m.take(name)
	if !sent {
		return false
	}
	s, ok := v.(string)
	if !ok {
		m.wrong(name, "a string")
		return false
	}
	*to = s
	return true
}

func (m *members) boolean(name string, to *bool) bool {
	v, sent := m.take(name)
	if !sent {
		return false
	}
	b, ok := v.(bool)
	if !ok {
		m.wrong(name, "true or false")
		return false
	}
	*to = b
	return true
}

func (m *members) integer(name string, to *int64) bool {
	v, sent := m.take(name)
	if !sent {
		return false
	}
	n, ok := v.(json.Number)
	if ok {
		if i, err := n.Int64(); err == nil {
			*to = i
			return true
		}
	}
	m.wrong(name, "a whole number")
	return false
}

// id reads an id that may come as text or number (ipaas.md 4).
func (m *members) id(name string, to *string) {
	v, sent := m.take(name)
	switch v := v.(type) {
	case string:
		*to = v
	case json.Number:
		*to = v.String()
	default:
		if sent {
			m.wrong(name, "an id")
		}
	}
}

// objects returns the elements of an array of objects.
func (m *members) objects(name, each string) ([]*members, bool) {
	v, sent := m.take(name)
	if !sent {
		return nil, false
	}
	array, ok := v.([]any)
	if !ok {
		m.wrong(name, "an array")
		return nil, false
	}
	all := make([]*members, 0, len(array))
	for _, element := range array {
		object, ok := element.(map[string]any)
		if !ok {
			m.wrong(name, "an array of objects")
			return nil, false
		}
		all = append(all, &members{name: each, values: object})
	}
	return all, true
}

// end is called after the last read: it returns the first problem, or one for
// the members that nobody asked for.
func (m *members) end() *problem {
	if m.problem != nil {
		return m.problem
	}
	var unknown []string
	for name := range m.values {
		if !slices.Contains(m.asked, name) {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		return unexpected(http.StatusBadRequest, "unknown members of the %s: %s", m.name, strings.Join(unknown, ", "))
	}
	return nil
}

// tracking reads the correlation id that any body may carry (ipaas.md 4).
func (m *members) tracking() string {
	var id string
	if m.text("tracking_guid", &id) && !guid.MatchString(id) {
		m.fail(unexpected(http.StatusBadRequest, "tracking_guid is no GUID"))
	}
	return id
}
