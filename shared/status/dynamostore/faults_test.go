package dynamostore_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"contactsync/shared/contact"
	"contactsync/shared/status"
	"contactsync/shared/status/dynamostore"
	"contactsync/shared/status/statustest"
	"contactsync/shared/transfer"
)

// An operation is one method of the store, asked in a way that DynamoDB would
// carry out.
type operation struct {
	name string
	call func(ctx context.Context, s *dynamostore.Store) error
}

func operations() []operation {
	key, now := transfer.Key{ID: "3f2504e0"}, statustest.Now
	state := transfer.State{No: "44552", ContactID: key.ID}
	state.Status, state.Action, state.FinishedAt = transfer.Succeeded, transfer.Created, now
	request := transfer.Request{Ref: contact.Ref{No: "44552"}, Token: "t", RequestedAt: now}
	claim := transfer.Claim{Owner: "me", Until: now.Add(30 * time.Second)}
	return []operation{
		{"State", func(ctx context.Context, s *dynamostore.Store) error { _, err := s.State(ctx, key); return err }},
		{"States", func(ctx context.Context, s *dynamostore.Store) error {
			_, err := s.States(ctx, []transfer.Key{key})
			return err
		}},
		{"KeyOf", func(ctx context.Context, s *dynamostore.Store) error {
			_, _, err := s.KeyOf(ctx, request.Ref)
			return err
		}},
		{"Claim", func(ctx context.Context, s *dynamostore.Store) error {
			_, err := s.Claim(ctx, key, claim, now, transfer.State{})
			return err
		}},
		{"Claim with an outcome", func(ctx context.Context, s *dynamostore.Store) error {
			_, err := s.Claim(ctx, key, claim, now, state)
			return err
		}},
		{"Save", func(ctx context.Context, s *dynamostore.Store) error { return s.Save(ctx, state, "me") }},
		{"Release", func(ctx context.Context, s *dynamostore.Store) error { return s.Release(ctx, key, "me") }},
		{"Point", func(ctx context.Context, s *dynamostore.Store) error {
			_, err := s.Point(ctx, "44552", key.ID)
			return err
		}},
		{"Forget", func(ctx context.Context, s *dynamostore.Store) error { return s.Forget(ctx, key) }},
		{"Request", func(ctx context.Context, s *dynamostore.Store) error { return s.Request(ctx, request) }},
		{"Requests", func(ctx context.Context, s *dynamostore.Store) error { _, _, err := s.Requests(ctx, 10); return err }},
		{"RequestOf", func(ctx context.Context, s *dynamostore.Store) error {
			_, err := s.RequestOf(ctx, "44552", key.ID)
			return err
		}},
		{"Done", func(ctx context.Context, s *dynamostore.Store) error { return s.Done(ctx, request) }},
		{"Due", func(ctx context.Context, s *dynamostore.Store) error { _, err := s.Due(ctx, now, 10); return err }},
		{"Transfers", func(ctx context.Context, s *dynamostore.Store) error {
			_, err := s.Transfers(ctx, status.Query{})
			return err
		}},
		{"ErrorCounts", func(ctx context.Context, s *dynamostore.Store) error { _, err := s.ErrorCounts(ctx); return err }},
		{"PutRun", func(ctx context.Context, s *dynamostore.Store) error {
			return s.PutRun(ctx, status.Run{ID: "r", StartedAt: now})
		}},
		{"Runs", func(ctx context.Context, s *dynamostore.Store) error { _, err := s.Runs(ctx, 10); return err }},
		{"AcquireLease", func(ctx context.Context, s *dynamostore.Store) error {
			return s.AcquireLease(ctx, "me", now, claim.Until)
		}},
		{"RenewLease", func(ctx context.Context, s *dynamostore.Store) error { return s.RenewLease(ctx, "me", claim.Until) }},
		{"ReleaseLease", func(ctx context.Context, s *dynamostore.Store) error { return s.ReleaseLease(ctx, "me") }},
		{"Cursor", func(ctx context.Context, s *dynamostore.Store) error {
			_, err := s.Cursor(ctx, status.PollFlow)
			return err
		}},
		{"PutCursor", func(ctx context.Context, s *dynamostore.Store) error {
			return s.PutCursor(ctx, status.PollFlow, status.Cursor{Watermark: now})
		}},
		{"Paused", func(ctx context.Context, s *dynamostore.Store) error { _, err := s.Paused(ctx); return err }},
		{"SetPaused", func(ctx context.Context, s *dynamostore.Store) error { return s.SetPaused(ctx, true) }},
		{"Subscription", func(ctx context.Context, s *dynamostore.Store) error { _, err := s.Subscription(ctx); return err }},
		{"PutSubscription", func(ctx context.Context, s *dynamostore.Store) error {
			return s.PutSubscription(ctx, status.Subscription{ID: "s"})
		}},
	}
}

// A wire plays DynamoDB down to the connection.
type wire func(r *http.Request, body []byte) (*http.Response, error)

func (w wire) Do(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	return w(r, body)
}

func openWire(t testing.TB, w wire, log io.Writer) *dynamostore.Store {
	t.Helper()
	s, err := dynamostore.New(dynamostore.Config{
		Connection: "default", Table: "transfers", Now: func() time.Time { return statustest.Now },
		AWS: &aws.Config{Region: "eu-central-1", HTTPClient: w, Credentials: credentials.NewStaticCredentialsProvider("key", "secret", "")},
		Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func answered(r *http.Request, code int, contentType, body string) *http.Response {
	return &http.Response{
		StatusCode: code, Request: r, Header: http.Header{"Content-Type": {contentType}},
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}

func refusal(code int, name string) wire {
	return func(r *http.Request, _ []byte) (*http.Response, error) {
		return answered(r, code, "application/x-amz-json-1.0", `{"__type":"com.amazonaws.dynamodb.v20120810#`+name+`","message":"m"}`), nil
	}
}

func page(code int, contentType, body string) wire {
	return func(r *http.Request, _ []byte) (*http.Response, error) {
		return answered(r, code, contentType, body), nil
	}
}

// cutBody is an answer whose connection breaks.
type cutBody struct{ text io.Reader }

func (b cutBody) Read(p []byte) (int, error) {
	n, err := b.text.Read(p)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (cutBody) Close() error { return nil }

var faults = []struct {
	name  string
	wire  wire
	again bool // passes, so the store asks again
}{
	{"provisioned throughput exceeded", refusal(400, "ProvisionedThroughputExceededException"), true},
	{"throttled", refusal(400, "ThrottlingException"), true},
	{"account limit exceeded", refusal(400, "RequestLimitExceeded"), true},
	{"internal error", refusal(500, "InternalServerError"), true},
	{"unavailable", refusal(503, "ServiceUnavailable"), true},
	{"500 with HTML", page(500, "text/html", "<html>"), true},
	{"503 without a body", page(503, "", ""), true},
	{"connection refused", func(*http.Request, []byte) (*http.Response, error) { return nil, syscall.ECONNREFUSED }, true},
	{"connection reset", func(*http.Request, []byte) (*http.Response, error) { return nil, syscall.ECONNRESET }, true},
	{"connection cut within the answer", func(r *http.Request, _ []byte) (*http.Response, error) {
		answer := answered(r, 200, "application/x-amz-json-1.0", "")
		answer.Body, answer.ContentLength = cutBody{strings.NewReader(`{"Item":{"pk":{"S":"x"`)}, 4096
		return answer, nil
	}, true},
	{"truncated JSON", page(200, "application/x-amz-json-1.0", `{"Item":{"pk":{"S":"x"`), true},
	{"200 with HTML", page(200, "text/html", "<html>proxy</html>"), true},
	{"a list in place of an object", page(200, "application/x-amz-json-1.0", `[]`), true},
	{"members of wrong types", page(200, "application/x-amz-json-1.0", `{"Item":5,"Items":{"a":1},"Attributes":"x","Responses":[1],"UnprocessedItems":7,"ConsumedCapacity":3}`), true},
	{"no permission", refusal(400, "AccessDeniedException"), false},
	{"no table", refusal(400, "ResourceNotFoundException"), false},
	{"token expired", refusal(400, "ExpiredTokenException"), false},
	{"a fault of ours", refusal(400, "ValidationException"), false},
	{"too large", refusal(400, "ItemCollectionSizeLimitExceededException"), false},
}

// Whatever DynamoDB answers, nothing counts as stored or as absent that is not.
func TestAFaultOfDynamoDBIsNeverTakenForAnAnswer(t *testing.T) {
	for _, f := range faults {
		for _, o := range operations() {
			t.Run(f.name+"/"+o.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					defer cancel()
					s := openWire(t, f.wire, io.Discard)
					if err := o.call(ctx, s); !errors.Is(err, status.ErrUnavailable) {
						t.Errorf("got %v, want ErrUnavailable", err)
					}
				})
			})
		}
	}
}

// What passes is waited for, without the caller's doing.
func TestAFaultOfDynamoDBThatPassesIsNotNoticed(t *testing.T) {
	for _, f := range faults {
		if !f.again {
			continue
		}
		for _, o := range operations() {
			t.Run(f.name+"/"+o.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var n atomic.Int64
					s := openWire(t, func(r *http.Request, body []byte) (*http.Response, error) {
						if n.Add(1)%3 != 0 {
							return f.wire(r, body)
						}
						return answered(r, 200, "application/x-amz-json-1.0", `{}`), nil
					}, io.Discard)
					if err := o.call(t.Context(), s); err != nil && !errors.Is(err, transfer.ErrNoState) {
						t.Errorf("got %v", err)
					}
				})
			})
		}
	}
}

// A batch that DynamoDB leaves over, wholly or in part, for as long as the caller
// can wait is no acceptance.
func TestWhatStaysLeftOverIsNeverCalledStored(t *testing.T) {
	for _, tt := range []struct {
		name  string
		after int // so many of 25 stay
	}{{"all of it", 25}, {"a part of it", 1}} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := openWire(t, func(r *http.Request, body []byte) (*http.Response, error) {
					var in struct {
						RequestItems map[string]json.RawMessage
					}
					if err := json.Unmarshal(body, &in); err != nil {
						t.Error(err)
					}
					if strings.HasSuffix(r.Header.Get("X-Amz-Target"), "BatchGetItem") {
						return answered(r, 200, "application/x-amz-json-1.0", `{"Responses":{},"UnprocessedKeys":`+string(mustJSON(in.RequestItems))+`}`), nil
					}
					var writes []json.RawMessage
					if err := json.Unmarshal(in.RequestItems["transfers"], &writes); err != nil {
						t.Error(err)
					}
					left := mustJSON(map[string]any{"transfers": writes[:min(tt.after, len(writes))]})
					return answered(r, 200, "application/x-amz-json-1.0", `{"UnprocessedItems":`+string(left)+`}`), nil
				}, io.Discard)
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				var requests []transfer.Request
				for _, no := range strings.Split("abcdefghijklmnopqrstuvwxyzABCDEFG", "") {
					requests = append(requests, transfer.Request{Ref: contact.Ref{No: no}})
				}
				if err := s.Request(ctx, requests...); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("storing: got %v, want the end of the caller's time", err)
				}
				ctx, cancel = context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				if states, err := s.States(ctx, []transfer.Key{{No: "1"}}); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("reading: got %d states, %v; want the end of the caller's time", len(states), err)
				}
			})
		})
	}
}

func mustJSON(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}

// The SDK repeats a write whose answer was lost, and DynamoDB then refuses it: the
// condition does not hold any more because it was carried out.
func TestAWriteThatWasCarriedOutAndIsRefusedWhenRepeatedWasOurs(t *testing.T) {
	const head = `{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","message":"m","Item":`
	state := `{"pk":{"S":"default#id#3f2504e0"},"sk":{"S":"state"},"transfer":{"M":{"contact_id":{"S":"3f2504e0"}}}`
	claimed := head + state + `,"claim_owner":{"S":"me"},"claim_until":{"S":"2026-01-31T10:00:30.123Z"},"open_claims":{"N":"1"}}}`
	tests := []struct{ operation, what, again string }{
		{"Claim", "the claim is ours", claimed},
		{"Claim with an outcome", "the claim is ours", claimed},
		{"Save", "the outcome is ours", head + state + `,"saved_by":{"S":"me"}}}`},
		{"Save", "the outcome is ours, and another has the claim by now", head + state + `,"saved_by":{"S":"me"},"claim_owner":{"S":"other"},"claim_until":{"S":"2026-01-31T10:00:30.123Z"}}}`},
		{"Release", "nobody has the claim", head + state + `}}`},
		{"Done", "the request is gone", head + `{}}`},
		{"ReleaseLease", "the lease is gone", head + `{}}`},
	}
	all := operations()
	for _, tt := range tests {
		o := all[slices.IndexFunc(all, func(o operation) bool { return o.name == tt.operation })]
		again := tt.again
		t.Run(o.name+", "+tt.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				s := openWire(t, func(r *http.Request, body []byte) (*http.Response, error) {
					if calls++; calls == 1 {
						return nil, syscall.ECONNRESET // it was carried out
					}
					if !bytes.Contains(body, []byte("Condition")) {
						t.Errorf("an unconditional write: %s", body)
					}
					return answered(r, 400, "application/x-amz-json-1.0", again), nil
				}, io.Discard)
				if err := o.call(t.Context(), s); err != nil {
					t.Errorf("got %v after %d calls, want no error", err, calls)
				}
			})
		})
	}
}

// Items of a version that knew less, or more, are understood.
func TestItemsOfOtherVersions(t *testing.T) {
	tests := []struct {
		name, item string
		want       func(s *transfer.State) bool
	}{
		{"an older one without attempts, hashes and claims", `{"pk":{"S":"default#id#1"},"sk":{"S":"state"},"status":{"S":"succeeded"},"transfer":{"M":{"no":{"S":"44552"},"customer_id":{"S":"912"}}}}`,
			func(s *transfer.State) bool { return s.CustomerID == "912" && s.Status == transfer.Succeeded }},
		{"a newer one with attributes nobody knows yet", `{"pk":{"S":"default#id#1"},"sk":{"S":"state"},"status":{"S":"failed"},"future":{"SS":["a"]},"transfer":{"M":{"no":{"S":"44552"},"code":{"S":"A_NEW_CODE"},"future":{"N":"1.5"}}},"known":{"M":{"future":{"B":"AA=="}}}}`,
			func(s *transfer.State) bool { return s.Problem != nil && s.Problem.Code == "A_NEW_CODE" }},
		{"one without an outcome", `{"pk":{"S":"default#id#1"},"sk":{"S":"state"},"transfer":{"M":{}},"claim_owner":{"S":"x"},"claim_until":{"S":"2026-01-31T10:00:30.123Z"}}`,
			func(s *transfer.State) bool { return s.Status == "" && s.Claim.Owner == "x" }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := openWire(t, page(200, "application/x-amz-json-1.0", `{"Item":`+tt.item+`}`), io.Discard)
			state, err := s.State(t.Context(), transfer.Key{ID: "1"})
			if err != nil || !tt.want(&state) {
				t.Errorf("got %+v, %v", state, err)
			}
		})
	}
}

// Each attribute of each item in a form that no version wrote is a damage that is
// named, not a zero value that is believed.
func TestEachAttributeOfAWrongTypeIsDamage(t *testing.T) {
	wrong := `{"BS":["AA=="]}`
	tests := map[string][]string{
		"State":        {"transfer", "known", "status", "claim_owner", "claim_until", "open_claims", "attempts"},
		"Cursor":       {"watermark", "open", "from", "to", "resume", "next", "after_no", "after_time", "mapping", "complete"},
		"Paused":       {"paused"},
		"Subscription": {"id", "url", "resource", "expires_at_source", "checked_at"},
		"KeyOf":        {"leads_to"},
	}
	for _, o := range operations() {
		for _, attribute := range tests[o.name] {
			t.Run(o.name+" "+attribute, func(t *testing.T) {
				item := map[string]json.RawMessage{"pk": []byte(`{"S":"p"}`), "sk": []byte(`{"S":"s"}`), "transfer": []byte(`{"M":{}}`)}
				item[attribute] = json.RawMessage(wrong)
				s := openWire(t, page(200, "application/x-amz-json-1.0", `{"Item":`+string(mustJSON(item))+`}`), io.Discard)
				err := o.call(t.Context(), s)
				if !errors.Is(err, status.ErrDamaged) || !strings.Contains(err.Error(), attribute) {
					t.Errorf("got %v, want ErrDamaged that names the attribute", err)
				}
			})
		}
	}
}
