// Package apptest is a whole connection for tests: both simulators, an embedded
// store and the App over them, with a clock that only the test moves.
package apptest

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"contactsync/shared/app"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/config"
	"contactsync/shared/contact"
	"contactsync/shared/credentials"
	"contactsync/shared/ipaas/ipaastest"
	"contactsync/shared/mapping"
	"contactsync/shared/poll"
	"contactsync/shared/status"
	"contactsync/shared/status/embedded"
	"contactsync/shared/transfer"
)

// Start is the time at which the clock of a World stands first.
var Start = time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC)

// Keys that the World's secret accepts.
const (
	APIKey      = "operator-key"
	ClientState = "client-state"
)

// A Clock stands until the test moves it.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now returns the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	c.now = c.now.Add(d)
	c.mu.Unlock()
}

// A World is one connection with everything around it.
type World struct {
	T      testing.TB
	Clock  *Clock
	Source *businesscentraltest.Simulator
	Target *ipaastest.Simulator
	Store  status.Store
	App    *app.App
	Log    *bytes.Buffer // everything that was logged, as JSON lines

	options Options
	logMu   sync.Mutex
}

// Options change a World. The zero value is the default of every setting.
type Options struct {
	Config   func(*config.Config)
	Source   businesscentraltest.Config
	Target   ipaastest.Config
	Mapping  string // a mapping file's text; the embedded one if empty
	Secret   string // the secret's document; that of World.Secret if empty
	Store    status.Store
	Deadline time.Duration
}

// New starts a World that ends with the test.
func New(t testing.TB, options ...Options) *World {
	t.Helper()
	w := &World{T: t, Clock: &Clock{now: Start}, Log: &bytes.Buffer{}}
	if len(options) > 0 {
		w.options = options[0]
	}
	w.options.Source.Now, w.options.Target.Now = w.Clock.Now, w.Clock.Now
	w.Source = businesscentraltest.Start(t, w.options.Source)
	w.Target = ipaastest.InMemory(t, w.options.Target)
	w.Store = w.options.Store
	if w.Store == nil {
		w.Store = w.openStore()
	}
	w.Restart()
	return w
}

func (w *World) openStore() status.Store {
	w.T.Helper()
	store, err := embedded.Open(embedded.Config{
		Connection: "default", Path: filepath.Join(w.T.TempDir(), "transfers.db"), NoSync: true, Now: w.Clock.Now, Log: w.logger(),
	})
	if err != nil {
		w.T.Fatal(err)
	}
	w.T.Cleanup(func() { _ = store.Close() })
	return store
}

// NewStore gives the World an empty table, as if the old one were lost.
func (w *World) NewStore() {
	w.T.Helper()
	w.Store = w.openStore()
	w.Restart()
}

// Restart makes the App anew over the same store and simulators, as a cold start
// does.
func (w *World) Restart() {
	w.T.Helper()
	cfg := w.settings()
	document := cmp.Or(w.options.Secret, w.Secret())
	secrets, err := credentials.NewProvider(credentials.Config{Fetcher: credentials.Static([]byte(document)), Now: w.Clock.Now, Log: w.logger()})
	if err != nil {
		w.T.Fatal(err)
	}
	parts := app.Parts{
		Config: cfg, Secrets: secrets, Store: w.Store, Now: w.Clock.Now, Log: w.logger(),
		SourceHTTP: w.Source.HTTPClient(), TargetHTTP: w.Target.HTTPClient(), RetryBackOff: time.Millisecond,
	}
	if w.options.Mapping != "" {
		if parts.Mapping, err = mapping.Load("test.yaml", []byte(w.options.Mapping)); err != nil {
			w.T.Fatal(err)
		}
	}
	if w.App, err = app.Assemble(parts); err != nil {
		w.T.Fatal(err)
	}
}

func (w *World) settings() config.Config {
	cfg, err := config.Load([]string{
		"TABLE_NAME=none", "SECRET_ID=none",
		"BC_COMPANY=" + w.Source.CompanyName(), "IPAAS_SYSTEM_ID=" + fmt.Sprint(w.Target.SystemID()), "IPAAS_RATE=1000000/1s",
	})
	if err != nil {
		w.T.Fatal(err)
	}
	// The simulators answer in memory under addresses of their own.
	cfg.BCBaseURL, cfg.BCTokenURL, cfg.IPaaSBaseURL = w.Source.BaseURL(), w.Source.TokenURL(), w.Target.BaseURL()
	if w.options.Config != nil {
		w.options.Config(&cfg)
	}
	return cfg
}

// Secret returns the document of the World's secret.
func (w *World) Secret() string {
	c := w.Source.Config()
	return fmt.Sprintf(`{"business_central":{"tenant_id":%q,"client_id":%q,"client_secret":%q},"ipaas":{"api_key":%q},"webhook":{"client_states":[%q],"api_keys":[%q]}}`,
		c.Tenant, c.ClientID, c.ClientSecret, w.Target.APIKey(), ClientState, APIKey)
}

type lockedWriter struct{ w *World }

func (l lockedWriter) Write(p []byte) (int, error) {
	l.w.logMu.Lock()
	defer l.w.logMu.Unlock()
	return l.w.Log.Write(p)
}

func (w *World) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(lockedWriter{w}, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// Person returns a contact that is transferred: number, complete name and address.
func Person(no, email string) businesscentraltest.Contact {
	return businesscentraltest.Contact{
		No: no, Type: "Person", FirstName: "Robert", Surname: "Townes", EMail: email, CustomerType: "B2B", WebUserRole: "Buyer", ActiveWebUser: true,
		Address: "192 Market Square", City: "Atlanta", County: "GA", CountryRegionCode: "US", PostCode: "31772", PhoneNo: "+1 425 555 0101",
	}
}

// Add puts contacts into Business Central and moves the clock by a second each.
func (w *World) Add(contacts ...businesscentraltest.Contact) {
	w.T.Helper()
	for _, c := range contacts {
		w.Clock.Advance(time.Second)
		if err := w.Source.AddContacts(c); err != nil {
			w.T.Fatal(err)
		}
	}
}

// Edit changes a contact a minute later.
func (w *World) Edit(ref string, change func(*businesscentraltest.Contact)) {
	w.T.Helper()
	w.Clock.Advance(time.Minute)
	if err := w.Source.EditContact(ref, change); err != nil {
		w.T.Fatal(err)
	}
}

// Context returns the context of one invocation, with a deadline as Lambda gives it.
func (w *World) Context() context.Context {
	if w.options.Deadline == 0 {
		return w.T.Context()
	}
	ctx, cancel := context.WithTimeout(w.T.Context(), w.options.Deadline)
	w.T.Cleanup(cancel)
	return ctx
}

// Poll does one poll and fails the test if the run itself could not work.
func (w *World) Poll() status.Run {
	w.T.Helper()
	return w.Run(poll.Event{Mode: poll.Poll})
}

// Run does one run and fails the test if the run itself could not work.
func (w *World) Run(e poll.Event) status.Run {
	w.T.Helper()
	run, err := w.App.Run(w.Context(), e)
	if err != nil {
		w.T.Fatalf("run: %v\n%s", err, w.Log)
	}
	c := run.Counts
	if sum := c.Created + c.Updated + c.Linked + c.Unchanged + c.Skipped + c.Failed + c.Retrying + c.Pending; c.Read != sum {
		w.T.Fatalf("read %d is not the sum of the other counts %d", c.Read, sum)
	}
	return run
}

// Sync transfers one contact by hand.
func (w *World) Sync(id string) transfer.Transfer {
	w.T.Helper()
	t, err := w.TrySync(id, transfer.ByManual)
	if err != nil {
		w.T.Fatalf("sync %s: %v", id, err)
	}
	return t
}

// TrySync transfers one contact and returns the error that leaves it unspent.
func (w *World) TrySync(id string, trigger transfer.Trigger) (transfer.Transfer, error) {
	w.T.Helper()
	runner, err := w.App.Runner()
	if err != nil {
		w.T.Fatal(err)
	}
	ref, err := contact.ParseRef(id)
	if err != nil {
		w.T.Fatal(err)
	}
	return runner.Transfer(w.Context(), transfer.Job{Ref: ref, Trigger: trigger, RunID: "test"})
}

// State returns what the store knows of a contact.
func (w *World) State(id string) transfer.State {
	w.T.Helper()
	ref, err := contact.ParseRef(id)
	if err != nil {
		w.T.Fatal(err)
	}
	key, _, err := w.Store.KeyOf(w.T.Context(), ref)
	if err != nil {
		w.T.Fatal(err)
	}
	s, err := w.Store.State(w.T.Context(), key)
	if err != nil {
		w.T.Fatalf("state of %s: %v", id, err)
	}
	return s
}
