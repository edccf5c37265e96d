package mapping

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/expr-lang/expr/vm"

	"contactsync/shared/contact"
)

// The values of SourceTypeName (design.md 1.7).
const (
	typeContact    = "Contact"
	typeParentOnly = "ParentOnly"
)

// A modelName is one text value of a contact under its name of design.md 1.7.
type modelName struct {
	name string
	get  func(*contact.Contact) string
	set  func(*contact.Contact, string)
	// open says that the value may stand in reasons and logs: it names a record or
	// a kind of record and never a person.
	open bool
}

var modelNames = []modelName{
	{"Id", func(c *contact.Contact) string { return c.ID }, func(c *contact.Contact, s string) { c.ID = s }, true},
	{"No", func(c *contact.Contact) string { return c.No }, func(c *contact.Contact, s string) { c.No = s }, true},
	{"Type", func(c *contact.Contact) string { return c.Type }, func(c *contact.Contact, s string) { c.Type = s }, true},
	{"RecordType", func(c *contact.Contact) string { return c.RecordType }, func(c *contact.Contact, s string) { c.RecordType = s }, true},
	{"CustomerType", func(c *contact.Contact) string { return c.CustomerType }, func(c *contact.Contact, s string) { c.CustomerType = s }, true},
	{"WebUserRole_Contact", func(c *contact.Contact) string { return c.WebUserRole }, func(c *contact.Contact, s string) { c.WebUserRole = s }, true},
	{"CompanyID_Contact", func(c *contact.Contact) string { return c.CompanyID }, func(c *contact.Contact, s string) { c.CompanyID = s }, true},
	{"CompanyName_Contact", func(c *contact.Contact) string { return c.CompanyName }, func(c *contact.Contact, s string) { c.CompanyName = s }, false},
	{"FirstName_Contact", func(c *contact.Contact) string { return c.FirstName }, func(c *contact.Contact, s string) { c.FirstName = s }, false},
	{"LastName_Contact", func(c *contact.Contact) string { return c.LastName }, func(c *contact.Contact, s string) { c.LastName = s }, false},
	{"EMail", func(c *contact.Contact) string { return c.EMail }, func(c *contact.Contact, s string) { c.EMail = s }, false},
	{"Address", func(c *contact.Contact) string { return c.Address }, func(c *contact.Contact, s string) { c.Address = s }, false},
	{"Address2", func(c *contact.Contact) string { return c.Address2 }, func(c *contact.Contact, s string) { c.Address2 = s }, false},
	{"City", func(c *contact.Contact) string { return c.City }, func(c *contact.Contact, s string) { c.City = s }, false},
	{"County", func(c *contact.Contact) string { return c.County }, func(c *contact.Contact, s string) { c.County = s }, false},
	{"CountryRegionCode", func(c *contact.Contact) string { return c.CountryRegionCode }, func(c *contact.Contact, s string) { c.CountryRegionCode = s }, true},
	{"PostCode", func(c *contact.Contact) string { return c.PostCode }, func(c *contact.Contact, s string) { c.PostCode = s }, false},
	{"PhoneNo", func(c *contact.Contact) string { return c.PhoneNo }, func(c *contact.Contact, s string) { c.PhoneNo = s }, false},
}

// addressNames are the model names that decide whether a contact has an address,
// see [contact.Contact.HasAddress].
var addressNames = []string{"Address", "Address2", "City", "County", "PostCode", "CountryRegionCode", "PhoneNo"}

// The names of a formula that are no text value of the contact.
const (
	additionalProperties = "AdditionalProperties"
	sourceTypeName       = "SourceTypeName"
	systemIDName         = "SpaceportSystemId"
	parentName           = "parent" // the same contact, seen from a child collection
)

func modelByName(name string) *modelName {
	i := slices.IndexFunc(modelNames, func(m modelName) bool { return m.name == name })
	if i < 0 {
		return nil
	}
	return &modelNames[i]
}

// formulaNames returns every name that a formula may use as a value.
func formulaNames() []string {
	names := make([]string, 0, len(modelNames)+3)
	for _, m := range modelNames {
		names = append(names, m.name)
	}
	return append(names, additionalProperties, sourceTypeName, systemIDName)
}

// An environment is what formulas see of one contact, and what one evaluation
// needs around it. The exported fields are the names of the formulas; a missing
// text is "". It must have no exported methods, for formulas could call them.
type environment struct {
	ID                   string         `expr:"Id"`
	No                   string         `expr:"No"`
	Type                 string         `expr:"Type"`
	RecordType           string         `expr:"RecordType"`
	CustomerType         string         `expr:"CustomerType"`
	WebUserRole          string         `expr:"WebUserRole_Contact"`
	CompanyID            string         `expr:"CompanyID_Contact"`
	CompanyName          string         `expr:"CompanyName_Contact"`
	FirstName            string         `expr:"FirstName_Contact"`
	LastName             string         `expr:"LastName_Contact"`
	EMail                string         `expr:"EMail"`
	Address              string         `expr:"Address"`
	Address2             string         `expr:"Address2"`
	City                 string         `expr:"City"`
	County               string         `expr:"County"`
	CountryRegionCode    string         `expr:"CountryRegionCode"`
	PostCode             string         `expr:"PostCode"`
	PhoneNo              string         `expr:"PhoneNo"`
	AdditionalProperties map[string]any `expr:"AdditionalProperties"`
	SourceTypeName       string         `expr:"SourceTypeName"`
	SpaceportSystemID    string         `expr:"SpaceportSystemId"`

	ctx      context.Context
	contact  *contact.Contact
	links    Links
	unlinked []Link
	err      error // of links or ctx; it ends the evaluation and is returned as it is
	machine  vm.VM
}

// memoryBudget bounds the elements of the lists that one formula may make; a
// contact has a few hundred properties at most. Together with the refusal of
// predicates nested more than once it bounds the formula's time as well.
const memoryBudget = 2_000

var environments = sync.Pool{New: func() any {
	return &environment{machine: vm.VM{MemoryBudget: memoryBudget}}
}}

func newEnvironment(ctx context.Context, ct *contact.Contact, o Options) *environment {
	e := environments.Get().(*environment)
	e.ID, e.No, e.Type, e.RecordType = ct.ID, ct.No, ct.Type, ct.RecordType
	e.CustomerType, e.WebUserRole = ct.CustomerType, ct.WebUserRole
	e.CompanyID, e.CompanyName = ct.CompanyID, ct.CompanyName
	e.FirstName, e.LastName, e.EMail = ct.FirstName, ct.LastName, ct.EMail
	e.Address, e.Address2, e.City, e.County = ct.Address, ct.Address2, ct.City, ct.County
	e.CountryRegionCode, e.PostCode, e.PhoneNo = ct.CountryRegionCode, ct.PostCode, ct.PhoneNo
	e.AdditionalProperties = ct.AdditionalProperties
	e.SourceTypeName, e.SpaceportSystemID = typeContact, o.SystemID
	e.ctx, e.contact, e.links = ctx, ct, o.Links
	return e
}

// release gives the environment back without a trace of the contact.
func (e *environment) release() {
	machine := e.machine
	clear(machine.Stack[:cap(machine.Stack)])
	clear(machine.Variables)
	*e = environment{machine: machine}
	environments.Put(e)
}

var errNoLinks = errors.New("mapping: a formula asks for a link to another record, and Options.Links is nil")

// resolve returns the iPaaS.com id of another record, "" when it is not linked or
// the contact names none. What is not linked is noted once.
func (e *environment) resolve(externalID, table, systemID string) (string, error) {
	if strings.TrimSpace(externalID) == "" {
		return "", nil
	}
	if err := e.ctx.Err(); err != nil {
		e.err = err
		return "", err
	}
	if e.links == nil {
		e.err = errNoLinks
		return "", errNoLinks
	}
	id, err := e.links.SpaceportID(e.ctx, externalID, table, systemID)
	if err != nil {
		e.err = err
		return "", err
	}
	if link := (Link{Table: table, ExternalID: externalID}); id == "" && !slices.Contains(e.unlinked, link) {
		e.unlinked = append(e.unlinked, link)
	}
	return id, nil
}
