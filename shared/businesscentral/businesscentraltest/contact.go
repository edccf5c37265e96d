package businesscentraltest

import (
	"strings"
	"time"
)

// A Contact is one row of the Contact table (business-central.md 3.2), whatever
// page or API shows it. Text is "" when blank. Its JSON form is the one of the
// admin surface and of the snapshot.
type Contact struct {
	SystemID string `json:"system_id,omitempty"` // lower-case GUID; made up when blank
	No       string `json:"no"`                  // Code[20]: stored trimmed and upper case
	Type     string `json:"type"`                // Company or Person

	Name       string `json:"name,omitempty"`
	Name2      string `json:"name_2,omitempty"`
	FirstName  string `json:"first_name,omitempty"`
	MiddleName string `json:"middle_name,omitempty"`
	Surname    string `json:"surname,omitempty"`
	SearchName string `json:"search_name,omitempty"`
	JobTitle   string `json:"job_title,omitempty"`

	CompanyNo   string `json:"company_no,omitempty"`
	CompanyName string `json:"company_name,omitempty"`

	// BusinessRelation is None when it is left blank; the blank option itself is
	// written " ".
	BusinessRelation      string `json:"business_relation,omitempty"`
	IntegrationCustomerNo string `json:"integration_customer_no,omitempty"`

	Address           string `json:"address,omitempty"`
	Address2          string `json:"address_2,omitempty"`
	City              string `json:"city,omitempty"`
	County            string `json:"county,omitempty"`
	PostCode          string `json:"post_code,omitempty"`
	CountryRegionCode string `json:"country_region_code,omitempty"`
	PhoneNo           string `json:"phone_no,omitempty"`
	MobilePhoneNo     string `json:"mobile_phone_no,omitempty"`
	EMail             string `json:"e_mail,omitempty"`
	EMail2            string `json:"e_mail_2,omitempty"`
	FaxNo             string `json:"fax_no,omitempty"`
	HomePage          string `json:"home_page,omitempty"`

	SalespersonCode         string `json:"salesperson_code,omitempty"`
	SalutationCode          string `json:"salutation_code,omitempty"`
	OrganizationalLevelCode string `json:"organizational_level_code,omitempty"`
	LanguageCode            string `json:"language_code,omitempty"`
	FormatRegion            string `json:"format_region,omitempty"`
	CurrencyCode            string `json:"currency_code,omitempty"`
	TerritoryCode           string `json:"territory_code,omitempty"`
	VATRegistrationNo       string `json:"vat_registration_no,omitempty"`
	RegistrationNumber      string `json:"registration_number,omitempty"`
	CorrespondenceType      string `json:"correspondence_type,omitempty"`

	PrivacyBlocked          bool `json:"privacy_blocked,omitempty"`
	Minor                   bool `json:"minor,omitempty"`
	ParentalConsentReceived bool `json:"parental_consent_received,omitempty"`
	ExcludeFromSegment      bool `json:"exclude_from_segment,omitempty"`

	// The fields of the customer's own extension.
	CustomerType  string `json:"customer_type,omitempty"`
	RecordType    string `json:"record_type,omitempty"` // derived from BusinessRelation when blank
	WebUserRole   string `json:"web_user_role,omitempty"`
	ActiveWebUser bool   `json:"active_web_user,omitempty"`

	// Extra holds the values of [Config.ExtraProperties], by property name.
	Extra map[string]any `json:"extra,omitempty"`

	// Created and Modified are SystemCreatedAt and SystemModifiedAt, to the
	// millisecond. Left zero, a new row gets the simulator's time. An edit always
	// sets Modified itself.
	Created  time.Time `json:"created,omitzero"`
	Modified time.Time `json:"modified,omitzero"`
	// NeverModified gives the row the sentinel 0001-01-01T00:00:00Z that migrated
	// rows hold (business-central.md 4.8 no. 5). An edit ends it.
	NeverModified bool `json:"never_modified,omitempty"`
}

// A Customer is one row of the Customer table, as far as the services Customers
// and Customer_Card and API v2.0 customers show it here (business-central.md 3.5).
type Customer struct {
	SystemID         string `json:"system_id,omitempty"`
	No               string `json:"no"`
	Type             string `json:"type,omitempty"` // Company (default) or Person
	Name             string `json:"name,omitempty"`
	Name2            string `json:"name_2,omitempty"`
	SearchName       string `json:"search_name,omitempty"`
	PrimaryContactNo string `json:"primary_contact_no,omitempty"`
	ContactName      string `json:"contact_name,omitempty"`

	Address           string `json:"address,omitempty"`
	Address2          string `json:"address_2,omitempty"`
	City              string `json:"city,omitempty"`
	County            string `json:"county,omitempty"`
	PostCode          string `json:"post_code,omitempty"`
	CountryRegionCode string `json:"country_region_code,omitempty"`
	PhoneNo           string `json:"phone_no,omitempty"`
	MobilePhoneNo     string `json:"mobile_phone_no,omitempty"`
	EMail             string `json:"e_mail,omitempty"`
	HomePage          string `json:"home_page,omitempty"`
	SalespersonCode   string `json:"salesperson_code,omitempty"`
	CurrencyCode      string `json:"currency_code,omitempty"`
	Blocked           string `json:"blocked,omitempty"` // "", Ship, Invoice or All

	Created       time.Time `json:"created,omitzero"`
	Modified      time.Time `json:"modified,omitzero"`
	NeverModified bool      `json:"never_modified,omitempty"`
}

// splitName is what Business Central does when the name of a person is set: the
// last word is the surname, the one before it the middle name if there are more
// than two, the rest the first name; each is cut to 30 characters.
func splitName(name string) (first, middle, surname string) {
	words := strings.Fields(name)
	switch n := len(words); n {
	case 0:
	case 1:
		surname = words[0]
	case 2:
		first, surname = words[0], words[1]
	default:
		first, middle, surname = strings.Join(words[:n-2], " "), words[n-2], words[n-1]
	}
	return cut(first, 30), cut(middle, 30), cut(surname, 30)
}

// joinName is the other direction: the name that follows from its parts.
func joinName(first, middle, surname string) string {
	return cut(strings.Join(strings.Fields(first+" "+middle+" "+surname), " "), 100)
}

func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return strings.TrimSpace(string(r[:n]))
	}
	return s
}

// complete brings a new row into the form that Business Central stores.
func (c *Contact) complete() {
	if c.Type == "" {
		c.Type = "Person"
	}
	if c.BusinessRelation == "" {
		c.BusinessRelation = "None"
	}
	c.No, c.CompanyNo = code(c.No), code(c.CompanyNo)
	switch {
	case c.Type == "Company":
		c.CompanyNo, c.CompanyName = c.No, c.Name
		c.FirstName, c.MiddleName, c.Surname = "", "", ""
	case c.FirstName+c.MiddleName+c.Surname != "":
		if c.Name == "" {
			c.Name = joinName(c.FirstName, c.MiddleName, c.Surname)
		}
	default:
		c.FirstName, c.MiddleName, c.Surname = splitName(c.Name)
	}
	if c.SearchName == "" {
		c.SearchName = strings.ToUpper(c.Name)
	}
}

// modified applies the OnModify rules of the Contact table to an edited row.
func (c *Contact) modified(old *Contact) {
	c.No, c.CompanyNo = code(c.No), code(c.CompanyNo)
	if c.Type == "Company" {
		c.FirstName, c.MiddleName, c.Surname = "", "", ""
		c.CompanyNo, c.CompanyName = c.No, c.Name
	} else {
		if old.Type == "Company" && c.CompanyNo == old.No {
			c.CompanyNo, c.CompanyName = "", "" // a company that becomes a person belongs to none
		}
		switch {
		case c.FirstName != old.FirstName || c.MiddleName != old.MiddleName || c.Surname != old.Surname:
			c.Name = joinName(c.FirstName, c.MiddleName, c.Surname)
		case c.Name != old.Name || old.Type == "Company":
			c.FirstName, c.MiddleName, c.Surname = splitName(c.Name)
		}
		if c.CompanyNo == "" {
			c.CompanyName = ""
		}
	}
	if c.Name != old.Name && (old.SearchName == "" || old.SearchName == strings.ToUpper(old.Name)) {
		c.SearchName = strings.ToUpper(c.Name)
	}
}

// code is how Business Central stores a value of type Code.
func code(s string) string { return strings.ToUpper(strings.TrimSpace(s)) }
