package ipaas_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"contactsync/shared/ipaas"
	"contactsync/shared/outbound"
	"contactsync/shared/transfer"
)

// api is a server that gives the prepared answers in order, the last one again
// and again, and keeps what arrived.
type api struct {
	*httptest.Server
	mu       sync.Mutex
	answers  []answer
	requests []arrived
}

type answer struct {
	status int
	body   string
	header http.Header
}

type arrived struct {
	method, path, query, body string
	header                    http.Header
}

func start(t *testing.T, answers ...answer) *api {
	t.Helper()
	a := &api{answers: answers}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		a.mu.Lock()
		next := a.answers[min(len(a.requests), len(a.answers)-1)]
		a.requests = append(a.requests, arrived{r.Method, r.URL.EscapedPath(), r.URL.RawQuery, string(body), r.Header})
		a.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		for name, values := range next.header {
			w.Header()[name] = values
		}
		w.WriteHeader(next.status)
		_, _ = io.WriteString(w, next.body)
	}))
	t.Cleanup(a.Close)
	return a
}

// arrivals returns what arrived so far.
func (a *api) arrivals() []arrived {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]arrived(nil), a.requests...)
}

func (a *api) last(t *testing.T) arrived {
	t.Helper()
	all := a.arrivals()
	if len(all) == 0 {
		t.Fatal("nothing arrived")
	}
	return all[len(all)-1]
}

// secret is a secret whose account changes once it was rejected.
type secret struct {
	mu       sync.Mutex
	accounts []ipaas.Account
	rejected int
	err      error
}

func (s *secret) IPaaS(context.Context) (ipaas.Account, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accounts[0], s.err
}

func (s *secret) Rejected(_ context.Context, old ipaas.Account) (ipaas.Account, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rejected++
	if len(s.accounts) > 1 && s.accounts[0] == old {
		s.accounts = s.accounts[1:]
	}
	return s.accounts[0], s.err
}

func connect(t *testing.T, a *api, change ...func(*ipaas.Config)) *ipaas.Client {
	t.Helper()
	cfg := ipaas.Config{
		BaseURL: a.URL, SystemID: "77", Credentials: &secret{accounts: []ipaas.Account{{APIKey: "key-1"}}},
		Outbound: outbound.New(outbound.Config{BackOff: time.Millisecond, Attempts: 2}),
	}
	for _, c := range change {
		c(&cfg)
	}
	client, err := ipaas.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func with(accounts ...ipaas.Account) (*secret, func(*ipaas.Config)) {
	s := &secret{accounts: accounts}
	return s, func(cfg *ipaas.Config) { cfg.Credentials = s }
}

func TestNewNamesEverythingThatIsWrong(t *testing.T) {
	_, err := ipaas.New(ipaas.Config{BaseURL: "api.ipaas.com", SystemID: "a/b"})
	if err == nil {
		t.Fatal("got no error")
	}
	for _, want := range []string{"BaseURL", "SystemID", "Credentials"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not name %s", err, want)
		}
	}
}

func TestTheKeyIsSentAsBearerTokenAndTheClientIDOnlyWhereItIsSet(t *testing.T) {
	for _, id := range []string{"", "company-1"} {
		a := start(t, answer{status: 404})
		_, use := with(ipaas.Account{APIKey: "key-1", ClientID: id})
		if _, err := connect(t, a, use).CustomerByExternalID(t.Context(), "1"); err != nil {
			t.Fatal(err)
		}
		got := a.last(t).header
		if got.Get("Authorization") != "Bearer key-1" || got.Get("X-Client-Id") != id {
			t.Errorf("client id %q: got Authorization %q and X-Client-Id %q", id, got.Get("Authorization"), got.Get("X-Client-Id"))
		}
	}
}

func TestARejectedKeyIsReadAgainOnce(t *testing.T) {
	unauthorized := answer{status: 401, body: `{"code":"AUTH-1001","message":"Bearer token is missing or invalid."}`}
	tests := []struct {
		name     string
		accounts []ipaas.Account
		answers  []answer
		calls    int
		fault    *transfer.Fault // nil: it works
	}{
		{"the new key is accepted", []ipaas.Account{{APIKey: "old"}, {APIKey: "new"}}, []answer{unauthorized, {status: 200, body: `"912"`}}, 2, nil},
		{"the new key is rejected too", []ipaas.Account{{APIKey: "old"}, {APIKey: "new"}}, []answer{unauthorized}, 2, transfer.DestinationUnauthorized},
		{"the secret holds the same key", []ipaas.Account{{APIKey: "old"}}, []answer{unauthorized}, 1, transfer.DestinationUnauthorized},
		{"the code says so under another status", []ipaas.Account{{APIKey: "old"}, {APIKey: "new"}},
			[]answer{{status: 400, body: `{"title":"AUTH-1002: Access Token is invalid or null."}`}, {status: 200, body: `"912"`}}, 2, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := start(t, tt.answers...)
			s, use := with(tt.accounts...)
			id, err := connect(t, a, use).CustomerByExternalID(t.Context(), "44552|contact")
			if transfer.FaultOf(err) != tt.fault {
				t.Fatalf("got error %v, want %v", err, tt.fault)
			}
			if err == nil && id != "912" {
				t.Errorf("got customer %q, want 912", id)
			}
			if got := len(a.arrivals()); got != tt.calls || s.rejected != 1 {
				t.Errorf("got %d calls and %d readings of the secret, want %d and 1", got, s.rejected, tt.calls)
			}
			if err != nil && !transfer.StopsRun(err) {
				t.Error("a rejected key does not stop the run")
			}
		})
	}
}

func TestASecretThatCannotBeReadOrSentStopsTheRunWithoutACall(t *testing.T) {
	for name, s := range map[string]*secret{
		"unreadable":       {accounts: []ipaas.Account{{}}, err: errors.New("secret not found")},
		"empty key":        {accounts: []ipaas.Account{{}}},
		"key with newline": {accounts: []ipaas.Account{{APIKey: "key\n1"}}},
	} {
		t.Run(name, func(t *testing.T) {
			a := start(t, answer{status: 404})
			client := connect(t, a, func(cfg *ipaas.Config) { cfg.Credentials = s })
			_, err := client.CustomerByExternalID(t.Context(), "1")
			if !errors.Is(err, transfer.DestinationUnauthorized) || !transfer.StopsRun(err) {
				t.Errorf("got error %v, want %s", err, transfer.DestinationUnauthorized.Code)
			}
			if len(a.arrivals()) != 0 {
				t.Error("a call was made")
			}
			if strings.Contains(err.Error(), "key\n1") {
				t.Error("the error shows the key")
			}
		})
	}
}

func TestPing(t *testing.T) {
	tests := []struct {
		name  string
		reply answer
		fault *transfer.Fault
	}{
		{"nothing carries the id: all is well", answer{status: 404}, nil},
		{"the key is rejected", answer{status: 401}, transfer.DestinationUnauthorized},
		{"a permission is missing", answer{status: 403, body: `{"code":"AUTZ-1002"}`}, transfer.DestinationUnauthorized},
		{"the system id is wrong", answer{status: 400, body: `{"code":"VALD-1017","message":"System Id: 77 is invalid."}`}, transfer.DestinationRejected},
		{"the base URL leads to a web page", answer{status: 404, body: "<html>", header: http.Header{"Content-Type": {"text/html"}}}, transfer.DestinationUnavailable},
		{"the base URL leads elsewhere", answer{status: 301, header: http.Header{"Location": {"https://www.example.com"}}}, transfer.DestinationUnavailable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := connect(t, start(t, tt.reply)).Ping(t.Context()); transfer.FaultOf(err) != tt.fault {
				t.Errorf("got %v, want %v", err, tt.fault)
			}
		})
	}
}

func TestTheEndOfTheContextIsReturnedAsItIs(t *testing.T) {
	a := start(t, answer{status: 404})
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := connect(t, a).CustomerByExternalID(cancelled, "1")
	if !errors.Is(err, context.Canceled) || transfer.FaultOf(err) != transfer.Internal {
		t.Errorf("cancelled: got %v, want context.Canceled and no fault", err)
	}
	near, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err = connect(t, a).CustomerByExternalID(near, "1")
	if !errors.Is(err, context.DeadlineExceeded) || transfer.FaultOf(err) != transfer.Internal {
		t.Errorf("deadline: got %v, want context.DeadlineExceeded and no fault", err)
	}
}

func TestThrottledBeyondTheDeadlineIsSaidSo(t *testing.T) {
	a := start(t, answer{status: 429, header: http.Header{"Retry-After": {"600"}}})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err := connect(t, a).CustomerByExternalID(ctx, "1")
	if !errors.Is(err, transfer.ErrThrottled) || !errors.Is(err, transfer.DestinationUnavailable) {
		t.Errorf("got %v, want ErrThrottled and %s", err, transfer.DestinationUnavailable.Code)
	}
}

func readCloser(s string) io.ReadCloser { return io.NopCloser(strings.NewReader(s)) }
