package webhook_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/goccy/go-yaml"

	"contactsync/shared/webhook"
)

// A description is docs/openapi.yaml, as far as answers are checked against it.
type description struct{ root map[string]any }

var readDescription = sync.OnceValues(func() (description, error) {
	text, err := os.ReadFile("../../docs/openapi.yaml")
	if err != nil {
		return description{}, err
	}
	var root map[string]any
	err = yaml.Unmarshal(text, &root)
	return description{root}, err
})

func described(t testing.TB) description {
	t.Helper()
	d, err := readDescription()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// operations returns the methods of each path.
func (d description) operations() map[string][]string {
	all := map[string][]string{}
	for path, item := range member(d.root, "paths") {
		for method := range item.(map[string]any) {
			all[path] = append(all[path], strings.ToUpper(method))
		}
		slices.Sort(all[path])
	}
	return all
}

// pathOf returns the described path that a request's path belongs to.
func (d description) pathOf(method, path string) string {
	if _, ok := member(d.root, "paths")[path]; ok {
		return path
	}
	switch {
	case strings.HasPrefix(path, "/assets/"):
		return "/assets/{file}"
	case strings.HasPrefix(path, "/transfers/") && strings.HasSuffix(path, "/replay") && method == http.MethodPost:
		return "/transfers/{id}/replay"
	case strings.HasPrefix(path, "/transfers/"):
		return "/transfers/{id}"
	}
	return ""
}

// check holds an answer against the description. Requests that are wrong on
// purpose (another route or method) have none.
func (d description) check(t testing.TB, c call, a answer) {
	t.Helper()
	operation, ok := member(d.root, "paths", d.pathOf(c.method, c.path))[strings.ToLower(c.method)].(map[string]any)
	if !ok || a.status == http.StatusInternalServerError || a.status == http.StatusMethodNotAllowed {
		return
	}
	response := d.resolve(member(operation, "responses")[strconv.Itoa(a.status)])
	if response == nil {
		t.Errorf("%s %s answers %d, which the description does not list", c.method, c.path, a.status)
		return
	}
	content := member(response, "content")
	if len(content) == 0 {
		if a.body != "" {
			t.Errorf("%s %s answers %d with a body, described without", c.method, c.path, a.status)
		}
		return
	}
	mediaType, _, _ := strings.Cut(a.header["Content-Type"], ";")
	if content[mediaType] == nil {
		t.Errorf("%s %s answers %q, described: %v", c.method, c.path, mediaType, slices.Sorted(maps.Keys(content)))
		return
	}
	if mediaType != "application/json" {
		return
	}
	var body any
	if err := json.Unmarshal([]byte(a.body), &body); err != nil {
		t.Errorf("%s %s: %v", c.method, c.path, err)
		return
	}
	for _, problem := range d.validate(member(content, mediaType)["schema"], body, "body") {
		t.Errorf("%s %s answers %d: %s", c.method, c.path, a.status, problem)
	}
}

// resolve follows a reference to its place in the description.
func (d description) resolve(node any) map[string]any {
	object, _ := node.(map[string]any)
	if ref, ok := object["$ref"].(string); ok {
		return d.resolve(any(member(d.root, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)))
	}
	return object
}

// validate says where a value breaks a schema. It knows the words that the
// description uses, and refuses others rather than let them pass unchecked.
func (d description) validate(schema, value any, where string) (problems []string) {
	s := d.resolve(schema)
	if s == nil {
		return []string{where + ": no schema"}
	}
	add := func(format string, args ...any) {
		problems = append(problems, where+": "+fmt.Sprintf(format, args...))
	}
	for word, want := range s {
		switch word {
		case "type":
			if !isOfType(want, value) {
				add("is %T, expected %v", value, want)
				return problems
			}
		case "enum":
			if !slices.Contains(want.([]any), value) {
				add("is %v, expected one of %v", value, want)
			}
		case "pattern":
			if text, ok := value.(string); ok && !regexp.MustCompile(want.(string)).MatchString(text) {
				add("%q does not match %s", text, want)
			}
		case "oneOf":
			fitting := 0
			for _, alternative := range want.([]any) {
				if len(d.validate(alternative, value, where)) == 0 {
					fitting++
				}
			}
			if fitting != 1 {
				add("fits %d of the alternatives", fitting)
			}
		case "items":
			list, _ := value.([]any)
			for i, element := range list {
				problems = append(problems, d.validate(want, element, fmt.Sprintf("%s[%d]", where, i))...)
			}
		case "properties", "required", "additionalProperties":
			if word == "properties" || s["properties"] == nil {
				problems = append(problems, d.members(s, value, where)...)
			}
		case "maxItems":
			if list, _ := value.([]any); len(list) > number(want) {
				add("has %d items, at most %v", len(list), want)
			}
		case "description", "format", "example", "default":
		default:
			add("the checker does not know the word %s", word)
		}
	}
	return problems
}

func (d description) members(s map[string]any, value any, where string) (problems []string) {
	object, ok := value.(map[string]any)
	if !ok {
		return nil
	}
	properties := member(s, "properties")
	required, _ := s["required"].([]any)
	for _, name := range required {
		if _, there := object[name.(string)]; !there {
			problems = append(problems, fmt.Sprintf("%s: %s is missing", where, name))
		}
	}
	for name, v := range object {
		if property, known := properties[name]; known {
			problems = append(problems, d.validate(property, v, where+"."+name)...)
		} else if s["additionalProperties"] == false {
			problems = append(problems, fmt.Sprintf("%s: %s is not described", where, name))
		}
	}
	return problems
}

func isOfType(want, value any) bool {
	if list, ok := want.([]any); ok {
		return slices.ContainsFunc(list, func(w any) bool { return isOfType(w, value) })
	}
	switch v := value.(type) {
	case nil:
		return want == "null"
	case string:
		return want == "string"
	case bool:
		return want == "boolean"
	case float64:
		return want == "number" || want == "integer" && v == float64(int64(v))
	case []any:
		return want == "array"
	case map[string]any:
		return want == "object"
	}
	return false
}

func number(v any) int {
	n, _ := strconv.Atoi(fmt.Sprint(v))
	return n
}

// member walks down objects by name; nil where there is none.
func member(object map[string]any, names ...string) map[string]any {
	for _, name := range names {
		object, _ = object[name].(map[string]any)
	}
	return object
}

func TestEveryRouteIsDescribedAndEveryDescribedRouteAnswers(t *testing.T) {
	described := described(t).operations()
	served := webhook.Routes()
	for path, methods := range served {
		if !slices.Equal(methods, described[path]) {
			t.Errorf("%s answers %v, described are %v", path, methods, described[path])
		}
	}
	s := open(t)
	s.checks = []webhook.Check{}
	s.keep(failedState("44552", ada, "MISSING_EMAIL"))
	for path, methods := range described {
		for _, method := range methods {
			c := call{method: method, path: strings.NewReplacer("{id}", "44552", "{file}", "page.css").Replace(path)}
			if path == "/notifications/business-central" && method == http.MethodGet {
				c.query = "validationToken=x"
			}
			if a := s.do(c); a.status == http.StatusNotFound || a.status == http.StatusMethodNotAllowed {
				t.Errorf("%s %s is described and answers %d", method, path, a.status)
			}
		}
	}
}

func TestTheCheckerSeesWhatBreaksTheDescription(t *testing.T) {
	d := described(t)
	list := map[string]any{"$ref": "#/components/responses/Queued"}
	schema := member(d.resolve(list), "content", "application/json")["schema"]
	for _, body := range []string{`{}`, `{"queued":[],"more":"no"}`, `{"queued":[1],"more":true}`, `{"queued":[],"more":true,"x":1}`, `[]`} {
		var value any
		if err := json.Unmarshal([]byte(body), &value); err != nil {
			t.Fatal(err)
		}
		if len(d.validate(schema, value, "body")) == 0 {
			t.Errorf("%s passes", body)
		}
	}
	aTime := map[string]any{"$ref": "#/components/schemas/TimeOrNull"}
	if len(d.validate(aTime, "2026-01-31T10:00:00Z", "time")) == 0 {
		t.Error("a time without decimals passes")
	}
}
