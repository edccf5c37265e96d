package dynamostore_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"contactsync/shared/status"
	"contactsync/shared/transfer"
)

// Whatever DynamoDB answers, with whatever items: each method returns, with what it
// understood or with one of the errors that its interface names.
func FuzzAnswer(f *testing.F) {
	all := operations()
	add := func(code int, body string) {
		for i := range all {
			f.Add(byte(i), code, body)
		}
	}
	const key = `"pk":{"S":"default#id#3f2504e0"},"sk":{"S":"state"}`
	const state = `{` + key + `,"status":{"S":"retrying"},"status_key":{"S":"default#retrying#1"},"sort_key":{"S":"2026-01-31T10:00:00.123Z#44552#3f2504e0"},
		"transfer":{"M":{"no":{"S":"44552"},"contact_id":{"S":"3f2504e0"},"attempt":{"N":"2"},"finished_at":{"S":"2026-01-31T10:00:00.123Z"},"next_attempt_at":{"S":"2026-01-31T10:00:00.123Z"},"code":{"S":"INTERNAL"},"warnings":{"L":[{"S":"w"}]}}},
		"known":{"M":{"version":{"S":"2026-01-31T10:00:00.123Z"},"sent_hashes":{"M":{"a":{"S":"b"}}},"sent":{"L":[{"S":"a"}]}}},"attempts":{"L":[{"M":{"status":{"S":"failed"}}}]},"numbers":{"SS":["44552"]},"claim_owner":{"S":"me"},"claim_until":{"S":"2026-01-31T10:00:30.123Z"},"open_claims":{"N":"1"}}`
	const request = `{"pk":{"S":"default#contact#44552"},"sk":{"S":"request"},"status":{"S":"pending"},"no":{"S":"44552"},"trigger":{"S":"hook"},"requested_at":{"S":"2026-01-31T10:00:00.123Z"},"token":{"S":"t"},"deleted":{"BOOL":true}}`
	const control = `{"pk":{"S":"default#control"},"sk":{"S":"watermark"},"watermark":{"S":"2026-01-31T10:00:00.123Z"},"open":{"BOOL":true},"next":{"S":"https://x"},"paused":{"BOOL":true},"leads_to":{"S":"3f2504e0"},"counts":{"M":{"read":{"N":"1"}}},"run_id":{"S":"r"}}`
	for _, item := range []string{state, request, control, `{}`, `{"transfer":{"NULL":true}}`, `{"transfer":{"M":{}},"status":{"N":"1"}}`} {
		add(200, `{"Item":`+item+`,"Attributes":`+item+`}`)
		add(200, `{"Items":[`+item+`],"Count":1,"Responses":{"transfers":[`+item+`]}}`)
		add(200, `{"Items":[`+item+`],"LastEvaluatedKey":`+item+`}`)
		add(400, `{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","message":"m","Item":`+item+`}`)
	}
	add(200, `{"Items":[],"LastEvaluatedKey":{"pk":{"S":"a"}}}`)
	add(200, `{"UnprocessedItems":{"transfers":[{"PutRequest":{"Item":{}}}]},"UnprocessedKeys":{"transfers":{"Keys":[{}]}}}`)
	add(400, `{"__type":"ThrottlingException"}`)
	add(500, `<html>`)
	f.Fuzz(func(t *testing.T, n byte, code int, body string) {
		synctest.Test(t, func(t *testing.T) { // back-off takes no time
			code = 200 + (code%400+400)%400
			o := all[int(n)%len(all)]
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var calls atomic.Int64 // lists ask for several parts at once
			s := openWire(t, func(r *http.Request, _ []byte) (*http.Response, error) {
				if calls.Add(1) > 12 { // a list that never ends
					cancel()
					return nil, ctx.Err()
				}
				return answered(r, code, "application/x-amz-json-1.0", body), nil
			}, io.Discard)
			err := o.call(ctx, s)
			for _, known := range []error{status.ErrUnavailable, status.ErrDamaged, status.ErrBusy, status.ErrLeaseLost, transfer.ErrNoState, transfer.ErrClaimed, transfer.ErrClaimLost, context.Canceled} {
				if errors.Is(err, known) {
					return
				}
			}
			if err != nil {
				t.Errorf("%s: %v", o.name, err)
			}
		})
	})
}
