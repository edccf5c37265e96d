package webhook_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"contactsync/shared/contact"
	"contactsync/shared/credentials"
	"contactsync/shared/customer"
	"contactsync/shared/status"
	"contactsync/shared/status/embedded"
	"contactsync/shared/transfer"
	"contactsync/shared/webhook"
	"contactsync/shared/wire"
)

const (
	ada     = "3f2504e0-4f89-11d3-9a0c-0305e82c3301" // internal id of contact 44552
	bert    = "3f2504e0-4f89-11d3-9a0c-0305e82c3302"
	company = "b18aed47-c385-49d2-b954-dbdf8ad71780"
)

var noon = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

// A site is the handler behind its real adapter, with the embedded store, real
// credentials and a syncer that knows a few contacts.
type site struct {
	t          testing.TB
	store      *faultyStore
	syncer     *syncer
	checks     []webhook.Check
	log        *strings.Builder
	now        time.Time
	secretDown bool
	secretRead int
	dispatched []transfer.Request
	lambda     func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error)
	handler    http.Handler
	stage      string
}

func open(t testing.TB) *site {
	t.Helper()
	s := &site{t: t, now: noon, stage: "$default", log: &strings.Builder{}}
	store, err := embedded.Open(embedded.Config{Connection: "default", Path: filepath.Join(t.TempDir(), "status.db"), NoSync: true, Now: s.clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	s.store = &faultyStore{Store: store}
	s.syncer = &syncer{site: s, ids: map[string]string{"44552": ada, "A/B": bert}}
	provider, err := credentials.NewProvider(credentials.Config{Fetcher: credentials.FetcherFunc(s.secret), Log: slog.New(slog.DiscardHandler), Again: time.Nanosecond, Unknown: time.Nanosecond})
	if err != nil {
		t.Fatal(err)
	}
	tokens := 0
	var mu sync.Mutex
	handler, err := webhook.New(webhook.Config{
		NewSyncer: func() (webhook.Syncer, error) { return s.syncer, nil },
		Store:     s.store,
		Callers:   provider,
		Preflight: s,
		BodyOf: func(c customer.Customer) (json.RawMessage, error) {
			return json.Marshal(map[string]any{"customer_number": c.Get("customer_number")})
		},
		Dispatch: func(requests []transfer.Request) {
			mu.Lock()
			defer mu.Unlock()
			s.dispatched = append(s.dispatched, requests...)
		},
		Now:       s.clock,
		CompanyID: company,
		NewToken: func() string {
			mu.Lock()
			defer mu.Unlock()
			tokens++
			return fmt.Sprintf("token-%d", tokens)
		},
		Log: slog.New(slog.NewJSONHandler(s.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.handler, s.lambda = handler, webhook.LambdaHandler(handler)
	return s
}

func (s *site) clock() time.Time { return s.now }

func (s *site) secret(context.Context) ([]byte, error) {
	s.secretRead++
	if s.secretDown {
		return nil, errors.New("secrets are down")
	}
	return []byte(`{"business_central":{"tenant_id":"t","client_id":"c","client_secret":"s"},"ipaas":{"api_key":"k"},
		"webhook":{"client_states":["state-now","state-before"],"api_keys":["key-now","key-before"]}}`), nil
}

func (s *site) Preflight(context.Context) ([]webhook.Check, error) {
	if s.checks == nil {
		return nil, errors.New("the checks are down")
	}
	return s.checks, nil
}

// faultyStore fails where a test says so.
type faultyStore struct {
	status.Store
	down     bool // everything
	readonly bool // storing requests
	stored   int  // calls of Request
	panics   bool
}

func (f *faultyStore) fault() error {
	if f.panics {
		panic("a defect that quotes Ada Byron")
	}
	if f.down {
		return status.ErrUnavailable
	}
	return nil
}

func (f *faultyStore) Request(ctx context.Context, r ...transfer.Request) error {
	f.stored++
	if f.down || f.readonly {
		return status.ErrUnavailable
	}
	return f.Store.Request(ctx, r...)
}

func (f *faultyStore) KeyOf(ctx context.Context, ref contact.Ref) (transfer.Key, bool, error) {
	if err := f.fault(); err != nil {
		return transfer.Key{}, false, err
	}
	return f.Store.KeyOf(ctx, ref)
}

func (f *faultyStore) Paused(ctx context.Context) (bool, error) {
	if err := f.fault(); err != nil {
		return false, err
	}
	return f.Store.Paused(ctx)
}

func (f *faultyStore) Transfers(ctx context.Context, q status.Query) (status.Page, error) {
	if err := f.fault(); err != nil {
		return status.Page{}, err
	}
	return f.Store.Transfers(ctx, q)
}

func (f *faultyStore) ErrorCounts(ctx context.Context) ([]status.ErrorCount, error) {
	if err := f.fault(); err != nil {
		return nil, err
	}
	return f.Store.ErrorCounts(ctx)
}

func (f *faultyStore) Runs(ctx context.Context, limit int) ([]status.Run, error) {
	if err := f.fault(); err != nil {
		return nil, err
	}
	return f.Store.Runs(ctx, limit)
}

// keep stores an outcome of a contact as a transfer would.
func (s *site) keep(state transfer.State) {
	s.t.Helper()
	ctx, key := s.t.Context(), state.Key()
	if _, err := s.store.Claim(ctx, key, transfer.Claim{Owner: "test", Until: s.now.Add(time.Minute)}, s.now, transfer.State{No: state.No, ContactID: state.ContactID}); err != nil {
		s.t.Fatal(err)
	}
	if state.Status != "" {
		state.Attempts = append([]transfer.Attempt{state.Attempt}, state.Attempts...)
		if err := s.store.Save(ctx, state, "test"); err != nil {
			s.t.Fatal(err)
		}
	}
	if state.No != "" && state.ContactID != "" {
		if _, err := s.store.Point(ctx, state.No, state.ContactID); err != nil {
			s.t.Fatal(err)
		}
	}
}

// failedState is a contact whose latest transfer failed.
func failedState(no, id, code string) transfer.State {
	return transfer.State{No: no, ContactID: id, CustomerID: "912", Attempt: transfer.Attempt{
		Status: transfer.Failed, Action: transfer.None, Trigger: transfer.ByPoll, RunID: "run-1", Number: 1,
		StartedAt: noon.Add(-2 * time.Hour), FinishedAt: noon.Add(-time.Hour), Problem: &transfer.Problem{Code: code},
	}}
}

// waiting returns what waits in the store.
func (s *site) waiting() []transfer.Request {
	s.t.Helper()
	requests, _, err := s.store.Requests(s.t.Context(), 10_000)
	if err != nil {
		s.t.Fatal(err)
	}
	return requests
}

// A call is one request as a caller sends it.
type call struct {
	method, path, query, body string
	header                    map[string]string
	base64                    bool
	nobody                    bool            // no key
	ctx                       context.Context // the test's if nil
}

// An answer is what came back through API Gateway.
type answer struct {
	t      testing.TB
	status int
	header map[string]string
	body   string
}

// event is a request as API Gateway sends it to the function, payload 2.0.
func (s *site) event(c call) events.APIGatewayV2HTTPRequest {
	s.t.Helper()
	headers := map[string]string{"host": "abc123.execute-api.eu-central-1.amazonaws.com", "x-forwarded-proto": "https", "accept": "*/*"}
	if !c.nobody {
		headers["authorization"] = "Bearer key-now"
	}
	if c.body != "" {
		headers["content-type"] = "application/json"
	}
	for name, value := range c.header {
		headers[strings.ToLower(name)] = value
	}
	body := c.body
	if c.base64 {
		body = base64.StdEncoding.EncodeToString([]byte(body))
	}
	text, err := json.Marshal(map[string]any{
		"version": "2.0", "routeKey": "$default", "rawPath": c.path, "rawQueryString": c.query,
		"cookies": []string{"ignored=1"}, "headers": headers, "body": body, "isBase64Encoded": c.base64,
		"requestContext": map[string]any{
			"accountId": "123456789012", "apiId": "abc123", "domainName": "abc123.execute-api.eu-central-1.amazonaws.com", "domainPrefix": "abc123",
			"http":      map[string]any{"method": c.method, "path": c.path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "test"},
			"requestId": "JKJaXmPLvHcESHA=", "routeKey": "$default", "stage": s.stage, "time": "31/Jan/2026:12:00:00 +0000", "timeEpoch": 1769860800000,
		},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	var event events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(text, &event); err != nil {
		s.t.Fatal(err)
	}
	return event
}

// do sends a request through the adapter and holds the answer against the API
// description.
func (s *site) do(c call) answer {
	s.t.Helper()
	ctx := c.ctx
	if ctx == nil {
		ctx = s.t.Context()
	}
	response, err := s.lambda(ctx, s.event(c))
	if err != nil {
		s.t.Fatalf("%s %s: the adapter returned an error: %v", c.method, c.path, err)
	}
	a := answer{t: s.t, status: response.StatusCode, header: response.Headers, body: response.Body}
	if response.IsBase64Encoded {
		decoded, err := base64.StdEncoding.DecodeString(response.Body)
		if err != nil {
			s.t.Fatal(err)
		}
		a.body = string(decoded)
	}
	if s.stage == "$default" {
		described(s.t).check(s.t, c, a)
	}
	return a
}

func (s *site) get(path string) answer {
	path, query, _ := strings.Cut(path, "?")
	return s.do(call{method: http.MethodGet, path: path, query: query})
}

func (s *site) post(path, body string) answer {
	return s.do(call{method: http.MethodPost, path: path, body: body})
}

// notify posts notifications as Business Central does: without a key.
func (s *site) notify(body string) answer {
	return s.do(call{method: http.MethodPost, path: "/notifications/business-central", body: body, nobody: true})
}

// is fails the test unless the answer has the status.
func (a answer) is(want int) answer {
	a.t.Helper()
	if a.status != want {
		a.t.Fatalf("got %d %s, want %d", a.status, a.body, want)
	}
	return a
}

// fails fails the test unless the answer is that error, and returns it.
func (a answer) fails(status int, code string) wire.ErrorJSON {
	a.t.Helper()
	a.is(status)
	got := decode[struct{ Error wire.ErrorJSON }](a)
	if got.Error.Code != code {
		a.t.Fatalf("got error %s, want %s", got.Error.Code, code)
	}
	return got.Error
}

func decode[T any](a answer) T {
	a.t.Helper()
	var v T
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		a.t.Fatalf("%v in %s", err, a.body)
	}
	return v
}

type transfersBody struct {
	Transfers  []wire.TransferJSON
	NextCursor *string `json:"next_cursor"`
}

type oneBody struct {
	Transfer wire.TransferJSON
	Attempts []wire.AttemptJSON
}

type queuedBody struct {
	Queued []string
	More   bool
}

type acceptedBody struct {
	Accepted []string
	Rejected []struct {
		ID    string
		Error wire.ErrorJSON
	}
}

// ids is the body of a manual sync.
func ids(list ...string) string {
	text, _ := json.Marshal(map[string]any{"ids": list})
	return string(text)
}

func escaped(id string) string { return url.PathEscape(id) }
