package ipaas

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"contactsync/shared/outbound"
	"contactsync/shared/transfer"
)

// rejected reports whether the answer says that the account is not accepted, so
// that the secret is worth reading again (ipaas.md 5: AUTH-1001, AUTH-1002).
func rejected(a *outbound.Answer) bool {
	if a.Status < 400 || a.Status >= 500 {
		return false
	}
	if a.Status == http.StatusUnauthorized {
		return true
	}
	p := problemOf(a)
	return p.code() == "AUTH-1001" || p.code() == "AUTH-1002"
}

// succeeded reports whether iPaaS.com carried the call out. Its creates are said
// to answer 200, but 201 is what others answer (ipaas.md 5).
func succeeded(a *outbound.Answer) bool {
	switch a.Status {
	case http.StatusOK, http.StatusCreated, http.StatusAccepted, http.StatusNoContent:
		return true
	}
	return false
}

// absent reports whether the answer says that there is no such record or link.
//
// That is a code NFND that does not speak of a table, or status 404 without any
// code. But a proxy or a wrong base URL answers 404 as well, and taking that for
// "no such customer" would make another one. A route that does not exist shows
// itself where it answers with an HTML page, or with the phrase that routers
// written in Go answer with; a 404 with an empty body, JSON or other plain text
// cannot be told from an unlinked id, which iPaaS.com answers with 404
// (ipaas.md 7).
func absent(a *outbound.Answer) bool {
	if a.Status < 400 || a.Status >= 500 || isHTML(a) || strings.TrimSpace(string(a.Body)) == "404 page not found" {
		return false
	}
	p := problemOf(a)
	if p.code() == "" {
		return a.Status == http.StatusNotFound
	}
	return p.family("NFND") && !speaksOfTable.MatchString(p.text) && !p.speaksOfCustomFields()
}

var (
	speaksOfTable       = regexp.MustCompile(`(?i)\btable\b`)
	speaksOfCustomField = regexp.MustCompile(`(?i)custom[\s_-]*field`)
	speaksOfIdentity    = regexp.MustCompile(`(?i)e-?mail|external[\s_-]*id`)
)

func (p *problem) speaksOfCustomFields() bool { return speaksOfCustomField.MatchString(p.text) }

// judge maps an answer that is no success to the catalogue. It is the only place
// where that is decided.
//
// Source: ipaas.md 5 (codes), 14 no. 10 to 12 (statuses); design.md 1.9.
func judge(r request, a *outbound.Answer) error {
	p := problemOf(a)
	e := &transfer.Error{Op: r.op, Detail: p.detail(r, a)}
	switch {
	case a.Status < 300: // 203, 205 and the like, which nobody answers
		return notUnderstood(r, a, "200, 201, 202 or 204")
	case a.Status < 400:
		e.Fault, e.Detail = transfer.DestinationUnavailable,
			fmt.Sprintf("iPaaS.com answered %d and points to another address; check IPAAS_BASE_URL", a.Status)
	case a.Status == http.StatusUnauthorized, a.Status == http.StatusForbidden, p.family("AUTH", "AUTZ"):
		e.Fault = transfer.DestinationUnauthorized
	case p.inactive():
		judgeInactive(r, e)
	case p.taken():
		e.Fault, e.Err = transfer.DuplicateContact, transfer.ErrTaken
	case unavailable(a, &p):
		e.Fault = transfer.DestinationUnavailable
		if r.once && !notCarriedOut(a) {
			e.Err = transfer.ErrUnknownOutcome
		}
	case p.customField(r) != "":
		e.Fault, e.Detail = transfer.CustomFieldNotFound, p.customField(r)+": "+e.Detail
	case absent(a) && !r.once:
		e.Fault, e.Err = transfer.DestinationRejected, transfer.ErrGone
	case a.Status == http.StatusNotFound && p.code() == "":
		e.Fault, e.Detail = transfer.DestinationUnavailable,
			e.Detail+"; the address is not one of iPaaS.com's API: check IPAAS_BASE_URL"
	default:
		e.Fault = transfer.DestinationRejected
	}
	return e
}

// judgeInactive fills in e for BIZL-1009: on a create the e-mail address is held
// by an inactive customer, on an update the customer itself is inactive.
func judgeInactive(r request, e *transfer.Error) {
	if r.once {
		e.Fault, e.Err = transfer.DuplicateContact, errors.Join(transfer.ErrTaken, transfer.ErrInactive)
		e.Detail = "an inactive customer stands in the way: " + e.Detail
		return
	}
	e.Fault, e.Err = transfer.DestinationRejected, transfer.ErrInactive
	e.Detail = "the customer is inactive: reactivate it in iPaaS.com, then replay: " + e.Detail
}

// unavailable reports whether the answer speaks of iPaaS.com's own state.
// VALD-1053 is an internal error in spite of its family (ipaas.md 5).
func unavailable(a *outbound.Answer, p *problem) bool {
	return a.Status >= 500 || a.Status == http.StatusRequestTimeout || a.Status == http.StatusTooManyRequests ||
		p.family("INTL") || p.has("VALD-1053")
}

// notCarriedOut reports whether an answer of unavailability proves that the call
// was turned away at the door.
func notCarriedOut(a *outbound.Answer) bool {
	return a.Status == http.StatusTooManyRequests ||
		a.Status == http.StatusServiceUnavailable && a.Header.Get("Retry-After") != ""
}

func (p *problem) inactive() bool { return p.has("BIZL-1009") }

// taken reports whether e-mail or external id are in use. BIZL-1002 speaks of
// child records, so that its text decides.
func (p *problem) taken() bool {
	if p.has("BIZL-1001", "BIZL-1003", "BIZL-1004", "BIZL-1005", "BIZL-1006", "BIZL-1007") {
		return true
	}
	return p.has("BIZL-1002") && speaksOfIdentity.MatchString(p.text)
}

// customField returns which custom field an answer complains about: its name, or
// "a custom field" where the answer does not say; "" when it is not about one.
// What an undefined name gives is not known for sure (ipaas.md 8; 14 no. 20).
func (p *problem) customField(r request) string {
	if len(r.fields) == 0 || !p.has("VALD-1010", "VALD-1015", "VALD-1022", "VALD-1036") && !p.family("NFND") {
		return ""
	}
	longest := ""
	for _, name := range r.fields {
		if len(name) > len(longest) && mentions(p.text, name) {
			longest = name
		}
	}
	switch {
	case p.family("NFND") && !p.speaksOfCustomFields() && (longest == "" || p.has("NFND-1005")):
		return "" // the customer itself
	case longest != "":
		return longest
	case p.speaksOfCustomFields() || p.has("VALD-1015"):
		return "a custom field"
	}
	return ""
}

// mentions reports whether name stands in text as words of its own.
func mentions(text, name string) bool {
	found, err := regexp.MatchString(`(?i)(^|[^\pL\pN])`+regexp.QuoteMeta(name)+`($|[^\pL\pN])`, text)
	return err == nil && found
}

// detail says what iPaaS.com answered, for the operator: status, code and words,
// these with every value of the record masked. An answer to a look-up may speak of
// values that the call did not carry: of such a one only the code is told.
func (p *problem) detail(r request, a *outbound.Answer) string {
	said := fmt.Sprintf("iPaaS.com answered %d", a.Status)
	if p.code() != "" {
		said += " " + p.code()
	}
	switch words := mask(p.text, r.values); {
	case p.html:
		return said + " with an HTML page"
	case !r.record && p.text != "":
		return said + " with a text that is not shown, for it may quote a record"
	case words != "":
		return said + ": " + strings.TrimPrefix(words, p.code()+": ")
	case p.text != "":
		return said + " with a text too long to quote"
	}
	return said
}

// notUnderstood is the error for a success whose body is not what it should be.
// It tells the kind and length of what came and nothing of its content.
func notUnderstood(r request, a *outbound.Answer, want string) error {
	kind := a.Header.Get("Content-Type")
	if kind, _, _ = strings.Cut(kind, ";"); !knownType.MatchString(kind) {
		kind = "an unnamed type"
	}
	e := transfer.DestinationUnavailable.Fail(r.op, "the answer of iPaaS.com cannot be understood: want %s, got %d with %d bytes of %s",
		want, a.Status, len(a.Body), kind)
	return e
}

var knownType = regexp.MustCompile(`^[a-z]+/[a-z0-9.+-]{1,60}$`)
