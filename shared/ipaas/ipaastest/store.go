package ipaastest

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The names of the tables that external ids stand under, as the vendor's client
// spells them (ipaas.md 7). The one of companies is a switch (14, no. 6).
const (
	TableCustomer = "customer"
	TableAddress  = "Address"
	TableCategory = "customer category"
)

// A Customer is a customer as it stands in the simulator.
type Customer struct {
	ID             int64         `json:"id"`
	CustomerNumber string        `json:"customer_number"`
	FirstName      string        `json:"first_name"`
	LastName       string        `json:"last_name"`
	EmailAddress   string        `json:"email_address"`
	Company        string        `json:"company"`
	Comment        string        `json:"comment"`
	CategoryID     int64         `json:"category_id,omitempty"`
	Inactive       bool          `json:"inactive,omitempty"`
	Created        time.Time     `json:"created_datetime"`
	Updated        time.Time     `json:"updated_datetime"`
	CustomFields   []CustomField `json:"custom_fields"`
	ExternalIDs    []ExternalID  `json:"external_ids"`
	Addresses      []Address     `json:"addresses"`
}

// CustomField returns the value of the custom field; "" when it has none.
func (c Customer) CustomField(name string) string { return valueOf(c.CustomFields, name) }

// ExternalID returns the external id for the given system; "" when it is not linked.
func (c Customer) ExternalID(systemID int64) string { return externalID(c.ExternalIDs, systemID) }

// An Address is one address of a customer.
type Address struct {
	ID           string        `json:"id"`
	Fields       AddressValues `json:"fields"`
	CustomFields []CustomField `json:"custom_fields"`
	ExternalIDs  []ExternalID  `json:"external_ids"`
}

// ExternalID returns the external id for the given system; "" when it is not linked.
func (a Address) ExternalID(systemID int64) string { return externalID(a.ExternalIDs, systemID) }

// AddressValues are what one address says. Two addresses are equal when these are.
type AddressValues struct {
	FirstName         string `json:"first_name"`
	LastName          string `json:"last_name"`
	Company           string `json:"company"`
	PhoneNumber       string `json:"phone_number"`
	Address1          string `json:"address_1"`
	Address2          string `json:"address_2"`
	Address3          string `json:"address_3"`
	City              string `json:"city"`
	Region            string `json:"region"`
	Country           string `json:"country"`
	PostalCode        string `json:"postal_code"`
	IsPrimaryBilling  bool   `json:"is_primary_billing"`
	IsPrimaryShipping bool   `json:"is_primary_shipping"`
}

// A CustomField is the value of one custom field of a record.
type CustomField struct {
	ID    string `json:"id"`
	Name  string `json:"custom_field_name"`
	Value string `json:"value"`
}

// An ExternalID is the link of a record to a record of one system.
type ExternalID struct {
	SystemID   int64  `json:"system_id"`
	ExternalID string `json:"external_id"`
}

// A Company is a customer company as it stands in the simulator.
type Company struct {
	ID          int64        `json:"id"`
	Name        string       `json:"name"`
	ExternalIDs []ExternalID `json:"external_ids"`
}

func valueOf(fields []CustomField, name string) string {
	for _, f := range fields {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

func externalID(links []ExternalID, systemID int64) string {
	for _, l := range links {
		if l.SystemID == systemID {
			return l.ExternalID
		}
	}
	return ""
}

// store holds the records and their indexes. A stored record is never changed in
// place: a change stores a copy, so a record may be read after the lock is gone.
// External ids stand in links alone; the stored records have none.
type store struct {
	customers    map[int64]*Customer
	customerIDs  []int64 // ascending
	byEmail      map[string][]int64
	companies    map[int64]*Company
	companyIDs   []int64
	companyNames map[string][]int64
	addressOwner map[string]int64
	links        map[link]string   // to the internal id, of deleted records too
	linked       map[record]string // to the external id; the reverse of links
	fields       map[fieldKey]CustomFieldDefinition
	lastCustomer int64
	lastCompany  int64
	lastRow      int64 // of addresses and custom-field values
	revision     uint64
}

// link names an external id; the table's name is folded to the switch's case rule.
type link struct {
	system   int64
	table    string
	external string
}

// record names a record that a link leads to.
type record struct {
	system   int64
	table    string
	internal string
}

type fieldKey struct {
	collection Collection
	name       string
}

func newStore(fields []CustomFieldDefinition) *store {
	st := &store{
		customers: map[int64]*Customer{}, byEmail: map[string][]int64{},
		companies: map[int64]*Company{}, companyNames: map[string][]int64{},
		addressOwner: map[string]int64{},
		links:        map[link]string{}, linked: map[record]string{},
		fields:       map[fieldKey]CustomFieldDefinition{},
		lastCustomer: 900, lastCompany: 500, lastRow: 210_000,
	}
	for _, f := range fields {
		st.define(f)
	}
	return st
}

func (st *store) define(f CustomFieldDefinition) {
	if f.Collection == "" {
		f.Collection = CustomerFields
	}
	if f.DataType == "" {
		f.DataType = "string"
	}
	st.fields[fieldKey{f.Collection, f.Name}] = f
}

func (st *store) definitions() []CustomFieldDefinition {
	return slices.SortedFunc(maps.Values(st.fields), func(a, b CustomFieldDefinition) int {
		if c := strings.Compare(string(a.Collection), string(b.Collection)); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
}

// put stores a customer, new or changed, and brings the indexes along.
func (st *store) put(c *Customer) {
	if old := st.customers[c.ID]; old == nil {
		st.customerIDs = insertSorted(st.customerIDs, c.ID)
		st.indexEmail(c)
	} else {
		if foldEmail(old.EmailAddress) != foldEmail(c.EmailAddress) {
			st.unindexEmail(old)
			st.indexEmail(c)
		}
		for _, a := range old.Addresses {
			delete(st.addressOwner, a.ID)
		}
	}
	for _, a := range c.Addresses {
		st.addressOwner[a.ID] = c.ID
	}
	st.customers[c.ID] = c
	st.revision++
}

// remove deletes a customer for good. The links to it and to its addresses stay
// behind and lead nowhere.
func (st *store) remove(c *Customer) {
	delete(st.customers, c.ID)
	if i, found := slices.BinarySearch(st.customerIDs, c.ID); found {
		st.customerIDs = slices.Delete(st.customerIDs, i, i+1)
	}
	st.unindexEmail(c)
	for _, a := range c.Addresses {
		delete(st.addressOwner, a.ID)
	}
	st.revision++
}

func (st *store) putCompany(c *Company) {
	st.companies[c.ID] = c
	st.companyIDs = insertSorted(st.companyIDs, c.ID)
	name := strings.ToLower(c.Name)
	st.companyNames[name] = append(st.companyNames[name], c.ID)
	st.revision++
}

func insertSorted(ids []int64, id int64) []int64 {
	if n := len(ids); n == 0 || ids[n-1] < id {
		return append(ids, id)
	}
	i, _ := slices.BinarySearch(ids, id)
	return slices.Insert(ids, i, id)
}

func foldEmail(email string) string { return strings.ToLower(email) }

func (st *store) indexEmail(c *Customer) {
	key := foldEmail(c.EmailAddress)
	st.byEmail[key] = append(st.byEmail[key], c.ID)
}

func (st *store) unindexEmail(c *Customer) {
	key := foldEmail(c.EmailAddress)
	rest := slices.DeleteFunc(st.byEmail[key], func(id int64) bool { return id == c.ID })
	if len(rest) == 0 {
		delete(st.byEmail, key)
		return
	}
	st.byEmail[key] = rest
}

// connect makes l lead to the record and to no other, and the record carry no
// other external id of that system.
func (st *store) connect(l link, internal string) {
	r := record{l.system, l.table, internal}
	if before, found := st.linked[r]; found {
		delete(st.links, link{l.system, l.table, before})
	}
	if before, found := st.links[l]; found {
		delete(st.linked, record{l.system, l.table, before})
	}
	st.links[l], st.linked[r] = internal, l.external
	st.revision++
}

func (st *store) disconnect(r record) {
	external, found := st.linked[r]
	if !found {
		return
	}
	delete(st.linked, r)
	delete(st.links, link{r.system, r.table, external})
	st.revision++
}

func (st *store) nextRow() string {
	st.lastRow++
	return strconv.FormatInt(st.lastRow, 10)
}

func idText(id int64) string { return strconv.FormatInt(id, 10) }
