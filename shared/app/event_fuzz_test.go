package app

import (
	"encoding/json"
	"errors"
	"log/slog"
	"testing"

	"contactsync/shared/config"
	"contactsync/shared/poll"
)

// Whatever starts the poll function: it is understood, or it is one error that says
// the event is at fault.
func FuzzEvent(f *testing.F) {
	for _, seed := range []string{
		``, `null`, `{}`, `[]`, `"poll"`, `{"mode":"backfill","from":"2024-01-01T00:00:00Z","to":"2024-02-01T00:00:00Z"}`, `{"mode":"poll","dry_run":true}`,
		`{"mode":"stream"}`, `{"mode":"backfill","from":"","to":null}`, `{"mode":"backfill","from":"9999-12-31T23:59:59.999999999-14:00"}`, `{"mode":7,"dry_run":"x","from":{}}`,
		`{"version":"0","id":"1","detail-type":"Scheduled Event","source":"aws.scheduler","account":"1","time":"2026-01-31T10:00:00Z","region":"x","resources":[],"detail":"{}"}`,
		`{"Records":[{"eventName":"INSERT","dynamodb":{"NewImage":{"pk":{"S":"default#contact#44552"},"sk":{"S":"request"},"status":{"S":"pending"},"no":{"S":"44552"},"token":{"S":"t"},"requested_at":{"S":"2026-01-31T10:00:00.123Z"}}}}]}`,
		`{"Records":[{"dynamodb":{"NewImage":{"pk":{"S":"default#wake"},"sk":{"S":"request"},"status":{"S":"pending"},"deleted":{"BOOL":true},"trigger":{"SS":["a"]}}}}]}`,
		`{"Records":[{"eventName":"REMOVE","dynamodb":{}},{"dynamodb":{"NewImage":null}},null]}`, `{"Records":[{"dynamodb":{"NewImage":{"pk":{"S":7}}}}]}`, `{"Records":5}`,
	} {
		f.Add([]byte(seed))
	}
	a := &App{Config: config.Config{Connection: "default"}, log: slog.New(slog.DiscardHandler)}
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := a.parseEvent(json.RawMessage(raw))
		if err != nil {
			if !errors.Is(err, ErrEvent) {
				t.Fatalf("got %v, want ErrEvent", err)
			}
			return
		}
		if e.Mode != poll.Stream && e.Check() != nil {
			t.Fatalf("%s is understood as %+v, which is refused: %v", raw, e, e.Check())
		}
		for _, r := range e.Requests {
			if !r.Wake && r.Ref.No == "" && r.Ref.ID == "" {
				t.Fatalf("a request of no contact: %+v", r)
			}
		}
	})
}
