package mapping

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"
)

// A filter decides whether a contact passes. It is kept as the parts of its &&
// chain, so that a no can name the part that said it.
type filter struct {
	text  string // as it stands in the file
	parts []*formula
}

func compileFilter(text string, inChild bool) (*filter, error) {
	whole, err := compileFormula(text, inChild)
	if err != nil {
		return nil, err
	}
	if whole.kind != reflect.Bool {
		if whole.kind == reflect.Interface {
			return nil, errors.New("the filter may give something else than true or false: expected a comparison, such as == true")
		}
		return nil, fmt.Errorf("the filter gives %s: expected true or false", describeKind(whole.kind))
	}
	f := &filter{text: strings.TrimSpace(text), parts: []*formula{whole}}
	chain := chainOf(text)
	if len(chain) < 2 {
		return f, nil
	}
	if parts := compileParts(chain, inChild); parts != nil {
		f.parts = parts
	}
	return f, nil
}

// compileParts compiles each part of a chain, or returns nil when one of them does
// not stand alone: such a filter is not taken apart.
func compileParts(chain []string, inChild bool) []*formula {
	parts := make([]*formula, 0, len(chain))
	for _, text := range chain {
		part, err := compileFormula(text, inChild)
		if err != nil || part.text != text || part.kind != reflect.Bool {
			return nil
		}
		parts = append(parts, part)
	}
	return parts
}

// chainOf returns the normalised parts of a && b && c.
func chainOf(text string) []string {
	tree, err := parser.ParseWithConfig(text, newConfig())
	if err != nil {
		return nil
	}
	var parts []string
	var split func(ast.Node)
	split = func(n ast.Node) {
		if and, ok := n.(*ast.BinaryNode); ok && (and.Operator == "&&" || and.Operator == "and") {
			split(and.Left)
			split(and.Right)
			return
		}
		parts = append(parts, n.String())
	}
	split(tree.Node)
	return parts
}

// reads returns what the filter looks at.
func (f *filter) reads() reads {
	var all reads
	for _, part := range f.parts {
		all.merge(part.reads)
	}
	return all
}

// passes reports whether the contact passes, and if not, which part said no.
func (f *filter) passes(e *environment) (no *formula, err error) {
	if f == nil {
		return nil, nil
	}
	for _, part := range f.parts {
		value, err := part.run(e)
		if err != nil {
			return nil, err
		}
		if yes, ok := value.(bool); !ok {
			return nil, reason("it gives something else than true or false")
		} else if !yes {
			return part, nil
		}
	}
	return nil, nil
}

// whyNot says which part of the filter left the contact out and what it saw. Values
// that could belong to a person are not shown.
func whyNot(part *formula, e *environment) string {
	var b strings.Builder
	b.WriteString("mapping filter: ")
	b.WriteString(part.text)
	b.WriteString(" is false")
	open := " ("
	see := func(name, value string) {
		b.WriteString(open + name + " is " + value)
		open = ", "
	}
	for _, name := range part.reads.names {
		see(name, shownName(name, e))
	}
	for _, name := range part.reads.properties {
		p := newProperty(name)
		_, value, _ := p.find(e.AdditionalProperties)
		see(name, shownProperty(value))
	}
	if part.reads.all {
		see(additionalProperties, "[hidden]")
	}
	if open == ", " {
		b.WriteString(")")
	}
	return b.String()
}

func shownName(name string, e *environment) string {
	switch name {
	case sourceTypeName:
		return strconv.Quote(e.SourceTypeName)
	case systemIDName:
		return strconv.Quote(e.SpaceportSystemID)
	}
	model := modelByName(name)
	value := model.get(e.contact)
	switch {
	case blank(value):
		return "empty"
	case model.open:
		return strconv.Quote(value)
	}
	return "[hidden]"
}

func shownProperty(value any) string {
	if blank(value) {
		return "empty"
	}
	switch value.(type) {
	case bool, int64, int, float64:
		text, _ := scalarText(value)
		return text
	}
	return "[hidden]"
}
