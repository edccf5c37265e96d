package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"contactsync/shared/status"
	"contactsync/shared/transfer"
)

// A screen is what is known of the place where results are shown.
type screen struct {
	Width  int  `json:"width"`
	Colour bool `json:"colour"`
}

// widthOfFile is the width of tables that go into a file or a pipe.
const widthOfFile = 120

// screenOf describes where out leads. Colours are for terminals only, and not for
// those whose user does not want them (https://no-color.org).
func screenOf(out io.Writer, environ []string) screen {
	f, ok := out.(*os.File)
	if !ok || !isTerminal(f) {
		return screen{Width: widthOfFile}
	}
	at := screen{Width: widthOfFile, Colour: !isSet(environ, "NO_COLOR") && !slices.Contains(environ, "TERM=dumb")}
	if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
		at.Width = width
	}
	return at
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// person returns who can be asked: nobody where standard input is no terminal.
func person(in *os.File) io.Reader {
	if isTerminal(in) {
		return in
	}
	return nil
}

// A colour is the number of an ANSI colour.
type colour string

const (
	green  colour = "32"
	red    colour = "31"
	yellow colour = "33"
	cyan   colour = "36"
	dim    colour = "2"
	bold   colour = "1"
)

// paint colours a text where colours are shown.
func (at screen) paint(c colour, text string) string {
	if !at.Colour || c == "" || text == "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

var statusColours = map[transfer.Status]colour{
	transfer.Succeeded: green, transfer.Failed: red, transfer.Retrying: yellow, transfer.Pending: cyan, transfer.Skipped: dim,
}

func (at screen) status(s transfer.Status) string { return at.paint(statusColours[s], string(s)) }

// errNobody tells that a question has nobody who could answer it.
var errNobody = errors.New("this verb asks before it does anything, and standard input is no terminal: --yes does it without asking")

// confirm asks for a yes. Inside a running sandbox it hands the question to the
// caller and answers no for now. Where nobody can be asked it is errNobody.
func (s *session) confirm(question string) (bool, error) {
	if s.asks != nil {
		*s.asks = question
		return false, nil
	}
	if s.in == nil {
		return false, errNobody
	}
	fmt.Fprintf(s.err, "%s [y/N] ", s.screen.visible(question))
	answered := make(chan string, 1)
	go func() {
		var answer string
		_, _ = fmt.Fscanln(s.in, &answer)
		answered <- answer
	}()
	select {
	case <-s.ctx.Done(): // Ctrl-C at the question; the reader ends with the process
		return false, s.ctx.Err()
	case answer := <-answered:
		yes := strings.EqualFold(answer, "y") || strings.EqualFold(answer, "yes")
		if !yes {
			fmt.Fprintln(s.err, "nothing was done")
		}
		return yes, nil
	}
}

// watch shows a progress bar on standard error, if that is a terminal, until the
// returned function is called. total is -1 where nobody knows it.
func (s *session) watch(text string, total int) (done func()) {
	f, ok := s.err.(*os.File)
	if !ok || !isTerminal(f) || s.cli.Verbose {
		return func() {}
	}
	bar := progressbar.NewOptions(total, progressbar.OptionSetWriter(f), progressbar.OptionSetDescription(text), progressbar.OptionSetWidth(20),
		progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString("contacts"), progressbar.OptionClearOnFinish(),
		// No spinner of its own: its goroutine draws while this one finishes the bar, and the library does not keep them apart.
		progressbar.OptionSetSpinnerChangeInterval(0), progressbar.OptionSetRenderBlankState(true))
	s.progress.Store(bar)
	return func() {
		s.progress.Store(nil)
		_ = bar.Finish()
		_ = bar.Exit()
	}
}

// counted moves the progress bar to where a run stands.
func (s *session) counted(c status.Counts) {
	if bar := s.progress.Load(); bar != nil {
		_ = bar.Set(c.Read)
	}
}

// oneMore moves the progress bar by one contact.
func (s *session) oneMore() {
	if bar := s.progress.Load(); bar != nil {
		_ = bar.Add(1)
	}
}
