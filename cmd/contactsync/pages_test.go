package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the real output into the pages that show it")

// The pages that show what the command prints are held to what it prints: every
// command of a page is run, in order, in one sandbox. In a block of console
//
//	$ COMMAND        is run; a setting may stand before it, </dev/null after it
//	> ANSWER         is typed at its question
//	…                alone on a line stands for any lines, within one for any text
//
// and the other lines are the output. go test -run Page -update writes the real
// output where there is no ….
const ellipsis = "…"

var console = regexp.MustCompile("(?ms)^```console\n(.*?)^```$")

// A step is one command of a page with what it prints.
type step struct {
	command string
	answer  string
	output  []string
}

func steps(block string) []*step {
	var all []*step
	for line := range strings.Lines(block) {
		line = strings.TrimSuffix(line, "\n")
		if command, ok := strings.CutPrefix(line, "$ "); ok {
			all = append(all, &step{command: command})
			continue
		}
		last := all[len(all)-1]
		if answer, ok := strings.CutPrefix(line, "> "); ok {
			last.answer = answer
			continue
		}
		last.output = append(last.output, line)
	}
	return all
}

func (s *step) elided() bool { return strings.Contains(strings.Join(s.output, "\n"), ellipsis) }

func (s *step) String() string {
	text := "$ " + s.command + "\n"
	if s.answer != "" {
		text += "> " + s.answer + "\n"
	}
	for _, line := range s.output {
		text += line + "\n"
	}
	return text
}

func TestEveryPageShowsWhatTheCommandPrints(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for page, atLeast := range map[string]int{"docs/command.md": 30, "docs/mapping.md": 5} {
		t.Run(page, func(t *testing.T) {
			path := filepath.Join(root, page)
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			p := prompt{t: t}
			t.Chdir(workspace(t, root))
			ran := 0
			shown := console.ReplaceAllStringFunc(string(content), func(block string) string {
				all := steps(console.FindStringSubmatch(block)[1])
				text := ""
				for _, one := range all {
					p.hold(one)
					text += one.String()
					ran++
				}
				return "```console\n" + text + "```"
			})
			if ran < atLeast {
				t.Errorf("only %d commands", ran)
			}
			if *update {
				write(t, path, shown)
			}
		})
	}
}

// workspace is a folder in which the page's commands are typed: like the source
// tree, as far as they see it.
func workspace(t *testing.T, root string) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.CopyFS(filepath.Join(folder, "files"), os.DirFS(filepath.Join(root, "files"))); err != nil {
		t.Fatal(err)
	}
	return folder
}

// A prompt is where the commands of a page are typed.
type prompt struct {
	t    *testing.T
	last int // exit status
}

func (p *prompt) hold(s *step) {
	got := strings.Split(strings.TrimRight(p.run(s), "\n"), "\n")
	if *update && !s.elided() {
		s.output = got
		return
	}
	want := masked(s.output)
	if s.elided() {
		if !matches(want, masked(got)) {
			p.t.Errorf("$ %s\nthe page says\n%s\nand it prints\n%s", s.command, strings.Join(s.output, "\n"), strings.Join(got, "\n"))
		}
		return
	}
	if diff := cmp.Diff(want, masked(got)); diff != "" {
		p.t.Errorf("$ %s (-page +real, go test ./cmd/contactsync -run Page -update mends it):\n%s", s.command, diff)
	}
}

// run types a command and returns what the terminal shows.
func (p *prompt) run(s *step) string {
	if s.command == "echo $?" {
		return fmt.Sprint(p.last)
	}
	words := strings.Fields(s.command)
	var environ []string
	for strings.Contains(words[0], "=") {
		environ = append(environ, words[0])
		words = words[1:]
	}
	if words[0] != "contactsync" {
		p.t.Fatalf("the page runs %q", s.command)
	}
	var shown bytes.Buffer
	var in io.Reader = echo{strings.NewReader(s.answer + "\n"), &shown}
	if last := len(words) - 1; words[last] == "</dev/null" {
		in, words = nil, words[:last]
	}
	p.last = execute(words[1:], &shown, &shown, func(c *cli, model *kong.Application) *session {
		return &session{ctx: context.Background(), cli: c, model: model, args: words[1:], environ: environ, in: in, out: &shown, err: &shown, screen: screen{Width: widthOfFile}}
	})
	return shown.String()
}

// echo shows what is typed, as a terminal does.
type echo struct {
	io.Reader
	shown io.Writer
}

func (e echo) Read(p []byte) (int, error) {
	n, err := e.Reader.Read(p)
	_, _ = e.shown.Write(p[:n])
	return n, err
}

// masks are what is another one each time, and the room that it takes.
var masks = []struct {
	pattern *regexp.Regexp
	by      string
}{
	{regexp.MustCompile(`\b\d{8}T\d{6}\.\d{3}Z-[a-z0-9]{8}\b`), "RUN"},
	{regexp.MustCompile(`\b20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z`), "TIME"},
	{regexp.MustCompile(`\b\d+(\.\d+)?m?s\b`), "DURATION"},
	{regexp.MustCompile(` +`), " "},
	{regexp.MustCompile(`─+`), "─"},
}

func masked(lines []string) []string {
	list := make([]string, len(lines))
	for i, line := range lines {
		for _, m := range masks {
			line = m.pattern.ReplaceAllString(line, m.by)
		}
		list[i] = strings.TrimSpace(line)
	}
	return list
}

// matches compares with a text that leaves something out.
func matches(want, got []string) bool {
	pattern := regexp.QuoteMeta(strings.Join(want, "\n"))
	pattern = regexp.MustCompile(`(?m)^…$`).ReplaceAllString(pattern, `(?s:.*)`)
	pattern = strings.ReplaceAll(pattern, ellipsis, ".*")
	return regexp.MustCompile(`\A` + pattern + `\z`).MatchString(strings.Join(got, "\n"))
}

func TestTheREADMEShowsWhatMakeRunPrints(t *testing.T) {
	path, err := filepath.Abs("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile("(?s)What `make run` prints:\n\n```\n(.*?)\n```\n").FindSubmatchIndex(readme)
	if shown == nil {
		t.Fatal("the README shows no make run")
	}
	page := string(readme[shown[2]:shown[3]])
	t.Chdir(t.TempDir())
	var out, errOut bytes.Buffer
	if status := run(t.Context(), []string{"sandbox"}, nil, &out, &errOut); status != exitWell {
		t.Fatalf("status %d: %s", status, errOut.String())
	}
	got := strings.TrimRight(out.String(), "\n")
	if *update {
		write(t, path, string(readme[:shown[2]])+got+string(readme[shown[3]:]))
		return
	}
	if diff := cmp.Diff(masked(strings.Split(page, "\n")), masked(strings.Split(got, "\n"))); diff != "" {
		t.Errorf("(-README +real, go test ./cmd/contactsync -run README -update mends it):\n%s", diff)
	}
}
