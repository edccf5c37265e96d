package mapping

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// customSuffix ends the name of a custom field on either side (design.md 1.11).
const customSuffix = " (Custom Field)"

// The triggers of the seed (Mapping Collection Status).
const (
	triggerCreate = "Contact Create"
	triggerUpdate = "Contact Update"
)

// A RowType is the kind of a mapping row as the seed's tables call it.
type RowType string

// The kinds of rows (design.md 1.11).
const (
	Field   RowType = "field"
	Formula RowType = "formula"
	Static  RowType = "static"
)

// What may stand under when_empty.
const (
	whenEmptyOmit  = "omit"
	whenEmptyClear = "clear"
)

// A fileCollection is a parent or child collection as it stands in the file.
type fileCollection struct {
	where       string // children[0], "" for the parent
	line        int
	name        string
	description string
	destination string // of a child
	filter      ast.Node
	rows        []fileRow
}

// A fileRow is one row as it stands in the file. Members that are not there or
// not readable are zero; the reader has reported them.
type fileRow struct {
	where       string // mappings[3] (EmailAddress)
	line        int
	kind        RowType
	source      ast.Node
	destination string
	required    bool
	recommended bool
	whenEmpty   string
	description string
}

// A fileContent is the whole mapping file.
type fileContent struct {
	parent   fileCollection
	enabled  bool
	creates  bool
	updates  bool
	children []fileCollection
}

func (r *reader) content(data []byte) *fileContent {
	root := r.document(data)
	if root == nil {
		return nil
	}
	f := &fileContent{enabled: true, creates: true, updates: true}
	m := r.object(root, "", "collection", "status", "triggers", "filter", "description", "mappings", "children")
	f.parent = r.collection(root, m, "")
	if node, ok := m["status"]; ok {
		switch status := r.text(node, "", "status"); status {
		case "enabled":
		case "disabled":
			f.enabled = false
		default:
			r.unlessBlank(node, status, "", "unknown status %q: expected enabled or disabled", status)
		}
	}
	if node, ok := m["triggers"]; ok {
		f.creates, f.updates = r.triggers(node)
	}
	if node, ok := m["children"]; ok {
		f.children = r.children(node)
	}
	return f
}

// unlessBlank reports a mistake about a text, unless the text is blank, which
// was reported already.
func (r *reader) unlessBlank(node ast.Node, text, where, format string, args ...any) {
	if strings.TrimSpace(text) != "" {
		r.add(lineOf(node), where, format, args...)
	}
}

func (r *reader) triggers(node ast.Node) (creates, updates bool) {
	items := r.list(node, "triggers")
	for _, item := range items {
		switch text := r.text(item, "triggers", "a trigger"); text {
		case triggerCreate:
			creates = true
		case triggerUpdate:
			updates = true
		default:
			r.unlessBlank(item, text, "triggers", "unknown trigger %q: expected %s or %s", text, triggerCreate, triggerUpdate)
		}
	}
	if _, isList := node.(*ast.SequenceNode); isList && len(items) == 0 {
		r.add(lineOf(node), "triggers", "the list is empty: expected %s, %s or both; status: disabled turns the collection off", triggerCreate, triggerUpdate)
	}
	return creates, updates
}

func (r *reader) children(node ast.Node) []fileCollection {
	var found []fileCollection
	for i, item := range r.list(node, "children") {
		where := fmt.Sprintf("children[%d]", i)
		m := r.object(item, where, "collection", "destination", "filter", "description", "mappings")
		child := r.collection(item, m, where)
		destination, ok := m["destination"]
		if !ok {
			r.add(child.line, where, "destination is missing: expected Addresses")
		} else if child.destination = r.text(destination, where, "destination"); child.destination != addresses {
			r.unlessBlank(destination, child.destination, where, "unknown destination %q of a child collection: expected %s", child.destination, addresses)
		}
		if slices.ContainsFunc(found, func(c fileCollection) bool { return c.destination == addresses && child.destination == addresses }) {
			r.add(child.line, where, "a second child collection for %s: expected one, for a contact has one address", addresses)
		}
		found = append(found, child)
	}
	return found
}

func (r *reader) collection(node ast.Node, m map[string]ast.Node, where string) fileCollection {
	c := fileCollection{where: where, line: lineOf(node)}
	if name, ok := m["collection"]; ok {
		c.name = r.text(name, where, "collection")
	} else {
		r.add(c.line, where, "collection is missing: expected the name of the mapping collection")
	}
	if description, ok := m["description"]; ok {
		c.description = r.text(description, where, "description")
	}
	c.filter = m["filter"]
	if _, ok := m["filter"]; ok && c.filter == nil {
		r.add(c.line, where, "filter is empty: expected a condition, or no filter at all")
	}
	mappings, ok := m["mappings"]
	if !ok {
		r.add(c.line, where, "mappings is missing: expected a list of rows")
		return c
	}
	items := r.list(mappings, joined(where, "mappings"))
	if _, isList := mappings.(*ast.SequenceNode); isList && len(items) == 0 {
		r.add(lineOf(mappings), joined(where, "mappings"), "the list is empty: expected at least one row")
	}
	for i, item := range items {
		c.rows = append(c.rows, r.row(item, joined(where, fmt.Sprintf("mappings[%d]", i))))
	}
	return c
}

func joined(where, part string) string {
	if where == "" {
		return part
	}
	return where + "." + part
}

func (r *reader) row(node ast.Node, where string) fileRow {
	row := fileRow{where: where, line: lineOf(node)}
	// The destination comes first, because it names the row in every mistake.
	row.destination = peek(node, "destination")
	if row.destination != "" {
		row.where = fmt.Sprintf("%s (%s)", where, row.destination)
	}
	m := r.object(node, row.where, "type", "source", "destination", "required", "recommended", "when_empty", "description")
	if m["destination"] == nil {
		r.add(row.line, row.where, "destination is missing: expected a field of iPaaS.com, or a name that ends in%s", customSuffix)
	} else {
		row.destination = r.text(m["destination"], row.where, "destination")
	}
	row.kind = r.rowType(m["type"], &row)
	if row.source = m["source"]; row.source == nil {
		r.add(row.line, row.where, "source is missing: expected %s", expectedSource(row.kind))
	}
	row.required = r.flag(m["required"], row.where, "required")
	row.recommended = r.flag(m["recommended"], row.where, "recommended")
	if description := m["description"]; description != nil {
		row.description = r.text(description, row.where, "description")
	}
	if node := m["when_empty"]; node != nil {
		row.whenEmpty = r.text(node, row.where, "when_empty")
		if row.whenEmpty != whenEmptyOmit && row.whenEmpty != whenEmptyClear {
			r.unlessBlank(node, row.whenEmpty, row.where, "unknown when_empty %q: expected omit (the field is not sent) or clear (it is sent empty)", row.whenEmpty)
		}
	}
	return row
}

func expectedSource(kind RowType) string {
	switch kind {
	case Formula:
		return "an expression"
	case Static:
		return "a value"
	}
	return "a model name, or a further property's name that ends in" + customSuffix
}

func (r *reader) rowType(node ast.Node, row *fileRow) RowType {
	if node == nil {
		r.add(row.line, row.where, "type is missing: expected field, formula or static")
		return ""
	}
	switch kind := RowType(r.text(node, row.where, "type")); kind {
	case Field, Formula, Static:
		return kind
	default:
		r.unlessBlank(node, string(kind), row.where, "unknown type %q: expected field, formula or static", kind)
		return ""
	}
}

// peek returns a text member of a map, "" when there is none.
func peek(node ast.Node, key string) string {
	var values []*ast.MappingValueNode
	switch n := node.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	}
	for _, v := range values {
		if k, ok := scalar(v.Key); ok && k == key {
			text, _ := scalarString(v.Value)
			return text
		}
	}
	return ""
}
