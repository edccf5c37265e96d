package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"contactsync/shared/app/apptest"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/config"
	"contactsync/shared/ipaas/ipaastest"
	"contactsync/shared/poll"
	"contactsync/shared/webhook"
)

// The preflight is the seed's prerequisites and validation checklist as verdicts.

func checksOf(t *testing.T, g gateway) map[string]webhook.Check {
	t.Helper()
	a := g.get("/preflight")
	a.must(http.StatusOK)
	var body struct {
		Checks []webhook.Check `json:"checks"`
	}
	a.into(&body)
	byName := map[string]webhook.Check{}
	for _, c := range body.Checks {
		if _, twice := byName[c.Name]; twice || c.Detail == "" {
			t.Errorf("check %+v stands there twice or says nothing", c)
		}
		byName[c.Name] = c
	}
	return byName
}

// verdict is true, false, or null where it cannot be known.
func verdict(c webhook.Check) string {
	switch {
	case c.Name == "":
		return "absent"
	case c.OK == nil:
		return "null"
	case *c.OK:
		return "true"
	}
	return "false"
}

func TestThePreflightOfAGoodWorld(t *testing.T) {
	w, g := newListening(t)
	w.Target.AddCompany("Adatum Corporation", "C1")
	p := apptest.Person("1", "one@example.com")
	p.CompanyNo = "C1"
	w.Add(businesscentraltest.Contact{No: "C1", Type: "Company", Name: "Adatum Corporation"}, p)
	w.Target.ResetRequests()

	got := checksOf(t, g)
	for name, want := range map[string]string{
		"secret": "true", "business central credentials": "true", "web service Contact_Card": "true", "web service Customers": "true",
		"web service Customer_Card": "true", "mapped properties": "true", "time of change": "true", "internal id": "true",
		"ipaas.com credentials": "true", "ipaas.com write permission": "null", "custom fields": "null", "sample of contacts": "true",
		"company link": "true", "transfers": "true", "subscription": "null",
	} {
		if verdict(got[name]) != want {
			t.Errorf("%s is %s, want %s: %s", name, verdict(got[name]), want, got[name].Detail)
		}
	}
	if n := w.Target.Calls(ipaastest.CustomerCreate, ipaastest.CustomerUpdate, ipaastest.LinkUpdate); n != 0 {
		t.Errorf("the preflight wrote %d times", n)
	}
	w.Poll()
	got = checksOf(t, g)
	for _, name := range []string{"subscription", "ipaas.com write permission", "custom fields"} {
		if verdict(got[name]) != "true" {
			t.Errorf("after a poll %s is %s: %s", name, verdict(got[name]), got[name].Detail)
		}
	}
}

func TestThePreflightNamesWhatIsWrong(t *testing.T) {
	tests := []struct {
		name    string
		options apptest.Options
		world   func(w *apptest.World)
		check   string
		verdict string
		says    string
	}{
		{
			name: "transfers that are paused",
			world: func(w *apptest.World) {
				if err := w.Store.SetPaused(w.T.Context(), true); err != nil {
					w.T.Fatal(err)
				}
			},
			check: "transfers", verdict: "false", says: "contactsync resume",
		},
		{
			name:    "a mapping that is disabled",
			options: apptest.Options{Mapping: "collection: X\nstatus: disabled\nmappings:\n  - {type: field, source: \"No\", destination: CustomerNumber}\n"},
			check:   "transfers", verdict: "false", says: "status: enabled",
		},
		{
			name:  "a service that is not published",
			world: func(w *apptest.World) { w.Source.Unpublish("Customer_Card") },
			check: "web service Customer_Card", verdict: "false", says: "BC_CUSTOMER_CARD_SERVICE",
		},
		{
			name:  "the contact page is not published",
			world: func(w *apptest.World) { w.Source.Unpublish("Contact_Card") },
			check: "web service Contact_Card", verdict: "false", says: "BC_CONTACT_SERVICE",
		},
		{
			name:    "a mapped property that the page does not show",
			options: withoutProperty("Web_User_Role"),
			check:   "mapped properties", verdict: "false", says: "Web_User_Role",
		},
		{
			name:    "a page without the internal id",
			options: withoutProperty("SystemId"),
			check:   "internal id", verdict: "false", says: "another number",
		},
		{
			name:  "an API key that iPaaS.com does not know",
			world: func(w *apptest.World) { w.Target.RevokeKey(w.Target.APIKey()) },
			check: "ipaas.com credentials", verdict: "false", says: "DESTINATION_UNAUTHORIZED",
		},
		{
			name:  "a client secret that ended",
			world: func(w *apptest.World) { w.Source.SetClientSecrets("another") },
			check: "business central credentials", verdict: "false", says: "SOURCE_UNAUTHORIZED",
		},
		{
			name:  "contacts that would fail, by code",
			world: func(w *apptest.World) { w.Add(apptest.Person("2", ""), apptest.Person("3", "none")) },
			check: "sample of contacts", verdict: "false", says: "1 would end with MISSING_EMAIL",
		},
		{
			name: "a company that is not linked",
			world: func(w *apptest.World) {
				p := apptest.Person("0", "zero@example.com")
				p.CompanyNo = "C9"
				w.Add(p)
			},
			check: "company link", verdict: "false", says: "C9",
		},
		{
			name:    "a tenant that offers no subscription",
			options: apptest.Options{Source: businesscentraltest.Config{Assumptions: businesscentraltest.Assumptions{ContactsNotSubscribable: true}}, Config: func(c *config.Config) { c.WebhookURL = webhookURL }},
			world:   func(w *apptest.World) { w.Poll() },
			check:   "subscription", verdict: "false", says: "polling carries on",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := apptest.New(t, tt.options)
			w.Add(apptest.Person("1", "one@example.com"))
			if tt.world != nil {
				tt.world(w)
			}
			c := checksOf(t, gateway{w})[tt.check]
			if verdict(c) != tt.verdict || !strings.Contains(c.Detail, tt.says) {
				t.Errorf("%s is %s (%s), want %s with %q", tt.check, verdict(c), c.Detail, tt.verdict, tt.says)
			}
		})
	}
}

// withoutProperty takes a property off the contact page.
func withoutProperty(name string) apptest.Options {
	services := businesscentraltest.StandardServices()
	for i := range services {
		if services[i].Page == businesscentraltest.ContactPage {
			services[i].Without = append(services[i].Without, name)
		}
	}
	return apptest.Options{Source: businesscentraltest.Config{Services: services}}
}

func TestWithoutClientStatesNoNotificationIsAcceptedAndThePreflightSaysSo(t *testing.T) {
	complete := apptest.New(t).Secret()
	without := strings.Replace(complete, `"client_states":["`+apptest.ClientState+`"]`, `"client_states":[]`, 1)
	w := apptest.New(t, apptest.Options{Secret: without, Config: func(c *config.Config) { c.WebhookURL = webhookURL }})
	g := gateway{w}
	if c := checksOf(t, g)["secret"]; verdict(c) != "false" || !strings.Contains(c.Detail, "client_states") {
		t.Errorf("the secret is %s: %s", verdict(c), c.Detail)
	}
	body := `{"value":[{"clientState":"` + apptest.ClientState + `","resource":"api/v2.0/companies(` + w.Source.CompanyID() + `)/contacts(` + internalID + `)","changeType":"updated"}]}`
	g.call(http.MethodPost, "/notifications/business-central", "", "", []byte(body)).must(http.StatusAccepted)
	if waiting, _, _ := w.Store.Requests(t.Context(), 1); len(waiting) != 0 {
		t.Errorf("accepted %+v", waiting)
	}
	run := w.Poll()
	if len(w.Source.Subscriptions()) != 0 || !noted(run.Notes, "could not be kept") {
		t.Errorf("got %+v with the notes %q, want no subscription and a note", w.Source.Subscriptions(), run.Notes)
	}
}

// What no read can show is known from the latest transfers.
func TestThePreflightLearnsFromTransfers(t *testing.T) {
	w, g := newListening(t)
	w.Target.DeleteCustomField("Role")
	w.Add(apptest.Person("1", "one@example.com"))
	w.Poll()
	if c := checksOf(t, g)["custom fields"]; verdict(c) != "false" || !strings.Contains(c.Detail, "1|contact") {
		t.Errorf("a custom field is missing: %s %s", verdict(c), c.Detail)
	}

	w.Target.Fail(ipaastest.Script{Route: ipaastest.CustomerCreate, Effect: ipaastest.Refused(http.StatusForbidden, "AUTZ-1002", "no permission")})
	w.Add(apptest.Person("2", "two@example.com"))
	if _, err := w.App.Run(w.Context(), poll.Event{Mode: poll.Poll}); err == nil {
		t.Fatal("a run without permission succeeded")
	}
	if c := checksOf(t, g)["ipaas.com write permission"]; verdict(c) != "false" || !strings.Contains(c.Detail, "permission") {
		t.Errorf("a permission is missing: %s %s", verdict(c), c.Detail)
	}

	w.Target.DefineCustomField(ipaastest.CustomFieldDefinition{Name: "Role"})
	w.Clock.Advance(24 * time.Hour)
	w.Poll()
	for _, name := range []string{"ipaas.com write permission", "custom fields"} {
		if c := checksOf(t, g)[name]; verdict(c) != "true" {
			t.Errorf("after a transfer that arrived %s is %s: %s", name, verdict(c), c.Detail)
		}
	}
}
