package app_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awscredentials "github.com/aws/aws-sdk-go-v2/credentials"

	"contactsync/shared/status"
	"contactsync/shared/status/dynamostore"
	"contactsync/shared/transfer"
)

// panicking is a store with a defect that quotes the contact.
type panicking struct {
	status.Store
	method string
}

func (p *panicking) trip(method string) {
	if method == p.method {
		panic(canaryText)
	}
}

func (p *panicking) Claim(ctx context.Context, key transfer.Key, claim transfer.Claim, now time.Time, seed transfer.State) (transfer.State, error) {
	p.trip("Claim")
	return p.Store.Claim(ctx, key, claim, now, seed)
}

func (p *panicking) Save(ctx context.Context, s transfer.State, owner string) error {
	p.trip("Save")
	return p.Store.Save(ctx, s, owner)
}

func (p *panicking) Request(ctx context.Context, requests ...transfer.Request) error {
	p.trip("Request")
	return p.Store.Request(ctx, requests...)
}

func (p *panicking) States(ctx context.Context, keys []transfer.Key) (map[transfer.Key]transfer.State, error) {
	p.trip("States")
	return p.Store.States(ctx, keys)
}

func (p *panicking) Transfers(ctx context.Context, q status.Query) (status.Page, error) {
	p.trip("Transfers")
	return p.Store.Transfers(ctx, q)
}

// recorded keeps the bytes that are sent to DynamoDB.
type recorded struct {
	mu   sync.Mutex
	sent strings.Builder
}

func (r *recorded) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sent.String()
}

// Do takes a call as DynamoDB does that has nothing to say.
func (r *recorded) Do(request *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	r.sent.Write(append(body, '\n'))
	r.mu.Unlock()
	return &http.Response{StatusCode: 200, Request: request, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(strings.NewReader(`{"Attributes":{"transfer":{"M":{}}}}`))}, nil
}

func (r *recorded) store(t *testing.T) *dynamostore.Store {
	t.Helper()
	s, err := dynamostore.New(dynamostore.Config{
		Connection: "default", Table: "transfers", Log: slog.New(slog.DiscardHandler),
		AWS: &aws.Config{Region: "eu-central-1", HTTPClient: r, Credentials: awscredentials.NewStaticCredentialsProvider("key", "key", "")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// twoTables writes to the embedded table, and the same to DynamoDB.
type twoTables struct {
	status.Store
	dynamo *dynamostore.Store
}

func (s *twoTables) Claim(ctx context.Context, key transfer.Key, claim transfer.Claim, now time.Time, seed transfer.State) (transfer.State, error) {
	_, _ = s.dynamo.Claim(ctx, key, claim, now, seed)
	return s.Store.Claim(ctx, key, claim, now, seed)
}

func (s *twoTables) Save(ctx context.Context, state transfer.State, owner string) error {
	_ = s.dynamo.Save(ctx, state, owner)
	return s.Store.Save(ctx, state, owner)
}

func (s *twoTables) Point(ctx context.Context, no, id string) (transfer.Number, error) {
	_, _ = s.dynamo.Point(ctx, no, id)
	return s.Store.Point(ctx, no, id)
}

func (s *twoTables) Request(ctx context.Context, requests ...transfer.Request) error {
	_ = s.dynamo.Request(ctx, requests...)
	return s.Store.Request(ctx, requests...)
}

func (s *twoTables) PutRun(ctx context.Context, r status.Run) error {
	_ = s.dynamo.PutRun(ctx, r)
	return s.Store.PutRun(ctx, r)
}

func (s *twoTables) PutCursor(ctx context.Context, flow status.Flow, c status.Cursor) error {
	_ = s.dynamo.PutCursor(ctx, flow, c)
	return s.Store.PutCursor(ctx, flow, c)
}

func (s *twoTables) PutSubscription(ctx context.Context, sub status.Subscription) error {
	_ = s.dynamo.PutSubscription(ctx, sub)
	return s.Store.PutSubscription(ctx, sub)
}
