package outbound

import (
	"context"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Bounds and steps of the limiter that finds the rate by itself.
const (
	autoFirst = 10.0   // calls a second to begin with
	autoLeast = 0.2    // calls a second when everything is refused
	autoMost  = 1000.0 // calls a second that no caller of ours needs

	autoDip      = 0.04             // how far below a limit it goes on after a refusal, as a part of it
	autoEvent    = time.Second      // refusals within it are one event: calls that were under way together
	autoFew      = 5                // accepted calls between two events that say nothing about the rate
	autoRisen    = 1.3              // so many times the limit that was known: it is another one now
	autoCalls    = 250              // accepted calls until the limit is tried again, at least
	autoSpacing  = 150              // times the calls that an event refused: keeps them well below one in a hundred
	autoWorth    = 20               // times what the event's wait cost
	autoAnew     = 90 * time.Second // after so long the limit is tried again in any case
	autoHistory  = 120 * time.Second
	autoPatience = 10 * time.Second // longest pause when nothing at all is accepted

	autoSlow     = 3  // times the usual time of an answer: the system is labouring
	autoSmoothed = 16 // answers over which the usual time is averaged
)

// NewAuto returns a Limiter that finds the rate by itself, for a system whose
// limit is unknown and that is called by at most inFlight callers at once.
//
// It doubles the rate each second until the first refusal. A refusal tells what
// the limit is: as many calls as were accepted since the one before, in the time
// from there to the end of the wait that the system asked for. From a little below
// it the rate rises on a cubic curve, flat near the limit and steep beyond it, so
// that a limit which stays is met seldom and one that rose is found soon. Answers
// that take three times as long as usual lower the rate by a tenth.
func NewAuto(inFlight int) Limiter {
	a := &auto{inFlight: max(inFlight, 1), now: time.Now, rate: autoFirst}
	a.pace = rate.NewLimiter(autoFirst, 1)
	return a
}

type auto struct {
	inFlight int
	now      func() time.Time
	pace     *rate.Limiter

	mu      sync.Mutex
	rate    float64   // calls a second
	limit   float64   // what was found; 0 before the first refusal
	since   time.Time // when the calls that count towards the next finding began
	got     int       // accepted since then
	curve   float64   // accepted calls until the curve reaches the limit again
	refused int       // calls that the present event refused
	event   time.Time // when it began; zero when it was dealt with
	futile  int       // events in a row that followed another one at once
	pause   time.Time // nothing is tried until then
	recent  history

	usual   time.Duration // time of an answer
	answers int
	slower  time.Time // when a slow answer last lowered the rate
}

// Wait waits for the caller's turn.
func (a *auto) Wait(ctx context.Context) error {
	if err := sleepUntil(ctx, a.now, a.begin()); err != nil {
		return err
	}
	if err := a.pace.Wait(ctx); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return errTurn
	}
	return nil
}

func sleepUntil(ctx context.Context, now func() time.Time, end time.Time) error {
	wait := end.Sub(now())
	if deadline, ok := ctx.Deadline(); ok && wait > 0 && end.After(deadline) {
		return errTurn
	}
	return sleep(ctx, wait)
}

// begin is asked before every call. The first one after an event comes when the
// wait that the system asked for is over: now the limit can be told.
func (a *auto) begin() (pause time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	if a.since.IsZero() {
		a.since = now
	}
	if !a.event.IsZero() {
		a.find(now)
	}
	return a.pause
}

// find draws the conclusion from an event.
func (a *auto) find(now time.Time) {
	took, waited := now.Sub(a.since).Seconds(), now.Sub(a.event).Seconds()
	if a.got >= autoFew && took > 0 {
		found := float64(a.got) / took
		if a.limit > 0 && a.rate > autoRisen*a.limit {
			found = max(found, a.rate/autoRisen) // the calls on the way up were fewer than there may be
		}
		a.limit, a.futile = min(a.rate, found), 0
	} else {
		// Refused again at once. Without a hint when to come back that may be a window
		// which is used up, and what was accepted lately is all that can be known.
		a.futile++
		a.limit = min(a.rate, a.recent.perSecond(now))
		if pause := min(time.Second<<min(a.futile, 10), autoPatience); a.futile > 1 && pause.Seconds() > waited {
			a.pause = now.Add(pause)
		}
	}
	a.limit = max(a.limit, autoLeast)
	spacing := float64(autoSpacing * a.refused)
	a.curve = max(autoCalls, spacing, min(autoWorth*waited*a.limit, autoAnew.Seconds()*a.limit))
	a.since, a.got, a.refused, a.event = now, 0, 0, time.Time{}
	a.set(a.onCurve())
}

// onCurve is the rate after the calls that were accepted since the last event.
func (a *auto) onCurve() float64 {
	x := float64(a.got)/a.curve - 1
	return a.limit * (1 + autoDip*x*x*x + autoDip*max(0, math.Expm1(2*(x-1))))
}

// Slower tells of a refusal.
func (a *auto) Slower() {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	a.got = max(a.got-1, 0) // Done has counted the answer
	a.recent.add(now, -1)
	if a.event.IsZero() {
		a.event = now
	}
	a.refused++
}

// Done raises the rate with each answer that came as fast as usual and lowers it
// when one took much longer.
func (a *auto) Done(took time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	a.got++
	a.recent.add(now, 1)
	usual := a.usual
	a.answers = min(a.answers+1, autoSmoothed)
	a.usual += (took - a.usual) / time.Duration(a.answers)
	switch {
	case a.answers == autoSmoothed && took > autoSlow*usual && took > 100*time.Millisecond:
		a.labours(now)
	case !a.event.IsZero():
	case a.limit == 0:
		a.set(a.rate + 1) // one more for each call: doubles in a second
	default:
		a.set(a.onCurve())
	}
}

// labours lowers the rate by a tenth, once for what many callers see at once, and
// takes what is left for the limit.
func (a *auto) labours(now time.Time) {
	if now.Sub(a.slower) < autoEvent {
		return
	}
	a.slower = now
	a.limit = max(0.9*a.rate, autoLeast)
	a.curve, a.since, a.got = autoCalls, now, 0
	a.set(a.limit)
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
	// What a late timer missed may be made up for, a twentieth of a second's worth.
	a.pace.SetBurst(max(1, min(a.inFlight, int(a.rate/20))))
}

// history counts accepted calls by seconds, for the last minutes.
type history struct {
	first   time.Time
	seconds [int64(autoHistory / time.Second)]struct {
		at int64
		n  int
	}
}

func (h *history) add(now time.Time, n int) {
	if h.first.IsZero() {
		h.first = now
	}
	s := &h.seconds[now.Unix()%int64(len(h.seconds))]
	if s.at != now.Unix() {
		s.at, s.n = now.Unix(), 0
	}
	s.n += n
}

// perSecond returns how many calls were accepted a second.
func (h *history) perSecond(now time.Time) float64 {
	sum := 0
	for _, s := range h.seconds {
		if now.Unix()-s.at < int64(len(h.seconds)) {
			sum += s.n
		}
	}
	length := min(now.Sub(h.first), autoHistory)
	return float64(sum) / max(length.Seconds(), 1)
}
