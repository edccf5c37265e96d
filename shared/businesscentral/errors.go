package businesscentral

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"

	"contactsync/shared/outbound"
	"contactsync/shared/transfer"
)

// An apiError is what an error answer says: JSON as a rule, XML or HTML or
// nothing from gateways (business-central.md 7.1). The message decides, where
// nothing else does, and is never quoted: it may hold values of the record.
type apiError struct {
	status  int
	code    string // "" when there is none that can be shown
	message string
	trace   string // correlation or request id; "" when there is none
	html    bool
}

var (
	codeText    = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.]{0,79}$`)
	correlation = regexp.MustCompile(`CorrelationId:\s+([0-9a-fA-F-]{36})`)
	traceText   = regexp.MustCompile(`^[0-9A-Za-z-]{1,64}$`)
	noProperty  = regexp.MustCompile(`^Could not find a property named '([\pL\pN_]+)'`)
)

// safeCode returns the code if it looks like one: nothing else is shown or stored.
func safeCode(s string) string {
	if codeText.MatchString(s) {
		return s
	}
	return ""
}

func readError(answer *outbound.Answer) apiError {
	e := apiError{status: answer.Status}
	body := bytes.TrimSpace(answer.Body)
	switch {
	case bytes.HasPrefix(body, []byte("{")):
		var got struct {
			Error struct {
				Code    string          `json:"code"`
				Message json.RawMessage `json:"message"`
			} `json:"error"`
		}
		if json.Unmarshal(body, &got) == nil {
			e.code = safeCode(got.Error.Code)
			_ = json.Unmarshal(got.Error.Message, &e.message) // a message that is no text is no message
		}
	case bytes.HasPrefix(body, []byte("<")):
		var got struct {
			XMLName xml.Name
			Code    string `xml:"code"`
			Message string `xml:"message"`
		}
		if xml.Unmarshal(body, &got) == nil && got.XMLName.Local == "error" {
			e.code, e.message = safeCode(strings.TrimSpace(got.Code)), got.Message
		} else {
			e.html = true
		}
	}
	if found := correlation.FindStringSubmatch(e.message); found != nil {
		e.trace = found[1]
	}
	for _, name := range []string{"ms-correlation-x", "Request-Id"} {
		if id := answer.Header.Get(name); e.trace == "" && traceText.MatchString(id) {
			e.trace = id
		}
	}
	return e
}

// String shows status, code and trace.
func (e apiError) String() string {
	s := fmt.Sprintf("HTTP %d", e.status)
	if e.code != "" {
		s += " " + e.code
	} else if e.html {
		s += " with HTML"
	}
	if e.trace != "" {
		s += ", correlation id " + e.trace
	}
	return s
}

// permission reports whether a permission is missing (business-central.md 12 no. 11).
func (e apiError) permission() bool {
	return strings.HasPrefix(strings.TrimSpace(e.message), "Sorry, the current permissions prevented") ||
		strings.HasPrefix(e.code, "Authorization_")
}

// unknownProperty returns the property that a query named and the service does
// not have; ok is false for every other error.
func (e apiError) unknownProperty() (name string, ok bool) {
	if e.status != http.StatusBadRequest {
		return "", false
	}
	found := noProperty.FindStringSubmatch(e.message)
	if found == nil || utf8.RuneCountInString(found[1]) > maxPropertyName {
		return "", false
	}
	return found[1], true
}

// tryAgainLater reports the 400 that is worth repeating (business-central.md 6.2).
func tryAgainLater(status int, body []byte) bool {
	return status == http.StatusBadRequest && bytes.Contains(body, []byte("Please try again later."))
}

// An answerError is a [transfer.Error] that keeps what Business Central said, for
// those who decide upon it.
type answerError struct {
	err  *transfer.Error
	said apiError
}

func (e *answerError) Error() string { return e.err.Error() }

func (e *answerError) Unwrap() error { return e.err }

// saidBy returns what Business Central said when err is an answer of it.
func saidBy(err error) (said apiError, ok bool) {
	if e, ok := errors.AsType[*answerError](err); ok {
		return e.said, true
	}
	return apiError{}, false
}

// judge makes an error of an answer that is no success. where says what was
// called, for the person who must look there.
func (c *Client) judge(op string, where place, answer *outbound.Answer) error {
	said := readError(answer)
	e := &transfer.Error{Fault: transfer.SourceUnavailable, Op: op}
	switch {
	case said.permission() || said.status == http.StatusForbidden:
		e.Fault = transfer.SourceUnauthorized
		e.Detail = fmt.Sprintf("Business Central answered %s for %s: a permission is missing; give the application (page Microsoft Entra Applications) or the user a permission set that reads contacts and customers", said, where)
	case said.status == http.StatusUnauthorized:
		return unauthorized(op, answer)
	case said.code == "NoEnvironment":
		e.Stop = true
		e.Detail = fmt.Sprintf("Business Central answered %s: the environment %s does not exist; check BC_ENVIRONMENT", said, c.cfg.Environment)
	case said.code == "Internal_CompanyNotFound":
		e.Stop = true
		e.Detail = fmt.Sprintf("Business Central answered %s: there is no company %s; check BC_COMPANY", said, c.cfg.Company)
	case said.status == http.StatusNotFound, said.status == http.StatusMethodNotAllowed, said.status == http.StatusGone:
		e.Stop = true
		e.Detail = fmt.Sprintf("Business Central answered %s: %s", said, where.missing(said))
	case said.status == http.StatusNotImplemented:
		e.Stop = true
		e.Detail = fmt.Sprintf("Business Central answered %s: %s does not support the filter or the order that is needed", said, where)
	case tryAgainLater(answer.Status, answer.Body):
		e.Detail = fmt.Sprintf("Business Central answered %s for %s: it asks to try again later", said, where)
	case said.status == http.StatusTooManyRequests:
		e.Detail = fmt.Sprintf("Business Central answered %s for %s: too many requests", said, where)
		e.Err = transfer.ErrThrottled
	default:
		e.Detail = fmt.Sprintf("Business Central answered %s for %s", said, where)
	}
	if name, ok := said.unknownProperty(); ok {
		c.service.drop() // the service has changed: look at it again
		e.Detail = fmt.Sprintf("Business Central answered %s: %s has no property %s", said, where, name)
	}
	return &answerError{e, said}
}

func unauthorized(op string, answer *outbound.Answer) error {
	said := readError(answer)
	e := transfer.SourceUnauthorized.Fail(op, "Business Central answered %s although the token is fresh: enable the application on the page Microsoft Entra Applications, or renew the credentials in the secret", said)
	if said.permission() {
		e.Detail = fmt.Sprintf("Business Central answered %s: a permission is missing; give the application (page Microsoft Entra Applications) or the user a permission set that reads contacts and customers", said)
	}
	return &answerError{e, said}
}

// A place is what is called, in words for errors.
type place struct {
	kind     placeKind
	name     string // Contact_Card, v2.0/contacts
	variable string // where the name is set; "" for what cannot be set
}

type placeKind int

const (
	webService placeKind = iota
	apiRoute
	odataRoot
)

func (p place) String() string {
	switch p.kind {
	case webService:
		return "the web service " + p.name
	case apiRoute:
		return "the API " + p.name
	}
	return p.name
}

// missing says what a 404 or 405 for the place means (business-central.md 7.4).
func (p place) missing(said apiError) string {
	if said.status == http.StatusMethodNotAllowed {
		return p.String() + " cannot be called; on-premises, switch OData and API services on in the server settings"
	}
	switch p.kind {
	case webService:
		return fmt.Sprintf("the web service %s is not published; publish the page under this name (page Web Services) or set %s", p.name, p.variable)
	case apiRoute:
		fix := "it is part of Business Central: check BC_BASE_URL, and whether its update is under way"
		if p.variable != "" {
			fix = "check " + p.variable + ", and whether the app that has it is installed or being updated"
		}
		return "there is no " + strings.TrimPrefix(p.String(), "the ") + "; " + fix
	}
	return p.name + " is not there; check BC_BASE_URL and BC_ENVIRONMENT"
}

// noAnswer makes an error of a call without an answer. The end of the context,
// and of the time that our own deadline leaves, is returned as it is.
func noAnswer(ctx context.Context, op string, err error) error {
	if ctx.Err() != nil || ended(err) {
		return err
	}
	e := &transfer.Error{Fault: transfer.SourceUnavailable, Op: op, Err: err}
	switch {
	case errors.Is(err, outbound.ErrThrottled):
		e.Detail = "Business Central asks for more patience than there is time"
		e.Err = errors.Join(transfer.ErrThrottled, err)
	case errors.Is(err, outbound.ErrTooLarge):
		e.Detail = "the answer of Business Central is too large to be one"
	default:
		e.Detail = "Business Central could not be reached or did not answer in time"
	}
	return e
}

func ended(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, outbound.ErrDeadline)
}

// contentType names the type of an answer, for errors about what came.
func contentType(answer *outbound.Answer) string {
	media, _, err := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if err != nil || len(media) > 60 {
		return "no readable Content-Type"
	}
	return media
}

// notUnderstood is the error for an answer of 200 that is not what it should be.
func notUnderstood(op, expected string, answer *outbound.Answer, came error) error {
	return &transfer.Error{Fault: transfer.SourceUnavailable, Op: op, Err: came,
		Detail: fmt.Sprintf("expected %s, got %s: %v", expected, contentType(answer), came)}
}
