package businesscentral_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"contactsync/shared/businesscentral"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/transfer"
)

// callback answers the handshake; broken ones answer something else.
func callback(t *testing.T, cfg *businesscentraltest.Config, answer func(token string) string) string {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, answer(r.URL.Query().Get("validationToken")))
	}))
	t.Cleanup(server.Close)
	cfg.NotificationClient = server.Client()
	return server.URL + "/notifications"
}

func echo(token string) string { return token }

func TestTheLifeOfASubscription(t *testing.T) {
	for _, profile := range []string{"page-5050-extended", "api-v2"} {
		t.Run(profile, func(t *testing.T) {
			var cfg businesscentraltest.Config
			address := callback(t, &cfg, echo)
			sim := businesscentraltest.Start(t, cfg)
			c := clientOf(t, sim, func(cfg *businesscentral.Config) { cfg.Profile = profile })
			ctx := t.Context()

			made, err := c.Subscribe(ctx, address, "state")
			if err != nil {
				t.Fatal(err)
			}
			resource, err := c.Resource(ctx)
			if err != nil || !businesscentral.SameResource(made.Resource, resource) || made.NotificationURL != address || time.Until(made.ExpiresAt) < 71*time.Hour {
				t.Errorf("got %+v, want the resource %s, %v", made, resource, err)
			}
			if got := sim.Subscriptions(); len(got) != 1 || got[0].ClientState != "state" {
				t.Errorf("Business Central keeps %+v", got)
			}
			if _, err := c.Renew(ctx, made.ID, "next"); err != nil || sim.Subscriptions()[0].ClientState != "next" {
				t.Errorf("renewed: %v, %+v", err, sim.Subscriptions())
			}
			if all, err := c.Subscriptions(ctx); err != nil || len(all) != 1 || all[0].ID != made.ID || all[0].ExpiresAt.IsZero() {
				t.Errorf("listed: %+v, %v", all, err)
			}
			if err := c.Unsubscribe(ctx, made.ID); err != nil || len(sim.Subscriptions()) != 0 {
				t.Errorf("ended: %v", err)
			}
			if err := c.Unsubscribe(ctx, made.ID); err != nil {
				t.Errorf("ended once more: %v", err)
			}
			if _, err := c.Renew(ctx, made.ID, "next"); !errors.Is(err, businesscentral.ErrNoSubscription) || transfer.StopsRun(err) {
				t.Errorf("renewed what is gone: %v", err)
			}
		})
	}
}

func TestASubscriptionWhoseURLDoesNotAnswer(t *testing.T) {
	var cfg businesscentraltest.Config
	address := callback(t, &cfg, func(string) string { return "something else" })
	c := clientOf(t, businesscentraltest.Start(t, cfg))
	_, err := c.Subscribe(t.Context(), address, "state")
	if !errors.Is(err, businesscentral.ErrSubscriptionRefused) || !errors.Is(err, transfer.SourceUnavailable) || transfer.StopsRun(err) {
		t.Errorf("got %v", err)
	}
}

func TestWhetherContactsCanBeSubscribed(t *testing.T) {
	if ok, err := clientOf(t, businesscentraltest.Start(t)).WebhookSupported(t.Context()); !ok || err != nil {
		t.Errorf("got %v, %v", ok, err)
	}
	sim := businesscentraltest.Start(t, businesscentraltest.Config{Assumptions: businesscentraltest.Assumptions{ContactsNotSubscribable: true}})
	if ok, err := clientOf(t, sim).WebhookSupported(t.Context()); ok || err != nil {
		t.Errorf("a tenant that does not offer them: %v, %v", ok, err)
	}
}

func TestSameResource(t *testing.T) {
	const id = "companies(70c0c603-f4f9-ef11-9344-6045bdc8c234)/contacts"
	for _, other := range []string{"/api/v2.0/" + id, "api/v2.0/" + id, "https://api.businesscentral.dynamics.com/v2.0/t/Production/api/v2.0/" + id} {
		if !businesscentral.SameResource(other, "api/v2.0/"+id) {
			t.Errorf("%s is the same", other)
		}
	}
	if businesscentral.SameResource("api/v2.0/"+id, "api/v2.0/companies(x)/items") {
		t.Error("items are not contacts")
	}
}
