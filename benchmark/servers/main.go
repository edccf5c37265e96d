// Command servers serves both simulators in a process of their own, so that what
// they cost is not measured with what calls them. It ends when its input does.
//
//	servers -people 1000 -latency 20ms
//
// The first line of its output is JSON: where everything is.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"contactsync/benchmark/people"
	"contactsync/benchmark/stage"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/ipaas/ipaastest"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "servers:", err)
		os.Exit(1)
	}
}

func run(args []string, in io.Reader, out io.Writer) error {
	flags := flag.NewFlagSet("servers", flag.ContinueOnError)
	count := flags.Int("people", 1000, "contacts in Business Central")
	latency := flags.Duration("latency", 0, "before every answer of either side")
	plain := flags.Bool("plain", false, "pages are not compressed")
	if err := flags.Parse(args); err != nil {
		return err
	}
	source := businesscentraltest.New(businesscentraltest.Config{Latency: *latency, RequestLimit: -1, NoCompression: *plain})
	if err := fill(source, *count); err != nil {
		return err
	}
	target := &target{latency: *latency}
	target.reset(0)

	var listeners []net.Listener
	for _, handler := range []http.Handler{source, target, http.HandlerFunc(target.control)} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		listeners = append(listeners, listener)
		server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
		go func() { _ = server.Serve(listener) }()
	}
	source.SetOrigin("http://" + listeners[0].Addr().String())
	first := target.present.Load()
	c := source.Config()
	secret := fmt.Sprintf(`{"business_central":{"tenant_id":%q,"client_id":%q,"client_secret":%q},"ipaas":{"api_key":%q},"webhook":{"client_states":["state"],"api_keys":["key"]}}`,
		c.Tenant, c.ClientID, c.ClientSecret, first.APIKey())
	err := json.NewEncoder(out).Encode(stage.Addresses{
		BusinessCentral: source.BaseURL(), Token: source.TokenURL(), Company: source.CompanyName(), Secret: secret,
		IPaaS: "http://" + listeners[1].Addr().String(), APIKey: first.APIKey(), SystemID: strconv.FormatInt(first.SystemID(), 10),
		Control: "http://" + listeners[2].Addr().String(),
	})
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, in)
	return err
}

func fill(source *businesscentraltest.Simulator, count int) error {
	rows := make([]businesscentraltest.Contact, 0, min(count, 50_000))
	for i := 0; i < count; i += len(rows) {
		rows = rows[:0]
		for j := i; j < min(count, i+cap(rows)); j++ {
			rows = append(rows, people.Stored(j))
		}
		if err := source.AddContacts(rows...); err != nil {
			return err
		}
	}
	return nil
}

// target is iPaaS.com, which can begin anew between two measurements.
type target struct {
	latency time.Duration
	present atomic.Pointer[ipaastest.Simulator]
}

func (t *target) ServeHTTP(w http.ResponseWriter, r *http.Request) { t.present.Load().ServeHTTP(w, r) }

// control is POST /reset?linked=1000: an account with so many customers, the
// first persons.
func (t *target) control(w http.ResponseWriter, r *http.Request) {
	linked, err := strconv.Atoi(r.URL.Query().Get("linked"))
	if r.Method != http.MethodPost || r.URL.Path != "/reset" || err != nil {
		http.Error(w, "expected POST /reset?linked=N", http.StatusBadRequest)
		return
	}
	t.reset(linked)
}

func (t *target) reset(linked int) {
	cfg := ipaastest.Config{RecordLimit: -1, Unexpected: func(r ipaastest.Request, why string) {
		panic(errors.New("a call that the simulator knows nothing about: " + r.Method + " " + r.Path + ": " + why))
	}}
	if t.latency > 0 {
		cfg.Latency = func(ipaastest.Route) time.Duration { return t.latency }
	}
	sim := ipaastest.New(cfg)
	for i := range linked {
		sim.AddCustomer(ipaastest.Customer{
			ID: int64(i + 1), FirstName: "Robert", LastName: "Townes", EmailAddress: people.EMail(i), CustomerNumber: people.No(i),
			ExternalIDs: []ipaastest.ExternalID{{SystemID: sim.SystemID(), ExternalID: people.No(i) + "|contact"}},
		})
	}
	t.present.Store(sim)
}
