package ipaastest

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// searchCustomers is GET Customers (ipaas.md 4.1 and 6.1). Without a filter it
// lists all of them.
func (s *Simulator) searchCustomers(q url.Values) (reply, *problem) {
	field, p := s.filterField(q, "EmailAddress", "CustomerNumber")
	if p != nil {
		return reply{}, p
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := s.customerIDs
	if field != "" {
		ids = s.matchingCustomers(q.Get("action"), field, q.Get(field))
	}
	if !s.cfg.Switches.SearchShowsInactive {
		ids = slices.DeleteFunc(slices.Clone(ids), func(id int64) bool { return s.customers[id].Inactive })
	}
	if len(ids) == 0 && field != "" && s.cfg.Switches.NoMatchIs404 {
		return reply{}, notFound("0")
	}
	return page(s, q, ids, func(id int64) any { return s.wireCustomer(s.customers[id], "") })
}

func (s *Simulator) matchingCustomers(action, field, value string) []int64 {
	indexed := field == "EmailAddress" && action == "equals"
	if indexed && s.cfg.Switches.EmailSearch != EmailPrefix {
		found := slices.Sorted(slices.Values(s.byEmail[foldEmail(value)]))
		if s.cfg.Switches.EmailSearch == EmailExactCase {
			found = slices.DeleteFunc(found, func(id int64) bool { return s.customers[id].EmailAddress != value })
		}
		return found
	}
	match := matcher(action, value)
	if indexed {
		match = matcher("startswith", value)
	}
	var found []int64
	for _, id := range s.customerIDs {
		text := s.customers[id].EmailAddress
		if field == "CustomerNumber" {
			text = s.customers[id].CustomerNumber
		}
		if match(text) {
			found = append(found, id)
		}
	}
	return found
}

func matcher(action, value string) func(string) bool {
	value = strings.ToLower(value)
	return func(text string) bool {
		text = strings.ToLower(text)
		switch action {
		case "contains":
			return strings.Contains(text, value)
		case "startswith":
			return strings.HasPrefix(text, value)
		}
		return text == value
	}
}

// filterField returns the one field that a search filters by, "" when it does not
// filter. Only equals is known to exist (ipaas.md 4.1; 14, no. 15); only the
// first field is, unless the switch ExtraFilters has the others.
func (s *Simulator) filterField(q url.Values, fields ...string) (string, *problem) {
	actions := []string{"equals"}
	if s.cfg.Switches.ExtraFilters {
		actions = append(actions, "contains", "startswith")
	} else {
		fields = fields[:1]
	}
	var field string
	for name := range q {
		switch {
		case name == "action" || name == "pageNumber" || name == "pageSize" || name == "trackingGuid":
		case !slices.Contains(fields, name):
			return "", unexpected(http.StatusBadRequest, "a filter by %s", name)
		case field != "":
			return "", unexpected(http.StatusBadRequest, "a filter by two fields")
		default:
			field = name
		}
	}
	switch {
	case field == "" && !q.Has("action"):
		return "", nil
	case field == "" || !q.Has("action"):
		return "", unexpected(http.StatusBadRequest, "a filter needs action and a field")
	case !slices.Contains(actions, q.Get("action")):
		return "", unexpected(http.StatusBadRequest, "unknown action %q", q.Get("action"))
	case q.Get(field) == "":
		return "", unexpected(http.StatusBadRequest, "a filter by an empty %s", field)
	}
	return field, nil
}

func (s *Simulator) searchCompanies(q url.Values) (reply, *problem) {
	field, p := s.filterField(q, "Name")
	if p != nil {
		return reply{}, p
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := s.companyIDs
	if field != "" {
		ids = s.matchingCompanies(q.Get("action"), q.Get(field))
	}
	if len(ids) == 0 && field != "" && s.cfg.Switches.NoMatchIs404 {
		return reply{}, notFound("0")
	}
	return page(s, q, ids, func(id int64) any { return s.wireCompany(s.companies[id]) })
}

func (s *Simulator) matchingCompanies(action, name string) []int64 {
	if action == "equals" {
		return s.companyNames[strings.ToLower(name)]
	}
	match := matcher(action, name)
	var found []int64
	for _, id := range s.companyIDs {
		if match(s.companies[id].Name) {
			found = append(found, id)
		}
	}
	return found
}

func (s *Simulator) getCompany(idInPath string) (reply, *problem) {
	id, p := recordID(idInPath)
	if p != nil {
		return reply{}, p
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.companies[id]
	if c == nil {
		return reply{}, notFound(idInPath)
	}
	return jsonReply(http.StatusOK, s.wireCompany(c)), nil
}

// page answers with one page of a list and the header X-Pagination (ipaas.md 4.1;
// 14, no. 14). A page beyond the last one is empty.
func page[T any](s *Simulator, q url.Values, items []T, wire func(T) any) (reply, *problem) {
	number, size := 1, s.cfg.PageSize
	for name, to := range map[string]*int{"pageNumber": &number, "pageSize": &size} {
		if !q.Has(name) {
			continue
		}
		n, err := strconv.Atoi(q.Get(name))
		if err != nil || n < 1 {
			return reply{}, pageError(name)
		}
		*to = n
	}
	size = min(size, 1000)
	total := (len(items) + size - 1) / size
	shown := []any{}
	if number <= total {
		first := (number - 1) * size
		for _, item := range items[first:min(first+size, len(items))] {
			shown = append(shown, wire(item))
		}
	}
	answer := jsonReply(http.StatusOK, shown)
	if !s.cfg.Switches.NoPagination {
		more := ""
		if !s.cfg.Switches.ShortPagination {
			more = `,"page_Size":` + strconv.Itoa(size) + `,"total_Count":` + strconv.Itoa(len(items))
		}
		answer.header.Set("X-Pagination", `{"current_Page":`+strconv.Itoa(number)+`,"total_Pages":`+strconv.Itoa(max(total, 1))+more+`}`)
	}
	return answer, nil
}
