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
	"time"

	"contactsync/shared/poll"
	"contactsync/shared/transfer"
)

// serve runs the sandbox as a server until it is interrupted: the webhook
// function's routes and the operator's page, both simulators, and a poll at every
// interval. Pending items start at once, as the table's stream does it in AWS.
func (v *sandboxVerb) serve(s *session) error {
	listener, err := net.Listen("tcp", v.Listen)
	if err != nil {
		return fmt.Errorf("--listen %s: %w", v.Listen, err)
	}
	defer listener.Close()
	if !listener.Addr().(*net.TCPAddr).IP.IsLoopback() {
		return fmt.Errorf("--listen %s: the sandbox's keys are known to everybody, so it listens on a loopback address only", v.Listen)
	}
	url := "http://" + listener.Addr().String()
	work := make(chan poll.Event, 1)
	box, err := openSandbox(s.cli.Folder, sandboxOptions{
		fresh: v.Fresh, log: s.logger(), webhookURL: url + "/notifications/business-central", sourceURL: url,
		dispatch: func([]transfer.Request) { offer(work, poll.Event{Mode: poll.Stream}) },
	})
	if err != nil {
		return err
	}
	handler, err := box.handler(s)
	if err != nil {
		return errors.Join(err, box.close())
	}
	door, err := openDoor(s.cli.Folder, url)
	if err != nil {
		return errors.Join(err, box.close())
	}
	defer door.close()
	server := &http.Server{Handler: door.guard(box, s, handler), ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return s.ctx }}
	go func() { _ = server.Serve(listener) }()
	v.announce(s, url)
	box.keepWorking(s, v.Every, work)
	stopping, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), 5*time.Second)
	defer cancel()
	return errors.Join(server.Shutdown(stopping), box.close())
}

func offer(work chan<- poll.Event, e poll.Event) {
	select {
	case work <- e:
	default: // a run is waiting already; it takes everything that is pending
	}
}

func (v *sandboxVerb) announce(s *session, url string) {
	fmt.Fprintf(s.out, `The sandbox serves both simulators and the webhook function's routes. Stop it with Ctrl-C.
  operator's page   %s/   (key: %s)
  routes            curl -H 'Authorization: Bearer %s' %s/transfers
  Business Central  curl %s/simulator/contacts
  iPaaS.com         curl %s/ipaas/simulator/customers
  polls every       %s
`, url, sandboxKey, sandboxKey, url, url, url, v.Every)
}

// handler puts the product's routes, Business Central and iPaaS.com under one
// address.
func (b *sandbox) handler(s *session) (http.Handler, error) {
	product, err := b.app.Handler()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/ipaas/", http.StripPrefix("/ipaas", b.target))
	for _, prefix := range []string{"/v2.0/", "/BC/", "/simulator/", "/" + b.source.Config().Tenant + "/"} {
		mux.Handle(prefix, b.source)
	}
	mux.Handle("/", product)
	return mux, nil
}

// keepWorking polls at every interval, transfers what is dispatched and delivers
// Business Central's notifications, until the session ends.
func (b *sandbox) keepWorking(s *session, every time.Duration, work <-chan poll.Event) {
	polls, second := time.NewTicker(every), time.NewTicker(time.Second)
	defer polls.Stop()
	defer second.Stop()
	b.work(s, poll.Event{Mode: poll.Poll})
	for {
		select {
		case <-s.ctx.Done():
			return
		case e := <-work:
			b.work(s, e)
		case <-polls.C:
			b.work(s, poll.Event{Mode: poll.Poll})
		case <-second.C:
			if _, err := b.source.DeliverNotifications(s.ctx); err != nil && s.ctx.Err() == nil {
				fmt.Fprintln(s.err, "contactsync: notifications:", err)
			}
		}
	}
}

func (b *sandbox) work(s *session, e poll.Event) {
	if _, err := b.app.Run(s.ctx, e); err != nil && s.ctx.Err() == nil {
		fmt.Fprintln(s.err, "contactsync: run:", explain(err))
	}
}

// A door lets the command's other verbs into a running sandbox: only one process
// can hold its store.
type door struct {
	path string
	URL  string `json:"url"`
	Key  string `json:"key"`
}

func openDoor(folder, url string) (*door, error) {
	d := &door{path: filepath.Join(folder, serverFile), URL: url, Key: rand.Text()}
	data, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	return d, os.WriteFile(d.path, data, 0o600)
}

func (d *door) close() { _ = os.Remove(d.path) }

const doorRoute = "/sandbox/verb"

type verbRequest struct {
	Args []string `json:"args"`
}

type verbAnswer struct {
	Status int    `json:"status"`
	Out    string `json:"out"`
	Err    string `json:"err"`
}

// guard answers verbs for those who can read the folder, and hands everything
// else on.
func (d *door) guard(b *sandbox, s *session, next http.Handler) http.Handler {
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
		status := runIn(r.Context(), b, q.Args, &out, &errOut)
		_ = json.NewEncoder(w).Encode(verbAnswer{Status: status, Out: out.String(), Err: errOut.String()})
	})
}

// knock runs a verb in a running sandbox. found is false when none runs.
func knock(ctx context.Context, folder string, args []string, out, errOut io.Writer) (status int, found bool) {
	data, err := os.ReadFile(filepath.Join(folder, serverFile))
	if err != nil {
		return 0, false
	}
	var d door
	if json.Unmarshal(data, &d) != nil {
		return 0, false
	}
	body, _ := json.Marshal(verbRequest{Args: args})
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, d.URL+doorRoute, bytes.NewReader(body))
	if err != nil {
		return 0, false
	}
	request.Header.Set("X-Sandbox-Key", d.Key)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, false // it was killed and left its file behind
	}
	defer answer.Body.Close()
	var told verbAnswer
	if answer.StatusCode != http.StatusOK || json.NewDecoder(answer.Body).Decode(&told) != nil {
		return 0, false
	}
	_, _ = io.WriteString(out, told.Out)
	_, _ = io.WriteString(errOut, told.Err)
	return told.Status, true
}
