package mapping

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"contactsync/shared/contact"
	"contactsync/shared/customer"
)

// addresses is the destination of the only child collection: a customer's addresses.
const addresses = "Addresses"

// A table is a compiled parent or child collection.
type table struct {
	name        string
	description string
	destination string // Addresses, "" for the parent
	filter      *filter
	rows        []row
}

// A row is one compiled row.
type row struct {
	kind        RowType
	source      string // as it stands in the file
	origin      string // where a missing value should come from: EMail, or "formula"
	destination string // in the seed's spelling
	api         string // the API's name; for a custom field its name
	custom      bool
	value       customer.Kind // of a destination that is no custom field
	required    bool
	recommended bool
	clear       bool
	description string

	get      func(*contact.Contact) string // model name as the source
	property *property                     // further property as the source
	formula  *formula
	constant any // the value of a static row

	reads reads
}

// compile makes the tables of a file that was read.
func (r *reader) compile(f *fileContent) (parent table, child *table) {
	parent = r.table(&f.parent, customer.Fields, false)
	for i := range f.children {
		t := r.table(&f.children[i], customer.AddressFields, true)
		t.destination = f.children[i].destination
		child = &t
	}
	return parent, child
}

func (r *reader) table(c *fileCollection, fields []customer.FieldSpec, inChild bool) table {
	t := table{name: c.name, description: c.description}
	if c.filter != nil {
		if text := r.text(c.filter, c.where, "filter"); strings.TrimSpace(text) != "" {
			var err error
			if t.filter, err = compileFilter(text, inChild); err != nil {
				r.add(lineOf(c.filter), joined(c.where, "filter"), "%v", err)
			}
		}
	}
	seen := map[string]int{}
	for i := range c.rows {
		from := &c.rows[i]
		if from.destination != "" {
			key := strings.ToLower(from.destination)
			if line, twice := seen[key]; twice {
				r.add(from.line, from.where, "%s is filled twice, first in line %d: expected one row for each destination", from.destination, line)
			} else {
				seen[key] = from.line
			}
		}
		t.rows = append(t.rows, r.compileRow(from, fields, inChild))
	}
	return t
}

func (r *reader) compileRow(from *fileRow, fields []customer.FieldSpec, inChild bool) row {
	to := row{kind: from.kind, destination: from.destination, required: from.required, recommended: from.recommended,
		clear: from.whenEmpty == whenEmptyClear, description: from.description}
	known := r.target(&to, from, fields, inChild)
	r.marks(&to, from)
	if from.source == nil {
		return to
	}
	switch from.kind {
	case Field:
		r.fieldSource(&to, from, inChild, known)
	case Formula:
		r.formulaSource(&to, from, inChild, known)
	case Static:
		r.staticSource(&to, from, known)
	}
	return to
}

// target sets where a row's value goes and reports whether that exists.
func (r *reader) target(to *row, from *fileRow, fields []customer.FieldSpec, inChild bool) bool {
	name := from.destination
	if strings.TrimSpace(name) == "" {
		return false
	}
	if custom, ok := strings.CutSuffix(name, customSuffix); ok {
		to.api, to.custom = custom, true
		switch {
		case inChild:
			r.add(from.line, from.where, "an address has no custom fields: expected one of %s", fieldNames(fields))
			return false
		case strings.TrimSpace(custom) == "" || strings.TrimSpace(custom) != custom:
			r.add(from.line, from.where, "expected the custom field's name before%s, without blanks around it", customSuffix)
			return false
		}
		return true
	}
	for _, f := range fields {
		if f.Name == name {
			to.api, to.value = f.APIName, f.Kind
			return true
		}
	}
	names := fieldNames(fields)
	if near := nearest(name, strings.Split(names, ", ")); near != "" {
		r.add(from.line, from.where, "unknown destination %q: did you mean %s?", name, near)
		return false
	}
	own := ""
	if !inChild {
		own = ", or a custom field whose name ends in" + customSuffix
	}
	r.add(from.line, from.where, "unknown destination %q: expected one of %s%s", name, names, own)
	return false
}

func fieldNames(fields []customer.FieldSpec) string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
	}
	return strings.Join(names, ", ")
}

// marks checks required, recommended and when_empty against each other and
// against the destination.
func (r *reader) marks(to *row, from *fileRow) {
	if to.required && to.recommended {
		r.add(from.line, from.where, "required and recommended contradict each other: expected one of them")
	}
	if !to.clear {
		return
	}
	switch {
	case to.required:
		r.add(from.line, from.where, "required and when_empty: clear contradict each other: a contact without a required value is not transferred")
	case to.custom:
		r.add(from.line, from.where, "when_empty: clear is not possible for a custom field, because iPaaS.com refuses empty custom values: expected omit")
	case to.value != customer.Text:
		r.add(from.line, from.where, "when_empty: clear is not possible for %s, which is no text: expected omit", to.destination)
	}
}

func (r *reader) fieldSource(to *row, from *fileRow, inChild, known bool) {
	text := r.text(from.source, from.where, "source")
	if strings.TrimSpace(text) == "" {
		return
	}
	to.source = text
	name := text
	if inChild {
		name = strings.TrimPrefix(name, parentName+".")
	}
	to.origin = name
	if custom, ok := strings.CutSuffix(name, customSuffix); ok && strings.TrimSpace(custom) != "" {
		p := newProperty(custom)
		to.property = &p
		to.reads.addProperty(custom)
		if squeezed(custom) == "customertype" {
			// The one custom field that has a model name (design.md 1.7).
			to.get = modelByName("CustomerType").get
			to.reads.addName("CustomerType")
		}
		return
	}
	model := modelByName(name)
	if model == nil {
		r.add(lineOf(from.source), from.where, "unknown source %q: %s", text, expectedName(name))
		return
	}
	to.get = model.get
	to.reads.addName(name)
	if known && !to.custom && to.value != customer.Text {
		r.add(lineOf(from.source), from.where, "%s is text and %s takes %s: expected a formula with %s", name, to.destination, to.value, converter(to.value))
	}
}

func converter(kind customer.Kind) string {
	if kind == customer.Bool {
		return "ConvertToBool(...)"
	}
	return "ConvertToInt(...)"
}

func expectedName(name string) string {
	names := make([]string, len(modelNames))
	for i, m := range modelNames {
		names[i] = m.name
	}
	if name == additionalProperties || name == sourceTypeName || name == systemIDName {
		return fmt.Sprintf("%s can be used in formulas only; a further property is written Name%s", name, customSuffix)
	}
	if near := nearest(name, names); near != "" {
		return "did you mean " + near + "?"
	}
	return "expected one of " + strings.Join(names, ", ") + ", or a further property whose name ends in" + customSuffix
}

func (r *reader) formulaSource(to *row, from *fileRow, inChild, known bool) {
	text := r.text(from.source, from.where, "source")
	if strings.TrimSpace(text) == "" {
		return
	}
	f, err := compileFormula(text, inChild)
	if err != nil {
		r.add(lineOf(from.source), from.where, "%v", err)
		return
	}
	to.source, to.formula, to.reads = strings.TrimSpace(text), f, f.reads
	to.origin = "formula"
	if len(f.reads.names) == 1 && len(f.reads.properties) == 0 && !f.reads.all {
		to.origin = f.reads.names[0]
	}
	if known && !accepts(to, f.kind) {
		r.add(lineOf(from.source), from.where, "the formula gives %s and %s takes %s%s", describeKind(f.kind), to.destination, expectedKind(to), conversion(to, f.kind))
	}
}

// accepts reports whether a formula's result can fill the destination. A result
// that only an evaluation can tell is checked there.
func accepts(to *row, kind reflect.Kind) bool {
	if kind == reflect.Interface {
		return true
	}
	number := kind >= reflect.Int && kind <= reflect.Uint64
	switch {
	case to.custom:
		return number || kind == reflect.String || kind == reflect.Bool || kind == reflect.Float64
	case to.value == customer.Bool:
		return kind == reflect.Bool
	case to.value == customer.Number:
		return number
	}
	return kind == reflect.String
}

func expectedKind(to *row) string {
	if to.custom {
		return "text, a number, or true or false"
	}
	return to.value.String()
}

func conversion(to *row, kind reflect.Kind) string {
	switch {
	case to.custom || kind == reflect.Invalid:
		return ""
	case to.value == customer.Text && kind != reflect.Slice && kind != reflect.Map:
		return ": write string(...)"
	case to.value != customer.Text && kind == reflect.String:
		return ": write " + converter(to.value)
	}
	return ""
}

func describeKind(kind reflect.Kind) string {
	switch kind {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Float64, reflect.Float32:
		return "a number with decimals"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Map, reflect.Struct, reflect.Pointer:
		return "a record"
	case reflect.Invalid:
		return "always nothing"
	case reflect.Func:
		return "a function"
	}
	return "a whole number"
}

func (r *reader) staticSource(to *row, from *fileRow, known bool) {
	to.origin = "static value"
	switch n := from.source.(type) {
	case *ast.StringNode, *ast.LiteralNode:
		to.constant, _ = scalarString(n)
	case *ast.BoolNode:
		to.constant = n.Value
	case *ast.IntegerNode:
		to.constant = wholeNumber(n)
	case *ast.FloatNode:
		to.constant = n.Value
	}
	if to.constant == nil {
		r.add(lineOf(from.source), from.where, "expected a static value (%s), found %s", expectedKind(to), describeNode(from.source))
		return
	}
	to.source, _ = scalarText(to.constant)
	if blank(to.constant) {
		if !to.clear {
			r.add(lineOf(from.source), from.where, "the static value is empty and would never be sent: expected a value, or when_empty: clear")
		}
		to.constant = ""
		return
	}
	if !known {
		return
	}
	if to.custom {
		to.constant = to.source
		return
	}
	ok := false
	switch to.constant.(type) {
	case string:
		ok = to.value == customer.Text
	case bool:
		ok = to.value == customer.Bool
	case int64:
		ok = to.value == customer.Number
	}
	if !ok {
		quotes := ""
		if to.value == customer.Text {
			quotes = ", in quotes"
		}
		r.add(lineOf(from.source), from.where, "%s takes %s%s, found %s", to.destination, to.value, quotes, describeNode(from.source))
	}
}

// wholeNumber returns the value of an integer as int64, nil when it is larger.
func wholeNumber(n *ast.IntegerNode) any {
	switch v := n.Value.(type) {
	case int64:
		return v
	case uint64:
		if v <= 1<<63-1 {
			return int64(v)
		}
	}
	return nil
}
