package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"contactsync/files"
	"contactsync/shared/app"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/config"
	"contactsync/shared/credentials"
	"contactsync/shared/ipaas/ipaastest"
	"contactsync/shared/status"
	"contactsync/shared/status/embedded"
	"contactsync/shared/transfer"
)

// Keys of the sandbox. They open nothing but the simulators of this machine.
const (
	sandboxKey         = "sandbox-key"
	sandboxClientState = "sandbox-client-state"
)

// Files of the sandbox's folder.
const (
	storeFile  = "transfers.db"
	sourceFile = "business-central.json"
	targetFile = "ipaas.json"
	serverFile = "server.json" // where a running sandbox --serve is found
)

// A sandbox is both simulators and an embedded store in one process, with the App
// over them.
type sandbox struct {
	folder string
	source *businesscentraltest.Simulator
	target *ipaastest.Simulator
	store  *embedded.Store
	app    *app.App
	clock  *sandboxClock
	isNew  bool // nothing happened in it yet

	dispatch func([]transfer.Request) // starts what waits at once; nil where the next poll does
	mu       sync.Mutex               // of saved: one save at a time
	saved    map[string][]byte        // content of the simulators' files, by name
}

// sandboxOptions change how a sandbox is opened.
type sandboxOptions struct {
	environ    []string // settings; those that say where the systems are do not count
	fresh      bool     // begin with the demo company anew
	log        *slog.Logger
	progress   func(status.Counts)
	dispatch   func([]transfer.Request)
	webhookURL string
	sourceURL  string // address at which Business Central is served; in memory if empty
}

// openSandbox opens the folder, with the demo company in it when it is new.
func openSandbox(folder string, o sandboxOptions) (*sandbox, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	clock := &sandboxClock{}
	store, err := embedded.Open(embedded.Config{Connection: "sandbox", Path: filepath.Join(folder, storeFile), NoSync: true, Now: clock.Now, Log: o.log})
	if errors.Is(err, embedded.ErrLocked) {
		return nil, fmt.Errorf("another process uses the sandbox in %s; wait for it or end it", folder)
	}
	if err != nil {
		return nil, err
	}
	b := &sandbox{folder: folder, store: store, clock: clock, dispatch: o.dispatch, saved: map[string][]byte{}}
	if err := b.begin(o); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return b, nil
}

func (b *sandbox) begin(o sandboxOptions) error {
	if o.fresh {
		if err := b.clear(o.log); err != nil {
			return err
		}
	}
	if err := b.simulate(); err != nil {
		return err
	}
	if o.sourceURL != "" {
		b.source.SetOrigin(o.sourceURL)
	}
	return b.assemble(o)
}

// clear empties the folder while its store is open: the store is made anew.
func (b *sandbox) clear(log *slog.Logger) error {
	for _, name := range []string{sourceFile, targetFile} {
		if err := os.Remove(filepath.Join(b.folder, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	path := filepath.Join(b.folder, storeFile)
	if err := b.store.Close(); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil {
		return err
	}
	store, err := embedded.Open(embedded.Config{Connection: "sandbox", Path: path, NoSync: true, Now: b.clock.Now, Log: log})
	if err == nil {
		b.store = store
	}
	return err
}

// simulate starts the simulators with the state of the folder, or the demo company.
func (b *sandbox) simulate() error {
	b.source = businesscentraltest.New(businesscentraltest.Config{Admin: true, NotificationDelay: time.Second, Now: b.clock.Now})
	saved, err := load(filepath.Join(b.folder, sourceFile), b.source.Load)
	if err != nil {
		return err
	}
	b.isNew = !saved
	if b.isNew {
		if err := b.source.AddDemo(); err != nil {
			return err
		}
	}
	demo := businesscentraltest.NewDemo()
	links := map[string]string{}
	for _, company := range demo.LinkedCompanies {
		links[company.Name] = company.Number
	}
	b.target = ipaastest.Demo(ipaastest.Config{Now: b.clock.Now}, links, demo.TakenEMails...)
	_, err = load(filepath.Join(b.folder, targetFile), b.target.Load)
	return err
}

func load(path string, read func(io.Reader) error) (bool, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := read(bytes.NewReader(data)); err != nil {
		return false, fmt.Errorf("%s: %w; contactsync sandbox begins anew", path, err)
	}
	return true, nil
}

func (b *sandbox) assemble(o sandboxOptions) error {
	cfg, err := config.Load(o.environ, config.Supplied("TABLE_NAME", "SECRET_ID", "BC_COMPANY", "IPAAS_SYSTEM_ID"), config.Readable(files.Read))
	if err != nil {
		return err
	}
	cfg.Connection, cfg.BCCompany, cfg.IPaaSSystemID = "sandbox", b.source.CompanyName(), fmt.Sprint(b.target.SystemID())
	cfg.BCBaseURL, cfg.BCTokenURL, cfg.IPaaSBaseURL = b.source.BaseURL(), b.source.TokenURL(), b.target.BaseURL()
	cfg.WebhookURL = o.webhookURL
	if !isSet(o.environ, "IPAAS_RATE") {
		// The default is the limit of an ordinary account; a simulator has none.
		cfg.IPaaSRate = config.Rate{Calls: 1_000_000, Window: time.Second}
	}
	if !isSet(o.environ, "WORKERS") {
		// Some contacts of the demo company share an e-mail address. One after the
		// other, the same ones arrive each time, and pages and people can name them.
		cfg.Workers = 1
	}
	secrets, err := credentials.NewProvider(credentials.Config{Fetcher: credentials.Static(b.secret()), Now: b.clock.Now, Log: o.log})
	if err != nil {
		return err
	}
	parts := app.Parts{
		Config: cfg, Secrets: secrets, Store: b.store, Now: b.clock.Now, Log: o.log, Progress: o.progress, Dispatch: o.dispatch,
		SourceHTTP: b.source.HTTPClient(), TargetHTTP: b.target.HTTPClient(),
	}
	b.app, err = app.Assemble(parts)
	return err
}

func (b *sandbox) secret() []byte {
	c := b.source.Config()
	return fmt.Appendf(nil, `{"business_central":{"tenant_id":%q,"client_id":%q,"client_secret":%q},"ipaas":{"api_key":%q},"webhook":{"client_states":[%q],"api_keys":[%q]}}`,
		c.Tenant, c.ClientID, c.ClientSecret, b.target.APIKey(), sandboxClientState, sandboxKey)
}

// isSet reports whether a variable has a value. Empty is unset, and of several
// values the last one counts (see config.Load).
func isSet(environ []string, name string) bool { return setting(environ, name) != "" }

func setting(environ []string, name string) (value string) {
	for _, pair := range environ {
		if text, found := strings.CutPrefix(pair, name+"="); found {
			value = strings.TrimSpace(text)
		}
	}
	return value
}

// close keeps the simulators' state and closes the store.
func (b *sandbox) close() error { return errors.Join(b.save(), b.store.Close()) }

// save writes the state of the simulators into the folder, where it changed.
func (b *sandbox) save() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return errors.Join(b.saveFile(sourceFile, b.source.Save), b.saveFile(targetFile, b.target.Save))
}

// saveFile replaces a file only once its new content is whole.
func (b *sandbox) saveFile(name string, write func(io.Writer) error) error {
	var content bytes.Buffer
	if err := write(&content); err != nil {
		return err
	}
	if bytes.Equal(content.Bytes(), b.saved[name]) {
		return nil
	}
	path := filepath.Join(b.folder, name)
	if err := os.WriteFile(path+".new", content.Bytes(), 0o600); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	b.saved[name] = content.Bytes()
	return nil
}
