package businesscentraltest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ErrNoRecord is the cause when a state method is asked for a record that is not there.
var ErrNoRecord = errors.New("no such record")

// AddContacts imports contacts as they are given: codes are brought to upper
// case, blank names, numbers of a company and the search name are completed, and
// a row without times gets the simulator's. Numbers and ids must be new. It is
// also the bulk load: a hundred thousand at once cost one sort. All faults of all
// rows are reported; rows without a fault are added.
func (s *Simulator) AddContacts(contacts ...Contact) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(contacts) > 100 {
		s.contacts.unsorted = true
	}
	var faults []error
	for i := range contacts {
		if err := s.addContact(contacts[i], s.now()); err != nil {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

// EditContact changes the contact with this number or internal id, as a user or a
// program does in Business Central: change gets the row and may set any member
// but number, id and times; the OnModify rules of the Contact table follow; the
// time of change becomes the simulator's. Nothing happens when change changes
// nothing. A company's new name, and with it inherited values, go to its persons.
func (s *Simulator) EditContact(ref string, change func(*Contact)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.editContact(ref, change, s.now())
}

// RenameContact gives a contact another number. It keeps its internal id; its
// time of change moves, and so does that of the persons of a renumbered company.
func (s *Simulator) RenameContact(ref, number string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.renameContact(ref, number, s.now())
}

// SwapNumbers exchanges the numbers of two contacts, as three renames do.
func (s *Simulator) SwapNumbers(one, other string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.swapNumbers(one, other, s.now())
}

// DeleteContact removes a contact. Persons of a company keep its number, which
// then names nothing (business-central.md 11 no. 12).
func (s *Simulator) DeleteContact(ref string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.deleteContact(ref, s.now())
}

// Contact returns the contact with this number or internal id.
func (s *Simulator) Contact(ref string) (Contact, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r := s.contacts.find(ref)
	if r == nil {
		return Contact{}, false
	}
	return contactOf(r), true
}

// Contacts returns all contacts, by number.
func (s *Simulator) Contacts() []Contact {
	rows := s.rows(s.contacts)
	contacts := make([]Contact, len(rows))
	for i, r := range rows {
		contacts[i] = contactOf(r)
	}
	return contacts
}

// ContactCount returns how many contacts there are.
func (s *Simulator) ContactCount() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.contacts.byID)
}

func (s *Simulator) rows(t *table) []*row {
	s.mu.Lock()
	defer s.mu.Unlock()
	t.sort()
	return slices.Clone(t.byNumber)
}

// AddCustomers imports customers under the rules of [Simulator.AddContacts].
func (s *Simulator) AddCustomers(customers ...Customer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var faults []error
	for _, c := range customers {
		if c.Type == "" {
			c.Type = "Company"
		}
		if c.SearchName == "" {
			c.SearchName = strings.ToUpper(c.Name)
		}
		packed, err := c.pack()
		if err == nil {
			err = s.add(s.customers, "customer", c.No, c.SystemID, packed, times{c.Created, c.Modified, c.NeverModified}, s.now())
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("customer %s: %w", c.No, err))
		}
	}
	return errors.Join(faults...)
}

// EditCustomer changes the customer with this number or internal id.
func (s *Simulator) EditCustomer(ref string, change func(*Customer)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.customers.find(ref)
	if r == nil {
		return fmt.Errorf("customer %s: %w", ref, ErrNoRecord)
	}
	c := customerOf(r)
	change(&c)
	packed, err := c.pack()
	if err != nil {
		return fmt.Errorf("customer %s: %w", r.number, err)
	}
	s.write(s.customers, r, packed, stampOf(s.now()))
	return nil
}

// DeleteCustomer removes a customer.
func (s *Simulator) DeleteCustomer(ref string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.customers.find(ref)
	if r == nil {
		return fmt.Errorf("customer %s: %w", ref, ErrNoRecord)
	}
	s.customers.remove(r)
	s.announce(s.customers, changeDeleted, r, stampOf(s.now()))
	return nil
}

// Customer returns the customer with this number or internal id.
func (s *Simulator) Customer(ref string) (Customer, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r := s.customers.find(ref)
	if r == nil {
		return Customer{}, false
	}
	return customerOf(r), true
}

type times struct {
	created, modified time.Time
	neverModified     bool
}

func (s *Simulator) add(t *table, table, number, systemID, packed string, at times, now time.Time) error {
	number = code(number)
	switch {
	case number == "":
		return errors.New("a number is required")
	case len([]rune(number)) > 20:
		return fmt.Errorf("a number has at most 20 characters, this has %d", len([]rune(number)))
	case t.numbers[number] != nil:
		return fmt.Errorf("the %s already exists", table)
	}
	r := &row{number: number, values: packed, created: stampOf(now), modified: stampOf(now)}
	if systemID == "" {
		r.id = s.newID()
	} else if id, ok := parseGUID(systemID); !ok || t.byID[id] != nil {
		return fmt.Errorf("the internal id %s is no GUID or is taken", systemID)
	} else {
		r.id = id
	}
	if !at.created.IsZero() {
		r.created = stampOf(at.created)
	}
	if !at.modified.IsZero() {
		r.modified = stampOf(at.modified)
	}
	if at.neverModified {
		r.modified = never
	}
	s.version++
	r.version = s.version
	t.insert(r)
	s.announce(t, changeCreated, r, stampOf(now))
	return nil
}

func (s *Simulator) addContact(c Contact, now time.Time) error {
	c.complete()
	packed, err := c.pack()
	if err == nil && c.Type != "Company" && c.Type != "Person" {
		err = fmt.Errorf("'%s' is not an option. The existing options are: Company,Person", c.Type)
	}
	if err == nil {
		err = s.add(s.contacts, "contact", c.No, c.SystemID, packed, times{c.Created, c.Modified, c.NeverModified}, now)
	}
	if err != nil {
		return fmt.Errorf("contact %s: %w", c.No, err)
	}
	return nil
}

func (s *Simulator) editContact(ref string, change func(*Contact), now time.Time) error {
	r := s.contacts.find(ref)
	if r == nil {
		return fmt.Errorf("contact %s: %w", ref, ErrNoRecord)
	}
	old := contactOf(r)
	c := contactOf(r)
	change(&c)
	c.No = old.No
	c.modified(&old)
	if company := s.contacts.numbers[c.CompanyNo]; c.Type == "Person" && company != nil {
		c.CompanyName = one(company.values, fieldName)
	}
	packed, err := c.pack()
	if err != nil {
		return fmt.Errorf("contact %s: %w", old.No, err)
	}
	if !s.write(s.contacts, r, packed, stampOf(now)) || old.Type != "Company" {
		return nil
	}
	return s.inherit(&old, &c, now)
}

// write stores another version of a row unless nothing differs.
func (s *Simulator) write(t *table, old *row, packed string, at int64) bool {
	if packed == old.values {
		return false
	}
	s.version++
	r := &row{id: old.id, number: old.number, created: old.created, modified: at, version: s.version, values: packed}
	t.replace(old, r)
	s.announce(t, changeUpdated, r, at)
	return true
}

// inherited are the fields that Marketing Setup hands on to the persons of a
// company whose own value equalled the company's old one (business-central.md 3.2).
var inherited = []field{
	fieldAddress, fieldAddress2, fieldCity, fieldCounty, fieldPostCode, fieldCountryRegionCode, fieldPhoneNo,
	fieldEMail, fieldFaxNo, fieldHomePage, fieldSalespersonCode, fieldLanguageCode, fieldTerritoryCode, fieldCurrencyCode,
}

// inherit carries an edit of a company over to its persons.
func (s *Simulator) inherit(old, company *Contact, now time.Time) error {
	var before, after values
	for f, text := range old.texts() {
		if text != nil {
			before[f] = *text
		}
	}
	for f, text := range company.texts() {
		if text != nil {
			after[f] = *text
		}
	}
	for _, r := range s.personsOf(old.No) {
		var v values
		v.unpack(r.values)
		v[fieldCompanyName] = company.Name
		for _, f := range inherited {
			if v[f] == before[f] && before[f] != after[f] && !s.cfg.NoInheritance {
				v[f] = after[f]
			}
		}
		packed, err := v.pack()
		if err != nil {
			return fmt.Errorf("contact %s: inherit from %s: %w", r.number, old.No, err)
		}
		s.write(s.contacts, r, packed, stampOf(now))
	}
	return nil
}

func (s *Simulator) personsOf(number string) []*row {
	var persons []*row
	for _, r := range s.contacts.byID {
		if r.number != number && one(r.values, fieldCompanyNo) == number {
			persons = append(persons, r)
		}
	}
	slices.SortFunc(persons, compareNumbers)
	return persons
}

func (s *Simulator) renameContact(ref, number string, now time.Time) error {
	r := s.contacts.find(ref)
	number = code(number)
	switch {
	case r == nil:
		return fmt.Errorf("contact %s: %w", ref, ErrNoRecord)
	case number == r.number:
		return nil
	case number == "" || len([]rune(number)) > 20:
		return fmt.Errorf("contact %s: a number has 1 to 20 characters", r.number)
	case s.contacts.numbers[number] != nil:
		return fmt.Errorf("contact %s: the number %s is taken", r.number, number)
	}
	old := r.number
	persons := s.personsOf(old)
	var v values
	v.unpack(r.values)
	if v[fieldCompanyNo] == old {
		v[fieldCompanyNo] = number
	}
	packed, err := v.pack()
	if err != nil {
		return err
	}
	s.version++
	renamed := &row{id: r.id, number: number, created: r.created, modified: stampOf(now), version: s.version, values: packed}
	s.contacts.replace(r, renamed)
	s.announce(s.contacts, changeUpdated, renamed, stampOf(now))
	for _, person := range persons {
		v.unpack(person.values)
		v[fieldCompanyNo] = number
		if packed, err = v.pack(); err != nil {
			return err
		}
		s.write(s.contacts, person, packed, stampOf(now))
	}
	return nil
}

func (s *Simulator) swapNumbers(a, b string, now time.Time) error {
	first, second := s.contacts.find(a), s.contacts.find(b)
	if first == nil || second == nil {
		return fmt.Errorf("swap contacts %s and %s: %w", a, b, ErrNoRecord)
	}
	const between = "~SWAP~"
	return errors.Join(
		s.renameContact(first.id.String(), between, now),
		s.renameContact(second.id.String(), first.number, now),
		s.renameContact(first.id.String(), second.number, now),
	)
}

func (s *Simulator) deleteContact(ref string, now time.Time) error {
	r := s.contacts.find(ref)
	if r == nil {
		return fmt.Errorf("contact %s: %w", ref, ErrNoRecord)
	}
	s.contacts.remove(r)
	s.announce(s.contacts, changeDeleted, r, stampOf(now))
	return nil
}
