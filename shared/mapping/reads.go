package mapping

import (
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/expr-lang/expr/ast"
)

// reads is what of a contact one formula or row looks at, in order of appearance.
type reads struct {
	names      []string // model names, SourceTypeName and SpaceportSystemId
	properties []string // further properties by constant names
	all        bool     // AdditionalProperties as a whole or by a computed name
}

func (r *reads) addName(name string) {
	if !slices.Contains(r.names, name) {
		r.names = append(r.names, name)
	}
}

func (r *reads) addProperty(name string) {
	if !slices.Contains(r.properties, name) {
		r.properties = append(r.properties, name)
	}
}

func (r *reads) merge(o reads) {
	for _, n := range o.names {
		r.addName(n)
	}
	for _, p := range o.properties {
		r.addProperty(p)
	}
	r.all = r.all || o.all
}

// constant reports whether nothing of the contact is read.
func (r *reads) constant() bool { return len(r.names) == 0 && len(r.properties) == 0 && !r.all }

// inspect finds what a formula reads and refuses what no formula may do. It makes
// parent.Name the same as Name, for both are values of the one contact.
func (r *reads) inspect(root *ast.Node, inChild bool) error {
	v := &inspector{reads: r, inChild: inChild, depths: map[*ast.PredicateNode]int{}}
	ast.Walk(root, v)
	// AdditionalProperties occurs more often than with a constant name.
	r.all = v.whole > v.byName
	if v.parents > 0 && v.err == nil {
		v.err = errors.New("parent stands alone: expected parent and a name, such as parent.No")
	}
	return v.err
}

// An inspector visits the nodes of a formula, inner ones first.
type inspector struct {
	*reads
	inChild       bool
	whole, byName int // occurrences of AdditionalProperties; those with a constant name
	parents       int // occurrences of parent that are not followed by a name yet
	depths        map[*ast.PredicateNode]int
	err           error
}

func (v *inspector) fail(text string) {
	if v.err == nil {
		v.err = errors.New(text)
	}
}

// Visit is called by expr for each node.
func (v *inspector) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		v.identifier(n)
	case *ast.MemberNode:
		v.member(node, n)
	case *ast.CallNode:
		v.call(n.Callee, n.Arguments)
	case *ast.BuiltinNode:
		if n.Name == "get" && len(n.Arguments) == 2 {
			v.property(n.Arguments[0], n.Arguments[1])
		}
	case *ast.BinaryNode:
		if n.Operator == "in" {
			v.property(n.Right, n.Left)
		}
	case *ast.PredicateNode:
		v.predicate(n)
	case *ast.VariableDeclaratorNode:
		if n.Name == parentName {
			v.fail("parent is the contact and no name for a variable")
		}
	}
}

func (v *inspector) identifier(n *ast.IdentifierNode) {
	switch n.Value {
	case "$env":
		v.fail("$env is not available: expected the names themselves")
	case additionalProperties:
		v.whole++
	case parentName:
		if !v.inChild {
			v.fail("unknown name parent: only the formulas of a child collection have one")
		}
		v.parents++
	case sourceTypeName, systemIDName:
		v.addName(n.Value)
	default:
		if modelByName(n.Value) != nil {
			v.addName(n.Value)
		}
	}
}

func (v *inspector) member(node *ast.Node, n *ast.MemberNode) {
	if base, ok := n.Node.(*ast.IdentifierNode); ok && base.Value == parentName {
		v.parents--
		name, ok := n.Property.(*ast.StringNode)
		if !ok || !slices.Contains(formulaNames(), name.Value) || name.Value == sourceTypeName {
			v.fail("unknown name after parent: expected a name of the contact, such as parent.No")
			return
		}
		own := &ast.IdentifierNode{Value: name.Value}
		ast.Patch(node, own)
		v.identifier(own)
		return
	}
	v.property(n.Node, n.Property)
}

// property notes that name is looked up in AdditionalProperties, if that is what
// properties is and name is constant.
func (v *inspector) property(properties, name ast.Node) {
	base, isBase := properties.(*ast.IdentifierNode)
	text, isText := name.(*ast.StringNode)
	if isBase && isText && base.Value == additionalProperties {
		v.byName++
		v.addProperty(text.Value)
	}
}

func (v *inspector) call(callee ast.Node, arguments []ast.Node) {
	name, ok := callee.(*ast.IdentifierNode)
	if !ok || len(arguments) != 2 {
		return
	}
	switch name.Value {
	case "GetValueFromCustomField", "GetCustomFieldValue", "GetValue":
		v.property(arguments[0], arguments[1])
	}
}

// maxPredicateDepth is how deep predicates (of filter, map, any, ...) may stand
// in each other. Each level multiplies the time: within the memory budget two
// take a second at worst, three could take an hour.
const maxPredicateDepth = 2

func (v *inspector) predicate(n *ast.PredicateNode) {
	inner := &deepest{depths: v.depths}
	ast.Walk(&n.Node, inner)
	v.depths[n] = inner.depth + 1
	if inner.depth+1 > maxPredicateDepth {
		v.fail("predicates are nested more than once, which could run long: expected at most one inside another")
	}
}

// deepest finds the deepest predicate below a node.
type deepest struct {
	depths map[*ast.PredicateNode]int
	depth  int
}

// Visit is called by expr for each node.
func (d *deepest) Visit(node *ast.Node) {
	if p, ok := (*node).(*ast.PredicateNode); ok {
		d.depth = max(d.depth, d.depths[p])
	}
}

// prepare gives functions the environment where they need it and compiles
// constant regular expressions, once for all contacts.
func prepare(root *ast.Node) error {
	v := &preparer{}
	ast.Walk(root, v)
	return v.err
}

type preparer struct{ err error }

// Visit is called by expr for each node.
func (v *preparer) Visit(node *ast.Node) {
	call, ok := (*node).(*ast.CallNode)
	if !ok {
		return
	}
	name, ok := call.Callee.(*ast.IdentifierNode)
	if !ok {
		return
	}
	f := functionByName(name.Value)
	if f == nil {
		return
	}
	if f.linked {
		call.Arguments = append([]ast.Node{&ast.IdentifierNode{Value: "$env"}}, call.Arguments...)
	}
	if f.name == "RegExMatch" && len(call.Arguments) == 2 {
		if pattern, ok := call.Arguments[1].(*ast.StringNode); ok {
			re, err := regexp.Compile(pattern.Value)
			if err != nil && v.err == nil {
				v.err = fmt.Errorf("the pattern of RegExMatch is not a regular expression: %w", err)
			}
			ast.Patch(&call.Arguments[1], &ast.ConstantNode{Value: re})
		}
	}
}
