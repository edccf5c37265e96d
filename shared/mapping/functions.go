package mapping

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/conf"
)

// maxText bounds every text that a formula makes, in bytes. Business Central's
// longest text field has 2,048 characters (business-central.md 3.2).
const maxText = 8 << 10

// A reason is why a function cannot work with its arguments. Its text names the
// function and never a value, so it may be stored and shown.
type reason string

func (r reason) Error() string { return string(r) }

var errTextTooLong = reason("a text grows beyond 8 KB")

// Names of functions that the compiler puts into a formula around + of texts.
// The blank keeps them out of reach of those who write formulas.
const (
	boundText  = "bound text"
	boundValue = "bound value"
)

// A function is one name that formulas can call besides those of expr. Functions
// that need the contact get the environment as an argument in front, which the
// compiler adds.
type function struct {
	name   string
	call   func(args ...any) (any, error)
	types  []any // pointers to functions, as expr wants them
	result func(args []reflect.Type) (reflect.Type, error)
	linked bool // gets the environment in front
	hidden bool
}

// functions are those of ipaas.md 12.1 that make sense for a contact, and
// bounded forms of a few of expr's own.
var functions = []function{
	{name: "GetSpaceportId", call: getSpaceportID, types: []any{new(func(*environment, any, any, any) string)}, linked: true},
	{name: "GetSpaceportIdAsync", call: getSpaceportID, types: []any{new(func(*environment, any, any, any) string)}, linked: true},
	{name: "GetValueFromCustomField", call: getProperty, types: []any{new(func(map[string]any, string) any)}},
	{name: "GetCustomFieldValue", call: getProperty, types: []any{new(func(map[string]any, string) any)}},
	{name: "GetValue", call: getProperty, types: []any{new(func(map[string]any, string) any)}},

	{name: "Coalesce", call: coalesce, result: sameTypes},
	{name: "CoalesceToInt", call: coalesceTo(convertToInt), types: []any{new(func(...any) any)}},
	{name: "CoalesceToDecimal", call: coalesceTo(convertToDecimal), types: []any{new(func(...any) any)}},
	{name: "IsEmpty", call: isEmpty, types: []any{new(func(any) bool)}},
	{name: "IsNull", call: isNull, types: []any{new(func(any) bool)}},

	{name: "ConvertToBool", call: one(convertToBool), types: []any{new(func(any) any)}},
	{name: "ConvertToInt", call: one(convertToInt), types: []any{new(func(any) any)}},
	{name: "ConvertToLong", call: one(convertToInt), types: []any{new(func(any) any)}},
	{name: "ConvertToDecimal", call: one(convertToDecimal), types: []any{new(func(any) any)}},
	{name: "ConvertToDouble", call: one(convertToDecimal), types: []any{new(func(any) any)}},

	{name: "Truncate", call: truncate, types: []any{new(func(string, int) string)}},
	{name: "RemovePrefix", call: removePrefix, types: []any{new(func(string, string) string)}},
	{name: "SubstringAfterLastMatch", call: substringAfterLastMatch, types: []any{new(func(string, string) string)}},
	{name: "RegExMatch", call: regExMatch, types: []any{new(func(string, string) bool), new(func(string, *regexp.Regexp) bool)}},
	{name: "WildcardMatch", call: wildcardMatch, types: []any{new(func(string, string) bool)}},

	{name: "string", call: textOf, types: []any{new(func(any) string)}},
	{name: "replace", call: replaceText, types: []any{new(func(string, string, string) string)}},
	{name: "join", call: joinTexts, types: []any{new(func([]string, string) string), new(func([]any, string) string), new(func([]string) string), new(func([]any) string)}},

	{name: boundText, call: bounded, types: []any{new(func(string) string)}, hidden: true},
	{name: boundValue, call: bounded, types: []any{new(func(any) any)}, hidden: true},
}

// disabled are functions of expr that would give another answer for the same
// contact (the time of day, the order of a map), or that make large texts.
var disabled = []string{"now", "date", "duration", "timezone", "keys", "values", "toPairs", "toJSON", "fromJSON"}

func addFunctions(config *conf.Config) {
	for _, f := range functions {
		b := &builtin.Function{Name: f.name, Func: f.call, Validate: f.result}
		for _, t := range f.types {
			b.Types = append(b.Types, reflect.TypeOf(t).Elem())
		}
		config.Functions[f.name] = b
		disable(config, f.name) // ::join would otherwise reach around our bounded join
	}
	for _, name := range disabled {
		disable(config, name)
	}
}

func disable(config *conf.Config, name string) {
	config.Disabled[name] = true
	delete(config.Builtins, name)
}

func functionByName(name string) *function {
	for i := range functions {
		if functions[i].name == name {
			return &functions[i]
		}
	}
	return nil
}

// tables names the tables of the mapping collection types that external ids are
// known for (ipaas.md 1.1, 7 and 14, no. 6).
var tables = map[string]string{"8": "customer", "16": "customer category", "17": "Address", "49": "Customer Company"}

// tableOf returns the table's name for the type argument of GetSpaceportId: the
// name itself or the number of the mapping collection type.
func tableOf(kind any) (string, error) {
	text, err := scalarText(kind)
	if err != nil || strings.TrimSpace(text) == "" {
		return "", reason("GetSpaceportId: the type is neither a table's name nor its number")
	}
	if text[0] < '0' || text[0] > '9' {
		return text, nil
	}
	if name, ok := tables[text]; ok {
		return name, nil
	}
	return "", reason(`GetSpaceportId: no table is known for this type number; write the table's name, such as "Customer Company"`)
}

func getSpaceportID(args ...any) (any, error) {
	e := args[0].(*environment)
	id, err := scalarText(args[1])
	if err != nil {
		return nil, reason("GetSpaceportId: the id is not a text or a number")
	}
	table, err := tableOf(args[2])
	if err != nil {
		return nil, err
	}
	system, err := scalarText(args[3])
	if err != nil {
		return nil, reason("GetSpaceportId: the system id is not a text or a number")
	}
	return e.resolve(id, table, system)
}

func getProperty(args ...any) (any, error) {
	properties, _ := args[0].(map[string]any)
	name, _ := args[1].(string)
	if v, ok := properties[name]; ok {
		return v, nil
	}
	p := newProperty(name)
	_, v, _ := p.find(properties)
	return v, nil
}

func coalesce(args ...any) (any, error) {
	for _, arg := range args {
		if !blank(arg) {
			return arg, nil
		}
	}
	if len(args) > 0 {
		if _, ok := args[len(args)-1].(string); ok {
			return "", nil
		}
	}
	return nil, nil
}

// sameTypes makes Coalesce of texts a text, so that its result can be checked.
func sameTypes(args []reflect.Type) (reflect.Type, error) {
	if len(args) == 0 {
		return nil, errors.New("not enough arguments to call Coalesce")
	}
	for _, arg := range args {
		if arg == nil || arg.Kind() != reflect.String {
			return reflect.TypeFor[any](), nil
		}
	}
	return args[0], nil
}

func coalesceTo(convert func(any) (any, error)) func(...any) (any, error) {
	return func(args ...any) (any, error) {
		v, _ := coalesce(args...)
		return convert(v)
	}
}

func one(convert func(any) (any, error)) func(...any) (any, error) {
	return func(args ...any) (any, error) { return convert(args[0]) }
}

// blank reports whether a value counts as missing: nothing, a text of blanks, an
// empty list or map.
func blank(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return strings.TrimSpace(v) == ""
	case []any:
		return len(v) == 0
	case []string:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

func isEmpty(args ...any) (any, error) { return blank(args[0]), nil }

func isNull(args ...any) (any, error) { return args[0] == nil || args[0] == "", nil }

// convertToBool reads true and false as Business Central and its extensions write
// them (business-central.md 12, no. 4). A blank value stays missing.
func convertToBool(v any) (any, error) {
	if blank(v) {
		return nil, nil
	}
	if b, ok := v.(bool); ok {
		return b, nil
	}
	text, err := scalarText(v)
	if err == nil {
		switch strings.ToLower(strings.TrimSpace(text)) {
		case "true", "yes", "1":
			return true, nil
		case "false", "no", "0":
			return false, nil
		}
	}
	return nil, reason("ConvertToBool: the value is neither true nor false (true, false, Yes, No, 1 and 0 are understood)")
}

func convertToInt(v any) (any, error) {
	if blank(v) {
		return nil, nil
	}
	text, err := scalarText(v)
	if err != nil {
		return nil, reason("ConvertToInt: the value is not a number")
	}
	text = strings.TrimSpace(text)
	if n, err := strconv.Atoi(text); err == nil {
		return n, nil
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return int(f), nil
	}
	return nil, reason("ConvertToInt: the value is not a whole number")
}

func convertToDecimal(v any) (any, error) {
	if blank(v) {
		return nil, nil
	}
	text, err := scalarText(v)
	if err == nil {
		if f, err := strconv.ParseFloat(strings.TrimSpace(text), 64); err == nil && !math.IsNaN(f) && !math.IsInf(f, 0) {
			return f, nil
		}
	}
	return nil, reason("ConvertToDecimal: the value is not a number")
}

var errNotScalar = errors.New("not one value")

// scalarText returns a value's plain text, "" for nothing (contact.Contact).
func scalarText(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case int:
		return strconv.Itoa(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	}
	switch value := reflect.ValueOf(v); value.Kind() {
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Float32:
		return fmt.Sprint(v), nil
	}
	return "", errNotScalar
}
