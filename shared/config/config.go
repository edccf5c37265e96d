// Package config reads the settings of design.md 1.2 from the environment. It
// takes the environment as a value, so that a test starts the whole application
// from a slice, and it finds every mistake at once, before the first call goes out.
package config

import (
	"errors"
	"log/slog"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// Config holds the settings. It holds no secret: those are in the document that
// SecretID names. A Config that [Load] returned is complete and valid.
type Config struct {
	Connection string `env:"CONNECTION" envDefault:"default"`
	TableName  string `env:"TABLE_NAME,required"`
	SecretID   string `env:"SECRET_ID,required"` // ARN or name

	// BCBaseURL has no slash at its end. The online form is followed by
	// /{tenant}/{environment}; with an on-premises secret it is used as it is.
	BCBaseURL string `env:"BC_BASE_URL" envDefault:"https://api.businesscentral.dynamics.com/v2.0"`
	// BCTokenURL may hold {tenant}; see [Config.TokenURL].
	BCTokenURL            string `env:"BC_TOKEN_URL" envDefault:"https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"`
	BCEnvironment         string `env:"BC_ENVIRONMENT" envDefault:"Production"`
	BCCompany             string `env:"BC_COMPANY,required"`                          // name or id
	BCProfile             string `env:"BC_PROFILE" envDefault:"page-5050-extended"`   // a shipped profile or the path of a file: [Config.ProfileFile]
	BCContactService      string `env:"BC_CONTACT_SERVICE" envDefault:"Contact_Card"` // published name
	BCCustomerService     string `env:"BC_CUSTOMER_SERVICE" envDefault:"Customers"`   // published name, for the preflight
	BCCustomerCardService string `env:"BC_CUSTOMER_CARD_SERVICE" envDefault:"Customer_Card"`
	BCAPIPath             string `env:"BC_API_PATH"` // publisher/group/version; empty: the published page is read

	IPaaSBaseURL  string `env:"IPAAS_BASE_URL" envDefault:"https://api.ipaas.com"` // without a slash at its end
	IPaaSSystemID string `env:"IPAAS_SYSTEM_ID,required"`                          // a positive integer
	IPaaSRate     Rate   `env:"IPAAS_RATE" envDefault:"500/60s"`

	CollisionMethod string `env:"COLLISION_METHOD" envDefault:"ERROR"`  // [CollideWithError] or [UpdateAndLink]
	CompanyNotFound string `env:"COMPANY_NOT_FOUND" envDefault:"ERROR"` // [CompanyRequired] or [TransferWithoutCompany]
	MappingFile     string `env:"MAPPING_FILE"`                         // empty: the embedded mapping

	PollOverlap time.Duration `env:"POLL_OVERLAP" envDefault:"15m"`
	RetryUnit   time.Duration `env:"RETRY_UNIT" envDefault:"10m"`
	Workers     int           `env:"WORKERS" envDefault:"5"`
	WebhookURL  string        `env:"WEBHOOK_URL"` // empty: no Business Central subscription is kept
	LogLevel    slog.Level    `env:"LOG_LEVEL" envDefault:"info"`
}

// Values of COLLISION_METHOD and COMPANY_NOT_FOUND.
const (
	CollideWithError = "ERROR"
	UpdateAndLink    = "UPDATE_AND_LINK"

	CompanyRequired        = "ERROR"
	TransferWithoutCompany = "TRANSFER_WITHOUT_COMPANY"
)

// The profiles that are shipped (design.md 1.7).
const (
	ProfilePage       = "page-5050-extended"
	ProfileModelNames = "model-names"
	ProfileAPIv2      = "api-v2"
)

// An Option changes what [Load] expects.
type Option func(*loader)

// Supplied tells that the caller has values of its own for the named variables:
// unset they are no mistake and stay empty. The sandbox needs that; the functions
// read everything from the environment.
func Supplied(names ...string) Option {
	return func(l *loader) { l.supplied = append(l.supplied, names...) }
}

// Readable lets Load try the files that settings name, so that one that is not
// there is found together with every other mistake. read is called with the path.
func Readable(read func(path string) ([]byte, error)) Option {
	return func(l *loader) { l.read = read }
}

type loader struct {
	supplied []string
	read     func(path string) ([]byte, error) // nil: files are not tried
}

// A Problem is one setting that is missing or cannot be used. It never holds the
// value, which may be a secret that was pasted into the wrong place; Cause names
// the file where that is what is wrong.
type Problem struct {
	Variable string
	Missing  bool
	Expected string // what would be right
	Cause    error  // why the file that it names cannot be read; nil otherwise
}

// Unwrap returns the cause.
func (p *Problem) Unwrap() error { return p.Cause }

// Error returns one line: BC_COMPANY: is not set; expected the company's name or id.
func (p *Problem) Error() string {
	fault := "cannot be used"
	switch {
	case p.Missing:
		fault = "is not set"
	case p.Cause != nil:
		fault = p.Cause.Error()
	}
	return p.Variable + ": " + fault + "; expected " + p.Expected
}

// Load reads the settings from an environment of the form of os.Environ. An empty
// value counts as unset; of several values the last one counts, as in a process's
// own environment. The error joins a [*Problem] for each setting that is missing
// or malformed, one line each, in the order of design.md 1.2.
func Load(environ []string, options ...Option) (Config, error) {
	var l loader
	for _, option := range options {
		option(&l)
	}
	var cfg Config
	found := map[string]*Problem{}
	err := env.ParseWithOptions(&cfg, env.Options{Environment: environment(environ)})
	if err := l.collect(err, found); err != nil {
		return Config{}, err
	}
	cfg.BCBaseURL = strings.TrimRight(cfg.BCBaseURL, "/")
	cfg.IPaaSBaseURL = strings.TrimRight(cfg.IPaaSBaseURL, "/")

	var problems []error
	for _, r := range rules {
		p := found[r.name]
		if p == nil && !l.isSupplied(r.name, cfg) && !r.valid(&cfg) {
			p = &Problem{Variable: r.name}
		}
		if p == nil && r.file != nil && l.read != nil {
			p = l.unreadable(r.name, r.file(&cfg))
		}
		if p != nil {
			p.Expected = r.expected
			problems = append(problems, p)
		}
	}
	if len(problems) > 0 {
		return Config{}, errors.Join(problems...)
	}
	return cfg, nil
}

// environment turns NAME=value pairs into a map without the empty values.
func environment(environ []string) map[string]string {
	values := make(map[string]string, len(environ))
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		values[name] = value
	}
	// Windows keeps entries without a name (=C:=C:\dir), and the parser would take one
	// for every field that has none.
	maps.DeleteFunc(values, func(name, value string) bool { return name == "" || strings.TrimSpace(value) == "" })
	return values
}

// collect sorts the library's findings by variable. It returns an error only for
// one that belongs to none, which would be a mistake in [Config] itself.
func (l *loader) collect(err error, found map[string]*Problem) error {
	if err == nil {
		return nil
	}
	var all env.AggregateError
	if !errors.As(err, &all) {
		return err
	}
	for _, one := range all.Errors {
		var (
			unset  env.VarIsNotSetError
			unread env.ParseError
		)
		switch {
		case errors.As(one, &unset):
			if !slices.Contains(l.supplied, unset.Key) {
				found[unset.Key] = &Problem{Variable: unset.Key, Missing: true}
			}
		case errors.As(one, &unread):
			name := variableOf(unread.Name)
			found[name] = &Problem{Variable: name}
		default:
			return one
		}
	}
	return nil
}

// unreadable is the problem of a setting whose file cannot be read, nil where it
// names none or can.
func (l *loader) unreadable(name, path string) *Problem {
	if path == "" {
		return nil
	}
	if _, err := l.read(path); err != nil {
		return &Problem{Variable: name, Cause: err}
	}
	return nil
}

// isSupplied reports whether the setting is empty and may be.
func (l *loader) isSupplied(name string, cfg Config) bool {
	if !slices.Contains(l.supplied, name) {
		return false
	}
	for i, f := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		if tagName(f) == name {
			return reflect.ValueOf(cfg).Field(i).IsZero()
		}
	}
	return false
}

// variableOf returns the variable that a field of [Config] is read from.
func variableOf(field string) string {
	f, _ := reflect.TypeFor[Config]().FieldByName(field)
	return tagName(f)
}

func tagName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("env"), ",")
	return name
}

// TokenURL returns the address of the token service for a tenant.
func (c Config) TokenURL(tenant string) string {
	return strings.ReplaceAll(c.BCTokenURL, "{tenant}", url.PathEscape(tenant))
}

// ProfileFile returns the path of the profile's file inside the package, and
// false when one of the shipped profiles is chosen.
func (c Config) ProfileFile() (path string, found bool) {
	if slices.Contains(profiles, c.BCProfile) {
		return "", false
	}
	return c.BCProfile, true
}

// profileFile is ProfileFile with "" where there is none.
func (c *Config) profileFile() string {
	path, _ := c.ProfileFile()
	return path
}

// APIPath returns the three parts of BC_API_PATH, and false when it is not set.
func (c Config) APIPath() (publisher, group, version string, found bool) {
	parts := strings.Split(c.BCAPIPath, "/")
	if len(parts) != 3 {
		return "", "", "", false
	}
	return parts[0], parts[1], parts[2], true
}

// parameters returns what the tags of [Config] say of each variable.
func parameters() []env.FieldParams {
	// The only error is that of a type that is no struct.
	params, _ := env.GetFieldParams(&Config{})
	return params
}
