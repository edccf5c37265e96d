package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"contactsync/shared/webhook"
)

// docs/routes.md is held to what a running sandbox answers: every command is run,
// in the order of the page, and every answer shown there must be the real one.

const (
	routesPage   = "../../docs/routes.md"
	pageAddress  = "http://127.0.0.1:8080"
	pageEllipsis = "…"
)

// An example is one block of commands and the answer of the last one.
type example struct {
	commands []string
	kind     string // json or text; "" when no answer is shown
	answer   string
}

var fence = regexp.MustCompile("(?ms)^```(sh|json|text)\n(.*?)^```$")

func examples(t *testing.T) []example {
	t.Helper()
	page, err := os.ReadFile(routesPage)
	if err != nil {
		t.Fatal(err)
	}
	var all []example
	for _, block := range fence.FindAllStringSubmatch(string(page), -1) {
		text := strings.TrimSpace(block[2])
		if block[1] == "sh" {
			all = append(all, example{commands: strings.Split(text, "\n")})
			continue
		}
		last := &all[len(all)-1]
		last.kind, last.answer = block[1], text
	}
	return all
}

func TestEveryCommandOfTheRoutesPageAnswersAsItSays(t *testing.T) {
	all := examples(t)
	if len(all) < 15 {
		t.Fatalf("only %d examples", len(all))
	}
	s := serve(t)
	for _, one := range all {
		last := len(one.commands) - 1
		for _, command := range one.commands[:last] {
			if _, err := s.typed(command); err != nil {
				t.Fatalf("%s\n%v", command, err)
			}
		}
		answer, err := s.typed(one.commands[last])
		problem := judge(one, answer, err)
		if strings.Contains(one.commands[last], "/ipaas/") { // it arrives by itself, within seconds
			s.until(problem, func() bool {
				answer, err := s.typed(one.commands[last])
				problem = judge(one, answer, err)
				return problem == ""
			})
		}
		if problem != "" {
			t.Errorf("%s\n%s\nreal answer: %s", one.commands[last], problem, answer)
		}
	}
}

func judge(e example, answer string, err error) string {
	switch {
	case err != nil:
		return err.Error()
	case e.kind == "text" && strings.TrimSpace(answer) != e.answer:
		return fmt.Sprintf("got %q, the page says %q", answer, e.answer)
	case e.kind != "json":
		return ""
	}
	var want, got any
	if err := json.Unmarshal([]byte(e.answer), &want); err != nil {
		return "the answer on the page is not JSON: " + err.Error()
	}
	if err := json.Unmarshal([]byte(answer), &got); err != nil {
		return "the answer is not JSON: " + err.Error()
	}
	return differs("", want, got)
}

func TestEveryRouteStandsOnTheRoutesPage(t *testing.T) {
	var asked []string // method and path
	for _, one := range examples(t) {
		for _, command := range one.commands {
			if c, err := parseCurl(command); err == nil {
				path, _, _ := strings.Cut(strings.TrimPrefix(c.url, pageAddress), "?")
				asked = append(asked, c.method+" "+path)
			}
		}
	}
	for name, methods := range webhook.Routes() {
		pattern := regexp.MustCompile("{[a-z]+}").ReplaceAllString(regexp.QuoteMeta(name), "")
		pattern = strings.NewReplacer(`\{id\}`, "[^/]+", `\{file\}`, "[^/]+").Replace(pattern)
		for _, method := range methods {
			if name == "/notifications/business-central" && method == http.MethodGet {
				continue // a handshake of other senders; Business Central posts
			}
			here := regexp.MustCompile("^" + method + " " + pattern + "$")
			if !slices.ContainsFunc(asked, here.MatchString) {
				t.Errorf("the page has no curl for %s %s", method, name)
			}
		}
	}
}

// typed does what a line of the page does in a terminal.
func (s *served) typed(line string) (string, error) {
	if verb, ok := strings.CutPrefix(line, "go run ./cmd/contactsync "); ok {
		got := s.run(strings.Fields(verb)...)
		if got.status != exitWell {
			return got.out, fmt.Errorf("status %d: %s", got.status, got.err)
		}
		return got.out, nil
	}
	if strings.HasPrefix(line, "sleep ") {
		return "", nil // the test waits for what it wants to see
	}
	c, err := parseCurl(line)
	if err != nil {
		return "", err
	}
	return c.do(s)
}

// curl is what a curl command asks for, as far as the page uses it.
type curl struct {
	method, url, body, writeOut string
	header                      map[string]string
	discard                     bool
}

var words = regexp.MustCompile(`'[^']*'|\S+`)

func parseCurl(line string) (curl, error) {
	c := curl{method: http.MethodGet, header: map[string]string{}}
	args := words.FindAllString(line, -1)
	if len(args) == 0 || args[0] != "curl" {
		return c, fmt.Errorf("no curl command: %s", line)
	}
	asked := ""
	for i := 1; i < len(args); i++ {
		value := func() string { // of the option at i
			i++
			return strings.Trim(args[min(i, len(args)-1)], "'")
		}
		switch arg := args[i]; {
		case arg == "-s":
		case arg == "-X":
			asked = value()
		case arg == "-H":
			name, text, _ := strings.Cut(value(), ": ")
			c.header[name] = text
		case arg == "--json":
			c.method, c.body = http.MethodPost, value()
			c.header["Content-Type"], c.header["Accept"] = "application/json", "application/json"
		case arg == "-w":
			c.writeOut = value()
		case arg == "-o":
			c.discard = value() == "/dev/null"
		case strings.HasPrefix(arg, "-"):
			return c, fmt.Errorf("the page uses the option %s, which this test does not know", arg)
		default:
			c.url = strings.Trim(arg, "'")
		}
	}
	if asked != "" {
		c.method = asked
	}
	if !strings.HasPrefix(c.url, pageAddress) {
		return c, errors.New("no address of the sandbox: " + line)
	}
	return c, nil
}

func (c curl) do(s *served) (string, error) {
	request, err := http.NewRequestWithContext(s.t.Context(), c.method, strings.Replace(c.url, pageAddress, s.url, 1), strings.NewReader(c.body))
	if err != nil {
		return "", err
	}
	for name, value := range c.header {
		request.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if c.discard {
		body = nil
	}
	tail := strings.NewReplacer("%{http_code}", fmt.Sprint(answer.StatusCode), "%{content_type}", answer.Header.Get("Content-Type")).Replace(c.writeOut)
	return string(body) + tail, err
}

// others each time: what the page shows is an example of its kind.
var others = []string{"customer_id", "run_id", "started_at", "finished_at", "first", "last", "next_cursor"}

// differs compares what the page shows with the real answer, and says where they
// part; "" when they do not. An ellipsis stands for any members, any elements, or
// any text.
func differs(where string, want, got any) string {
	switch want := want.(type) {
	case map[string]any:
		return objectDiffers(where, want, got)
	case []any:
		return listDiffers(where, want, got)
	case string:
		text, isText := got.(string)
		name := where[strings.LastIndexByte(where, '.')+1:]
		if isText && slices.Contains(others, name) && (text == "") == (want == "") {
			return ""
		}
		parts := strings.Split(want, pageEllipsis)
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		if isText && regexp.MustCompile("(?s)^"+strings.Join(parts, ".*")+"$").MatchString(text) || want == pageEllipsis {
			return ""
		}
	default:
		if want == got {
			return ""
		}
	}
	return fmt.Sprintf("%s is %v, the page says %v", where, got, want)
}

func objectDiffers(where string, want map[string]any, got any) string {
	object, isObject := got.(map[string]any)
	if !isObject {
		return where + " is no object"
	}
	_, shortened := want[pageEllipsis]
	for name := range object {
		if _, shown := want[name]; !shown && !shortened {
			return fmt.Sprintf("%s.%s is not on the page", where, name)
		}
	}
	for name, value := range want {
		if name == pageEllipsis {
			continue
		}
		real, found := object[name]
		if !found {
			return fmt.Sprintf("there is no %s.%s", where, name)
		}
		if d := differs(where+"."+name, value, real); d != "" {
			return d
		}
	}
	return ""
}

func listDiffers(where string, want []any, got any) string {
	list, isList := got.([]any)
	if !isList {
		return where + " is no list"
	}
	if strings.HasSuffix(where, ".sample_ids") { // of contacts that failed in the same moment
		byText := func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) }
		slices.SortFunc(want, byText)
		slices.SortFunc(list, byText)
	}
	at, skipping, why := 0, false, ""
	for _, element := range want {
		if element == pageEllipsis {
			skipping = true
			continue
		}
		for at < len(list) {
			if why = differs(fmt.Sprintf("%s[%d]", where, at), element, list[at]); why == "" || !skipping {
				break
			}
			at++
		}
		if why != "" || at == len(list) {
			return fmt.Sprintf("%s has no element like %v %s", where, element, why)
		}
		at, skipping = at+1, false
	}
	if at < len(list) && !skipping {
		return fmt.Sprintf("%s has %d elements, the page shows %d", where, len(list), at)
	}
	return ""
}
