package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"contactsync/benchmark/measure"
	"contactsync/benchmark/stage"
)

// bench is one measurement of everything.
type bench struct {
	ctx      context.Context
	root     string // of the checkout
	binaries string
	folder   string // for stores, emptied at the end
	dynalite string // its cli.js; "" when it is not there
	window   time.Duration
	warmUp   time.Duration
	rounds   int
	scale    float64 // of how many contacts there are
	log      io.Writer
}

// build compiles what is measured.
func (b *bench) build() error {
	if err := os.MkdirAll(b.binaries, 0o750); err != nil {
		return err
	}
	return b.goTool(nil, "build", "-o", b.binaries+"/", "./benchmark/servers", "./benchmark/job", "./benchmark/floor")
}

func (b *bench) goTool(environ []string, args ...string) error {
	cmd := exec.CommandContext(b.ctx, "go", args...)
	cmd.Dir, cmd.Env, cmd.Stderr = b.root, append(os.Environ(), environ...), b.log //nolint:forbidigo // go needs the user's environment
	return cmd.Run()
}

// servers are the simulators' process.
type servers struct {
	stage.Addresses
	cmd *exec.Cmd
	in  io.Closer
}

// serve starts the simulators with so many contacts in Business Central.
func (b *bench) serve(people int, latency time.Duration) (*servers, error) {
	cmd := exec.CommandContext(b.ctx, filepath.Join(b.binaries, "servers"), "-people", strconv.Itoa(people), "-latency", latency.String())
	cmd.Stderr = b.log
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &servers{cmd: cmd, in: in}
	if err := json.NewDecoder(out).Decode(&s.Addresses); err != nil {
		return nil, errors.Join(fmt.Errorf("the simulators do not start: %w", err), s.stop())
	}
	return s, nil
}

func (s *servers) stop() error {
	_ = s.in.Close()
	return s.cmd.Wait()
}

// reset gives iPaaS.com so many linked customers and nothing else.
func (s *servers) reset(ctx context.Context, linked int) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, fmt.Sprint(s.Control, "/reset?linked=", linked), nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

// measured runs a program to its end and returns what it measured.
func (b *bench) measured(s *servers, name string, args ...string) (measure.Result, error) {
	where, err := json.Marshal(s.Addresses)
	if err != nil {
		return measure.Result{}, err
	}
	var out, problems bytes.Buffer
	cmd := exec.CommandContext(b.ctx, filepath.Join(b.binaries, name), args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(where), &out, &problems
	if err := cmd.Run(); err != nil {
		return measure.Result{}, fmt.Errorf("%s %v: %w: %s", name, args, err, problems.String())
	}
	var r measure.Result
	return r, json.Unmarshal(out.Bytes(), &r)
}

func (b *bench) file(name string) string { return filepath.Join(b.folder, name) }

func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.log, time.Now().Format("15:04:05 ")+format+"\n", args...)
}

// copyFile copies a store, so that a round begins with what the one before began with.
func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
