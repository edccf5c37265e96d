// Package outbound makes HTTP calls to one system the careful way: bounded in
// flight and in rate, one 429 holds everybody, back-off with jitter that never
// sleeps into the deadline, bounded bodies, no redirects, and no repetition of a
// call that may have been carried out.
package outbound

import (
	"context"
	"errors"
	"net/http"
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
	HTTP       *http.Client  // a client of its own with reused connections if nil
	InFlight   int           // calls at once; 5 if zero
	Limiter    Limiter       // no limit if nil
	Attempts   int           // of one call in all; 4 if zero
	BackOff    time.Duration // before the second attempt, doubled for each one after, with jitter; 500 ms if zero
	MaxBackOff time.Duration // 30 s if zero
	Margin     time.Duration // every call ends that long before the context's deadline; 1 s if zero
	Timeout    time.Duration // of one attempt until its body is read; 30 s if zero
	MaxBody    int64         // bytes of an answer that is read whole; 4 MiB if zero
	UserAgent  string        // contactsync if empty
}

// A Client makes calls to one system. It is safe for concurrent use.
type Client struct{ cfg Config }

// New fills in the defaults and returns a Client. It makes no call.
func New(cfg Config) *Client { return &Client{cfg: cfg} }

// A Call is one request. Body is sent again on every attempt.
type Call struct {
	Method string
	URL    string
	Header http.Header // Accept, Content-Type and User-Agent are set where absent
	Body   []byte
	// Once: the call must not be repeated once it may have arrived (a create).
	// Answers that prove it was not carried out (429, 503 with Retry-After, a
	// refused connection) are still repeated.
	Once bool
	// Stream: the answer's body is handed over unread when the status is 200;
	// reading it ends by itself at the margin before the deadline.
	Stream bool
}

// An Answer is the last answer to a Call. Its Body is read and bounded, except
// for a streamed 200, which has Stream instead and must be closed.
type Answer struct {
	Status int
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
	// ErrMayHaveArrived is joined to ErrNoAnswer when the call may have been carried out.
	ErrMayHaveArrived = errors.New("the call may have been carried out")
	// ErrThrottled: the system asks for more patience than the deadline leaves.
	ErrThrottled = errors.New("throttled beyond patience")
	// ErrTooLarge: the answer is larger than MaxBody.
	ErrTooLarge = errors.New("the answer is too large")
	// ErrDeadline: our own deadline (less the margin) cut the call or left no time
	// for it. It is also the context's error: errors.Is(err, context.DeadlineExceeded).
	ErrDeadline = errors.New("our own deadline left no time for the call")
)

// Do makes the call. It returns the answer of whatever status once attempts are
// used up or the status is not worth repeating (repeated: 408, 429, 500, 502,
// 503, 504, no answer), and an error only where there is no answer to judge.
func (c *Client) Do(ctx context.Context, call Call) (*Answer, error) {
	return nil, errors.New("stub")
}
