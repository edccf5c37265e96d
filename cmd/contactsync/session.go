package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/alecthomas/kong"
	"github.com/schollz/progressbar/v3"

	"contactsync/shared/app"
	"contactsync/shared/transfer"
)

// session is what a verb runs in.
type session struct {
	ctx      context.Context
	cli      *cli
	args     []string
	environ  []string
	model    *kong.Application // the verbs and flags, for completion
	in       io.Reader         // who answers questions; nil: nobody
	out, err io.Writer
	screen   screen
	box      *sandbox // open already: the verb runs inside sandbox --serve
	deployed bool     // the verb works on a deployed stack
	asks     *string  // with box: receives the question that only the caller can answer
	progress atomic.Pointer[progressbar.ProgressBar]
}

// ranElsewhere ends a verb that a running sandbox did for us.
type ranElsewhere struct{ status int }

func (r *ranElsewhere) Error() string { return "done by the running sandbox" }

// with opens the sandbox or the deployed stack for one verb and closes it
// afterwards.
func (s *session) with(do func(a *app.App) error) error {
	if s.box != nil {
		return do(s.box.app)
	}
	if environ, deployed, err := s.stack(); err != nil {
		return err
	} else if deployed {
		s.deployed = true
		a, err := app.Deployed(s.ctx, environ, s.logger(), s.counted)
		if err != nil {
			return err
		}
		return do(a)
	}
	if status, found, err := s.knock(); err != nil {
		return err
	} else if found {
		return &ranElsewhere{status}
	}
	box, err := openSandbox(s.cli.Folder, sandboxOptions{environ: s.environ, log: s.logger(), progress: s.counted})
	if err != nil {
		return err
	}
	if box.isNew {
		// A misspelt folder or a forgotten --env-file would look like a quiet day.
		fmt.Fprintf(s.err, "contactsync: %s is a new sandbox with the demo company, in which nothing was transferred yet. A deployed stack needs --env-file FILE.\n", s.cli.Folder)
	}
	err = do(box.app)
	closeErr := box.close()
	if closeErr != nil && errors.Is(err, errSomeFailed) {
		return closeErr // an exit status alone would hide that nothing was kept
	}
	return errors.Join(err, closeErr)
}

// stack returns the settings of the deployed stack that the verb is for: those of
// --env-file, or those of the environment where it names a table or a secret, for
// whoever sets them means no sandbox (design.md 1.10).
func (s *session) stack() (environ []string, deployed bool, err error) {
	if s.cli.EnvFile == "" {
		for _, pair := range s.environ {
			name, value, _ := strings.Cut(pair, "=")
			if (name == "TABLE_NAME" || name == "SECRET_ID") && strings.TrimSpace(value) != "" {
				return s.environ, true, nil
			}
		}
		return nil, false, nil
	}
	file, err := readEnvFile(s.cli.EnvFile)
	if err != nil {
		return nil, false, err
	}
	return append(slices.Clone(s.environ), file...), true, exportAWS(file)
}

// exportAWS puts the variables of the AWS SDK (AWS_REGION, AWS_ENDPOINT_URL, …)
// where the SDK looks for them: it reads the process's own environment.
func exportAWS(environ []string) error {
	for _, pair := range environ {
		if name, value, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "AWS_") {
			if err := os.Setenv(name, value); err != nil { //nolint:forbidigo // the SDK reads nothing else
				return err
			}
		}
	}
	return nil
}

// request stores what shall be transferred. In a running sandbox it starts at
// once, as the table's stream does it in AWS; else the next poll takes it.
func (s *session) request(a *app.App, requests []transfer.Request) error {
	if err := a.Store.Request(context.WithoutCancel(s.ctx), requests...); err != nil {
		return err
	}
	if s.box != nil && s.box.dispatch != nil && len(requests) > 0 {
		s.box.dispatch(requests)
	}
	return nil
}

// startsAtOnce reports whether what is stored needs no poll to start.
func (s *session) startsAtOnce() bool {
	return s.deployed || s.box != nil && s.box.dispatch != nil
}

func (s *session) logger() *slog.Logger {
	if !s.cli.Verbose {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(s.err, nil))
}

// readEnvFile reads NAME=value lines; blank lines and # comments are passed over.
func readEnvFile(path string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var environ []string
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(lines.Text()), "export "))
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, found := strings.Cut(line, "=")
		if !found || strings.ContainsAny(name, " \t") {
			return nil, fmt.Errorf("%s:%d: expected NAME=value", path, n)
		}
		environ = append(environ, name+"="+strings.Trim(value, `"'`))
	}
	return environ, lines.Err()
}
