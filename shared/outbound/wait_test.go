package outbound_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"contactsync/shared/outbound"
)

func TestRetryAfterIsObeyed(t *testing.T) {
	date := func(wait time.Duration) http.Header {
		// The system's clock is an hour ahead of ours: only the difference counts.
		there := time.Now().Add(time.Hour).UTC()
		return http.Header{"Retry-After": {there.Add(wait).Format(http.TimeFormat)}, "Date": {there.Format(http.TimeFormat)}}
	}
	tests := []struct {
		name        string
		status      int
		header      func() http.Header
		least, most time.Duration
	}{
		{"seconds", 429, func() http.Header { return after("7") }, 7 * time.Second, 7 * time.Second},
		{"with 503", 503, func() http.Header { return after("7") }, 7 * time.Second, 7 * time.Second},
		{"a date by the system's own clock", 429, func() http.Header { return date(7 * time.Second) }, 7 * time.Second, 7 * time.Second},
		{"a date without a clock", 429, func() http.Header {
			return after(time.Now().UTC().Add(7 * time.Second).Format(http.TimeFormat))
		}, 6 * time.Second, 7 * time.Second},
		{"more than patience is capped", 429, func() http.Header { return after("999999999999999999999") }, 15 * time.Minute, 15 * time.Minute},
		{"missing: the back-off", 429, func() http.Header { return nil }, 250 * time.Millisecond, 500 * time.Millisecond},
		{"nonsense: the back-off", 429, func() http.Header { return after("soon") }, 250 * time.Millisecond, 500 * time.Millisecond},
		{"zero: the back-off", 429, func() http.Header { return after("0") }, 250 * time.Millisecond, 500 * time.Millisecond},
		{"negative: the back-off", 429, func() http.Header { return after("-5") }, 250 * time.Millisecond, 500 * time.Millisecond},
		{"in the past: the back-off", 429, func() http.Header { return date(-time.Minute) }, 250 * time.Millisecond, 500 * time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &system{answers: []answer{{status: tt.status, header: tt.header()}, {status: 200}}}
				a, err := client(s).Do(t.Context(), get())
				if err != nil || a.Status != 200 {
					t.Fatalf("got %v, error %v", a, err)
				}
				if waited := s.times[1].Sub(s.times[0]); waited < tt.least || waited > tt.most {
					t.Errorf("waited %v, want %v to %v", waited, tt.least, tt.most)
				}
			})
		})
	}
}

func TestOne429HoldsEveryCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &system{answers: []answer{{status: 429, header: after("20")}, {status: 200}}}
		c := client(s)
		if !c.HeldUntil().IsZero() {
			t.Error("held before any call")
		}
		var group sync.WaitGroup
		group.Go(func() { _, _ = c.Do(t.Context(), get()) })
		synctest.Wait()
		if got := time.Until(c.HeldUntil()); got != 20*time.Second {
			t.Errorf("held for %v, want 20s", got)
		}
		time.Sleep(5 * time.Second)
		for range 3 {
			group.Go(func() {
				if _, err := c.Do(t.Context(), get()); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		for _, at := range s.times[1:] {
			if at.Sub(s.times[0]) < 20*time.Second {
				t.Errorf("a call was made %v after the 429", at.Sub(s.times[0]))
			}
		}
	})
}

func TestNobodySleepsIntoTheDeadline(t *testing.T) {
	tests := []struct {
		name   string
		first  answer
		change func(*outbound.Config)
		status int
		err    error
	}{
		{name: "a 429 asks for more than is left", first: answer{status: 429, header: after("10")}, err: outbound.ErrThrottled},
		{name: "a 503 asks for more than is left", first: answer{status: 503, header: after("10")}, err: outbound.ErrThrottled},
		{name: "a 429 whose back-off is longer than what is left", first: answer{status: 429}, err: outbound.ErrThrottled,
			change: func(cfg *outbound.Config) { cfg.BackOff, cfg.MaxBackOff = time.Minute, time.Minute }},
		{name: "a 500 whose back-off is longer than what is left is the answer", first: answer{status: 500}, status: 500,
			change: func(cfg *outbound.Config) { cfg.BackOff, cfg.MaxBackOff = time.Minute, time.Minute }},
		{name: "no answer, and the back-off is longer than what is left", first: answer{err: &netDialError}, err: outbound.ErrNoAnswer,
			change: func(cfg *outbound.Config) { cfg.BackOff, cfg.MaxBackOff = time.Minute, time.Minute }},
		{name: "the limiter's turn comes too late", first: answer{status: 500}, err: outbound.ErrThrottled,
			change: func(cfg *outbound.Config) { cfg.Limiter = outbound.NewRate(1, time.Minute) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &system{answers: []answer{tt.first, {status: 200}}}
				c := client(s, func(cfg *outbound.Config) {
					if tt.change != nil {
						tt.change(cfg)
					}
				})
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				started := time.Now()
				a, err := c.Do(ctx, get())
				if !errors.Is(err, tt.err) || tt.err == nil && a.Status != tt.status {
					t.Errorf("got %v, error %v; want %d, %v", a, err, tt.status, tt.err)
				}
				if took := time.Since(started); took > time.Second || s.calls() != 1 {
					t.Errorf("took %v and %d calls, want an answer at once after 1", took, s.calls())
				}
			})
		})
	}
}

func TestACallerWhoIsHeldBeyondItsDeadlineIsToldAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &system{answers: []answer{{status: 429, header: after("60")}, {status: 200}}}
		c := client(s)
		go func() { _, _ = c.Do(t.Context(), get()) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 61*time.Second-time.Millisecond)
		defer cancel()
		started := time.Now()
		_, err := c.Do(ctx, once())
		if !errors.Is(err, outbound.ErrThrottled) || errors.Is(err, outbound.ErrMayHaveArrived) || time.Since(started) != 0 {
			t.Errorf("got %v after %v", err, time.Since(started))
		}
		time.Sleep(time.Minute)
	})
}

func TestADeadlineNearerThanTheMarginMakesNoCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &system{answers: []answer{{status: 200}}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := client(s).Do(ctx, once())
		if !errors.Is(err, outbound.ErrDeadline) || !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, outbound.ErrMayHaveArrived) || s.calls() != 0 {
			t.Errorf("got %v with %d calls", err, s.calls())
		}
	})
}

func TestBackOffDoublesUpToItsMaximum(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &system{answers: []answer{{status: 500}}}
		c := client(s, func(cfg *outbound.Config) { cfg.Attempts, cfg.BackOff, cfg.MaxBackOff = 6, time.Second, 4*time.Second })
		a, err := c.Do(t.Context(), get())
		if err != nil || a.Status != 500 || s.calls() != 6 {
			t.Fatalf("got %v, error %v after %d calls; want the last 500 after 6", a, err, s.calls())
		}
		for i, most := range []time.Duration{1, 2, 4, 4, 4} {
			most *= time.Second
			if waited := s.times[i+1].Sub(s.times[i]); waited < most/2 || waited > most {
				t.Errorf("wait %d was %v, want %v to %v", i+1, waited, most/2, most)
			}
		}
	})
}

func TestNoMoreCallsInFlightThanAllowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &system{answers: []answer{{status: 200, took: time.Second}}}
		c := client(s, func(cfg *outbound.Config) { cfg.InFlight = 3 })
		var group sync.WaitGroup
		for range 10 {
			group.Go(func() { _, _ = c.Do(t.Context(), get()) })
		}
		group.Wait()
		if s.most != 3 || s.calls() != 10 || c.Calls() != 10 {
			t.Errorf("got %d in flight, %d calls, %d counted; want 3, 10, 10", s.most, s.calls(), c.Calls())
		}
	})
}

func TestARateIsNeverExceededInAnyWindow(t *testing.T) {
	for _, tt := range []struct {
		calls int
		per   time.Duration
	}{{20, time.Minute}, {1, time.Second}, {5, 100 * time.Millisecond}, {500, time.Minute}} {
		synctest.Test(t, func(t *testing.T) {
			s := &system{answers: []answer{{status: 200, took: 30 * time.Millisecond}}}
			c := client(s, func(cfg *outbound.Config) { cfg.Limiter = outbound.NewRate(tt.calls, tt.per) })
			started := time.Now()
			var group sync.WaitGroup
			for range 8 {
				group.Go(func() {
					for range tt.calls/2 + 1 {
						_, _ = c.Do(t.Context(), get())
					}
				})
			}
			group.Wait()
			for i := tt.calls; i < len(s.times); i++ {
				if window := s.times[i].Sub(s.times[i-tt.calls]); window < tt.per {
					t.Fatalf("%d/%v: calls %d to %d within %v", tt.calls, tt.per, i-tt.calls, i, window)
				}
			}
			// Nothing is given away either: the first window's worth is free.
			ideal := time.Duration(len(s.times)/tt.calls) * tt.per
			if took := time.Since(started); took > ideal+ideal/10+tt.per {
				t.Errorf("%d/%v: %d calls took %v, want about %v", tt.calls, tt.per, len(s.times), took, ideal)
			}
		})
	}
}

func TestAutoFindsTheRateByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// A system that allows 20 calls in each second, by its own windows.
		var mu sync.Mutex
		var refused, served int
		window := map[int64]int{}
		system := roundTrip(func(r *http.Request) (*http.Response, error) {
			time.Sleep(20 * time.Millisecond)
			mu.Lock()
			defer mu.Unlock()
			second := time.Now().Unix()
			if window[second]++; window[second] > 20 {
				refused++
				return &http.Response{StatusCode: 429, Header: after("1"), Body: http.NoBody, Request: r}, nil
			}
			served++
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
		})
		c := outbound.New(outbound.Config{HTTP: &http.Client{Transport: system}, Limiter: outbound.NewAuto(5)})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		var group sync.WaitGroup
		for range 5 {
			group.Go(func() {
				for ctx.Err() == nil {
					if _, err := c.Do(ctx, get()); err != nil {
						return
					}
				}
			})
		}
		group.Wait()
		mu.Lock()
		defer mu.Unlock()
		if perSecond := float64(served) / 300; perSecond < 8 || refused*10 > served {
			t.Errorf("served %.1f a second and refused %d of %d; want at least 8 of 20 a second and one in ten", perSecond, refused, served+refused)
		}
		t.Logf("served %d, refused %d in 300 s", served, refused)
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestParseLimiter(t *testing.T) {
	for _, good := range []string{"500/60s", " 1 / 1s ", "10/1m", "auto", "AUTO"} {
		if _, err := outbound.ParseLimiter(good, 5); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{"", "500", "500/", "/60s", "0/60s", "-1/60s", "5/0s", "5/-1s", "5/60", "5/s", "a/60s", "99999999/1s", "1/2/3s"} {
		if l, err := outbound.ParseLimiter(bad, 5); err == nil {
			t.Errorf("%q: got %v and no error", bad, l)
		}
	}
	if calls, per, err := outbound.ParseRate("500/60s"); calls != 500 || per != time.Minute || err != nil {
		t.Errorf("500/60s: got %d, %v, %v", calls, per, err)
	}
}
