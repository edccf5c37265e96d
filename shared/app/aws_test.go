package app_test

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"contactsync/shared/app"
)

// AWS_ENDPOINT_URL and its service forms work as the SDK documents them, the
// service's form going before (design.md 1.2).
func TestEndpointsOfTheEnvironment(t *testing.T) {
	calls := map[string]int{}
	serve := func(name string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			calls[name]++
			w.WriteHeader(http.StatusBadRequest)
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	t.Setenv("AWS_ENDPOINT_URL", serve("all"))
	t.Setenv("AWS_ENDPOINT_URL_DYNAMODB", serve("table"))
	t.Setenv("AWS_REGION", "eu-central-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	a, err := app.New(t.Context(), settings)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Store.Paused(t.Context()); err == nil || calls["table"] == 0 || calls["all"] != 0 {
		t.Errorf("the table: error %v, calls %v", err, calls)
	}
	if checks, err := a.Preflight(t.Context()); err != nil || len(checks) == 0 || calls["all"] == 0 {
		t.Errorf("the secret: error %v, calls %v", err, calls)
	}
}

func TestWhatLambdaSetsAndIsMissingIsListedWithTheSettings(t *testing.T) {
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"} {
		t.Setenv(name, "")
	}
	_, err := app.New(t.Context(), settings[1:])
	for _, want := range []string{"TABLE_NAME", "AWS_REGION", "AWS_ACCESS_KEY_ID"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to name %s", err, want)
		}
	}
}

var settings = []string{"TABLE_NAME=transfers", "SECRET_ID=secret", "BC_COMPANY=CRONUS", "IPAAS_SYSTEM_ID=313"}

// The SDK itself sets no limit to an answer: one that never comes would take the
// invocation to its deadline.
func TestACallToAWSThatIsNeverAnsweredIsMadeAgain(t *testing.T) {
	t.Setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://table.example")
	t.Setenv("AWS_REGION", "eu-central-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		transport := inMemory(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			if calls.Add(1) == 1 {
				<-r.Context().Done()
				return
			}
			body := []byte(`{"Item":{"pk":{"S":"default#control"},"sk":{"S":"pause"},"paused":{"BOOL":true}}}`)
			w.Header().Set("Content-Type", "application/x-amz-json-1.0")
			w.Header().Set("X-Amz-Crc32", fmt.Sprint(crc32.ChecksumIEEE(body)))
			_, _ = w.Write(body)
		}))
		a, err := app.NewOver(t.Context(), settings, transport)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if paused, err := a.Store.Paused(ctx); err != nil || !paused || calls.Load() != 2 {
			t.Errorf("got paused %t, %v after %d calls; want the second call's answer", paused, err, calls.Load())
		}
	})
}

// inMemory serves a handler over pipes, so that a bubble's clock rules its time.
func inMemory(t *testing.T, handler http.Handler) func(*http.Transport) {
	t.Helper()
	pipes := make(pipeListener)
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	served := make(chan error, 1)
	go func() { served <- server.Serve(pipes) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return func(transport *http.Transport) {
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			select {
			case pipes <- theirs:
				return ours, nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
	}
}

// A pipeListener accepts the ends of pipes until it is closed.
type pipeListener chan net.Conn

func (l pipeListener) Accept() (net.Conn, error) {
	if conn, open := <-l; open {
		return conn, nil
	}
	return nil, net.ErrClosed
}

func (l pipeListener) Close() error { close(l); return nil }

func (pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "pipe"} }
