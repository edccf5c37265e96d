package outbound_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"contactsync/shared/outbound"
)

var (
	netDialError = net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	dnsError     = net.DNSError{Name: "api.example.com", Err: "no such host", IsNotFound: true}
)

func TestWhatMayHaveArrivedIsSaid(t *testing.T) {
	tests := []struct {
		name    string
		answers []answer
		call    outbound.Call
		is      error
		arrived bool
	}{
		{"a broken connection", []answer{{err: io.EOF}}, once(), outbound.ErrNoAnswer, true},
		{"an attempt that took too long", []answer{{status: 200, took: time.Hour}}, once(), outbound.ErrNoAnswer, true},
		{"a refused connection", []answer{{err: &netDialError}}, once(), outbound.ErrNoAnswer, false},
		{"an unknown host", []answer{{err: &url.Error{Op: "Post", URL: address, Err: &dnsError}}}, once(), outbound.ErrNoAnswer, false},
		{"a refused connection after a broken one", []answer{{err: io.EOF}, {err: &netDialError}}, get(), outbound.ErrNoAnswer, true},
		{"a refused connection after 502", []answer{{status: 502}, {err: &netDialError}}, get(), outbound.ErrNoAnswer, true},
		{"a success that is too large", []answer{{status: 200, body: strings.Repeat("x", 2000)}}, once(), outbound.ErrTooLarge, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := client(&system{answers: tt.answers}, func(cfg *outbound.Config) { cfg.MaxBody = 1000 })
				_, err := c.Do(t.Context(), tt.call)
				if !errors.Is(err, tt.is) || errors.Is(err, outbound.ErrMayHaveArrived) != tt.arrived {
					t.Errorf("got %v, want %v and may have arrived: %t", err, tt.is, tt.arrived)
				}
				if errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%v passes for the end of the context", err)
				}
			})
		})
	}
}

func TestErrorsNameTheCallButNotItsQuery(t *testing.T) {
	secretive := &url.Error{Op: "Get", URL: address, Err: errors.New("malformed HTTP response \"ada@example.com\"")}
	for name, cause := range map[string]error{
		"an error that quotes the URL": secretive,
		"a dial timeout":               &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded},
		"a reset connection":           &net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)},
		"an early end":                 io.ErrUnexpectedEOF,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, err := client(&system{answers: []answer{{err: cause}}}).Do(t.Context(), get())
				text := err.Error()
				if !strings.HasPrefix(text, "GET /v2/Customers: no answer") || strings.Contains(text, "ada") || strings.Contains(text, "?") {
					t.Errorf("got %q", text)
				}
			})
		})
	}
}

func TestCallsThatCannotBeMadeAreOneClearError(t *testing.T) {
	s := &system{answers: []answer{{status: 200}}}
	for name, call := range map[string]outbound.Call{
		"no address":                   {Method: "GET"},
		"an address that is none":      {Method: "GET", URL: "https://api.example.com/%zz?e=ada@example.com"},
		"another scheme":               {Method: "GET", URL: "ftp://api.example.com/x?e=ada@example.com"},
		"a method that is none":        {Method: "G T", URL: "https://api.example.com/x?e=ada@example.com"},
		"a header with a line break":   {Method: "GET", URL: "https://api.example.com/x", Header: http.Header{"Authorization": {"Bearer ada\r\nX: y"}}},
		"a header with a control sign": {Method: "GET", URL: "https://api.example.com/x", Header: http.Header{"X": {"ada\x00"}}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client(s).Do(t.Context(), call)
			if err == nil || errors.Is(err, outbound.ErrNoAnswer) || strings.Contains(err.Error(), "ada") {
				t.Errorf("got error %v", err)
			}
		})
	}
	if s.calls() != 0 {
		t.Errorf("%d calls were made", s.calls())
	}
}

func TestACancelledContextIsReturnedAsItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		s := &system{answers: []answer{{status: 200}}}
		if _, err := client(s).Do(ctx, get()); err != context.Canceled || s.calls() != 0 {
			t.Errorf("before the call: got %v with %d calls", err, s.calls())
		}
	})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err := client(&system{answers: []answer{{status: 200, took: time.Minute}}}).Do(ctx, once())
		if !errors.Is(err, context.Canceled) || !errors.Is(err, outbound.ErrMayHaveArrived) || errors.Is(err, outbound.ErrNoAnswer) {
			t.Errorf("during the call: got %v", err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Second, cancel)
		started := time.Now()
		_, err := client(&system{answers: []answer{{status: 429, header: after("60")}}}).Do(ctx, get())
		if !errors.Is(err, context.Canceled) || time.Since(started) != 10*time.Second {
			t.Errorf("between two attempts: got %v after %v", err, time.Since(started))
		}
	})
}
