package outbound_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"contactsync/shared/outbound"
)

// How much of an unknown limit is used, and how little refused, is shown for many
// limits in benchmark/rate. These tests say how.

// perSecond returns how fast the limiter lets one caller go on at present, while
// every call is answered after took.
func perSecond(t *testing.T, l outbound.Limiter, took time.Duration) float64 {
	t.Helper()
	const calls = 20
	begin := time.Now()
	for range calls {
		if err := l.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		l.Done(took)
	}
	return calls / time.Since(begin).Seconds()
}

func TestAutoGrowsWhileAnswersStayFast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := outbound.NewAuto(5)
		first := perSecond(t, l, 50*time.Millisecond)
		for range 10 {
			perSecond(t, l, 50*time.Millisecond)
		}
		if later := perSecond(t, l, 50*time.Millisecond); later < 4*first {
			t.Errorf("%.1f calls a second after %.1f, want several times as many", later, first)
		}
	})
}

func TestAutoNeverSavesUpMoreThanItsCallersCanUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := outbound.NewAuto(5)
		for range 100 {
			perSecond(t, l, time.Second)
		}
		// Five callers make five calls a second when each takes one.
		if rate := perSecond(t, l, time.Second); rate > 11 {
			t.Errorf("%.1f calls a second may start, want at most twice what five callers can make", rate)
		}
	})
}

func TestAutoShrinksWhenAnswersBecomeSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := outbound.NewAuto(5)
		for range 20 {
			perSecond(t, l, 50*time.Millisecond)
		}
		before := perSecond(t, l, 50*time.Millisecond)
		l.Done(500 * time.Millisecond)
		if after := perSecond(t, l, 50*time.Millisecond); after > 0.95*before {
			t.Errorf("%.1f calls a second after an answer that took ten times as long, %.1f before: want a tenth less", after, before)
		}
	})
}

// refuser refuses every call from the hundredth on, once.
type refuser struct {
	calls, inFlight, most atomic.Int64

	mu      sync.Mutex
	refused time.Time
	started []time.Time // after the refusal went out
}

func (r *refuser) RoundTrip(req *http.Request) (*http.Response, error) {
	n := r.calls.Add(1)
	now := r.inFlight.Add(1)
	defer r.inFlight.Add(-1)
	for most := r.most.Load(); now > most && !r.most.CompareAndSwap(most, now); most = r.most.Load() {
	}
	r.mu.Lock()
	if !r.refused.IsZero() {
		r.started = append(r.started, time.Now())
	}
	r.mu.Unlock()
	time.Sleep(100 * time.Millisecond)
	answer := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}")), Request: req}
	if n == 100 {
		answer.StatusCode = http.StatusTooManyRequests
		answer.Header.Set("Retry-After", "7")
		r.mu.Lock()
		r.refused = time.Now()
		r.mu.Unlock()
	}
	return answer, nil
}

func TestOneRefusalHoldsAllWorkersOfAnAutomaticRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		system := &refuser{}
		c := outbound.New(outbound.Config{HTTP: &http.Client{Transport: system}, InFlight: 5, Limiter: outbound.NewAuto(5)})
		end := time.Now().Add(30 * time.Second)
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() {
				for time.Now().Before(end) {
					if _, err := c.Do(t.Context(), outbound.Call{Method: http.MethodGet, URL: "https://ipaas.invalid/"}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		if most := system.most.Load(); most != 5 {
			t.Errorf("%d calls in flight at most, want the 5 that are allowed", most)
		}
		if len(system.started) == 0 {
			t.Fatal("no call was made after the refusal")
		}
		if wait := system.started[0].Sub(system.refused); wait < 7*time.Second {
			t.Errorf("the next call started %s after the refusal, want the 7 s that were asked for", wait)
		}
	})
}
