package app

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"contactsync/shared/observe"
	"contactsync/shared/outbound"
	"contactsync/shared/status"
)

// tally counts what metrics say about the calls of a run or an invocation.
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

// take returns the counts and begins anew.
func (t *tally) take() observe.Upstream {
	return observe.Upstream{Throttled: int(t.throttled.Swap(0)), SecretRejected: int(t.rejected.Swap(0))}
}

// report writes the metrics of a run; of one that is not counted, such as a dry run,
// those of its calls.
func (a *App) report(ctx context.Context, run status.Run) {
	if a.parts.Meter == nil {
		return
	}
	up := a.calls.take()
	if a.Config.WebhookURL != "" && !run.Busy && !run.DryRun {
		if s, err := a.Store.Subscription(context.WithoutCancel(ctx)); err == nil {
			up.Subscription = s.ExpiresAt
		}
	}
	values := observe.OfRun(run, up)
	if values == nil {
		values = observe.OfCalls(up)
	}
	a.put(ctx, values, map[string]any{observe.RunID: run.ID})
}

// reportCalls writes the metrics of an invocation that is no run: one line when a
// call of it was refused, none otherwise. A function works on one invocation at a
// time, so that the counts are its own.
func (a *App) reportCalls(ctx context.Context) {
	if a.parts.Meter == nil {
		return
	}
	var fields map[string]any
	if invocation, found := lambdacontext.FromContext(ctx); found {
		fields = map[string]any{observe.RequestID: invocation.AwsRequestID}
	}
	a.put(ctx, observe.OfCalls(a.calls.take()), fields)
}

func (a *App) put(ctx context.Context, values map[observe.Metric]float64, fields map[string]any) {
	if err := a.parts.Meter.Put(values, fields); err != nil {
		a.log.WarnContext(ctx, "metrics could not be written", "error", err)
	}
}
