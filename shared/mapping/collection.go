package mapping

import (
	"crypto/sha256"
	_ "embed" // the seed's tables
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"sync"

	"contactsync/shared/contact"
)

// A Collection is a loaded and compiled mapping collection. It is safe for
// concurrent use.
type Collection struct {
	enabled, creates, updates bool

	parent table
	child  *table // nil when addresses are not mapped

	sources    Sources
	readers    []func(*contact.Contact) string // of sources.Model and the number
	properties []property                      // of sources.Properties
	digest     string
}

// EmbeddedFile names the embedded mapping file in errors.
const EmbeddedFile = "contact_to_customer.yaml"

//go:embed contact_to_customer.yaml
var embedded []byte

// Embedded returns the collection that is part of the program: the seed's tables.
// It is compiled once.
var Embedded = sync.OnceValues(func() (*Collection, error) { return Load(EmbeddedFile, embedded) })

// Load reads a mapping file and compiles it. file names it in errors. The error
// is a [*LoadError] that lists every mistake with line, row and what was expected.
func Load(file string, data []byte) (*Collection, error) {
	var r reader
	content := r.content(data)
	if content == nil {
		return nil, r.err(file)
	}
	c := &Collection{enabled: content.enabled, creates: content.creates, updates: content.updates}
	c.parent, c.child = r.compile(content)
	if err := r.err(file); err != nil {
		return nil, err
	}
	c.findSources()
	c.digest = c.computeDigest()
	return c, nil
}

// Name returns the collection's name.
func (c *Collection) Name() string { return c.parent.name }

// Enabled reports whether the collection transfers anything at all.
func (c *Collection) Enabled() bool { return c.enabled }

// Creates reports whether the trigger Contact Create is on: an unlinked contact
// makes a customer.
func (c *Collection) Creates() bool { return c.creates }

// Updates reports whether the trigger Contact Update is on: a linked contact
// updates its customer.
func (c *Collection) Updates() bool { return c.updates }

// Digest identifies the mapping's meaning: it changes when a transfer could come
// out differently, and not with comments, descriptions, spacing or the order of
// rows.
func (c *Collection) Digest() string { return c.digest }

// Sources returns what of a contact the collection reads.
func (c *Collection) Sources() Sources {
	return Sources{
		Model:         slices.Clone(c.sources.Model),
		Properties:    slices.Clone(c.sources.Properties),
		AllProperties: c.sources.AllProperties,
	}
}

func (c *Collection) tables() []*table {
	if c.child == nil {
		return []*table{&c.parent}
	}
	return []*table{&c.parent, c.child}
}

func (c *Collection) findSources() {
	all := reads{names: []string{"No"}} // the external id is made of it
	for _, t := range c.tables() {
		if t.filter != nil {
			all.merge(t.filter.reads())
		}
		for i := range t.rows {
			all.merge(t.rows[i].reads)
		}
	}
	if c.child != nil && slices.Contains(all.names, sourceTypeName) {
		for _, name := range addressNames {
			all.addName(name)
		}
	}
	for _, m := range modelNames {
		if slices.Contains(all.names, m.name) {
			c.sources.Model = append(c.sources.Model, m.name)
		}
	}
	slices.Sort(c.sources.Model)
	slices.Sort(all.properties)
	c.sources.Properties, c.sources.AllProperties = all.properties, all.all
	for _, name := range c.sources.Model {
		c.readers = append(c.readers, modelByName(name).get)
	}
	for _, name := range c.sources.Properties {
		c.properties = append(c.properties, newProperty(name))
	}
}

// digestVersion changes when the same file would map contacts differently, for
// example because a function of the formulas was corrected.
const digestVersion = "mapping 1"

func (c *Collection) computeDigest() string {
	var lines []string
	for _, t := range c.tables() {
		at := t.destination
		if t.filter != nil {
			lines = append(lines, strconv.Quote(at)+" filter "+strconv.Quote(t.filter.normalised()))
		}
		for i := range t.rows {
			lines = append(lines, strconv.Quote(at)+" "+t.rows[i].meaning())
		}
	}
	slices.Sort(lines)
	head := []string{digestVersion, strconv.Quote(c.parent.name),
		strconv.FormatBool(c.enabled), strconv.FormatBool(c.creates), strconv.FormatBool(c.updates)}
	sum := sha256.Sum256([]byte(strings.Join(append(head, lines...), "\n")))
	return hex.EncodeToString(sum[:16])
}

func (f *filter) normalised() string {
	texts := make([]string, len(f.parts))
	for i, part := range f.parts {
		texts[i] = part.text
	}
	return strings.Join(texts, " && ")
}

// meaning writes down everything about a row that decides what is sent.
func (r *row) meaning() string {
	source := r.source
	if r.formula != nil {
		source = r.formula.text
	}
	marks := ""
	for _, m := range []struct {
		on   bool
		name string
	}{{r.required, " required"}, {r.recommended, " recommended"}, {r.clear, " clear"}} {
		if m.on {
			marks += m.name
		}
	}
	return strings.Join([]string{string(r.kind), strconv.Quote(source), strconv.Quote(r.destination)}, " ") + marks
}

// A Table is a parent or child collection as people read it, for the command's
// mapping check and for the manual.
type Table struct {
	Name        string
	Destination string // of a child collection: Addresses; "" for the parent
	Filter      string // as it stands in the file; "" when every contact passes
	Description string
	Rows        []Row
}

// A Row is one row of a [Table].
type Row struct {
	Type        RowType
	Source      string // a model name, a custom field, an expression or a static value
	Destination string
	Required    bool
	Recommended bool
	WhenEmpty   string // omit or clear
	Description string
}

// Rows returns the parent collection and the child collection with their rows, in
// the order of the file.
func (c *Collection) Rows() []Table {
	var tables []Table
	for _, t := range c.tables() {
		shown := Table{Name: t.name, Destination: t.destination, Description: t.description}
		if t.filter != nil {
			shown.Filter = t.filter.text
		}
		for i := range t.rows {
			r := &t.rows[i]
			whenEmpty := whenEmptyOmit
			if r.clear {
				whenEmpty = whenEmptyClear
			}
			shown.Rows = append(shown.Rows, Row{Type: r.kind, Source: r.source, Destination: r.destination,
				Required: r.required, Recommended: r.recommended, WhenEmpty: whenEmpty, Description: r.description})
		}
		tables = append(tables, shown)
	}
	return tables
}
