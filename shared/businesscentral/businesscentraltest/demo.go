package businesscentraltest

import (
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"
	"unicode"
)

// Demo is the demo company, in the manner of Microsoft's CRONUS
// (business-central.md section 10). It is the same each time.
//
// Of its 315 contacts 19 are companies (skipped), 2 are persons that are
// customers themselves (RecordType Customer, skipped) and 294 persons:
//
//	2  without e-mail                                   MISSING_EMAIL
//	2  with an e-mail that is none                      INVALID_EMAIL
//	2  with several addresses in the e-mail             INVALID_EMAIL
//	3  with an e-mail that another contact has          DUPLICATE_CONTACT (of two equal ones, one is transferred)
//	1  whose e-mail an iPaaS.com customer has           DUPLICATE_CONTACT (Demo.TakenEMails)
//	4  of the two companies that are not linked         COMPANY_NOT_FOUND
//	1  of a company that does not exist                 COMPANY_NOT_FOUND
//	1  without last name                                MISSING_REQUIRED_FIELD
//	1  without first name                               MISSING_REQUIRED_FIELD
//	1  without last name and with an invalid e-mail     INVALID_EMAIL, both in the detail
//	4  with special numbers: / & ' blanks, leading zeros
//	4  without any address value
//	3  never modified (0001-01-01)
//	1  without company name, of a company that exists
//
// and 264 more that have nothing special. 42 of the 294 belong to a company that
// exists, 251 to none, 1 to one that does not exist.
type Demo struct {
	Contacts  []Contact
	Customers []Customer
	// LinkedCompanies are the companies whose number is an external id in
	// iPaaS.com for the demo to work.
	LinkedCompanies []LinkedCompany
	// TakenEMails are addresses of customers that iPaaS.com has, without a link.
	TakenEMails []string
}

// A LinkedCompany is a company that iPaaS.com is meant to know.
type LinkedCompany struct {
	Number string // the contact number, as persons carry it in their Company No.
	Name   string
}

// NewDemo returns the demo data.
func NewDemo() Demo {
	b := &demoBuilder{at: time.Date(2026, 1, 12, 8, 0, 0, 0, time.UTC), emails: map[string]int{}}
	for _, company := range demoCompanies {
		b.addCompany(company)
	}
	b.addSpecial()
	for _, first := range demoFirstNames {
		for i, last := range demoSurnames {
			if len(b.demo.Contacts) == demoSize {
				return b.demo
			}
			c := b.person(first + " " + last)
			b.addAddress(&c, i)
			b.add(c)
		}
	}
	return b.demo
}

const demoSize = 315

type demoBuilder struct {
	demo   Demo
	at     time.Time
	number int
	emails map[string]int
}

func (b *demoBuilder) nextNumber() string {
	b.number++
	return fmt.Sprintf("CT%06d", b.number)
}

// add gives the contact its time; about every third has a time with trailing zeros.
func (b *demoBuilder) add(c Contact) {
	b.at = b.at.Add(7*time.Minute + 330*time.Millisecond)
	if !c.NeverModified {
		c.Modified = b.at
	}
	c.Created = b.at.Add(-time.Hour)
	b.demo.Contacts = append(b.demo.Contacts, c)
}

func (b *demoBuilder) addCompany(d demoCompany) {
	number := b.nextNumber()
	company := Contact{No: number, Type: "Company", Name: d.name, Address: d.address, City: d.city, County: d.county,
		PostCode: d.postCode, CountryRegionCode: d.country, SalutationCode: "COMPANY", EMail: b.email("info", d.name)}
	if d.customer != "" {
		company.BusinessRelation, company.IntegrationCustomerNo = "Customer", d.customer
	}
	b.add(company)
	if d.linked {
		b.demo.LinkedCompanies = append(b.demo.LinkedCompanies, LinkedCompany{number, d.name})
	}
	for i, name := range d.persons {
		c := b.person(name)
		c.CompanyNo, c.CompanyName = number, d.name
		c.Address, c.City, c.County, c.PostCode, c.CountryRegionCode = d.address, d.city, d.county, d.postCode, d.country
		if i == 0 {
			c.WebUserRole, c.ActiveWebUser, c.JobTitle = "Admin", true, "Purchasing manager"
		}
		b.add(c)
		if i == 0 && d.customer != "" {
			b.demo.Customers = append(b.demo.Customers, Customer{No: d.customer, Name: d.name, PrimaryContactNo: c.No, ContactName: name,
				Address: d.address, City: d.city, County: d.county, PostCode: d.postCode, CountryRegionCode: d.country, EMail: c.EMail, Modified: b.at})
		}
	}
}

func (b *demoBuilder) person(name string) Contact {
	first, middle, last := splitName(name)
	return Contact{No: b.nextNumber(), Type: "Person", Name: name, FirstName: first, MiddleName: middle, Surname: last,
		SalutationCode: "UNISEX", EMail: b.email(name, ""), CustomerType: []string{"B2B", "B2C", "Partner"}[b.number%3],
		WebUserRole: "Buyer", ActiveWebUser: b.number%4 != 0}
}

func (b *demoBuilder) addAddress(c *Contact, i int) {
	c.Address, c.City, c.PostCode, c.CountryRegionCode = fmt.Sprintf("%d Park Lane", 10+i), "Atlanta", "31772", "US"
	c.County, c.PhoneNo = "GA", fmt.Sprintf("+1 425 555 %04d", 100+b.number)
}

// plainLetters maps the letters of the demo names to those of an address.
var plainLetters = strings.NewReplacer("ø", "o", "å", "a", "æ", "ae", "ö", "o", "ü", "u", "ä", "a", "ß", "ss", "é", "e", "è", "e",
	"ë", "e", "û", "u", "á", "a", "í", "i", "ó", "o", "þ", "th", "ð", "d", "ç", "c", "ł", "l", "ż", "z", "ś", "s", "ę", "e", "ć", "c", "ź", "z", "ñ", "n")

// email makes first.last@contoso.com; a second one of a name gets a number.
func (b *demoBuilder) email(name, company string) string {
	local := strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '.'
		case r < 128 && (unicode.IsLetter(r) || unicode.IsDigit(r)):
			return r
		}
		return -1
	}, plainLetters.Replace(strings.ToLower(strings.TrimSpace(name+" "+company))))
	b.emails[local]++
	if n := b.emails[local]; n > 1 {
		local += fmt.Sprint(n)
	}
	return local + "@contoso.com"
}

// addSpecial adds the persons of the table at [Demo].
func (b *demoBuilder) addSpecial() {
	special := func(name string, change func(c *Contact)) Contact {
		c := b.person(name)
		b.addAddress(&c, 1)
		change(&c)
		b.add(c)
		return c
	}
	special("Mia Silent", func(c *Contact) { c.EMail = "" })
	special("Max Silent", func(c *Contact) { c.EMail = "" })
	special("Iris Atless", func(c *Contact) { c.EMail = "iris.atless.contoso.com" })
	special("Ira Atless", func(c *Contact) { c.EMail = "ira@" })
	special("Theo Many", func(c *Contact) { c.EMail = "theo.many@contoso.com; theo@fabrikam.com" })
	special("Thea Many", func(c *Contact) { c.EMail = "thea.many@contoso.com;thea@fabrikam.com" })
	twin := special("Tom Twin", func(c *Contact) {})
	special("Tim Twin", func(c *Contact) { c.EMail = twin.EMail })
	special("Tam Twin", func(c *Contact) { c.EMail = strings.ToUpper(twin.EMail) })
	special("Second Townes", func(c *Contact) { c.EMail = "robert.townes@contoso.com" })
	taken := special("Tess Taken", func(c *Contact) {})
	b.demo.TakenEMails = append(b.demo.TakenEMails, taken.EMail)
	special("Nora Nowhere", func(c *Contact) { c.CompanyNo, c.CompanyName = "CT999999", "Closed Company" })
	special("Cher", func(c *Contact) { c.FirstName, c.Surname = "Cher", "" })
	special("Bono", func(*Contact) {}) // one word is the surname
	special("Prince", func(c *Contact) { c.FirstName, c.Surname, c.EMail = "Prince", "", "prince at contoso.com" })
	special("Ulla Customer", func(c *Contact) { c.BusinessRelation, c.IntegrationCustomerNo = "Customer", "C00010" })
	special("Uwe Customer", func(c *Contact) { c.BusinessRelation, c.IntegrationCustomerNo = "Customer", "C00020" })
	for name, number := range pairs("Slash Ampersand", "K/100&2", "Quote Blank", "O'HARA 7", "Leading Zeros", "000042", "Wide Letters", "ÆØ 9/8") {
		special(name, func(c *Contact) { c.No = number })
	}
	for _, name := range []string{"Homer Less", "Hanna Less", "Hugo Less", "Heike Less"} {
		special(name, func(c *Contact) {
			c.Address, c.City, c.County, c.PostCode, c.CountryRegionCode, c.PhoneNo = "", "", "", "", "", ""
		})
	}
	for _, name := range []string{"Otto Old", "Olga Old", "Olaf Old"} {
		special(name, func(c *Contact) { c.NeverModified = true })
	}
	special("Gil Gap", func(c *Contact) { c.CompanyNo = b.demo.LinkedCompanies[0].Number })
	for i, name := range []string{"Ulla Customer", "Uwe Customer"} {
		b.demo.Customers = append(b.demo.Customers, Customer{No: fmt.Sprintf("C000%d0", i+1), Type: "Person", Name: name, Modified: b.at})
	}
}

// pairs yields its arguments two by two.
func pairs(texts ...string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for i := 0; i < len(texts) && yield(texts[i], texts[i+1]); i += 2 {
		}
	}
}

// AddDemo fills in the demo data. The simulator should be empty.
func (s *Simulator) AddDemo() error {
	demo := NewDemo()
	return errors.Join(s.AddContacts(demo.Contacts...), s.AddCustomers(demo.Customers...))
}

// A DemoEdit is one of the changes between the two runs of the demo.
type DemoEdit struct {
	Number string // the contact's, before the edit
	What   string // for a person who watches
	change func(s *Simulator) error
}

// DemoEdits are a phone number and an address that change, the missing e-mail
// that comes in, a write that changes nothing, and a contact that is new.
func DemoEdits() []DemoEdit {
	byName := map[string]string{}
	for _, c := range NewDemo().Contacts {
		byName[c.Name] = c.No
	}
	edit := func(name, what string, change func(c *Contact)) DemoEdit {
		number := byName[name]
		return DemoEdit{number, what, func(s *Simulator) error { return s.EditContact(number, change) }}
	}
	return []DemoEdit{
		edit("Robert Townes", "has another phone number", func(c *Contact) { c.PhoneNo = "+1 425 555 0199" }),
		edit("Karen Berg", "has moved", func(c *Contact) { c.Address, c.City, c.PostCode = "Strandvejen 3", "Aarhus", "8000" }),
		edit("Helen Ray", "has married", func(c *Contact) { c.Surname = "Ray-Müller" }),
		edit("Mia Silent", "has an e-mail now", func(c *Contact) { c.EMail = "mia.silent@contoso.com" }),
		edit("Zoë Dufresne", "was saved without a change", func(*Contact) {}),
		edit("Ana Bowman", "has another job title, which the mapping does not read", func(c *Contact) { c.JobTitle = "Head of sales" }),
		{"CT000900", "is new", func(s *Simulator) error {
			return s.AddContacts(Contact{No: "CT000900", Type: "Person", Name: "Nina Neu", EMail: "nina.neu@contoso.com", CountryRegionCode: "DE"})
		}},
	}
}

// ApplyDemoEdits does the changes of [DemoEdits].
func (s *Simulator) ApplyDemoEdits() error {
	var faults []error
	for _, edit := range DemoEdits() {
		faults = append(faults, edit.change(s))
	}
	return errors.Join(faults...)
}
