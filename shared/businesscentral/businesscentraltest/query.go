package businesscentraltest

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// maxQueryLength is what the gateway accepts; the path does not count
// (business-central.md 4.2).
const maxQueryLength = 8099

// A query is the options of one list request.
type query struct {
	filter    expression
	selected  []*property
	order     []orderTerm
	top       int // -1: none
	skip      int
	count     bool
	skipToken string
	pageSize  int
	preferred bool     // the caller named a page size
	options   []option // as the caller gave them, in order
}

type option struct{ name, value string }

type orderTerm struct {
	property   *property
	descending bool
}

// parseOptions splits a query string and keeps the order.
func parseOptions(raw string) ([]option, *apiError) {
	var options []option
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		name, nameErr := url.QueryUnescape(name)
		value, valueErr := url.QueryUnescape(value)
		if nameErr != nil || valueErr != nil {
			return nil, badRequest("The query string cannot be read.")
		}
		if slices.ContainsFunc(options, func(o option) bool { return o.name == name }) {
			return nil, badRequest("Query option '%s' was specified more than once, but it must be specified at most once.", name)
		}
		options = append(options, option{name, value})
	}
	return options, nil
}

// parseQuery reads the options that Business Central knows. One that the
// simulator does not know fails the test.
func (s *Simulator) parseQuery(r *http.Request, set *entitySet) (*query, *apiError) {
	options, err := parseOptions(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	q := &query{top: -1, options: options}
	for i := range set.properties {
		q.selected = append(q.selected, &set.properties[i])
	}
	for _, o := range options {
		switch o.name {
		case "$filter":
			q.filter, err = s.parseFilter(o.value, set)
		case "$select":
			q.selected, err = parseSelect(o.value, set)
		case "$orderby":
			q.order, err = parseOrder(o.value, set)
		case "$top":
			q.top, err = parseCount(o)
		case "$skip":
			q.skip, err = parseCount(o)
		case "$count":
			q.count = o.value == "true"
		case "$skiptoken":
			q.skipToken = o.value
		case "aid", "tenant", "company", "$schemaversion":
		default:
			s.unknown(r, "the query option "+o.name)
			err = notImplemented("The simulator does not know the query option " + o.name + ".")
		}
		if err != nil {
			return nil, err
		}
	}
	return q, s.pageSize(r, q, set)
}

// pageSize obeys Prefer: odata.maxpagesize up to the server's own limit.
func (s *Simulator) pageSize(r *http.Request, q *query, set *entitySet) *apiError {
	q.pageSize = s.cfg.MaxPageSize
	for _, header := range r.Header.Values("Prefer") {
		for part := range strings.SplitSeq(header, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
			n, err := strconv.Atoi(strings.Trim(value, `"`))
			if !strings.EqualFold(strings.TrimPrefix(name, "odata."), "maxpagesize") || err != nil || n < 1 {
				continue
			}
			if !set.api && s.cfg.Assumptions.PagesIgnoreMaxPageSize {
				continue
			}
			if n > s.cfg.MaxPageSize && s.cfg.Assumptions.OversizedPageRefused {
				return &apiError{status: http.StatusRequestEntityTooLarge, code: "BadRequest", message: "The page size limit is exceeded."}
			}
			q.pageSize, q.preferred = min(n, s.cfg.MaxPageSize), true
		}
	}
	return nil
}

func parseCount(o option) (int, *apiError) {
	n, err := strconv.Atoi(o.value)
	if err != nil || n < 0 {
		return 0, badRequest("Invalid value '%s' for %s query option found.", cut(o.value, 20), o.name)
	}
	return n, nil
}

// parseSelect accepts names in any case and answers in the server's own.
func parseSelect(text string, set *entitySet) ([]*property, *apiError) {
	var selected []*property
	for name := range strings.SplitSeq(text, ",") {
		name = strings.TrimSpace(name)
		i := slices.IndexFunc(set.properties, func(p property) bool { return strings.EqualFold(p.name, name) })
		if i < 0 {
			return nil, noProperty(name, set)
		}
		if !slices.Contains(selected, &set.properties[i]) {
			selected = append(selected, &set.properties[i])
		}
	}
	return selected, nil
}

func parseOrder(text string, set *entitySet) ([]orderTerm, *apiError) {
	var order []orderTerm
	for part := range strings.SplitSeq(text, ",") {
		words := strings.Fields(part)
		if len(words) == 0 || len(words) > 2 || len(words) == 2 && words[1] != "asc" && words[1] != "desc" {
			return nil, badRequest("Syntax error in the $orderby expression.")
		}
		p := set.find(words[0])
		if p == nil {
			return nil, noProperty(words[0], set)
		}
		if p.computed {
			return nil, notImplemented("The $orderby expression is not supported.")
		}
		order = append(order, orderTerm{p, len(words) == 2 && words[1] == "desc"})
	}
	return order, nil
}

// nextLink is the absolute link to the rows after last: the path and the options
// as the caller gave them in front, then what the server adds
// (business-central.md 4.4).
func (s *Simulator) nextLink(r *http.Request, q *query, served int, token string) string {
	var b strings.Builder
	b.WriteString(origin(r) + r.URL.EscapedPath() + "?")
	for _, o := range q.options {
		switch o.name {
		case "$skiptoken", "aid", "$skip":
			continue
		case "tenant":
			if s.cfg.TenantInNextLink != "" {
				continue
			}
		case "$top":
			o.value = strconv.Itoa(q.top - served)
		}
		b.WriteString(o.name + "=" + strings.ReplaceAll(url.QueryEscape(o.value), "+", "%20") + "&")
	}
	if s.cfg.TenantInNextLink != "" {
		b.WriteString("tenant=" + url.QueryEscape(s.cfg.TenantInNextLink) + "&")
	}
	b.WriteString("aid=FIN&$skiptoken=" + token)
	return b.String()
}

// origin is scheme and host under which the caller reached the simulator.
func origin(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	if r.URL.Scheme != "" { // the client in memory keeps it
		scheme = r.URL.Scheme
	}
	return scheme + "://" + r.Host
}
