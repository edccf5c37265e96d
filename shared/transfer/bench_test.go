package transfer

import (
	"testing"

	"contactsync/shared/contact"
	"contactsync/shared/mapping"
)

func benchContact() *contact.Contact {
	return &contact.Contact{
		ID: "3f2504e0-4f89-11d3-9a0c-0305e82c3301", No: "CT000002", Type: "Person", RecordType: "Contact", CustomerType: "B2B", WebUserRole: "Buyer",
		CompanyID: "CT000001", CompanyName: "Adatum Corporation", FirstName: "Robert", LastName: "Townes", EMail: "robert.townes@contoso.com",
		Address: "192 Market Square", City: "Atlanta", County: "GA", PostCode: "31772", CountryRegionCode: "US", PhoneNo: "+1 425 555 0101",
		AdditionalProperties: map[string]any{"Active_Web_User": true},
	}
}

// BenchmarkSettled is what an unchanged contact costs once page and states are there.
func BenchmarkSettled(b *testing.B) {
	m, err := mapping.Embedded()
	if err != nil {
		b.Fatal(err)
	}
	r := &Runner{cfg: Config{Mapping: m}}
	h := newHasher([]byte("key"), r.cfg)
	c := benchContact()
	known := &State{Attempt: Attempt{Status: Succeeded}, No: c.No, ContactID: c.ID, CustomerID: "912", ExternalID: contact.ExternalID(c.No), Fingerprint: r.fingerprintOf(h, c)}
	b.ReportAllocs()
	for b.Loop() {
		if !settled(c, known, r.fingerprintOf(h, c)) {
			b.Fatal("the contact is not settled")
		}
	}
}

// BenchmarkFieldHashes is what remembering the sent fields costs a transfer.
func BenchmarkFieldHashes(b *testing.B) {
	m, err := mapping.Embedded()
	if err != nil {
		b.Fatal(err)
	}
	result, err := m.Apply(b.Context(), &contact.Contact{
		No: "1", Type: "Person", RecordType: "Contact", FirstName: "Robert", LastName: "Townes", EMail: "robert.townes@contoso.com",
		Address: "192 Market Square", City: "Atlanta", County: "GA", PostCode: "31772", CountryRegionCode: "US", PhoneNo: "+1 425 555 0101",
	}, mapping.Options{})
	if err != nil {
		b.Fatal(err)
	}
	h := newHasher([]byte("key"), Config{Mapping: m})
	b.ReportAllocs()
	for b.Loop() {
		h.fields(&result.Customer)
	}
}
