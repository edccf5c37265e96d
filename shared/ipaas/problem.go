package ipaas

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"contactsync/shared/outbound"
)

// A problem is what an answer says against a call. iPaaS.com promises a stable
// code, a message and a link (ipaas.md 5), but not under which names, so that
// they are looked for wherever text stands: in any string of a JSON body, in a
// plain text, in the reason phrase.
type problem struct {
	codes []string // CATEGORY-NNNN, upper case, the most certain one first
	text  string   // the words, unmasked
	html  bool     // a page for people: not from the API
}

var (
	exactCode = regexp.MustCompile(`(?i)^\s*(AUTH|AUTZ|VALD|BIZL|NFND|INTL)[-_](\d{4})\s*$`)
	anyCode   = regexp.MustCompile(`(?i)(?:^|[^0-9A-Za-z_-])(AUTH|AUTZ|VALD|BIZL|NFND|INTL)[-_](\d{4})(?:[^0-9A-Za-z_-]|$)`)
)

// beside are members whose text is no wording: links and identifiers.
var beside = []string{"type", "help_url", "help", "link", "url", "href", "instance", "tracking_guid", "trackingguid", "traceid", "trace_id", "stack", "stacktrace", "stack_trace"}

// problemOf reads an answer that is no success.
func problemOf(a *outbound.Answer) problem {
	p := problem{html: isHTML(a)}
	var texts []string
	body := bytes.TrimSpace(a.Body)
	switch {
	case p.html:
	case json.Valid(body):
		walk(body, func(name, text string) {
			if !slices.Contains(beside, strings.ToLower(name)) {
				texts = append(texts, text)
			}
		})
	default:
		texts = append(texts, string(body))
	}
	if a.Reason != http.StatusText(a.Status) {
		texts = append(texts, a.Reason)
	}
	p.read(texts)
	return p
}

// read takes codes and words from the texts of an answer, in their order.
func (p *problem) read(texts []string) {
	var words, mentioned []string
	for _, text := range texts {
		if m := exactCode.FindStringSubmatch(text); m != nil {
			p.codes = append(p.codes, strings.ToUpper(m[1])+"-"+m[2])
			continue
		}
		for _, m := range anyCode.FindAllStringSubmatch(text, 8) {
			mentioned = append(mentioned, strings.ToUpper(m[1])+"-"+m[2])
		}
		text = strings.TrimSpace(text)
		if text != "" && !slices.Contains(words, text) && len(words) < 8 {
			words = append(words, text)
		}
	}
	for _, code := range mentioned {
		if !slices.Contains(p.codes, code) {
			p.codes = append(p.codes, code)
		}
	}
	p.text = strings.Join(words, "; ")
}

// code returns the code that says most, "" when there is none.
func (p *problem) code() string {
	if len(p.codes) == 0 {
		return ""
	}
	return p.codes[0]
}

// has reports whether one of the codes is one of those given.
func (p *problem) has(codes ...string) bool {
	return slices.ContainsFunc(p.codes, func(code string) bool { return slices.Contains(codes, code) })
}

// family reports whether the code is of one of the categories given.
func (p *problem) family(categories ...string) bool {
	category, _, _ := strings.Cut(p.code(), "-")
	return slices.Contains(categories, category)
}

// isHTML reports whether the answer is a page for people, which the API never
// answers with: it comes from a proxy or a wrong address.
func isHTML(a *outbound.Answer) bool {
	return strings.Contains(strings.ToLower(a.Header.Get("Content-Type")), "html") ||
		bytes.HasPrefix(bytes.TrimSpace(a.Body), []byte("<"))
}

// walk calls visit for every string of a JSON document in its order, with the
// name of the member that it stands in.
func walk(document []byte, visit func(name, text string)) {
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber()
	type level struct {
		object  bool
		name    string
		wantKey bool
	}
	levels := []level{{}}
	for {
		token, err := decoder.Token()
		if err != nil {
			return
		}
		top := &levels[len(levels)-1]
		switch token := token.(type) {
		case json.Delim:
			if token == '}' || token == ']' {
				levels = levels[:len(levels)-1]
				levels[len(levels)-1].wantKey = levels[len(levels)-1].object
				continue
			}
			levels = append(levels, level{object: token == '{', name: top.name, wantKey: token == '{'})
			continue
		case string:
			if top.wantKey {
				top.name, top.wantKey = token, false
				continue
			}
			visit(top.name, token)
		}
		top.wantKey = top.object
	}
}
