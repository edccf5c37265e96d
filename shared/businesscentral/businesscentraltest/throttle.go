package businesscentraltest

import (
	"net/http"
	"strconv"
	"sync"
	"time"
)

// throttle holds a user to the limits of business-central.md 6.1.
type throttle struct {
	slots chan struct{}

	mu       sync.Mutex
	waiting  int
	working  int
	most     int
	accepted []time.Time // in the window, oldest first
}

func (t *throttle) init(cfg Config) { t.slots = make(chan struct{}, cfg.MaxInFlight) }

// maxWait is how long a request stays in the queue before it gets 503.
const maxWait = 8 * time.Minute

// enter admits a request or says why not. The caller leaves when it is nil.
func (s *Simulator) enter(r *http.Request) *apiError {
	t := &s.throttle
	if err := s.rate(); err != nil {
		return err
	}
	t.mu.Lock()
	t.waiting++
	if t.working+t.waiting > s.cfg.MaxInFlight+s.cfg.MaxQueue {
		t.waiting--
		actual := t.working + t.waiting + 1
		t.mu.Unlock()
		return tooManyRequests(actual, s.cfg.MaxInFlight+s.cfg.MaxQueue)
	}
	t.mu.Unlock()
	timeout := time.NewTimer(maxWait)
	defer timeout.Stop()
	var refused *apiError
	select {
	case t.slots <- struct{}{}:
	case <-timeout.C:
		refused = &apiError{status: http.StatusServiceUnavailable, code: "Internal_ServerError", message: "The request waited too long in the queue."}
	case <-r.Context().Done():
		refused = &apiError{status: http.StatusRequestTimeout, code: "Application_OperationCanceled", message: "The request was canceled."}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.waiting--; refused == nil {
		t.working++
		t.most = max(t.most, t.working)
	}
	return refused
}

func (s *Simulator) leave() {
	t := &s.throttle
	t.mu.Lock()
	t.working--
	t.mu.Unlock()
	<-t.slots
}

// rate counts a request in the sliding window.
func (s *Simulator) rate() *apiError {
	if s.cfg.RateLimit == 0 {
		return nil
	}
	t := &s.throttle
	t.mu.Lock()
	defer t.mu.Unlock()
	now := s.cfg.Now()
	for len(t.accepted) > 0 && !t.accepted[0].After(now.Add(-s.cfg.RateWindow)) {
		t.accepted = t.accepted[1:]
	}
	if len(t.accepted) >= s.cfg.RateLimit {
		return tooManyRequests(len(t.accepted)+1, s.cfg.RateLimit)
	}
	t.accepted = append(t.accepted, now)
	return nil
}

// setRetryAfter adds the header of a 429.
func (s *Simulator) setRetryAfter(w http.ResponseWriter) {
	switch delay := s.cfg.RetryAfter.Delay; {
	case delay <= 0:
	case s.cfg.RetryAfter.AsDate:
		w.Header().Set("Retry-After", s.cfg.Now().Add(delay).UTC().Format(http.TimeFormat))
	default:
		w.Header().Set("Retry-After", strconv.Itoa(int((delay+time.Second-1)/time.Second)))
	}
}

// MaxInFlight returns how many calls were worked on at once at most, sign-in not
// counted: more than Config.MaxInFlight never are, the others wait. A client that
// must not send more is tested with a larger Config.MaxInFlight.
func (s *Simulator) MaxInFlight() int {
	s.throttle.mu.Lock()
	defer s.throttle.mu.Unlock()
	return s.throttle.most
}
