// Package mapping loads, compiles and evaluates a mapping collection: the rows
// that turn a Business Central contact into an iPaaS.com customer (seed,
// Mappings; design.md 1.11). It is pure: links to other records are resolved
// through [Links].
package mapping

import (
	"context"

	"contactsync/shared/customer"
)

// Links resolves the id of another record in iPaaS.com for GetSpaceportId and
// GetSpaceportIdAsync (ipaas.md 12.1).
type Links interface {
	// SpaceportID returns the iPaaS.com id of the record of the given table that
	// carries externalID for the system; "" when it is not linked.
	SpaceportID(ctx context.Context, externalID, table, systemID string) (string, error)
}

// Options are what an evaluation needs besides the contact.
type Options struct {
	SystemID string // SpaceportSystemId in formulas
	Links    Links
}

// Sources says what of a contact a collection reads.
type Sources struct {
	Model         []string // model names, sorted: EMail, No, Type
	Properties    []string // further properties by name, sorted: Active_Web_User, Customer Type
	AllProperties bool     // a formula reads AdditionalProperties as a whole or by a computed name
}

// A Result is what a collection makes of one contact. Either Skipped is set, or
// Customer is (with whatever findings stand against sending it).
type Result struct {
	Skipped  string            // why the filter left the contact out, with the values it saw; no personal data
	Customer customer.Customer // without external ids; at most one address
	Findings []Finding         // everything that stands against the transfer
	Warnings []string          // recommended values that are empty; no personal data
	Unlinked []Link            // links that a formula asked for and that do not exist
}

// A Finding is one thing that stands against sending a customer.
type Finding struct {
	Kind   FindingKind
	Field  string // destination in the seed's spelling: EmailAddress
	Source string // where its value should come from: EMail, Job Title (Custom Field), or "formula" when it reads more than one name
	Detail string // for FormulaFailed: the row and the reason without values
}

// FindingKind says what a Finding is about.
type FindingKind int

// The kinds of findings.
const (
	RequiredEmpty FindingKind = iota // a required destination has no value
	FormulaFailed                    // a formula or filter could not be evaluated on this record
)

// A Link is one link to another record: GetSpaceportId(ExternalID, Table, ...).
type Link struct {
	Table      string
	ExternalID string
}
