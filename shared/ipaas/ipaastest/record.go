package ipaastest

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// A Request is one call as it arrived. Its header lacks the key.
type Request struct {
	Time   time.Time
	Route  Route
	Method string
	Path   string // escaped, as sent
	Query  url.Values
	Header http.Header
	Body   []byte
	Status int // of the answer; 0 when the connection was cut, and before the answer
}

// JSON returns the body as a JSON object; nil when it is none.
func (r Request) JSON() map[string]any {
	var v map[string]any
	if json.Unmarshal(r.Body, &v) != nil {
		return nil
	}
	return v
}

func (s *Simulator) recordedHeader(h http.Header) http.Header {
	h = h.Clone()
	h.Del("Authorization")
	h.Del(s.cfg.Switches.KeyHeader)
	return h
}

// recorder keeps the last requests and counts all of them.
type recorder struct {
	mu       sync.Mutex
	limit    int
	ring     []Request
	next     int // where the oldest stands once the ring is full
	counts   map[Route]int
	inFlight int
	peak     int
}

func (r *recorder) enter() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inFlight++
	r.peak = max(r.peak, r.inFlight)
}

func (r *recorder) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inFlight--
}

func (r *recorder) count(route Route) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.counts == nil {
		r.counts = map[Route]int{}
	}
	r.counts[route]++
}

func (r *recorder) keep(seen Request) {
	if r.limit < 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.ring) < r.limit {
		r.ring = append(r.ring, seen)
		return
	}
	r.ring[r.next] = seen
	r.next = (r.next + 1) % r.limit
}

// Requests returns the recorded calls, in the order in which they were answered;
// only those of the given routes if any is given. The oldest are forgotten
// beyond [Config].RecordLimit.
func (s *Simulator) Requests(routes ...Route) []Request {
	s.recorder.mu.Lock()
	defer s.recorder.mu.Unlock()
	r := &s.recorder
	var all []Request
	for i := range r.ring {
		seen := r.ring[(r.next+i)%len(r.ring)]
		if len(routes) == 0 || slices.Contains(routes, seen.Route) {
			all = append(all, seen)
		}
	}
	return all
}

// Calls returns how many calls arrived for the given routes; of all if none is
// given. Refused calls and calls with a scripted fault count as well.
func (s *Simulator) Calls(routes ...Route) int {
	s.recorder.mu.Lock()
	defer s.recorder.mu.Unlock()
	n := 0
	for route, count := range s.recorder.counts {
		if len(routes) == 0 || slices.Contains(routes, route) {
			n += count
		}
	}
	return n
}

func (s *Simulator) callsByRoute() map[Route]int {
	s.recorder.mu.Lock()
	defer s.recorder.mu.Unlock()
	calls := maps.Clone(s.recorder.counts)
	if calls == nil {
		calls = map[Route]int{}
	}
	return calls
}

// MaxInFlight returns the highest number of calls that were in flight at once.
func (s *Simulator) MaxInFlight() int {
	s.recorder.mu.Lock()
	defer s.recorder.mu.Unlock()
	return s.recorder.peak
}

// ResetRequests forgets the recorded calls and sets the counters to zero.
func (s *Simulator) ResetRequests() {
	s.recorder.mu.Lock()
	defer s.recorder.mu.Unlock()
	s.recorder.ring, s.recorder.next, s.recorder.counts = nil, 0, nil
	s.recorder.peak = s.recorder.inFlight
}
