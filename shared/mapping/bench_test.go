package mapping

import (
	"context"
	"testing"

	"contactsync/shared/contact"
)

type staticLinks map[string]string

func (l staticLinks) SpaceportID(_ context.Context, externalID, _, _ string) (string, error) {
	return l[externalID], nil
}

func fullContact() contact.Contact {
	return contact.Contact{
		ID: "3f2504e0-4f89-11d3-9a0c-0305e82c3301", No: "CT000002", Type: "Person", RecordType: "Contact",
		CustomerType: "B2B", WebUserRole: "Buyer", CompanyID: "CT000001", CompanyName: "Adatum Corporation",
		FirstName: "Robert", LastName: "Townes", EMail: "robert.townes@contoso.com",
		Address: "192 Market Square", Address2: "Suite 4", City: "Atlanta", County: "GA", CountryRegionCode: "US",
		PostCode: "31772", PhoneNo: "+1 425 555 0100",
		AdditionalProperties: map[string]any{"Active_Web_User": true, "Job_Title": "Buyer", "Balance": 12.5},
	}
}

func BenchmarkApply(b *testing.B) {
	c, err := Embedded()
	if err != nil {
		b.Fatal(err)
	}
	o := Options{SystemID: "77", Links: staticLinks{"CT000001": "912"}}
	cases := []struct {
		name    string
		contact contact.Contact
	}{{"full contact", fullContact()}, {"skipped company", contact.Contact{No: "C1", Type: "Company", RecordType: "Contact"}}}
	for _, bc := range cases {
		b.Run(bc.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Apply(b.Context(), &bc.contact, o); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppendSources(b *testing.B) {
	c, err := Embedded()
	if err != nil {
		b.Fatal(err)
	}
	ct := fullContact()
	b.ReportAllocs()
	var dst []byte
	for b.Loop() {
		dst = c.AppendSources(dst[:0], &ct)
	}
}

// BenchmarkLoad is part of a function's cold start.
func BenchmarkLoad(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Load(EmbeddedFile, embedded); err != nil {
			b.Fatal(err)
		}
	}
}
