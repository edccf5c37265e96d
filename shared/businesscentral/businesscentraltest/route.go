package businesscentraltest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// A Route names a kind of call, for faults, hooks and counters.
type Route string

// The routes.
const (
	RouteToken              Route = "token"
	RouteServiceDocument    Route = "service-document"
	RouteMetadata           Route = "metadata"
	RouteCompanies          Route = "companies"
	RouteContacts           Route = "contacts" // a page of the published contact service
	RouteContact            Route = "contact"  // one record of it
	RouteCustomers          Route = "customers"
	RouteCustomer           Route = "customer"
	RouteCustomerCards      Route = "customer-cards"
	RouteCustomerCard       Route = "customer-card"
	RouteAPIMetadata        Route = "api-metadata"
	RouteAPICompanies       Route = "api-companies"
	RouteAPIContacts        Route = "api-contacts"
	RouteAPIContact         Route = "api-contact"
	RouteAPICustomers       Route = "api-customers"
	RouteAPICustomer        Route = "api-customer"
	RouteCustomContacts     Route = "custom-contacts"
	RouteCustomContact      Route = "custom-contact"
	RouteSubscriptions      Route = "subscriptions"
	RouteSubscription       Route = "subscription"
	RouteSupportedResources Route = "supported-resources"
	RouteUnknown            Route = "unknown" // nothing is there
)

// A call is a request whose URL was understood.
type call struct {
	route      Route
	onPremises bool
	err        *apiError // what is wrong with the URL; told after sign-in

	set     *entitySet
	company *Company
	key     *string // in the parentheses
	count   bool    // /$count
	prefix  string  // of an API: v2.0 or publisher/group/version

	effects effects
}

// resolve reads the URL (business-central.md section 2).
func (s *Simulator) resolve(r *http.Request) *call {
	c := &call{route: RouteUnknown}
	segments, ok := pathSegments(r.URL)
	if !ok {
		c.err = badKey()
		return c
	}
	switch {
	case len(segments) == 4 && strings.Join(segments[1:], "/") == "oauth2/v2.0/token":
		c.route = RouteToken
		c.prefix = segments[0]
	case len(segments) > 1 && segments[0] == "BC":
		c.onPremises = true
		s.resolveStack(r, c, segments[1:])
	case len(segments) > 2 && segments[0] == "v2.0":
		s.resolveEnvironment(r, c, segments[1:])
	default:
		s.unknown(r, "this address")
		c.err = noRoute(r)
	}
	return c
}

func pathSegments(u *url.URL) ([]string, bool) {
	segments := strings.Split(strings.Trim(u.EscapedPath(), "/"), "/")
	for i, segment := range segments {
		text, err := url.PathUnescape(segment)
		if err != nil {
			return nil, false
		}
		segments[i] = text
	}
	return segments, true
}

// resolveEnvironment takes /{tenant}/{environment} or /{environment} off.
func (s *Simulator) resolveEnvironment(r *http.Request, c *call, segments []string) {
	stack := slices.IndexFunc(segments, func(segment string) bool { return segment == "ODataV4" || segment == "api" })
	switch {
	case stack != 1 && stack != 2:
		s.unknown(r, "this address")
		c.err = noRoute(r)
	case stack == 2 && !strings.EqualFold(segments[0], s.cfg.Tenant):
		c.err = invalidCredentials() // the token is another tenant's
	case !strings.EqualFold(segments[stack-1], s.cfg.Environment):
		c.err = &apiError{status: http.StatusNotFound, code: "NoEnvironment", message: "Environment does not exist.", xml: true}
	default:
		s.resolveStack(r, c, segments[stack:])
	}
}

func (s *Simulator) resolveStack(r *http.Request, c *call, segments []string) {
	switch {
	case segments[0] == "ODataV4":
		s.resolveOData(r, c, segments[1:])
	case segments[0] == "api" && s.cfg.APIServicesOff:
		c.err = &apiError{status: http.StatusMethodNotAllowed, code: "BadRequest_MethodNotAllowed", message: "API services are not enabled."}
	case segments[0] == "api":
		s.resolveAPI(r, c, segments[1:])
	default:
		s.unknown(r, "this address")
		c.err = noRoute(r)
	}
}

func (s *Simulator) resolveOData(r *http.Request, c *call, segments []string) {
	if len(segments) == 0 {
		c.route = RouteServiceDocument
		return
	}
	name, key := splitKey(segments[0])
	switch {
	case segments[0] == "$metadata":
		c.route = RouteMetadata
	case segments[0] == "$batch":
		s.unknown(r, "batches")
		c.err = noRoute(r)
	case name == "Company" && key == nil:
		c.route = RouteCompanies
	case name == "Company":
		if c.company = s.company(*key); c.company == nil {
			c.err = s.noCompany(*key)
			return
		}
		if len(segments) == 1 {
			c.route = RouteCompanies
			c.key = key
			return
		}
		s.resolveSet(r, c, s.sets, segments[1:])
	default:
		given := strings.Trim(r.URL.Query().Get("company"), "'")
		c.company = &s.cfg.Company // ServicesDefaultCompany
		if given != "" {
			if c.company = s.company("'" + strings.ReplaceAll(given, "'", "''") + "'"); c.company == nil {
				c.err = s.noCompany(given)
				return
			}
		}
		s.resolveSet(r, c, s.sets, segments)
	}
}

// company finds Company('name'), Company(Id=guid) and Company('guid').
func (s *Simulator) company(key string) *Company {
	text, ok := keyText(strings.TrimPrefix(key, "Id="))
	if !ok {
		return nil
	}
	for _, company := range append([]Company{s.cfg.Company}, s.cfg.OtherCompanies...) {
		if byID := strings.EqualFold(company.ID, text); byID || company.Name == text && !strings.HasPrefix(key, "Id=") {
			return &company
		}
	}
	return nil
}

func (s *Simulator) noCompany(key string) *apiError {
	status := http.StatusNotFound
	if s.cfg.Assumptions.UnknownCompanyStatus != 0 {
		status = s.cfg.Assumptions.UnknownCompanyStatus
	}
	return &apiError{status: status, code: "Internal_CompanyNotFound",
		message: "The company " + key + " cannot be found. Specify a company in the URL: company=[name]."}
}

func (s *Simulator) resolveAPI(r *http.Request, c *call, segments []string) {
	sets := s.standard
	var rest []string
	switch {
	case len(segments) > 1 && segments[0] == "v2.0":
		c.prefix, rest = "v2.0", segments[1:]
	case len(segments) == 5 && strings.Join(segments[:3], "/") == "microsoft/runtime/beta" && segments[4] == "webhookSupportedResources":
		_, key := splitKey(segments[3])
		if c.route = RouteSupportedResources; key == nil || s.company(*key) == nil {
			c.err = s.noCompany(segments[3])
		}
		return
	case len(segments) > 3 && s.cfg.CustomAPI != nil &&
		strings.EqualFold(strings.Join(segments[:3], "/"), s.cfg.CustomAPI.path()):
		c.prefix, sets, rest = s.cfg.CustomAPI.path(), s.custom, segments[3:]
	default:
		c.err = noRoute(r)
		return
	}
	name, key := splitKey(rest[0])
	switch {
	case rest[0] == "$metadata":
		c.route = RouteAPIMetadata
	case name == "companies" && len(rest) == 1:
		c.route, c.key = RouteAPICompanies, key
		if key != nil && s.company(*key) == nil {
			c.err = s.noCompany(*key)
		}
	case name == "companies":
		if key != nil {
			c.company = s.company(*key)
		}
		if c.company == nil {
			c.err = s.noCompany(rest[0])
			return
		}
		s.resolveSet(r, c, sets, rest[1:])
	case name == "subscriptions" && len(rest) == 1:
		c.route, c.key = RouteSubscriptions, key
		if key != nil {
			c.route = RouteSubscription
		}
	default:
		if c.company = s.company(r.URL.Query().Get("company")); c.company == nil {
			c.err = s.noCompany("")
			return
		}
		s.resolveSet(r, c, sets, rest)
	}
}

func (a *CustomAPI) path() string { return a.Publisher + "/" + a.Group + "/" + a.Version }

// resolveSet finds an entity set, a record in it, or the number of its records.
func (s *Simulator) resolveSet(r *http.Request, c *call, sets []*entitySet, segments []string) {
	name, key := splitKey(segments[0])
	i := slices.IndexFunc(sets, func(e *entitySet) bool { return e.name == name })
	if i < 0 {
		c.err = noSegment(name)
		return
	}
	c.set, c.key = sets[i], key
	if c.route = c.set.list; key != nil {
		c.route = c.set.single
	}
	switch {
	case len(segments) == 1:
	case len(segments) == 2 && segments[1] == "$count" && key == nil:
		c.count = true
	default:
		s.unknown(r, "navigation below a record")
		c.err = noSegment(segments[1])
	}
}

// splitKey splits contacts(key).
func splitKey(segment string) (name string, key *string) {
	name, rest, found := strings.Cut(segment, "(")
	if !found || !strings.HasSuffix(rest, ")") {
		return segment, nil
	}
	rest = strings.TrimSuffix(rest, ")")
	return name, &rest
}

// keyText reads a key literal: 'text' with doubled quotes, or bare.
func keyText(key string) (string, bool) {
	if !strings.HasPrefix(key, "'") {
		return key, key != "" && !strings.Contains(key, "'")
	}
	if len(key) < 2 || quotedLength(key) != len(key) || !strings.HasSuffix(key, "'") {
		return "", false
	}
	return strings.ReplaceAll(key[1:len(key)-1], "''", "'"), true
}

// recordKey reads the key of a record: text for a number, a bare GUID for an id,
// both also with the name of the property in front.
func (e *entitySet) recordKey(key string) (string, bool) {
	for i := range e.properties {
		if p := &e.properties[i]; p.field == e.key {
			key = strings.TrimPrefix(key, p.name+"=")
		}
	}
	text, ok := keyText(key)
	if e.key == fieldNo {
		return text, ok && strings.HasPrefix(key, "'")
	}
	_, isGUID := parseGUID(text)
	return text, ok && isGUID && !strings.HasPrefix(key, "'")
}
