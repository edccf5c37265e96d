// Package customer says what an iPaaS.com customer is: the fields a mapping may
// fill, under the seed's names and the API's names, and the body of a create or
// update as plain values. It does no I/O and knows no JSON.
package customer

// A Customer is what one transfer wants iPaaS.com to hold: only members that
// are sent, in the order of the mapping.
type Customer struct {
	ExternalID   string // "" when it does not travel with this call
	Fields       []Value
	CustomFields []CustomValue
	Addresses    []Address
}

// A Value is one field of a customer or an address. Field is the API's name
// (email_address). Value is a string, bool or int64; "" clears the field.
type Value struct {
	Field string
	Value any
}

// A CustomValue is one custom field: its name as defined in iPaaS.com, and its
// text. iPaaS.com refuses empty values, so Value is never empty.
type CustomValue struct {
	Name  string
	Value string
}

// An Address is one child record of a customer.
type Address struct {
	ExternalID string
	Fields     []Value
}

// Get returns the value of a field by the API's name; nil when it is not sent.
func (c *Customer) Get(field string) any { return get(c.Fields, field) }

// Text returns the value of a field by the API's name as text; "" when it is
// not sent or not text.
func (c *Customer) Text(field string) string {
	s, _ := c.Get(field).(string)
	return s
}

// Get returns the value of an address field by the API's name; nil when it is not sent.
func (a *Address) Get(field string) any { return get(a.Fields, field) }

func get(values []Value, field string) any {
	for _, v := range values {
		if v.Field == field {
			return v.Value
		}
	}
	return nil
}
