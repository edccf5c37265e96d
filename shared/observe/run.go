package observe

import (
	"time"

	"contactsync/shared/status"
)

// Upstream is what metrics say of the two systems, besides the run itself.
type Upstream struct {
	Throttled      int       // calls that a system refused for their rate
	SecretRejected int       // times that a system refused the credentials
	Subscription   time.Time // when the Business Central subscription ends; zero when none is kept
}

// OfRun returns the metrics of one run; none of one that did nothing because
// another was under way, and of a dry run.
//
// RunComplete and WatermarkAge speak of polls only: a backfill or a run for a few
// requests must not hide that no poll comes to its end. The age is the time that
// the run took when it read everything up to its start. Else it is the time since
// the watermark, which stands at the last change that was read: on a quiet day it
// may be old although nothing waits.
func OfRun(r status.Run, up Upstream) map[Metric]float64 {
	if r.Busy || r.DryRun {
		return nil
	}
	values := map[Metric]float64{
		Transferred:    float64(r.Counts.Created + r.Counts.Updated + r.Counts.Linked),
		Skipped:        float64(r.Counts.Skipped),
		Failed:         float64(r.Counts.Failed),
		Retrying:       float64(r.Counts.Retrying),
		RunFailed:      flag(r.Problem != nil),
		Throttled:      float64(up.Throttled),
		SecretRejected: float64(up.SecretRejected),
	}
	if r.Mode == "poll" {
		values[RunComplete] = flag(r.Complete && r.Problem == nil)
		switch {
		case r.Complete && r.Problem == nil:
			values[WatermarkAge] = seconds(r.FinishedAt.Sub(r.StartedAt))
		case !r.Watermark.IsZero():
			values[WatermarkAge] = seconds(r.FinishedAt.Sub(r.Watermark))
		}
	}
	if !up.Subscription.IsZero() {
		values[SubscriptionHours] = max(0, up.Subscription.Sub(r.FinishedAt).Hours())
	}
	return values
}

// OfCalls returns the metrics of calls that belong to no run: those of an invocation
// of the webhook function. There are none when no call was refused, so that an
// ordinary invocation writes no line.
func OfCalls(up Upstream) map[Metric]float64 {
	if up.Throttled == 0 && up.SecretRejected == 0 {
		return nil
	}
	return map[Metric]float64{Throttled: float64(up.Throttled), SecretRejected: float64(up.SecretRejected)}
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func seconds(d time.Duration) float64 { return max(0, d.Seconds()) }
