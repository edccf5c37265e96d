package torture_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"contactsync/shared/app"
	"contactsync/shared/app/apptest"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/config"
	"contactsync/shared/contact"
	"contactsync/shared/credentials"
	"contactsync/shared/ipaas/ipaastest"
	"contactsync/shared/poll"
	"contactsync/shared/status"
	"contactsync/shared/status/embedded"
	"contactsync/shared/transfer"
	"contactsync/torture/calls"
	"contactsync/torture/tally"
)

// settings of a world. The zero value is one of everything.
type settings struct {
	workers  int           // 5 if zero
	pageSize int           // 3 if zero
	skew     time.Duration // how far Business Central's clock is ahead of ours
	bubble   bool          // time is that of testing/synctest, and calls take theirs
	deadline time.Duration // of each poll; none if zero
	source   businesscentraltest.Config
	target   ipaastest.Config
	config   func(*config.Config)
}

// A world is both systems, the table and the processes over them.
type world struct {
	t       testing.TB
	count   *tally.Count // what same finds missing or too much; nothing counts it if nil
	set     settings
	clock   *clock
	begin   time.Time
	source  *businesscentraltest.Simulator
	target  *ipaastest.Simulator
	disk    status.Store // what is really in the table
	path    string
	line    *calls.Line
	secret  func() ([]byte, error)
	process *calls.Process
	app     *app.App
	handler http.Handler
	deaths  int

	logMu sync.Mutex
	log   bytes.Buffer
}

func newWorld(t testing.TB, set settings) *world {
	t.Helper()
	w := &world{t: t, set: set, clock: &clock{now: apptest.Start, bubble: set.bubble}, line: calls.NewLine()}
	w.begin = w.clock.Now()
	set.source.Now = func() time.Time { return w.clock.Now().Add(set.skew) }
	if set.source.MaxPageSize == 0 {
		set.source.MaxPageSize = max(set.pageSize, 3)
	}
	set.target.Now = w.clock.Now
	w.source = businesscentraltest.Start(t, set.source)
	w.target = ipaastest.InMemory(t, set.target)
	w.path = filepath.Join(t.TempDir(), "transfers.db")
	w.openTable()
	w.secret = func() ([]byte, error) { return []byte(w.document(w.target.APIKey())), nil }
	t.Cleanup(w.line.Close) // before the table is closed
	w.start()
	return w
}

func (w *world) document(key string) string {
	c := w.source.Config()
	return fmt.Sprintf(`{"business_central":{"tenant_id":%q,"client_id":%q,"client_secret":%q},"ipaas":{"api_key":%q},"webhook":{"client_states":["state"],"api_keys":["key"]}}`,
		c.Tenant, c.ClientID, c.ClientSecret, key)
}

func (w *world) Write(p []byte) (int, error) {
	w.logMu.Lock()
	defer w.logMu.Unlock()
	return w.log.Write(p)
}

func (w *world) logger() *slog.Logger { return slog.New(slog.NewJSONHandler(w, nil)) }

// start begins a process, as a cold start does.
func (w *world) start() {
	w.t.Helper()
	cfg, err := config.Load([]string{
		"TABLE_NAME=none", "SECRET_ID=none", "IPAAS_RATE=5000/1s",
		"BC_COMPANY=" + w.source.CompanyName(), "IPAAS_SYSTEM_ID=" + fmt.Sprint(w.target.SystemID()),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	cfg.BCBaseURL, cfg.BCTokenURL, cfg.IPaaSBaseURL = w.source.BaseURL(), w.source.TokenURL(), w.target.BaseURL()
	if w.set.workers > 0 {
		cfg.Workers = w.set.workers
	}
	if w.set.config != nil {
		w.set.config(&cfg)
	}
	p := w.line.Process()
	secrets, err := credentials.NewProvider(credentials.Config{Fetcher: calls.Fetcher{Process: p, Document: func() ([]byte, error) { return w.secret() }}, Now: w.clock.Now, Log: w.logger()})
	if err != nil {
		w.t.Fatal(err)
	}
	a, err := app.Assemble(app.Parts{
		Config: cfg, Secrets: secrets, Store: p.Store(w.disk), Now: w.clock.Now, Log: w.logger(), RetryBackOff: time.Millisecond,
		SourceHTTP: p.Client("source", w.source.HTTPClient()), TargetHTTP: p.Client("target", w.target.HTTPClient()),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	h, err := a.Handler()
	if err != nil {
		w.t.Fatal(err)
	}
	w.process, w.app, w.handler = p, a, h
}

// invoke runs f as one invocation. A process that dies of it is followed by a new
// one after a minute, when its lease and its claims have ended.
func (w *world) invoke(f func()) (survived bool) {
	w.t.Helper()
	if w.process.Run(f) {
		return true
	}
	w.deaths++
	w.start()
	return false
}

// poll does one poll. Its run is zero when the process died.
func (w *world) poll() (run status.Run, err error) {
	w.t.Helper()
	return w.run(poll.Event{Mode: poll.Poll})
}

func (w *world) run(e poll.Event) (run status.Run, err error) {
	w.t.Helper()
	type outcome struct {
		run status.Run
		err error
	}
	out := make(chan outcome, 1)
	a, deadline := w.app, w.set.deadline
	if w.invoke(func() {
		ctx, cancel := context.Background(), context.CancelFunc(func() {})
		if deadline > 0 {
			ctx, cancel = context.WithTimeout(ctx, deadline)
		}
		defer cancel()
		run, err := a.Run(ctx, e)
		out <- outcome{run, err}
	}) {
		o := <-out
		return o.run, o.err
	}
	return status.Run{}, nil
}

// call sends a request to the webhook function; the status is 0 when the process died.
func (w *world) call(path, body string) (code int, answer string) {
	w.t.Helper()
	out := make(chan *httptest.ResponseRecorder, 1)
	h := w.handler
	if !w.invoke(func() {
		r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer key")
		r.Header.Set("Content-Type", "application/json")
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		out <- rec
	}) {
		return 0, ""
	}
	rec := <-out
	return rec.Code, rec.Body.String()
}

func (w *world) add(contacts ...businesscentraltest.Contact) {
	w.t.Helper()
	for _, c := range contacts {
		w.clock.Advance(time.Second)
		w.source.Add(c)
	}
}

func (w *world) edit(ref string, change func(*businesscentraltest.Contact)) {
	w.t.Helper()
	w.clock.Advance(time.Minute)
	w.source.Edit(ref, change)
}

// settle lets time pass, without further faults, until nothing is left to do.
func (w *world) settle() {
	w.t.Helper()
	for range 20 {
		w.clock.Advance(62 * time.Second)
		run, err := w.poll()
		if c := run.Counts; err != nil || !run.Complete || c.Created+c.Updated+c.Linked > 0 {
			continue
		}
		waiting, retrying, err := calls.Open(w.t.Context(), w.disk)
		if err != nil {
			w.t.Fatal(err)
		}
		if waiting+len(retrying) == 0 {
			return
		}
		for _, r := range retrying {
			if r.NextAttemptAt.After(w.clock.Now()) {
				w.clock.Advance(r.NextAttemptAt.Sub(w.clock.Now()))
			}
		}
	}
	w.t.Fatalf("work is left for ever\n%s", w.tail())
}

// tail is the end of the log.
func (w *world) tail() string {
	w.logMu.Lock()
	defer w.logMu.Unlock()
	lines := strings.Split(w.log.String(), "\n")
	return strings.Join(lines[max(0, len(lines)-25):], "\n")
}

// customers describes every customer of iPaaS.com, one line each, without ids that
// depend on the order of creation.
func (w *world) customers() []string {
	var lines []string
	for _, c := range w.target.Customers() {
		lines = append(lines, w.describe(c))
	}
	slices.Sort(lines)
	return lines
}

func (w *world) describe(c ipaastest.Customer) string {
	text := fmt.Sprintf("%s: number %s, %s %s, %s, company %q, inactive %t", c.ExternalID(w.target.SystemID()), c.CustomerNumber, c.FirstName, c.LastName,
		c.EmailAddress, c.Company, c.Inactive)
	fields := slices.Clone(c.CustomFields)
	slices.SortFunc(fields, func(a, b ipaastest.CustomField) int { return strings.Compare(a.Name, b.Name) })
	for _, f := range fields {
		text += fmt.Sprintf(", %s=%s", f.Name, f.Value)
	}
	for _, a := range c.Addresses {
		text += fmt.Sprintf(", address %s %s", a.Fields.Address1, a.Fields.City)
	}
	return text
}

// outcomes describes the latest outcome of every contact, one line each.
func (w *world) outcomes() []string {
	w.t.Helper()
	var lines []string
	for cursor := ""; ; {
		page, err := w.disk.Transfers(w.t.Context(), status.Query{Limit: 200, Cursor: cursor})
		if err != nil {
			w.t.Fatal(err)
		}
		for _, t := range page.Transfers {
			line := fmt.Sprintf("%s %s", t.ID, t.Status)
			if t.Problem != nil {
				line += " " + t.Problem.Code
			}
			lines = append(lines, line)
		}
		if cursor = page.NextCursor; cursor == "" {
			slices.Sort(lines)
			return lines
		}
	}
}

// state returns what the table holds of a contact.
func (w *world) state(id string) transfer.State {
	w.t.Helper()
	ref, err := contact.ParseRef(id)
	if err != nil {
		w.t.Fatal(err)
	}
	key, _, err := w.disk.KeyOf(w.t.Context(), ref)
	if err != nil {
		w.t.Fatal(err)
	}
	s, err := w.disk.State(w.t.Context(), key)
	if err != nil {
		w.t.Fatalf("state of %s: %v", id, err)
	}
	return s
}

// backup returns the table as it stands.
func (w *world) backup() []byte {
	w.t.Helper()
	data, err := os.ReadFile(w.path)
	if err != nil {
		w.t.Fatal(err)
	}
	return data
}

// restore puts the table back as it was and begins a new process over it.
func (w *world) restore(data []byte) {
	w.t.Helper()
	w.path = filepath.Join(w.t.TempDir(), "restored.db")
	if err := os.WriteFile(w.path, data, 0o600); err != nil {
		w.t.Fatal(err)
	}
	w.openTable()
	w.start()
}

func (w *world) openTable() {
	w.t.Helper()
	store, err := embedded.Open(embedded.Config{Connection: "default", Path: w.path, NoSync: true, Now: w.clock.Now, Log: w.logger()})
	if err != nil {
		w.t.Fatal(err)
	}
	w.disk = store
	w.t.Cleanup(func() { _ = store.Close() })
}
