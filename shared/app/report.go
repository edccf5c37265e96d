package app

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"contactsync/shared/observe"
	"contactsync/shared/outbound"
	"contactsync/shared/status"
)

// tally counts what metrics say about the calls of a run.
type tally struct{ throttled, rejected atomic.Int64 }

// count is told of every call to either system.
func (t *tally) count(_ outbound.Call, code int, _ time.Duration) {
	switch code {
	case http.StatusTooManyRequests:
		t.throttled.Add(1)
	case http.StatusUnauthorized:
		t.rejected.Add(1)
	}
}

// report writes the metrics of a run.
func (a *App) report(ctx context.Context, run status.Run) {
	if a.parts.Meter == nil {
		return
	}
	up := observe.Upstream{Throttled: int(a.calls.throttled.Swap(0)), SecretRejected: int(a.calls.rejected.Swap(0))}
	if a.Config.WebhookURL != "" && !run.Busy && !run.DryRun {
		if s, err := a.Store.Subscription(context.WithoutCancel(ctx)); err == nil {
			up.Subscription = s.ExpiresAt
		}
	}
	if err := a.parts.Meter.Put(observe.OfRun(run, up), map[string]any{observe.RunID: run.ID}); err != nil {
		a.log.WarnContext(ctx, "metrics could not be written", "run_id", run.ID, "error", err)
	}
}
