package mapping

import (
	"context"
	"errors"

	"contactsync/shared/contact"
)

// A Collection is a loaded and compiled mapping collection. It is safe for
// concurrent use.
type Collection struct {
	name string
}

// Options are what an evaluation needs besides the contact.
type Options struct {
	SystemID string // SpaceportSystemId in formulas
	Links    Links
}

// Load reads a mapping file and compiles it. file names it in errors. The error
// is a [*LoadError] that lists every mistake with line, row and what was expected.
func Load(file string, data []byte) (*Collection, error) { return nil, errors.New("stub") }

// Embedded returns the collection that is part of the program: the seed's tables.
func Embedded() (*Collection, error) { return nil, errors.New("stub") }

// Name returns the collection's name.
func (c *Collection) Name() string { return c.name }

// Enabled reports whether the collection transfers anything at all.
func (c *Collection) Enabled() bool { return true }

// Creates reports whether the trigger Contact Create is on: an unlinked contact
// makes a customer.
func (c *Collection) Creates() bool { return true }

// Updates reports whether the trigger Contact Update is on: a linked contact
// updates its customer.
func (c *Collection) Updates() bool { return true }

// Digest identifies the mapping's meaning: it changes when a transfer could come
// out differently, and not with comments or descriptions.
func (c *Collection) Digest() string { return "" }

// Sources returns what of a contact the collection reads.
func (c *Collection) Sources() Sources { return Sources{} }

// AppendSources appends every value that the collection reads of the contact,
// in a fixed unambiguous form, to dst. Two contacts with equal bytes map alike.
func (c *Collection) AppendSources(dst []byte, ct *contact.Contact) []byte { return dst }

// Apply evaluates the filter and, if it lets the contact through, every row. All
// findings are gathered. The error is one of o.Links or of the context.
func (c *Collection) Apply(ctx context.Context, ct *contact.Contact, o Options) (Result, error) {
	return Result{}, nil
}
