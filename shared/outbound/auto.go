package outbound

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Bounds and steps of the limiter that finds the rate by itself.
const (
	autoFirst    = 10.0        // calls a second to begin with
	autoLeast    = 0.2         // calls a second when everything is refused
	autoMost     = 1000.0      // calls a second that no caller of ours needs
	autoCool     = time.Second // one refusal that many callers see counts once
	autoSlow     = 3           // times the usual time: the system is labouring
	autoSmoothed = 16          // answers over which the usual time is averaged
)

// NewAuto returns a Limiter that finds the rate by itself, for a system whose
// limit is unknown and that is called by at most inFlight callers at once: it
// doubles the rate each second until the first refusal, then adds one call a
// second each second; a refusal halves the rate, and answers that take three
// times as long as usual lower it by a tenth.
func NewAuto(inFlight int) Limiter {
	return &auto{
		inFlight: max(inFlight, 1),
		rate:     autoFirst,
		pace:     rate.NewLimiter(autoFirst, max(inFlight, 1)),
	}
}

type auto struct {
	inFlight int
	pace     *rate.Limiter

	mu      sync.Mutex
	rate    float64 // calls a second
	found   bool    // a limit was met: no more doubling
	slower  time.Time
	usual   time.Duration
	answers int
}

// Wait waits for the caller's turn.
func (a *auto) Wait(ctx context.Context) error {
	if err := a.pace.Wait(ctx); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return errTurn
	}
	return nil
}

// Slower halves the rate.
func (a *auto) Slower() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lower(0.5)
}

// Done raises the rate when the answer came as fast as usual and lowers it when
// it took much longer.
func (a *auto) Done(took time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	usual := a.usual
	a.answers = min(a.answers+1, autoSmoothed)
	a.usual += (took - a.usual) / time.Duration(a.answers)
	switch {
	case a.answers == autoSmoothed && took > autoSlow*usual && took > 100*time.Millisecond:
		a.lower(0.9)
	case !a.found:
		a.set(a.rate + 1) // one more for each call: doubles in a second
	default:
		a.set(a.rate + 1/a.rate)
	}
}

// lower multiplies the rate by factor, once for what many callers see at once.
func (a *auto) lower(factor float64) {
	now := time.Now()
	if now.Sub(a.slower) < autoCool {
		return
	}
	a.slower, a.found = now, true
	a.set(a.rate * factor)
}

// set changes the rate. More than the callers can use at the usual time of an
// answer is not saved up: it would be spent against a limit that came since.
func (a *auto) set(perSecond float64) {
	most := autoMost
	if a.usual > 0 {
		most = min(most, 2*float64(a.inFlight)/a.usual.Seconds())
	}
	a.rate = max(min(perSecond, most), autoLeast)
	a.pace.SetLimit(rate.Limit(a.rate))
}
