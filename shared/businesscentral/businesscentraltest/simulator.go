package businesscentraltest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"
)

// A Simulator is a Business Central with one environment. It is an
// [http.Handler]; its methods may be called from several goroutines.
type Simulator struct {
	cfg  Config
	base string // origin for BaseURL
	http *http.Client

	mu        sync.RWMutex // guards the records, what is published, and subscriptions
	contacts  *table
	customers *table
	sets      []*entitySet // published services
	standard  []*entitySet // of /api/v2.0
	custom    []*entitySet // of the custom API
	version   uint64
	ids       uint64
	cursors   cursors
	webhooks  webhooks

	access   access
	throttle throttle
	faults   faults
	log      requestLog
	admin    *http.ServeMux

	testMu sync.Mutex
	test   testing.TB // nil when none runs it
}

// New returns a simulator. It panics when cfg makes no sense: a mistake in a test
// or in the sandbox, found at its start.
func New(cfg Config) *Simulator {
	cfg = cfg.withDefaults()
	s := &Simulator{cfg: cfg, base: "https://api.businesscentral.example", contacts: newTable(), customers: newTable()}
	faults := []error{cfg.check()}
	for _, service := range cfg.Services {
		faults = append(faults, s.Publish(service))
	}
	faults = append(faults, s.buildAPIs())
	if err := errors.Join(faults...); err != nil {
		panic(fmt.Sprintf("businesscentraltest: %v", err))
	}
	s.access.init(cfg)
	s.throttle.init(cfg)
	s.admin = s.adminRoutes()
	s.http = &http.Client{Transport: &memoryTransport{handler: s}}
	return s
}

// Start returns a simulator for a test, which an unknown request fails. Its
// [Simulator.HTTPClient] answers in memory, without a socket, so that the test can
// run under testing/synctest. At most one Config is used.
func Start(t testing.TB, cfg ...Config) *Simulator {
	t.Helper()
	s := New(first(cfg))
	s.runFor(t)
	return s
}

// StartServer is [Start] with a server on a loopback socket.
func StartServer(t testing.TB, cfg ...Config) *Simulator {
	t.Helper()
	s := New(first(cfg))
	server := httptest.NewServer(s)
	s.base, s.http = server.URL, server.Client()
	t.Cleanup(server.Close)
	s.runFor(t)
	return s
}

func first(cfg []Config) Config {
	if len(cfg) == 0 {
		return Config{}
	}
	return cfg[0]
}

func (s *Simulator) runFor(t testing.TB) {
	s.test = t
	t.Cleanup(func() {
		s.testMu.Lock()
		defer s.testMu.Unlock()
		s.test = nil
	})
}

// SetOrigin tells under which scheme and host the simulator is served, e.g.
// http://127.0.0.1:7048, when the caller runs the server.
func (s *Simulator) SetOrigin(origin string) {
	s.base, s.http = origin, http.DefaultClient
}

// BaseURL is what stands before /{tenant}/{environment} (BC_BASE_URL).
func (s *Simulator) BaseURL() string { return s.base + "/v2.0" }

// OnPremisesURL is the address of the server instance with basic authentication.
func (s *Simulator) OnPremisesURL() string { return s.base + "/BC" }

// TokenURL is the address of the token endpoint (BC_TOKEN_URL, tenant filled in).
func (s *Simulator) TokenURL() string { return s.base + "/" + s.cfg.Tenant + "/oauth2/v2.0/token" }

// HTTPClient reaches the simulator under its URLs.
func (s *Simulator) HTTPClient() *http.Client { return s.http }

// Config returns the settings with their defaults filled in.
func (s *Simulator) Config() Config { return s.cfg }

// CompanyID is the id of the company that has the records.
func (s *Simulator) CompanyID() string { return s.cfg.Company.ID }

// CompanyName is its name, as it stands in Company('...').
func (s *Simulator) CompanyName() string { return s.cfg.Company.Name }

// Publish makes a page available as a web service, in place of one of the same name.
func (s *Simulator) Publish(service Service) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	set, err := s.published(service)
	if err != nil {
		return err
	}
	s.sets = append(slices.DeleteFunc(slices.Clone(s.sets), func(e *entitySet) bool { return e.name == service.Name }), set)
	return nil
}

// Unpublish takes a web service away: calls get the 404 of an unknown segment.
func (s *Simulator) Unpublish(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sets = slices.DeleteFunc(slices.Clone(s.sets), func(e *entitySet) bool { return e.name == name })
}

// buildAPIs makes the entity sets of API v2.0 and of the custom API.
func (s *Simulator) buildAPIs() error {
	s.standard = []*entitySet{
		{name: "contacts", typeName: "Microsoft.NAV.contact", table: s.contacts, properties: apiContact(), key: fieldSystemID,
			api: true, list: RouteAPIContacts, single: RouteAPIContact},
		{name: "customers", typeName: "Microsoft.NAV.customer", table: s.customers, properties: apiCustomer(), key: fieldSystemID,
			api: true, list: RouteAPICustomers, single: RouteAPICustomer},
	}
	custom := s.cfg.CustomAPI
	if custom == nil {
		return nil
	}
	properties, err := contactProperties(custom.Profile)
	if err != nil {
		return fmt.Errorf("custom API: %w", err)
	}
	set := &entitySet{name: "contacts", typeName: "Microsoft.NAV.contact", table: s.contacts,
		properties: append(properties, s.extraProperties()...), api: true, list: RouteCustomContacts, single: RouteCustomContact}
	if err := set.shape(Service{Without: custom.Without, Rename: custom.Rename, KeySystemID: true}, s.cfg.Assumptions.ActiveWebUser); err != nil {
		return fmt.Errorf("custom API: %w", err)
	}
	s.custom = []*entitySet{set}
	return nil
}

func (s *Simulator) now() time.Time { return s.cfg.Now().UTC().Truncate(time.Millisecond) }

// newID makes up an internal id: the same ones in the same order for every
// simulator, in the form seen online. The caller holds the lock.
func (s *Simulator) newID() guid {
	s.ids++
	x := s.ids * 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	var id guid
	binary.BigEndian.PutUint64(id[:8], x^x>>31)
	copy(id[6:], []byte{0xf0, 0x11, 0x9a, 0x4a})
	binary.BigEndian.PutUint32(id[10:], uint32(s.ids>>16))
	binary.BigEndian.PutUint16(id[14:], uint16(s.ids))
	if s.contacts.byID[id] != nil || s.customers.byID[id] != nil {
		return s.newID()
	}
	return id
}

// unknown fails the test for a request that the simulator does not know.
func (s *Simulator) unknown(r *http.Request, what string) {
	s.log.countUnknown()
	s.testMu.Lock()
	defer s.testMu.Unlock()
	if s.test != nil {
		s.test.Errorf("the Business Central simulator does not know %s: %s %s", what, r.Method, r.URL.RequestURI())
	}
}
