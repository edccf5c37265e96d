package wire

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"contactsync/shared/status"
	"contactsync/shared/transfer"
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	parsed, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestTimesHaveExactlyThreeDecimalsInUTC(t *testing.T) {
	for in, want := range map[string]string{
		"2026-01-31T10:00:00Z":             `"2026-01-31T10:00:00.000Z"`,
		"2026-01-31T10:00:00.12Z":          `"2026-01-31T10:00:00.120Z"`,
		"2026-01-31T10:00:00.1239999Z":     `"2026-01-31T10:00:00.123Z"`,
		"2026-01-31T10:00:00.5+02:00":      `"2026-01-31T08:00:00.500Z"`,
		"2025-12-31T23:30:00.000001-01:00": `"2026-01-01T00:30:00.000Z"`,
	} {
		if got := text(t, Time{at(t, in)}); got != want {
			t.Errorf("%s is shown as %s, want %s", in, got, want)
		}
	}
	if got := text(t, Time{}); got != "null" {
		t.Errorf("the zero time is shown as %s, want null", got)
	}
}

func TestTimesAreReadWithAnyDecimals(t *testing.T) {
	for in, want := range map[string]time.Time{
		`"2026-01-31T10:00:00.12Z"`:     at(t, "2026-01-31T10:00:00.12Z"),
		`"2026-01-31T10:00:00Z"`:        at(t, "2026-01-31T10:00:00Z"),
		`"2026-01-31T10:00:00.5+02:00"`: at(t, "2026-01-31T08:00:00.5Z"),
		`null`:                          {},
	} {
		var got Time
		if err := json.Unmarshal([]byte(in), &got); err != nil || !got.Equal(want) {
			t.Errorf("%s is read as %v, error %v; want %v", in, got, err, want)
		}
	}
	for _, in := range []string{`"yesterday"`, `17`, `""`, `{}`} {
		if err := json.Unmarshal([]byte(in), new(Time)); err == nil {
			t.Errorf("%s is read as a time", in)
		}
	}
}

func TestATransferIsShownAsTheContractSays(t *testing.T) {
	created := transfer.Transfer{
		ID: "44552|contact", ContactNo: "44552", ContactID: "3f2504e0-4f89-11d3-9a0c-0305e82c3301", CustomerID: "912",
		Attempt: transfer.Attempt{
			Status: transfer.Succeeded, Action: transfer.Created, Trigger: transfer.ByPoll, RunID: "r1", Number: 1,
			StartedAt: at(t, "2026-01-31T10:00:00Z"), FinishedAt: at(t, "2026-01-31T10:00:01.5Z"),
		},
	}
	failed := created
	failed.CustomerID, failed.Status, failed.Action = "", transfer.Failed, transfer.None
	failed.Problem = &transfer.Problem{Code: "MISSING_EMAIL", Detail: "EmailAddress is empty"}
	skipped := created
	skipped.Status, skipped.Action, skipped.Reason = transfer.Skipped, transfer.None, `Type is "Company"`
	notSkipped := created
	notSkipped.Reason = "left over"
	request := transfer.Request{Trigger: transfer.ByManual, RequestedAt: at(t, "2026-01-31T10:00:00Z")}
	request.Ref.No = "A/B"
	underWay := transfer.State{No: "44552"}

	const head = `{"id":"44552|contact","contact_no":"44552","contact_id":"3f2504e0-4f89-11d3-9a0c-0305e82c3301",`
	const times = `"started_at":"2026-01-31T10:00:00.000Z","finished_at":"2026-01-31T10:00:01.500Z","next_attempt_at":null,"warnings":[],`
	tests := []struct {
		name string
		in   transfer.Transfer
		want string
	}{
		{"created", created, head + `"customer_id":"912","status":"succeeded","action":"created","trigger":"poll","run_id":"r1","attempt":1,` + times + `"error":null}`},
		{"failed, with the seed's texts", failed, head + `"customer_id":"","status":"failed","action":"none","trigger":"poll","run_id":"r1","attempt":1,` + times +
			`"error":{"code":"MISSING_EMAIL","title":"Missing Email: Email field is empty.","description":"The email field is required for contact creation.",` +
			`"resolution":"Ensure email is present in Microsoft Dynamics 365 before syncing.","detail":"EmailAddress is empty"}}`},
		{"skipped, with its reason", skipped, head + `"customer_id":"912","status":"skipped","action":"none","trigger":"poll","run_id":"r1","attempt":1,` + times +
			`"error":null,"reason":"Type is \"Company\""}`},
		{"a reason belongs to skipped ones only", notSkipped, head + `"customer_id":"912","status":"succeeded","action":"created","trigger":"poll","run_id":"r1","attempt":1,` + times + `"error":null}`},
		{"waiting, with the time of its request", request.Transfer(), `{"id":"A/B|contact","contact_no":"A/B","contact_id":"","customer_id":"","status":"pending","action":"none","trigger":"manual","run_id":"","attempt":0,` +
			`"started_at":null,"finished_at":null,"next_attempt_at":null,"warnings":[],"error":null,"requested_at":"2026-01-31T10:00:00.000Z"}`},
		{"the first attempt is under way", underWay.Transfer(), `{"id":"44552|contact","contact_no":"44552","contact_id":"","customer_id":"","status":"pending","action":"none","trigger":"","run_id":"","attempt":0,` +
			`"started_at":null,"finished_at":null,"next_attempt_at":null,"warnings":[],"error":null,"requested_at":null}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, text(t, Transfer(tt.in))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestADryRunCarriesItsBodyAndItsChanges(t *testing.T) {
	p := transfer.Preview{
		Transfer: transfer.Transfer{ID: "1|contact", ContactNo: "1", Attempt: transfer.Attempt{Status: transfer.Succeeded, Action: transfer.Updated, Trigger: transfer.ByManual}},
		Changes:  []transfer.Change{{Field: "custom_fields.Role", From: "Buyer", To: "Owner"}},
	}
	var got struct {
		DryRun  *bool           `json:"dry_run"`
		Request json.RawMessage `json:"request"`
		Changes json.RawMessage `json:"changes"`
	}
	if err := json.Unmarshal([]byte(text(t, Preview(p, json.RawMessage(`{"first_name":"X"}`)))), &got); err != nil {
		t.Fatal(err)
	}
	if got.DryRun == nil || !*got.DryRun || string(got.Request) != `{"first_name":"X"}` ||
		string(got.Changes) != `[{"field":"custom_fields.Role","from":"Buyer","to":"Owner"}]` {
		t.Errorf("got dry_run %v, request %s, changes %s", got.DryRun, got.Request, got.Changes)
	}

	nothing := text(t, Preview(transfer.Preview{}, nil))
	if err := json.Unmarshal([]byte(nothing), &got); err != nil || string(got.Request) != "null" || string(got.Changes) != "[]" {
		t.Errorf("where nothing would be sent: request %s, changes %s, error %v; want null and []", got.Request, got.Changes, err)
	}
}

func TestAnAttemptNamesItsFields(t *testing.T) {
	a := transfer.Attempt{Status: transfer.Succeeded, Action: transfer.Updated, Sent: []string{"first_name", "company"}, Changed: []string{"company"}}
	want := `{"status":"succeeded","action":"updated","trigger":"","run_id":"","attempt":0,"started_at":null,"finished_at":null,` +
		`"next_attempt_at":null,"warnings":[],"error":null,"sent":["first_name","company"],"changed":["company"]}`
	if diff := cmp.Diff(want, text(t, Attempt(a))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	a.Sent, a.Changed = nil, nil
	var got AttemptJSON
	if err := json.Unmarshal([]byte(text(t, Attempt(a))), &got); err != nil || got.Sent == nil || got.Changed == nil {
		t.Errorf("without fields: sent %v, changed %v, error %v; want empty lists", got.Sent, got.Changed, err)
	}
}

func TestARunIsShownAsTheContractSays(t *testing.T) {
	run := status.Run{
		ID: "r1", Connection: "default", Mode: "poll",
		StartedAt: at(t, "2026-01-31T10:00:00Z"), FinishedAt: at(t, "2026-01-31T10:01:00Z"), Complete: true,
		Counts:    status.Counts{Read: 120, Created: 7, Updated: 3, Unchanged: 98, Skipped: 10, Failed: 2},
		Watermark: at(t, "2026-01-31T10:00:00.123Z"),
	}
	want := `{"run_id":"r1","connection":"default","mode":"poll","started_at":"2026-01-31T10:00:00.000Z","finished_at":"2026-01-31T10:01:00.000Z","complete":true,` +
		`"read":120,"created":7,"updated":3,"linked":0,"unchanged":98,"skipped":10,"failed":2,"retrying":0,"pending":0,"watermark":"2026-01-31T10:00:00.123Z"}`
	if diff := cmp.Diff(want, text(t, Run(run))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	var busy map[string]any
	if err := json.Unmarshal([]byte(text(t, Run(status.Run{Busy: true, Paused: true, Disabled: true, DryRun: true}))), &busy); err != nil {
		t.Fatal(err)
	}
	for _, member := range []string{"busy", "paused", "disabled", "dry_run"} {
		if busy[member] != true {
			t.Errorf("%s is %v, want true", member, busy[member])
		}
	}
	if w, there := busy["watermark"]; !there || w != nil {
		t.Errorf("a watermark that is not there yet is %v (member there: %v), want null", w, there)
	}

	var stopped RunJSON
	problem := status.Run{Problem: &transfer.Problem{Code: "SOURCE_UNAUTHORIZED"}, Notes: []string{"read by SystemModifiedAt"}}
	if err := json.Unmarshal([]byte(text(t, Run(problem))), &stopped); err != nil || stopped.Error == nil ||
		stopped.Error.Code != "SOURCE_UNAUTHORIZED" || len(stopped.Notes) != 1 {
		t.Errorf("a run that could not work is %+v, error %v; want its error and its note", stopped, err)
	}
}

func TestEveryCodeHasAllItsTexts(t *testing.T) {
	codes := []string{BadRequest, Unauthorized, NotFound, MethodNotAllowed, TooLarge, UnsupportedMediaType, Unavailable, InvalidID, "STORED_BY_ANOTHER_VERSION"}
	for _, f := range transfer.Catalogue() {
		codes = append(codes, f.Code)
	}
	seen := map[string]string{}
	for _, code := range codes {
		e := Error(code, "d")
		if e.Code != code || e.Title == "" || e.Description == "" || e.Resolution == "" || e.Detail != "d" {
			t.Errorf("%s has an empty text: %+v", code, e)
		}
		if other, twice := seen[e.Title]; twice {
			t.Errorf("%s and %s have the same title", code, other)
		}
		seen[e.Title] = code
	}
}

func TestAnErrorCountCarriesTheResolution(t *testing.T) {
	got := ErrorCount(status.ErrorCount{Code: "MISSING_EMAIL", Count: 2, Samples: []string{"1|contact"}})
	if got.Resolution != transfer.MissingEmail.Resolution || got.Title != transfer.MissingEmail.Title || got.Count != 2 {
		t.Errorf("got %+v", got)
	}
	if empty := ErrorCount(status.ErrorCount{Code: "INTERNAL"}); empty.SampleIDs == nil {
		t.Error("no samples are null, want []")
	}
}
