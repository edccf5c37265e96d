package businesscentral

import (
	"strings"
)

// A target is what a property's value is for: a field, with the rank of the name
// it came under (1 is preferred), or the further properties, or nothing.
type target struct {
	field field // noField: a further property
	rank  uint8
	drop  bool // annotations such as @odata.etag, and links to other records
}

// A layout tells the target of each property of a row. It does not change once
// made.
type layout struct {
	exact  map[string]target
	folded map[string]target // by lower-case name: Business Central's casing may differ (business-central.md 4.2)
}

// layoutOf makes the layout of a profile. timeProperty, when it is known, is the
// one property that the time of change is taken from. Navigation properties are
// left out of the further ones.
func layoutOf(p *profile, timeProperty string, navigation []string) *layout {
	l := &layout{exact: map[string]target{}, folded: map[string]target{}}
	add := func(name string, t target) {
		l.exact[name] = t
		l.folded[strings.ToLower(name)] = t
	}
	for _, name := range navigation {
		add(name, target{field: noField, drop: true})
	}
	for f, names := range p.wire {
		if field(f) == fieldModified && timeProperty != "" {
			names = []string{timeProperty}
		}
		for i, name := range names {
			add(name, target{field: field(f), rank: uint8(i + 1)})
		}
	}
	return l
}

// newLayout makes a layout of plain names.
func newLayout(names map[string]field) *layout {
	l := &layout{exact: map[string]target{}, folded: map[string]target{}}
	for name, f := range names {
		l.exact[name] = target{field: f, rank: 1}
		l.folded[strings.ToLower(name)] = l.exact[name]
	}
	return l
}

func (l *layout) target(name string) target {
	if t, ok := l.exact[name]; ok {
		return t
	}
	if strings.ContainsRune(name, '@') {
		return target{field: noField, drop: true}
	}
	if t, ok := l.folded[strings.ToLower(name)]; ok {
		return t
	}
	return target{field: noField}
}

// A rowReader turns rows of one answer into records. Rows of an answer name the
// same properties in the same order, so it remembers the order of the row before.
// It is for one goroutine.
type rowReader struct {
	layout *layout
	order  []property
	extras int // further properties of the row before
}

type property struct {
	name string
	target
}

// property returns the target of the i-th member of a row.
func (r *rowReader) property(i int, name string) property {
	if i < len(r.order) && r.order[i].name == name {
		return r.order[i]
	}
	// The name shares its row's memory: what stays must not.
	p := property{name: strings.Clone(name), target: r.layout.target(name)}
	if i < len(r.order) {
		r.order[i] = p
	} else if i == len(r.order) && i < maxRemembered {
		r.order = append(r.order, p)
	}
	return p
}

// maxRemembered bounds the order that is remembered; pages have up to some
// hundred properties.
const maxRemembered = 1000

// read fills rec with one row. Scalars in a field become text; an object or an
// array in a field leaves it missing and is kept as a further property, so that
// one odd row does not cost its page. Only what is no JSON object is an error.
func (r *rowReader) read(row string, rec *record) error {
	*rec = record{}
	p := &scanner{s: row}
	if p.next() != '{' {
		return errNotObject
	}
	i := 0
	err := p.members(func(key string) error {
		prop := r.property(i, key)
		i++
		return r.member(p, prop, rec)
	})
	if p.space(); err == nil && p.i < len(p.s) {
		err = errJSON
	}
	r.extras = len(rec.extra)
	return err
}

func (r *rowReader) member(p *scanner, prop property, rec *record) error {
	if prop.field == noField {
		v, err := p.value(1)
		if err == nil && !prop.drop {
			r.keep(rec, prop.name, v)
		}
		return err
	}
	text, ok, err := p.scalar()
	if err != nil {
		return err
	}
	if !ok {
		v, err := p.value(1)
		if err != nil {
			return err
		}
		r.keep(rec, prop.name, v)
		text = ""
	}
	if was := rec.rank[prop.field]; was == 0 || prop.rank <= was {
		rec.text[prop.field], rec.rank[prop.field] = text, prop.rank
	}
	return nil
}

func (r *rowReader) keep(rec *record, name string, v any) {
	if rec.extra == nil {
		rec.extra = make(map[string]any, r.extras)
	}
	rec.extra[name] = v
}
