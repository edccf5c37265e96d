package webhook_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"contactsync/shared/transfer"
	"contactsync/shared/webhook"
)

// notification is one entry as Business Central writes it.
func notification(state, change, resource string) string {
	return fmt.Sprintf(`{"subscriptionId":"c670ea73cacb459bb51dc1740da2f1db","clientState":%q,"expirationDateTime":"2026-08-29T07:52:31Z","resource":%q,"changeType":%q,"lastModifiedDateTime":"2026-08-26T12:54:20.467Z"}`,
		state, resource, change)
}

func contactResource(id string) string {
	return "api/v2.0/companies(" + company + ")/contacts(" + id + ")"
}

func batch(entries ...string) string { return `{"value":[` + strings.Join(entries, ",") + `]}` }

func TestTheHandshakeReturnsTheDecodedTokenAndNothingElse(t *testing.T) {
	for _, method := range []string{http.MethodPost, http.MethodGet} {
		for _, token := range []string{"abc", "a b+c&d=e/f%", "ünïcødé", strings.Repeat("x", webhook.MaxValidation)} {
			s := open(t)
			s.store.down, s.secretDown = true, true
			a := s.do(call{method: method, path: "/notifications/business-central", nobody: true,
				query: "validationToken=" + url.QueryEscape(token), header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}}).is(200)
			if a.body != token || a.header["Content-Type"] != "text/plain" {
				t.Errorf("%s: token %.40q comes back as %.40q, type %s", method, token, a.body, a.header["Content-Type"])
			}
			if s.secretRead != 0 || s.store.stored != 0 {
				t.Errorf("the handshake reads the secret %d times and stores %d times", s.secretRead, s.store.stored)
			}
		}
	}
}

func TestATokenBesideAnotherParameterShakesHandsToo(t *testing.T) {
	a := open(t).do(call{method: http.MethodPost, path: "/notifications/business-central", query: "code=1&validationToken=abc", nobody: true})
	if a.is(200); a.body != "abc" {
		t.Errorf("got %q", a.body)
	}
}

func TestATokenThatIsTooLongIsDroppedWithoutA4xx(t *testing.T) {
	for _, method := range []string{http.MethodPost, http.MethodGet} {
		a := open(t).do(call{method: method, path: "/notifications/business-central", nobody: true, query: "validationToken=" + strings.Repeat("x", webhook.MaxValidation+1)})
		if a.is(202); a.body != "" {
			t.Errorf("%s: got body %.20q", method, a.body)
		}
	}
}

func TestANotificationBecomesARequest(t *testing.T) {
	tests := []struct {
		name, change, resource, state string
		want                          []transfer.Request // trigger, time and token aside
	}{
		{name: "created", change: "created", resource: contactResource(ada), want: []transfer.Request{{}}},
		{name: "updated", change: "updated", resource: contactResource(ada), want: []transfer.Request{{}}},
		{name: "deleted", change: "deleted", resource: contactResource(ada), want: []transfer.Request{{Deleted: true}}},
		{name: "with the previous secret", change: "updated", resource: contactResource(ada), state: "state-before", want: []transfer.Request{{}}},
		{name: "with a leading slash", change: "updated", resource: "/" + contactResource(ada), want: []transfer.Request{{}}},
		{name: "with an upper-case id", change: "updated", resource: contactResource(strings.ToUpper(ada)), want: []transfer.Request{{}}},
		{name: "absolute", change: "updated", resource: "https://api.businesscentral.dynamics.com/v2.0/tenant/Production/" + contactResource(ada), want: []transfer.Request{{}}},
		{name: "custom API", change: "updated", resource: "/api/acme/sales/v1.0/companies(" + company + ")/contacts(" + ada + ")", want: []transfer.Request{{}}},
		{name: "company by name", change: "updated", resource: "/api/v2.0/companies('A/S%20Nord')/contacts(" + ada + ")", want: []transfer.Request{{}}},
		{name: "encoded", change: "updated", resource: "api/v2.0/companies%28" + company + "%29/contacts%28" + ada + "%29", want: []transfer.Request{{}}},
		{name: "collection, bare", change: "collection", resource: "/api/v2.0/companies(" + company + ")/contacts", want: []transfer.Request{{Wake: true}}},
		{name: "collection with a filter", change: "collection", resource: "/api/v2.0/companies(" + company + ")/contacts?$filter=lastModifiedDateTime%20gt%202018-10-15T11:00:00Z", want: []transfer.Request{{Wake: true}}},

		{name: "another company", change: "updated", resource: "api/v2.0/companies(" + bert + ")/contacts(" + ada + ")"},
		{name: "a collection of another company", change: "collection", resource: "/api/v2.0/companies(" + bert + ")/contacts"},
		{name: "another entity", change: "updated", resource: "api/v2.0/companies(" + company + ")/customers(" + ada + ")"},
		{name: "an entity that begins alike", change: "updated", resource: "api/v2.0/companies(" + company + ")/contactsInformation(" + ada + ")"},
		{name: "contacts of something else", change: "updated", resource: "api/v2.0/companies(" + company + ")/customers(" + bert + ")/contacts(" + ada + ")"},
		{name: "no company", change: "updated", resource: "api/v2.0/contacts(" + ada + ")"},
		{name: "a number for a key", change: "updated", resource: "api/v2.0/companies(" + company + ")/contacts('44552')"},
		{name: "no key", change: "updated", resource: "api/v2.0/companies(" + company + ")/contacts"},
		{name: "an open key", change: "updated", resource: "api/v2.0/companies(" + company + ")/contacts(" + ada},
		{name: "an unknown change", change: "renamed", resource: contactResource(ada)},
		{name: "a wrong secret", change: "updated", resource: contactResource(ada), state: "state-noww"},
		{name: "an API key for a secret", change: "updated", resource: contactResource(ada), state: "key-now"},
		{name: "a wrong secret and a collection", change: "collection", resource: "/api/v2.0/companies(" + company + ")/contacts", state: "x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t)
			state := tt.state
			if state == "" {
				state = "state-now"
			}
			a := s.notify(batch(notification(state, tt.change, tt.resource))).is(202)
			if a.body != "" {
				t.Errorf("the answer tells the sender %q", a.body)
			}
			got := s.waiting()
			if len(got) != len(tt.want) {
				t.Fatalf("%d requests wait, want %d; log: %s", len(got), len(tt.want), s.log)
			}
			for i, want := range tt.want {
				if !want.Wake {
					want.Ref.ID = ada
				}
				if got[i].Ref != want.Ref || got[i].Wake != want.Wake || got[i].Deleted != want.Deleted ||
					got[i].Trigger != transfer.ByNotification || !got[i].RequestedAt.Equal(noon) || got[i].Token == "" {
					t.Errorf("got %+v, want %+v", got[i], want)
				}
			}
			if len(s.dispatched) != len(tt.want) {
				t.Errorf("%d requests are dispatched, want %d", len(s.dispatched), len(tt.want))
			}
			if strings.Contains(s.log.String(), state) {
				t.Errorf("the log holds the client state: %s", s.log)
			}
		})
	}
}

func TestABatchKeepsWhatIsUsableAndCountsTheRest(t *testing.T) {
	s := open(t)
	s.notify(batch(
		notification("state-now", "created", contactResource(ada)),
		notification("wrong", "updated", contactResource(bert)),
		`17`, `null`, `{"clientState":5}`,
		notification("state-now", "updated", "api/v2.0/companies("+company+")/items("+ada+")"),
		notification("state-before", "updated", contactResource(ada)),
		notification("state-now", "collection", "api/v2.0/companies("+company+")/contacts"),
		notification("state-now", "collection", "api/v2.0/companies("+company+")/contacts"),
	)).is(202)
	if got := s.waiting(); len(got) != 2 {
		t.Errorf("%d requests wait, want one contact and one wake-up: %+v", len(got), got)
	}
	for _, count := range []string{`"stored":2`, `"dropped_wrong_client_state":1`, `"dropped_unreadable_notification":2`, `"dropped_other_entity":2`} {
		if !strings.Contains(s.log.String(), count) {
			t.Errorf("the log lacks %s: %s", count, s.log)
		}
	}
}

func TestADeletionInABatchIsNotCoveredByAnUpdate(t *testing.T) {
	for _, changes := range [][]string{{"created", "updated", "deleted"}, {"deleted", "updated"}} {
		s := open(t)
		var entries []string
		for _, c := range changes {
			entries = append(entries, notification("state-now", c, contactResource(ada)))
		}
		s.notify(batch(entries...)).is(202)
		if got := s.waiting(); len(got) != 1 || !got[0].Deleted {
			t.Errorf("after %v: %+v wait, want one deletion", changes, got)
		}
	}
}

func TestWhateverTheBodyBusinessCentralKeepsItsSubscription(t *testing.T) {
	for name, body := range map[string]string{
		"empty":              "",
		"no JSON":            "hello",
		"a list":             "[]",
		"null":               "null",
		"no value":           "{}",
		"value is text":      `{"value":"x"}`,
		"cut off":            `{"value":[`,
		"invalid UTF-8":      "{\"value\":\"\xff\"}",
		"deep":               strings.Repeat(`{"value":[`, 20_000),
		"over 1 MB":          batch(notification("state-now", "updated", contactResource(ada))) + strings.Repeat(" ", webhook.MaxBody),
		"value of many null": `{"value":[` + strings.Repeat("null,", 1000) + `null]}`,
	} {
		s := open(t)
		s.notify(body).is(202)
		if got := s.waiting(); len(got) != 0 {
			t.Errorf("%s: %+v wait", name, got)
		}
		if s.secretRead != 0 {
			t.Errorf("%s: makes us read the secret", name)
		}
		if name == "over 1 MB" && !strings.Contains(s.log.String(), `"level":"ERROR"`) {
			t.Errorf("a body over 1 MB is dropped without an error in the log: %s", s.log)
		}
	}
	s := open(t)
	event := s.event(call{method: http.MethodPost, path: "/notifications/business-central", nobody: true})
	event.Body, event.IsBase64Encoded = "%%%", true
	if response, err := s.lambda(t.Context(), event); err != nil || response.StatusCode != 202 {
		t.Errorf("a body that is not base64: %d, error %v", response.StatusCode, err)
	}
}

func TestABodyWithByteOrderMarkOrInBase64OrOfAnotherTypeIsRead(t *testing.T) {
	body := batch(notification("state-now", "updated", contactResource(ada)))
	for name, c := range map[string]call{
		"byte order mark": {body: "\ufeff" + body},
		"base64":          {body: body, base64: true},
		"another type":    {body: body, header: map[string]string{"Content-Type": "text/xml"}},
	} {
		s := open(t)
		c.method, c.path, c.nobody = http.MethodPost, "/notifications/business-central", true
		s.do(c).is(202)
		if len(s.waiting()) != 1 {
			t.Errorf("%s: nothing waits; log %s", name, s.log)
		}
	}
}

func TestWhatCannotBeStoredIsAskedForAgain(t *testing.T) {
	body := batch(notification("state-now", "updated", contactResource(ada)))
	s := open(t)
	s.store.readonly = true
	s.notify(body).fails(503, "UNAVAILABLE")
	s.store.readonly = false
	s.notify(body).is(202)

	s = open(t)
	s.secretDown = true
	if a := s.notify(body); a.is(503).header["Retry-After"] == "" {
		t.Error("no Retry-After")
	}
}

func TestOtherMethodsOfTheNotificationRouteAreNotAllowed(t *testing.T) {
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodPatch} {
		a := open(t).do(call{method: method, path: "/notifications/business-central", nobody: true})
		a.fails(405, "METHOD_NOT_ALLOWED")
		if !strings.Contains(a.header["Allow"], "POST") {
			t.Errorf("%s: Allow is %q", method, a.header["Allow"])
		}
	}
}

func TestManyNotificationsAreStoredAtOnce(t *testing.T) {
	s := open(t)
	var entries []string
	for i := range 3400 {
		entries = append(entries, `{"clientState":"state-now","changeType":"updated","resource":"api/v2.0/companies(`+company+`)/contacts(`+fmt.Sprintf("%08d", i)+ada[8:]+`)"}`)
	}
	s.notify(batch(entries...)).is(202)
	if got := len(s.waiting()); got != 3400 || s.store.stored != 1 {
		t.Errorf("%d requests wait after %d calls, want 3400 after 1", got, s.store.stored)
	}
	if s.secretRead != 1 {
		t.Errorf("the secret is read %d times", s.secretRead)
	}
}
