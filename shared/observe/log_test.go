package observe_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"contactsync/shared/credentials"
	"contactsync/shared/observe"
)

// lines decodes what was logged.
func lines(t *testing.T, out *bytes.Buffer) []map[string]any {
	t.Helper()
	var all []map[string]any
	for line := range strings.Lines(out.String()) {
		var one map[string]any
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatalf("not a JSON object: %v\n%s", err, line)
		}
		all = append(all, one)
	}
	return all
}

func TestLineIsJSONWithConnectionAndRequest(t *testing.T) {
	var out bytes.Buffer
	log := observe.NewLogger(&out, slog.LevelInfo, "cronus")
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "r-1"})
	log.DebugContext(ctx, "not asked for")
	log.With(observe.RunID, "run-1").InfoContext(ctx, "transferred", observe.ContactNo, "44552", observe.Attempt, 1)

	got := lines(t, &out)
	if len(got) != 1 {
		t.Fatalf("got %d lines, want 1:\n%s", len(got), out.String())
	}
	want := map[string]any{"level": "INFO", "msg": "transferred", "connection": "cronus", "request_id": "r-1",
		"run_id": "run-1", "contact_no": "44552", "attempt": 1.0}
	for key, value := range want {
		if got[0][key] != value {
			t.Errorf("%s: got %v, want %v", key, got[0][key], value)
		}
	}
	if _, err := time.Parse(time.RFC3339Nano, got[0]["time"].(string)); err != nil {
		t.Error(err)
	}
}

func TestLineOutsideAnInvocationHasNoRequest(t *testing.T) {
	var out bytes.Buffer
	observe.NewLogger(&out, slog.LevelInfo, "cronus").WithGroup("g").Info("started", "a", 1)
	got := lines(t, &out)[0]
	if _, found := got["request_id"]; found {
		t.Errorf("a request id is there: %v", got)
	}
}

type stubborn struct{}

func (stubborn) MarshalJSON() ([]byte, error) { return nil, errors.New("ada@example.com refuses") }

func TestPersonalDataAndSecretsNeverReachALine(t *testing.T) {
	type nested struct {
		Mail   string
		Deep   []map[string]string
		Number int64
		Key    credentials.Hidden
	}
	var out bytes.Buffer
	log := observe.NewLogger(&out, slog.LevelDebug, "cronus")
	cause := fmt.Errorf("create: %w", errors.New(`{"email_address":"ada.byron+1@example.com"}`))
	log.Info("customer ada@example.com saved", "error", cause,
		"text", "a\nzoë@exämple.org, O'Brien@mail.example.co.uk",
		"nested", nested{Mail: "ada@example.com", Deep: []map[string]string{{"ada@example.com": "<ada@example.com>"}},
			Number: math.MaxInt64, Key: credentials.Hide("hunter2")},
		"group", slog.GroupValue(slog.String("in", "ada@example.com")), "bytes", []string{"ada@example.com"},
		"stubborn", stubborn{}, "channel", make(chan int))
	log.With("early", "ada@example.com").WithGroup("g").Warn("x", "late", "ada@example.com", "hidden", credentials.Hide("hunter2"))

	text := out.String()
	for _, word := range []string{"ada", "byron", "zoë", "Brien", "example", "hunter2"} {
		if strings.Contains(text, word) {
			t.Errorf("%q was logged:\n%s", word, text)
		}
	}
	got := lines(t, &out)
	if got[0]["msg"] != "customer [e-mail] saved" || got[0]["text"] != "a\n[e-mail], [e-mail]" {
		t.Errorf("more than the addresses is gone: %v, %v", got[0]["msg"], got[0]["text"])
	}
	if !strings.Contains(text, `"Number":9223372036854775807`) {
		t.Errorf("a number was changed on the way:\n%s", text)
	}
}

func TestWhatIsNoAddressStays(t *testing.T) {
	var out bytes.Buffer
	observe.NewLogger(&out, slog.LevelInfo, "c").Info("contactsync@v1 @odata.nextLink a @ b", "error", errors.New("52@"))
	got := lines(t, &out)[0]
	if got["msg"] != "contactsync@v1 @odata.nextLink a @ b" || got["error"] != "52@" {
		t.Errorf("got %v", got)
	}
}

func TestLevelIsAskedForEachLine(t *testing.T) {
	var level slog.LevelVar
	log := observe.NewLogger(&bytes.Buffer{}, &level, "c")
	if log.Enabled(context.Background(), slog.LevelDebug) {
		t.Error("debug is on")
	}
	level.Set(slog.LevelDebug)
	if !log.Enabled(context.Background(), slog.LevelDebug) {
		t.Error("debug is off")
	}
}
