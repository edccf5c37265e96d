package businesscentraltest

import (
	"cmp"
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// An expression is a parsed $filter (business-central.md 4.2).
type expression interface{ matches(v *view) bool }

// A logical joins two expressions.
type logical struct {
	or          bool
	left, right expression
}

func (l *logical) matches(v *view) bool {
	if l.or {
		return l.left.matches(v) || l.right.matches(v)
	}
	return l.left.matches(v) && l.right.matches(v)
}

// A comparison is one clause: property, operator or function, literal.
type comparison struct {
	property *property
	operator string // eq ne gt ge lt le, startswith endswith contains
	text     string // of the literal, as a value of the property reads
	stamp    int64
	number   float64
	null     bool
	fold     bool // compare without regard to case
	api      bool
}

func (c *comparison) matches(v *view) bool {
	p := c.property
	switch p.kind {
	case kindDateTime:
		return c.ordered(cmp.Compare(v.stamp(p), c.stamp))
	case kindNumber:
		n, _ := strconv.ParseFloat(v.text(p), 64)
		return c.ordered(cmp.Compare(n, c.number))
	case kindActive:
		return c.ordered(strings.Compare(strconv.FormatBool(v.values[fieldActiveWebUser] == "true"), c.text))
	case kindExtra:
		text, _ := json.Marshal(v.extraValue(p.name))
		return c.ordered(strings.Compare(strings.Trim(string(text), `"`), c.text))
	}
	text := v.text(p)
	switch p.kind {
	case kindBoolean:
		text = cmp.Or(text, "false")
	case kindOption:
		if text = optionName(text, c.api); c.null {
			text = strings.TrimSpace(strings.TrimPrefix(text, "_x0020_"))
		}
	}
	if c.fold {
		text = strings.ToUpper(text)
	}
	switch c.operator {
	case "startswith":
		return strings.HasPrefix(text, c.text)
	case "endswith":
		return strings.HasSuffix(text, c.text)
	case "contains":
		return strings.Contains(text, c.text)
	}
	return c.ordered(strings.Compare(text, c.text))
}

func (c *comparison) ordered(order int) bool {
	switch c.operator {
	case "eq":
		return order == 0
	case "ne":
		return order != 0
	case "gt":
		return order > 0
	case "ge":
		return order >= 0
	case "lt":
		return order < 0
	}
	return order <= 0 // le
}

// parseFilter reads a $filter for an entity set.
func (s *Simulator) parseFilter(text string, set *entitySet) (expression, *apiError) {
	p := &filterParser{rest: text, set: set, assumptions: s.cfg.Assumptions}
	e, err := p.or()
	if err == nil && p.peek() != "" {
		err = p.syntax()
	}
	return e, err
}

type filterParser struct {
	rest        string
	set         *entitySet
	assumptions Assumptions
}

func (p *filterParser) syntax() *apiError {
	return badRequest("Syntax error at '%s' in the $filter expression.", cut(p.rest, 30))
}

// peek returns the next token without taking it; "" at the end.
func (p *filterParser) peek() string {
	p.rest = strings.TrimLeft(p.rest, " ")
	if p.rest == "" {
		return ""
	}
	switch p.rest[0] {
	case '(', ')', ',':
		return p.rest[:1]
	case '\'':
		return p.rest[:quotedLength(p.rest)]
	}
	n := strings.IndexAny(p.rest, " (),")
	if n < 0 {
		n = len(p.rest)
	}
	if q := strings.IndexByte(p.rest[:n], '\''); q >= 0 { // Microsoft.NAV.contactType'Person'
		n = q + quotedLength(p.rest[q:])
	}
	return p.rest[:n]
}

// quotedLength is the length of the quoted text at the beginning of s, doubled
// quotes included.
func quotedLength(s string) int {
	for i := 1; i < len(s); i++ {
		if s[i] != '\'' {
			continue
		}
		if i+1 == len(s) || s[i+1] != '\'' {
			return i + 1
		}
		i++
	}
	return len(s)
}

func (p *filterParser) take() string {
	token := p.peek()
	p.rest = p.rest[len(token):]
	return token
}

func (p *filterParser) or() (expression, *apiError) {
	left, err := p.and()
	for err == nil && p.peek() == "or" {
		p.take()
		var right expression
		if right, err = p.and(); err != nil {
			break
		}
		fields := map[string]bool{}
		propertiesOf(left, fields)
		propertiesOf(right, fields)
		if len(fields) > 1 {
			return nil, notImplemented("The 'OR' operator is not supported on distinct fields on an OData filter.")
		}
		left = &logical{or: true, left: left, right: right}
	}
	return left, err
}

func propertiesOf(e expression, names map[string]bool) {
	switch e := e.(type) {
	case *logical:
		propertiesOf(e.left, names)
		propertiesOf(e.right, names)
	case *comparison:
		names[e.property.name] = true
	}
}

func (p *filterParser) and() (expression, *apiError) {
	left, err := p.clause()
	for err == nil && p.peek() == "and" {
		p.take()
		var right expression
		if right, err = p.clause(); err == nil {
			left = &logical{left: left, right: right}
		}
	}
	return left, err
}

func (p *filterParser) clause() (expression, *apiError) {
	token := p.take()
	switch token {
	case "", ")", ",":
		return nil, p.syntax()
	case "(":
		inner, err := p.or()
		if err == nil && p.take() != ")" {
			err = p.syntax()
		}
		return inner, err
	case "not", "tolower", "toupper", "substring", "length", "indexof", "trim", "concat":
		return nil, notImplemented("The OData filter expression is not supported.")
	case "startswith", "endswith", "contains":
		return p.function(token)
	}
	prop, err := p.property(token)
	if err != nil {
		return nil, err
	}
	operator := p.take()
	switch operator {
	case "eq", "ne", "gt", "ge", "lt", "le":
	case "in", "has":
		return nil, notImplemented("The OData filter expression is not supported.")
	default:
		return nil, p.syntax()
	}
	return p.literal(&comparison{property: prop, operator: operator}, p.take())
}

func (p *filterParser) function(name string) (expression, *apiError) {
	if p.take() != "(" {
		return nil, p.syntax()
	}
	prop, err := p.property(p.take())
	if err != nil {
		return nil, err
	}
	if p.take() != "," {
		return nil, p.syntax()
	}
	if prop.kind != kindText && prop.kind != kindCode {
		return nil, badRequest("No function signature for the function with name '%s' matches the specified arguments.", name)
	}
	e, err := p.literal(&comparison{property: prop, operator: name}, p.take())
	if err == nil && p.take() != ")" {
		err = p.syntax()
	}
	return e, err
}

func (p *filterParser) property(name string) (*property, *apiError) {
	prop := p.set.find(name)
	if prop == nil {
		return nil, noProperty(name, p.set)
	}
	if prop.computed {
		return nil, notImplemented("The OData filter expression is not supported.")
	}
	return prop, nil
}

// literal checks the literal against the type of the property.
func (p *filterParser) literal(c *comparison, token string) (expression, *apiError) {
	kind := c.property.kind
	c.api = p.set.api
	c.fold = kind == kindCode || kind == kindText && p.assumptions.TextFiltersIgnoreCase
	mismatch := func(found string) (expression, *apiError) {
		return nil, badRequest("A binary operator with incompatible types was detected. Found operand types '%s' and '%s' for operator kind '%s'.",
			edmType(c.property, p.set), found, c.operator)
	}
	quoted := len(token) >= 2 && token[0] == '\'' && token[len(token)-1] == '\''
	switch {
	case token == "null" && (kind == kindText || kind == kindCode || kind == kindOption):
		c.null = true
		return c, nil
	case quoted && kind != kindText && kind != kindCode && kind != kindOption && kind != kindExtra && kind != kindActive:
		return mismatch("Edm.String")
	case quoted && kind == kindOption && p.set.api && p.assumptions.EnumFilterNeedsType:
		return mismatch("Edm.String")
	case quoted:
		c.text = strings.ReplaceAll(token[1:len(token)-1], "''", "'")
	case kind == kindOption && p.set.api && strings.HasSuffix(token, "'") && strings.HasPrefix(token, edmType(c.property, p.set)+"'"):
		c.text = strings.Trim(token[strings.IndexByte(token, '\''):], "'")
	default:
		return p.bare(c, token, mismatch)
	}
	if c.fold {
		c.text = strings.ToUpper(c.text)
	}
	return c, nil
}

// bare reads a literal without quotes.
func (p *filterParser) bare(c *comparison, token string, mismatch func(string) (expression, *apiError)) (expression, *apiError) {
	switch c.property.kind {
	case kindGUID:
		if id, ok := parseGUID(token); ok {
			c.text = id.String()
			return c, nil
		}
	case kindDateTime:
		at, err := time.Parse(time.RFC3339Nano, token)
		if day, dayErr := time.Parse(time.DateOnly, token); err != nil && dayErr == nil {
			at, err = day, nil
		}
		if err == nil {
			c.stamp = stampOf(at.Round(time.Millisecond))
			return c, nil
		}
	case kindDate:
		if _, err := time.Parse(time.DateOnly, token); err == nil {
			c.text = token
			return c, nil
		}
	case kindBoolean, kindActive:
		if token == "true" || token == "false" {
			c.text = token
			return c, nil
		}
	case kindNumber, kindExtra:
		n, err := strconv.ParseFloat(token, 64)
		if c.text, c.number = token, n; err == nil || c.property.kind == kindExtra {
			return c, nil
		}
	}
	if token == "" || token[0] == '\'' {
		return nil, p.syntax()
	}
	if _, ok := parseGUID(token); ok {
		return mismatch("Edm.Guid")
	}
	if _, err := time.Parse(time.RFC3339Nano, token); err == nil {
		return mismatch("Edm.DateTimeOffset")
	}
	if _, err := strconv.ParseFloat(token, 64); err == nil {
		return mismatch("Edm.Int32")
	}
	return nil, noProperty(token, p.set)
}
