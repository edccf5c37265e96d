package businesscentral

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"contactsync/shared/outbound"
	"contactsync/shared/transfer"
)

// A Subscription makes Business Central call a URL when contacts change
// (business-central.md section 8). It ends by itself three days after it was
// created or renewed.
type Subscription struct {
	ID              string
	NotificationURL string
	Resource        string // the entity set, as Business Central keeps it: /api/v2.0/companies(id)/contacts
	ExpiresAt       time.Time
}

// Conditions of the subscription calls, joined to a [transfer.Error].
var (
	// ErrNoSubscription: there is none with that id (any more).
	ErrNoSubscription = errors.New("there is no such subscription")
	// ErrSubscriptionRefused: Business Central does not accept the subscription,
	// most often because the URL did not answer its handshake.
	ErrSubscriptionRefused = errors.New("the subscription is refused by Business Central")
)

// maxClientState is the length of clientState, in characters.
const maxClientState = 2048

// subscribable is what can be subscribed to: API pages only. For a published page
// that is API v2.0 contacts, which shows the same table (business-central.md 8.1).
func (c *Client) subscribable() surface {
	if at := c.contacts(); at.api {
		return at
	}
	return standardContacts
}

func (c *Client) subscriptionsPath() string { return c.subscribable().root + "/subscriptions" }

func (c *Client) subscriptionsPlace() place {
	return place{kind: apiRoute, name: strings.TrimPrefix(c.subscriptionsPath(), "api/")}
}

// Resource is what [Client.Subscribe] subscribes to.
func (c *Client) Resource(ctx context.Context) (string, error) {
	path, err := c.path(ctx, c.subscribable())
	return "/" + path, err
}

// SameResource reports whether two resource texts mean the same entity set: with
// or without leading slash, relative or absolute.
func SameResource(a, b string) bool { return plainResource(a) == plainResource(b) }

func plainResource(s string) string {
	if u, err := url.Parse(s); err == nil && u.IsAbs() {
		s = u.Path
		if i := strings.Index(s, "/api/"); i >= 0 {
			s = s[i:]
		}
	}
	return strings.ToLower(strings.Trim(s, "/"))
}

// WebhookSupported reports whether the tenant offers subscriptions to contacts.
func (c *Client) WebhookSupported(ctx context.Context) (bool, error) {
	const op = "ask what can be subscribed"
	id, err := c.companyID(ctx)
	if err != nil {
		return false, harmless(err)
	}
	at := c.subscribable()
	resource := strings.TrimPrefix(at.root, "api/") + "/" + at.set
	w := c.walk(op, place{kind: apiRoute, name: "microsoft/runtime/beta/webhookSupportedResources"}, newLayout(map[string]field{"resource": fieldNo}))
	path := withOptions("api/microsoft/runtime/beta/companies("+id+")/webhookSupportedResources", option{"$filter", "resource eq " + quote(resource)})
	_, err = c.first(ctx, w, path, func(rec *record) bool { return SameResource(rec.text[fieldNo], resource) })
	if errors.Is(err, transfer.ContactNotFound) {
		return false, nil
	}
	return err == nil, harmless(err)
}

// Subscriptions lists the subscriptions of the environment that the account may see.
func (c *Client) Subscriptions(ctx context.Context) ([]Subscription, error) {
	var all []Subscription
	w := c.walk("list subscriptions", c.subscriptionsPlace(), newLayout(map[string]field{
		"subscriptionId": fieldID, "notificationUrl": fieldAddress, "resource": fieldNo, "expirationDateTime": fieldModified,
	}))
	for r := (request{path: c.subscriptionsPath()}); ; r = (request{link: w.next}) {
		err := w.page(ctx, r, func(rec *record) error {
			all = append(all, Subscription{
				ID: rec.text[fieldID], NotificationURL: rec.text[fieldAddress],
				Resource: rec.text[fieldNo], ExpiresAt: changeTime(rec.text[fieldModified]),
			})
			return nil
		})
		if err != nil {
			return nil, harmless(err)
		}
		if w.next == "" {
			return all, nil
		}
	}
}

// Subscribe subscribes to contacts. Business Central calls the URL before it
// answers and expects the handshake within 5 s. It is [ErrSubscriptionRefused]
// when Business Central does not accept it.
func (c *Client) Subscribe(ctx context.Context, notificationURL, clientState string) (Subscription, error) {
	const op = "subscribe to contacts"
	if err := checkState(op, clientState); err != nil {
		return Subscription{}, err
	}
	resource, err := c.Resource(ctx)
	if err != nil {
		return Subscription{}, harmless(err)
	}
	return c.sendSubscription(ctx, request{
		op: op, method: http.MethodPost, path: c.subscriptionsPath(), once: true,
		body: encode(map[string]string{"notificationUrl": notificationURL, "resource": resource, "clientState": clientState}),
	})
}

// Renew makes a subscription last three more days and gives it that clientState.
// Business Central repeats the handshake. It is [ErrNoSubscription] when it does
// not exist any more, [ErrSubscriptionRefused] when the handshake failed.
func (c *Client) Renew(ctx context.Context, id, clientState string) (Subscription, error) {
	const op = "renew the subscription"
	if err := checkState(op, clientState); err != nil {
		return Subscription{}, err
	}
	return c.sendSubscription(ctx, request{
		op: op, method: http.MethodPatch, path: c.subscriptionPath(id), ifMatch: "*",
		body: encode(map[string]string{"clientState": clientState}),
	})
}

// Unsubscribe ends a subscription. It is no error when it does not exist any more.
func (c *Client) Unsubscribe(ctx context.Context, id string) error {
	const op = "end the subscription"
	answer, err := c.do(ctx, request{op: op, method: http.MethodDelete, path: c.subscriptionPath(id), ifMatch: "*"})
	if err != nil {
		return err
	}
	if answer.Status == http.StatusNoContent || answer.Status == http.StatusOK || answer.Status == http.StatusNotFound {
		return nil
	}
	return harmless(c.judge(op, c.subscriptionsPlace(), answer))
}

func (c *Client) subscriptionPath(id string) string {
	return c.subscriptionsPath() + "(" + escape(quote(id)) + ")"
}

func checkState(op, clientState string) error {
	if len([]rune(clientState)) > maxClientState {
		return transfer.SourceUnavailable.Fail(op, "the clientState is longer than %d characters; shorten webhook.client_states in the secret", maxClientState)
	}
	return nil
}

func (c *Client) sendSubscription(ctx context.Context, r request) (Subscription, error) {
	answer, err := c.do(ctx, r)
	if err != nil {
		return Subscription{}, err
	}
	switch answer.Status {
	case http.StatusOK, http.StatusCreated:
		return readSubscription(r.op, answer)
	case http.StatusNotFound:
		if r.method == http.MethodPatch {
			return Subscription{}, c.subscriptionError(r.op, answer, ErrNoSubscription, "it does not exist any more")
		}
	case http.StatusBadRequest, http.StatusConflict, http.StatusUnprocessableEntity:
		return Subscription{}, c.subscriptionError(r.op, answer, ErrSubscriptionRefused,
			"WEBHOOK_URL must be https, reachable from Business Central, and answer the handshake within 5 s")
	}
	return Subscription{}, harmless(c.judge(r.op, c.subscriptionsPlace(), answer))
}

func (c *Client) subscriptionError(op string, answer *outbound.Answer, condition error, hint string) error {
	said := readError(answer)
	return &answerError{&transfer.Error{Fault: transfer.SourceUnavailable, Op: op, Err: condition,
		Detail: fmt.Sprintf("Business Central answered %s: %s", said, hint)}, said}
}

func readSubscription(op string, answer *outbound.Answer) (Subscription, error) {
	var got struct {
		ID      string `json:"subscriptionId"`
		URL     string `json:"notificationUrl"`
		What    string `json:"resource"`
		Expires string `json:"expirationDateTime"`
	}
	if err := json.Unmarshal(answer.Body, &got); err != nil || got.ID == "" {
		return Subscription{}, notUnderstood(op, "a subscription", answer, errNotSubscription)
	}
	return Subscription{ID: got.ID, NotificationURL: got.URL, Resource: got.What, ExpiresAt: changeTime(got.Expires)}, nil
}

const errNotSubscription malformed = "no JSON object with a subscriptionId"

// encode writes a map of texts, which always has a JSON form.
func encode(members map[string]string) []byte {
	body, _ := json.Marshal(members) //nolint:errchkjson // the keys of a map are sorted texts: it cannot fail
	return body
}
