package webhook

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"contactsync/shared/contact"
	"contactsync/shared/transfer"
	"contactsync/shared/wire"
)

// A rejectedHook is a notification that was not stored, and why.
type rejectedHook struct {
	ExternalID string         `json:"external_id"`
	Error      wire.ErrorJSON `json:"error"`
}

// hooks answers POST /hooks, the form in which iPaaS.com is told of changes:
// {"notifications":[{"scope":"contact/updated","external_id":"44552|contact"}]}.
// Members that we do not use (id, attempt, type, …) are let pass.
//
// Source: ipaas.md 10.1 (form and scopes) and 14 no. 25 (contact scopes).
func (h *Handler) hooks(r *http.Request) reply {
	members, answer, ok := readObject(r)
	if !ok {
		return answer
	}
	value, there := members["notifications"]
	list, isList := value.([]any)
	switch {
	case !there:
		return badRequest("notifications is missing, expected a list")
	case !isList:
		return badRequest("notifications is " + kindOf(value) + ", expected a list")
	case len(list) == 0:
		return badRequest("notifications is empty, expected at least one")
	case len(list) > MaxIDs:
		return badRequest(fmt.Sprintf("notifications holds %d entries, at most %d are taken at once", len(list), MaxIDs))
	}
	waiting := h.newRequests(transfer.ByHook)
	rejected := []rejectedHook{}
	for i, element := range list {
		if no := takeHook(waiting, i, element); no != nil {
			rejected = append(rejected, *no)
		}
	}
	if err := h.store(r.Context(), waiting.all); err != nil {
		return unavailable("store the contacts that wait", err)
	}
	body := struct {
		Accepted int            `json:"accepted"`
		Rejected []rejectedHook `json:"rejected"`
	}{len(list) - len(rejected), rejected}
	return asJSON(http.StatusAccepted, body).with(slog.Int("accepted", body.Accepted), slog.Int("rejected", len(rejected)))
}

// takeHook adds what one notification asks for, or says why it does not.
func takeHook(waiting *requests, i int, element any) *rejectedHook {
	object, isObject := element.(map[string]any)
	if !isObject {
		return &rejectedHook{"", wire.Error(wire.BadRequest, fmt.Sprintf("notifications[%d] is %s, expected an object", i, kindOf(element)))}
	}
	id, idIsText := object["external_id"].(string)
	scope, scopeIsText := object["scope"].(string)
	if !scopeIsText {
		return &rejectedHook{id, wire.Error(wire.BadRequest, fmt.Sprintf("notifications[%d].scope is %s, expected text", i, kindOf(object["scope"])))}
	}
	kind, action, known := readScope(scope)
	if !known {
		return &rejectedHook{id, wire.Error(wire.BadRequest, fmt.Sprintf("the scope %q is not one of %s", shorten(scope), scopes))}
	}
	// A poll of contacts needs no id; customer/poll would poll customers.
	if action == "poll" && kind == "contact" {
		waiting.wake()
		return nil
	}
	if !idIsText {
		return &rejectedHook{"", wire.Error(wire.InvalidID, fmt.Sprintf("notifications[%d].external_id is %s, expected text", i, kindOf(object["external_id"])))}
	}
	p := placeOf(id)
	if p.invalid != nil {
		return &rejectedHook{id, *p.invalid}
	}
	if kind == "customer" && !namesContact(id) {
		return &rejectedHook{id, wire.Error(wire.InvalidID, "under the scope "+shorten(scope)+" an id names a contact only with |contact behind it")}
	}
	waiting.add(p.ref, action == "deleted")
	return nil
}

const scopes = "contact/created, contact/updated, contact/deleted, contact/poll, or customer/created, customer/updated, customer/deleted with an id that ends in |contact"

// readScope reads contact/updated, contact/updated/debug and their like. debug
// asks for a richer log in iPaaS.com and means nothing more here.
func readScope(scope string) (kind, action string, known bool) {
	text := strings.ToLower(strings.TrimSpace(scope))
	kind, action, _ = strings.Cut(strings.TrimSuffix(text, "/debug"), "/")
	switch action {
	case "created", "updated", "deleted":
		return kind, action, kind == "contact" || kind == "customer"
	case "poll":
		return kind, action, kind == "contact"
	}
	return kind, action, false
}

// namesContact reports whether an id carries the marker that keeps contacts and
// customers of one number apart.
func namesContact(id string) bool {
	marker := contact.ExternalID("")
	text := strings.TrimSpace(id)
	return len(text) > len(marker) && strings.EqualFold(text[len(text)-len(marker):], marker)
}
