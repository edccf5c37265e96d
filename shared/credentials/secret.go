// Package credentials reads the one secret of a deployment (design.md 1.3): the
// credentials of both systems and of the callers. It keeps the secret for a
// while, reads it again when something was rejected, and never prints it.
package credentials

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Secret is the parsed document.
type Secret struct {
	BusinessCentral BusinessCentral
	IPaaS           IPaaS
	Webhook         Webhook
	// Unknown names members that mean nothing to this version, such as
	// ipaas.apikey, for the preflight to show. They are no error, so that a newer
	// version's secret does not stop an older one.
	Unknown []string
}

// BusinessCentral holds the credentials of one of two forms: an app registration
// (online) or a user with a web service access key (on-premises). Values of the
// type are equal under == when all their texts are.
type BusinessCentral struct {
	TenantID     string
	ClientID     string
	ClientSecret Hidden

	Username  Hidden // may be a person's name
	AccessKey Hidden
}

// OnPremises reports whether it is the form with user and access key.
func (b BusinessCentral) OnPremises() bool { return !b.Username.IsZero() }

// IPaaS holds the credentials towards iPaaS.com. It is comparable with ==.
type IPaaS struct {
	APIKey   Hidden
	ClientID string // sent as X-Client-Id; "" when not configured
}

// Webhook holds what callers show. Two values in a list let one rotate without a
// gap. An empty list accepts nothing.
type Webhook struct {
	ClientStates []Hidden // in notifications of Business Central; the first is the current one
	APIKeys      []Hidden // bearer keys
}

// AcceptsKey reports whether key is one of the API keys, in constant time.
func (w Webhook) AcceptsKey(key string) bool { return matches(key, w.APIKeys) }

// AcceptsClientState reports whether state is one of the client states, in
// constant time.
func (w Webhook) AcceptsClientState(state string) bool { return matches(state, w.ClientStates) }

// Conditions of the errors of [Parse] and of a [Provider], to be asked with errors.Is.
var (
	// ErrMissing: there is no secret of that name, or it has no value yet.
	ErrMissing = errors.New("the secret does not exist or has no value")
	// ErrDenied: this program may not read or decrypt the secret.
	ErrDenied = errors.New("reading the secret is not permitted")
	// ErrMalformed: the secret's value cannot be used. It is a [*MalformedError].
	ErrMalformed = errors.New("the secret cannot be used")
	// ErrUnavailable: the secret could not be read this time.
	ErrUnavailable = errors.New("the secret cannot be read at present")
)

// MalformedError lists everything that is wrong with a secret's value, by the
// names of its members. It never holds a value.
type MalformedError struct{ Problems []string }

// Error returns one line for each problem.
func (e *MalformedError) Error() string {
	return ErrMalformed.Error() + ":\n  " + strings.Join(e.Problems, "\n  ")
}

// Unwrap returns [ErrMalformed].
func (e *MalformedError) Unwrap() error { return ErrMalformed }

const (
	maxSecret      = 64 << 10 // bytes; the limit of Secrets Manager
	maxClientState = 2048     // characters (business-central.md 8.2)
	maxValues      = 10       // in a list: comparing stays cheap
)

// tenant is what may stand in the token service's path: a GUID or a domain.
var tenant = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]*$`)

// Parse reads the document of design.md 1.3. Names of members count as they are
// written there. The error is a [*MalformedError] with every problem.
func Parse(document []byte) (Secret, error) {
	d := &decoder{}
	var s Secret
	root := d.root(document)
	if root != nil {
		s.BusinessCentral = d.businessCentral(d.object(root, "business_central", true))
		s.IPaaS = d.iPaaS(d.object(root, "ipaas", true))
		s.Webhook = d.webhook(d.object(root, "webhook", false))
		d.rest("", root)
	}
	if len(d.problems) > 0 {
		return Secret{}, &MalformedError{Problems: d.problems}
	}
	slices.Sort(d.unknown)
	s.Unknown = d.unknown
	return s, nil
}

// A decoder gathers problems while members are taken out of objects, so that what
// is left over is unknown.
type decoder struct {
	problems []string
	unknown  []string
}

type members map[string]json.RawMessage

func (d *decoder) problem(format string, args ...any) {
	d.problems = append(d.problems, fmt.Sprintf(format, args...))
}

func (d *decoder) root(document []byte) members {
	document = bytes.TrimPrefix(document, []byte("\ufeff")) // of editors on Windows
	var m members
	switch {
	case len(bytes.TrimSpace(document)) == 0:
		d.problem("it is empty; expected a JSON object")
	case len(document) > maxSecret:
		d.problem("it has %d bytes; expected at most %d", len(document), maxSecret)
	case !utf8.Valid(document) || !json.Valid(document):
		// The library's message would quote a character of the secret.
		d.problem("it is not JSON; expected an object with business_central, ipaas and webhook")
	case json.Unmarshal(document, &m) != nil || m == nil:
		d.problem("it is not a JSON object; expected one with business_central, ipaas and webhook")
	}
	return m
}

func (d *decoder) object(from members, name string, required bool) members {
	raw, found := from[name]
	delete(from, name)
	if !found {
		if required {
			d.problem("%s is missing; expected an object", name)
		}
		return nil
	}
	var m members
	if json.Unmarshal(raw, &m) != nil || m == nil {
		d.problem("%s is not an object", name)
		return nil
	}
	return m
}

// text takes a member that is a text. An empty one counts as missing.
func (d *decoder) text(path string, from members, required bool) string {
	name := path[strings.LastIndexByte(path, '.')+1:]
	raw, found := from[name]
	delete(from, name)
	var s string
	if found && string(raw) != "null" {
		if json.Unmarshal(raw, &s) != nil {
			d.problem("%s is not a text", path)
			return ""
		}
	}
	if s == "" {
		if required {
			d.problem("%s is missing or empty", path)
		}
		return ""
	}
	d.checkText(path, s)
	return s
}

// checkText refuses what only a slip of copying can have brought in.
func (d *decoder) checkText(path, s string) {
	switch {
	case strings.TrimSpace(s) != s:
		d.problem("%s has blanks or a line break at an end", path)
	case strings.ContainsFunc(s, unicode.IsControl):
		d.problem("%s holds a control character", path)
	}
}

func (d *decoder) texts(path string, from members, check func(s string) string) []Hidden {
	name := path[strings.LastIndexByte(path, '.')+1:]
	raw, found := from[name]
	delete(from, name)
	if !found || string(raw) == "null" {
		return nil
	}
	var list []string
	if json.Unmarshal(raw, &list) != nil {
		d.problem("%s is not a list of texts", path)
		return nil
	}
	if len(list) > maxValues {
		d.problem("%s has %d values; expected at most %d", path, len(list), maxValues)
		return nil
	}
	hidden := make([]Hidden, 0, len(list))
	for i, s := range list {
		at := fmt.Sprintf("%s[%d]", path, i)
		if s == "" {
			d.problem("%s is empty", at)
			continue
		}
		d.checkText(at, s)
		if fault := check(s); fault != "" {
			d.problem("%s %s", at, fault)
		}
		hidden = append(hidden, Hide(s))
	}
	return hidden
}

// rest notes the members that nobody took.
func (d *decoder) rest(path string, m members) {
	for name := range m {
		d.unknown = append(d.unknown, path+name)
	}
}

func (d *decoder) businessCentral(m members) BusinessCentral {
	if m == nil {
		return BusinessCentral{}
	}
	defer d.rest("business_central.", m)
	has := func(names ...string) bool {
		return slices.ContainsFunc(names, func(name string) bool { _, found := m[name]; return found })
	}
	online := has("tenant_id", "client_id", "client_secret")
	onPremises := has("username", "web_service_access_key")
	if online == onPremises {
		d.problem("business_central needs either tenant_id, client_id and client_secret (online)" +
			" or username and web_service_access_key (on-premises)")
		return BusinessCentral{}
	}
	if onPremises {
		user := d.text("business_central.username", m, true)
		if strings.Contains(user, ":") {
			d.problem("business_central.username holds a colon, which basic authentication cannot carry")
		}
		return BusinessCentral{Username: Hide(user), AccessKey: Hide(d.text("business_central.web_service_access_key", m, true))}
	}
	b := BusinessCentral{
		TenantID:     d.text("business_central.tenant_id", m, true),
		ClientID:     d.text("business_central.client_id", m, true),
		ClientSecret: Hide(d.text("business_central.client_secret", m, true)),
	}
	if b.TenantID != "" && !tenant.MatchString(b.TenantID) {
		d.problem("business_central.tenant_id is neither a GUID nor a domain")
	}
	return b
}

func (d *decoder) iPaaS(m members) IPaaS {
	if m == nil {
		return IPaaS{}
	}
	defer d.rest("ipaas.", m)
	return IPaaS{APIKey: Hide(d.text("ipaas.api_key", m, true)), ClientID: d.text("ipaas.client_id", m, false)}
}

func (d *decoder) webhook(m members) Webhook {
	if m == nil {
		return Webhook{}
	}
	defer d.rest("webhook.", m)
	return Webhook{
		ClientStates: d.texts("webhook.client_states", m, func(s string) string {
			if utf8.RuneCountInString(s) > maxClientState {
				return fmt.Sprintf("is longer than Business Central's %d characters", maxClientState)
			}
			return ""
		}),
		APIKeys: d.texts("webhook.api_keys", m, func(s string) string {
			if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
				return "holds a character that an Authorization header cannot carry"
			}
			return ""
		}),
	}
}
