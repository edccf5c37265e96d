package ipaastest

import (
	"encoding/json"
	"time"
)

// The answers' shapes (ipaas.md 6.2 to 6.4, 7 and 8).

type wireLink struct {
	ID         string `json:"id"`
	SystemID   int64  `json:"system_id"`
	SystemName string `json:"system_name"`
	ExternalID string `json:"external_id"`
	InternalID string `json:"internal_id"`
}

type wireAddress struct {
	ID any `json:"id"`
	AddressValues
	CustomFields []CustomField `json:"custom_fields"`
	ExternalIDs  []wireLink    `json:"external_ids"`
}

type wireCustomer struct {
	ID              any           `json:"id"`
	TrackingGUID    string        `json:"tracking_guid,omitempty"`
	CustomerNumber  string        `json:"customer_number"`
	FirstName       string        `json:"first_name"`
	LastName        string        `json:"last_name"`
	EmailAddress    string        `json:"email_address"`
	Company         string        `json:"company"`
	Comment         string        `json:"comment"`
	CategoryID      *int64        `json:"category_id"`
	CreatedDatetime string        `json:"created_datetime"`
	UpdatedDatetime string        `json:"updated_datetime"`
	CustomFields    []CustomField `json:"custom_fields"`
	ExternalIDs     []wireLink    `json:"external_ids"`
	Addresses       []wireAddress `json:"addresses"`
	Categories      []any         `json:"categories"`
}

type wireCompany struct {
	ID           any           `json:"id"`
	Name         string        `json:"name"`
	CustomFields []CustomField `json:"custom_fields"`
	ExternalIDs  []wireLink    `json:"external_ids"`
}

func (s *Simulator) wireID(id int64) any {
	if s.cfg.Switches.StringIDs {
		return idText(id)
	}
	return id
}

func (s *Simulator) wireCustomer(c *Customer, tracking string) any {
	w := wireCustomer{
		ID: s.wireID(c.ID), TrackingGUID: tracking, CustomerNumber: c.CustomerNumber,
		FirstName: c.FirstName, LastName: c.LastName, EmailAddress: c.EmailAddress,
		Company: c.Company, Comment: c.Comment,
		CreatedDatetime: wireTime(c.Created), UpdatedDatetime: wireTime(c.Updated),
		CustomFields: noNull(c.CustomFields), ExternalIDs: s.wireLinks(TableCustomer, idText(c.ID)),
		Addresses: make([]wireAddress, 0, len(c.Addresses)), Categories: []any{},
	}
	if c.CategoryID != 0 {
		w.CategoryID = &c.CategoryID
	}
	for _, a := range c.Addresses {
		w.Addresses = append(w.Addresses, s.wireAddress(a))
	}
	if name := s.cfg.Switches.ActiveMember; name != "" {
		return withMember(w, name, !c.Inactive)
	}
	return w
}

// withMember adds a member whose name is known only to the configuration.
func withMember(w wireCustomer, name string, value bool) any {
	body, err := json.Marshal(w)
	if err != nil {
		panic("ipaastest: answer cannot be encoded: " + err.Error()) // a defect of the simulator
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(body, &object); err != nil {
		panic("ipaastest: answer cannot be read back: " + err.Error()) // a defect of the simulator
	}
	object[name] = json.RawMessage("false")
	if value {
		object[name] = json.RawMessage("true")
	}
	return object
}

func (s *Simulator) wireAddress(a Address) wireAddress {
	var id any = a.ID
	if s.cfg.Switches.NumberAddress {
		id = json.Number(a.ID)
	}
	return wireAddress{ID: id, AddressValues: a.Fields, CustomFields: noNull(a.CustomFields), ExternalIDs: s.wireLinks(TableAddress, a.ID)}
}

func (s *Simulator) wireCompany(c *Company) any {
	return wireCompany{
		ID: s.wireID(c.ID), Name: c.Name, CustomFields: []CustomField{},
		ExternalIDs: s.wireLinks(s.cfg.Switches.CompanyTable, idText(c.ID)),
	}
}

func (s *Simulator) wireLinks(table, internal string) []wireLink {
	links := []wireLink{}
	for _, l := range s.externalIDs(table, internal) {
		links = append(links, s.wireLink(l, internal))
	}
	return links
}

func (s *Simulator) wireLink(l ExternalID, internal string) wireLink {
	return wireLink{
		ID: internal + "-" + idText(l.SystemID), SystemID: l.SystemID, SystemName: "Subscription " + idText(l.SystemID),
		ExternalID: l.ExternalID, InternalID: internal,
	}
}

func (s *Simulator) externalIDs(table, internal string) []ExternalID {
	var links []ExternalID
	for _, system := range s.cfg.SystemIDs {
		if external, found := s.linked[record{system, s.fold(table), internal}]; found {
			links = append(links, ExternalID{system, external})
		}
	}
	return links
}

func noNull(fields []CustomField) []CustomField {
	if fields == nil {
		return []CustomField{}
	}
	return fields
}

func wireTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.0000000-07:00") }
