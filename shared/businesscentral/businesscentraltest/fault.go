package businesscentraltest

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"
)

// A Fault makes chosen calls go wrong. Several may be set; all that match a call
// act on it, in the order in which they were set. Its JSON form is that of the
// admin surface; hooks are for Go only.
type Fault struct {
	// Which calls. Blank members match every call; Route blank matches every route
	// but the token's.
	Route  Route                    `json:"route,omitempty"`
	Method string                   `json:"method,omitempty"`
	Match  func(*http.Request) bool `json:"-"`
	Skip   int                      `json:"skip,omitempty"`  // so many matching calls pass first
	Times  int                      `json:"times,omitempty"` // so many are hit then; 1 if zero, all if negative

	// Before runs when the call is admitted and before it is worked on, After when
	// its answer is about to be sent. They run in the call's goroutine, hold no
	// lock, and may change the simulator's records.
	Before func(*http.Request) `json:"-"`
	After  func(*http.Request) `json:"-"`

	// Instead of working on the call: this answer. A Body without ContentType is
	// sent as JSON; BodySize adds a filler of so many bytes.
	Status      int         `json:"status,omitempty"`
	Body        string      `json:"body,omitempty"`
	ContentType string      `json:"content_type,omitempty"`
	Header      http.Header `json:"header,omitempty"`
	BodySize    int64       `json:"body_size,omitempty"`
	Throttled   bool        `json:"throttled,omitempty"` // 429 as Business Central says it

	CutBefore bool `json:"cut_before,omitempty"` // the connection breaks, nothing was done
	CutAfter  bool `json:"cut_after,omitempty"`  // it was done, the connection breaks before the answer

	// On top of the real answer.
	Latency       time.Duration `json:"latency,omitempty"`        // before the call is worked on; nanoseconds
	TruncateAfter int           `json:"truncate_after,omitempty"` // the body ends after so many bytes, as if it were complete
	BreakAfter    int           `json:"break_after,omitempty"`    // the connection breaks after so many bytes
	SlowBody      time.Duration `json:"slow_body,omitempty"`      // between pieces of 1 KiB
	RevokeTokens  bool          `json:"revoke_tokens,omitempty"`  // every token ends before this call is judged
	RefuseToken   bool          `json:"refuse_token,omitempty"`   // a call with a skiptoken gets 400
	SameToken     bool          `json:"same_token,omitempty"`     // the next link is the one of this page again
	RepeatRows    int           `json:"repeat_rows,omitempty"`    // the last rows of this page stand at the head of the next, too
	NextLinkHost  string        `json:"next_link_host,omitempty"` // scheme and host of the next link
	WithoutMember string        `json:"without_member,omitempty"` // rows of this page lack this property
	RawMembers    string        `json:"raw_members,omitempty"`    // rows of this page end in these members, written as JSON
	RedirectTo    string        `json:"redirect_to,omitempty"`    // 307 to this address
}

// An Injected fault can be asked and taken back.
type Injected struct {
	simulator *Simulator
	fault     Fault
	seen      int
	hits      int
}

// Hits returns how many calls it has hit.
func (i *Injected) Hits() int {
	i.simulator.faults.mu.Lock()
	defer i.simulator.faults.mu.Unlock()
	return i.hits
}

// Remove ends it.
func (i *Injected) Remove() {
	f := &i.simulator.faults
	f.mu.Lock()
	defer f.mu.Unlock()
	f.active = slices.DeleteFunc(f.active, func(other *Injected) bool { return other == i })
}

type faults struct {
	mu     sync.Mutex
	active []*Injected
}

// effects is what the faults of one call add up to.
type effects []*Fault

// Inject sets a fault.
func (s *Simulator) Inject(f Fault) *Injected {
	if f.Times == 0 {
		f.Times = 1
	}
	i := &Injected{simulator: s, fault: f}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.active = append(s.faults.active, i)
	return i
}

// FailNext lets the next call of any route but the token's fail with a status and
// an error in Business Central's form; 429 comes as its throttling.
func (s *Simulator) FailNext(status int) *Injected {
	return s.Inject(failure(status))
}

func failure(status int) Fault {
	if status == http.StatusTooManyRequests {
		return Fault{Throttled: true}
	}
	code := map[int]string{http.StatusUnauthorized: "Authentication_InvalidCredentials", http.StatusForbidden: "Authorization_InsufficientPermissions",
		http.StatusNotFound: "BadRequest_ResourceNotFound", http.StatusNotImplemented: "BadRequest_MethodNotImplemented",
		http.StatusInternalServerError: "Internal_ServerError", http.StatusServiceUnavailable: "Internal_TenantUnavailable"}[status]
	if code == "" {
		code = "BadRequest"
	}
	return Fault{Status: status, Body: `{"error":{"code":"` + code + `","message":"The call failed as the test asked for.  CorrelationId:  ` + guid{}.String() + `."}}`}
}

// ClearFaults takes all faults back.
func (s *Simulator) ClearFaults() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.active = nil
}

func (s *Simulator) takeFaults(r *http.Request, route Route) effects {
	s.faults.mu.Lock()
	active := slices.Clone(s.faults.active)
	s.faults.mu.Unlock()
	var matching []*Injected
	for _, i := range active {
		f := &i.fault
		if (f.Route == route || f.Route == "" && route != RouteToken) && (f.Method == "" || f.Method == r.Method) && (f.Match == nil || f.Match(r)) {
			matching = append(matching, i)
		}
	}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	var hit effects
	for _, i := range matching {
		if i.seen++; i.seen > i.fault.Skip && (i.fault.Times < 0 || i.hits < i.fault.Times) {
			i.hits++
			hit = append(hit, &i.fault)
		}
	}
	return hit
}

// A Hold stops calls in mid-flight until it is released.
type Hold struct {
	arrived  chan *http.Request
	release  chan struct{}
	once     sync.Once
	injected *Injected
}

// HoldBefore stops the next times calls of a route after they were admitted and
// before they are worked on.
func (s *Simulator) HoldBefore(route Route, times int) *Hold {
	h := newHold(times)
	h.injected = s.Inject(Fault{Route: route, Times: times, Before: h.wait})
	return h
}

// HoldAfter stops the next times calls of a route when they are done and before
// their answer is sent.
func (s *Simulator) HoldAfter(route Route, times int) *Hold {
	h := newHold(times)
	h.injected = s.Inject(Fault{Route: route, Times: times, After: h.wait})
	return h
}

func newHold(times int) *Hold {
	return &Hold{arrived: make(chan *http.Request, max(times, 1)), release: make(chan struct{})}
}

// Arrived yields each call that is stopped.
func (h *Hold) Arrived() <-chan *http.Request { return h.arrived }

// Release lets the stopped calls go on and stops no more.
func (h *Hold) Release() {
	h.once.Do(func() {
		h.injected.Remove()
		close(h.release)
	})
}

func (h *Hold) wait(r *http.Request) {
	select {
	case h.arrived <- r:
	default:
	}
	select {
	case <-h.release:
	case <-r.Context().Done():
	}
}

func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
