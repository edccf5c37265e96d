package ipaastest

import (
	"net/http"
	"strconv"
	"sync"
	"time"
)

// A Script says which calls go wrong, and how. Scripts are asked in the order in
// which they were given; the first that matches takes the call.
type Script struct {
	Route  Route              // any if empty
	Method string             // any if empty
	When   func(Request) bool // a further condition; any request if nil
	Skip   int                // matching calls that pass first
	Times  int                // matching calls that are taken after those; 1 if zero, all if negative
	Effect
}

// An Effect is what happens to a call. The zero value changes nothing.
//
//	Effect{Status: 503}                           refused, not carried out
//	Effect{Status: 500, Process: true}            carried out, but the answer says no
//	Effect{Cut: true}                             the connection ends, nothing was carried out
//	Effect{Cut: true, Process: true}              carried out, the answer is lost
//	Effect{Cut: true, Process: true, KeepBytes: 20} carried out, the connection ends within the body
//	Effect{KeepBytes: 20}                         carried out, a whole answer of broken JSON
//
// When a reused connection ends before any answer, net/http itself sends a GET
// once more: such a cut shows up as two calls.
type Effect struct {
	Status int         // answers this instead of the simulator's own answer
	Header http.Header // of that answer
	Body   string      // of that answer

	Process   bool // carries the call out although Status or Cut is set
	Cut       bool // cuts the connection
	KeepBytes int  // sends only so much of the body
	PadTo     int  // fills the body with blanks up to so many bytes

	Before   func(Request) // called before the call is carried out
	After    func(Request) // called after it, before the answer
	BodyGate func(Request) // called after half of the body was sent
}

func (e Effect) carriesOut() bool { return e.Process || e.Status == 0 && !e.Cut }

func (e Effect) reply() reply {
	h := e.Header.Clone()
	if h == nil {
		h = http.Header{}
	}
	return reply{status: e.Status, header: h, body: []byte(e.Body)}
}

// Throttled refuses a call with 429 and the given Retry-After; without the header
// if it is empty.
func Throttled(retryAfter string) Effect {
	e := Effect{Status: http.StatusTooManyRequests, Header: http.Header{}}
	if retryAfter != "" {
		e.Header.Set("Retry-After", retryAfter)
	}
	return e
}

// Refused answers with an error of the API in its usual form, without carrying
// the call out.
func Refused(status int, code, message string) Effect {
	r := jsonReply(status, map[string]any{"type": helpURL, "title": http.StatusText(status), "status": status, "code": code, "message": message, "help_url": helpURL})
	return Effect{Status: status, Header: r.header, Body: string(r.body)}
}

// LostAnswer carries the call out and cuts the connection before the answer: the
// documented cause of duplicates.
func LostAnswer() Effect { return Effect{Cut: true, Process: true} }

// faults are the scripts that are still to be played.
type faults struct {
	mu      sync.Mutex
	scripts []*Script
	gates   []*Gate // of Hold and HoldAnswer, opened when the test ends
}

func (f *faults) openGates() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, g := range f.gates {
		g.Open()
	}
}

func (f *faults) gate() *Gate {
	g := NewGate()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.gates = append(f.gates, g)
	return g
}

func (f *faults) take(r Request) Effect {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, s := range f.scripts {
		if s.Route != "" && s.Route != r.Route || s.Method != "" && s.Method != r.Method || s.When != nil && !s.When(r) {
			continue
		}
		if s.Skip > 0 {
			s.Skip--
			continue
		}
		if s.Times > 0 {
			if s.Times--; s.Times == 0 {
				f.scripts = append(f.scripts[:i:i], f.scripts[i+1:]...)
			}
		}
		return s.Effect
	}
	return Effect{}
}

// Fail makes calls go wrong as the scripts say.
func (s *Simulator) Fail(scripts ...Script) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	for _, script := range scripts {
		if script.Times == 0 {
			script.Times = 1
		}
		s.faults.scripts = append(s.faults.scripts, &script)
	}
}

// FailNext answers the next calls, one for each status, without carrying them out.
func (s *Simulator) FailNext(statuses ...int) {
	for _, status := range statuses {
		s.Fail(Script{Effect: Effect{Status: status}})
	}
}

// OnCall calls before and after around the n-th call (from 1) from now on that is
// carried out for the route; of every route if it is empty. Either may be nil.
func (s *Simulator) OnCall(route Route, n int, before, after func(Request)) {
	s.Fail(Script{Route: route, Skip: n - 1, Effect: Effect{Before: before, After: after}})
}

// ResetFaults forgets every script that was not played yet.
func (s *Simulator) ResetFaults() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.scripts = nil
}

// PendingFaults returns how many scripts were not played to their end.
func (s *Simulator) PendingFaults() int {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	return len(s.faults.scripts)
}

// A Gate holds calls in mid-flight. Its Wait is an Effect's Before, After or
// BodyGate.
type Gate struct {
	arrived chan struct{}
	open    chan struct{}
	once    sync.Once
}

// NewGate returns a closed gate.
func NewGate() *Gate {
	return &Gate{arrived: make(chan struct{}, 1), open: make(chan struct{})}
}

// Wait blocks until the gate is open.
func (g *Gate) Wait(Request) {
	select {
	case g.arrived <- struct{}{}:
	default:
	}
	<-g.open
}

// Arrived receives once a call stands at the gate.
func (g *Gate) Arrived() <-chan struct{} { return g.arrived }

// Open lets every call through, now and later. It may be called again.
func (g *Gate) Open() { g.once.Do(func() { close(g.open) }) }

// Hold makes the next call of the route stand at the gate before it is carried
// out. The end of the test opens the gate at the latest.
func (s *Simulator) Hold(route Route) *Gate {
	g := s.faults.gate()
	s.Fail(Script{Route: route, Effect: Effect{Before: g.Wait}})
	return g
}

// HoldAnswer makes the next call of the route stand at the gate after it was
// carried out. The end of the test opens the gate at the latest.
func (s *Simulator) HoldAnswer(route Route) *Gate {
	g := s.faults.gate()
	s.Fail(Script{Route: route, Effect: Effect{After: g.Wait}})
	return g
}

// overRate counts a call and refuses it beyond the rate.
func (s *Simulator) overRate(now time.Time) (reply, bool) {
	rate := s.cfg.Rate
	if rate.Calls <= 0 {
		return reply{}, false
	}
	s.rateMu.Lock()
	defer s.rateMu.Unlock()
	if now.Sub(s.rateStart) >= rate.Window {
		s.rateStart, s.rateInUse = now, 0
	}
	s.rateInUse++
	if s.rateInUse <= rate.Calls {
		return reply{}, false
	}
	end := s.rateStart.Add(rate.Window)
	answer := jsonReply(http.StatusTooManyRequests, map[string]any{"title": "Too Many Requests", "status": http.StatusTooManyRequests})
	switch rate.RetryAfter {
	case RetryAfterSeconds:
		answer.header.Set("Retry-After", strconv.Itoa(int((end.Sub(now)+time.Second-1)/time.Second)))
	case RetryAfterDate:
		answer.header.Set("Retry-After", end.Add(time.Second-1).UTC().Truncate(time.Second).Format(http.TimeFormat))
	}
	return answer, true
}
