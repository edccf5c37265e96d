package ipaastest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// readCustomer reads the body of a create or update (ipaas.md 6.2). A member
// that is absent stays as it is.
func (s *Simulator) readCustomer(m *members) (change, *problem) {
	m.name = "customer"
	c := change{tracking: m.tracking()}
	text := func(name string, field func(*Customer) *string) {
		var v string
		if m.text(name, &v) {
			c.fields = append(c.fields, func(to *Customer) { *field(to) = v })
		}
	}
	text("customer_number", func(c *Customer) *string { return &c.CustomerNumber })
	text("first_name", func(c *Customer) *string { return &c.FirstName })
	text("last_name", func(c *Customer) *string { return &c.LastName })
	text("email_address", func(c *Customer) *string { return &c.EmailAddress })
	text("company", func(c *Customer) *string { return &c.Company })
	text("comment", func(c *Customer) *string { return &c.Comment })
	var category int64
	if m.integer("category_id", &category) {
		c.fields = append(c.fields, func(to *Customer) { to.CategoryID = category })
	}
	c.customFields, c.sentFields = s.readCustomFields(m, CustomerFields)
	c.links = s.readLinks(m)
	addresses, sent := m.objects("addresses", "address")
	c.sentAddress = sent
	for _, a := range addresses {
		read, p := s.readAddress(a)
		if p != nil {
			m.fail(p)
		}
		c.addresses = append(c.addresses, read)
	}
	return c, m.end()
}

// readAddress reads one address (ipaas.md 6.3).
func (s *Simulator) readAddress(m *members) (addressChange, *problem) {
	var a addressChange
	text := func(name string, field func(*AddressValues) *string) {
		var v string
		if m.text(name, &v) {
			a.fields = append(a.fields, func(to *AddressValues) { *field(to) = v })
		}
	}
	text("first_name", func(a *AddressValues) *string { return &a.FirstName })
	text("last_name", func(a *AddressValues) *string { return &a.LastName })
	text("company", func(a *AddressValues) *string { return &a.Company })
	text("phone_number", func(a *AddressValues) *string { return &a.PhoneNumber })
	text("address_1", func(a *AddressValues) *string { return &a.Address1 })
	text("address_2", func(a *AddressValues) *string { return &a.Address2 })
	text("address_3", func(a *AddressValues) *string { return &a.Address3 })
	text("city", func(a *AddressValues) *string { return &a.City })
	text("region", func(a *AddressValues) *string { return &a.Region })
	text("country", func(a *AddressValues) *string { return &a.Country })
	text("postal_code", func(a *AddressValues) *string { return &a.PostalCode })
	flag := func(name string, field func(*AddressValues) *bool) {
		var v bool
		if m.boolean(name, &v) {
			a.fields = append(a.fields, func(to *AddressValues) { *field(to) = v })
		}
	}
	flag("is_primary_billing", func(a *AddressValues) *bool { return &a.IsPrimaryBilling })
	flag("is_primary_shipping", func(a *AddressValues) *bool { return &a.IsPrimaryShipping })

	if m.boolean("prevent_duplicate", &a.preventDuplicate) && s.cfg.Switches.PreventDuplicate == PreventDuplicateRefused {
		m.fail(unreadable("unknown member prevent_duplicate"))
	}
	m.id("id", &a.id)
	var values AddressValues
	for _, set := range a.fields {
		set(&values)
	}
	if known := s.cfg.Switches.Countries; known != nil && values.Country != "" && !slices.Contains(known, values.Country) {
		m.fail(refuse(codeBadCountry, "Country Name (%s) is not valid.", values.Country))
	}
	a.customFields, _ = s.readCustomFields(m, AddressFields)
	a.links = s.readLinks(m)
	return a, m.end()
}

// readLinks reads nested external ids (ipaas.md 7).
func (s *Simulator) readLinks(m *members) []ExternalID {
	objects, _ := m.objects("external_ids", "external id")
	var links []ExternalID
	for _, o := range objects {
		var l ExternalID
		var ignored string
		o.integer("system_id", &l.SystemID)
		o.text("external_id", &l.ExternalID)
		o.id("id", &ignored)
		o.id("internal_id", &ignored)
		o.tracking()
		if p := o.end(); p != nil {
			m.fail(p)
			continue
		}
		if p := s.checkSystem(l.SystemID); p != nil {
			m.fail(p)
		}
		if l.ExternalID == "" {
			m.fail(required("External Id"))
		}
		links = append(links, l)
	}
	return links
}

// checkSystem refuses a subscription that is none.
func (s *Simulator) checkSystem(id int64) *problem {
	if id <= 0 {
		return refuse(codeBadSystem, "System Id: %d is invalid.", id)
	}
	if !slices.Contains(s.cfg.SystemIDs, id) {
		return refuse(codeUnknownSystem, "System Id (%d) provided is invalid. Resend with a valid System Id.", id)
	}
	return nil
}

// readCustomFields reads nested custom fields and holds them against their
// definitions (ipaas.md 8; 14, no. 20).
func (s *Simulator) readCustomFields(m *members, of Collection) ([]CustomField, bool) {
	objects, sent := m.objects("custom_fields", "custom field")
	var fields []CustomField
	for _, o := range objects {
		var f CustomField
		var ignored string
		o.text("custom_field_name", &f.Name)
		o.text("value", &f.Value)
		o.id("id", &ignored)
		o.text("type", &ignored)
		p := o.end()
		if p == nil {
			p = s.checkCustomField(of, f)
		}
		if p != nil {
			m.fail(p)
		}
		fields = append(fields, f)
	}
	return fields, sent
}

func (s *Simulator) checkCustomField(of Collection, f CustomField) *problem {
	if f.Name == "" {
		return refuse(codeNoFieldName, "Custom Field Name is null or empty in your request.")
	}
	if f.Value == "" {
		return required(f.Name)
	}
	s.mu.Lock()
	definition, known := s.fields[fieldKey{of, f.Name}]
	s.mu.Unlock()
	if !known {
		return refuse(s.cfg.Switches.UndefinedFieldCode, "Value for custom_field_name not in its defined set of allowed values (%s).", f.Name)
	}
	if !fits(definition.DataType, f.Value) {
		return refuse(codeBadValue, "Value (%s) provided for %s is not valid.", f.Value, f.Name)
	}
	return nil
}

// fits says whether a value has the form of a definition's data type (ipaas.md 1.1).
func fits(dataType, value string) bool {
	switch strings.ToLower(dataType) {
	case "number":
		_, err := strconv.ParseFloat(value, 64)
		return err == nil
	case "bool", "boolean":
		return strings.EqualFold(value, "true") || strings.EqualFold(value, "false")
	case "guid":
		return guid.MatchString(value)
	case "date":
		_, err := time.Parse(time.DateOnly, value)
		return err == nil
	case "datetime":
		_, err := time.Parse(time.RFC3339, value)
		return err == nil
	}
	return true
}

// createAddress is POST Customer/Address/{customerId}, where the switch
// AddressRoutes has it (ipaas.md 14, no. 3).
func (s *Simulator) createAddress(customerID string, m *members) (reply, *problem) {
	id, p := recordID(customerID)
	if p != nil {
		return reply{}, p
	}
	m.name = "address"
	m.tracking()
	a, p := s.readAddress(m)
	if p != nil {
		return reply{}, p
	}
	return s.saveAddress(id, customerID, a)
}

// updateAddress is PUT Customer/Address/{id}.
func (s *Simulator) updateAddress(addressID string, m *members) (reply, *problem) {
	m.name = "address"
	m.tracking()
	a, p := s.readAddress(m)
	if p != nil {
		return reply{}, p
	}
	s.mu.Lock()
	owner := s.addressOwner[addressID]
	s.mu.Unlock()
	a.id = addressID
	return s.saveAddress(owner, addressID, a)
}

func (s *Simulator) saveAddress(customer int64, named string, a addressChange) (reply, *problem) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.customers[customer]
	if old == nil {
		return reply{}, notFound(named)
	}
	next := old.clone()
	links := linkChanges{sim: s}
	s.mergeAddresses(next, change{addresses: []addressChange{a}}, &links)
	if p := links.check(); p != nil {
		return reply{}, p
	}
	next.Updated = s.cfg.Now()
	s.put(next)
	links.commit()
	id := a.id
	if id == "" {
		id = next.Addresses[len(next.Addresses)-1].ID
	}
	i := slices.IndexFunc(next.Addresses, func(have Address) bool { return have.ID == id })
	return jsonReply(http.StatusOK, s.wireAddress(next.Addresses[i])), nil
}
