package ipaastest

import (
	"fmt"
	"slices"
)

// The functions of this file are the hand behind the scenes: they change the
// state without the API's rules, so a test can set up what an account may hold
// from before. Each panics when asked for a record that is not there.

// AddCompany adds a company, linked to externalID for the first subscription
// unless that is empty, and returns its id.
func (s *Simulator) AddCompany(name, externalID string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastCompany++
	s.putCompany(&Company{ID: s.lastCompany, Name: name})
	s.tie(s.cfg.Switches.CompanyTable, idText(s.lastCompany), s.firstSystem(externalID))
	return s.lastCompany
}

// AddCustomer adds a customer as it is given and returns its id: two may share an
// e-mail address, one may be Inactive, linked (ExternalIDs) or not. Its ID and
// those of its addresses and custom fields are given by the simulator where empty.
func (s *Simulator) AddCustomer(c Customer) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.ID == 0 {
		c.ID = s.lastCustomer + 1
	}
	s.lastCustomer = max(s.lastCustomer, c.ID)
	if c.Created.IsZero() {
		c.Created = s.cfg.Now()
	}
	if c.Updated.IsZero() {
		c.Updated = c.Created
	}
	s.place(c)
	return c.ID
}

// place stores a customer whose links stand in it.
func (s *Simulator) place(c Customer) {
	next := c.clone()
	next.ExternalIDs = nil
	for i := range next.CustomFields {
		if next.CustomFields[i].ID == "" {
			next.CustomFields[i].ID = s.nextRow()
		}
	}
	for i := range next.Addresses {
		a := &next.Addresses[i]
		if a.ID == "" {
			a.ID = s.addressID(c.ID)
		}
		s.tie(TableAddress, a.ID, a.ExternalIDs)
		a.ExternalIDs = nil
	}
	s.put(next)
	s.tie(TableCustomer, idText(c.ID), c.ExternalIDs)
}

func (s *Simulator) firstSystem(externalID string) []ExternalID {
	if externalID == "" || len(s.cfg.SystemIDs) == 0 {
		return nil
	}
	return []ExternalID{{s.cfg.SystemIDs[0], externalID}}
}

func (s *Simulator) tie(table, internal string, links []ExternalID) {
	for _, l := range links {
		s.connect(link{l.SystemID, s.fold(table), l.ExternalID}, internal)
	}
}

// Customers returns every customer, ordered by id.
func (s *Simulator) Customers() []Customer {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Customer, 0, len(s.customerIDs))
	for _, id := range s.customerIDs {
		all = append(all, s.view(s.customers[id]))
	}
	return all
}

// CountCustomers returns how many customers there are, deactivated ones included.
func (s *Simulator) CountCustomers() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.customers)
}

// Customer returns one customer.
func (s *Simulator) Customer(id int64) (Customer, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.customers[id]
	if c == nil {
		return Customer{}, false
	}
	return s.view(c), true
}

// CustomerByExternalID returns the customer that carries the external id for the
// first subscription.
func (s *Simulator) CustomerByExternalID(externalID string) (Customer, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	internal, found := s.links[link{s.SystemID(), s.fold(TableCustomer), externalID}]
	if !found || !s.alive(TableCustomer, internal) {
		return Customer{}, false
	}
	id, _ := recordID(internal)
	return s.view(s.customers[id]), true
}

// CustomersByEmail returns the customers with that e-mail address, without
// regard to case, ordered by id.
func (s *Simulator) CustomersByEmail(email string) []Customer {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Customer
	for _, id := range slices.Sorted(slices.Values(s.byEmail[foldEmail(email)])) {
		all = append(all, s.view(s.customers[id]))
	}
	return all
}

// Companies returns every company, ordered by id.
func (s *Simulator) Companies() []Company {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Company
	for _, id := range s.companyIDs {
		c := *s.companies[id]
		c.ExternalIDs = s.externalIDs(s.cfg.Switches.CompanyTable, idText(id))
		all = append(all, c)
	}
	return all
}

// view returns a copy of a customer with its links.
func (s *Simulator) view(c *Customer) Customer {
	v := *c.clone()
	v.ExternalIDs = s.externalIDs(TableCustomer, idText(c.ID))
	for i := range v.Addresses {
		v.Addresses[i].ExternalIDs = s.externalIDs(TableAddress, v.Addresses[i].ID)
	}
	return v
}

// EditCustomer changes a customer by hand. edit sees it without its links: those
// that it sets are added, and Relink and Unlink change the others.
func (s *Simulator) EditCustomer(id int64, edit func(*Customer)) { must(s.edit(id, edit)) }

func (s *Simulator) edit(id int64, edit func(*Customer)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.customers[id] == nil {
		return errNoCustomer
	}
	next := s.customers[id].clone()
	edit(next)
	next.ID, next.Updated = id, s.cfg.Now()
	s.place(*next)
	return nil
}

// ChangeEmail gives a customer another e-mail address by hand.
func (s *Simulator) ChangeEmail(id int64, email string) {
	s.EditCustomer(id, func(c *Customer) { c.EmailAddress = email })
}

// Deactivate does what DELETE does (ipaas.md 4).
func (s *Simulator) Deactivate(id int64) { s.EditCustomer(id, func(c *Customer) { c.Inactive = true }) }

// Reactivate undoes Deactivate.
func (s *Simulator) Reactivate(id int64) {
	s.EditCustomer(id, func(c *Customer) { c.Inactive = false })
}

// Delete removes a customer and its addresses for good. Its id answers 404
// afterwards, and the look-up of its external id DELETED:<id>.
func (s *Simulator) Delete(id int64) { must(s.delete(id)) }

func (s *Simulator) delete(id int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.customers[id]
	if c == nil {
		return errNoCustomer
	}
	s.remove(c)
	return nil
}

// Relink gives a customer another external id for the first subscription, and
// takes it from the customer that carries it.
func (s *Simulator) Relink(id int64, externalID string) { must(s.relink(id, externalID)) }

// Unlink takes a customer's external id for the first subscription.
func (s *Simulator) Unlink(id int64) { must(s.relink(id, "")) }

func (s *Simulator) relink(id int64, externalID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.customers[id] == nil {
		return errNoCustomer
	}
	if externalID == "" {
		s.disconnect(record{s.SystemID(), s.fold(TableCustomer), idText(id)})
		return nil
	}
	s.tie(TableCustomer, idText(id), s.firstSystem(externalID))
	return nil
}

// LinkCompany gives a company an external id for the first subscription.
func (s *Simulator) LinkCompany(id int64, externalID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.companies[id] == nil {
		panic(fmt.Sprintf("ipaastest: no company %d", id))
	}
	s.tie(s.cfg.Switches.CompanyTable, idText(id), s.firstSystem(externalID))
}

func must(err error) {
	if err != nil {
		panic("ipaastest: " + err.Error())
	}
}

// DefineCustomField creates or changes the definition of a custom field.
func (s *Simulator) DefineCustomField(f CustomFieldDefinition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.define(f)
	s.revision++
}

// DeleteCustomField deletes a definition for customers, and with it every value
// (ipaas.md 8: a deletion is permanent).
func (s *Simulator) DeleteCustomField(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.fields, fieldKey{CustomerFields, name})
	for _, id := range s.customerIDs {
		if valueOf(s.customers[id].CustomFields, name) == "" {
			continue
		}
		next := s.customers[id].clone()
		next.CustomFields = slices.DeleteFunc(next.CustomFields, func(f CustomField) bool { return f.Name == name })
		s.put(next)
	}
	s.revision++
}

// CustomFields returns the definitions, ordered by collection and name.
func (s *Simulator) CustomFields() []CustomFieldDefinition {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.definitions()
}

// SetKey adds a key or changes what it may do.
func (s *Simulator) SetKey(k APIKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[k.Value] = k
}

// RevokeKey makes a key unknown.
func (s *Simulator) RevokeKey(value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.keys, value)
}

// Revision grows with every change of the state: a sandbox saves when it has.
func (s *Simulator) Revision() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.revision
}
