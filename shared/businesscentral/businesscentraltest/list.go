package businesscentraltest

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// hasRecords reports whether the company that the call names is the one that has any.
func (s *Simulator) hasRecords(c *call) bool {
	return c.company != nil && c.company.ID == s.cfg.Company.ID
}

// serveList answers with a page of records.
func (s *Simulator) serveList(w http.ResponseWriter, r *http.Request, c *call) *apiError {
	q, err := s.parseQuery(r, c.set)
	if err != nil {
		return err
	}
	if s.cfg.Assumptions.DefaultOrderByID && len(q.order) == 0 {
		q.order = []orderTerm{{property: &property{field: fieldSystemID, kind: kindGUID}}}
	}
	rows, more, total, err := s.read(q, c)
	if err != nil {
		return err
	}
	next := ""
	if more {
		next = s.bendNextLink(s.nextLink(r, q, len(rows), c.lastOf(rows).id.String()), q, r, c)
	}
	jsonContent(w)
	if q.preferred {
		w.Header().Set("Preference-Applied", "odata.maxpagesize")
	}
	s.writePage(w, r, c, q, rows, total, next)
	return nil
}

// read takes the rows of one page under the lock; they are encoded without it.
func (s *Simulator) read(q *query, c *call) (rows []*row, more bool, total int, err *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.set.table.sort()
	var after *row
	if q.skipToken != "" {
		if after, err = s.cursorRow(q.skipToken, c); err != nil {
			return nil, false, 0, err
		}
	}
	if !s.hasRecords(c) {
		return nil, false, 0, nil
	}
	limit := q.pageSize
	if q.top >= 0 {
		limit = min(limit, q.top)
	}
	rows, more = c.set.table.page(q, after, limit)
	if q.count {
		total = c.set.table.total(q)
	}
	if more = more && len(rows) > 0 && (q.top < 0 || q.top > q.pageSize); more {
		s.cursors.keep(c.set, c.lastOf(rows))
	}
	return slices.Clone(rows), more, total, nil
}

// lastOf returns the row behind which the next page begins.
func (c *call) lastOf(rows []*row) *row {
	last := len(rows) - 1
	for _, f := range c.effects {
		last = max(0, last-f.RepeatRows)
	}
	return rows[last]
}

func (s *Simulator) bendNextLink(next string, q *query, r *http.Request, c *call) string {
	for _, f := range c.effects {
		if f.SameToken && q.skipToken != "" {
			next = next[:strings.LastIndex(next, "=")+1] + url.QueryEscape(q.skipToken)
		}
		if f.NextLinkHost != "" {
			next = f.NextLinkHost + strings.TrimPrefix(next, origin(r))
		}
	}
	return next
}

func (s *Simulator) writePage(w http.ResponseWriter, r *http.Request, c *call, q *query, rows []*row, total int, next string) {
	out, end := s.compressed(w, r, c)
	defer end()
	b := appendText([]byte(`{"@odata.context":`), contextURL(r, c))
	if q.count {
		b = strconv.AppendInt(append(b, `,"@odata.count":`...), int64(total), 10)
	}
	b = append(b, `,"value":[`...)
	raw := ""
	for _, f := range c.effects {
		if raw += f.RawMembers; f.WithoutMember != "" {
			q.selected = slices.DeleteFunc(q.selected, func(p *property) bool { return p.name == f.WithoutMember })
		}
	}
	e := newEncoder(c.set, q.selected, s.cfg.Assumptions.ActiveWebUser)
	for i, row := range rows {
		if i > 0 {
			b = append(b, ',')
		}
		if b = e.appendMembers(append(b, '{'), row); raw != "" {
			b = append(append(b, ','), raw...)
		}
		if b = append(b, '}'); len(b) > 64<<10 {
			if _, err := out.Write(b); err != nil {
				return
			}
			b = b[:0]
		}
	}
	b = append(b, ']')
	if next != "" {
		b = appendText(append(b, `,"@odata.nextLink":`...), next)
	}
	_, _ = out.Write(append(b, '}')) // the caller may have gone
}

// serveRecord answers with the record of a key, or the 404 of business-central.md 7.4.
func (s *Simulator) serveRecord(w http.ResponseWriter, r *http.Request, c *call) *apiError {
	q, err := s.parseQuery(r, c.set)
	if err != nil {
		return err
	}
	key, ok := c.set.recordKey(*c.key)
	if !ok {
		return badKey()
	}
	s.mu.RLock()
	var record *row
	if c.set.key == fieldNo {
		record = c.set.table.numbers[code(key)]
	} else {
		record = c.set.table.find(key)
	}
	s.mu.RUnlock()
	if record == nil || !s.hasRecords(c) {
		if s.cfg.Assumptions.RecordNotFoundByTable {
			return &apiError{status: http.StatusNotFound, code: "Internal_RecordNotFound",
				message: "The Contact does not exist. Identification fields and values: No.='" + key + "'"}
		}
		return noSegment(c.set.name)
	}
	jsonContent(w)
	out, end := s.compressed(w, r, c)
	defer end()
	b := appendText([]byte(`{"@odata.context":`), contextURL(r, c))
	e := newEncoder(c.set, q.selected, s.cfg.Assumptions.ActiveWebUser)
	b = e.appendMembers(append(b, ','), record)
	for _, f := range c.effects {
		if f.RawMembers != "" {
			b = append(append(b, ','), f.RawMembers...)
		}
	}
	_, _ = out.Write(append(b, '}')) // the caller may have gone
	return nil
}

// serveCount answers with a plain number.
func (s *Simulator) serveCount(w http.ResponseWriter, r *http.Request, c *call) *apiError {
	q, err := s.parseQuery(r, c.set)
	if err != nil {
		return err
	}
	q.count = true
	_, _, total, err := s.read(q, c)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/plain")
	fmt.Fprint(w, total)
	return nil
}

// cursors remembers where a page ended, so that a token stays valid when its row
// changes or goes. It is bounded; the oldest is forgotten.
type cursors struct {
	rows  map[string]*row
	order []string
}

const maxCursors = 1 << 16

// keep remembers that a page ended in this row. The token is its internal id. The
// caller holds the lock of the simulator.
func (k *cursors) keep(set *entitySet, last *row) {
	if k.rows == nil {
		k.rows = map[string]*row{}
	}
	key := set.typeName + last.id.String()
	if _, known := k.rows[key]; !known {
		if k.order = append(k.order, key); len(k.order) > maxCursors {
			delete(k.rows, k.order[0])
			k.order = k.order[1:]
		}
	}
	k.rows[key] = last
}

// cursorRow finds the position that a token stands for. The caller holds the lock.
func (s *Simulator) cursorRow(token string, c *call) (*row, *apiError) {
	refused := &apiError{status: http.StatusBadRequest, code: "SkipTokenIsNoLongerValid", message: "The skip token is no longer valid."}
	for _, f := range c.effects {
		if f.RefuseToken {
			return nil, refused
		}
	}
	id, ok := parseGUID(token)
	if !ok {
		return nil, badRequest("The skip token is not valid.")
	}
	now := c.set.table.byID[id]
	then := s.cursors.rows[c.set.typeName+token]
	switch {
	case now == nil && (then == nil || s.cfg.Assumptions.SkipTokenNeedsRow):
		return nil, refused
	case then == nil || s.cfg.Assumptions.SkipTokenFollowsRow && now != nil:
		return now, nil
	}
	return then, nil
}

// serveServiceDocument lists what is published.
func (s *Simulator) serveServiceDocument(w http.ResponseWriter, r *http.Request) *apiError {
	s.mu.RLock()
	names := []string{"Company"}
	for _, set := range s.sets {
		names = append(names, set.name)
	}
	s.mu.RUnlock()
	slices.Sort(names)
	jsonContent(w)
	b := appendText([]byte(`{"@odata.context":`), origin(r)+strings.TrimSuffix(r.URL.EscapedPath(), "/")+"/$metadata")
	b = append(b, `,"value":[`...)
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(append(b, `{"name":`...), name)
		b = appendText(append(b, `,"kind":"EntitySet","url":`...), name)
		b = append(b, '}')
	}
	_, _ = w.Write(append(b, "]}"...)) // the caller may have gone
	return nil
}

// serveCompanies lists the companies, or shows one, in the form of the stack.
func (s *Simulator) serveCompanies(w http.ResponseWriter, r *http.Request, c *call) *apiError {
	api := c.route == RouteAPICompanies
	wanted, err := s.wantedCompanies(r, c, api)
	if err != nil {
		return err
	}
	var buffer bytes.Buffer
	for i, company := range wanted {
		if i > 0 {
			buffer.WriteByte(',')
		}
		text := func(s string) []byte { return appendText(nil, s) }
		switch {
		case api:
			fmt.Fprintf(&buffer, `{"id":%s,"systemVersion":"29.0.0.0","timestamp":1,"name":%s,"displayName":%s,"businessProfileId":"","systemCreatedAt":"2024-01-01T00:00:00Z","systemCreatedBy":%s,"systemModifiedAt":"2024-01-01T00:00:00Z","systemModifiedBy":%s}`,
				text(company.ID), text(company.Name), text(company.DisplayName), text(guid{}.String()), text(guid{}.String()))
		default:
			fmt.Fprintf(&buffer, `{"Name":%s,"Evaluation_Company":%t,"Display_Name":%s,"Id":%s}`,
				text(company.Name), company.Evaluation, text(company.DisplayName), text(company.ID))
		}
	}
	jsonContent(w)
	root := origin(r) + r.URL.EscapedPath()
	root = root[:strings.LastIndex(root, "/")]
	set := "Company"
	if api {
		set = "companies"
	}
	if c.key != nil {
		fmt.Fprintf(w, `{"@odata.context":%s,%s`, appendText(nil, root+"/$metadata#"+set+"/$entity"), buffer.Bytes()[1:])
		return nil
	}
	fmt.Fprintf(w, `{"@odata.context":%s,"value":[%s]}`, appendText(nil, root+"/$metadata#"+set), buffer.Bytes())
	return nil
}

func (s *Simulator) wantedCompanies(r *http.Request, c *call, api bool) ([]Company, *apiError) {
	if c.key != nil {
		return []Company{*s.company(*c.key)}, nil
	}
	set := &entitySet{name: "Company", typeName: "NAV.Company", properties: []property{{name: "Name", field: fieldName, kind: kindText}}}
	if api {
		set = &entitySet{name: "companies", typeName: "Microsoft.NAV.company", api: true, properties: []property{
			{name: "name", field: fieldName, kind: kindText}, {name: "id", field: fieldSystemID, kind: kindGUID}}}
	}
	options, err := parseOptions(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	companies := append([]Company{s.cfg.Company}, s.cfg.OtherCompanies...)
	for _, o := range options {
		switch o.name {
		case "$filter":
			filter, err := s.parseFilter(o.value, set)
			if err != nil {
				return nil, err
			}
			companies = slices.DeleteFunc(companies, func(company Company) bool {
				id, _ := parseGUID(company.ID)
				v := view{row: &row{id: id}}
				v.values[fieldName] = company.Name
				return !filter.matches(&v)
			})
		case "$select", "tenant": // a company is small: shown whole
		default:
			s.unknown(r, "the query option "+o.name+" on companies")
			return nil, notImplemented("The simulator does not know the query option " + o.name + ".")
		}
	}
	slices.SortFunc(companies, func(a, b Company) int { return cmp.Compare(a.Name, b.Name) })
	return companies, nil
}
