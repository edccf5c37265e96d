package outbound_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"contactsync/shared/outbound"
)

// system answers in memory, without a socket, so that synctest plays minutes of
// back-off in no time.
type system struct {
	mu      sync.Mutex
	answers []answer    // one for each call; the last one stays
	times   []time.Time // when each call arrived
	flight  int
	most    int // calls in flight at once
}

type answer struct {
	status int
	header http.Header
	body   string
	err    error
	took   time.Duration
}

func (s *system) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	a := s.answers[min(len(s.times), len(s.answers)-1)]
	s.times = append(s.times, time.Now())
	s.flight++
	s.most = max(s.most, s.flight)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.flight--
	}()
	select {
	case <-req.Context().Done():
		return nil, req.Context().Err()
	case <-time.After(a.took):
	}
	if a.err != nil {
		return nil, a.err
	}
	header := a.header
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: a.status, Header: header, Body: io.NopCloser(strings.NewReader(a.body)), Request: req}, nil
}

// calls returns how many calls arrived.
func (s *system) calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.times)
}

func client(s *system, change ...func(*outbound.Config)) *outbound.Client {
	cfg := outbound.Config{HTTP: &http.Client{Transport: s}}
	for _, c := range change {
		c(&cfg)
	}
	return outbound.New(cfg)
}

const address = "https://api.example.com/v2/Customers?EmailAddress=ada%40example.com"

func get() outbound.Call { return outbound.Call{Method: http.MethodGet, URL: address} }

func once() outbound.Call {
	return outbound.Call{Method: http.MethodPost, URL: address, Body: []byte(`{}`), Once: true}
}

func after(value string) http.Header { return http.Header{"Retry-After": {value}} }

func TestWhatIsRepeated(t *testing.T) {
	refused := &netDialError
	tests := []struct {
		name  string
		call  outbound.Call
		first answer
		calls int
	}{
		{"a success is not repeated", get(), answer{status: 200}, 1},
		{"a 404 is not repeated", get(), answer{status: 404}, 1},
		{"a 501 is not repeated", get(), answer{status: 501}, 1},
		{"a redirect is neither repeated nor followed", get(), answer{status: 302, header: http.Header{"Location": {"https://elsewhere.example.com"}}}, 1},
		{"a 408 is repeated", get(), answer{status: 408}, 2},
		{"a 429 is repeated", get(), answer{status: 429}, 2},
		{"a 500 is repeated", get(), answer{status: 500}, 2},
		{"a 502 is repeated", get(), answer{status: 502}, 2},
		{"a 503 is repeated", get(), answer{status: 503}, 2},
		{"a 504 is repeated", get(), answer{status: 504}, 2},
		{"a broken connection is repeated", get(), answer{err: io.ErrUnexpectedEOF}, 2},
		{"an attempt that takes too long is repeated", get(), answer{status: 200, took: time.Hour}, 2},
		{"a create is not repeated after 408", once(), answer{status: 408}, 1},
		{"a create is not repeated after 500", once(), answer{status: 500}, 1},
		{"a create is not repeated after 502", once(), answer{status: 502}, 1},
		{"a create is not repeated after 503 without Retry-After", once(), answer{status: 503}, 1},
		{"a create is not repeated after 504", once(), answer{status: 504}, 1},
		{"a create is not repeated after a broken connection", once(), answer{err: io.ErrUnexpectedEOF}, 1},
		{"a create is not repeated when it took too long", once(), answer{status: 200, took: time.Hour}, 1},
		{"a create is repeated after 429", once(), answer{status: 429}, 2},
		{"a create is repeated after 503 with Retry-After", once(), answer{status: 503, header: after("2")}, 2},
		{"a create is repeated when no connection came about", once(), answer{err: refused}, 2},
		{"a create is repeated when the host is unknown", once(), answer{err: &dnsError}, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &system{answers: []answer{tt.first, {status: 200}}}
				_, _ = client(s).Do(t.Context(), tt.call)
				if got := s.calls(); got != tt.calls {
					t.Errorf("got %d calls, want %d", got, tt.calls)
				}
			})
		})
	}
}

func TestOurOwnDeadlineCutsACallTheMarginEarlier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		started := time.Now()
		_, err := client(&system{answers: []answer{{status: 200, took: time.Hour}}}).Do(ctx, get())
		for _, want := range []error{outbound.ErrDeadline, context.DeadlineExceeded, outbound.ErrMayHaveArrived} {
			if !errors.Is(err, want) {
				t.Errorf("got error %v, want it to be %v", err, want)
			}
		}
		if took := time.Since(started); took != 4*time.Second {
			t.Errorf("ended after %v, want 4s: one second before the deadline", took)
		}
	})
}
