// Package businesscentral reads contacts of Microsoft Dynamics 365 Business
// Central: the client of everything that business-central.md describes. It signs
// in, finds out what the published service offers, finds changed contacts, reads
// single ones, and keeps the webhook subscription. It implements [poll.Source] and
// [transfer.Source].
package businesscentral

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"contactsync/shared/contact"
	"contactsync/shared/mapping"
	"contactsync/shared/outbound"
	"contactsync/shared/poll"
	"contactsync/shared/transfer"
)

var (
	_ poll.Source     = (*Client)(nil)
	_ transfer.Source = (*Client)(nil)
)

// Config says which company is read, how, and as whom. The members without a
// default are required. Their environment variables are those of design.md 1.2.
type Config struct {
	BaseURL             string // https://api.businesscentral.dynamics.com/v2.0 if empty; with an on-premises account it is used as it is
	TokenURL            string // {tenant} is replaced; that of Microsoft Entra if empty
	Environment         string // Production if empty
	Company             string // name or id (GUID)
	Profile             string // page-5050-extended if empty; model-names, api-v2, or the path of a profile file
	ContactService      string // Contact_Card if empty
	CustomerService     string // Customers if empty
	CustomerCardService string // Customer_Card if empty
	APIPath             string // publisher/group/version of a custom API; read instead of the published page when set

	Credentials Credentials
	Sources     mapping.Sources // what the mapping reads of a contact
	Outbound    outbound.Config // in flight 5 and 6,000 calls per 5 minutes if it says nothing

	PageSize int                               // rows asked for per page; 500 if zero, at most 20,000
	Now      func() time.Time                  // time.Now if nil
	Log      *slog.Logger                      // slog.Default() if nil
	ReadFile func(name string) ([]byte, error) // reads the profile file; os.ReadFile if nil
}

// Business Central's limits for one user, online (business-central.md 6.1).
const (
	maxInFlight   = 5
	maxCalls      = 6000
	maxCallsPer   = 5 * time.Minute
	serverPage    = 20_000 // rows of a page at most
	smallestPage  = 25     // rows of a page below which a slow server gets no smaller ones
	schemaLife    = time.Hour
	maxMetadata   = 64 << 20
	maxTokenBytes = 256 << 10
)

// A Client reads one company. It is safe for concurrent use.
type Client struct {
	cfg     Config
	base    *url.URL
	profile *profile
	needs   needs
	calls   *outbound.Client
	tokens  *tokens

	pageSize  atomic.Int64 // rows asked for; halved when a page takes too long
	company   cached[string]
	service   cached[*service]
	services  cached[map[string]bool] // published web services, by name
	apiReason cached[string]          // why API v2.0 contacts cannot be used; "" when it can
	timeless  atomic.Bool             // a record without a time of change was seen
}

// New checks cfg, fills in the defaults and returns a Client. It makes no calls.
// The error lists every fault of the settings, by the variable's name.
func New(cfg Config) (*Client, error) {
	cfg = cfg.withDefaults()
	c := &Client{cfg: cfg}
	var faults []error
	fault := func(err error) {
		if err != nil {
			faults = append(faults, err)
		}
	}
	var err error
	c.base, err = checkedURL("BC_BASE_URL", cfg.BaseURL)
	fault(err)
	_, err = checkedURL("BC_TOKEN_URL", strings.ReplaceAll(cfg.TokenURL, "{tenant}", "tenant"))
	fault(err)
	c.profile, err = cfg.loadProfile()
	fault(err)
	if c.profile != nil {
		c.needs, err = needsOf(cfg.Sources, c.profile)
		fault(err)
	}
	fault(cfg.checkNames())
	if cfg.Credentials == nil {
		fault(errors.New("businesscentral: Config needs Credentials"))
	}
	if cfg.PageSize < 1 || cfg.PageSize > serverPage {
		fault(fmt.Errorf("page size %d: expected 1 to %d", cfg.PageSize, serverPage))
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	c.pageSize.Store(int64(cfg.PageSize))
	c.calls = outbound.New(cfg.Outbound)
	c.tokens = newTokens(cfg)
	c.company.now, c.service.now, c.services.now, c.apiReason.now = cfg.Now, cfg.Now, cfg.Now, cfg.Now
	return c, nil
}

func (cfg Config) withDefaults() Config {
	cfg.BaseURL = strings.TrimRight(cmp.Or(cfg.BaseURL, "https://api.businesscentral.dynamics.com/v2.0"), "/")
	cfg.TokenURL = cmp.Or(cfg.TokenURL, "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token")
	cfg.Environment = cmp.Or(cfg.Environment, "Production")
	cfg.Profile = cmp.Or(cfg.Profile, ProfilePage5050)
	cfg.ContactService = cmp.Or(cfg.ContactService, "Contact_Card")
	cfg.CustomerService = cmp.Or(cfg.CustomerService, "Customers")
	cfg.CustomerCardService = cmp.Or(cfg.CustomerCardService, "Customer_Card")
	cfg.APIPath = strings.Trim(cfg.APIPath, "/")
	cfg.PageSize = cmp.Or(cfg.PageSize, 500)
	cfg.Log = cmp.Or(cfg.Log, slog.Default())
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.ReadFile == nil {
		cfg.ReadFile = os.ReadFile
	}
	cfg.Outbound.InFlight = cmp.Or(cfg.Outbound.InFlight, maxInFlight)
	if cfg.Outbound.Limiter == nil {
		cfg.Outbound.Limiter = outbound.NewRate(maxCalls, maxCallsPer)
	}
	if cfg.Outbound.RetryAnswer == nil {
		cfg.Outbound.RetryAnswer = tryAgainLater
	}
	return cfg
}

func (cfg *Config) loadProfile() (*profile, error) {
	if p := shippedProfile(cfg.Profile); p != nil {
		return p, nil
	}
	data, err := cfg.ReadFile(cfg.Profile)
	if err != nil {
		return nil, fmt.Errorf("BC_PROFILE: %q is none of %s, %s and %s, and cannot be read as a file: %w",
			cfg.Profile, ProfilePage5050, ProfileModelNames, ProfileAPIv2, cause(err))
	}
	return parseProfile(cfg.Profile, data)
}

// cause returns the reason of a file error without its path.
func cause(err error) error {
	if pe, ok := errors.AsType[*os.PathError](err); ok {
		return pe.Err
	}
	return err
}

// Lengths are not counted by expressions: a class of all letters, counted to 240,
// compiles for ten milliseconds at each cold start.
const maxServiceName, maxPropertyName = 240, 128 // characters

var (
	serviceName = regexp.MustCompile(`^\pL[\pL\pM\pN\p{Pc}\p{Cf}]*$`)
	apiSegment  = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,80}$`)
)

func (cfg *Config) checkNames() error {
	var faults []error
	for _, s := range []struct{ variable, name string }{
		{"BC_CONTACT_SERVICE", cfg.ContactService},
		{"BC_CUSTOMER_SERVICE", cfg.CustomerService},
		{"BC_CUSTOMER_CARD_SERVICE", cfg.CustomerCardService},
	} {
		if !serviceName.MatchString(s.name) || utf8.RuneCountInString(s.name) > maxServiceName {
			faults = append(faults, fmt.Errorf("%s: %q is no name of a web service: a letter, then letters, digits and _, no blanks", s.variable, s.name))
		}
	}
	if strings.TrimSpace(cfg.Company) == "" {
		faults = append(faults, errors.New("BC_COMPANY: missing; the name or the id (GUID) of the company"))
	}
	if strings.ContainsAny(cfg.Environment, "/?#%") {
		faults = append(faults, fmt.Errorf("BC_ENVIRONMENT: %q is no name of an environment", cfg.Environment))
	}
	if cfg.APIPath != "" {
		segments := strings.Split(cfg.APIPath, "/")
		ok := len(segments) == 3
		for _, s := range segments {
			ok = ok && apiSegment.MatchString(s) && strings.Trim(s, ".") != ""
		}
		if !ok {
			faults = append(faults, fmt.Errorf("BC_API_PATH: %q; expected publisher/group/version, such as contoso/sales/v1.0", cfg.APIPath))
		}
	}
	return errors.Join(faults...)
}

// checkedURL accepts https, and plain http only for this machine (design.md 1.2).
func checkedURL(variable, text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "":
		return nil, fmt.Errorf("%s: expected an address such as https://host/path, without user and fragment", variable)
	case u.Scheme == "https" || u.Scheme == "http" && isLocal(u.Hostname()):
		return u, nil
	}
	return nil, fmt.Errorf("%s: expected https; plain http is for loopback names and host.docker.internal only", variable)
}

func isLocal(host string) bool {
	if host == "localhost" || host == "host.docker.internal" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// HeldUntil returns until when no call is started because Business Central asked
// for patience; the zero time when calls may start now.
func (c *Client) HeldUntil() time.Time { return c.calls.HeldUntil() }

// Calls returns how many HTTP calls were started, those for tokens excluded.
func (c *Client) Calls() int64 { return c.calls.Calls() }

// companyIsID reports whether the company is configured by its id.
func (c *Client) companyIsID() bool { return contact.IsGUID(c.cfg.Company) }

// A cached value is kept for some time. One caller at a time makes it.
type cached[T any] struct {
	now  func() time.Time
	gate gate
	kept atomic.Pointer[kept[T]]
}

type kept[T any] struct {
	value T
	until time.Time
}

// peek returns the value if it is there.
func (c *cached[T]) peek() (value T, ok bool) {
	if k := c.kept.Load(); k != nil && c.now().Before(k.until) {
		return k.value, true
	}
	return value, false
}

// get returns the value, made by produce if it is not there.
func (c *cached[T]) get(ctx context.Context, life time.Duration, produce func(context.Context) (T, error)) (T, error) {
	if v, ok := c.peek(); ok {
		return v, nil
	}
	leave, err := c.gate.enter(ctx)
	if err != nil {
		var none T
		return none, err
	}
	defer leave()
	if v, ok := c.peek(); ok {
		return v, nil
	}
	v, err := produce(ctx)
	if err == nil {
		c.kept.Store(&kept[T]{value: v, until: c.now().Add(life)})
	}
	return v, err
}

func (c *cached[T]) drop() { c.kept.Store(nil) }
