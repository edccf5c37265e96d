package businesscentral_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"contactsync/shared/businesscentral"
	"contactsync/shared/contact"
	"contactsync/shared/outbound"
	"contactsync/shared/poll"
	"contactsync/shared/transfer"
)

// Whatever Business Central and its token service answer, each call gives something
// that can be worked with, or an error of the catalogue that is no defect of ours.
func FuzzAnswer(f *testing.F) {
	token, metadata := `{"access_token":"abc","expires_in":3599}`, stubMetadata
	for _, body := range []string{
		``, `null`, `[]`, `{}`, `{"value":[` + row1 + `]}`, `{"value":[` + row1 + `],"@odata.nextLink":"x"}`, `{"value":null}`, `{"value":[null,1,[]]}`, `{"value":{}}`,
		`{"value":[{"subscriptionId":"s","notificationUrl":"https://x.example","resource":"/api/v2.0/companies(x)/contacts","expirationDateTime":"2026-02-01T00:00:00Z","@odata.etag":"W/\"1\""}]}`,
		`{"value":[{"id":"70c0c603-f4f9-ef11-9344-6045bdc8c234","name":"CRONUS"}]}`, `{"value":[{"resource":"contacts"}]}`, row1, `{"error":{"code":"BadRequest_NotFound","message":"x"}}`, `<html>`, `{"value":[{"name":"Contact_Card"}]}`,
	} {
		f.Add(200, body, token, metadata)
	}
	f.Add(200, `{}`, `{"access_token":"a\nb","expires_in":-1}`, metadata)
	f.Add(200, `{}`, `{"access_token":5,"expires_in":"x"}`, metadata)
	f.Add(400, `{}`, `{"error":"invalid_client","error_description":"AADSTS7000215"}`, metadata)
	f.Add(200, `{}`, `{"access_token":"abc","expires_in":1e300}`, `<Edmx><DataServices><Schema><EntityType Name="Contact_Card"/><EntityContainer><EntitySet Name="Contact_Card" EntityType="Contact_Card"/>`)
	f.Add(401, ``, token, `<`)
	f.Fuzz(func(t *testing.T, status int, body, token, metadata string) {
		synctest.Test(t, func(t *testing.T) { // what is waited for takes no time
			status = 200 + (status%400+400)%400
			calls := 0
			client := stubClient(t, func(r *http.Request) (int, string) {
				calls++
				if r.URL.Host != "bc.example" && r.URL.Host != "login.example" {
					t.Errorf("a call went to %s", r.URL.Host)
				}
				switch {
				case strings.HasSuffix(r.URL.Path, "/token"):
					if strings.Contains(token, "error") {
						return 400, token
					}
					return 200, token
				case strings.HasSuffix(r.URL.Path, "/$metadata"):
					return 200, metadata
				}
				return status, body
			}, func(c *businesscentral.Config) { c.Company = "CRONUS" })
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // a 429 may ask for patience
			defer cancel()
			ref := contact.Ref{No: "CT000001"}
			for name, call := range map[string]func() error{
				"contact": func() error {
					c, err := client.Contact(ctx, ref)
					if err == nil && c.No == "" {
						t.Error("a contact without a number passes for one")
					}
					return err
				},
				"changed": func() error {
					for item, err := range client.Changed(ctx, poll.Window{}) {
						if err != nil {
							return err
						}
						if calls++; calls > 5_000 {
							t.Fatalf("a list without end: %+v", item)
						}
					}
					return nil
				},
				"schema":        func() error { _, err := client.Schema(ctx); return err },
				"customer":      func() error { _, err := client.IsCustomer(ctx, ref); return err },
				"company":       func() error { _, err := client.HasCompany(ctx, "C1"); return err },
				"published":     func() error { _, err := client.Published(ctx); return err },
				"credentials":   func() error { return client.CheckCredentials(ctx) },
				"resource":      func() error { _, err := client.Resource(ctx); return err },
				"supported":     func() error { _, err := client.WebhookSupported(ctx); return err },
				"subscriptions": func() error { _, err := client.Subscriptions(ctx); return err },
				"subscribe":     func() error { _, err := client.Subscribe(ctx, "https://x.example", "state"); return err },
				"renew":         func() error { _, err := client.Renew(ctx, "s", "state"); return err },
				"unsubscribe":   func() error { return client.Unsubscribe(ctx, "s") },
			} {
				calls = 0
				if err := call(); err != nil && ctx.Err() == nil && !errors.Is(err, outbound.ErrDeadline) && transfer.FaultOf(err) == transfer.Internal {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	})
}
