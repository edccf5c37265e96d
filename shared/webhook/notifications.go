package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"

	"contactsync/shared/contact"
	"contactsync/shared/transfer"
)

// notifications answers POST /notifications/business-central. Business Central
// deletes a subscription for any answer but 2xx, 408, 429 and 5xx, so whatever
// cannot be used is dropped, counted and answered 202; only what could not be
// stored is refused, for a later delivery.
//
// Source: business-central.md 8.3 (handshake), 8.4 (form), 8.6 (answers).
func (h *Handler) notifications(r *http.Request) reply {
	if answer, is := handshake(r); is {
		return answer
	}
	count := tally{}
	body, err := readBody(r)
	if err != nil {
		// Nobody proved who sent this, so it must not set anything to work either.
		count.drop(reasonBody)
		answer := count.accepted(0)
		answer.loud = errors.Is(err, errTooLarge)
		return answer.with(slog.String("error", err.Error()))
	}
	entries, readable := notificationsIn(body)
	if !readable {
		count.drop(reasonBody)
		return count.accepted(0)
	}
	waiting := h.newRequests(transfer.ByNotification)
	accepts := h.clientStates(r)
	for _, raw := range entries {
		reason, err := takeNotification(waiting, raw, accepts)
		if err != nil {
			return unavailable("read the secret", err)
		}
		count.drop(reason)
	}
	if err := h.store(r.Context(), waiting.all); err != nil {
		return unavailable("store the contacts that wait", err)
	}
	return count.accepted(len(waiting.all))
}

// handshakeOnly answers a GET of the notification route: some senders shake
// hands that way, but notifications are always posted.
func (h *Handler) handshakeOnly(r *http.Request) reply {
	if answer, is := handshake(r); is {
		return answer
	}
	return methodNotAllowed(http.MethodPost)
}

// handshake answers a request that carries a validationToken: the decoded token
// and nothing else, as plain text. It reads neither secret nor table.
func handshake(r *http.Request) (answer reply, is bool) {
	token := r.URL.Query().Get("validationToken")
	switch {
	case token == "":
		return reply{}, false
	case len(token) > MaxValidation:
		count := tally{}
		count.drop("validation_token_too_long")
		return count.accepted(0), true
	}
	return reply{status: http.StatusOK, contentType: "text/plain", body: []byte(token), log: []slog.Attr{slog.Bool("handshake", true)}}, true
}

// notificationsIn takes the body apart. A byte order mark, which old versions
// send, is skipped; each notification is read by itself, so that one of another
// form takes none of the others with it.
func notificationsIn(body []byte) (entries []json.RawMessage, readable bool) {
	var batch struct {
		Value []json.RawMessage `json:"value"`
	}
	err := json.Unmarshal(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")), &batch)
	return batch.Value, err == nil && batch.Value != nil
}

// Why a notification is dropped, as the log counts it.
const (
	reasonBody        = "unreadable_body"
	reasonEntry       = "unreadable_notification"
	reasonEntity      = "other_entity"
	reasonCompany     = "other_company"
	reasonChange      = "unknown_change_type"
	reasonKey         = "no_internal_id"
	reasonClientState = "wrong_client_state"
)

// An entry is what we use of one notification. Its lastModifiedDateTime is the
// time of the announcement, not of the change.
type entry struct {
	ClientState string `json:"clientState"`
	Resource    string `json:"resource"`
	ChangeType  string `json:"changeType"`
}

func readEntry(raw json.RawMessage) (e entry, readable bool) {
	readable = json.Unmarshal(raw, &e) == nil
	return e, readable
}

// takeNotification adds what one notification asks for, or returns why it is
// dropped. The secret is asked last: junk must not make us read it.
func takeNotification(waiting *requests, raw json.RawMessage, accepts func(state string) (bool, error)) (dropped string, err error) {
	n, readable := readEntry(raw)
	if !readable {
		return reasonEntry, nil
	}
	company, id, ours := contactOf(n.Resource)
	if !ours {
		return reasonEntity, nil
	}
	if want := waiting.h.cfg.CompanyID; want != "" && contact.IsGUID(company) && !strings.EqualFold(company, want) {
		return reasonCompany, nil
	}
	change := strings.ToLower(n.ChangeType)
	switch change {
	case "collection":
	case "created", "updated", "deleted":
		if !contact.IsGUID(id) {
			return reasonKey, nil
		}
	default:
		return reasonChange, nil
	}
	if ok, err := accepts(n.ClientState); err != nil || !ok {
		return reasonClientState, err
	}
	if change == "collection" {
		// The address in the body is never called; the poll knows where it is.
		waiting.wake()
		return "", nil
	}
	waiting.add(contact.Ref{ID: strings.ToLower(id)}, change == "deleted")
	return "", nil
}

// clientStates returns the question whether a clientState is accepted, asked
// once for each distinct one of a batch.
func (h *Handler) clientStates(r *http.Request) func(state string) (bool, error) {
	known := map[string]bool{"": false}
	return func(state string) (bool, error) {
		if accepted, asked := known[state]; asked {
			return accepted, nil
		}
		accepted, err := h.cfg.Callers.AcceptsClientState(r.Context(), state)
		if err == nil {
			known[state] = accepted
		}
		return accepted, err
	}
}

// tally counts what was dropped, by reason.
type tally map[string]int

func (t tally) drop(reason string) {
	if reason != "" {
		t[reason]++
	}
}

// accepted answers 202 without a body: a sender that is not Business Central
// learns nothing. The log has the counts.
func (t tally) accepted(stored int) reply {
	answer := reply{status: http.StatusAccepted, log: []slog.Attr{slog.Int("stored", stored)}}
	for _, reason := range slices.Sorted(maps.Keys(t)) {
		answer = answer.with(slog.Int("dropped_"+reason, t[reason]))
	}
	return answer
}
