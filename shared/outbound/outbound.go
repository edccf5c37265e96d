// Package outbound makes HTTP calls to one system the careful way: bounded in
// flight and in rate, one 429 holds everybody, back-off with jitter that never
// sleeps into the deadline, bounded bodies, no redirects, and no repetition of a
// call that may have been carried out.
package outbound

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Limiter says when the next call may start. Wait returns early with an error
// when the context ends or its deadline is nearer than the turn.
type Limiter interface {
	Wait(ctx context.Context) error
	// Slower tells that the system refused a call for its rate.
	Slower()
	// Done tells how long a call took that was answered.
	Done(took time.Duration)
}

// Config says how to call a system. Every member has a default.
type Config struct {
	HTTP       *http.Client  // only its Transport and Timeout count; a transport of its own with reused connections if nil
	InFlight   int           // calls at once, open streams included; 5 if zero
	Limiter    Limiter       // no limit if nil
	Attempts   int           // of one call in all; 4 if zero
	BackOff    time.Duration // before the second attempt, doubled for each one after, with jitter; 500 ms if zero
	MaxBackOff time.Duration // 30 s if zero
	Margin     time.Duration // every call ends that long before the context's deadline; 1 s if zero
	Timeout    time.Duration // of one attempt until its body is read (of a stream: of each read); HTTP.Timeout or 30 s if zero
	MaxBody    int64         // bytes of an answer that is read whole, counted after decompression; 4 MiB if zero
	UserAgent  string        // contactsync if empty

	// RetryAnswer says that an answer, although its status is not repeated as
	// such, proves that the call was not carried out and is worth repeating
	// (Business Central's 400 "Please try again later."). None if nil.
	RetryAnswer func(status int, body []byte) bool
	// OnCall is told of every attempt that was started, for logs and metrics:
	// its status (0: no answer) and how long it took, waits before it excluded.
	// It is called by many goroutines at once. The Call's URL may hold personal
	// data in its query.
	OnCall func(call Call, status int, took time.Duration)
}

// defaults returns cfg with every member filled in.
func (cfg Config) defaults() Config {
	cfg.InFlight = cmp.Or(cfg.InFlight, 5)
	cfg.Attempts = cmp.Or(cfg.Attempts, 4)
	cfg.BackOff = cmp.Or(cfg.BackOff, 500*time.Millisecond)
	cfg.MaxBackOff = cmp.Or(cfg.MaxBackOff, 30*time.Second)
	cfg.Margin = cmp.Or(cfg.Margin, time.Second)
	cfg.MaxBody = cmp.Or(cfg.MaxBody, 4<<20)
	cfg.UserAgent = cmp.Or(cfg.UserAgent, "contactsync")
	if cfg.HTTP != nil {
		cfg.Timeout = cmp.Or(cfg.Timeout, cfg.HTTP.Timeout)
	}
	cfg.Timeout = cmp.Or(cfg.Timeout, 30*time.Second)
	return cfg
}

// A Client makes calls to one system. It is safe for concurrent use.
type Client struct {
	cfg       Config
	transport http.RoundTripper
	slots     chan struct{} // one entry for each call in flight
	hold      hold
	calls     atomic.Int64
	agent     []string // the header User-Agent
}

// New fills in the defaults and returns a Client. It makes no call.
func New(cfg Config) *Client {
	cfg = cfg.defaults()
	c := &Client{cfg: cfg, slots: make(chan struct{}, cfg.InFlight), agent: []string{cfg.UserAgent}}
	switch {
	case cfg.HTTP == nil:
		c.transport = newTransport(cfg.InFlight)
	case cfg.HTTP.Transport == nil:
		c.transport = http.DefaultTransport
	default:
		c.transport = cfg.HTTP.Transport
	}
	return c
}

// newTransport returns a transport that keeps a connection for each call in flight.
func newTransport(inFlight int) *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:    10 * time.Second,
		ExpectContinueTimeout:  time.Second,
		IdleConnTimeout:        60 * time.Second,
		MaxIdleConns:           2 * inFlight,
		MaxIdleConnsPerHost:    inFlight,
		ForceAttemptHTTP2:      true,
		MaxResponseHeaderBytes: 256 << 10,
	}
}

// Calls returns how many attempts were started so far.
func (c *Client) Calls() int64 { return c.calls.Load() }

// HeldUntil returns until when no call is started because the system asked for
// patience; the zero time when calls may start now.
func (c *Client) HeldUntil() time.Time { return c.hold.until() }

// CloseIdleConnections closes the connections that no call uses at the moment.
func (c *Client) CloseIdleConnections() {
	(&http.Client{Transport: c.transport}).CloseIdleConnections()
}

// A Call is one request. Body is sent again on every attempt.
type Call struct {
	Method string
	URL    string
	Header http.Header // Accept, Content-Type and User-Agent are set where absent
	Body   []byte
	// Once: the call must not be repeated once it may have arrived (a create).
	// Answers that prove it was not carried out (429, 503 with Retry-After, a
	// refused connection, an unknown host) are still repeated.
	Once bool
	// Stream: the answer's body is handed over unread when the status is 200;
	// reading it ends by itself at the margin before the deadline. It counts as
	// a call in flight until it is closed or read to its end.
	Stream bool
}

// An Answer is the last answer to a Call. Its Body is read and bounded, except
// for a streamed 200, which has Stream instead and must be closed. The body of
// an answer that is no success (2xx) may be cut short: its status is what counts.
type Answer struct {
	Status int
	Reason string // phrase beside the status, which some systems use for their message; "" over HTTP/2
	Header http.Header
	Body   []byte
	Stream ReadCloser
	URL    string
}

// ReadCloser is the body of a streamed answer.
type ReadCloser interface {
	Read(p []byte) (int, error)
	Close() error
}

// Conditions of Do's errors, to be asked with errors.Is.
var (
	// ErrNoAnswer: the system could not be reached or did not answer in time.
	ErrNoAnswer = errors.New("no answer")
	// ErrMayHaveArrived is joined to any of the others, and to the context's
	// error, when the call may have been carried out.
	ErrMayHaveArrived = errors.New("the call may have been carried out")
	// ErrThrottled: the system asks for more patience than the deadline leaves.
	ErrThrottled = errors.New("throttled beyond patience")
	// ErrTooLarge: the answer is larger than MaxBody.
	ErrTooLarge = errors.New("the answer is too large")
	// ErrDeadline: our own deadline (less the margin) cut the call or left no time
	// for it. It is also the context's error: errors.Is(err, context.DeadlineExceeded).
	ErrDeadline = errors.New("our own deadline left no time for the call")
)
