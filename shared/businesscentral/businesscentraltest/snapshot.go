package businesscentraltest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// A snapshot is the stored state: records and subscriptions, by number and by
// age. Settings, tokens and faults are not part of it.
type snapshot struct {
	Version       int            `json:"version"`
	Contacts      []Contact      `json:"contacts"`
	Customers     []Customer     `json:"customers"`
	Subscriptions []Subscription `json:"subscriptions"`
}

const snapshotVersion = 1

// Save writes the records and subscriptions as JSON, one record a line, in an
// order that does not depend on how they came in.
func (s *Simulator) Save(w io.Writer) error {
	out := bufio.NewWriter(w)
	encoder := json.NewEncoder(out) // ends each value with a line break
	encoder.SetEscapeHTML(false)
	fmt.Fprintf(out, `{"version":%d`, snapshotVersion) // bufio keeps the error for Flush
	var faults []error
	list := func(name string, n int, at func(i int) any) {
		fmt.Fprintf(out, ",\n%q:[", name)
		for i := range n {
			if i > 0 {
				fmt.Fprint(out, ",")
			}
			faults = append(faults, encoder.Encode(at(i)))
		}
		fmt.Fprint(out, "]")
	}
	contacts, customers, subscriptions := s.rows(s.contacts), s.rows(s.customers), s.Subscriptions()
	list("contacts", len(contacts), func(i int) any { return stored(contactOf(contacts[i])) })
	list("customers", len(customers), func(i int) any {
		c := customerOf(customers[i])
		if c.NeverModified {
			c.Modified = time.Time{}
		}
		return c
	})
	list("subscriptions", len(subscriptions), func(i int) any { return subscriptions[i] })
	fmt.Fprint(out, "}\n")
	if err := errors.Join(append(faults, out.Flush())...); err != nil {
		return fmt.Errorf("save the simulator's state: %w", err)
	}
	return nil
}

func stored(c Contact) Contact {
	if c.NeverModified {
		c.Modified = time.Time{} // left out
	}
	return c
}

// Load replaces the records and subscriptions by those that Save wrote. When the
// text cannot be read, or holds a record that cannot be stored, nothing changes.
func (s *Simulator) Load(r io.Reader) error {
	var in snapshot
	decoder := json.NewDecoder(r)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil {
		return fmt.Errorf("load the simulator's state: %w", err)
	}
	if in.Version != snapshotVersion {
		return fmt.Errorf("load the simulator's state: version %d, this program writes %d", in.Version, snapshotVersion)
	}
	other := New(Config{Now: s.cfg.Now, CustomAPI: s.cfg.CustomAPI, ExtraProperties: s.cfg.ExtraProperties,
		Company: s.cfg.Company, OtherCompanies: s.cfg.OtherCompanies})
	faults := []error{other.AddContacts(in.Contacts...), other.AddCustomers(in.Customers...)}
	for i := range in.Subscriptions {
		one := &in.Subscriptions[i]
		one.version = uint64(i + 1)
		one.prefix = "v2.0"
		if s.cfg.CustomAPI != nil && !strings.Contains(one.Resource, "v2.0/") {
			one.prefix = s.cfg.CustomAPI.path()
		}
		if err := other.resource(one); err != nil {
			faults = append(faults, err)
			continue
		}
		if one.table == other.contacts {
			one.table = s.contacts
		} else {
			one.table = s.customers
		}
		other.webhooks.subscriptions = append(other.webhooks.subscriptions, one)
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("load the simulator's state: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	// The entity sets point to the tables, so these stay and get other rows.
	*s.contacts, *s.customers = *other.contacts, *other.customers
	s.webhooks, s.cursors = other.webhooks, cursors{}
	s.version, s.ids = max(s.version, other.version), max(s.ids, other.ids, uint64(len(in.Contacts)+len(in.Customers)))
	return nil
}

// Reset removes all records and subscriptions, faults, and recorded calls.
func (s *Simulator) Reset() {
	s.ClearFaults()
	s.ResetRequests()
	s.mu.Lock()
	defer s.mu.Unlock()
	*s.contacts, *s.customers = *newTable(), *newTable()
	s.webhooks, s.cursors = webhooks{}, cursors{}
}
