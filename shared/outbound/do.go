package outbound

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"time"
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

// A try is one Do: all attempts of one call. It judges its answers and remembers
// what came of it.
type try struct {
	client *Client
	call   Call
	ctx    context.Context    // the caller's
	run    context.Context    // ends the margin earlier
	cancel context.CancelFunc // of run

	request  *http.Request // what every attempt sends
	attempts int
	answer   *Answer // of the last attempt
	err      error   // of the last attempt, where it has no answer
	cause    error   // of err: what the transport said
	arrived  bool    // an attempt may have been carried out
	wait     time.Duration
}

func (t *try) do() (*Answer, error) {
	if err := t.prepare(); err != nil {
		return nil, err
	}
	if t.run.Err() != nil {
		return nil, t.fail(nil, nil)
	}
	for {
		t.attempt()
		if !t.repeat() || t.attempts >= t.client.cfg.Attempts {
			break
		}
		if sleep(t.run, t.wait) != nil {
			return nil, t.fail(nil, nil)
		}
	}
	return t.answer, t.err
}

// prepare makes the request that every attempt sends.
func (t *try) prepare() error {
	var body io.Reader
	if len(t.call.Body) > 0 {
		body = bytes.NewReader(t.call.Body)
	}
	req, err := http.NewRequestWithContext(t.run, t.call.Method, t.call.URL, body)
	if err != nil {
		return fmt.Errorf("%s: the address of the call cannot be understood", t.call.Method)
	}
	t.request = req
	if req.URL.Scheme != "https" && req.URL.Scheme != "http" || req.URL.Host == "" {
		return fmt.Errorf("%s: the address of the call has no http or https host", t.name())
	}
	for name, values := range t.call.Header {
		for _, value := range values {
			if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
				return fmt.Errorf("%s: the value of header %s holds a control character", t.name(), name)
			}
		}
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	setDefault(req.Header, "Accept", json)
	setDefault(req.Header, "User-Agent", t.client.agent)
	if body != nil {
		setDefault(req.Header, "Content-Type", json)
	}
	return nil
}

// json is shared by all requests, which do not change it.
var json = []string{"application/json"}

func setDefault(header http.Header, name string, value []string) {
	if _, ok := header[name]; !ok {
		header[name] = value
	}
}

// name is the call's method and path, for errors.
func (t *try) name() string { return t.call.Method + " " + t.request.URL.EscapedPath() }

// attempt makes one attempt when its turn has come, and sets answer or err.
func (t *try) attempt() {
	t.answer, t.err, t.cause = nil, nil, nil
	t.attempts++
	if err := t.client.turn(t.run); err != nil {
		t.err = t.fail(err, nil)
		return
	}
	place := true
	defer func() {
		if place {
			t.client.leave()
		}
	}()

	t.client.calls.Add(1)
	started := time.Now()
	resp, stop, err := t.send()
	if err == nil && t.call.Stream && resp.StatusCode == http.StatusOK {
		place = false // the stream keeps it
		t.streamed(resp, stop, time.Since(started))
		return
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
		return
	}
	if t.client.cfg.Limiter != nil {
		t.client.cfg.Limiter.Done(took)
	}
	t.answer = answer
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
func (t *try) send() (*http.Response, stop, error) {
	ctx, cancel := context.WithCancelCause(t.run)
	s := stop{ctx: ctx, cancel: cancel, timer: time.AfterFunc(t.client.cfg.Timeout, func() { cancel(errAttempt) })}
	var traced, connected bool // both are set by the goroutine that calls RoundTrip
	req := t.request.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { traced = true },
		GotConn: func(httptrace.GotConnInfo) { connected = true },
	}))
	if t.attempts > 1 && req.GetBody != nil {
		req.Body, _ = req.GetBody() // of bytes in memory: there is no error
	}
	resp, err := t.client.transport.RoundTrip(req)
	if err != nil {
		err = withoutURL(err)
		t.cause = err
		t.arrived = t.arrived || connected || !traced && !neverLeft(err)
	}
	return resp, s, err
}

// streamed hands the body over unread.
func (t *try) streamed(resp *http.Response, s stop, took time.Duration) {
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
		return
	}
	t.answer = &Answer{Status: resp.StatusCode, Reason: reason(resp), Header: resp.Header, URL: t.call.URL, Stream: &stream{
		body: resp.Body, reader: reader, stall: s.timer, timeout: t.client.cfg.Timeout, release: release,
		fail: func(err error) error { return t.broken(err, s) },
	}}
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
	e := &callError{call: t.name()}
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
