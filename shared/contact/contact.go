// Package contact says what a Business Central contact is: its fields under
// their model names, its ids in every accepted form, its address. It does no
// I/O and knows no wire format.
package contact

import (
	"strings"
	"time"
)

// A Contact is one version of a Business Central contact, under the model names
// of design.md 1.7. A blank value is missing: the empty string. A value that the
// wire carries as another JSON scalar is its plain text ("12", "true").
type Contact struct {
	ID         string // internal id (SystemId), a lower-case GUID; "" when the profile has none
	No         string // as Business Central spells it
	Type       string // Person or Company, in the seed's spelling
	RecordType string // Contact or Customer, in the seed's spelling

	CustomerType string
	WebUserRole  string
	CompanyID    string
	CompanyName  string
	FirstName    string
	LastName     string
	EMail        string // trimmed

	Address           string
	Address2          string
	City              string
	County            string
	PostCode          string
	CountryRegionCode string // the code, as the seed maps it
	PhoneNo           string

	// AdditionalProperties holds every property that the profile does not name,
	// under its wire name, with its JSON type: string, bool, int64, float64, nil,
	// []any or map[string]any.
	AdditionalProperties map[string]any

	// Modified is Business Central's own time of the last change. It is zero
	// when the profile has none and for rows that were never changed (0001-01-01).
	Modified time.Time
}

// Ref returns the best name of the contact: its number, else its internal id.
func (c *Contact) Ref() Ref {
	if c.No != "" {
		return Ref{No: c.No}
	}
	return Ref{ID: c.ID}
}

// HasAddress reports whether any address value is there. A contact without one
// has the SourceTypeName ParentOnly (design.md 1.7).
func (c *Contact) HasAddress() bool {
	return c.Address != "" || c.Address2 != "" || c.City != "" || c.County != "" ||
		c.PostCode != "" || c.CountryRegionCode != "" || c.PhoneNo != ""
}

// unspaced takes out what stands for a blank.
var unspaced = strings.NewReplacer(" ", "", "_", "")

// Spellings returns the names that a custom field of a mapping can have on the wire
// (design.md 1.11): the name itself, with underscores for blanks as on a published
// page, and without both, for the controls of an API page can have neither (AL0528).
func Spellings(name string) [3]string {
	return [...]string{name, strings.ReplaceAll(name, " ", "_"), unspaced.Replace(name)}
}

// Property returns a further property by the name that a mapping gives a custom
// field, in each of its [Spellings]; those without blanks are compared
// case-insensitively.
func (c *Contact) Property(name string) (value any, found bool) {
	spellings := Spellings(name)
	for _, exact := range spellings {
		if v, ok := c.AdditionalProperties[exact]; ok {
			return v, true
		}
	}
	for k, v := range c.AdditionalProperties {
		if strings.EqualFold(k, spellings[1]) || strings.EqualFold(k, spellings[2]) {
			return v, true
		}
	}
	return nil, false
}
