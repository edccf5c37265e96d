package mapping

import (
	"context"
	"strconv"

	"contactsync/shared/contact"
	"contactsync/shared/customer"
)

// Apply evaluates the filter and, if it lets the contact through, every row. All
// findings are gathered. The error is one of o.Links or of the context, as it is.
func (c *Collection) Apply(ctx context.Context, ct *contact.Contact, o Options) (Result, error) {
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	e := newEnvironment(ctx, ct, o)
	defer e.release()

	var result Result
	no, err := c.parent.filter.passes(e)
	switch {
	case e.err != nil:
		return Result{}, e.err
	case err != nil:
		result.Findings = []Finding{failed("filter", "formula", "the mapping filter", err)}
		return result, nil
	case no != nil:
		result.Skipped = whyNot(no, e)
		return result, nil
	}
	if err := c.parent.apply(e, &result); err != nil {
		return Result{}, err
	}
	if c.child != nil {
		if err := c.child.applyAddress(e, &result); err != nil {
			return Result{}, err
		}
	}
	result.Unlinked = e.unlinked
	return result, nil
}

func failed(field, source, where string, err error) Finding {
	return Finding{Kind: FormulaFailed, Field: field, Source: source, Detail: where + ": " + err.Error()}
}

// apply evaluates the parent's rows. Its error is e.err.
func (t *table) apply(e *environment, result *Result) error {
	var fields []customer.Value
	var custom []customer.CustomValue
	for i := range t.rows {
		r := &t.rows[i]
		value, err := r.evaluate(e)
		if e.err != nil {
			return e.err
		}
		if err != nil {
			result.Findings = append(result.Findings, r.failure(err))
			continue
		}
		if value == nil {
			if value = r.missing(result, r.destination); value == nil {
				continue
			}
		}
		if !r.custom {
			if fields == nil {
				fields = make([]customer.Value, 0, len(t.rows))
			}
			fields = append(fields, customer.Value{Field: r.api, Value: value})
			continue
		}
		if custom == nil {
			custom = make([]customer.CustomValue, 0, len(t.rows))
		}
		text, _ := scalarText(value)
		custom = append(custom, customer.CustomValue{Name: r.api, Value: text})
	}
	result.Customer.Fields, result.Customer.CustomFields = fields, custom
	return nil
}

// applyAddress evaluates the child collection for the contact's one address. What
// is the same for every contact makes no address by itself. Its error is e.err.
func (t *table) applyAddress(e *environment, result *Result) error {
	e.SourceTypeName = typeParentOnly
	if e.contact.HasAddress() {
		e.SourceTypeName = typeContact
	}
	no, err := t.filter.passes(e)
	switch {
	case e.err != nil:
		return e.err
	case err != nil:
		result.Findings = append(result.Findings, failed(t.destination, "formula", "the mapping filter of "+strconv.Quote(t.name), err))
		return nil
	case no != nil:
		return nil
	}
	fields := make([]customer.Value, 0, len(t.rows))
	var empty []*row
	filled := false
	for i := range t.rows {
		r := &t.rows[i]
		value, err := r.evaluate(e)
		if e.err != nil {
			return e.err
		}
		if err != nil {
			result.Findings = append(result.Findings, r.failure(err))
			continue
		}
		if value == nil {
			empty = append(empty, r)
			if r.clear {
				fields = append(fields, customer.Value{Field: r.api, Value: ""})
			}
			continue
		}
		filled = filled || !r.reads.constant()
		fields = append(fields, customer.Value{Field: r.api, Value: value})
	}
	if !filled {
		return nil
	}
	for _, r := range empty {
		r.missing(result, t.destination+"."+r.destination)
	}
	result.Customer.Addresses = []customer.Address{{Fields: fields}}
	return nil
}

// missing notes that the row has no value and returns what is sent instead: "" to
// clear the field, nil for nothing.
func (r *row) missing(result *Result, destination string) any {
	if r.required {
		result.Findings = append(result.Findings, Finding{Kind: RequiredEmpty, Field: destination, Source: r.origin})
	}
	if r.recommended {
		result.Warnings = append(result.Warnings, destination+" is recommended and empty (source "+r.origin+")")
	}
	if r.clear {
		return ""
	}
	return nil
}

func (r *row) failure(err error) Finding {
	return failed(r.destination, r.origin, "row "+strconv.Quote(r.destination), err)
}

// evaluate returns the row's value as the destination wants it: string, bool or
// int64, nil when it is missing. Its error holds no value of the record.
func (r *row) evaluate(e *environment) (any, error) {
	switch {
	case r.constant != nil:
		if r.constant == "" {
			return nil, nil
		}
		return r.constant, nil
	case r.formula != nil:
		value, err := r.formula.run(e)
		if err != nil {
			return nil, err
		}
		return r.convert(value)
	}
	if r.get != nil {
		if text := r.get(e.contact); !blank(text) {
			return text, nil
		}
	}
	if r.property != nil {
		_, value, _ := r.property.find(e.AdditionalProperties)
		return r.convertProperty(value)
	}
	return nil, nil
}

// convert brings a formula's result to the destination's kind.
func (r *row) convert(value any) (any, error) {
	if blank(value) {
		return nil, nil
	}
	if r.custom {
		text, err := scalarText(value)
		if err != nil {
			return nil, reason("it gives a list or a record, expected one value")
		}
		return text, nil
	}
	switch r.value {
	case customer.Text:
		if s, ok := value.(string); ok {
			return s, nil
		}
	case customer.Bool:
		if b, ok := value.(bool); ok {
			return b, nil
		}
	case customer.Number:
		switch n := value.(type) {
		case int:
			return int64(n), nil
		case int64:
			return n, nil
		}
	}
	return nil, reason("it gives a value of another type, expected " + r.value.String())
}

// convertProperty brings a further property to the destination's kind. Unlike a
// formula's author, a property has no choice of its type.
func (r *row) convertProperty(value any) (any, error) {
	if blank(value) {
		return nil, nil
	}
	text, err := scalarText(value)
	if err != nil {
		return nil, reason("the property is a list or a record, expected one value")
	}
	if r.custom || r.value == customer.Text {
		return text, nil
	}
	convert := convertToInt
	if r.value == customer.Bool {
		convert = convertToBool
	}
	converted, err := convert(value)
	if err != nil {
		return nil, reason("the property cannot be read, expected " + r.value.String())
	}
	if n, ok := converted.(int); ok {
		return int64(n), nil
	}
	return converted, nil
}
