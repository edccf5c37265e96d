// Package rate shows that IPAAS_RATE=auto finds rates that it is not told: workers
// call a system that refuses beyond its limit, for an hour of a synctest bubble's
// time, which passes at once.
package rate

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"contactsync/shared/outbound"
)

var rows = flag.String("rows", "", "file to append what was measured to, one JSON object a line")

// A limit is how the system counts and refuses.
type limit interface {
	// take accepts a call, or says when to come back (no hint if zero).
	take(now time.Time) (accepted bool, retryAfter time.Duration)
	// allowed is how many calls it allows a second, at a time since the beginning.
	allowed(at time.Duration) float64
}

// window allows so many calls in each window, which begins with its first call.
type window struct {
	calls  int
	length time.Duration
	silent bool // no Retry-After

	begin time.Time
	used  int
}

func (w *window) take(now time.Time) (bool, time.Duration) {
	if now.Sub(w.begin) >= w.length {
		w.begin, w.used = now, 0
	}
	if w.used++; w.used <= w.calls {
		return true, 0
	}
	if w.silent {
		return false, 0
	}
	return false, w.begin.Add(w.length).Sub(now)
}

func (w *window) allowed(time.Duration) float64 { return float64(w.calls) / w.length.Seconds() }

// bucket fills with tokens at a rate that changes with time, up to its size.
type bucket struct {
	rate func(at time.Duration) float64
	size float64

	begin, last time.Time
	tokens      float64
}

func (b *bucket) take(now time.Time) (bool, time.Duration) {
	if b.begin.IsZero() {
		b.begin, b.last, b.tokens = now, now, b.size
	}
	perSecond := b.rate(now.Sub(b.begin))
	b.tokens = min(b.size, b.tokens+perSecond*now.Sub(b.last).Seconds())
	b.last = now
	if b.tokens >= 1 {
		b.tokens--
		return true, 0
	}
	return false, time.Duration((1 - b.tokens) / perSecond * float64(time.Second))
}

func (b *bucket) allowed(at time.Duration) float64 { return b.rate(at) }

func steady(perSecond float64) func(time.Duration) float64 {
	return func(time.Duration) float64 { return perSecond }
}

// system is iPaaS.com as far as its limit goes.
type system struct {
	limit   limit
	latency time.Duration

	mu       sync.Mutex
	begin    time.Time
	accepted []int // by seconds
	refused  int
	calls    int
}

func (s *system) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case <-time.After(s.latency):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.calls++
	answer := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}")), Request: r}
	ok, wait := s.limit.take(now)
	if !ok {
		s.refused++
		answer.StatusCode = http.StatusTooManyRequests
		if wait > 0 {
			answer.Header.Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
		}
		return answer, nil
	}
	second := int(now.Sub(s.begin) / time.Second)
	for len(s.accepted) <= second {
		s.accepted = append(s.accepted, 0)
	}
	s.accepted[second]++
	return answer, nil
}

// scenes are limits that nobody told.
var scenes = []struct {
	name, file string
	workers    int
	latency    time.Duration
	limit      func() limit
}{
	{"500 in 60 s, fixed window", "window-500", 5, 150 * time.Millisecond, func() limit { return &window{calls: 500, length: time.Minute} }},
	{"100 in 10 s, fixed window", "window-100", 5, 150 * time.Millisecond, func() limit { return &window{calls: 100, length: 10 * time.Second} }},
	{"500 in 60 s, fixed window, no Retry-After", "window-silent", 5, 150 * time.Millisecond, func() limit { return &window{calls: 500, length: time.Minute, silent: true} }},
	{"3,000 in 60 s, fixed window, 20 workers", "window-3000", 20, 100 * time.Millisecond, func() limit { return &window{calls: 3000, length: time.Minute} }},
	{"2 a second, token bucket of 10", "bucket-2", 5, 150 * time.Millisecond, func() limit { return &bucket{rate: steady(2), size: 10} }},
	{"10 a second, token bucket of 100", "bucket-10", 5, 150 * time.Millisecond, func() limit { return &bucket{rate: steady(10), size: 100} }},
	{"100 a second, token bucket of 50, 20 workers", "bucket-100", 20, 50 * time.Millisecond, func() limit { return &bucket{rate: steady(100), size: 50} }},
	{"10 a second, then 4, then 16, token bucket of 20", "changing", 5, 150 * time.Millisecond, func() limit {
		return &bucket{size: 20, rate: func(at time.Duration) float64 {
			switch {
			case at < 20*time.Minute:
				return 10
			case at < 40*time.Minute:
				return 4
			}
			return 16
		}}
	}},
}

// The targets: at least nine tenths of what is allowed is used, and less than one
// call in a hundred is refused, the search at the beginning included.
func TestTheRateIsFound(t *testing.T) {
	for _, scene := range scenes {
		t.Run(scene.file, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &system{limit: scene.limit(), latency: scene.latency, begin: time.Now()}
				work(t, s, scene.workers, time.Hour)
				row := s.row(scene.name, scene.file)
				t.Logf("%d calls, %.1f %% used once found, %.1f %% from the first call on, %.2f %% refused", row.Calls, 100*row.Used, 100*row.Whole, 100*row.Refused)
				if row.Whole < 0.9 {
					t.Errorf("%.1f %% of what is allowed was used, want 90 %%", 100*row.Whole)
				}
				if row.Refused >= 0.01 {
					t.Errorf("%.2f %% of the calls were refused, want less than 1 %%", 100*row.Refused)
				}
				keep(t, row)
			})
		})
	}
}

// work lets workers call one after the other until the time is over.
func work(t *testing.T, s *system, workers int, length time.Duration) {
	c := outbound.New(outbound.Config{HTTP: &http.Client{Transport: s}, InFlight: workers, Limiter: outbound.NewAuto(workers)})
	var group sync.WaitGroup
	end := time.Now().Add(length)
	for range workers {
		group.Go(func() {
			for time.Now().Before(end) {
				// What is refused until its attempts are used up is left, as a run leaves a contact for later.
				if _, err := c.Do(t.Context(), outbound.Call{Method: http.MethodGet, URL: "https://ipaas.invalid/"}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
}

// A row is what a scene brought; the bench reads it.
type row struct {
	Name    string       `json:"name"`
	File    string       `json:"file"`
	Calls   int          `json:"calls"`
	Used    float64      `json:"used"`
	Whole   float64      `json:"whole"`
	Refused float64      `json:"refused"`
	Allowed [][2]float64 `json:"allowed"`
	Made    [][2]float64 `json:"made"`
}

// row sums up. Every ten seconds are one point of the chart.
func (s *system) row(name, file string) row {
	const point = 10
	r := row{Name: name, File: file, Calls: s.calls, Refused: float64(s.refused) / float64(s.calls)}
	var allowed, used, foundAllowed, foundUsed float64
	for second, n := range s.accepted[:min(len(s.accepted), 3600)] {
		may := s.limit.allowed(time.Duration(second) * time.Second)
		allowed, used = allowed+may, used+float64(n)
		if second >= 120 {
			foundAllowed, foundUsed = foundAllowed+may, foundUsed+float64(n)
		}
		if second%point == 0 {
			r.Allowed = append(r.Allowed, [2]float64{float64(second), may})
			r.Made = append(r.Made, [2]float64{float64(second), 0})
		}
		r.Made[len(r.Made)-1][1] += float64(n) / point
	}
	r.Whole, r.Used = used/allowed, foundUsed/foundAllowed
	return r
}

func keep(t *testing.T, r row) {
	if *rows == "" {
		return
	}
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(*rows, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := fmt.Fprintf(f, "%s\n", data); err != nil {
		t.Fatal(err)
	}
}
