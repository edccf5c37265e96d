package outbound

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// errTurn is a limiter's answer when the turn comes after the context's deadline.
var errTurn = errors.New("the turn of this call comes after its deadline")

// NewRate returns a Limiter that never lets more than calls start within any
// window of the given length. Calls are spread over the window, except that a
// tenth of them may start at once after a pause. calls and per are at least 1.
func NewRate(calls int, per time.Duration) Limiter {
	calls, per = max(calls, 1), max(per, 1)
	return &window{
		// A call reaches the system a little after its turn, some later than
		// others: one hundredth more keeps its count of any window right.
		per:   per + per/100,
		calls: calls,
		pace:  rate.NewLimiter(rate.Limit(float64(calls)/per.Seconds()), max(1, calls/10)),
	}
}

// A window remembers when the last calls started, which is what keeps the
// promise; pace only spreads them, so that nobody waits for most of a window.
type window struct {
	per   time.Duration
	calls int
	pace  *rate.Limiter

	mu     sync.Mutex
	starts []time.Time // the last turns, a ring once there are as many as calls: few processes make so many
	oldest int
}

// Wait waits for the caller's turn.
func (w *window) Wait(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	turn, err := w.reserve(ctx)
	if err != nil {
		return err
	}
	return sleep(ctx, time.Until(turn))
}

func (w *window) reserve(ctx context.Context) (time.Time, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	paced := w.pace.ReserveN(now, 1)
	turn := now.Add(paced.DelayFrom(now))
	full := len(w.starts) == w.calls
	if full {
		if free := w.starts[w.oldest].Add(w.per); free.After(turn) {
			turn = free
		}
	}
	if deadline, ok := ctx.Deadline(); ok && turn.After(deadline) {
		paced.CancelAt(now)
		return time.Time{}, errTurn
	}
	if !full {
		w.starts = append(w.starts, turn)
		return turn, nil
	}
	w.starts[w.oldest] = turn
	w.oldest = (w.oldest + 1) % w.calls
	return turn, nil
}

// Slower changes nothing: the rate is what the operator says it is.
func (w *window) Slower() {}

// Done changes nothing.
func (w *window) Done(time.Duration) {}

// ParseRate reads calls per window as in "500/60s". Both are greater than zero.
func ParseRate(s string) (calls int, per time.Duration, err error) {
	count, window, found := strings.Cut(strings.TrimSpace(s), "/")
	if found {
		calls, err = strconv.Atoi(strings.TrimSpace(count))
	}
	if found && err == nil {
		per, err = time.ParseDuration(strings.TrimSpace(window))
	}
	if !found || err != nil || calls <= 0 || calls > 1_000_000 || per <= 0 {
		return 0, 0, fmt.Errorf("%q is no rate: want calls per window, such as 500/60s", s)
	}
	return calls, per, nil
}

// ParseLimiter reads what IPAAS_RATE allows (design.md 1.2): "auto", for a
// limiter that finds the rate by itself with inFlight calls at once, or a rate
// as ParseRate reads it.
func ParseLimiter(s string, inFlight int) (Limiter, error) {
	if strings.EqualFold(strings.TrimSpace(s), "auto") {
		return NewAuto(inFlight), nil
	}
	calls, per, err := ParseRate(s)
	if err != nil {
		return nil, fmt.Errorf("%w, or auto", err)
	}
	return NewRate(calls, per), nil
}
