package ipaas

import (
	"encoding/json"
	"slices"
	"strconv"
	"unicode/utf8"

	"contactsync/shared/customer"
)

// AppendBody appends the body of a create or update to dst: the members that are
// sent, in the order of the mapping, then custom fields, addresses and external
// ids of the given system (ipaas.md 6.2, 6.3, 7, 8). Equal customers give equal
// bytes. null is never sent, for it means nothing to iPaaS.com (ipaas.md 4).
func AppendBody(dst []byte, c customer.Customer, systemID string) []byte {
	dst = append(dst, '{')
	first := true
	dst = appendFields(dst, c.Fields, &first)
	if slices.ContainsFunc(c.CustomFields, func(v customer.CustomValue) bool { return v.Value != "" }) {
		dst = appendName(dst, "custom_fields", &first)
		dst = appendCustomFields(dst, c.CustomFields)
	}
	if len(c.Addresses) > 0 {
		dst = appendName(dst, "addresses", &first)
		for i, a := range c.Addresses {
			dst = append(dst, listMark(i))
			dst = append(dst, '{')
			start := true
			dst = appendFields(dst, a.Fields, &start)
			dst = appendExternalID(dst, a.ExternalID, systemID, &start)
			dst = append(dst, '}')
		}
		dst = append(dst, ']')
	}
	dst = appendExternalID(dst, c.ExternalID, systemID, &first)
	return append(dst, '}')
}

func listMark(i int) byte {
	if i == 0 {
		return '['
	}
	return ','
}

func appendFields(dst []byte, values []customer.Value, first *bool) []byte {
	for _, v := range values {
		switch value := v.Value.(type) {
		case nil:
		case string:
			dst = appendText(appendName(dst, v.Field, first), value)
		case bool:
			dst = strconv.AppendBool(appendName(dst, v.Field, first), value)
		case int64:
			dst = strconv.AppendInt(appendName(dst, v.Field, first), value, 10)
		default:
			if encoded, err := json.Marshal(value); err == nil && string(encoded) != "null" {
				dst = append(appendName(dst, v.Field, first), encoded...)
			}
		}
	}
	return dst
}

// appendCustomFields leaves empty values out: iPaaS.com refuses them (ipaas.md 8).
func appendCustomFields(dst []byte, values []customer.CustomValue) []byte {
	mark := byte('[')
	for _, v := range values {
		if v.Value == "" {
			continue
		}
		dst = append(dst, mark)
		dst = appendText(append(dst, `{"custom_field_name":`...), v.Name)
		dst = appendText(append(dst, `,"value":`...), v.Value)
		dst = append(dst, '}')
		mark = ','
	}
	return append(dst, ']')
}

func appendExternalID(dst []byte, externalID, systemID string, first *bool) []byte {
	if externalID == "" {
		return dst
	}
	dst = appendName(dst, "external_ids", first)
	dst = appendSystemID(append(dst, `[{"system_id":`...), systemID)
	dst = appendText(append(dst, `,"external_id":`...), externalID)
	return append(dst, "}]"...)
}

// appendSystemID sends the id as the number that it is to iPaaS.com (ipaas.md 7),
// and as text only where it is none.
func appendSystemID(dst []byte, systemID string) []byte {
	if n, err := strconv.ParseInt(systemID, 10, 64); err == nil && n >= 0 {
		return strconv.AppendInt(dst, n, 10)
	}
	return appendText(dst, systemID)
}

func appendName(dst []byte, name string, first *bool) []byte {
	if !*first {
		dst = append(dst, ',')
	}
	*first = false
	return append(appendText(dst, name), ':')
}

// appendText appends s as a JSON string. Bytes that are not UTF-8 become U+FFFD.
func appendText(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	done := 0
	for i := 0; i < len(s); {
		b := s[i]
		if b >= ' ' && b != '"' && b != '\\' && b < utf8.RuneSelf {
			i++
			continue
		}
		if b < utf8.RuneSelf {
			dst = append(dst, s[done:i]...)
			switch b {
			case '"', '\\':
				dst = append(dst, '\\', b)
			case '\n':
				dst = append(dst, '\\', 'n')
			default:
				dst = append(dst, '\\', 'u', '0', '0', hex[b>>4], hex[b&15])
			}
			i++
			done = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			dst = append(dst, s[done:i]...)
			dst = append(dst, "\ufffd"...)
			done = i + 1
		}
		i += size
	}
	dst = append(dst, s[done:]...)
	return append(dst, '"')
}
