package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awscredentials "github.com/aws/aws-sdk-go-v2/credentials"

	"contactsync/shared/app/apptest"
	"contactsync/shared/status"
	"contactsync/shared/status/dynamostore"
)

// faultyTable is DynamoDB that answers every call in one way.
type faultyTable func(operation string, body []byte) (int, string)

func (f faultyTable) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	code, answer := f(operation, body)
	if code == 0 { // never
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return &http.Response{StatusCode: code, Request: r, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(strings.NewReader(answer)), ContentLength: int64(len(answer))}, nil
}

// As long as the table takes nothing, nothing is accepted, and whoever calls hears
// so while there is time; the poll says that it could not work.
func TestNothingIsAcceptedThatTheTableDoesNotTake(t *testing.T) {
	for name, table := range map[string]faultyTable{
		"throttled":     func(string, []byte) (int, string) { return 400, `{"__type":"ThrottlingException"}` },
		"500":           func(string, []byte) (int, string) { return 500, `{"__type":"InternalServerError"}` },
		"no permission": func(string, []byte) (int, string) { return 400, `{"__type":"AccessDeniedException"}` },
		"no answer":     func(string, []byte) (int, string) { return 0, "" },
		"left over for ever": func(operation string, body []byte) (int, string) {
			var in struct{ RequestItems json.RawMessage }
			_ = json.Unmarshal(body, &in)
			switch operation {
			case "BatchWriteItem":
				return 200, `{"UnprocessedItems":` + string(in.RequestItems) + `}`
			case "BatchGetItem":
				return 200, `{"UnprocessedKeys":` + string(in.RequestItems) + `}`
			}
			return 400, `{"__type":"ProvisionedThroughputExceededException"}`
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, err := dynamostore.New(dynamostore.Config{
					Connection: "default", Table: "transfers", Log: slog.New(slog.DiscardHandler),
					AWS: &aws.Config{Region: "eu-central-1", HTTPClient: table, Credentials: awscredentials.NewStaticCredentialsProvider("key", "key", "")},
				})
				if err != nil {
					t.Fatal(err)
				}
				const limit = 29 * time.Second
				w := apptest.New(t, apptest.Options{Store: store, Deadline: limit})
				w.Add(apptest.Person("1", "one@example.com"))
				g := gateway{w}
				many := make([]string, 30)
				for i := range many {
					many[i] = number(i)
				}
				notification := []byte(`{"value":[{"subscriptionId":"s","clientState":"` + apptest.ClientState + `","resource":"companies(x)/contacts(3f2504e0-4f89-11d3-9a0c-0305e82c3301)","changeType":"updated"}]}`)
				for route, call := range map[string]func() answer{
					"manual sync":  func() answer { return g.post("/transfers", map[string]any{"ids": []string{"1"}}) },
					"many at once": func() answer { return g.post("/transfers", map[string]any{"ids": many}) },
					"hook": func() answer {
						return g.post("/hooks", map[string]any{"notifications": []any{map[string]string{"scope": "contact/updated", "external_id": "1|contact"}}})
					},
					"notification": func() answer {
						return g.call(http.MethodPost, "/notifications/business-central", "", "", notification)
					},
					"replay":    func() answer { return g.post("/transfers/1/replay", nil) },
					"replays":   func() answer { return g.post("/replays", map[string]any{}) },
					"transfers": func() answer { return g.get("/transfers") },
					"one":       func() answer { return g.get("/transfers/1") },
					"errors":    func() answer { return g.get("/errors") },
					"runs":      func() answer { return g.get("/runs") },
				} {
					begin := time.Now()
					a := call()
					if a.status != http.StatusServiceUnavailable || a.code() != "UNAVAILABLE" {
						t.Errorf("%s: got %d %s, want 503", route, a.status, a.body)
					}
					if took := time.Since(begin); took > limit-500*time.Millisecond {
						t.Errorf("%s: answered after %s, when the invocation is over", route, took)
					}
				}
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
				defer cancel()
				if _, err := w.App.Poll(ctx, []byte(`{}`)); !errors.Is(err, status.ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("the poll ended with %v, want that the table is not available", err)
				}
				if n := w.Target.CountCustomers(); n != 0 {
					t.Errorf("%d customers were made without a claim", n)
				}
			})
		})
	}
}
