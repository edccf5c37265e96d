package transfer_test

import (
	"testing"

	"contactsync/shared/contact"
	"contactsync/shared/ipaas"
	"contactsync/shared/mapping"
	"contactsync/shared/transfer"
)

// BenchmarkMapValidateEncode is what a contact costs between its page and its call:
// mapping, validation and the body.
func BenchmarkMapValidateEncode(b *testing.B) {
	m, err := mapping.Embedded()
	if err != nil {
		b.Fatal(err)
	}
	c := &contact.Contact{
		ID: "3f2504e0-4f89-11d3-9a0c-0305e82c3301", No: "CT000002", Type: "Person", RecordType: "Contact", CustomerType: "B2B", WebUserRole: "Buyer",
		FirstName: "Robert", LastName: "Townes", EMail: "robert.townes@contoso.com", Address: "192 Market Square", City: "Atlanta", County: "GA",
		PostCode: "31772", CountryRegionCode: "US", PhoneNo: "+1 425 555 0101", AdditionalProperties: map[string]any{"Active_Web_User": true},
	}
	var body []byte
	b.ReportAllocs()
	for b.Loop() {
		result, err := m.Apply(b.Context(), c, mapping.Options{SystemID: "313"})
		if err != nil {
			b.Fatal(err)
		}
		if found := transfer.JudgeForBench(c, &result); len(found) > 0 {
			b.Fatal(found)
		}
		if body = ipaas.AppendBody(body[:0], result.Customer, "313"); len(body) == 0 {
			b.Fatal("no body")
		}
	}
}
