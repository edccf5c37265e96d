package mapping

import (
	"fmt"
	"maps"
	"slices"

	"contactsync/shared/contact"
)

// A NamedText is one value of a contact, for people.
type NamedText struct {
	Name string // model name, or name of a further property
	Text string
}

// ValuesOf lists what a contact holds, under the names that a mapping uses: values
// with a model name in the order of design.md 1.7, then further properties by name.
// Missing values are left out. The values are personal data: they are for whoever
// asked, and not for a log or a table.
func ValuesOf(c *contact.Contact) []NamedText {
	var list []NamedText
	for _, m := range modelNames {
		if text := m.get(c); text != "" {
			list = append(list, NamedText{m.name, text})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.AdditionalProperties)) {
		value := c.AdditionalProperties[name]
		if blank(value) {
			continue
		}
		text, err := scalarText(value)
		if err != nil {
			text = fmt.Sprint(value)
		}
		list = append(list, NamedText{name, text})
	}
	return list
}
