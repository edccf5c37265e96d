package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// patience bounds the waits for what a running sandbox does by itself.
const patience = 30 * time.Second

// A served sandbox runs as sandbox --serve does in a terminal.
type served struct {
	*desk
	url  string
	stop func() told // Ctrl-C
}

// serve starts a sandbox on a free port and waits for its first poll.
func serve(t *testing.T) *served {
	t.Helper()
	t.Parallel() // it waits more than it works
	d := newDesk(t)
	ctx, interrupt := context.WithCancel(t.Context())
	ended := make(chan told, 1)
	go func() {
		var out, errOut bytes.Buffer
		status := run(ctx, []string{"--folder", d.folder, "sandbox", "--serve", "--listen", "127.0.0.1:0", "--every", "1h"}, nil, &out, &errOut)
		ended <- told{t, "sandbox --serve", status, out.String(), errOut.String()}
	}()
	var last told
	s := &served{desk: d, stop: func() told {
		interrupt()
		select {
		case last = <-ended:
		case <-time.After(patience):
			t.Fatal("the sandbox did not end")
		}
		return last
	}}
	t.Cleanup(func() {
		interrupt()
		if last.args == "" {
			<-ended
		}
	})
	var open door
	s.until("server.json is there", func() bool {
		data, err := os.ReadFile(filepath.Join(d.folder, serverFile))
		return err == nil && json.Unmarshal(data, &open) == nil
	})
	s.url = open.URL
	s.until("the first poll is done", func() bool {
		return strings.Contains(s.run("runs", "-o", "json").out, `"created": 276`)
	})
	return s
}

// until waits for what happens by itself.
func (s *served) until(what string, happened func() bool) {
	s.t.Helper()
	deadline := time.After(patience)
	for !happened() {
		select {
		case <-deadline:
			s.t.Fatalf("not within %s: %s", patience, what)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func TestCtrlCEndsARunningSandboxAndKeepsItsState(t *testing.T) {
	s := serve(t)
	s.stop().must(exitWell).says("operator's page", "sandbox-key", s.url)
	if _, err := os.Stat(filepath.Join(s.folder, serverFile)); err == nil {
		t.Error("server.json is left behind")
	}
	s.run("show", "CT000002").must(exitWell).says("CT000002|contact arrived: created")
	// The simulators were kept as well: the contact is as it was transferred.
	s.run("sync", "CT000002").must(exitWell).says("unchanged")
}

func TestOtherVerbsWorkThroughARunningSandbox(t *testing.T) {
	s := serve(t)
	s.run("show", "CT000062").must(exitWell).says("Email field is empty")
	s.run("show", "4711").must(exitCouldNot).complains("4711|contact")
	s.run("sync", "CT000062").must(exitSomeFailed).complains("Ensure email is present")
	s.run("subscriptions").must(exitWell).says("our subscription", s.url+"/notifications/business-central")

	t.Run("a replay without anybody to ask is refused", func(t *testing.T) {
		d := &desk{t: t, folder: s.folder}
		d.run("replay", "CT000062").must(exitCouldNot).complains("--yes")
		if got := d.run("show", "CT000062"); strings.Contains(got.out, "│ replay") {
			t.Errorf("it was replayed without a yes:\n%s", got.out)
		}
	})
	t.Run("what is replayed starts at once", func(t *testing.T) {
		s := &served{desk: &desk{t: t, folder: s.folder}}
		s.run("replay", "CT000062", "--yes").must(exitWell)
		s.until("the replay is done", func() bool { return strings.Contains(s.run("show", "CT000062").out, "│ replay") })
	})
	t.Run("another sandbox cannot take the folder", func(t *testing.T) {
		for _, verb := range []string{"sandbox", "sandbox --serve --listen 127.0.0.1:0"} {
			t.Run(verb, func(t *testing.T) {
				t.Parallel() // the command's second, for both at once
				d := &desk{t: t, folder: s.folder}
				d.run(strings.Fields(verb)...).must(exitCouldNot).complains("another process uses the sandbox in " + s.folder)
			})
		}
	})
	t.Run("the address can be served once", func(t *testing.T) {
		other := newDesk(t)
		other.run("sandbox", "--serve", "--listen", strings.TrimPrefix(s.url, "http://")).must(exitCouldNot).complains("--listen")
	})
}

func TestCtrlCAtAQuestionIsNoAnswer(t *testing.T) {
	silent, keyboard := io.Pipe() // somebody who does not type
	t.Cleanup(func() { _ = keyboard.Close() })
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	s := &session{ctx: ctx, in: silent, err: io.Discard}
	if yes, err := s.confirm("Erase it?"); yes || !errors.Is(err, context.Canceled) {
		t.Errorf("answered %v, error %v", yes, err)
	}
}

func TestOnlyWhoCanReadTheFolderRunsVerbs(t *testing.T) {
	s := serve(t)
	for _, key := range []string{"", sandboxKey} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+doorRoute, strings.NewReader(`{"args":["pause"]}`))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("X-Sandbox-Key", key)
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusUnauthorized {
			t.Errorf("key %q: %d, want 401", key, answer.StatusCode)
		}
	}
}

func TestASandboxThatWasKilledLeavesAUsableFolder(t *testing.T) {
	d := newDemo(t)
	// Nobody listens at the address any more.
	write(t, filepath.Join(d.folder, serverFile), `{"url":"http://127.0.0.1:1","key":"k"}`)
	d.run("show", "CT000002").must(exitWell)
	write(t, filepath.Join(d.folder, serverFile), `{`)
	d.run("show", "CT000002").must(exitWell)
}

func TestARunningSandboxSavesAsItWorks(t *testing.T) {
	s := serve(t)
	s.until("both simulators are saved", func() bool {
		data, err := os.ReadFile(filepath.Join(s.folder, targetFile))
		return err == nil && strings.Contains(string(data), "CT000002|contact")
	})
	// A kill now loses nothing: the folder holds what the store speaks of.
	if data, err := os.ReadFile(filepath.Join(s.folder, sourceFile)); err != nil || !strings.Contains(string(data), "CT000002") {
		t.Errorf("the contacts are not saved: %v", err)
	}
}
