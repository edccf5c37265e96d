package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"contactsync/shared/app"
	"contactsync/shared/app/apptest"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/config"
	"contactsync/shared/credentials"
	"contactsync/shared/ipaas/ipaastest"
	"contactsync/shared/observe"
	"contactsync/shared/status"
	"contactsync/shared/status/embedded"
)

// Every secret and every value of the contact in this test holds this word, or is
// the telephone number. Neither may be seen anywhere but at the two systems.
const (
	canary      = "canary"
	canaryPhone = "999 888 7777"
)

const canaryText = "Canaryfirst Canarylast, canary.mail@canary.example, +1 999 888 7777, Canary Street 7, Canary Trading Ltd"

func canaryPerson(no string) businesscentraltest.Contact {
	return businesscentraltest.Contact{
		No: no, Type: "Person", FirstName: "Canaryfirst", Surname: "Canarylast", EMail: "canary.mail" + no + "@canary.example", CustomerType: "B2B", WebUserRole: "Canary Role",
		Address: "Canary Street 7", Address2: "Canary Floor", City: "Canaryville", County: "CA", CountryRegionCode: "US", PostCode: "CANARY31",
		PhoneNo: "+1 " + canaryPhone, CompanyNo: "C1", CompanyName: "Canary Trading Ltd", JobTitle: "Canary in chief",
	}
}

// A leakWorld is a World whose every output is kept: log at debug level without the
// net that the functions' logger has, metrics, errors, answers, table.
type leakWorld struct {
	*apptest.World
	path   string
	dynamo *recorded
	hits   func() int // calls that went wrong; nil if the fault is none of calls
	mu     sync.Mutex
	out    strings.Builder
}

func (l *leakWorld) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Write(p)
}

// keep notes what somebody outside gets to see.
func (l *leakWorld) keep(what string, v any, err error) {
	text, _ := json.Marshal(v)
	fmt.Fprintf(l, "%s: %s %v %+v\n", what, text, err, err)
}

func newLeakWorld(t *testing.T, mapping string, wrap func(status.Store) status.Store) *leakWorld {
	t.Helper()
	l := &leakWorld{path: filepath.Join(t.TempDir(), "transfers.db"), dynamo: &recorded{}}
	log := slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
	disk, err := embedded.Open(embedded.Config{Connection: "default", Path: l.path, NoSync: true, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = disk.Close() })
	var store status.Store = &twoTables{disk, l.dynamo.store(t)}
	if wrap != nil {
		store = wrap(store)
	}
	var g gateway
	l.World = apptest.New(t, apptest.Options{
		Store: store, Mapping: mapping, Config: func(c *config.Config) { c.WebhookURL = webhookURL },
		Source: businesscentraltest.Config{ClientSecret: "canary-client-secret", NotificationClient: &http.Client{Transport: bridgeTo{&g}}},
		Target: ipaastest.Config{APIKeys: []ipaastest.APIKey{{Value: "canary-api-key"}}},
	})
	g.w = l.World
	document := strings.NewReplacer(apptest.ClientState, "canary-state", apptest.APIKey, "canary-operator").Replace(l.Secret())
	secrets, err := credentials.NewProvider(credentials.Config{Fetcher: credentials.Static([]byte(document)), Now: l.Clock.Now, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	l.App, err = app.Assemble(app.Parts{
		Config: l.App.Config, Secrets: secrets, Store: store, Mapping: l.App.Mapping, SourceHTTP: l.Source.HTTPClient(), TargetHTTP: l.Target.HTTPClient(),
		RetryBackOff: time.Millisecond, Now: l.Clock.Now, Log: log, Meter: observe.NewMeter(l, "default", l.Clock.Now),
	})
	if err != nil {
		t.Fatal(err)
	}
	l.Target.AddCompany("Canary Trading Ltd", "C1")
	l.Add(businesscentraltest.Contact{No: "C1", Type: "Company", Name: "Canary Trading Ltd"}, canaryPerson("1"), canaryPerson("2"), canaryPerson("3"))
	return l
}

// everyPath goes every way into the functions.
func (l *leakWorld) everyPath() {
	call := func(method, path, query string, body any) answer {
		raw, err := json.Marshal(body)
		if err != nil {
			l.T.Fatal(err)
		}
		return gateway{l.World}.call(method, path, query, "canary-operator", raw)
	}
	show := func(method, path, query string, body any) {
		a := call(method, path, query, body)
		l.keep(method+" "+path, string(a.body), nil)
	}
	poll := func(event string) {
		ctx, cancel := context.WithTimeout(l.T.Context(), time.Minute)
		defer cancel()
		got, err := l.App.Poll(ctx, json.RawMessage(event))
		l.keep("poll "+event, got, err)
	}
	_ = call(http.MethodPost, "/transfers", "", map[string]any{"ids": []string{"1", "2"}, "dry_run": true}) // the one answer that may show values
	poll(`{"mode":"poll","dry_run":true}`)
	show(http.MethodPost, "/transfers", "", map[string]any{"ids": []string{"1", "3", "404"}})
	show(http.MethodPost, "/hooks", "", map[string]any{"notifications": []any{map[string]string{"scope": "contact/updated", "external_id": "2|contact"}}})
	notification := `{"value":[{"subscriptionId":"s","clientState":"canary-state","resource":"companies(x)/contacts(3f2504e0-4f89-11d3-9a0c-0305e82c3301)","changeType":"updated"},{"clientState":"canary-wrong","resource":"Canarylast"},{"Canarylast":`
	for _, body := range []string{notification + "1}]}", notification, "Canarylast"} {
		a := gateway{l.World}.call(http.MethodPost, "/notifications/business-central", "", "", []byte(body))
		l.keep("notification", string(a.body), nil)
	}
	l.Clock.Advance(31 * time.Second)
	_, _ = l.Source.DeliverNotifications(l.T.Context())
	poll(`{}`)
	if waiting, _, err := l.Store.Requests(l.T.Context(), 10); err == nil && len(waiting) > 0 {
		poll(string(streamOf(l.T.(*testing.T), l.World)))
	}
	poll(`{"mode":"backfill","from":"2020-01-01T00:00:00Z"}`)
	l.Clock.Advance(30 * time.Minute)
	_ = l.Source.EditContact("1", func(c *businesscentraltest.Contact) { c.City = "Canary City" })
	poll(`{}`)
	show(http.MethodPost, "/replays", "", map[string]any{})
	poll(`{}`)
	for _, path := range []string{"/transfers", "/transfers/1", "/errors", "/runs", "/preflight"} {
		show(http.MethodGet, path, "", nil)
	}
	a := gateway{l.World}.call(http.MethodGet, "/transfers", "", "canary-wrong-key", nil)
	l.keep("a wrong key", string(a.body), nil)
}

// leaks returns the places where a canary shows.
func (l *leakWorld) leaks() (found []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	table, err := os.ReadFile(l.path)
	if err != nil {
		l.T.Fatal(err)
	}
	for place, text := range map[string]string{"output": l.out.String(), "embedded table": string(table), "DynamoDB": l.dynamo.String()} {
		for line := range strings.Lines(text) {
			lower := strings.ToLower(line)
			at := max(strings.Index(lower, canary), strings.Index(line, canaryPhone))
			if at >= 0 {
				found = append(found, fmt.Sprintf("%s: …%.400q", place, line[max(0, at-200):]))
			}
		}
	}
	return found[:min(len(found), 5)]
}

func TestNoSecretAndNoPersonalDataIsSeenOnAnyPath(t *testing.T) {
	for _, f := range leakFaults() {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := newLeakWorld(t, f.mapping, f.store)
				if f.fault != nil {
					f.fault(l)
				}
				l.everyPath()
				if !strings.Contains(l.out.String(), f.shows) {
					t.Errorf("the fault does not show as %q:\n%s", f.shows, l.out.String())
				}
				if l.hits != nil && l.hits() == 0 {
					t.Error("the fault hit no call")
				}
				for _, leak := range l.leaks() {
					t.Error(leak)
				}
				time.Sleep(time.Hour) // until what was left behind has ended
			})
		})
	}
}

type leakFault struct {
	name    string
	mapping string
	store   func(status.Store) status.Store
	fault   func(l *leakWorld)
	shows   string // what of the fault must be seen, so that it is one
}

// leakFaults are the ways to end with each code of the catalogue, the other side
// quoting what it was sent wherever it can.
func leakFaults() []leakFault {
	edit := func(change func(c *businesscentraltest.Contact)) func(l *leakWorld) {
		return func(l *leakWorld) { _ = l.Source.EditContact("1", change) }
	}
	list := []leakFault{
		{name: "no fault", shows: `"created":`},
		{name: "invalid e-mail", fault: edit(func(c *businesscentraltest.Contact) { c.EMail = "canary.mail canary" }), shows: "INVALID_EMAIL"},
		{name: "two e-mails", fault: edit(func(c *businesscentraltest.Contact) { c.EMail = "canary@a.example;canary@b.example" }), shows: "INVALID_EMAIL"},
		{name: "no e-mail", fault: edit(func(c *businesscentraltest.Contact) { c.EMail = "" }), shows: "MISSING_EMAIL"},
		{name: "no name", fault: edit(func(c *businesscentraltest.Contact) { c.FirstName, c.Surname = "", "" }), shows: "MISSING_REQUIRED_FIELD"},
		{name: "no such company", fault: edit(func(c *businesscentraltest.Contact) { c.CompanyNo = "C404" }), shows: "COMPANY_NOT_FOUND"},
		{name: "a company", fault: edit(func(c *businesscentraltest.Contact) { c.Type = "Company" }), shows: "skipped"},
		{name: "duplicate", fault: func(l *leakWorld) {
			l.Target.AddCustomer(ipaastest.Customer{LastName: "Canarylast", EmailAddress: "canary.mail1@canary.example"})
		}, shows: "DUPLICATE_CONTACT"},
		{name: "no custom field", fault: func(l *leakWorld) { l.Target.DeleteCustomField("Role") }, shows: "CUSTOM_FIELD_NOT_FOUND"},
		{name: "a field too long", mapping: strings.Replace(rows, "No + No", `No + LastName_Contact + LastName_Contact + LastName_Contact`, 1), shows: "INVALID_FIELD"},
		{name: "a formula fails", mapping: strings.Replace(rows, "No + No", `split(City, "-")[1]`, 1), shows: "MAPPING_ERROR"},
		{name: "a formula that reads a text as a number", mapping: strings.Replace(rows, "No + No", `string(int(LastName_Contact))`, 1), shows: "MAPPING_ERROR"},
		{name: "a filter that names values", mapping: strings.Replace(rows, `Type == "Person"`, `City == "Elsewhere" && LastName_Contact == "x"`, 1), shows: "skipped"},
		{name: "the client secret is refused", fault: func(l *leakWorld) { l.Source.SetClientSecrets("another") }, shows: "SOURCE_UNAUTHORIZED"},
		{name: "a permission is missing", fault: func(l *leakWorld) { l.Source.DenyPermission(true) }, shows: "SOURCE_UNAUTHORIZED"},
		{name: "the API key is refused", fault: func(l *leakWorld) { l.Target.RevokeKey("canary-api-key") }, shows: "DESTINATION_UNAUTHORIZED"},
		{name: "the token service quotes the secret", fault: func(l *leakWorld) {
			l.Source.Inject(businesscentraltest.Fault{Route: businesscentraltest.RouteToken, Times: -1, Status: 401, Body: `{"error":"invalid_client","error_description":"` + canaryText + `, canary-client-secret"}`})
		}, shows: "SOURCE_UNAUTHORIZED"},
	}
	for _, method := range []string{"Claim", "Save", "Request", "States", "Transfers"} {
		list = append(list, leakFault{name: "a panic in " + method, store: func(s status.Store) status.Store { return &panicking{s, method} }, shows: `"panic":"string"`})
	}
	return append(append(list, sourceLeaks()...), targetLeaks()...)
}

// sourceLeaks let Business Central quote values in each form of an answer.
func sourceLeaks() (list []leakFault) {
	canaryText := canaryText + ", canary-client-secret"
	quoted := `{"error":{"code":"Internal_RecordNotFound","message":"` + canaryText + `"}}`
	for _, status := range []int{400, 401, 404, 500} {
		list = append(list, leakFault{name: fmt.Sprint("Business Central: ", status, " to subscriptions"), fault: func(l *leakWorld) {
			l.hits = l.Source.Inject(businesscentraltest.Fault{Route: businesscentraltest.RouteSubscriptions, Times: -1, Status: status, Body: strings.Replace(quoted, canaryText, canaryText+", canary-state", 1)}).Hits
		}})
	}
	for name, f := range map[string]businesscentraltest.Fault{
		"400": {Status: 400, Body: quoted}, "401": {Status: 401, Body: quoted}, "403": {Status: 403, Body: quoted}, "404": {Status: 404, Body: quoted}, "409": {Status: 409, Body: quoted}, "500": {Status: 500, Body: quoted},
		"502 with HTML": {Status: 502, Body: "<html>" + canaryText, ContentType: "text/html"}, "200 with HTML": {Status: 200, Body: "<html>" + canaryText, ContentType: "text/html"},
		"an error whose code is a value": {Status: 400, Body: `{"error":{"code":"` + canaryText + `","message":"x"}}`},
		"200 of wrong types":             {Status: 200, Body: `{"value":[{"No":{"canary":1},"Type":["Canarylast"],"SystemId":"canary"}]}`},
		"a broken row":                   {RawMembers: `"Canarylast":"canary`}, "a wrong type in a row": {RawMembers: `"First_Name":["Canaryfirst"],"SystemModifiedAt":"Canarylast"`},
		"cut within a page": {BreakAfter: 1500}, "truncated": {TruncateAfter: 1500}, "cut": {CutBefore: true}, "429": {Throttled: true},
		"redirect": {RedirectTo: "https://canary.example/Canarylast"}, "a next link elsewhere": {NextLinkHost: "https://canary.example"},
	} {
		f.Times = -1
		list = append(list, leakFault{name: "Business Central: " + name, fault: func(l *leakWorld) { l.hits = l.Source.Inject(f).Hits }})
	}
	return list
}

// targetLeaks let iPaaS.com quote values in each form of an answer, to every call
// and to creates and updates only.
func targetLeaks() (list []leakFault) {
	html := http.Header{"Content-Type": {"text/html"}}
	canaryText := canaryText + ", canary-api-key"
	effects := map[string]ipaastest.Effect{
		"502 with HTML": {Status: 502, Body: "<html>" + canaryText, Header: html}, "200 with HTML": {Status: 200, Body: "<html>" + canaryText, Header: html},
		"200 of wrong types": {Status: 200, Body: `{"id":["Canarylast"],"email_address":{"canary":1}}`}, "a text": {Status: 400, Body: "VALD-1025: " + canaryText},
		"an error whose code is a value": {Status: 400, Body: `{"code":"` + canaryText + `"}`}, "nested": {Status: 400, Body: `{"errors":[{"error_code":"VALD-1","error_message":"` + canaryText + `"},"` + canaryText + `"]}`},
		"cut": {Cut: true}, "answer lost": ipaastest.LostAnswer(), "cut within the answer": {Cut: true, Process: true, KeepBytes: 200}, "broken JSON": {KeepBytes: 200},
		"redirect": {Status: 307, Header: http.Header{"Location": {"https://canary.example/Canarylast"}}}, "429": ipaastest.Throttled("canary"),
	}
	for _, code := range []int{400, 401, 403, 404, 409, 422, 500, 503} {
		effects[fmt.Sprint(code)] = ipaastest.Refused(code, "VALD-1025", canaryText)
	}
	for name, effect := range effects {
		for where, route := range map[string][]ipaastest.Route{"every call": {""}, "writes": {ipaastest.CustomerCreate, ipaastest.CustomerUpdate}, "look-ups": {ipaastest.LookupCustomer, ipaastest.CustomerSearch}} {
			list = append(list, leakFault{name: "iPaaS.com: " + name + " to " + where, fault: func(l *leakWorld) {
				var hits atomic.Int64
				l.hits = func() int { return int(hits.Load()) }
				for _, r := range route {
					l.Target.Fail(ipaastest.Script{Route: r, Times: -1, Effect: effect, When: func(ipaastest.Request) bool { return hits.Add(1) > 0 }})
				}
			}})
		}
	}
	return list
}
