package mapping

import (
	_ "embed" // the cases of the seed's tables
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"contactsync/shared/contact"
	"contactsync/shared/customer"
)

// A Case is one example beside a mapping file: a contact and what must become of
// it (design.md 1.11).
type Case struct {
	Name string
	Line int // of the file, from 1

	contact contact.Contact
	links   map[string]map[string]string // table, in lower case, to external id to iPaaS.com id

	expectSkip bool
	skipText   string // a piece of the reason; "" for any reason
	codes      []string
	expectBody bool
	fields     []expected
	custom     []expected
	addresses  []expectedAddress // nil when none is expected to be looked at
	noAddress  bool
	warnings   []string // a piece of one warning each
}

// An expected is one member that a customer must have, under the API's name.
type expected struct {
	name   string
	text   string
	absent bool
}

type expectedAddress []expected

// EmbeddedCasesFile names the embedded cases in errors.
const EmbeddedCasesFile = "contact_to_customer.test.yaml"

//go:embed contact_to_customer.test.yaml
var embeddedCases []byte

// EmbeddedCases returns the cases of the embedded collection.
func EmbeddedCases() ([]Case, error) { return LoadCases(EmbeddedCasesFile, embeddedCases) }

// LoadCases reads a file of cases. file names it in errors. The error is a
// [*LoadError] that lists every mistake.
func LoadCases(file string, data []byte) ([]Case, error) {
	var r reader
	root := r.document(data)
	if root == nil {
		return nil, r.err(file)
	}
	var cases []Case
	tests, ok := r.object(root, "", "tests")["tests"]
	if !ok {
		r.add(lineOf(root), "", "tests is missing: expected a list of cases")
		return nil, r.err(file)
	}
	for i, node := range r.list(tests, "tests") {
		cases = append(cases, r.testCase(node, i, cases))
	}
	if _, isList := tests.(*ast.SequenceNode); isList && len(cases) == 0 {
		r.add(lineOf(tests), "tests", "the list is empty: expected at least one case")
	}
	if err := r.err(file); err != nil {
		return nil, err
	}
	return cases, nil
}

func (r *reader) testCase(node ast.Node, i int, before []Case) Case {
	c := Case{Line: lineOf(node), Name: peek(node, "name")}
	where := fmt.Sprintf("tests[%d]", i)
	if c.Name != "" {
		where += " (" + c.Name + ")"
	}
	m := r.object(node, where, "name", "contact", "links", "customer", "skipped", "errors", "warnings")
	if m["name"] == nil {
		r.add(c.Line, where, "name is missing: expected a sentence that says what is tested")
	} else {
		c.Name = r.text(m["name"], where, "name")
	}
	for _, other := range before {
		if other.Name == c.Name && c.Name != "" {
			r.add(c.Line, where, "the name is used twice, first in line %d", other.Line)
		}
	}
	if m["contact"] == nil {
		r.add(c.Line, where, "contact is missing: expected the contact's values by model name")
	} else {
		c.contact = r.caseContact(m["contact"], where+".contact")
	}
	if m["links"] != nil {
		c.links = r.caseLinks(m["links"], where+".links")
	}
	r.caseSkipped(&c, m["skipped"], where)
	if m["errors"] != nil {
		c.codes = r.texts(m["errors"], where+".errors", "an error code")
	}
	if m["warnings"] != nil {
		c.warnings = r.texts(m["warnings"], where+".warnings", "a warning")
	}
	if m["customer"] != nil {
		c.expectBody = true
		r.caseCustomer(&c, m["customer"], where+".customer")
	}
	switch {
	case m["customer"] == nil && m["skipped"] == nil && m["errors"] == nil && m["warnings"] == nil:
		r.add(c.Line, where, "the case expects nothing: expected customer, skipped, errors or warnings")
	case c.expectSkip && (m["customer"] != nil || m["errors"] != nil || m["warnings"] != nil):
		r.add(c.Line, where, "a contact that is skipped has no customer, errors or warnings")
	}
	return c
}

func (r *reader) texts(node ast.Node, where, what string) []string {
	texts := []string{}
	for _, item := range r.list(node, where) {
		texts = append(texts, r.text(item, where, what))
	}
	return texts
}

func (r *reader) caseSkipped(c *Case, node ast.Node, where string) {
	switch n := node.(type) {
	case nil:
	case *ast.BoolNode:
		if c.expectSkip = n.Value; !n.Value {
			r.add(lineOf(n), where, "skipped: expected true or a piece of the reason; a case without skipped is one that is transferred")
		}
	default:
		c.expectSkip = true
		c.skipText = r.text(node, where, "skipped")
	}
}

// caseContact reads a contact under its model names. Every other name is a
// further property with the type of its value.
func (r *reader) caseContact(node ast.Node, where string) contact.Contact {
	var c contact.Contact
	for _, m := range r.members(node, where) {
		model := modelByName(m.key)
		if model == nil {
			r.caseProperty(&c, m, where)
			continue
		}
		text, ok := plainText(m.value)
		if !ok {
			r.add(lineOf(m.value), where, "%s: expected one value, found %s", m.key, describeNode(m.value))
		}
		if !blank(text) {
			model.set(&c, text)
		}
	}
	return c
}

func (r *reader) caseProperty(c *contact.Contact, m member, where string) {
	if c.AdditionalProperties == nil {
		c.AdditionalProperties = map[string]any{}
	}
	if m.key == additionalProperties {
		for _, inner := range r.members(m.value, where+"."+m.key) {
			r.caseProperty(c, inner, where)
		}
		return
	}
	if m.key == sourceTypeName || m.key == systemIDName {
		r.add(m.line, where, "%s is no value of the contact: it follows from the others", m.key)
		return
	}
	c.AdditionalProperties[m.key] = r.jsonValue(m.value, where+"."+m.key)
}

// jsonValue returns a value with the types that a record's further properties have.
func (r *reader) jsonValue(node ast.Node, where string) any {
	switch n := node.(type) {
	case *ast.StringNode, *ast.LiteralNode:
		text, _ := scalarString(n)
		return text
	case *ast.BoolNode:
		return n.Value
	case *ast.FloatNode:
		return n.Value
	case *ast.IntegerNode:
		if v := wholeNumber(n); v != nil {
			return v
		}
	case *ast.NullNode:
		return nil
	case *ast.SequenceNode:
		list := make([]any, 0, len(n.Values))
		for _, item := range n.Values {
			list = append(list, r.jsonValue(item, where))
		}
		return list
	case *ast.MappingNode, *ast.MappingValueNode:
		values := map[string]any{}
		for _, m := range r.members(n, where) {
			values[m.key] = r.jsonValue(m.value, where)
		}
		return values
	}
	r.add(lineOf(node), where, "expected a value that JSON has, found %s", describeNode(node))
	return nil
}

// plainText returns the text of one value as it is written; "" for nothing.
func plainText(node ast.Node) (string, bool) {
	switch n := node.(type) {
	case *ast.NullNode:
		return "", true
	case *ast.BoolNode:
		text, _ := scalarText(n.Value)
		return text, true
	}
	return scalar(node)
}

func (r *reader) caseLinks(node ast.Node, where string) map[string]map[string]string {
	links := map[string]map[string]string{}
	for _, table := range r.members(node, where) {
		ids := map[string]string{}
		for _, link := range r.members(table.value, where+"."+table.key) {
			id, ok := scalar(link.value)
			if !ok {
				r.add(link.line, where+"."+table.key, "%s: expected an id of iPaaS.com, found %s", link.key, describeNode(link.value))
			}
			ids[link.key] = id
		}
		links[strings.ToLower(table.key)] = ids
	}
	return links
}

func (r *reader) caseCustomer(c *Case, node ast.Node, where string) {
	names := append(apiNames(customer.Fields), "custom_fields", "addresses")
	for _, m := range r.members(node, where) {
		switch m.key {
		case "custom_fields":
			c.custom = r.caseCustomFields(m.value, where+".custom_fields")
		case "addresses":
			r.caseAddresses(c, m.value, where+".addresses")
		default:
			if e, ok := r.expectation(m, names, where); ok {
				c.fields = append(c.fields, e)
			}
		}
	}
}

func apiNames(fields []customer.FieldSpec) []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.APIName
	}
	return names
}

// expectation reads one expected member; names are the ones that exist, nil for any.
func (r *reader) expectation(m member, names []string, where string) (expected, bool) {
	if names != nil && !slices.Contains(names, m.key) {
		near := nearest(m.key, names)
		if near != "" {
			near = "did you mean " + near + "?"
		} else {
			near = "expected one of " + strings.Join(names, ", ")
		}
		r.add(m.line, where, "unknown member %q: %s", m.key, near)
		return expected{}, false
	}
	if _, null := m.value.(*ast.NullNode); null {
		return expected{name: m.key, absent: true}, true
	}
	text, ok := plainText(m.value)
	if !ok {
		r.add(lineOf(m.value), where, "%s: expected one value, or null for a member that must not be sent, found %s", m.key, describeNode(m.value))
	}
	return expected{name: m.key, text: text}, ok
}

// caseCustomFields reads custom fields as a map of names, or as the API's list.
func (r *reader) caseCustomFields(node ast.Node, where string) []expected {
	var found []expected
	list, isList := node.(*ast.SequenceNode)
	if !isList {
		for _, m := range r.members(node, where) {
			if e, ok := r.expectation(m, nil, where); ok {
				found = append(found, e)
			}
		}
		return found
	}
	for _, item := range list.Values {
		m := r.object(item, where, "custom_field_name", "value")
		if m["custom_field_name"] == nil || m["value"] == nil {
			r.add(lineOf(item), where, "expected custom_field_name and value")
			continue
		}
		name := r.text(m["custom_field_name"], where, "custom_field_name")
		if e, ok := r.expectation(member{name, lineOf(item), m["value"]}, nil, where); ok {
			found = append(found, e)
		}
	}
	return found
}

func (r *reader) caseAddresses(c *Case, node ast.Node, where string) {
	items := r.list(node, where)
	if _, isList := node.(*ast.SequenceNode); isList && len(items) == 0 {
		c.noAddress = true
	}
	names := apiNames(customer.AddressFields)
	for i, item := range items {
		where := fmt.Sprintf("%s[%d]", where, i)
		address := expectedAddress{}
		for _, m := range r.members(item, where) {
			if e, ok := r.expectation(m, names, where); ok {
				address = append(address, e)
			}
		}
		c.addresses = append(c.addresses, address)
	}
}
