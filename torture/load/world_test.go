package load_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"contactsync/shared/app"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/config"
	"contactsync/shared/credentials"
	"contactsync/shared/ipaas/ipaastest"
	"contactsync/shared/status"
	"contactsync/shared/status/embedded"
	"contactsync/shared/transfer"
	"contactsync/torture/calls"
)

// A world is both systems, the table without fsync, and one process over them, in
// the time of testing/synctest: what is waited for costs nothing.
type world struct {
	t        testing.TB
	source   *businesscentraltest.Simulator
	target   *ipaastest.Simulator
	disk     status.Store // the table as it is, without faults
	line     *calls.Line
	app      *app.App
	handler  http.Handler
	progress atomic.Pointer[func()] // called after each page
	tick     time.Duration          // between groups of contacts with the same time

	mu   sync.Mutex
	last []string // lines of the log
}

const keptLines = 30

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, line: calls.NewLine(), tick: time.Second}
	w.line.Forget = true
	// Nothing that a simulator keeps for a test may grow with the number of calls.
	w.source = businesscentraltest.Start(t, businesscentraltest.Config{RequestLimit: -1, RetryAfter: businesscentraltest.RetryAfter{Delay: 3 * time.Second}})
	w.target = ipaastest.InMemory(t, ipaastest.Config{RecordLimit: -1, Latency: func(ipaastest.Route) time.Duration { return time.Millisecond }})
	store, err := embedded.Open(embedded.Config{Connection: "default", Path: filepath.Join(t.TempDir(), "transfers.db"), NoSync: true, Log: w.logger()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	t.Cleanup(w.line.Close)
	w.disk = store
	w.assemble()
	return w
}

func (w *world) assemble() {
	w.t.Helper()
	cfg, err := config.Load([]string{
		"TABLE_NAME=none", "SECRET_ID=none", "IPAAS_RATE=1000000/1s",
		"BC_COMPANY=" + w.source.CompanyName(), "IPAAS_SYSTEM_ID=" + fmt.Sprint(w.target.SystemID()),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	cfg.BCBaseURL, cfg.BCTokenURL, cfg.IPaaSBaseURL = w.source.BaseURL(), w.source.TokenURL(), w.target.BaseURL()
	secrets, err := credentials.NewProvider(credentials.Config{Fetcher: credentials.Static([]byte(secretOf(w.source, w.target))), Log: w.logger()})
	if err != nil {
		w.t.Fatal(err)
	}
	w.app, err = app.Assemble(app.Parts{
		Config: cfg, Secrets: secrets, Store: w.line.Process().Store(w.disk), Log: w.logger(),
		SourceHTTP: w.source.HTTPClient(), TargetHTTP: w.target.HTTPClient(),
		Progress: func(status.Counts) {
			if f := w.progress.Load(); f != nil {
				(*f)()
			}
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	if w.handler, err = w.app.Handler(); err != nil {
		w.t.Fatal(err)
	}
}

func secretOf(source *businesscentraltest.Simulator, target *ipaastest.Simulator) string {
	c := source.Config()
	return fmt.Sprintf(`{"business_central":{"tenant_id":%q,"client_id":%q,"client_secret":%q},"ipaas":{"api_key":%q},"webhook":{"client_states":["state"],"api_keys":["key"]}}`,
		c.Tenant, c.ClientID, c.ClientSecret, target.APIKey())
}

// Write keeps the last lines of the log.
func (w *world) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.last = append(w.last, string(p)); len(w.last) > 2*keptLines {
		w.last = append([]string(nil), w.last[keptLines:]...)
	}
	return len(p), nil
}

var _ io.Writer = (*world)(nil)

func (w *world) logger() *slog.Logger { return slog.New(slog.NewJSONHandler(w, nil)) }

func (w *world) tail() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.last[max(0, len(w.last)-keptLines):], "")
}

// poll does one invocation of the poll function.
func (w *world) poll(event string) (*app.Answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	return w.app.Poll(ctx, json.RawMessage(event))
}

// post does one invocation of the webhook function.
func (w *world) post(path string, body any) int {
	data, err := json.Marshal(body)
	if err != nil {
		w.t.Error(err)
		return 0
	}
	ctx, cancel := context.WithTimeout(context.Background(), 29*time.Second)
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, path, strings.NewReader(string(data)))
	r.Header.Set("Authorization", "Bearer key")
	r.Header.Set("Content-Type", "application/json")
	answer := httptest.NewRecorder()
	w.handler.ServeHTTP(answer, r)
	return answer.Code
}

// stream does one invocation of the poll function by the table's stream, with
// requests as they stand in the table.
func (w *world) stream(limit int) {
	requests, _, err := w.disk.Requests(w.t.Context(), limit)
	if err != nil || len(requests) == 0 {
		return
	}
	_, _ = w.poll(streamEvent(requests)) // it is busy, or meets a fault: the items stay
}

func streamEvent(requests []transfer.Request) string {
	var records []string
	for _, r := range requests {
		kind, value := "contact", r.Ref.No
		if r.Ref.ID != "" {
			kind, value = "id", r.Ref.ID
		}
		records = append(records, fmt.Sprintf(`{"eventName":"INSERT","dynamodb":{"NewImage":{"pk":{"S":%q},"sk":{"S":"request"},"status":{"S":"pending"},"no":{"S":%q},"contact_id":{"S":%q},"trigger":{"S":%q},"token":{"S":%q},"requested_at":{"S":%q}}}}`,
			"default#"+kind+"#"+value, r.Ref.No, r.Ref.ID, r.Trigger, r.Token, r.RequestedAt.UTC().Format("2006-01-02T15:04:05.000Z")))
	}
	return `{"Records":[` + strings.Join(records, ",") + `]}`
}
