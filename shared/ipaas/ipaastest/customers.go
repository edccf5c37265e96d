package ipaastest

import (
	"net/http"
	"slices"
)

func (s *Simulator) getCustomer(idInPath string) (reply, *problem) {
	id, p := recordID(idInPath)
	if p != nil {
		return reply{}, p
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.customers[id]
	if c == nil {
		return reply{}, notFound(idInPath)
	}
	return jsonReply(http.StatusOK, s.wireCustomer(c, "")), nil
}

// createCustomer is POST Customer: everything in the body is stored, or nothing.
func (s *Simulator) createCustomer(m *members) (reply, *problem) {
	body, p := s.readCustomer(m)
	if p != nil {
		return reply{}, p
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Now()
	next := &Customer{ID: s.lastCustomer + 1, Created: now, Updated: now}
	if p := s.save(next, nil, body); p != nil {
		return reply{}, p
	}
	s.lastCustomer = next.ID
	return s.saved(s.cfg.Switches.CreateStatus, next, body.tracking), nil
}

// updateCustomer is PUT Customer/{id}. It is partial (ipaas.md 14, no. 2).
func (s *Simulator) updateCustomer(idInPath string, m *members) (reply, *problem) {
	id, p := recordID(idInPath)
	if p != nil {
		return reply{}, p
	}
	body, p := s.readCustomer(m)
	if p != nil {
		return reply{}, p
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.customers[id]
	if old == nil {
		return reply{}, notFound(idInPath)
	}
	if old.Inactive && s.cfg.Switches.InactiveUpdate == InactiveRefused {
		return reply{}, inactive(old.EmailAddress)
	}
	next := old.clone()
	next.Inactive = false
	next.Updated = s.cfg.Now()
	if s.cfg.Switches.FullPut {
		next = &Customer{ID: id, Created: old.Created, Updated: next.Updated}
	}
	if p := s.save(next, old, body); p != nil {
		return reply{}, p
	}
	return s.saved(http.StatusOK, next, body.tracking), nil
}

func (s *Simulator) saved(status int, c *Customer, tracking string) reply {
	if s.cfg.Switches.EmptyAnswers {
		return jsonReply(status, map[string]any{"id": s.wireID(c.ID)})
	}
	return jsonReply(status, s.wireCustomer(c, tracking))
}

// deactivateCustomer is DELETE Customer/{id}: deletion in the hub is deactivation
// (ipaas.md 4).
func (s *Simulator) deactivateCustomer(idInPath string) (reply, *problem) {
	id, p := recordID(idInPath)
	if p != nil {
		return reply{}, p
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.customers[id]
	if old == nil {
		return reply{}, notFound(idInPath)
	}
	next := old.clone()
	next.Inactive, next.Updated = true, s.cfg.Now()
	s.put(next)
	return reply{status: http.StatusNoContent, header: http.Header{}}, nil
}

func (c *Customer) clone() *Customer {
	next := *c
	next.CustomFields = slices.Clone(c.CustomFields)
	next.Addresses = slices.Clone(c.Addresses)
	for i := range next.Addresses {
		next.Addresses[i].CustomFields = slices.Clone(next.Addresses[i].CustomFields)
	}
	return &next
}

// A change is a customer body that was read: what to do to the record, in order.
type change struct {
	tracking     string
	fields       []func(*Customer)
	customFields []CustomField
	sentFields   bool
	links        []ExternalID
	addresses    []addressChange
	sentAddress  bool
}

type addressChange struct {
	id               string
	fields           []func(*AddressValues)
	customFields     []CustomField
	links            []ExternalID
	preventDuplicate bool
}

// save applies a body to next, which is a new customer (old is nil) or a copy of
// old, and stores it unless a rule is broken. Nothing is stored otherwise.
func (s *Simulator) save(next, old *Customer, body change) *problem {
	for _, set := range body.fields {
		set(next)
	}
	if p := s.checkCustomer(next); p != nil {
		return p
	}
	if old != nil && s.cfg.Switches.ReplaceArrays && body.sentFields {
		next.CustomFields = nil
	}
	lastRow := s.lastRow
	s.upsertFields(&next.CustomFields, body.customFields)
	links := linkChanges{sim: s}
	links.add(TableCustomer, idText(next.ID), body.links)
	s.mergeAddresses(next, body, &links)
	if p := links.check(); p != nil {
		s.lastRow = lastRow
		return p
	}
	s.put(next)
	links.commit()
	return nil
}

// checkCustomer enforces the rules that hold for every customer (ipaas.md 6.2).
func (s *Simulator) checkCustomer(c *Customer) *problem {
	sw := &s.cfg.Switches
	switch {
	case c.EmailAddress == "":
		return refuse(codeNoEmail, "Email Address is null or empty.")
	case sw.EmailFormat && !looksLikeEmail(c.EmailAddress):
		return refuse(codeBadValue, "Value (%s) provided for Email Address is not valid.", c.EmailAddress)
	case c.FirstName == "" && c.LastName == "":
		return refuse(codeNoName, "First Name and/or Last Name are both empty. One or both are required.")
	case sw.BothNames && c.FirstName == "":
		return required("First Name")
	case sw.BothNames && c.LastName == "":
		return required("Last Name")
	}
	return s.checkEmail(c)
}

// checkEmail keeps e-mail addresses unique without regard to case (ipaas.md 6.2;
// 14, no. 10). A customer that keeps the address it has is left alone.
func (s *Simulator) checkEmail(c *Customer) *problem {
	if old := s.customers[c.ID]; old != nil && !old.Inactive && foldEmail(old.EmailAddress) == foldEmail(c.EmailAddress) {
		return nil
	}
	reactivates := s.customers[c.ID] != nil && s.customers[c.ID].Inactive
	var holder *Customer
	for _, id := range s.byEmail[foldEmail(c.EmailAddress)] {
		other := s.customers[id]
		if id == c.ID || other.Inactive && reactivates {
			continue
		}
		if holder == nil || holder.Inactive {
			holder = other
		}
	}
	switch {
	case holder == nil:
		return nil
	case holder.Inactive:
		return inactive(c.EmailAddress)
	case s.cfg.Switches.DuplicateEmailCode == codeTaken:
		return refuse(codeTaken, "Email Address must be unique and %s is already in use.", c.EmailAddress)
	}
	return refuse(s.cfg.Switches.DuplicateEmailCode, "Email Address must be unique and there is already an item (ID: %d) using that value.", holder.ID)
}

func inactive(email string) *problem {
	return refuse(codeInactive, "This Customer is inactive and only one active Customer can exist with the value %s for Email Address.", email)
}
