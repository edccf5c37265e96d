package businesscentraltest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	bc "contactsync/shared/businesscentral/businesscentraltest"
)

// A subscriber answers the handshake and keeps what it gets.
type subscriber struct {
	*httptest.Server
	mu       sync.Mutex
	status   int
	echo     func(token string) string
	methods  []string
	received []string
	queries  []string
}

func newSubscriber(t *testing.T) *subscriber {
	s := &subscriber{status: 202, echo: func(token string) string { return token }}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if token := r.URL.Query().Get("validationToken"); token != "" {
			s.methods, s.queries = append(s.methods, r.Method), append(s.queries, r.URL.RawQuery)
			fmt.Fprint(w, s.echo(token))
			return
		}
		body, _ := io.ReadAll(r.Body)
		if r.Header.Get("clientRequestId") == "" || r.Header.Get("clientRequestId") != r.Header.Get("x-ms-correlation-id") || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("a notification has the headers %v", r.Header)
		}
		s.received = append(s.received, string(body))
		w.WriteHeader(s.status)
	}))
	t.Cleanup(s.Close)
	return s
}

type notification struct{ SubscriptionID, ClientState, ExpirationDateTime, Resource, ChangeType, LastModifiedDateTime string }

// last returns the kinds and ids of the last batch.
func (s *subscriber) last(t *testing.T) []notification {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.received) == 0 {
		return nil
	}
	var batch struct{ Value []notification }
	if err := json.Unmarshal([]byte(s.received[len(s.received)-1]), &batch); err != nil {
		t.Fatal(err)
	}
	return batch.Value
}

func (c *caller) subscribe(url, resource string) (int, bc.Subscription, string) {
	c.t.Helper()
	body := fmt.Sprintf(`{"notificationUrl":%q,"resource":%q,"clientState":"state"}`, url, resource)
	response := c.request(http.MethodPost, c.environment()+"/api/v2.0/subscriptions", body, "Content-Type", "application/json")
	text := read(c.t, response)
	var one struct{ SubscriptionID, ExpirationDateTime string }
	_ = json.Unmarshal([]byte(text), &one)
	at, _ := time.Parse(time.RFC3339, one.ExpirationDateTime)
	return response.StatusCode, bc.Subscription{ID: one.SubscriptionID, Expires: at}, text
}

func (c *caller) contactsResource() string {
	return "/api/v2.0/companies(" + c.sim.CompanyID() + ")/contacts"
}

func TestTheLifeOfASubscription(t *testing.T) {
	sim, clock := clocked(t, bc.Config{})
	c, hook := newCaller(t, sim), newSubscriber(t)
	status, one, body := c.subscribe(hook.URL+"/hook?a=b", c.contactsResource())
	if status != 201 || len(one.ID) != 32 || !one.Expires.Equal(clock.at.Truncate(time.Second).Add(72*time.Hour)) {
		t.Fatalf("create: got %d %s, want 201 and 3 days", status, body)
	}
	if hook.methods[0] != "POST" || !strings.HasPrefix(hook.queries[0], "a=b&validationToken=") {
		t.Errorf("handshake: got %s ?%s, want a POST with the token behind the subscriber's own query", hook.methods[0], hook.queries[0])
	}
	clock.advance(48 * time.Hour)
	c.token = newCaller(t, sim).token
	address := c.environment() + "/api/v2.0/subscriptions('" + one.ID + "')"
	for match, want := range map[string]int{"": 400, `W/"stale"`: 409} {
		if got := c.request(http.MethodPatch, address, `{}`, "If-Match", match).StatusCode; got != want {
			t.Errorf("renew with If-Match %q: got %d, want %d", match, got, want)
		}
	}
	response := c.request(http.MethodPatch, address, `{"clientState":"newer"}`, "If-Match", "*")
	if text := read(t, response); response.StatusCode != 200 || !strings.Contains(text, `"clientState":"newer"`) || len(hook.methods) != 2 {
		t.Errorf("renew: got %d %s after %d handshakes, want 200 after another", response.StatusCode, text, len(hook.methods))
	}
	clock.advance(71 * time.Hour)
	c.token = newCaller(t, sim).token
	if p := c.page(c.environment() + "/api/v2.0/subscriptions"); len(p.Value) != 1 {
		t.Errorf("renewed, 71 hours later: got %d subscriptions, want 1", len(p.Value))
	}
	clock.advance(time.Hour)
	c.token = newCaller(t, sim).token
	if status, _ := c.get(address); status != 404 {
		t.Errorf("expired: got %d, want 404", status)
	}
	_, one, _ = c.subscribe(hook.URL, strings.TrimPrefix(c.contactsResource(), "/"))
	if got := c.request(http.MethodDelete, c.environment()+"/api/v2.0/subscriptions('"+one.ID+"')", "", "If-Match", "*").StatusCode; got != 204 || len(sim.Subscriptions()) != 0 {
		t.Errorf("delete: got %d, want 204", got)
	}
}

func TestSubscriptionsThatAreRefused(t *testing.T) {
	sim := bc.Start(t)
	c, hook := newCaller(t, sim), newSubscriber(t)
	liar := newSubscriber(t)
	liar.echo = func(token string) string { return token + "\n" }
	tests := []struct{ name, url, resource string }{
		{"a body that is not exactly the token", liar.URL, c.contactsResource()},
		{"a plain http address", "http://contoso.com/hook", c.contactsResource()},
		{"an entity set that is not there", hook.URL, "/api/v2.0/companies(" + sim.CompanyID() + ")/aliens"},
		{"a published page", hook.URL, "/ODataV4/Company('CRONUS')/Contact_Card"},
	}
	for _, tt := range tests {
		if status, _, body := c.subscribe(tt.url, tt.resource); status != 400 {
			t.Errorf("%s: got %d %s, want 400", tt.name, status, body)
		}
	}
	if got := len(sim.Subscriptions()); got != 0 {
		t.Errorf("got %d subscriptions, want none", got)
	}
}

func TestAtMostSoManySubscriptions(t *testing.T) {
	sim := bc.Start(t, bc.Config{MaxSubscriptions: 1})
	c, hook := newCaller(t, sim), newSubscriber(t)
	for i, want := range []int{201, 400} {
		if status, _, _ := c.subscribe(hook.URL, c.contactsResource()); status != want {
			t.Errorf("subscription %d: got %d, want %d", i+1, status, want)
		}
	}
}

func TestSupportedResources(t *testing.T) {
	for disabled, want := range map[bool]string{false: "v2.0/contacts v2.0/customers", true: "v2.0/customers"} {
		sim := bc.Start(t, bc.Config{Assumptions: bc.Assumptions{ContactsNotSubscribable: disabled}, CustomAPI: &bc.CustomAPI{Publisher: "contoso", Group: "app", Version: "v1.0"}})
		c, hook := newCaller(t, sim), newSubscriber(t)
		address := c.environment() + "/api/microsoft/runtime/beta/companies(" + sim.CompanyID() + ")/webhookSupportedResources" + query("$filter", "resource eq 'v2.0*'")
		if got := c.page(address).list("resource"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if status, _, _ := c.subscribe(hook.URL, c.contactsResource()); (status == 400) != disabled {
			t.Errorf("subscribe: got %d", status)
		}
	}
}

func TestNotificationsAreMergedAsBusinessCentralDoes(t *testing.T) {
	sim, clock := clocked(t, bc.Config{})
	c, hook := newCaller(t, sim), newSubscriber(t)
	_, one, _ := c.subscribe(hook.URL, c.contactsResource())
	sim.Add(bc.Contact{No: "A", Name: "Ada"})
	id := contactOf(t, sim, "A").SystemID
	for range 3 {
		clock.advance(time.Second)
		sim.Edit("A", func(c *bc.Contact) { c.City += "x" })
	}
	sim.Edit("A", func(*bc.Contact) {})
	sim.Rename("A", "B")
	sim.Delete("B")
	report, err := sim.DeliverNotifications(t.Context())
	if err != nil || report.Posts != 0 || !report.Next.Equal(day("2026-05-01T12:00:30.123Z")) {
		t.Fatalf("before 30 s: got %+v, %v, want nothing until then", report, err)
	}
	clock.advance(27 * time.Second)
	if report, err = sim.DeliverNotifications(t.Context()); err != nil || report.Notifications != 3 {
		t.Fatalf("after 30 s: got %+v, %v", report, err)
	}
	want := `{"value":[{"subscriptionId":"` + one.ID + `","clientState":"state","expirationDateTime":"2026-05-04T12:00:00Z","resource":"api/v2.0/companies(` +
		sim.CompanyID() + `)/contacts(` + id + `)","changeType":"created","lastModifiedDateTime":"2026-05-01T12:00:00.123Z"},`
	if !strings.HasPrefix(hook.received[0], want) {
		t.Errorf("got  %s\nwant %s first", hook.received[0], want)
	}
	var kinds []string
	for _, n := range hook.last(t) {
		kinds = append(kinds, n.ChangeType)
	}
	if got := strings.Join(kinds, " "); got != "created updated deleted" {
		t.Errorf("got %s, want created updated deleted: all updates are one", got)
	}
}

func TestTooManyNotificationsBecomeACollection(t *testing.T) {
	tests := []struct {
		name   string
		after  func(sim *bc.Simulator)
		suffix string
	}{
		{"changes only", func(*bc.Simulator) {}, "/contacts?$filter=lastModifiedDateTime%20gt%202026-05-01T12:00:00.073Z"},
		{"a delete among them", func(s *bc.Simulator) { s.Delete("C000000") }, "/contacts"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sim, clock := clocked(t, bc.Config{MaxNotifications: 3})
			c, hook := newCaller(t, sim), newSubscriber(t)
			if status, _, body := c.subscribe(hook.URL, c.contactsResource()); status != 201 {
				t.Fatal(body)
			}
			sim.Add(manyContacts(4)...)
			tt.after(sim)
			clock.advance(time.Minute)
			if _, err := sim.DeliverNotifications(t.Context()); err != nil {
				t.Fatal(err)
			}
			got := hook.last(t)
			if len(got) != 1 || got[0].ChangeType != "collection" || !strings.HasSuffix(got[0].Resource, tt.suffix) {
				t.Errorf("got %+v, want one collection of %s", got, tt.suffix)
			}
		})
	}
}

func TestFailedDeliveriesAreRepeatedOnTheirSchedule(t *testing.T) {
	for _, status := range []int{408, 429, 500, 503} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			sim, clock := clocked(t, bc.Config{NotificationDelay: -1})
			c, hook := newCaller(t, sim), newSubscriber(t)
			c.subscribe(hook.URL, c.contactsResource())
			hook.status = status
			sim.Add(bc.Contact{No: "A"})
			var waits []string
			for range 5 {
				report, err := sim.DeliverNotifications(t.Context())
				if err != nil || report.Posts != 1 {
					t.Fatalf("got %+v, %v", report, err)
				}
				waits = append(waits, report.Next.Sub(clock.now().Truncate(time.Millisecond)).String())
				clock.at = report.Next
			}
			if got := strings.Join(waits, " "); got != "1m0s 1m0s 10m0s 1h40m0s 16h40m0s" {
				t.Errorf("waits: got %s", got)
			}
			report, _ := sim.DeliverNotifications(t.Context())
			if report.Dropped != 1 || len(sim.Subscriptions()) != 0 {
				t.Errorf("the sixth failure: got %+v, want the subscription gone", report)
			}
		})
	}
}

func TestAnAnswerOf4xxEndsTheSubscription(t *testing.T) {
	for _, status := range []int{302, 400, 401, 403, 404} {
		sim := bc.Start(t, bc.Config{NotificationDelay: -1, NotificationClient: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}})
		c, hook := newCaller(t, sim), newSubscriber(t)
		c.subscribe(hook.URL, c.contactsResource())
		hook.status = status
		sim.Add(bc.Contact{No: "A"})
		if report, err := sim.DeliverNotifications(t.Context()); err != nil || report.Dropped != 1 || len(sim.Subscriptions()) != 0 {
			t.Errorf("%d: got %+v, %v, want the subscription gone", status, report, err)
		}
	}
}

func TestAFailedDeliveryKeepsOldAndNewChangesInOrder(t *testing.T) {
	sim, clock := clocked(t, bc.Config{NotificationDelay: -1})
	c, hook := newCaller(t, sim), newSubscriber(t)
	c.subscribe(hook.URL, c.contactsResource())
	hook.status = 503
	sim.Add(bc.Contact{No: "A"})
	if _, err := sim.DeliverNotifications(t.Context()); err != nil {
		t.Fatal(err)
	}
	sim.Add(bc.Contact{No: "B"})
	hook.status = 200
	clock.advance(time.Minute)
	if _, err := sim.DeliverNotifications(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := hook.last(t)
	if len(got) != 2 || !strings.Contains(got[0].Resource, contactOf(t, sim, "A").SystemID) {
		t.Errorf("got %+v, want A and B", got)
	}
	if report, _ := sim.DeliverNotifications(t.Context()); report.Posts != 0 {
		t.Errorf("afterwards: got %+v, want nothing", report)
	}
}
