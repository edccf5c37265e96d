package outbound

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// errAttempt is the cause when one attempt had its time.
var errAttempt = errors.New("the attempt took too long")

// Do makes the call. It returns the answer of whatever status once attempts are
// used up or the status is not worth repeating (repeated: 408, 429, 500, 502,
// 503, 504, no answer), and an error only where there is no answer to judge.
// Redirects are answers like any other. A context that is cancelled is returned
// as it is.
func (c *Client) Do(ctx context.Context, call Call) (*Answer, error) {
	t := &try{client: c, call: call, ctx: ctx}
	var cancel context.CancelFunc
	if deadline, ok := ctx.Deadline(); ok {
		t.run, cancel = context.WithDeadline(ctx, deadline.Add(-c.cfg.Margin))
	} else {
		t.run, cancel = context.WithCancel(ctx)
	}
	t.cancel = cancel

	answer, err := t.do()
	if answer == nil || answer.Stream == nil {
		cancel()
	}
	return answer, err
}

// A try is one Do: all attempts of one call. It is the transport of its
// requests, the judge of its answers, and remembers what came of it.
type try struct {
	client *Client
	call   Call
	ctx    context.Context    // the caller's
	run    context.Context    // ends the margin earlier
	cancel context.CancelFunc // of run

	name     string // method and path, for errors
	attempts int
	answer   *Answer // of the last attempt
	err      error   // of the last attempt, where it has no answer
	cause    error   // of err: what the transport said
	arrived  bool    // an attempt may have been carried out
	waiting  bool    // between two attempts
	wait     time.Duration
}

func (t *try) do() (*Answer, error) {
	req, err := t.request()
	if err != nil {
		return nil, err
	}
	if t.run.Err() != nil {
		return nil, t.fail(nil, nil)
	}
	client := retryablehttp.Client{
		HTTPClient: &http.Client{
			Transport:     t,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		RetryMax:     t.client.cfg.Attempts - 1,
		CheckRetry:   t.checkRetry,
		Backoff:      t.backoff,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	_, err = client.Do(req) // its body is read and kept by RoundTrip
	switch {
	case t.waiting && t.run.Err() != nil:
		return nil, t.fail(nil, nil)
	case t.err != nil:
		return nil, t.err
	case t.answer == nil:
		return nil, t.fail(ErrNoAnswer, withoutURL(err))
	}
	return t.answer, nil
}

// request prepares what every attempt sends.
func (t *try) request() (*retryablehttp.Request, error) {
	address, err := url.Parse(t.call.URL)
	if err != nil {
		return nil, fmt.Errorf("%s: the address of the call cannot be understood", t.call.Method)
	}
	t.name = t.call.Method + " " + address.EscapedPath()
	if address.Scheme != "https" && address.Scheme != "http" || address.Host == "" {
		return nil, fmt.Errorf("%s: the address of the call has no http or https host", t.name)
	}
	var body any
	if len(t.call.Body) > 0 {
		body = t.call.Body
	}
	req, err := retryablehttp.NewRequestWithContext(t.run, t.call.Method, t.call.URL, body)
	if err != nil {
		return nil, fmt.Errorf("%s: the request cannot be made", t.name)
	}
	for name, values := range t.call.Header {
		for _, value := range values {
			if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
				return nil, fmt.Errorf("%s: the value of header %s holds a control character", t.name, name)
			}
		}
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	setDefault(req.Header, "Accept", "application/json")
	setDefault(req.Header, "User-Agent", t.client.cfg.UserAgent)
	if body != nil {
		setDefault(req.Header, "Content-Type", "application/json")
	}
	return req, nil
}

func setDefault(header http.Header, name, value string) {
	if _, ok := header[name]; !ok {
		header.Set(name, value)
	}
}

// RoundTrip makes one attempt when its turn has come.
func (t *try) RoundTrip(req *http.Request) (*http.Response, error) {
	t.answer, t.err, t.cause, t.waiting = nil, nil, nil, false
	t.attempts++
	if err := t.client.turn(t.run); err != nil {
		t.err = t.fail(err, nil)
		return nil, t.err
	}
	place := true
	defer func() {
		if place {
			t.client.leave()
		}
	}()

	t.client.calls.Add(1)
	started := time.Now()
	resp, stop, err := t.send(req)
	if err == nil && t.call.Stream && resp.StatusCode == http.StatusOK {
		place = false // the stream keeps it
		return t.streamed(req, resp, stop, time.Since(started))
	}
	defer stop.end()
	answer := &Answer{URL: t.call.URL}
	if err == nil {
		answer.Status, answer.Reason, answer.Header = resp.StatusCode, reason(resp), resp.Header
		answer.Body, err = readBody(resp, t.client.cfg.MaxBody)
		t.arrived = t.arrived || err != nil
	}
	took := time.Since(started)
	if t.client.cfg.OnCall != nil {
		t.client.cfg.OnCall(t.call, answer.Status, took)
	}
	if err != nil {
		t.err = t.broken(err, stop)
		return nil, t.err
	}
	if t.client.cfg.Limiter != nil {
		t.client.cfg.Limiter.Done(took)
	}
	t.answer = answer
	return bare(req, answer), nil
}

// reason returns the reason phrase of an answer, "" over HTTP/2.
func reason(resp *http.Response) string {
	_, phrase, _ := strings.Cut(resp.Status, " ")
	return phrase
}

// A stop ends one attempt when its time is over.
type stop struct {
	timer  *time.Timer
	cancel context.CancelCauseFunc
	ctx    context.Context
}

func (s stop) end() {
	s.timer.Stop()
	s.cancel(nil)
}

// send hands the request to the transport and notes whether it may have left.
func (t *try) send(req *http.Request) (*http.Response, stop, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	s := stop{ctx: ctx, cancel: cancel, timer: time.AfterFunc(t.client.cfg.Timeout, func() { cancel(errAttempt) })}
	var traced, connected bool // both are set by the goroutine that calls RoundTrip
	traceCtx := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { traced = true },
		GotConn: func(httptrace.GotConnInfo) { connected = true },
	})
	resp, err := t.client.transport.RoundTrip(req.WithContext(traceCtx))
	if err != nil {
		err = withoutURL(err)
		t.cause = err
		t.arrived = t.arrived || connected || !traced && !neverLeft(err)
	}
	return resp, s, err
}

// streamed hands the body over unread.
func (t *try) streamed(req *http.Request, resp *http.Response, s stop, took time.Duration) (*http.Response, error) {
	s.timer.Stop()
	if t.client.cfg.OnCall != nil {
		t.client.cfg.OnCall(t.call, resp.StatusCode, took)
	}
	if t.client.cfg.Limiter != nil {
		t.client.cfg.Limiter.Done(took)
	}
	release := func() {
		s.end()
		t.cancel()
		t.client.leave()
	}
	reader, err := decompress(resp)
	if err != nil {
		_ = resp.Body.Close()
		s.end()
		t.client.leave()
		t.arrived = true
		t.err = t.broken(err, s)
		return nil, t.err
	}
	t.answer = &Answer{Status: resp.StatusCode, Reason: reason(resp), Header: resp.Header, URL: t.call.URL, Stream: &stream{
		body: resp.Body, reader: reader, stall: s.timer, timeout: t.client.cfg.Timeout, release: release,
		fail: func(err error) error { return t.broken(err, s) },
	}}
	return bare(req, t.answer), nil
}

// bare returns what retryablehttp and net/http need to see of an answer: nothing
// to read, to close or to follow.
func bare(req *http.Request, a *Answer) *http.Response {
	return &http.Response{StatusCode: a.Status, Header: http.Header{}, Body: http.NoBody, Request: req}
}

// broken puts the error of a request that was begun into words.
func (t *try) broken(err error, s stop) error {
	if cause := context.Cause(s.ctx); errors.Is(cause, errAttempt) {
		err = errAttempt
	}
	if errors.Is(err, ErrTooLarge) {
		return t.fail(ErrTooLarge, nil)
	}
	return t.fail(ErrNoAnswer, err)
}

// fail makes the error of this call. The end of the caller's context and of our
// own time say more than what they lead to.
func (t *try) fail(condition, cause error) error {
	e := &callError{call: t.name}
	switch {
	case errors.Is(t.ctx.Err(), context.Canceled):
		if !t.arrived {
			return t.ctx.Err()
		}
		e.conditions = []error{t.ctx.Err()}
	case errors.Is(condition, ErrThrottled), errors.Is(condition, ErrTooLarge):
		e.conditions, e.cause = []error{condition}, cause
	case t.run.Err() != nil:
		e.conditions = []error{ErrDeadline, context.DeadlineExceeded}
	default:
		e.conditions, e.cause = []error{condition}, cause
	}
	if t.arrived {
		e.conditions = append(e.conditions, ErrMayHaveArrived)
	}
	return e
}

// turn waits until a call may start and takes a place among those in flight,
// which leave gives back. A call that is held after its turn came asks the
// limiter again, for the turn has passed.
func (c *Client) turn(ctx context.Context) error {
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		err := c.hold.wait(ctx)
		if err == nil && c.cfg.Limiter != nil {
			if err = c.cfg.Limiter.Wait(ctx); err != nil && ctx.Err() == nil {
				err = ErrThrottled
			}
		}
		if err != nil {
			c.leave()
			return err
		}
		if c.hold.until().IsZero() {
			return nil
		}
	}
}

func (c *Client) leave() { <-c.slots }
