package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"contactsync/shared/app"
	"contactsync/shared/status"
)

// session is what a verb runs in.
type session struct {
	ctx      context.Context
	cli      *cli
	args     []string
	environ  []string
	in       io.Reader
	out, err io.Writer
	box      *sandbox // open already: the verb runs inside sandbox --serve
	progress *progressbar.ProgressBar
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
	if s.cli.EnvFile != "" {
		environ, err := readEnvFile(s.cli.EnvFile)
		if err != nil {
			return err
		}
		a, err := app.Deployed(s.ctx, append(s.environ, environ...), s.logger())
		if err != nil {
			return err
		}
		return do(a)
	}
	if status, found := knock(s.ctx, s.cli.Folder, s.args, s.out, s.err); found {
		return &ranElsewhere{status}
	}
	box, err := openSandbox(s.cli.Folder, sandboxOptions{log: s.logger(), progress: s.counted})
	if err != nil {
		return err
	}
	err = do(box.app)
	if closeErr := box.close(); err == nil {
		err = closeErr
	}
	return err
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

// watch shows a progress bar on a terminal until the returned function is called.
func (s *session) watch(text string) (done func()) {
	f, ok := s.err.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || s.cli.Output == "json" {
		return func() {}
	}
	s.progress = progressbar.NewOptions(-1, progressbar.OptionSetWriter(f), progressbar.OptionSetDescription(text),
		progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString("contacts"), progressbar.OptionClearOnFinish())
	return func() {
		_ = s.progress.Finish()
		s.progress = nil
	}
}

// counted moves the progress bar.
func (s *session) counted(c status.Counts) {
	if s.progress != nil {
		_ = s.progress.Set(c.Read)
	}
}
