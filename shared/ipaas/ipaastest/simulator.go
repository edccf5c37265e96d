package ipaastest

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

const maxRequestBody = 1 << 20

// A Simulator is iPaaS.com for tests, the sandbox and load runs: an
// [http.Handler] for the API under its base paths and for an administrator's
// surface under /simulator/ (see [Simulator.Admin]).
type Simulator struct {
	cfg   Config
	admin http.Handler

	mu     sync.Mutex // guards store and keys; never held while a fault's callback runs
	*store            // replaced as a whole by Load and Reset
	keys   map[string]APIKey

	rateMu    sync.Mutex // guards the present window of Config.Rate
	rateStart time.Time
	rateInUse int

	recorder   recorder
	faults     faults
	baseURL    string
	httpClient *http.Client
}

// New returns an empty Simulator. It opens no socket: serve it, use [Start] in
// tests, or call it in memory through [Simulator.HTTPClient].
func New(cfg Config) *Simulator {
	cfg = cfg.withDefaults()
	s := &Simulator{cfg: cfg, store: newStore(cfg.CustomFields), keys: map[string]APIKey{}}
	for _, k := range cfg.APIKeys {
		s.keys[k.Value] = k
	}
	s.recorder.limit = cfg.RecordLimit
	s.admin = s.adminHandler()
	s.baseURL = "https://ipaas.invalid"
	s.httpClient = &http.Client{Transport: inMemory{s}, CheckRedirect: noRedirect}
	return s
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// BaseURL returns what IPAAS_BASE_URL would be.
func (s *Simulator) BaseURL() string { return s.baseURL }

// HTTPClient returns a client that reaches the simulator: over a socket after
// [Start], else in memory, which suits testing/synctest.
func (s *Simulator) HTTPClient() *http.Client { return s.httpClient }

// APIKey returns the first key that the simulator accepts.
func (s *Simulator) APIKey() string {
	if len(s.cfg.APIKeys) == 0 {
		return ""
	}
	return s.cfg.APIKeys[0].Value
}

// SystemID returns the first subscription.
func (s *Simulator) SystemID() int64 {
	if len(s.cfg.SystemIDs) == 0 {
		return 0
	}
	return s.cfg.SystemIDs[0]
}

// ServeHTTP answers one call. A connection is cut by [http.ErrAbortHandler].
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/simulator/") {
		s.admin.ServeHTTP(w, r)
		return
	}
	s.recorder.enter()
	defer s.recorder.leave()

	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequestBody+1))
	if err != nil {
		panic(http.ErrAbortHandler) // the caller is gone before its request was whole
	}
	c := s.classify(r, body)
	seen := Request{
		Time: s.cfg.Now(), Route: c.route, Method: r.Method, Path: r.URL.EscapedPath(),
		Query: r.URL.Query(), Header: s.recordedHeader(r.Header), Body: body,
	}
	s.recorder.count(c.route)
	if s.cfg.Latency != nil {
		if d := s.cfg.Latency(c.route); d > 0 {
			time.Sleep(d)
		}
	}

	effect := s.faults.take(seen)
	if effect.Before != nil {
		effect.Before(seen)
	}
	var answer reply
	if effect.carriesOut() {
		answer = s.process(c, seen)
	} else if c.problem != nil && c.problem.unexpected {
		s.reportUnexpected(seen, c.problem.text) // a fault does not excuse it
	}
	if effect.After != nil {
		effect.After(seen)
	}
	if effect.Status != 0 {
		answer = effect.reply()
	}
	seen.Status = answer.status
	if effect.Cut {
		seen.Status = 0
	}
	s.recorder.keep(seen)
	deliver(w, seen, answer, effect)
}

// process judges the call as the API does: known at all, within the rate, with a
// key, with the permission; then it is carried out.
func (s *Simulator) process(c call, seen Request) reply {
	p := c.problem
	if p == nil || !p.unexpected {
		if r, over := s.overRate(seen.Time); over {
			return r
		}
		if refused := s.authorize(c); refused != nil {
			p = refused
		}
	}
	var answer reply
	if p == nil {
		answer, p = c.handle()
	}
	if p == nil {
		return answer
	}
	if p.unexpected {
		s.reportUnexpected(seen, p.text)
	}
	return s.problemReply(p, c.trackingGUID)
}

func (s *Simulator) reportUnexpected(seen Request, why string) {
	if s.cfg.Unexpected != nil {
		s.cfg.Unexpected(seen, why)
		return
	}
	// Query and body may hold personal data: the log gets neither.
	s.cfg.Log.Error("the iPaaS.com simulator knows nothing about this request",
		"method", seen.Method, "route", string(seen.Route), "reason", why)
}

// authorize checks the key and the client id of a call (ipaas.md 3.2, 3.4 and 5).
func (s *Simulator) authorize(c call) *problem {
	s.mu.Lock()
	key, known := s.keys[c.key]
	s.mu.Unlock()
	switch {
	case !known || c.key == "":
		return refuse(codeBadToken, "Bearer token is missing or invalid.")
	case key.Expired:
		return refuse(codeExpiredToken, "Access Token is invalid or null. Please log in again.")
	case s.cfg.RequireClientID && !slices.Contains(s.cfg.ClientIDs, c.clientID):
		return refuse(codeBadToken, "Bearer token is missing or invalid. (X-Client-Id)")
	case key.Useless || key.ReadOnly && c.writes:
		return refuse(codeNoPermission, "User lacks permission.")
	}
	return nil
}
