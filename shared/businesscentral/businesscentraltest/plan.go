package businesscentraltest

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"strings"
)

// page returns up to limit rows behind the cursor that match the query, in its
// order, and whether there are more. The two orders that a client reads in, by
// time of change and by number, walk an index; anything else is sorted.
// The caller holds the lock.
func (t *table) page(q *query, after *row, limit int) (rows []*row, more bool) {
	b := boundsOf(q.filter)
	var candidates []*row
	var ordered bool
	switch {
	case b.keys != nil:
		candidates = t.lookup(b.keys)
	case q.byModified():
		candidates, ordered = t.betweenTimes(b), true
		if after != nil {
			candidates = behind(candidates, after, compareModified)
		}
	case q.byNumber():
		candidates, ordered = t.betweenNumbers(b), true
		if after != nil {
			candidates = behind(candidates, after, compareNumbers)
		}
	case b.from > math.MinInt64 || b.to < math.MaxInt64:
		candidates = t.betweenTimes(b)
	default:
		candidates = t.byNumber
	}
	if ordered {
		return q.walk(candidates, limit)
	}
	matching, _ := q.walk(candidates, math.MaxInt)
	order := q.compare()
	slices.SortFunc(matching, order)
	if after != nil {
		matching = behind(matching, after, order)
	}
	skip := min(q.skip, len(matching))
	matching = matching[skip:]
	return matching[:min(limit, len(matching))], len(matching) > limit
}

// behind cuts off what comes before the cursor and the cursor itself.
func behind(rows []*row, after *row, order func(a, b *row) int) []*row {
	return rows[sort.Search(len(rows), func(i int) bool { return order(rows[i], after) > 0 }):]
}

// walk takes the first limit rows that match. It skips q.skip of them only where
// the order is already the final one, that is with a limit.
func (q *query) walk(candidates []*row, limit int) (rows []*row, more bool) {
	var v view
	skip := q.skip
	if limit == math.MaxInt {
		skip = 0
	}
	rows = make([]*row, 0, min(limit, len(candidates)))
	for _, r := range candidates {
		if q.filter != nil {
			if v.set(r); !q.filter.matches(&v) {
				continue
			}
		}
		switch {
		case skip > 0:
			skip--
		case len(rows) == limit:
			return rows, true
		default:
			rows = append(rows, r)
		}
	}
	return rows, false
}

// total is the value of @odata.count: all rows of the filter.
func (t *table) total(q *query) int {
	if q.filter == nil {
		return len(t.byNumber)
	}
	b := boundsOf(q.filter)
	candidates := t.betweenTimes(b)
	if b.keys != nil {
		candidates = t.lookup(b.keys)
	}
	var v view
	n := 0
	for _, r := range candidates {
		if v.set(r); q.filter.matches(&v) {
			n++
		}
	}
	return n
}

func (q *query) byModified() bool {
	return len(q.order) > 0 && q.order[0].property.field == fieldModified && q.order[0].property.kind == kindDateTime &&
		!q.order[0].descending && (len(q.order) == 1 || q.order[1].property.field == fieldNo && !q.order[1].descending)
}

func (q *query) byNumber() bool {
	return len(q.order) == 0 || q.order[0].property.field == fieldNo && !q.order[0].descending
}

// compare is the order of the query; equal rows go by number, the primary key.
func (q *query) compare() func(a, b *row) int {
	var left, right view
	return func(a, b *row) int {
		left.set(a)
		right.set(b)
		for _, term := range q.order {
			p := term.property
			var order int
			if p.kind == kindDateTime {
				order = cmp.Compare(left.stamp(p), right.stamp(p))
			} else {
				order = strings.Compare(left.text(p), right.text(p))
			}
			if term.descending {
				order = -order
			}
			if order != 0 {
				return order
			}
		}
		return strings.Compare(a.number, b.number)
	}
}

// bounds is what the clauses of a filter that must all hold say about the keys
// of the indexes. They narrow the search; the filter itself decides.
type bounds struct {
	from, to int64 // times of change, both included
	fromNo   string
	toNo     string // "" is no bound
	keys     []string
}

func boundsOf(e expression) bounds {
	b := bounds{from: math.MinInt64, to: math.MaxInt64}
	b.add(e)
	return b
}

func (b *bounds) add(e expression) {
	switch e := e.(type) {
	case *logical:
		if !e.or {
			b.add(e.left)
			b.add(e.right)
		} else if keys, ok := keysOf(e); ok {
			b.keys = keys
		}
	case *comparison:
		if keys, ok := keysOf(e); ok {
			b.keys = keys
			return
		}
		switch e.property.field {
		case fieldModified:
			if e.property.kind == kindDateTime {
				b.addTime(e)
			}
		case fieldNo:
			switch e.operator {
			case "gt", "ge":
				b.fromNo = max(b.fromNo, e.text)
			case "lt", "le":
				if b.toNo == "" || e.text < b.toNo {
					b.toNo = e.text
				}
			}
		}
	}
}

func (b *bounds) addTime(e *comparison) {
	switch e.operator {
	case "eq":
		b.from, b.to = max(b.from, e.stamp), min(b.to, e.stamp)
	case "gt", "ge":
		b.from = max(b.from, e.stamp)
	case "lt", "le":
		b.to = min(b.to, e.stamp)
	}
}

// keysOf returns the numbers or ids of an or-chain of equalities.
func keysOf(e expression) ([]string, bool) {
	switch e := e.(type) {
	case *logical:
		left, ok := keysOf(e.left)
		right, also := keysOf(e.right)
		return append(left, right...), e.or && ok && also
	case *comparison:
		return []string{e.text}, e.operator == "eq" && !e.null && (e.property.field == fieldNo || e.property.field == fieldSystemID)
	}
	return nil, false
}

func (t *table) lookup(keys []string) []*row {
	var rows []*row
	for _, key := range keys {
		if r := t.find(key); r != nil && !slices.Contains(rows, r) {
			rows = append(rows, r)
		}
	}
	return rows
}

func (t *table) betweenTimes(b bounds) []*row {
	from := sort.Search(len(t.byModified), func(i int) bool { return t.byModified[i].modified >= b.from })
	to := sort.Search(len(t.byModified), func(i int) bool { return t.byModified[i].modified > b.to })
	return t.byModified[from:max(from, to)]
}

func (t *table) betweenNumbers(b bounds) []*row {
	from := sort.Search(len(t.byNumber), func(i int) bool { return t.byNumber[i].number >= b.fromNo })
	to := len(t.byNumber)
	if b.toNo != "" {
		to = sort.Search(len(t.byNumber), func(i int) bool { return t.byNumber[i].number > b.toNo })
	}
	return t.byNumber[from:max(from, to)]
}
