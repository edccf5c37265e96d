package dynamostore_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"contactsync/shared/contact"
	"contactsync/shared/status"
	"contactsync/shared/status/dynamostore"
	"contactsync/shared/status/statustest"
	"contactsync/shared/transfer"
)

// openStub plays DynamoDB without a socket: for each call the function returns
// status and body.
func openStub(t testing.TB, answer func(operation string, body []byte) (int, string), log io.Writer) *dynamostore.Store {
	t.Helper()
	return openWire(t, func(r *http.Request, body []byte) (*http.Response, error) {
		_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		code, text := answer(operation, body)
		return answered(r, code, "application/x-amz-json-1.0", text), nil
	}, log)
}

func TestAnErrorOfDynamoDBSaysWhatToDo(t *testing.T) {
	tests := []struct{ name, answer, want string }{
		{"the table is missing", `{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"m"}`, "the table transfers or its index by_status does not exist"},
		{"a permission is missing", `{"__type":"com.amazon.coral.service#AccessDeniedException","message":"m"}`, "the role lacks a permission on the table transfers"},
		{"the credentials are rejected", `{"__type":"com.amazon.coral.service#UnrecognizedClientException","message":"m"}`, "AWS rejects the credentials"},
		{"the answer cannot be read", `<html>`, "read the state of 44552|contact"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // an answer that cannot be read is asked for again
				s := openStub(t, func(string, []byte) (int, string) { return http.StatusBadRequest, tt.answer }, io.Discard)
				_, err := s.State(t.Context(), transfer.Key{No: "44552"})
				if !errors.Is(err, status.ErrUnavailable) || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %v, want ErrUnavailable with %q", err, tt.want)
				}
			})
		})
	}
}

func TestAThrottledTableIsAskedAgainAndThenUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		s := openStub(t, func(string, []byte) (int, string) {
			calls++
			return http.StatusBadRequest, `{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"m"}`
		}, io.Discard)
		_, err := s.State(t.Context(), transfer.Key{No: "1"})
		if !errors.Is(err, status.ErrUnavailable) || calls < 2 {
			t.Errorf("got %v after %d calls, want ErrUnavailable after several", err, calls)
		}
	})
}

func TestRequestsThatDynamoDBLeavesOverAreStoredAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		stored := map[string]int{}
		s := openStub(t, func(_ string, body []byte) (int, string) {
			mu.Lock()
			defer mu.Unlock()
			var in struct{ RequestItems map[string][]json.RawMessage }
			if err := json.Unmarshal(body, &in); err != nil {
				return http.StatusInternalServerError, err.Error()
			}
			writes := in.RequestItems["transfers"]
			done := (len(writes) + 1) / 2 // the other half is left over
			for _, w := range writes[:done] {
				stored[string(w)]++
			}
			left, _ := json.Marshal(map[string]any{"transfers": writes[done:]})
			if done == len(writes) {
				left = []byte("{}")
			}
			return http.StatusOK, fmt.Sprintf(`{"UnprocessedItems":%s}`, left)
		}, io.Discard)
		var requests []transfer.Request
		for i := range 60 {
			requests = append(requests, transfer.Request{Ref: contact.Ref{No: fmt.Sprint(i)}})
		}
		if err := s.Request(t.Context(), requests...); err != nil {
			t.Fatal(err)
		}
		if len(stored) != 60 {
			t.Errorf("%d requests were stored, want 60", len(stored))
		}
	})
}

func TestAWriteWhoseAnswerWasLostIsRecognised(t *testing.T) {
	const head = `{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","message":"m","Item":`
	s := openStub(t, func(_ string, body []byte) (int, string) {
		if bytes.Contains(body, []byte("if_not_exists")) {
			return http.StatusBadRequest, head + `{"pk":{"S":"default#id#1"},"sk":{"S":"state"},"transfer":{"M":{"contact_id":{"S":"1"}}},
				"claim_owner":{"S":"me"},"claim_until":{"S":"2026-01-31T10:00:30.123Z"},"open_claims":{"N":"1"}}}`
		}
		return http.StatusBadRequest, head + `{"pk":{"S":"default#id#1"},"sk":{"S":"state"},"saved_by":{"S":"me"}}}`
	}, io.Discard)
	key, now := transfer.Key{ID: "1"}, statustest.Now
	state, err := s.Claim(t.Context(), key, transfer.Claim{Owner: "me", Until: now.Add(30 * time.Second)}, now, transfer.State{})
	if err != nil || state.Interrupted {
		t.Errorf("claim: interrupted %t, error %v", state.Interrupted, err)
	}
	if _, err := s.Claim(t.Context(), key, transfer.Claim{Owner: "other", Until: now}, now, transfer.State{}); !errors.Is(err, transfer.ErrClaimed) {
		t.Errorf("another's claim: got %v, want ErrClaimed", err)
	}
	if err := s.Save(t.Context(), state, "me"); err != nil {
		t.Errorf("save: %v", err)
	}
	if err := s.Save(t.Context(), state, "other"); !errors.Is(err, transfer.ErrClaimLost) {
		t.Errorf("another's save: got %v, want ErrClaimLost", err)
	}
}

func TestANumberOfAnEarlierVersionIsCompletedBeforeItLeadsElsewhere(t *testing.T) {
	var updates []string
	s := openStub(t, func(_ string, body []byte) (int, string) {
		var in struct{ UpdateExpression string }
		if err := json.Unmarshal(body, &in); err != nil {
			return http.StatusInternalServerError, err.Error()
		}
		if updates = append(updates, in.UpdateExpression); len(updates) == 1 {
			return http.StatusBadRequest, `{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","message":"m","Item":{"leads_to":{"S":"first"}}}`
		}
		if !bytes.Contains(body, []byte(`"first"`)) && len(updates) == 2 {
			t.Errorf("the contact that it leads to is not remembered: %s", body)
		}
		return http.StatusOK, `{"Attributes":{"leads_to":{"S":"second"},"first_led_to":{"S":"first"},"led_to":{"SS":["first","second"]}}}`
	}, io.Discard)
	n, err := s.Point(t.Context(), "44552", "second")
	if err != nil || n.First != "first" || len(updates) != 3 || updates[0] != updates[2] {
		t.Errorf("got %+v, %v after %q", n, err, updates)
	}
}

func TestADamagedItemIsNamed(t *testing.T) {
	const damaged = `{"pk":{"S":"default#contact#44552"},"sk":{"S":"state"},"status":{"S":"failed"},"status_key":{"S":"default#failed"},
		"sort_key":{"S":"2026-01-31T10:00:00.123Z#44552#"},"transfer":{"M":{"attempt":{"S":"one"}}}}`
	var log bytes.Buffer
	s := openStub(t, func(operation string, _ []byte) (int, string) {
		switch operation {
		case "GetItem":
			return http.StatusOK, `{"Item":` + damaged + `}`
		case "BatchGetItem":
			return http.StatusOK, `{"Responses":{"transfers":[` + damaged + `]}}`
		}
		return http.StatusOK, `{"Items":[` + damaged + `],"Count":1}`
	}, &log)
	_, err := s.State(t.Context(), transfer.Key{No: "44552"})
	if !errors.Is(err, status.ErrDamaged) || !strings.Contains(err.Error(), `"default#contact#44552"/"state": attribute transfer.attempt is not a whole number`) {
		t.Errorf("one state: got %v", err)
	}
	states, err := s.States(t.Context(), []transfer.Key{{No: "44552"}})
	if err != nil || len(states) != 0 || !strings.Contains(log.String(), "transfer.attempt") {
		t.Errorf("a page: got %d states, error %v, log %s", len(states), err, &log)
	}
	log.Reset()
	page, err := s.Transfers(t.Context(), status.Query{Status: transfer.Failed})
	if err != nil || len(page.Transfers) != 0 || !strings.Contains(log.String(), "transfer.attempt") {
		t.Errorf("a list: got %d transfers, error %v, log %s", len(page.Transfers), err, &log)
	}
}

// A filter that matches nothing must not read a whole table for one page: the list
// answers with a cursor, and going on from there ends it.
func TestALongSearchGoesOnWithTheNextPage(t *testing.T) {
	calls := 0
	s := openStub(t, func(_ string, body []byte) (int, string) {
		calls++
		if calls > 12 {
			return http.StatusOK, `{"Items":[],"Count":0}`
		}
		return http.StatusOK, fmt.Sprintf(`{"Items":[],"Count":0,"LastEvaluatedKey":{"pk":{"S":"default#id#%d"},"sk":{"S":"state"},
			"status_key":{"S":"default#failed"},"sort_key":{"S":"2026-01-31T10:00:%02d.000Z#1#1"}}}`, calls, 59-calls)
	}, io.Discard)
	q := status.Query{Status: transfer.Failed, Code: "MISSING_EMAIL"}
	pages := 0
	for {
		page, err := s.Transfers(t.Context(), q)
		if err != nil || len(page.Transfers) != 0 {
			t.Fatalf("got %d transfers, error %v", len(page.Transfers), err)
		}
		pages++
		if q.Cursor = page.NextCursor; q.Cursor == "" {
			break
		}
	}
	if pages != 2 || calls != 13 {
		t.Errorf("%d pages in %d calls, want 2 in 13", pages, calls)
	}
}

func TestAContextThatEndsIsReturnedAsItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openStub(t, func(string, []byte) (int, string) { return http.StatusInternalServerError, "{}" }, io.Discard)
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		if _, err := s.State(ctx, transfer.Key{No: "1"}); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, status.ErrUnavailable) {
			t.Errorf("got %v, want the context's error", err)
		}
	})
}

func BenchmarkStates(b *testing.B) {
	items := make([]string, 100)
	keys := make([]transfer.Key, 100)
	for i := range items {
		keys[i] = transfer.Key{ID: fmt.Sprintf("3f2504e0-4f89-11d3-9a0c-%012d", i)}
		items[i] = fmt.Sprintf(`{"pk":{"S":"default#id#%s"},"sk":{"S":"state"},"status":{"S":"succeeded"},
			"transfer":{"M":{"no":{"S":"%d"},"contact_id":{"S":"%s"},"customer_id":{"S":"912"},"action":{"S":"created"},"trigger":{"S":"poll"},
			"run_id":{"S":"r"},"attempt":{"N":"1"},"started_at":{"S":"2026-01-31T10:00:00.123Z"},"finished_at":{"S":"2026-01-31T10:00:00.123Z"}}},
			"known":{"M":{"external_id":{"S":"1|contact"},"version":{"S":"2026-01-31T10:00:00.123Z"},"fingerprint":{"S":"0123456789abcdef"},
			"sent_hashes":{"M":{"a":{"S":"0123456789"},"b":{"S":"0123456789"},"c":{"S":"0123456789"},"d":{"S":"0123456789"}}}}}}`, keys[i].ID, i, keys[i].ID)
	}
	answer := `{"Responses":{"transfers":[` + strings.Join(items, ",") + `]}}`
	s := openStub(b, func(string, []byte) (int, string) { return http.StatusOK, answer }, io.Discard)
	for b.Loop() {
		if states, err := s.States(b.Context(), keys); err != nil || len(states) != 100 {
			b.Fatal(len(states), err)
		}
	}
	b.ReportMetric(float64(b.N)*100/b.Elapsed().Seconds(), "states/s")
}

// The client repeats a delete whose answer was lost; the table is gone then.
func TestATableThatIsGoneIsDeleted(t *testing.T) {
	s := openStub(t, func(operation string, _ []byte) (int, string) {
		if operation != "DeleteTable" {
			t.Errorf("unexpected %s", operation)
		}
		return http.StatusBadRequest, `{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"Requested resource not found"}`
	}, io.Discard)
	if err := s.DeleteTable(t.Context()); err != nil {
		t.Errorf("got %v, want no error", err)
	}
}
