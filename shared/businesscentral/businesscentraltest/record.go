package businesscentraltest

import (
	"net/http"
	"slices"
	"sync"
	"time"
)

// A Request is a call as it arrived.
type Request struct {
	Route  Route
	Method string
	URL    string // path and query, as sent
	Header http.Header
	Body   string
	Time   time.Time // by the simulator's clock
	Status int       // of the answer; 0 while there is none, or when the connection was cut
}

type requestLog struct {
	mu      sync.Mutex
	counts  map[Route]int
	unknown int
	kept    []*recorded
}

type recorded struct {
	log     *requestLog
	request Request
}

func (l *requestLog) add(cfg Config, r *http.Request, route Route, body []byte, now time.Time) *recorded {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts == nil {
		l.counts = map[Route]int{}
	}
	l.counts[route]++
	if cfg.RequestLimit == 0 {
		return &recorded{log: l}
	}
	kept := &recorded{log: l, request: Request{Route: route, Method: r.Method, URL: r.URL.RequestURI(),
		Header: r.Header.Clone(), Body: string(body), Time: now}}
	if len(l.kept) >= cfg.RequestLimit {
		l.kept = l.kept[1:]
	}
	l.kept = append(l.kept, kept)
	return kept
}

func (r *recorded) done(status int) {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	r.request.Status = status
}

func (l *requestLog) countUnknown() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unknown++
}

// Requests returns the calls that arrived on the given routes, on all without
// one, oldest first; of many the latest Config.RequestLimit.
func (s *Simulator) Requests(routes ...Route) []Request {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	var requests []Request
	for _, kept := range s.log.kept {
		if len(routes) == 0 || slices.Contains(routes, kept.request.Route) {
			requests = append(requests, kept.request)
		}
	}
	return requests
}

// Calls returns how many calls arrived on the given routes; without one on all
// but the token's.
func (s *Simulator) Calls(routes ...Route) int {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	n := 0
	for route, count := range s.log.counts {
		if slices.Contains(routes, route) || len(routes) == 0 && route != RouteToken {
			n += count
		}
	}
	return n
}

// Unknown returns how many requests the simulator did not know.
func (s *Simulator) Unknown() int {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return s.log.unknown
}

// ResetRequests forgets the calls that arrived and their counts.
func (s *Simulator) ResetRequests() {
	s.log.mu.Lock()
	s.log.counts, s.log.kept, s.log.unknown = nil, nil, 0
	s.log.mu.Unlock()
	s.throttle.mu.Lock()
	s.throttle.most = 0
	s.throttle.mu.Unlock()
}
