package ipaastest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
)

// snapshot is the whole state as Save writes it. Keys, faults and recorded
// requests are no part of it.
type snapshot struct {
	Format       int                     `json:"format"`
	LastCustomer int64                   `json:"last_customer"`
	LastCompany  int64                   `json:"last_company"`
	LastRow      int64                   `json:"last_row"`
	CustomFields []CustomFieldDefinition `json:"custom_fields"`
	Companies    []Company               `json:"companies"`
	Customers    []Customer              `json:"customers"`
	Links        []savedLink             `json:"links"`
}

type savedLink struct {
	SystemID   int64  `json:"system_id"`
	Table      string `json:"table"`
	ExternalID string `json:"external_id"`
	InternalID string `json:"internal_id"`
}

const snapshotFormat = 1

// Save writes the state as JSON, in an order that does not change from one save
// to the next. Calls go on meanwhile; what is saved is the state of one moment.
func (s *Simulator) Save(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(s.snapshot()); err != nil {
		return fmt.Errorf("save the iPaaS.com simulator's state: %w", err)
	}
	return nil
}

func (s *Simulator) snapshot() snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	snap := snapshot{
		Format: snapshotFormat, LastCustomer: s.lastCustomer, LastCompany: s.lastCompany, LastRow: s.lastRow,
		CustomFields: s.definitions(),
	}
	for _, id := range s.companyIDs {
		snap.Companies = append(snap.Companies, *s.companies[id])
	}
	for _, id := range s.customerIDs {
		snap.Customers = append(snap.Customers, *s.customers[id]) // stored records never change
	}
	for l, internal := range s.links {
		snap.Links = append(snap.Links, savedLink{l.system, l.table, l.external, internal})
	}
	slices.SortFunc(snap.Links, func(a, b savedLink) int {
		return cmp.Or(cmp.Compare(a.SystemID, b.SystemID), cmp.Compare(a.Table, b.Table), cmp.Compare(a.ExternalID, b.ExternalID))
	})
	return snap
}

// Load replaces the state by a saved one. A state that cannot be read, or that
// contradicts itself, leaves the present one as it is.
func (s *Simulator) Load(r io.Reader) error {
	decoder := json.NewDecoder(r)
	decoder.DisallowUnknownFields()
	var snap snapshot
	if err := decoder.Decode(&snap); err != nil {
		return fmt.Errorf("load the iPaaS.com simulator's state: %w", err)
	}
	if snap.Format != snapshotFormat {
		return fmt.Errorf("load the iPaaS.com simulator's state: format %d is not %d", snap.Format, snapshotFormat)
	}
	next, err := restore(snap)
	if err != nil {
		return fmt.Errorf("load the iPaaS.com simulator's state: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	next.revision = s.revision + 1
	s.store = next
	return nil
}

func restore(snap snapshot) (*store, error) {
	st := newStore(snap.CustomFields)
	st.lastCustomer, st.lastCompany, st.lastRow = snap.LastCustomer, snap.LastCompany, snap.LastRow
	for _, c := range snap.Companies {
		if c.ID <= 0 || c.ID > st.lastCompany || st.companies[c.ID] != nil {
			return nil, fmt.Errorf("company %d: the id is out of range or used twice", c.ID)
		}
		st.putCompany(&c)
	}
	for _, c := range snap.Customers {
		if c.ID <= 0 || c.ID > st.lastCustomer || st.customers[c.ID] != nil {
			return nil, fmt.Errorf("customer %d: the id is out of range or used twice", c.ID)
		}
		for _, a := range c.Addresses {
			if _, twice := st.addressOwner[a.ID]; twice || a.ID == "" {
				return nil, fmt.Errorf("customer %d: an address has no id or one that is used twice", c.ID)
			}
		}
		st.put(&c)
	}
	for _, l := range snap.Links {
		key := link{l.SystemID, l.Table, l.ExternalID}
		if _, twice := st.links[key]; twice {
			return nil, fmt.Errorf("link %d of %s to record %s: the external id is used twice", l.SystemID, l.Table, l.InternalID)
		}
		if _, twice := st.linked[record{l.SystemID, l.Table, l.InternalID}]; twice {
			return nil, fmt.Errorf("link %d of %s to record %s: the record has two", l.SystemID, l.Table, l.InternalID)
		}
		st.connect(key, l.InternalID)
	}
	return st, nil
}

// Reset empties the simulator: records, links, requests, counters and faults. The
// custom fields are those of the Config again.
func (s *Simulator) Reset() {
	s.mu.Lock()
	revision := s.revision
	s.store = newStore(s.cfg.CustomFields)
	s.revision = revision + 1
	s.mu.Unlock()
	s.ResetRequests()
	s.ResetFaults()
}
