// Package people makes the contacts that benchmarks move: any number of them, each
// one different, the same at every call and in every process.
package people

import (
	"context"
	"fmt"
	"time"

	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/contact"
	"contactsync/shared/ipaas"
	"contactsync/shared/mapping"
)

// Epoch is when the first of them was changed; each next one a millisecond later.
var Epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// No returns the number of the i-th person.
func No(i int) string { return fmt.Sprintf("CT%07d", i) }

// ID returns the internal id of the i-th person. Ids of Business Central are spread
// over the table like random ones, so these are too.
func ID(i int) string {
	x := uint64(i)*0x9e3779b97f4a7c15 + 0x1234567
	x ^= x >> 29
	return fmt.Sprintf("%08x-%04x-4%03x-9%03x-%012x", uint32(x>>32), uint16(x>>16), uint16(x>>4)&0xfff, uint16(x)&0xfff, i)
}

// EMail returns the e-mail address of the i-th person.
func EMail(i int) string { return fmt.Sprintf("person.%d@example.com", i) }

// Stored returns the i-th person as a row of Business Central.
func Stored(i int) businesscentraltest.Contact {
	c := Read(i)
	return businesscentraltest.Contact{
		SystemID: c.ID, No: c.No, Type: c.Type, FirstName: c.FirstName, Surname: c.LastName, EMail: c.EMail,
		CustomerType: c.CustomerType, WebUserRole: c.WebUserRole, ActiveWebUser: true,
		Address: c.Address, City: c.City, County: c.County, PostCode: c.PostCode, CountryRegionCode: c.CountryRegionCode, PhoneNo: c.PhoneNo,
		Created: c.Modified, Modified: c.Modified,
	}
}

// Read returns the i-th person as the client of Business Central reads it.
func Read(i int) contact.Contact {
	return contact.Contact{
		ID: ID(i), No: No(i), Type: "Person", RecordType: "Contact", CustomerType: "B2B", WebUserRole: "Buyer",
		FirstName: "Robert", LastName: fmt.Sprint("Townes ", i), EMail: EMail(i),
		Address: fmt.Sprint(i%2000, " Market Square"), City: "Atlanta", County: "GA", PostCode: "31772", CountryRegionCode: "US",
		PhoneNo:              fmt.Sprintf("+1 425 555 %04d", i%10000),
		AdditionalProperties: map[string]any{"Active_Web_User": true},
		Modified:             Epoch.Add(time.Duration(i) * time.Millisecond),
	}
}

// Body returns the body of the create of the i-th person, or of its update.
func Body(ctx context.Context, m *mapping.Collection, i int, systemID string, create bool) ([]byte, error) {
	c := Read(i)
	result, err := m.Apply(ctx, &c, mapping.Options{SystemID: systemID})
	if err != nil {
		return nil, err
	}
	body := result.Customer
	if create {
		body.ExternalID = contact.ExternalID(c.No)
	}
	if len(body.Addresses) > 0 {
		body.Addresses[0].ExternalID = contact.AddressExternalID(c.No)
	}
	return ipaas.AppendBody(nil, body, systemID), nil
}
