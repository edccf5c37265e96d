package mapping

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"contactsync/shared/contact"
)

// A property is the name of a further property in every spelling under which a
// record may carry it; see [contact.Contact.Property], whose rule it follows
// without an allocation for each contact.
type property struct {
	name, underscored, joined string
}

func newProperty(name string) property {
	s := contact.Spellings(name)
	return property{s[0], s[1], s[2]}
}

// find returns the property and the name that the record gives it. Of several
// names that differ in case only, it takes the first in byte order.
func (p *property) find(properties map[string]any) (key string, value any, found bool) {
	if len(properties) == 0 {
		return "", nil, false
	}
	for _, exact := range [...]string{p.name, p.underscored, p.joined} {
		if v, ok := properties[exact]; ok {
			return exact, v, true
		}
	}
	for k, v := range properties {
		if (strings.EqualFold(k, p.underscored) || strings.EqualFold(k, p.joined)) && (!found || k < key) {
			key, value, found = k, v, true
		}
	}
	return key, value, found
}

// AppendSources appends every value that the collection reads of the contact,
// in a fixed unambiguous form, to dst. Two contacts with equal bytes map alike.
// The number is always among them.
func (c *Collection) AppendSources(dst []byte, ct *contact.Contact) []byte {
	for _, read := range c.readers {
		dst = appendText(dst, read(ct))
	}
	if c.sources.AllProperties {
		return appendValue(dst, ct.AdditionalProperties)
	}
	for i := range c.properties {
		key, value, found := c.properties[i].find(ct.AdditionalProperties)
		if !found {
			dst = append(dst, tagMissing)
			continue
		}
		dst = appendValue(appendText(append(dst, tagFound), key), value)
	}
	return dst
}

// Tags of values in the form of AppendSources: one for each JSON type, so that
// the text "1" and the number 1 differ.
const (
	tagMissing = iota
	tagFound
	tagNull
	tagText
	tagTrue
	tagFalse
	tagInt
	tagFloat
	tagList
	tagMap
	tagOther
)

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func appendValue(dst []byte, value any) []byte {
	switch v := value.(type) {
	case nil:
		return append(dst, tagNull)
	case string:
		return appendText(append(dst, tagText), v)
	case bool:
		if v {
			return append(dst, tagTrue)
		}
		return append(dst, tagFalse)
	case int64:
		return binary.AppendVarint(append(dst, tagInt), v)
	case int:
		return binary.AppendVarint(append(dst, tagInt), int64(v))
	case float64:
		return binary.BigEndian.AppendUint64(append(dst, tagFloat), math.Float64bits(v))
	case []any:
		dst = binary.AppendUvarint(append(dst, tagList), uint64(len(v)))
		for _, item := range v {
			dst = appendValue(dst, item)
		}
		return dst
	case map[string]any:
		dst = binary.AppendUvarint(append(dst, tagMap), uint64(len(v)))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			dst = appendValue(appendText(dst, key), v[key])
		}
		return dst
	}
	return appendText(append(dst, tagOther), fmt.Sprintf("%T %v", value, value))
}
