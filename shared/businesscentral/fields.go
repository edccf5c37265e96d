package businesscentral

import (
	"strings"

	"contactsync/shared/contact"
)

// A field is one value of a contact that a profile names on the wire.
type field int

// The fields: the model names of design.md 1.7, then three that only help to
// fill them.
const (
	fieldID field = iota
	fieldNo
	fieldType
	fieldRecordType
	fieldCustomerType
	fieldWebUserRole
	fieldCompanyID
	fieldCompanyName
	fieldFirstName
	fieldLastName
	fieldEMail
	fieldAddress
	fieldAddress2
	fieldCity
	fieldCounty
	fieldPostCode
	fieldCountry
	fieldPhone

	fieldModified         // the time of change
	fieldBusinessRelation // what RecordType is derived from
	fieldDisplayName      // what first and last name are split from

	fieldCount
)

// noField marks a property that no field stands for.
const noField field = -1

var fieldNames = [fieldCount]string{
	fieldID:           "Id",
	fieldNo:           "No",
	fieldType:         "Type",
	fieldRecordType:   "RecordType",
	fieldCustomerType: "CustomerType",
	fieldWebUserRole:  "WebUserRole_Contact",
	fieldCompanyID:    "CompanyID_Contact",
	fieldCompanyName:  "CompanyName_Contact",
	fieldFirstName:    "FirstName_Contact",
	fieldLastName:     "LastName_Contact",
	fieldEMail:        "EMail",
	fieldAddress:      "Address",
	fieldAddress2:     "Address2",
	fieldCity:         "City",
	fieldCounty:       "County",
	fieldPostCode:     "PostCode",
	fieldCountry:      "CountryRegionCode",
	fieldPhone:        "PhoneNo",

	fieldModified:         "Modified",
	fieldBusinessRelation: "BusinessRelation",
	fieldDisplayName:      "DisplayName",
}

// addressFields are what [contact.Contact.HasAddress] looks at.
var addressFields = []field{
	fieldAddress, fieldAddress2, fieldCity, fieldCounty, fieldPostCode, fieldCountry, fieldPhone,
}

// fieldOf returns the field of a model name, noField for any other text.
func fieldOf(model string) field {
	for f, name := range fieldNames {
		if name == model {
			return field(f)
		}
	}
	return noField
}

// fieldOfProperty returns the field that a custom field's name stands for:
// "Customer Type" is the model's CustomerType (design.md 1.7).
func fieldOfProperty(name string) field {
	squeezed := strings.NewReplacer(" ", "", "_", "").Replace(name)
	if strings.EqualFold(squeezed, fieldNames[fieldCustomerType]) {
		return fieldCustomerType
	}
	return noField
}

// A record is one row on its way to a contact: the text of each field, and what
// the profile does not name.
type record struct {
	text  [fieldCount]string
	rank  [fieldCount]uint8 // of the wire name that text came under; 0: the field was not there
	extra map[string]any
}

func (r *record) has(f field) bool { return r.rank[f] > 0 }

// contact applies the rules of design.md 1.7 to the row.
func (r *record) contact() *contact.Contact {
	c := &contact.Contact{
		ID:                   internalID(r.text[fieldID]),
		No:                   present(r.text[fieldNo]),
		Type:                 spelled(r.text[fieldType], "Person", "Company"),
		CustomerType:         enumName(r.text[fieldCustomerType]),
		WebUserRole:          enumName(r.text[fieldWebUserRole]),
		CompanyID:            present(r.text[fieldCompanyID]),
		CompanyName:          present(r.text[fieldCompanyName]),
		FirstName:            present(r.text[fieldFirstName]),
		LastName:             present(r.text[fieldLastName]),
		EMail:                strings.TrimSpace(present(r.text[fieldEMail])),
		Address:              present(r.text[fieldAddress]),
		Address2:             present(r.text[fieldAddress2]),
		City:                 present(r.text[fieldCity]),
		County:               present(r.text[fieldCounty]),
		PostCode:             present(r.text[fieldPostCode]),
		CountryRegionCode:    present(r.text[fieldCountry]),
		PhoneNo:              present(r.text[fieldPhone]),
		AdditionalProperties: r.extra,
		Modified:             changeTime(r.text[fieldModified]),
	}
	c.RecordType = r.recordType()
	if c.Type == "Person" && !r.has(fieldFirstName) && !r.has(fieldLastName) {
		c.FirstName, c.LastName = splitName(present(r.text[fieldDisplayName]))
	}
	return c
}

// recordType is the record's own value when the wire has one, else Customer when
// the business relation says so, else Contact (design.md 1.7).
func (r *record) recordType() string {
	if own := spelled(r.text[fieldRecordType], "Contact", "Customer"); own != "" {
		return own
	}
	if strings.EqualFold(enumName(r.text[fieldBusinessRelation]), "Customer") {
		return "Customer"
	}
	return "Contact"
}
