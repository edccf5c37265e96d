package businesscentraltest

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// access is who may call, and with what (business-central.md section 5).
type access struct {
	mu       sync.Mutex
	secrets  []string
	expired  []string // secrets that were valid once
	key      string   // web service access key
	tokens   map[string]time.Time
	disabled bool
	denied   bool
}

func (a *access) init(cfg Config) {
	a.secrets, a.key, a.tokens = []string{cfg.ClientSecret}, cfg.WebServiceAccessKey, map[string]time.Time{}
}

// SetClientSecrets replaces the valid client secrets; those before count as expired.
func (s *Simulator) SetClientSecrets(secrets ...string) {
	s.access.mu.Lock()
	defer s.access.mu.Unlock()
	s.access.expired = append(s.access.expired, s.access.secrets...)
	s.access.secrets = secrets
}

// RevokeTokens makes every token that was issued so far invalid.
func (s *Simulator) RevokeTokens() {
	s.access.mu.Lock()
	defer s.access.mu.Unlock()
	clear(s.access.tokens)
}

// DisableApplication makes Business Central reject every token, as it does for an
// application that is not enabled there. The token endpoint goes on.
func (s *Simulator) DisableApplication(disabled bool) {
	s.access.mu.Lock()
	defer s.access.mu.Unlock()
	s.access.disabled = disabled
}

// DenyPermission takes the permission to read contacts and customers away.
func (s *Simulator) DenyPermission(denied bool) {
	s.access.mu.Lock()
	defer s.access.mu.Unlock()
	s.access.denied = denied
}

// signInError is an error of Entra (business-central.md 5.3).
type signInError struct {
	status int
	name   string
	number int
	text   string
}

// serveToken answers the client-credentials grant.
func (s *Simulator) serveToken(w http.ResponseWriter, r *http.Request, tenant, body string) {
	form, err := url.ParseQuery(body)
	if r.Method != http.MethodPost || err != nil {
		s.writeSignInError(w, signInError{http.StatusBadRequest, "invalid_request", 900144, "The request body must contain the following parameter: 'grant_type'."})
		return
	}
	id, secret, basic := r.BasicAuth()
	if !basic {
		id, secret = form.Get("client_id"), form.Get("client_secret")
	}
	if fault := s.signIn(tenant, form, id, secret); fault != nil {
		s.writeSignInError(w, *fault)
		return
	}
	token := "eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0." + rand.Text()
	now := s.now()
	s.access.mu.Lock()
	for old, end := range s.access.tokens {
		if end.Before(now) {
			delete(s.access.tokens, old)
		}
	}
	s.access.tokens[token] = now.Add(s.cfg.TokenLifetime)
	s.access.mu.Unlock()
	seconds := int(s.cfg.TokenLifetime / time.Second)
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	fmt.Fprintf(w, `{"token_type":"Bearer","expires_in":%d,"ext_expires_in":%d,"access_token":%q}`, seconds, seconds, token)
}

func (s *Simulator) signIn(tenant string, form url.Values, id, secret string) *signInError {
	a := &s.access
	a.mu.Lock()
	defer a.mu.Unlock()
	contains := func(list []string) bool {
		for _, v := range list {
			if v == secret {
				return true
			}
		}
		return false
	}
	switch {
	case !strings.EqualFold(tenant, s.cfg.Tenant):
		return &signInError{http.StatusBadRequest, "invalid_request", 90002, "Tenant '" + tenant + "' not found."}
	case form.Get("grant_type") != "client_credentials":
		return &signInError{http.StatusBadRequest, "unsupported_grant_type", 70003, "The app requested an unsupported grant type."}
	case form.Get("scope") != "https://api.businesscentral.dynamics.com/.default":
		return &signInError{http.StatusBadRequest, "invalid_scope", 70011, "The provided value for the input parameter 'scope' is not valid."}
	case id != s.cfg.ClientID:
		return &signInError{http.StatusBadRequest, "unauthorized_client", 700016, "Application with identifier '" + id + "' was not found in the directory."}
	case contains(a.secrets):
		return nil
	case contains(a.expired):
		return &signInError{http.StatusUnauthorized, "invalid_client", 7000222, "The provided client secret keys for app '" + id + "' are expired."}
	}
	return &signInError{http.StatusUnauthorized, "invalid_client", 7000215, "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID."}
}

func (s *Simulator) writeSignInError(w http.ResponseWriter, e signInError) {
	id := w.Header().Get("ms-correlation-x")
	at := s.now().Format("2006-01-02 15:04:05Z")
	body, _ := json.Marshal(map[string]any{ // strings and numbers always encode
		"error": e.name, "error_description": fmt.Sprintf("AADSTS%d: %s Trace ID: %s Correlation ID: %s Timestamp: %s", e.number, e.text, id, id, at),
		"error_codes": []int{e.number}, "timestamp": at, "trace_id": id, "correlation_id": id,
	})
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(e.status)
	_, _ = w.Write(body)
}

// authorize checks the credentials of a call.
func (s *Simulator) authorize(w http.ResponseWriter, r *http.Request, c *call) *apiError {
	a := &s.access
	a.mu.Lock()
	defer a.mu.Unlock()
	if c.onPremises {
		if user, key, ok := r.BasicAuth(); !ok || !strings.EqualFold(user, s.cfg.Username) || key != a.key {
			w.Header().Set("WWW-Authenticate", `Basic realm=""`)
			return invalidCredentials()
		}
	} else {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		end, known := a.tokens[token]
		if !ok || !known || !s.now().Before(end) || a.disabled {
			w.Header().Set("WWW-Authenticate", "Bearer")
			return invalidCredentials()
		}
	}
	if a.denied && c.set != nil {
		denied := &apiError{status: http.StatusForbidden, code: "Authorization_InsufficientPermissions",
			message: "Sorry, the current permissions prevented the action. (TableData 5050 Contact Read: Base Application)"}
		if s.cfg.Assumptions.PermissionAs401 {
			denied.status = http.StatusUnauthorized
		}
		return denied
	}
	return nil
}
