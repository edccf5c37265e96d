package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"contactsync/shared/poll"
	"contactsync/shared/transfer"
)

// serve runs the sandbox as a server until it is interrupted: the webhook
// function's routes and the operator's page, both simulators, and a poll at every
// interval. Pending items start at once, as the table's stream does it in AWS.
func (v *sandboxVerb) serve(s *session) error {
	listener, err := new(net.ListenConfig).Listen(s.ctx, "tcp", v.Listen)
	if err != nil {
		return fmt.Errorf("--listen %s: %w", v.Listen, err)
	}
	defer listener.Close()
	if !listener.Addr().(*net.TCPAddr).IP.IsLoopback() {
		return fmt.Errorf("--listen %s: the sandbox's keys are known to everybody, so it listens on a loopback address only", v.Listen)
	}
	url := "http://" + listener.Addr().String()
	stored := make(chan struct{}, 1) // something waits for its transfer
	box, err := openSandbox(s.cli.Folder, sandboxOptions{
		environ: s.environ, fresh: v.Fresh, log: s.logger(), webhookURL: url + "/notifications/business-central", sourceURL: url,
		dispatch: func([]transfer.Request) {
			select {
			case stored <- struct{}{}:
			default: // told already; what waits is read when its turn comes
			}
		},
	})
	if err != nil {
		return err
	}
	handler, err := box.handler()
	if err != nil {
		return errors.Join(err, box.close())
	}
	door := newDoor(s.cli.Folder, url, s.environ)
	server := &http.Server{Handler: door.guard(box, handler), ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return s.ctx }}
	go func() { _ = server.Serve(listener) }()
	// The door opens last: who finds it finds a sandbox that is ready.
	if err := errors.Join(box.begun(s, url, stored), door.open()); err != nil {
		return errors.Join(err, end(s.ctx, server), box.close())
	}
	defer door.close()
	err = v.announce(s, url)
	box.keepWorking(s, v.Every, stored)
	return errors.Join(err, end(s.ctx, server), box.close())
}

// end lets the answers under way go out, for a moment, and then closes what is
// still open: most often a connection that a client keeps for later.
func end(ctx context.Context, server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := server.Shutdown(ctx); err == nil || !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return server.Close()
}

func (v *sandboxVerb) announce(s *session, url string) error {
	where := map[string]string{
		"page": url + "/", "key": sandboxKey, "routes": url, "business_central": url + "/simulator/contacts", "ipaas": url + "/ipaas/simulator/customers",
		"every": v.Every.String(),
	}
	return s.print(where, func(w io.Writer) {
		fmt.Fprintln(w, "The sandbox serves both simulators and the webhook function's routes. Stop it with Ctrl-C.")
		s.facts(w,
			fact{"operator's page", url + "/   (key: " + sandboxKey + ")"},
			fact{"routes", "curl -H 'Authorization: Bearer " + sandboxKey + "' " + url + "/transfers"},
			fact{"Business Central", "curl " + url + "/simulator/contacts"},
			fact{"iPaaS.com", "curl " + url + "/ipaas/simulator/customers"},
			fact{"polls every", v.Every.String()},
			fact{"other verbs", "contactsync errors, in another terminal"},
		)
		// Not wrapped: it is to be copied.
		fmt.Fprintf(w, "A contact that is mended in Business Central arrives within seconds:\n  curl -X PATCH --json '{\"e_mail\":\"max.silent@example.com\"}' %s/simulator/contacts/CT000062\n", url)
	})
}

// handler puts the product's routes, Business Central and iPaaS.com under one
// address.
func (b *sandbox) handler() (http.Handler, error) {
	product, err := b.app.Handler()
	if err != nil {
		return nil, err
	}
	// Not a ServeMux: it would redirect ids that look like unclean paths.
	simulators := []string{"/v2.0/", "/BC/", "/simulator/", "/" + b.source.Config().Tenant + "/"}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/ipaas/"):
			http.StripPrefix("/ipaas", b.target).ServeHTTP(w, r)
		case slices.ContainsFunc(simulators, func(prefix string) bool { return strings.HasPrefix(r.URL.Path, prefix) }):
			b.source.ServeHTTP(w, r)
		default:
			product.ServeHTTP(w, r)
		}
	}), nil
}

// keepWorking polls at every interval, transfers what is dispatched and delivers
// Business Central's notifications, until the session ends.
func (b *sandbox) keepWorking(s *session, every time.Duration, stored <-chan struct{}) {
	polls, second := time.NewTicker(every), time.NewTicker(time.Second)
	defer polls.Stop()
	defer second.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-stored:
			b.workOnWaiting(s)
		case <-polls.C:
			b.work(s, poll.Event{Mode: poll.Poll})
			if err := b.announceHooks(s.ctx); err != nil && s.ctx.Err() == nil {
				fmt.Fprintln(s.err, "contactsync: hooks:", err)
			}
		case <-second.C:
			if _, err := b.source.DeliverNotifications(s.ctx); err != nil && s.ctx.Err() == nil {
				fmt.Fprintln(s.err, "contactsync: notifications:", err)
			}
			if err := b.save(); err != nil { // a process that is killed has lost a second at most
				fmt.Fprintln(s.err, "contactsync: the sandbox could not be saved:", err)
			}
		}
	}
}

// begun lets a new sandbox have a history, and any other go on with a poll. What
// the history dispatched is done; what the hooks announce waits for the next poll.
func (b *sandbox) begun(s *session, url string, stored <-chan struct{}) error {
	if b.isNew {
		if err := b.live(s.ctx, url); err != nil {
			return err
		}
	} else {
		b.work(s, poll.Event{Mode: poll.Poll})
	}
	select {
	case <-stored:
	default:
	}
	return b.announceHooks(s.ctx)
}

func (b *sandbox) work(s *session, e poll.Event) {
	if _, err := b.app.Run(s.ctx, e); err != nil && s.ctx.Err() == nil {
		fmt.Fprintln(s.err, "contactsync: run:", explain(err))
	}
}

// workOnWaiting does what the table's stream starts in AWS.
func (b *sandbox) workOnWaiting(s *session) {
	waiting, _, err := b.store.Requests(s.ctx, 1000)
	if err != nil {
		fmt.Fprintln(s.err, "contactsync: what waits cannot be read:", err)
		return
	}
	b.work(s, poll.Event{Mode: poll.Stream, Requests: waiting})
}

// A door lets the command's other verbs into a running sandbox: only one process
// can hold its store.
type door struct {
	path     string
	URL      string            `json:"url"`
	Key      string            `json:"key"`
	Settings map[string]string `json:"settings,omitempty"` // what the sandbox works with, where it was set
}

// behaviour names the settings that change what a sandbox does.
var behaviour = []string{"BC_API_PATH", "BC_PROFILE", "COLLISION_METHOD", "COMPANY_NOT_FOUND", "IPAAS_RATE", "MAPPING_FILE", "POLL_OVERLAP", "RETRY_UNIT", "WORKERS"}

func newDoor(folder, url string, environ []string) *door {
	d := &door{path: filepath.Join(folder, serverFile), URL: url, Key: rand.Text(), Settings: map[string]string{}}
	for _, name := range behaviour {
		if value := setting(environ, name); value != "" {
			d.Settings[name] = value
		}
	}
	return d
}

// differs names a setting of the caller that a running sandbox does not have, as
// NAME=value. An answer given without it would be wrong and look right.
func (d *door) differs(environ []string) string {
	for _, name := range behaviour {
		if value := setting(environ, name); value != "" && value != d.Settings[name] {
			return name + "=" + value
		}
	}
	return ""
}

func (d *door) open() error {
	data, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return os.WriteFile(d.path, data, 0o600)
}

func (d *door) close() { _ = os.Remove(d.path) }

const doorRoute = "/sandbox/verb"

type verbRequest struct {
	Args   []string `json:"args"`
	Screen screen   `json:"screen"` // where the caller shows the answer
}

type verbAnswer struct {
	Status int    `json:"status"`
	Out    string `json:"out"`
	Err    string `json:"err"`
	Asks   string `json:"asks,omitempty"` // the verb did nothing: it wants this confirmed, and then --yes
}

// guard answers verbs for those who can read the folder, and hands everything
// else on.
func (d *door) guard(b *sandbox, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != doorRoute || r.Method != http.MethodPost {
			next.ServeHTTP(w, r)
			return
		}
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("X-Sandbox-Key")), []byte(d.Key)) != 1 {
			http.Error(w, "the key of the sandbox's folder is missing", http.StatusUnauthorized)
			return
		}
		var q verbRequest
		if err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&q); err != nil {
			http.Error(w, "expected the arguments of a verb", http.StatusBadRequest)
			return
		}
		var out, errOut bytes.Buffer
		var told verbAnswer
		told.Status = runIn(r.Context(), b, q.Args, q.Screen, &out, &errOut, &told.Asks)
		told.Out, told.Err = out.String(), errOut.String()
		_ = json.NewEncoder(w).Encode(told) // a caller that went away needs no answer
	})
}

// knock runs the verb in a running sandbox. found is false when none runs.
func (s *session) knock() (status int, found bool, err error) {
	d := findDoor(s.cli.Folder)
	if d == nil {
		return 0, false, nil
	}
	if other := d.differs(s.environ); other != "" {
		if _, found := s.ask(d, []string{"runs", "--limit", "1"}); !found {
			return 0, false, s.ctx.Err() // what was left behind by one that was killed
		}
		return 0, false, fmt.Errorf("the sandbox in %s is being served without %s: end it, or serve it with that", s.cli.Folder, other)
	}
	told, found := s.ask(d, s.args)
	if found && told.Asks != "" {
		yes, err := s.confirm(told.Asks)
		if err != nil || !yes {
			return exitWell, true, err
		}
		told, found = s.ask(d, append(slices.Clone(s.args), "--yes"))
	}
	if !found && s.ctx.Err() != nil {
		return 0, false, s.ctx.Err() // interrupted
	}
	_, _ = io.WriteString(s.err, told.Err)
	_, err = io.WriteString(s.out, told.Out)
	return told.Status, found, err
}

// findDoor reads where a running sandbox is found; nil when there is no sign of one.
func findDoor(folder string) *door {
	data, err := os.ReadFile(filepath.Join(folder, serverFile))
	if err != nil {
		return nil
	}
	var d door
	if json.Unmarshal(data, &d) != nil {
		return nil
	}
	return &d
}

// ask sends a verb through the door and waits with a sign of life.
func (s *session) ask(d *door, args []string) (told verbAnswer, found bool) {
	done := s.watch("the running sandbox works on it", -1)
	defer done()
	return d.ask(s.ctx, verbRequest{Args: args, Screen: s.screen})
}

// ask sends a verb through the door. found is false when nobody answers behind
// it: the sandbox was killed and left its file.
func (d *door) ask(ctx context.Context, q verbRequest) (told verbAnswer, found bool) {
	body, err := json.Marshal(q)
	if err != nil {
		return told, false
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, d.URL+doorRoute, bytes.NewReader(body))
	if err != nil {
		return told, false
	}
	request.Header.Set("X-Sandbox-Key", d.Key)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return told, false
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK || json.NewDecoder(answer.Body).Decode(&told) != nil {
		return verbAnswer{}, false
	}
	return told, true
}
