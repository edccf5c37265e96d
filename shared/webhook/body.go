package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"contactsync/shared/wire"
)

// maxDepth is how deeply a body may nest; ours need three levels.
const maxDepth = 16

var errTooLarge = errors.New("the body is over 1 MB")

// readBody reads the whole body, up to the limit.
func readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	if r.ContentLength > MaxBody {
		return nil, errTooLarge
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxBody+1))
	if err != nil {
		return nil, fmt.Errorf("the body could not be read: %w", err)
	}
	if len(body) > MaxBody {
		return nil, errTooLarge
	}
	return body, nil
}

// readObject reads a body that is one JSON object. ok is false when the answer
// is already decided: 415, 413 or 400.
func readObject(r *http.Request) (members map[string]any, answer reply, ok bool) {
	if problem := notJSON(r.Header); problem != "" {
		return nil, failure(http.StatusUnsupportedMediaType, wire.UnsupportedMediaType, problem), false
	}
	body, err := readBody(r)
	if errors.Is(err, errTooLarge) {
		return nil, failure(http.StatusRequestEntityTooLarge, wire.TooLarge, "at most 1,048,576 bytes are read"), false
	}
	if err != nil {
		return nil, badRequest("the body could not be read to its end"), false
	}
	value, err := parseJSON(body)
	if err != nil {
		return nil, badRequest(err.Error()), false
	}
	members, ok = value.(map[string]any)
	if !ok {
		return nil, badRequest("the body is " + kindOf(value) + ", expected an object"), false
	}
	return members, reply{}, true
}

// notJSON says what is wrong with the declared type of a body; "" when nothing
// is. No declaration counts as JSON (design.md 1.5).
func notJSON(header http.Header) string {
	if encoding := header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return "a compressed body is not read"
	}
	declared := header.Get("Content-Type")
	if declared == "" {
		return ""
	}
	mediaType, parameters, err := mime.ParseMediaType(declared)
	if err != nil {
		return "the Content-Type cannot be read"
	}
	if mediaType != jsonType && !strings.HasSuffix(mediaType, "+json") {
		return fmt.Sprintf("the Content-Type is %.60q, expected %s", mediaType, jsonType)
	}
	if charset := parameters["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") && !strings.EqualFold(charset, "us-ascii") {
		return fmt.Sprintf("the charset is %.30q, expected utf-8", charset)
	}
	return ""
}

// parseJSON reads one JSON value strictly: valid UTF-8, no member twice in an
// object, no more than maxDepth levels, nothing behind it. Its errors say where.
func parseJSON(body []byte) (any, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, errors.New("the body is empty, expected a JSON object")
	}
	if at := invalidUTF8(body); at >= 0 {
		return nil, fmt.Errorf("the body is not valid UTF-8 at byte %d", at)
	}
	var raw json.RawMessage
	if err := json.Unmarshal(body, &raw); err != nil {
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			return nil, fmt.Errorf("the body is not JSON: %w at byte %d", syntax, syntax.Offset)
		}
		return nil, errors.New("the body is not JSON")
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	return parseValue(decoder, "the body", 0)
}

func invalidUTF8(body []byte) int {
	for at := 0; at < len(body); {
		r, size := utf8.DecodeRune(body[at:])
		if r == utf8.RuneError && size == 1 {
			return at
		}
		at += size
	}
	return -1
}

// parseValue reads the next value. where names it for messages.
func parseValue(decoder *json.Decoder, where string, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("%s is nested more than %d levels deep", shorten(where), maxDepth)
	}
	token, err := decoder.Token()
	if err != nil {
		return nil, fmt.Errorf("%s is not JSON at byte %d", shorten(where), decoder.InputOffset())
	}
	switch token {
	case json.Delim('{'):
		return parseObject(decoder, where, depth)
	case json.Delim('['):
		return parseList(decoder, where, depth)
	}
	return token, nil
}

func parseObject(decoder *json.Decoder, where string, depth int) (any, error) {
	object := map[string]any{}
	for decoder.More() {
		token, err := decoder.Token()
		name, isText := token.(string)
		if err != nil || !isText {
			return nil, fmt.Errorf("%s is not JSON at byte %d", shorten(where), decoder.InputOffset())
		}
		member := name
		if depth > 0 {
			member = where + "." + name
		}
		if _, twice := object[name]; twice {
			return nil, fmt.Errorf("%s stands there twice", shorten(member))
		}
		if object[name], err = parseValue(decoder, member, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := decoder.Token()
	return object, err
}

func parseList(decoder *json.Decoder, where string, depth int) (any, error) {
	list := []any{}
	for decoder.More() {
		value, err := parseValue(decoder, fmt.Sprintf("%s[%d]", where, len(list)), depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	_, err := decoder.Token()
	return list, err
}

// unknownMembers names the members that a body must not have. A misspelt dry_run
// would otherwise write where nothing was to be written.
func unknownMembers(members map[string]any, known ...string) string {
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if !slices.Contains(known, name) {
			return fmt.Sprintf("unknown member %s, expected %s", shorten(name), strings.Join(known, ", "))
		}
	}
	return ""
}

// kindOf names what a JSON value is, for messages.
func kindOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case string:
		return "text"
	case bool:
		return "true or false"
	case json.Number:
		return "a number"
	case []any:
		return "a list"
	}
	return "an object"
}

// shorten bounds what a message quotes of a request.
func shorten(text string) string {
	const most = 80
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	return string(runes[:most]) + "…"
}
