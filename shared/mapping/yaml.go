package mapping

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxFile bounds a file: the embedded mapping has a few thousand bytes.
const maxFile = 256 << 10

// maxNesting bounds how deep lists and maps of a file may stand in each other.
const maxNesting = 32

// A reader walks through a YAML file and gathers mistakes. Its methods report
// what is wrong and then return the zero value, so that the walk goes on.
type reader struct {
	mistakes
}

// document parses data and returns its one document, nil when there is none that
// could be read.
func (r *reader) document(data []byte) ast.Node {
	switch {
	case len(data) > maxFile:
		r.add(0, "", "the file has %d bytes, at most %d are accepted", len(data), maxFile)
		return nil
	case !utf8.Valid(data):
		r.add(0, "", "the file is not UTF-8 text")
		return nil
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if len(bytes.TrimSpace(data)) == 0 {
		r.add(0, "", "the file is blank")
		return nil
	}
	if line := tooNested(data); line > 0 {
		r.add(line, "", "lists and maps are nested more than %d deep", maxNesting)
		return nil
	}
	file, err := parse(data)
	if err != nil {
		line, text := describeSyntax(err)
		r.add(line, "", "%s", text)
		return nil
	}
	var body ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.CommentType {
			continue
		}
		if body != nil {
			r.add(lineOf(doc.Body), "", "the file holds more than one document: expected no --- between")
			return nil
		}
		body = doc.Body
	}
	if body == nil {
		r.add(0, "", "the file holds comments only")
	}
	return body
}

// parse turns a panic of the YAML parser into an error.
func parse(data []byte) (file *ast.File, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("the text cannot be understood")
		}
	}()
	return parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
}

// tooNested returns the line at which more brackets are open, or more list marks
// stand in one line, than any honest file has; the parser's stack grows with them.
func tooNested(data []byte) int {
	open, line := 0, 1
	for text := range bytes.Lines(data) {
		marks := 0
		for _, c := range text {
			switch c {
			case '[', '{':
				open++
			case ']', '}':
				open = max(open-1, 0)
			case '-', '?', ':':
				marks++
			}
			if open > maxNesting {
				return line
			}
		}
		if marks > maxFormula {
			return line
		}
		line++
	}
	return 0
}

func describeSyntax(err error) (line int, text string) {
	const help = `; a value that holds ": " or " #" stands in quotes or behind >-`
	if e, ok := errors.AsType[yaml.Error](err); ok {
		if t := e.GetToken(); t != nil && t.Position != nil {
			line = t.Position.Line
		}
		message, _, _ := strings.Cut(e.GetMessage(), "\n")
		return line, "not YAML: " + message + help
	}
	message, _, _ := strings.Cut(err.Error(), "\n")
	return 0, "not YAML: " + message + help
}

func lineOf(node ast.Node) int {
	if node == nil {
		return 0
	}
	if m, ok := node.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		node = m.Values[0].Key
	}
	if t := node.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 0
}

// A member is one key and value of a map.
type member struct {
	key   string
	line  int
	value ast.Node
}

// members returns the keys and values of a map in order, without repeated keys.
func (r *reader) members(node ast.Node, where string) []member {
	var values []*ast.MappingValueNode
	switch n := node.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	default:
		r.add(lineOf(node), where, "expected names and values, found %s", describeNode(node))
		return nil
	}
	found := make([]member, 0, len(values))
	lines := make(map[string]int, len(values))
	for _, v := range values {
		key, ok := scalar(v.Key)
		if !ok {
			r.add(lineOf(v.Key), where, "expected a name before the colon, found %s%s", describeNode(v.Key), no11(v.Key))
			continue
		}
		if line, twice := lines[key]; twice {
			r.add(lineOf(v.Key), where, "%s stands here twice, first in line %d", key, line)
			continue
		}
		lines[key] = lineOf(v.Key)
		found = append(found, member{key, lines[key], v.Value})
	}
	return found
}

// object returns the members of a map by name and reports unknown names.
func (r *reader) object(node ast.Node, where string, known ...string) map[string]ast.Node {
	found := map[string]ast.Node{}
	for _, m := range r.members(node, where) {
		if !slices.Contains(known, m.key) {
			r.add(m.line, where, "unknown key %q: expected one of %s", m.key, strings.Join(known, ", "))
			continue
		}
		found[m.key] = m.value
	}
	return found
}

// list returns the items of a list.
func (r *reader) list(node ast.Node, where string) []ast.Node {
	n, ok := node.(*ast.SequenceNode)
	if !ok {
		r.add(lineOf(node), where, "expected a list, found %s", describeNode(node))
		return nil
	}
	return n.Values
}

// text returns a text that is there; what names it in mistakes.
func (r *reader) text(node ast.Node, where, what string) string {
	text, ok := scalarString(node)
	switch {
	case !ok:
		r.add(lineOf(node), where, "%s: expected text, found %s%s", what, describeNode(node), no11(node))
	case strings.TrimSpace(text) == "":
		r.add(lineOf(node), where, "%s is empty: expected text", what)
	}
	return text
}

// flag returns true or false; false when node is nil.
func (r *reader) flag(node ast.Node, where, what string) bool {
	if node == nil {
		return false
	}
	b, ok := node.(*ast.BoolNode)
	if !ok {
		r.add(lineOf(node), where, "%s: expected true or false, found %s", what, describeNode(node))
		return false
	}
	return b.Value
}

// scalarString returns a text as such: not true, 12 or nothing.
func scalarString(node ast.Node) (string, bool) {
	switch n := node.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	}
	return "", false
}

// scalar returns the text of a name as it is written, of a number too.
func scalar(node ast.Node) (string, bool) {
	switch n := node.(type) {
	case *ast.StringNode, *ast.LiteralNode:
		return scalarString(n)
	case *ast.IntegerNode:
		return n.Token.Value, true
	case *ast.FloatNode:
		return n.Token.Value, true
	}
	return "", false
}

// no11 explains the best known trap of this file: to YAML 1.1 the word No is
// false, and programs that write YAML may have put that.
func no11(node ast.Node) string {
	if b, ok := node.(*ast.BoolNode); ok && !b.Value {
		return ` (the number field is written "No", in quotes: some programs read a bare No as false)`
	}
	return ""
}

func describeNode(node ast.Node) string {
	switch n := node.(type) {
	case nil, *ast.NullNode:
		return "nothing"
	case *ast.StringNode, *ast.LiteralNode:
		text, _ := scalarString(n)
		if len(text) > 40 {
			return "a text"
		}
		return fmt.Sprintf("the text %q", text)
	case *ast.BoolNode:
		return fmt.Sprintf("the value %t", n.Value)
	case *ast.IntegerNode:
		return "the number " + n.Token.Value
	case *ast.FloatNode:
		return "the number " + n.Token.Value
	case *ast.InfinityNode, *ast.NanNode:
		return "a number without a value"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "names and values"
	case *ast.SequenceNode:
		return "a list"
	case *ast.AliasNode, *ast.AnchorNode, *ast.MergeKeyNode:
		return "an anchor or alias, which this file does not know"
	case *ast.TagNode:
		return "a tag, which this file does not know"
	}
	return "something that this file does not know"
}
