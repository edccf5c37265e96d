// Package lambdatest runs compiled Lambda functions on this machine as Lambda
// does: a Runtime API for each process, more processes when more invocations
// arrive at once, a deadline that ends the process, and an API Gateway in front.
//
// What it leaves out: extensions, the telemetry API, response streaming, freezing
// of idle processes, queues and retries of asynchronous invocations.
package lambdatest

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The Runtime API as AWS documents it:
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
const (
	prefix     = "/2018-06-01/runtime/"
	maxPayload = 6 << 20 // of a synchronous answer

	headerRequestID = "Lambda-Runtime-Aws-Request-Id"
	headerDeadline  = "Lambda-Runtime-Deadline-Ms"
	headerTraceID   = "Lambda-Runtime-Trace-Id"
	headerARN       = "Lambda-Runtime-Invoked-Function-Arn"
)

// An Invocation is one event on its way through a process.
type Invocation struct {
	ID       string // request id
	TraceID  string
	Event    []byte
	Deadline time.Time

	answered chan outcome // of one place, so that who answers never waits
}

type outcome struct {
	answer []byte
	err    error
}

// newInvocation gives the event its ids.
func newInvocation(event []byte, deadline time.Time) *Invocation {
	random := strings.ToLower(fmt.Sprintf("%x", rand.Text()))[:32]
	id := random[:8] + "-" + random[8:12] + "-4" + random[13:16] + "-8" + random[17:20] + "-" + random[20:32]
	return &Invocation{
		ID: id, Event: event, Deadline: deadline, answered: make(chan outcome, 1),
		TraceID: fmt.Sprintf("Root=1-%08x-%s;Sampled=0", time.Now().Unix(), random[:24]),
	}
}

// A FunctionError is what a function answered instead of a result.
type FunctionError struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

func (e *FunctionError) Error() string { return e.Type + ": " + e.Message }

// A Runtime is the Runtime API that one process talks to: it hands out one
// invocation after the other and takes the answer of each. It is an
// [http.Handler].
type Runtime struct {
	// ARN is shown to the function.
	ARN string
	// Answer is asked before an answer is taken, nil never. With false the answer
	// is dropped and the connection cut: the process died of sending it.
	Answer func(*Invocation) (take bool)
	// Answered is told after the invoker has the answer; it may be nil.
	Answered func(*Invocation)

	queue chan *Invocation
	mu    sync.Mutex
	now   *Invocation // handed out and not answered
	init  error       // what the process said before it gave up its start
}

// NewRuntime returns a Runtime without an invocation.
func NewRuntime(arn string) *Runtime { return &Runtime{ARN: arn, queue: make(chan *Invocation)} }

// ServeHTTP answers the process.
func (r *Runtime) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	path, ok := strings.CutPrefix(req.URL.Path, prefix)
	id, what, _ := strings.Cut(strings.TrimPrefix(path, "invocation/"), "/")
	switch {
	case ok && req.Method == http.MethodGet && path == "invocation/next":
		r.next(w, req)
	case ok && req.Method == http.MethodPost && path == "init/error":
		body, _ := io.ReadAll(io.LimitReader(req.Body, maxPayload))
		r.mu.Lock()
		r.init = errorOf(body)
		r.mu.Unlock()
		accepted(w)
	case ok && req.Method == http.MethodPost && (what == "response" || what == "error"):
		r.take(w, req, id, what == "error")
	default:
		refuse(w, http.StatusNotFound, "InvalidPath", "no such path: "+req.Method+" "+req.URL.Path)
	}
}

// next hands out the next invocation. It waits as long as it takes, as Lambda does
// while it freezes the process.
func (r *Runtime) next(w http.ResponseWriter, req *http.Request) {
	select {
	case <-req.Context().Done():
	case one := <-r.queue:
		r.mu.Lock()
		r.now = one
		r.mu.Unlock()
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set(headerRequestID, one.ID)
		h.Set(headerDeadline, strconv.FormatInt(one.Deadline.UnixMilli(), 10))
		h.Set(headerTraceID, one.TraceID)
		h.Set(headerARN, r.ARN)
		_, _ = w.Write(one.Event) // a process that is gone is seen by its end
	}
}

// take keeps the answer of the invocation that was handed out.
func (r *Runtime) take(w http.ResponseWriter, req *http.Request, id string, failed bool) {
	body, err := io.ReadAll(io.LimitReader(req.Body, maxPayload+1))
	if err != nil {
		refuse(w, http.StatusBadRequest, "InvalidBody", "the body ended early")
		return
	}
	r.mu.Lock()
	one := r.now
	if one == nil || one.ID != id {
		r.mu.Unlock()
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "no invocation under way has the id "+id)
		return
	}
	r.now = nil
	r.mu.Unlock()
	if r.Answer != nil && !r.Answer(one) {
		panic(http.ErrAbortHandler)
	}
	out := outcome{answer: body}
	switch {
	case len(body) > maxPayload:
		out = outcome{err: &FunctionError{"Function.ResponseSizeTooLarge", "the answer exceeds 6 MB"}}
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "the answer exceeds 6 MB")
	case failed:
		out = outcome{err: errorOf(body)}
		accepted(w)
	default:
		accepted(w)
	}
	one.answered <- out
	if r.Answered != nil {
		r.Answered(one)
	}
}

// initError is what the process said before it gave up its start; nil if nothing.
func (r *Runtime) initError() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.init
}

func errorOf(body []byte) error {
	var e FunctionError
	if err := json.Unmarshal(body, &e); err != nil {
		return errors.Join(errors.New("the function's error cannot be read"), err)
	}
	e.Type = cmp.Or(e.Type, "Unknown")
	return &e
}

func accepted(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`)
}

func refuse(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(FunctionError{kind, message}) // whoever is gone needs no answer
}
