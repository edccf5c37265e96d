package ipaastest

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// tables returns the names of the tables that external ids may stand under.
func (s *Simulator) tables() []string {
	return []string{TableCustomer, TableAddress, TableCategory, s.cfg.Switches.CompanyTable}
}

// table returns the table in its own spelling (ipaas.md 7: without regard to case
// unless the switch ExactTableCase says otherwise).
func (s *Simulator) table(name string) (string, *problem) {
	if strings.TrimSpace(name) == "" {
		return "", refuse(codeNoTable, "Table name (%s) is null or empty in your request.", "TableName")
	}
	for _, t := range s.tables() {
		if t == name || !s.cfg.Switches.ExactTableCase && strings.EqualFold(t, name) {
			return t, nil
		}
	}
	return "", unexpected(http.StatusBadRequest, "unknown table %q", name)
}

func (s *Simulator) fold(table string) string { return strings.ToLower(table) }

// unreserved is what an external id may be made of to travel in a path; others
// need LookupSpecial (ipaas.md 7).
var unreserved = regexp.MustCompile(`^[A-Za-z0-9._~-]+$`)

func (s *Simulator) lookup(systemText, tableName, external string, inPath bool) (reply, *problem) {
	system, err := strconv.ParseInt(systemText, 10, 64)
	if err != nil {
		return reply{}, refuse(codeBadSystem, "System Id: %s is invalid.", systemText)
	}
	table, p := s.table(tableName)
	if p == nil {
		p = s.checkSystem(system)
	}
	if p == nil && external == "" {
		p = required("External Id")
	}
	if p == nil && inPath && !unreserved.MatchString(external) {
		p = unexpected(http.StatusBadRequest, "an external id with special characters in a path; LookupSpecial takes those")
	}
	if p != nil {
		return reply{}, p
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	internal, found := s.links[link{system, s.fold(table), external}]
	deleted := found && (!s.alive(table, internal) || s.cfg.Switches.InactiveIsDeleted && s.deactivated(table, internal))
	switch {
	case !found || deleted && s.cfg.Switches.DeletedIs404:
		return reply{status: http.StatusNotFound, header: http.Header{}}, nil
	case deleted:
		return s.textReply("DELETED:" + internal), nil
	}
	return s.textReply(internal), nil
}

// textReply answers with an id as text: a JSON string (ipaas.md 7).
func (s *Simulator) textReply(text string) reply {
	if s.cfg.Switches.BareLookups {
		return reply{status: http.StatusOK, header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, body: []byte(text)}
	}
	return jsonReply(http.StatusOK, text)
}

func (s *Simulator) lookupSpecial(m *members) (reply, *problem) {
	m.name = "look-up"
	var table, external string
	var system int64
	m.text("table_name", &table)
	m.integer("system_id", &system)
	m.text("external_id", &external)
	m.tracking()
	if p := m.end(); p != nil {
		return reply{}, p
	}
	return s.lookup(idText(system), table, external, false)
}

func (s *Simulator) lookupExternal(internal, systemText, tableName string) (reply, *problem) {
	system, err := strconv.ParseInt(systemText, 10, 64)
	if err != nil {
		return reply{}, refuse(codeBadSystem, "System Id: %s is invalid.", systemText)
	}
	table, p := s.table(tableName)
	if p == nil {
		p = s.checkSystem(system)
	}
	if p != nil {
		return reply{}, p
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	external, found := s.linked[record{system, s.fold(table), internal}]
	if !found || !s.alive(table, internal) {
		return reply{status: http.StatusNotFound, header: http.Header{}}, nil
	}
	return s.textReply(external), nil
}

// updateExternalID creates or replaces a link (ipaas.md 7).
func (s *Simulator) updateExternalID(m *members) (reply, *problem) {
	m.name = "link"
	var tableName, internal string
	var l ExternalID
	m.text("table_name", &tableName)
	m.integer("system_id", &l.SystemID)
	m.text("external_id", &l.ExternalID)
	m.id("internal_id", &internal)
	m.tracking()
	p := m.end()
	var table string
	if p == nil {
		table, p = s.table(tableName)
	}
	if p == nil {
		p = s.checkSystem(l.SystemID)
	}
	if p == nil && l.ExternalID == "" {
		p = required("External Id")
	}
	if p == nil && internal == "" {
		p = required("Internal Id")
	}
	if p != nil {
		return reply{}, p
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.alive(table, internal) {
		return reply{}, notFound(internal)
	}
	links := linkChanges{sim: s}
	links.add(table, internal, []ExternalID{l})
	if p := links.check(); p != nil {
		return reply{}, p
	}
	links.commit()
	return jsonReply(http.StatusOK, struct {
		wireLink
		TableName string `json:"table_name"`
	}{s.wireLink(l, internal), table}), nil
}

// missing lists the records without an external id of the system. That the
// answer is an array of ids is our own assumption.
func (s *Simulator) missing(systemText, tableName string, q url.Values) (reply, *problem) {
	system, err := strconv.ParseInt(systemText, 10, 64)
	if err != nil {
		return reply{}, refuse(codeBadSystem, "System Id: %s is invalid.", systemText)
	}
	table, p := s.table(tableName)
	if p == nil {
		p = s.checkSystem(system)
	}
	if p != nil {
		return reply{}, p
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []int64
	switch table {
	case TableCustomer:
		all = s.customerIDs
	case s.cfg.Switches.CompanyTable:
		all = s.companyIDs
	default:
		return reply{}, unexpected(http.StatusBadRequest, "missing external ids of table %q", table)
	}
	var ids []any
	for _, id := range all {
		if _, linked := s.linked[record{system, s.fold(table), idText(id)}]; !linked {
			ids = append(ids, s.wireID(id))
		}
	}
	return page(s, q, ids, func(id any) any { return id })
}

// alive says whether a record that a link leads to still exists.
func (s *Simulator) alive(table, internal string) bool {
	if table == TableAddress {
		_, found := s.addressOwner[internal]
		return found
	}
	id, err := strconv.ParseInt(internal, 10, 64)
	if err != nil {
		return false
	}
	switch table {
	case TableCustomer:
		return s.customers[id] != nil
	case s.cfg.Switches.CompanyTable:
		return s.companies[id] != nil
	}
	return false
}

func (s *Simulator) deactivated(table, internal string) bool {
	id, err := strconv.ParseInt(internal, 10, 64)
	return err == nil && table == TableCustomer && s.customers[id] != nil && s.customers[id].Inactive
}

// setCustomField is the standalone form of a custom field (ipaas.md 8). Its
// answer, the value's row, follows the nested form.
func (s *Simulator) setCustomField(m *members) (reply, *problem) {
	m.name = "custom field"
	var id, kind string
	var f CustomField
	m.id("id", &id)
	m.text("type", &kind)
	m.text("custom_field_name", &f.Name)
	m.text("value", &f.Value)
	m.tracking()
	p := m.end()
	if p == nil && kind != string(CustomerFields) {
		p = refuse(codeOneOf, "Invalid value for type; must be one of %s.", CustomerFields)
	}
	if p == nil {
		p = s.checkCustomField(CustomerFields, f)
	}
	var number int64
	if p == nil {
		number, p = recordID(id)
	}
	if p != nil {
		return reply{}, p
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.customers[number]
	if old == nil {
		return reply{}, notFound(id)
	}
	next := old.clone()
	next.Updated = s.cfg.Now()
	s.upsertFields(&next.CustomFields, []CustomField{f})
	s.put(next)
	for _, have := range next.CustomFields {
		if have.Name == f.Name {
			f = have
		}
	}
	return jsonReply(http.StatusOK, f), nil
}

func pageError(name string) *problem {
	return unexpected(http.StatusBadRequest, "%s is no whole number above zero", name)
}
