package calls

import (
	"context"
	"net/http"
	"strings"
)

// Client returns a client whose calls go through the process.
func (p *Process) Client(side string, to *http.Client) *http.Client {
	next := to.Transport
	if next == nil {
		next = http.DefaultTransport
	}
	return &http.Client{Transport: transport{p, side, next}}
}

type transport struct {
	process *Process
	side    string
	next    http.RoundTripper
}

func (t transport) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	path := r.URL.Path
	if at := strings.LastIndex(path, "/Company("); at >= 0 {
		path = path[at:]
	}
	if strings.Contains(r.URL.RawQuery, "skiptoken") {
		path += " next"
	}
	err = t.process.Do(t.side, r.Method+" "+path, func() error {
		resp, err = t.next.RoundTrip(r)
		return err
	})
	if err != nil && resp != nil {
		_ = resp.Body.Close()
		resp = nil
	}
	return resp, err
}

// Fetcher reads the secret through the process.
type Fetcher struct {
	Process  *Process
	Document func() ([]byte, error)
}

// Fetch reads it.
func (f Fetcher) Fetch(context.Context) (document []byte, err error) {
	err = f.Process.Do("secret", "GetSecretValue", func() error {
		document, err = f.Document()
		return err
	})
	return document, err
}
