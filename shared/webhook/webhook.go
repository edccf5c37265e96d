// Package webhook is the one [http.Handler] for every route of the webhook
// function (design.md 1.5): manual sync, hooks, Business Central notifications
// and the transfer status. [LambdaHandler] feeds it with API Gateway events; in
// the sandbox an ordinary server does.
//
// The package decides who may ask what, and in which form; transfers are made by
// [Syncer] and kept by [Store], the same that the poll uses.
package webhook

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"contactsync/shared/customer"
	"contactsync/shared/transfer"
	"contactsync/shared/wire"
)

// Limits of the routes (design.md 1.5).
const (
	MaxIDs        = 3000    // ids of a manual sync, notifications of a hook, contacts of one replay
	MaxSyncIDs    = 25      // ids that are transferred before the answer, or previewed
	MaxList       = 200     // rows of one page of a list
	DefaultList   = 50      // rows of a page where the caller names no limit
	MaxBody       = 1 << 20 // bytes of a request body
	MaxValidation = 2048    // bytes of the token of the subscription handshake
)

// How long a manual sync may take, and how long before the end of the invocation
// it stops, so that what is left can still be stored and answered.
const (
	maxSync    = 25 * time.Second
	syncMargin = 2 * time.Second
	// callMargin is how long before their context's deadline calls end (guarantee 2e).
	callMargin = time.Second
	// answerMargin is before an invocation's deadline, too: whatever was asked of table,
	// secret or systems has ended by then, so that what failed is still answered.
	answerMargin = time.Second
)

// Config says what the routes work with. NewSyncer, Store, Callers, Preflight
// and BodyOf are required.
type Config struct {
	// NewSyncer returns what transfers the ids of one manual sync. It is asked
	// once per request, because a Syncer remembers companies for its life.
	NewSyncer func() (Syncer, error)
	Store     Store
	Callers   Callers
	Preflight Preflight
	// BodyOf returns the request body of a preview as it would be sent.
	BodyOf func(customer.Customer) (json.RawMessage, error)
	// Dispatch is told of requests once they are stored, to start their transfers
	// without waiting for them. nil where the table's stream does that.
	Dispatch func(requests []transfer.Request)

	CompanyID string           // the id of our Business Central company; "" where only its name is known
	Workers   int              // transfers in flight at once; 5 if zero
	Now       func() time.Time // time.Now if nil
	NewToken  func() string    // unique texts for requests and manual runs; random if nil
	Log       *slog.Logger     // slog.Default() if nil
}

// New checks cfg, fills in the defaults and returns the handler. It makes no calls.
func New(cfg Config) (*Handler, error) {
	if cfg.NewSyncer == nil || cfg.Store == nil || cfg.Callers == nil || cfg.Preflight == nil || cfg.BodyOf == nil {
		return nil, errors.New("webhook: Config needs NewSyncer, Store, Callers, Preflight and BodyOf")
	}
	cfg.Workers = cmp.Or(cfg.Workers, 5)
	cfg.Log = cmp.Or(cfg.Log, slog.Default())
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.NewToken == nil {
		cfg.NewToken = rand.Text
	}
	return &Handler{cfg: cfg}, nil
}

// A Handler answers every route. It is safe for concurrent use.
type Handler struct{ cfg Config }

var _ http.Handler = (*Handler)(nil)

// ServeHTTP answers one request and writes one log line about it: the route, the
// status, how long it took and counts, but no id, key or body.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	started := h.cfg.Now()
	if deadline, ok := r.Context().Deadline(); ok {
		margin := min(answerMargin, time.Until(deadline)/2)
		ctx, cancel := context.WithDeadline(r.Context(), deadline.Add(-margin))
		defer cancel()
		r = r.WithContext(ctx)
	}
	name, answer := h.answer(r)
	answer.write(w, r.Method == http.MethodHead)

	attrs := append([]slog.Attr{
		slog.String("route", name), slog.String("method", r.Method), slog.Int("status", answer.status),
		slog.Int64("took_ms", h.cfg.Now().Sub(started).Milliseconds()),
	}, answer.log...)
	level := slog.LevelInfo
	switch {
	case answer.loud || answer.status >= http.StatusInternalServerError:
		level = slog.LevelError
	case answer.status >= http.StatusBadRequest:
		level = slog.LevelWarn
	}
	h.cfg.Log.LogAttrs(context.WithoutCancel(r.Context()), level, "request", attrs...)
}

// answer finds the route and lets it answer. A defect becomes a 500.
func (h *Handler) answer(r *http.Request) (name string, answer reply) {
	name = "unknown"
	defer func() {
		if defect := recover(); defect != nil {
			// The value of the panic may quote a record, so only its type is logged.
			answer = failure(http.StatusInternalServerError, transfer.Internal.Code, "the log entry of this request names the place")
			answer = answer.with(slog.String("panic", fmt.Sprintf("%T", defect)), slog.String("stack", string(debug.Stack())))
		}
	}()
	target, found := match(r.URL.Path)
	if !found {
		return name, failure(http.StatusNotFound, wire.NotFound, "there is no such route")
	}
	name = target.route.name
	if !target.route.open {
		if denied, ok := h.authorize(r); !ok {
			return name, denied
		}
	}
	return name, target.serve(h, r)
}
