package outbound_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"contactsync/shared/outbound"
)

func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func zipped(text string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return b.Bytes()
}

func TestBodiesAreBoundedAsTheyAreRead(t *testing.T) {
	large := strings.Repeat("x", 5000)
	tests := []struct {
		name    string
		status  int
		body    []byte
		gzip    bool
		want    int // bytes
		failure error
	}{
		{"within the bound", 200, []byte("abc"), false, 3, nil},
		{"exactly the bound", 200, []byte(large[:1000]), false, 1000, nil},
		{"larger", 200, []byte(large), false, 0, outbound.ErrTooLarge},
		{"an error page is cut", 404, []byte(large), false, 1000, nil},
		{"compressed", 200, zipped("abc"), true, 3, nil},
		{"compressed and larger once it is not", 200, zipped(large), true, 0, outbound.ErrTooLarge},
		{"said to be compressed and is not", 200, []byte("abc"), true, 0, outbound.ErrNoAnswer},
		{"an error page said to be compressed", 404, []byte("abc"), true, 0, nil},
	}
	for _, asked := range []bool{false, true} { // net/http decompresses only what it asked for itself
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
					if tt.gzip {
						w.Header().Set("Content-Encoding", "gzip")
					}
					w.WriteHeader(tt.status)
					_, _ = w.Write(tt.body)
				})
				call := outbound.Call{Method: "GET", URL: address}
				if asked {
					call.Header = http.Header{"Accept-Encoding": {"gzip"}}
				}
				a, err := outbound.New(outbound.Config{MaxBody: 1000, Attempts: 1}).Do(t.Context(), call)
				if !errors.Is(err, tt.failure) {
					t.Fatalf("got error %v, want %v", err, tt.failure)
				}
				if tt.failure == nil && (a.Status != tt.status || len(a.Body) != tt.want) {
					t.Errorf("got %d with %d bytes, want %d with %d", a.Status, len(a.Body), tt.status, tt.want)
				}
			})
		}
	}
}

func TestASuccessThatBreaksOffIsNoAnswer(t *testing.T) {
	address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, `{"id":`)
	})
	_, err := outbound.New(outbound.Config{}).Do(t.Context(), outbound.Call{Method: "POST", URL: address, Once: true, Body: []byte("{}")})
	if !errors.Is(err, outbound.ErrNoAnswer) || !errors.Is(err, outbound.ErrMayHaveArrived) {
		t.Errorf("got %v, want ErrNoAnswer and ErrMayHaveArrived", err)
	}
}

func TestRedirectsAreAnswers(t *testing.T) {
	for _, location := range []string{"/elsewhere", "", ":%zz"} {
		address := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/" {
				t.Errorf("%s was followed", location)
			}
			w.Header().Set("Location", location)
			w.WriteHeader(http.StatusTemporaryRedirect)
		})
		a, err := outbound.New(outbound.Config{}).Do(t.Context(), outbound.Call{Method: "POST", URL: address, Body: []byte("{}")})
		if err != nil || a.Status != http.StatusTemporaryRedirect || a.Header.Get("Location") != location {
			t.Errorf("got %v, error %v", a, err)
		}
	}
}

func TestEveryAttemptSendsTheSameRequest(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, strings.Join([]string{r.Method, string(body), r.Header.Get("Accept"), r.Header.Get("Content-Type"), r.Header.Get("User-Agent"), r.Header.Get("X-Own")}, " "))
		if len(seen) < 3 {
			w.WriteHeader(http.StatusBadGateway)
		}
	})
	a, err := outbound.New(outbound.Config{BackOff: time.Millisecond}).Do(t.Context(),
		outbound.Call{Method: "PUT", URL: address, Body: []byte(`{"a":1}`), Header: http.Header{"x-own": {"yes"}}})
	if err != nil || a.Status != 200 || len(seen) != 3 {
		t.Fatalf("got %v, error %v, %d attempts", a, err, len(seen))
	}
	for _, got := range seen {
		if want := `PUT {"a":1} application/json application/json contactsync yes`; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestConnectionsAreReused(t *testing.T) {
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/stream" {
			_, _ = io.WriteString(w, `{"value":[]}`+"\n")
			return
		}
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, "gone")
	})
	connections := map[string]bool{}
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		connections[info.Conn.LocalAddr().String()] = true
	}})
	c := outbound.New(outbound.Config{})
	for range 5 {
		if _, err := c.Do(ctx, outbound.Call{Method: "GET", URL: address}); err != nil {
			t.Fatal(err)
		}
		a, err := c.Do(ctx, outbound.Call{Method: "GET", URL: address + "/stream", Stream: true})
		if err != nil {
			t.Fatal(err)
		}
		// As a JSON decoder leaves it: the value is read, the end is not.
		if _, err := io.ReadFull(a.Stream, make([]byte, 12)); err != nil {
			t.Fatal(err)
		}
		if err := a.Stream.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(connections) != 1 {
		t.Errorf("ten calls took %d connections, want 1", len(connections))
	}
}

func TestTheJudgeOfAnswersMayAskForAnotherAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &system{answers: []answer{{status: 400, body: "Please try again later."}, {status: 400, body: "no"}}}
		c := client(s, func(cfg *outbound.Config) {
			cfg.RetryAnswer = func(status int, body []byte) bool {
				return status == 400 && bytes.Contains(body, []byte("try again later"))
			}
		})
		a, err := c.Do(t.Context(), once())
		if err != nil || string(a.Body) != "no" || s.calls() != 2 {
			t.Errorf("got %v, error %v after %d calls", a, err, s.calls())
		}
	})
}

func TestOnCallHearsOfEveryAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var statuses []int
		s := &system{answers: []answer{{err: io.EOF}, {status: 503, took: time.Second}, {status: 200, took: time.Second}}}
		c := client(s, func(cfg *outbound.Config) {
			cfg.OnCall = func(call outbound.Call, status int, took time.Duration) {
				statuses = append(statuses, status)
				if status != 0 && took != time.Second || call.URL != address {
					t.Errorf("heard of %s %d after %v", call.URL, status, took)
				}
			}
		})
		if _, err := c.Do(t.Context(), get()); err != nil {
			t.Fatal(err)
		}
		if len(statuses) != 3 || statuses[0] != 0 || statuses[1] != 503 || statuses[2] != 200 {
			t.Errorf("heard of %v, want 0, 503, 200", statuses)
		}
	})
}

// slow is a body that gives one byte after each wait.
type slow struct {
	ctx  context.Context
	wait time.Duration
	left int
}

func (s *slow) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	select {
	case <-s.ctx.Done():
		return 0, s.ctx.Err()
	case <-time.After(s.wait):
	}
	s.left--
	p[0] = 'x'
	return 1, nil
}

func (s *slow) Close() error { return nil }

func streaming(wait time.Duration, size int) *outbound.Client {
	return outbound.New(outbound.Config{InFlight: 1, HTTP: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: &slow{r.Context(), wait, size}, Request: r}, nil
	})}})
}

func stream() outbound.Call { return outbound.Call{Method: "GET", URL: address, Stream: true} }

func TestAStreamMayTakeLongerThanOneAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, err := streaming(10*time.Second, 20).Do(t.Context(), stream())
		if err != nil {
			t.Fatal(err)
		}
		first := make([]byte, 1)
		_, _ = a.Stream.Read(first)
		time.Sleep(time.Hour) // its consumer takes its time
		rest, err := io.ReadAll(a.Stream)
		if len(rest) != 19 || err != nil {
			t.Errorf("got %d bytes, error %v", len(rest), err)
		}
	})
}

func TestAStreamThatStallsEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, err := streaming(time.Hour, 2).Do(t.Context(), stream())
		if err != nil {
			t.Fatal(err)
		}
		started := time.Now()
		_, err = io.ReadAll(a.Stream)
		if !errors.Is(err, outbound.ErrNoAnswer) || time.Since(started) != 30*time.Second {
			t.Errorf("got %v after %v", err, time.Since(started))
		}
	})
}

func TestAStreamEndsTheMarginBeforeTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		started := time.Now()
		a, err := streaming(time.Second, 1000).Do(ctx, stream())
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.ReadAll(a.Stream)
		if !errors.Is(err, outbound.ErrDeadline) || !errors.Is(err, context.DeadlineExceeded) || time.Since(started) != 19*time.Second {
			t.Errorf("got %v after %v", err, time.Since(started))
		}
	})
}

func TestAnOpenStreamIsACallInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := streaming(time.Millisecond, 10)
		first, err := c.Do(t.Context(), stream())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if _, err := c.Do(ctx, stream()); !errors.Is(err, outbound.ErrDeadline) {
			t.Errorf("while it is open: got %v, want ErrDeadline", err)
		}
		_ = first.Stream.Close()
		_ = first.Stream.Close() // twice does no harm
		second, err := c.Do(t.Context(), stream())
		if err != nil {
			t.Fatal(err)
		}
		_ = second.Stream.Close()
		if _, err := first.Stream.Read(make([]byte, 1)); err == nil || err == io.EOF {
			t.Errorf("reading a closed stream: got error %v", err)
		}
	})
}

func TestAnErrorAnswerIsReadAlthoughAStreamWasAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, err := client(&system{answers: []answer{{status: 404, body: "no"}}}).Do(t.Context(), stream())
		if err != nil || a.Stream != nil || string(a.Body) != "no" {
			t.Errorf("got %v, error %v", a, err)
		}
	})
}
