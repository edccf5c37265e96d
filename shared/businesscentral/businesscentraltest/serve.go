package businesscentraltest

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// ServeHTTP answers a call: it is recorded, admitted, hit by the faults that
// match it, signed in, worked on.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.cfg.Admin && strings.HasPrefix(r.URL.Path, "/simulator/") {
		s.serveAdmin(w, r)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		http.Error(w, "", http.StatusRequestEntityTooLarge)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	s.mu.RLock()
	c := s.resolve(r)
	s.mu.RUnlock()
	record := s.log.add(s.cfg, r, c.route, body, s.now())
	s.setHeaders(w.Header())
	if c.route != RouteToken {
		if refused := s.enter(r); refused != nil {
			if record.done(refused.status); refused.status == http.StatusTooManyRequests {
				s.setRetryAfter(w)
			}
			s.writeError(w, refused)
			return
		}
		defer s.leave()
	}
	c.effects = s.takeFaults(r, c.route)
	pause(r.Context(), s.cfg.Latency)
	answer := &answer{ResponseWriter: w, request: r, effects: c.effects, record: record, budget: -1}
	if !s.applyBefore(answer, r, c) {
		s.work(answer, r, c, string(body))
	}
	answer.finish()
}

func (s *Simulator) setHeaders(h http.Header) {
	id := uuid()
	h.Set("OData-Version", "4.0")
	h.Set("Request-Id", id)
	h.Set("ms-correlation-x", id)
	h.Set("mise-correlation-id", uuid())
	h.Set("Server", "Microsoft-HTTPAPI/2.0")
	h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	h.Set("Vary", "Accept-Encoding")
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", "Date, Content-Length, Server, OData-Version")
	h.Set("x-content-type-options", "nosniff")
}

func uuid() string {
	var g guid
	_, _ = rand.Read(g[:]) // never fails
	g[6], g[8] = g[6]&0x0f|0x40, g[8]&0x3f|0x80
	return g.String()
}

// applyBefore does what the faults ask for before the call is worked on, and
// reports whether they answered it.
func (s *Simulator) applyBefore(w *answer, r *http.Request, c *call) bool {
	for _, f := range c.effects {
		pause(r.Context(), f.Latency)
		if f.Before != nil {
			f.Before(r)
		}
		if f.RevokeTokens {
			s.RevokeTokens()
		}
	}
	for _, f := range c.effects {
		switch {
		case f.CutBefore:
			w.record.done(0)
			panic(http.ErrAbortHandler)
		case f.Throttled:
			s.setRetryAfter(w)
			copyHeader(w.Header(), f.Header)
			s.writeError(w, tooManyRequests(101, 100))
		case f.RedirectTo != "":
			w.Header().Set("Location", f.RedirectTo)
			w.WriteHeader(http.StatusTemporaryRedirect)
		case f.Status != 0 || f.BodySize > 0:
			f.answer(w)
		default:
			continue
		}
		return true
	}
	return false
}

func copyHeader(to, from http.Header) {
	for name, list := range from {
		for _, value := range list {
			to.Set(name, value)
		}
	}
}

// answer sends the scripted answer.
func (f *Fault) answer(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	if f.ContentType != "" {
		w.Header().Set("Content-Type", f.ContentType)
	}
	copyHeader(w.Header(), f.Header)
	if f.Status != 0 {
		w.WriteHeader(f.Status)
	}
	_, _ = io.WriteString(w, f.Body) // the caller may have gone
	if f.BodySize == 0 {
		return
	}
	_, _ = io.WriteString(w, `{"filler":"`)
	piece := bytes.Repeat([]byte("x"), 32<<10)
	for left := f.BodySize; left > 0; left -= int64(len(piece)) {
		if _, err := w.Write(piece[:min(left, int64(len(piece)))]); err != nil {
			return
		}
	}
	_, _ = io.WriteString(w, `"}`)
}

// work signs the call in and hands it to its route.
func (s *Simulator) work(w http.ResponseWriter, r *http.Request, c *call, body string) {
	if c.route == RouteToken {
		s.serveToken(w, r, c.prefix, body)
		return
	}
	if len(r.URL.RawQuery) > maxQueryLength {
		http.Error(w, "", http.StatusRequestURITooLong)
		return
	}
	if s.cfg.Assumptions.EmptyUnauthorized && r.Header.Get("Authorization") == "" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	err := s.authorize(w, r, c)
	if err == nil {
		err = c.err
	}
	if err == nil {
		err = s.dispatch(w, r, c, body)
	}
	if err != nil {
		s.writeError(w, err)
	}
}

func (s *Simulator) dispatch(w http.ResponseWriter, r *http.Request, c *call, body string) *apiError {
	switch c.route {
	case RouteSubscriptions, RouteSubscription:
		return s.serveSubscriptions(w, r, c, body)
	}
	if r.Method != http.MethodGet {
		s.unknown(r, "this method here")
		return methodNotAllowed(r, string(c.route))
	}
	switch c.route {
	case RouteServiceDocument:
		return s.serveServiceDocument(w, r)
	case RouteMetadata, RouteAPIMetadata:
		return s.serveMetadata(w, r, c)
	case RouteCompanies, RouteAPICompanies:
		return s.serveCompanies(w, r, c)
	case RouteSupportedResources:
		return s.serveSupportedResources(w, r)
	}
	switch {
	case c.set == nil:
		return noRoute(r)
	case c.key != nil:
		return s.serveRecord(w, r, c)
	case c.count:
		return s.serveCount(w, r, c)
	}
	return s.serveList(w, r, c)
}

// answer is the response of one call, bent by its faults.
type answer struct {
	http.ResponseWriter
	request *http.Request
	effects effects
	record  *recorded
	status  int
	budget  int // bytes that may still be sent; -1: no limit
	aborts  bool
	slow    time.Duration
}

func (a *answer) WriteHeader(status int) {
	if a.status != 0 {
		return
	}
	a.status = status
	a.record.done(status)
	for _, f := range a.effects {
		if f.After != nil {
			f.After(a.request)
		}
		if f.CutAfter {
			panic(http.ErrAbortHandler)
		}
		a.slow = max(a.slow, f.SlowBody)
		if f.TruncateAfter > 0 {
			a.budget = f.TruncateAfter
		}
		if f.BreakAfter > 0 {
			a.budget, a.aborts = f.BreakAfter, true
		}
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	n := len(b)
	if a.budget >= 0 {
		b = b[:min(len(b), a.budget)]
		a.budget -= len(b)
	}
	for a.slow > 0 && len(b) > 0 {
		piece := b[:min(len(b), 1024)]
		if _, err := a.ResponseWriter.Write(piece); err != nil {
			return 0, err
		}
		b = b[len(piece):]
		a.flush()
		pause(a.request.Context(), a.slow)
	}
	if len(b) > 0 {
		if _, err := a.ResponseWriter.Write(b); err != nil {
			return 0, err
		}
	}
	if a.aborts && a.budget == 0 {
		a.flush()
		panic(http.ErrAbortHandler)
	}
	return n, nil
}

func (a *answer) flush() { _ = http.NewResponseController(a.ResponseWriter).Flush() }

func (a *answer) finish() { a.WriteHeader(http.StatusOK) }

// changesBody reports whether a fault counts the bytes of the body or never sends
// them, so that it is not compressed.
func (a effects) changesBody() bool {
	for _, f := range a {
		if f.TruncateAfter > 0 || f.BreakAfter > 0 || f.SlowBody > 0 || f.CutAfter {
			return true
		}
	}
	return false
}

var gzipWriters = sync.Pool{New: func() any {
	w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is a valid one
	return w
}}

// compressed returns where the body of a success goes, and what ends it.
func (s *Simulator) compressed(w http.ResponseWriter, r *http.Request, c *call) (io.Writer, func()) {
	if s.cfg.NoCompression || c.effects.changesBody() || !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		return w, func() {}
	}
	w.Header().Set("Content-Encoding", "gzip")
	z := gzipWriters.Get().(*gzip.Writer)
	z.Reset(w)
	return z, func() {
		_ = z.Close() // the caller may have gone
		gzipWriters.Put(z)
	}
}

func jsonContent(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json; odata.metadata=minimal; odata.streaming=true")
}

// contextURL is @odata.context of an entity set.
func contextURL(r *http.Request, c *call) string {
	path := r.URL.EscapedPath()
	i := strings.LastIndex(path, "/Company(")
	if c.prefix != "" {
		i = strings.LastIndex(path, "/companies(")
	}
	if i < 0 {
		i = strings.LastIndex(path, "/")
	}
	rest := path[i+1:]
	if c.key != nil {
		rest = rest[:strings.LastIndex(rest, "(")] + "/$entity"
	}
	return fmt.Sprintf("%s%s/$metadata#%s", origin(r), path[:i], rest)
}
