package ipaastest

import (
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Route names what a call is about. Look-ups are named by their table, so that
// a test can ask how many companies were looked up.
type Route string

// The routes of the simulator.
const (
	CustomerGet        Route = "customer get"
	CustomerSearch     Route = "customer search"
	CustomerCreate     Route = "customer create"
	CustomerUpdate     Route = "customer update"
	CustomerDeactivate Route = "customer deactivate"
	AddressCreate      Route = "address create"
	AddressUpdate      Route = "address update"
	CompanyGet         Route = "company get"
	CompanySearch      Route = "company search"
	LookupCustomer     Route = "look up customer" // plain and special
	LookupAddress      Route = "look up address"
	LookupCompany      Route = "look up company"
	LookupOther        Route = "look up other"
	LookupExternal     Route = "look up external id"
	LinkUpdate         Route = "update external id"
	LinkMissing        Route = "missing external ids"
	CustomFieldSet     Route = "set custom field"
	Unknown            Route = "unknown"
)

// A call is a request that was recognised: what carries it out, or why it is refused.
type call struct {
	route        Route
	writes       bool
	handle       func() (reply, *problem)
	problem      *problem // refuses the call instead of handle
	key          string
	clientID     string
	trackingGUID string
}

var guid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// classify finds out what a request is about, without regard to who sends it.
func (s *Simulator) classify(r *http.Request, body []byte) call {
	c := s.find(r, body)
	c.clientID = r.Header.Get("X-Client-Id")
	if name := s.cfg.Switches.KeyHeader; name != "" {
		c.key = r.Header.Get(name)
	} else if scheme, key, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		c.key = strings.TrimSpace(key)
	}
	if c.problem == nil {
		c.problem = checkParts(r, body)
	}
	return c
}

// checkParts refuses what no call has: a body where none belongs, another type
// of content, a tracking id that is none (ipaas.md 4).
func checkParts(r *http.Request, body []byte) *problem {
	if id := r.URL.Query().Get("trackingGuid"); r.URL.Query().Has("trackingGuid") && !guid.MatchString(id) {
		return unexpected(http.StatusBadRequest, "trackingGuid is no GUID")
	}
	if r.Method != http.MethodPost && r.Method != http.MethodPut {
		if len(body) > 0 {
			return unexpected(http.StatusBadRequest, "a body on %s", r.Method)
		}
		return nil
	}
	if len(body) > maxRequestBody {
		return unexpected(http.StatusRequestEntityTooLarge, "a body of more than %d bytes", maxRequestBody)
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return unexpected(http.StatusUnsupportedMediaType, "the Content-Type is not application/json")
	}
	return nil
}

func (s *Simulator) find(r *http.Request, body []byte) call {
	parts, ok := segments(r.URL)
	if !ok || len(parts) < 3 || parts[0] != "customers" || parts[1] != "v2" {
		return nothing(r, "no such path")
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nothing(r, "the query cannot be read")
	}
	c := s.route(r.Method, parts[2:], query, body)
	if c.handle == nil && c.problem == nil {
		return nothing(r, "no such path or method")
	}
	return c
}

func nothing(r *http.Request, why string) call {
	return call{route: Unknown, problem: unexpected(http.StatusNotImplemented, "%s: %s %s", why, r.Method, r.URL.EscapedPath())}
}

// segments splits a path at its slashes before it decodes each part: an encoded
// slash belongs to a value.
func segments(u *url.URL) ([]string, bool) {
	parts := strings.Split(strings.TrimPrefix(u.EscapedPath(), "/"), "/")
	for i, p := range parts {
		decoded, err := url.PathUnescape(p)
		if err != nil {
			return nil, false
		}
		parts[i] = decoded
	}
	return parts, true
}

// route is the table of ipaas.md 6.1, 7 and 8. A call without a handler is unknown.
func (s *Simulator) route(method string, p []string, q url.Values, body []byte) call {
	tracking := q.Get("trackingGuid")
	get, post, put := method == http.MethodGet, method == http.MethodPost, method == http.MethodPut
	// done finishes a call: only the named query parameters may be there.
	done := func(route Route, writes bool, handle func() (reply, *problem), params ...string) call {
		c := call{route: route, writes: writes, handle: handle, trackingGUID: tracking}
		for name, values := range q {
			if name != "trackingGuid" && !slices.Contains(params, name) {
				c.problem = unexpected(http.StatusBadRequest, "unknown parameter %q", name)
			} else if len(values) != 1 {
				c.problem = unexpected(http.StatusBadRequest, "parameter %q is given %d times", name, len(values))
			}
		}
		return c
	}
	withBody := func(route Route, writes bool, handle func(*members) (reply, *problem)) call {
		return done(route, writes, func() (reply, *problem) {
			m, problem := parseBody(body)
			if problem != nil {
				return reply{}, problem
			}
			return handle(m)
		})
	}
	customer := s.cfg.Switches.CustomerPath
	switch {
	case get && is(p, "Customers"):
		return done(CustomerSearch, false, func() (reply, *problem) { return s.searchCustomers(q) },
			"action", "EmailAddress", "CustomerNumber", "pageNumber", "pageSize")
	case get && is(p, "Customer", "Companies"):
		return done(CompanySearch, false, func() (reply, *problem) { return s.searchCompanies(q) },
			"action", "Name", "pageNumber", "pageSize")
	case get && is(p, "Customer", "Company", "*"):
		return done(CompanyGet, false, func() (reply, *problem) { return s.getCompany(p[2]) })
	case post && s.cfg.Switches.AddressRoutes && is(p, customer, "Address", "*"):
		return withBody(AddressCreate, true, func(m *members) (reply, *problem) { return s.createAddress(p[2], m) })
	case put && s.cfg.Switches.AddressRoutes && is(p, customer, "Address", "*"):
		return withBody(AddressUpdate, true, func(m *members) (reply, *problem) { return s.updateAddress(p[2], m) })
	case get && is(p, "Customer", "*"):
		return done(CustomerGet, false, func() (reply, *problem) { return s.getCustomer(p[1]) })
	case post && is(p, customer):
		return withBody(CustomerCreate, true, s.createCustomer)
	case put && is(p, customer, "*"):
		return withBody(CustomerUpdate, true, func(m *members) (reply, *problem) { return s.updateCustomer(p[1], m) })
	case method == http.MethodDelete && is(p, customer, "*"):
		return done(CustomerDeactivate, true, func() (reply, *problem) { return s.deactivateCustomer(p[1]) })
	case get && is(p, "External", "LookupSpaceport", "*", "*", "*"):
		return done(s.lookupRoute(p[3]), false, func() (reply, *problem) { return s.lookup(p[2], p[3], p[4], true) })
	case post && is(p, "External", "LookupSpecial"):
		return withBody(s.lookupRoute(tableOf(body)), false, s.lookupSpecial)
	case get && is(p, "External", "LookupExternal", "*", "*", "*"):
		return done(LookupExternal, false, func() (reply, *problem) { return s.lookupExternal(p[2], p[3], p[4]) })
	case post && is(p, "External", "UpdateExternalId"):
		return withBody(LinkUpdate, true, s.updateExternalID)
	case get && is(p, "External", "Missing", "*", "*"):
		return done(LinkMissing, false, func() (reply, *problem) { return s.missing(p[2], p[3], q) }, "pageNumber", "pageSize")
	case (post || put) && is(p, "CustomField", "Customer"):
		return withBody(CustomFieldSet, true, s.setCustomField)
	}
	return call{}
}

// is compares the parts of a path with a pattern; * stands for any part that is not empty.
func is(parts []string, pattern ...string) bool {
	return slices.EqualFunc(parts, pattern, func(p, want string) bool { return p == want || want == "*" && p != "" })
}

// tableOf reads the table of a look-up for the name of its route; what is wrong
// with the body shows later.
func tableOf(body []byte) string {
	m, problem := parseBody(body)
	if problem != nil {
		return ""
	}
	table, _ := m.values["table_name"].(string)
	return table
}

func (s *Simulator) lookupRoute(table string) Route {
	switch name, _ := s.table(table); name {
	case TableCustomer:
		return LookupCustomer
	case TableAddress:
		return LookupAddress
	case s.cfg.Switches.CompanyTable:
		return LookupCompany
	}
	return LookupOther
}

// recordID reads the id of a record in a path (ipaas.md 5, ID family).
func recordID(text string) (int64, *problem) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, refuse(codeNotInteger, "ID must be an integer.")
	}
	if id <= 0 {
		return 0, refuse(codeNotPositive, "Id must be larger than zero.")
	}
	return id, nil
}
