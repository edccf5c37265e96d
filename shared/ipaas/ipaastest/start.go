package ipaastest

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// Start serves a simulator on a socket of this machine until the test ends. An
// unexpected request fails the test with the request in the message. More than one
// Config is a mistake; none is the zero value.
func Start(t testing.TB, configs ...Config) *Simulator {
	t.Helper()
	s := New(forTest(t, configs))
	server := httptest.NewServer(s)
	t.Cleanup(func() {
		s.faults.openGates()
		server.Close() // waits for the calls that are in flight
	})
	s.baseURL = server.URL
	s.httpClient = server.Client()
	s.httpClient.CheckRedirect = noRedirect
	if transport, ok := s.httpClient.Transport.(*http.Transport); ok {
		transport.MaxIdleConnsPerHost = 64 // load runs reuse their connections
	}
	return s
}

// InMemory returns a simulator without a socket that reports unexpected requests
// as [Start] does. It suits testing/synctest.
func InMemory(t testing.TB, configs ...Config) *Simulator {
	t.Helper()
	s := New(forTest(t, configs))
	t.Cleanup(s.faults.openGates)
	return s
}

func forTest(t testing.TB, configs []Config) Config {
	t.Helper()
	var cfg Config
	switch len(configs) {
	case 0:
	case 1:
		cfg = configs[0]
	default:
		t.Fatal("ipaastest: more than one Config")
	}
	if cfg.Unexpected == nil {
		cfg.Unexpected = func(r Request, why string) {
			t.Errorf("the iPaaS.com simulator knows nothing about this request: %s\n%s %s?%s\n%s", why, r.Method, r.Path, r.Query.Encode(), r.Body)
		}
	}
	return cfg
}
