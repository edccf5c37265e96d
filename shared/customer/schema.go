package customer

// A Kind is the type of a field's value.
type Kind int

// The kinds of fields: text, true or false, whole number.
const (
	Text Kind = iota
	Bool
	Number
)

// String returns the kind as an error message names it.
func (k Kind) String() string {
	switch k {
	case Bool:
		return "true or false"
	case Number:
		return "whole number"
	}
	return "text"
}

// A FieldSpec describes one field that a mapping may fill.
type FieldSpec struct {
	Name    string // in the seed's spelling: EmailAddress
	APIName string // as iPaaS.com's API calls it: email_address
	Kind    Kind
}

// Fields are the customer's fields (ipaas.md 6.2) in the order of the API model.
var Fields = []FieldSpec{
	{"CustomerNumber", "customer_number", Text},
	{"FirstName", "first_name", Text},
	{"LastName", "last_name", Text},
	{"EmailAddress", "email_address", Text},
	{"Company", "company", Text},
	{"Comment", "comment", Text},
	{"CategoryId", "category_id", Number},
}

// AddressFields are an address's fields (ipaas.md 6.3; PreventDuplicate: 14, no. 22).
var AddressFields = []FieldSpec{
	{"FirstName", "first_name", Text},
	{"LastName", "last_name", Text},
	{"Company", "company", Text},
	{"PhoneNumber", "phone_number", Text},
	{"Address1", "address_1", Text},
	{"Address2", "address_2", Text},
	{"Address3", "address_3", Text},
	{"City", "city", Text},
	{"Region", "region", Text},
	{"Country", "country", Text},
	{"PostalCode", "postal_code", Text},
	{"IsPrimaryBilling", "is_primary_billing", Bool},
	{"IsPrimaryShipping", "is_primary_shipping", Bool},
	{"PreventDuplicate", "prevent_duplicate", Bool},
}
