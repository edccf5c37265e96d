package mapping

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/checker"
	"github.com/expr-lang/expr/compiler"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/optimizer"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"
)

// Bounds of one formula's source.
const (
	maxFormula      = 4000 // bytes
	maxFormulaNodes = 1000
)

// A formula is one compiled expression.
type formula struct {
	text    string // normalised: the same for every spacing and comment
	program *vm.Program
	kind    reflect.Kind // of its result; Interface when only an evaluation can tell
	reads   reads
}

func newConfig() *conf.Config {
	config := conf.New(&environment{})
	config.MaxNodes = maxFormulaNodes
	addFunctions(config)
	return config
}

// compileFormula compiles one expression. inChild makes the parent's names known.
// Its error is for the author of the mapping.
func compileFormula(source string, inChild bool) (*formula, error) {
	if strings.TrimSpace(source) == "" {
		return nil, errors.New("the formula is empty")
	}
	if len(source) > maxFormula {
		return nil, fmt.Errorf("the formula has %d characters, at most %d are accepted", len(source), maxFormula)
	}
	config := newConfig()
	tree, err := parser.ParseWithConfig(source, config)
	if err != nil {
		return nil, describeCompile(err)
	}
	f := &formula{text: tree.Node.String()}
	if err := f.reads.inspect(&tree.Node, inChild); err != nil {
		return nil, err
	}
	if err := prepare(&tree.Node); err != nil {
		return nil, err
	}
	if _, err := checker.Check(tree, config); err != nil {
		return nil, describeCompile(err)
	}
	ast.Walk(&tree.Node, &additions{})
	result, err := checker.Check(tree, config)
	if err != nil {
		return nil, describeCompile(err)
	}
	f.kind = result.Kind()
	if tree.Node.Nature().Nil {
		f.kind = reflect.Invalid
	}
	if err := optimizer.Optimize(&tree.Node, config); err != nil {
		return nil, describeCompile(err)
	}
	if f.program, err = compiler.Compile(tree, config); err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return nil, errors.New(first)
	}
	return f, nil
}

// additions puts a bound around every + that may make a text: expr's own budget
// does not count texts.
type additions struct{}

// Visit is called by expr for each node.
func (*additions) Visit(node *ast.Node) {
	sum, ok := (*node).(*ast.BinaryNode)
	if !ok || sum.Operator != "+" {
		return
	}
	var name string
	switch sum.Type().Kind() {
	case reflect.String:
		name = boundText
	case reflect.Interface:
		name = boundValue
	default:
		return
	}
	call := &ast.CallNode{Callee: &ast.IdentifierNode{Value: name}, Arguments: []ast.Node{sum}}
	ast.Patch(node, call)
}

// describeCompile returns what expr says about a formula on one line, with hints
// for the mistakes that people make who come from the C# formulas of iPaaS.com.
func describeCompile(err error) error {
	fault, ok := errors.AsType[*file.Error](err)
	if !ok {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return errors.New(first)
	}
	text := fault.Message
	if name, found := strings.CutPrefix(text, "unknown name "); found {
		text = fmt.Sprintf("unknown name %s%s", name, hint(name))
	}
	if fault.Line > 1 {
		return fmt.Errorf("%s (line %d, column %d of the formula)", text, fault.Line, fault.Column+1)
	}
	return fmt.Errorf("%s (column %d of the formula)", text, fault.Column+1)
}

func hint(name string) string {
	if name == "null" {
		return `; a missing text is "", a missing further property is nil: write IsEmpty(...)`
	}
	for _, d := range disabled {
		if d == name {
			return "; this function is not available, because a mapping must give the same answer for the same contact"
		}
	}
	candidates := formulaNames()
	for _, f := range functions {
		if !f.hidden {
			candidates = append(candidates, f.name)
		}
	}
	if near := nearest(name, candidates); near != "" {
		return "; did you mean " + near + "?"
	}
	return "; values are " + strings.Join(formulaNames(), ", ")
}

// run evaluates the formula. Its error holds no value of the record. When
// e.err is set, that is why.
func (f *formula) run(e *environment) (any, error) {
	value, err := e.machine.Run(f.program, e)
	if err != nil {
		return nil, describeRun(err)
	}
	return value, nil
}

// describeRun says why a formula failed without the values that expr puts into
// its messages. The place is a piece of the mapping, not of the record.
func describeRun(err error) error {
	if why, ok := errors.AsType[reason](err); ok {
		return why
	}
	fault, ok := errors.AsType[*file.Error](err)
	if !ok {
		return reason("it cannot be evaluated")
	}
	known := []struct{ start, words string }{
		{"memory budget exceeded", "it makes too many values"},
		{"runtime error: integer divide by zero", "it divides by zero"},
		{"index out of range", "it asks for an item beyond the end of a list"},
		{"runtime error: slice bounds", "it asks for a part beyond the end"},
		{"cannot fetch", "it asks for a member of a value that has none"},
		{"interface conversion", "a value has another type than the formula needs"},
		{"invalid operation", "a value has another type than the formula needs"},
		{"reflect", "a value has another type than the formula needs"},
	}
	words := "it cannot be evaluated"
	for _, k := range known {
		if strings.HasPrefix(fault.Message, k.start) {
			words = k.words
			break
		}
	}
	return reason(fmt.Sprintf("%s (line %d, column %d of the formula)", words, max(fault.Line, 1), fault.Column+1))
}
