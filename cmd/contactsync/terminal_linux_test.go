package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/sys/unix"
)

// onTerminal runs the command with standard output and error on a terminal of the
// given width, and returns what was shown there.
func onTerminal(t *testing.T, width int, environ []string, args ...string) string {
	t.Helper()
	screenEnd, programEnd := openTerminal(t, width)
	command := exec.CommandContext(t.Context(), "contactsync", args...)
	command.Env = append([]string{"TERM=xterm"}, environ...)
	command.Stdout, command.Stderr = programEnd, programEnd
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	_ = programEnd.Close()
	var shown bytes.Buffer
	_, _ = io.Copy(&shown, screenEnd) // ends with an error when the command does
	_ = command.Wait()                // its status is not what this looks at
	return strings.ReplaceAll(shown.String(), "\r\n", "\n")
}

// openTerminal opens a pseudo-terminal, see pty(7).
func openTerminal(t *testing.T, width int) (screenEnd, programEnd *os.File) {
	t.Helper()
	screenEnd, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("this machine has no pseudo-terminals: %v", err)
	}
	t.Cleanup(func() { _ = screenEnd.Close() })
	fd := int(screenEnd.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: uint16(width)}); err != nil {
		t.Fatal(err)
	}
	programEnd, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("this machine has no pseudo-terminals: %v", err)
	}
	return screenEnd, programEnd
}

func TestColoursAreForTerminalsWhoseUserWantsThem(t *testing.T) {
	d := newDemo(t)
	const escape = "\x1b["
	verb := []string{"--folder", d.folder, "show", "CT000062"}
	tests := []struct {
		name    string
		environ []string
		colours bool
	}{
		{"a terminal", nil, true},
		{"NO_COLOR is set", []string{"NO_COLOR=1"}, false},
		{"NO_COLOR is set to nothing", []string{"NO_COLOR="}, true},
		{"a terminal that has none", []string{"TERM=dumb"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			shown := onTerminal(t, 120, tt.environ, verb...)
			if !strings.Contains(shown, "did not arrive") || strings.Contains(shown, escape) != tt.colours {
				t.Errorf("colours %v, want %v:\n%q", !tt.colours, tt.colours, shown)
			}
		})
	}
	if got := d.run("show", "CT000062"); strings.Contains(got.out, escape) {
		t.Errorf("colours in a pipe:\n%q", got.out)
	}
}

func TestTablesFitTheTerminalAndLoseNothing(t *testing.T) {
	d := newDemo(t)
	for _, verb := range []string{"errors", "transfers --status failed", "show CT000002", "runs", "preflight", "mapping check", "reconcile"} {
		t.Run(verb, func(t *testing.T) {
			args := append([]string{"--folder", d.folder}, strings.Fields(verb)...)
			wide, narrow := onTerminal(t, 400, []string{"NO_COLOR=1"}, args...), onTerminal(t, 80, []string{"NO_COLOR=1"}, args...)
			left := wordsOf(narrow)
			for word, n := range wordsOf(wide) {
				// A longer word is broken where it must be, and not lost: its parts are other words.
				if len(word) <= 16 && left[word] < n {
					t.Errorf("%q is there %d times on a wide terminal, %d on a narrow one", word, n, left[word])
				}
			}
			for line := range strings.Lines(narrow) {
				line = strings.TrimRight(line[strings.LastIndex(line, "\r")+1:], "\n")
				if text.StringWidthWithoutEscSequences(line) > 80 && strings.HasPrefix(line, "│") {
					t.Errorf("wider than the terminal: %s", line)
				}
			}
		})
	}
}

// wordsOf counts what stands there in the end, without borders and headers and
// without a progress bar that was wiped out.
func wordsOf(s string) map[string]int {
	counts := map[string]int{}
	header := false
	for line := range strings.Lines(s) {
		if header { // names of columns; a list of facts repeats them
			header = false
			continue
		}
		header = strings.HasPrefix(line, "┌")
		for word := range strings.FieldsFuncSeq(line[strings.LastIndex(line, "\r")+1:], func(r rune) bool { return strings.ContainsRune(" \n─│┌┬┐├┼┤└┴┘", r) }) {
			counts[word]++
		}
	}
	return counts
}

func TestLongWorkShowsItsProgressOnATerminalOnly(t *testing.T) {
	d := newDesk(t)
	shown := onTerminal(t, 120, nil, "--folder", d.folder, "reconcile")
	if !strings.Contains(shown, "reconcile") || !strings.Contains(shown, "contacts/") {
		t.Errorf("no progress is shown:\n%q", shown)
	}
	if got := d.run("reconcile"); got.err != "" {
		t.Errorf("progress in a file: %q", got.err)
	}
}
