package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"contactsync/shared/app/apptest"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/config"
	"contactsync/shared/contact"
	"contactsync/shared/transfer"
	"contactsync/shared/wire"
)

const webhookURL = "https://hooks.example.com/notifications/business-central"

// newListening starts a World whose Business Central calls the webhook function
// through the gateway, and whose poll keeps the subscription.
func newListening(t *testing.T, change ...func(*businesscentraltest.Config)) (*apptest.World, gateway) {
	t.Helper()
	var g gateway
	bridge := bridgeTo{&g}
	source := businesscentraltest.Config{NotificationClient: &http.Client{Transport: bridge}}
	for _, c := range change {
		c(&source)
	}
	w := apptest.New(t, apptest.Options{Source: source, Config: func(c *config.Config) { c.WebhookURL = webhookURL }})
	g.w = w
	return w, g
}

// bridgeTo is a gateway that is known only once the World exists.
type bridgeTo struct{ g *gateway }

func (b bridgeTo) RoundTrip(r *http.Request) (*http.Response, error) { return b.g.RoundTrip(r) }

// deliver lets Business Central send what is due.
func deliver(t *testing.T, w *apptest.World) businesscentraltest.Notified {
	t.Helper()
	w.Clock.Advance(31 * time.Second)
	got, err := w.Source.DeliverNotifications(t.Context())
	if err != nil || got.Dropped > 0 {
		t.Fatalf("got %+v, %v; want every notification accepted", got, err)
	}
	return got
}

// arrived does what the table's stream starts: an event with the image of
// everything that waits.
func arrived(t *testing.T, w *apptest.World) {
	t.Helper()
	if _, err := w.App.Poll(w.Context(), streamOf(t, w)); err != nil {
		t.Fatal(err)
	}
}

// streamOf is the event of the table's stream about everything that waits.
func streamOf(t *testing.T, w *apptest.World) json.RawMessage {
	t.Helper()
	waiting, _, err := w.Store.Requests(t.Context(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	var records []any
	for _, q := range waiting {
		pk := "default#contact#" + contact.Key(q.Ref.No)
		switch {
		case q.Wake:
			pk = "default#wake"
		case q.Ref.ID != "":
			pk = "default#id#" + q.Ref.ID
		}
		image := map[string]any{"wake": map[string]bool{"BOOL": q.Wake}, "deleted": map[string]bool{"BOOL": q.Deleted}}
		for name, value := range map[string]string{
			"pk": pk, "sk": "request", "status": "pending", "no": q.Ref.No, "contact_id": q.Ref.ID,
			"trigger": string(q.Trigger), "requested_at": q.RequestedAt.Format(wire.TimeFormat), "token": q.Token,
		} {
			if value != "" {
				image[name] = map[string]string{"S": value}
			}
		}
		records = append(records, map[string]any{"eventName": "INSERT", "eventSource": "aws:dynamodb", "dynamodb": map[string]any{"NewImage": image}})
	}
	raw, err := json.Marshal(map[string]any{"Records": records})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestNotificationsOfACreatedAndAnUpdatedContactTransferIt(t *testing.T) {
	w, _ := newListening(t)
	w.Poll() // makes the subscription
	w.Add(apptest.Person("1", "one@example.com"))
	if got := deliver(t, w); got.Notifications != 1 {
		t.Fatalf("got %+v, want one notification", got)
	}
	arrived(t, w)
	if s := w.State("1"); s.Action != transfer.Created || s.Trigger != transfer.ByNotification {
		t.Fatalf("got %+v, want created by the notification", s.Attempt)
	}
	w.Edit("1", func(c *businesscentraltest.Contact) { c.City = "Boston" })
	deliver(t, w)
	arrived(t, w)
	if c, _ := w.Target.CustomerByExternalID("1|contact"); c.Addresses[0].Fields.City != "Boston" {
		t.Errorf("the customer lives in %s, want Boston", c.Addresses[0].Fields.City)
	}
}

func TestADeletedContactIsRecordedAndItsCustomerLeftAlone(t *testing.T) {
	w, g := newListening(t)
	w.Add(apptest.Person("1", "one@example.com"))
	w.Poll()
	before, _ := w.Target.CustomerByExternalID("1|contact")
	if err := w.Source.DeleteContact("1"); err != nil {
		t.Fatal(err)
	}
	deliver(t, w)
	w.Target.ResetRequests()
	arrived(t, w)
	a := g.get("/transfers/1")
	a.must(http.StatusOK)
	if s := w.State("1"); s.Status != transfer.Skipped || s.CustomerID != text(before.ID) || s.Reason == "" {
		t.Errorf("got %s, want skipped with a reason and customer %d kept", a.body, before.ID)
	}
	if after, found := w.Target.CustomerByExternalID("1|contact"); !found || after.Inactive || len(w.Target.Requests()) != 0 {
		t.Errorf("customer %+v after %d calls, want untouched", after, len(w.Target.Requests()))
	}
}

func TestACollectionNotificationLetsThePollReadFromItsWatermark(t *testing.T) {
	w, g := newListening(t, func(c *businesscentraltest.Config) { c.MaxNotifications = 3 })
	w.Add(apptest.Person("0", "zero@example.com"))
	w.Poll()
	w.Clock.Advance(time.Hour)
	for i := range 10 {
		w.Add(apptest.Person(fmt.Sprintf("P%d", i), fmt.Sprintf("p%d@example.com", i)))
	}
	deliver(t, w)
	waiting, _, err := w.Store.Requests(t.Context(), 10)
	if err != nil || len(waiting) != 1 || !waiting[0].Wake {
		t.Fatalf("got %+v, %v; want one wake-up", waiting, err)
	}
	if list := g.call(http.MethodGet, "/transfers", "status=pending", apptest.APIKey, nil); len(list.transfers()) != 0 {
		t.Errorf("the wake-up is shown as a transfer: %s", list.body)
	}
	w.Source.ResetRequests()
	arrived(t, w)
	if n := w.Target.CountCustomers(); n != 11 {
		t.Errorf("%d customers, want 11", n)
	}
	for _, r := range w.Source.Requests(businesscentraltest.RouteContacts) {
		if !strings.Contains(r.URL, "filter") {
			t.Errorf("read %s, want only what changed since the watermark", r.URL)
		}
	}
	if waiting, _, _ = w.Store.Requests(t.Context(), 10); len(waiting) != 0 {
		t.Errorf("still waiting: %+v", waiting)
	}
}

func TestJunkOnTheNotificationRouteIsAcceptedAndDropped(t *testing.T) {
	w, g := newListening(t)
	company := w.Source.CompanyID()
	entry := func(state, resource, change string) string {
		return fmt.Sprintf(`{"value":[{"subscriptionId":"s","clientState":%q,"resource":%q,"changeType":%q}]}`, state, resource, change)
	}
	contacts := "api/v2.0/companies(" + company + ")/contacts(" + internalID + ")"
	for name, body := range map[string]string{
		"another clientState": entry("guess", contacts, "updated"),
		"another entity":      entry(apptest.ClientState, strings.Replace(contacts, "/contacts", "/items", 1), "updated"),
		"no JSON":             "{",
		"nothing":             "",
	} {
		if a := g.call(http.MethodPost, "/notifications/business-central", "", "", []byte(body)); a.status != http.StatusAccepted {
			t.Errorf("%s: %d, want 202", name, a.status)
		}
	}
	if waiting, _, _ := w.Store.Requests(t.Context(), 10); len(waiting) != 0 {
		t.Errorf("stored %+v, want nothing", waiting)
	}
	if a := g.call(http.MethodPost, "/notifications/business-central", "validationToken=a%2Bb%20c", "", nil); a.status != http.StatusOK || string(a.body) != "a+b c" {
		t.Errorf("handshake: %d %s", a.status, a.body)
	}
}

// What the poll does about the subscription.

func TestThePollCreatesAndRenewsTheSubscription(t *testing.T) {
	w, _ := newListening(t)
	run := w.Poll()
	first := w.Source.Subscriptions()
	if len(first) != 1 || first[0].NotificationURL != webhookURL || first[0].ClientState != apptest.ClientState || !noted(run.Notes, "created") {
		t.Fatalf("got %+v and the notes %q, want one subscription", first, run.Notes)
	}
	w.Clock.Advance(47 * time.Hour) // 25 hours are left
	w.Poll()
	if s := w.Source.Subscriptions(); !s[0].Expires.Equal(first[0].Expires) {
		t.Errorf("renewed with more than a day left: %s", s[0].Expires)
	}
	w.Clock.Advance(2 * time.Hour)
	run = w.Poll()
	s := w.Source.Subscriptions()
	if len(s) != 1 || s[0].ID != first[0].ID || s[0].Expires.Sub(w.Clock.Now()) < 71*time.Hour || !noted(run.Notes, "renewed") {
		t.Errorf("got %+v and the notes %q, want the same one renewed for three days", s, run.Notes)
	}
}

func TestASubscriptionThatBusinessCentralDroppedIsMadeAnew(t *testing.T) {
	w, _ := newListening(t)
	w.Poll()
	first := w.Source.Subscriptions()[0].ID
	w.Source.DropSubscriptions()
	w.Clock.Advance(61 * time.Minute) // it is looked after once an hour
	run := w.Poll()
	if s := w.Source.Subscriptions(); len(s) != 1 || s[0].ID == first || !noted(run.Notes, "created again") {
		t.Errorf("got %+v and the notes %q, want another one", s, run.Notes)
	}
	if kept, _ := w.Store.Subscription(t.Context()); kept.ID != w.Source.Subscriptions()[0].ID || kept.Problem != nil {
		t.Errorf("stored %+v, want the new one", kept)
	}
}

func TestASubscriptionThatEndedByItselfIsMadeAnew(t *testing.T) {
	w, _ := newListening(t)
	w.Poll()
	w.Clock.Advance(80 * time.Hour) // nobody polled for more than three days
	w.Poll()
	if s := w.Source.Subscriptions(); len(s) != 1 || s[0].Expires.Before(w.Clock.Now().Add(71*time.Hour)) {
		t.Errorf("got %+v, want one that lasts three days", s)
	}
}

func TestATenantThatOffersNoSubscriptionIsReportedOnceAndPolled(t *testing.T) {
	w, _ := newListening(t, func(c *businesscentraltest.Config) { c.Assumptions.ContactsNotSubscribable = true })
	w.Add(apptest.Person("1", "one@example.com"))
	told := 0
	for range 30 { // more than a day: it is asked again, not told again
		run := w.Poll()
		if noted(run.Notes, "offers no subscription") {
			told++
		}
		w.Clock.Advance(time.Hour)
	}
	if told != 1 {
		t.Errorf("told %d times, want once", told)
	}
	if w.Target.CountCustomers() != 1 {
		t.Error("polling did not carry on")
	}
	asked := w.Source.Calls(businesscentraltest.RouteSupportedResources)
	if asked < 1 || asked > 2 {
		t.Errorf("asked %d times in 30 hours, want at most once a day", asked)
	}
}

func TestAWebhookThatDoesNotAnswerTheHandshakeIsToldAndPollingGoesOn(t *testing.T) {
	w, _ := newListening(t, func(c *businesscentraltest.Config) { c.NotificationClient = &http.Client{Transport: deaf{}} })
	w.Add(apptest.Person("1", "one@example.com"))
	run := w.Poll()
	if run.Counts.Created != 1 || !run.Complete || !noted(run.Notes, "could not be kept") {
		t.Errorf("got %+v, want the contact created and a note", run)
	}
	if kept, _ := w.Store.Subscription(t.Context()); kept.Problem == nil || !strings.Contains(kept.Problem.Detail, "WEBHOOK_URL") {
		t.Errorf("stored %+v, want what is wrong with WEBHOOK_URL", kept)
	}
}

// deaf is an address at which nobody is.
type deaf struct{}

func (deaf) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, fmt.Errorf("no such host")
}

func noted(notes []string, part string) bool {
	for _, n := range notes {
		if strings.Contains(n, part) {
			return true
		}
	}
	return false
}
