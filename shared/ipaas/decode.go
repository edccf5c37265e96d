package ipaas

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"contactsync/shared/customer"
	"contactsync/shared/transfer"
)

// errShape says that a document is not a customer.
var errShape = errors.New("not a customer with an id")

// decodeCustomer reads one customer. Only its id must be there and sane: any
// other member that is missing, null or of a strange type is not shown.
func decodeCustomer(document []byte, systemID string) (transfer.Existing, error) {
	e, members, err := decodeHead(document, systemID)
	if err != nil {
		return transfer.Existing{}, err
	}
	e.Customer = customer.Customer{
		ExternalID:   e.ExternalID,
		Fields:       fieldsOf(members, customer.Fields),
		CustomFields: customFieldsOf(members.get("custom_fields")),
		Addresses:    addressesOf(members.get("addresses"), systemID),
	}
	return e, nil
}

// decodeHead reads of a customer what its writer has to know, without the values
// that he has just sent.
func decodeHead(document []byte, systemID string) (transfer.Existing, object, error) {
	members, ok := membersOf(document)
	if !ok {
		return transfer.Existing{}, nil, errShape
	}
	id, ok := idOf(members.get("id"))
	if !ok {
		return transfer.Existing{}, nil, errShape
	}
	e := transfer.Existing{ID: id, Inactive: inactive(members)}
	e.ExternalID, e.LinksKnown = ourExternalID(members.get("external_ids"), systemID)
	email, _ := textOf(members.get("email_address"))
	e.Email = strings.TrimSpace(email)
	return e, members, nil
}

// idOf reads an id, a number or a text (ipaas.md 4).
func idOf(raw json.RawMessage) (string, bool) {
	text, ok := textOf(raw)
	if !ok || !sane(text) {
		return "", false
	}
	return text, true
}

// sane reports whether s can be the id of a record: not empty, not zero or
// negative, and without anything that means something in a path.
func sane(s string) bool {
	if s == "" || len(s) > 100 || s[0] == '-' || s[0] == '.' || strings.Trim(s, "0") == "" {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r >= utf8.RuneSelf || strings.ContainsRune(`/\?#%&"'<>{}[]^`+"`"+"\x7f", r)
	})
}

// textOf reads a text, or a number or truth value as text. ok is false for
// anything else, null and missing members included.
func textOf(raw json.RawMessage) (text string, ok bool) {
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) == 0 || bytes.Equal(raw, []byte("null")):
		return "", false
	case raw[0] == '"':
		return textAt(raw), true
	case raw[0] == '{' || raw[0] == '[':
		return "", false
	}
	return string(raw), true
}

func boolOf(raw json.RawMessage) (value, ok bool) {
	text, ok := textOf(raw)
	if !ok {
		return false, false
	}
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "true", "1", "yes":
		return true, true
	case "false", "0", "no":
		return false, true
	}
	return false, false
}

// fieldsOf returns the members that the schema knows, in its order.
func fieldsOf(members object, schema []customer.FieldSpec) []customer.Value {
	var fields []customer.Value
	for _, spec := range schema {
		var value any
		var ok bool
		switch raw := members.get(spec.APIName); spec.Kind {
		case customer.Bool:
			value, ok = boolOf(raw)
		case customer.Number:
			text, _ := textOf(raw)
			number, err := strconv.ParseInt(text, 10, 64)
			value, ok = number, err == nil
		default:
			value, ok = textOf(raw)
		}
		if ok {
			fields = append(fields, customer.Value{Field: spec.APIName, Value: value})
		}
	}
	return fields
}

func customFieldsOf(raw json.RawMessage) []customer.CustomValue {
	var fields []customer.CustomValue
	for _, item := range objectsOf(raw) {
		name, _ := textOf(item.get("custom_field_name"))
		value, _ := textOf(item.get("value"))
		if name != "" && value != "" {
			fields = append(fields, customer.CustomValue{Name: name, Value: value})
		}
	}
	return fields
}

func addressesOf(raw json.RawMessage, systemID string) []customer.Address {
	var addresses []customer.Address
	for _, item := range objectsOf(raw) {
		externalID, _ := ourExternalID(item.get("external_ids"), systemID)
		addresses = append(addresses, customer.Address{ExternalID: externalID, Fields: fieldsOf(item, customer.AddressFields)})
	}
	return addresses
}

// ourExternalID finds the external id of our system. known is false when the
// answer does not show external ids, or shows them without their system.
func ourExternalID(raw json.RawMessage, systemID string) (externalID string, known bool) {
	if trimmed := bytes.TrimSpace(raw); len(trimmed) == 0 || trimmed[0] != '[' {
		return "", false
	}
	for _, item := range objectsOf(raw) {
		system, ok := textOf(item.get("system_id"))
		if !ok {
			return "", false
		}
		id, _ := textOf(item.get("external_id"))
		if sameSystem(system, systemID) && id != "" {
			return id, true
		}
	}
	return "", true
}

func sameSystem(a, b string) bool {
	return strings.TrimLeft(strings.TrimSpace(a), "0") == strings.TrimLeft(strings.TrimSpace(b), "0")
}

// objectsOf returns the objects of an array and leaves anything else out.
func objectsOf(raw json.RawMessage) []object {
	var objects []object
	for _, item := range elements(raw) {
		if item[0] == '{' {
			objects = append(objects, split(item))
		}
	}
	return objects
}

// inactive reports whether a customer says that it is inactive, in any of the
// ways that APIs of this kind say it: which one is iPaaS.com's is not known.
func inactive(members object) bool {
	for _, name := range []string{"is_active", "active"} {
		if active, ok := boolOf(members.get(name)); ok && !active {
			return true
		}
	}
	for _, name := range []string{"inactive", "is_inactive", "deleted", "is_deleted"} {
		if yes, ok := boolOf(members.get(name)); ok && yes {
			return true
		}
	}
	status, _ := textOf(members.get("status"))
	return slices.Contains([]string{"inactive", "deleted", "deactivated"}, strings.ToLower(strings.TrimSpace(status)))
}

// errLookUp says that the answer to a look-up is not an id.
var errLookUp = errors.New("not an id")

// decodeLookUp reads the answer to a look-up: a JSON string, a bare number or
// plain text (ipaas.md 7). It returns "" for an empty answer and for a link to a
// deleted record.
func decodeLookUp(body []byte) (string, error) {
	text, err := lookUpText(body)
	if err != nil || text == "" {
		return "", err
	}
	if head, _, found := strings.Cut(text, ":"); found && strings.EqualFold(head, "DELETED") {
		return "", nil
	}
	if !sane(text) {
		return "", errLookUp
	}
	return text, nil
}

// decodeExternalID reads the answer to a look-up of an external id, which may
// hold blanks and signs of all kinds.
func decodeExternalID(body []byte) (string, error) {
	text, err := lookUpText(body)
	if err != nil || utf8.RuneCountInString(text) > 200 || strings.ContainsFunc(text, unicode.IsControl) || strings.HasPrefix(text, "<") {
		return "", errLookUp
	}
	return text, nil
}

func lookUpText(body []byte) (string, error) {
	body = bytes.TrimSpace(body)
	text := string(body)
	switch {
	case !utf8.Valid(body):
		return "", errLookUp
	case len(body) == 0 || text == "null":
		return "", nil
	case body[0] == '{' || body[0] == '[':
		return "", errLookUp
	case body[0] == '"':
		if json.Unmarshal(body, &text) != nil {
			return "", errLookUp
		}
	}
	return strings.TrimSpace(text), nil
}
