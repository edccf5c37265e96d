package app_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"contactsync/shared/app/apptest"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/ipaas/ipaastest"
	"contactsync/shared/poll"
	"contactsync/shared/transfer"
)

// Every code of the catalogue that one contact can end with (design.md 1.9), by
// its name, through the real clients.
func TestCatalogue(t *testing.T) {
	tests := []struct {
		code    string
		contact func(c *businesscentraltest.Contact)
		world   func(w *apptest.World)
		mapping string
		status  transfer.Status
		detail  string
	}{
		{code: "INVALID_EMAIL", contact: func(c *businesscentraltest.Contact) { c.EMail = "robert.example.com" }, status: transfer.Failed, detail: "has no @"},
		{code: "INVALID_EMAIL", contact: func(c *businesscentraltest.Contact) { c.EMail = "a@example.com; b@example.com" }, status: transfer.Failed, detail: "more than one address"},
		{code: "DUPLICATE_CONTACT", world: func(w *apptest.World) {
			w.Target.AddCustomer(ipaastest.Customer{LastName: "X", EmailAddress: "one@example.com"})
		}, status: transfer.Failed, detail: "is not linked"},
		{code: "MISSING_EMAIL", contact: func(c *businesscentraltest.Contact) { c.EMail = "" }, status: transfer.Failed},
		{code: "COMPANY_NOT_FOUND", contact: func(c *businesscentraltest.Contact) { c.CompanyNo = "C404" }, status: transfer.Retrying, detail: "neither in iPaaS.com nor in Business Central"},
		{code: "MISSING_REQUIRED_FIELD", contact: func(c *businesscentraltest.Contact) { c.FirstName, c.Surname = "", "" }, status: transfer.Failed, detail: "FirstName is empty (source FirstName_Contact); LastName is empty"},
		{code: "INVALID_FIELD", mapping: strings.Replace(rows, "No + No", `No + " is a number that is too long"`, 1), status: transfer.Failed, detail: "CustomerNumber has"},
		{code: "CUSTOM_FIELD_NOT_FOUND", world: func(w *apptest.World) { w.Target.DeleteCustomField("Role") }, status: transfer.Retrying, detail: "Role"},
		{code: "MAPPING_ERROR", mapping: strings.Replace(rows, "No + No", `split(City, "-")[1]`, 1), status: transfer.Failed, detail: "CustomerNumber"},
		{code: "SOURCE_UNAVAILABLE", world: func(w *apptest.World) {
			w.Source.Inject(businesscentraltest.Fault{Route: businesscentraltest.RouteContacts, Status: http.StatusBadGateway, Body: "<html>", ContentType: "text/html", Times: -1})
		}, status: transfer.Retrying},
		{code: "DESTINATION_UNAVAILABLE", world: func(w *apptest.World) {
			w.Target.Fail(ipaastest.Script{Route: ipaastest.CustomerSearch, Times: -1, Effect: ipaastest.Effect{Status: http.StatusServiceUnavailable}})
		}, status: transfer.Retrying},
		{code: "DESTINATION_REJECTED", world: func(w *apptest.World) {
			w.Target.Fail(ipaastest.Script{Route: ipaastest.CustomerCreate, Effect: ipaastest.Refused(http.StatusBadRequest, "VALD-1025", "Value Townes unable to be verified by incoming data checks.")})
		}, status: transfer.Failed, detail: "VALD-1025"},
	}
	for _, tt := range tests {
		t.Run(tt.code, func(t *testing.T) {
			w := apptest.New(t, apptest.Options{Mapping: tt.mapping})
			c := apptest.Person("1", "one@example.com")
			if tt.contact != nil {
				tt.contact(&c)
			}
			w.Add(c)
			if tt.world != nil {
				tt.world(w)
			}
			got := w.Sync("1")
			if got.Problem == nil || got.Problem.Code != tt.code || got.Status != tt.status || !strings.Contains(got.Problem.Detail, tt.detail) {
				t.Fatalf("got %s %+v, want %s %s with %q", got.Status, got.Problem, tt.status, tt.code, tt.detail)
			}
			for _, value := range []string{"Townes", "example.com", "555 0101", "Market Square"} {
				if strings.Contains(got.Problem.Detail, value) {
					t.Errorf("the detail quotes the contact: %s", got.Problem.Detail)
				}
			}
			if w.Target.CountCustomers() > 1 {
				t.Error("a customer was made")
			}
		})
	}
}

// rows is a mapping that makes what the default one cannot: a number that is too
// long, a formula that fails.
const rows = `collection: test
status: enabled
triggers: [Contact Create, Contact Update]
filter: Type == "Person"
mappings:
  - {type: formula, source: 'No + No', destination: CustomerNumber, required: true}
  - {type: field, source: FirstName_Contact, destination: FirstName, required: true}
  - {type: field, source: LastName_Contact, destination: LastName, required: true}
  - {type: field, source: EMail, destination: EmailAddress, required: true}
  - {type: field, source: CountryRegionCode, destination: Comment}
`

func TestCatalogueUnauthorized(t *testing.T) {
	tests := []struct {
		code  string
		world func(w *apptest.World)
	}{
		{"SOURCE_UNAUTHORIZED", func(w *apptest.World) { w.Source.SetClientSecrets("another") }},
		{"SOURCE_UNAUTHORIZED", func(w *apptest.World) { w.Source.DenyPermission(true) }},
		{"DESTINATION_UNAUTHORIZED", func(w *apptest.World) { w.Target.RevokeKey(w.Target.APIKey()) }},
		{"DESTINATION_UNAUTHORIZED", func(w *apptest.World) {
			w.Target.SetKey(ipaastest.APIKey{Value: w.Target.APIKey(), ReadOnly: true})
		}},
	}
	for _, tt := range tests {
		t.Run(tt.code, func(t *testing.T) {
			w := apptest.New(t)
			w.Add(apptest.Person("1", "one@example.com"), apptest.Person("2", "two@example.com"))
			tt.world(w)
			run, err := w.App.Run(t.Context(), poll.Event{Mode: poll.Poll})
			if transfer.FaultOf(err).Code != tt.code || run.Counts.Failed+run.Counts.Retrying != 0 || !run.Watermark.IsZero() {
				t.Errorf("got %+v, %v; want the run stopped by %s with nothing spent", run, err, tt.code)
			}
			if page, _ := w.Store.Transfers(t.Context(), statusQuery("")); len(page.Transfers) != 0 {
				t.Errorf("transfers are stored: %+v", page.Transfers)
			}
			if n := strings.Count(w.Log.String(), `"level":"ERROR"`); n > 1 {
				t.Errorf("the cause is told %d times, want once", n)
			}
		})
	}
}

func TestAnEventThatCannotBeUnderstoodIsAnError(t *testing.T) {
	w := apptest.New(t)
	for _, event := range []string{
		`{"mode":"sweep"}`, `{"mode":"backfill"}`, `{"mode":"backfill","from":"yesterday"}`, `{"mode":1}`, `"poll"`, `[1]`, `{"mod":"poll"}`,
		`{"mode":"backfill","from":"2026-02-01T00:00:00Z","to":"2026-01-01T00:00:00Z"}`, `{"mode":"poll","dry_run":"yes"}`, `{"from":"2026-01-01T00:00:00Z"}`, `{`,
	} {
		if got, err := w.App.Poll(t.Context(), []byte(event)); err == nil || got != nil {
			t.Errorf("%s: got %+v, want an error", event, got)
		} else if !errors.Is(err, errEvent) {
			t.Errorf("%s: got %v, want app.ErrEvent", event, err)
		}
	}
	for _, event := range []string{
		``, `null`, `{}`, `{"mode":"poll"}`, `{"version":"0","id":"1","detail-type":"Scheduled Event","source":"aws.events","account":"1","time":"2026-01-31T10:00:00Z","region":"eu-central-1","resources":[],"detail":{}}`,
		`{"mode":"backfill","from":"2024-01-01T00:00:00Z","to":null}`, `{"mode":"poll","dry_run":true}`,
	} {
		if _, err := w.App.Poll(t.Context(), []byte(event)); err != nil {
			t.Errorf("%s: %v", event, err)
		}
	}
}
