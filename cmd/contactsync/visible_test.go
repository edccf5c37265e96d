package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestATerminalShowsControlsAndDoesNotObeyThem(t *testing.T) {
	coloured, plain := screen{Width: 80, Colour: true}, screen{Width: 80}
	for _, tt := range []struct {
		name, text, want string
		at               screen
	}{
		{"a line feed stays", "a\nb", "a\nb", plain},
		{"signs of every script stay", "Zoë 日本語 שלום 😀", "Zoë 日本語 שלום 😀", plain},
		{"the screen is not cleared", "\x1b[2Jx", "␛[2Jx", coloured},
		{"the title is not changed", "\x1b]0;x\a", "␛]0;x␇", coloured},
		{"a line is not written over", "real\rfake", "real␍fake", plain},
		{"controls of one character", "\u009b2J", "\ufffd2J", plain},
		{"the direction is not turned", "a\u202eb\u2066c", "a\ufffdb\ufffdc", plain},
		{"our own colours stay", coloured.paint(red, "failed"), "\x1b[31mfailed\x1b[0m", coloured},
		{"no colour goes into a file", "\x1b[31mfailed", "␛[31mfailed", plain},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.at.visible(tt.text); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestAMappingFileCannotSteerTheTerminal(t *testing.T) {
	for name, destination := range map[string]string{"accepted": `EmailAddress, description: "\e]0;x\a\e[2J"`, "refused": `"\e]0;x\aNowhere"`} {
		path := filepath.Join(t.TempDir(), name+".yaml")
		text := "collection: Ours\nmappings:\n  - {type: field, source: EMail, destination: " + destination + "}\n"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, errOut bytes.Buffer
		run(t.Context(), []string{"mapping", "check", path}, nil, &out, &errOut)
		shown := out.String() + errOut.String()
		if strings.ContainsAny(shown, "\x1b\a") || !strings.Contains(shown, "␛]0;x␇") {
			t.Errorf("%s: %q", name, shown)
		}
	}
}

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestAResultThatCannotBeWrittenIsNoSuccess(t *testing.T) {
	for _, output := range []string{"table", "json"} {
		var errOut bytes.Buffer
		if status := run(t.Context(), []string{"mapping", "check", "-o", output}, nil, full{}, &errOut); status != exitCouldNot {
			t.Errorf("%s: exit status %d, want %d", output, status, exitCouldNot)
		}
		if !strings.Contains(errOut.String(), "no space left on device") {
			t.Errorf("%s: %q", output, errOut.String())
		}
	}
}
