package webhook_test

import (
	"fmt"
	"strings"
	"testing"

	"contactsync/shared/contact"
	"contactsync/shared/transfer"
	"contactsync/shared/wire"
)

type hooksBody struct {
	Accepted int
	Rejected []struct {
		ExternalID string `json:"external_id"`
		Error      wire.ErrorJSON
	}
}

func TestHookScopes(t *testing.T) {
	number := transfer.Request{Ref: contact.Ref{No: "44552"}}
	deleted := transfer.Request{Ref: contact.Ref{No: "44552"}, Deleted: true}
	internal := transfer.Request{Ref: contact.Ref{ID: ada}}
	wake := transfer.Request{Wake: true}
	tests := []struct {
		scope, id string
		want      *transfer.Request
		code      string // of the rejection
		names     string // what its detail names
	}{
		{scope: "contact/created", id: "44552|contact", want: &number},
		{scope: "contact/updated", id: "44552", want: &number},
		{scope: "contact/updated", id: ada, want: &internal},
		{scope: "contact/updated", id: ada + "|contact", want: &internal},
		{scope: "contact/updated/debug", id: "44552", want: &number},
		{scope: "Contact/Updated", id: "44552", want: &number},
		{scope: "contact/deleted", id: "44552", want: &deleted},
		{scope: "contact/poll", id: "", want: &wake},
		{scope: "contact/poll/debug", id: "44552", want: &wake},
		{scope: "customer/created", id: "44552|contact", want: &number},
		{scope: "customer/updated", id: "44552|Contact", want: &number},
		{scope: "customer/updated/debug", id: ada + "|contact", want: &internal},
		{scope: "customer/deleted", id: "44552|contact", want: &deleted},
		{scope: "customer/updated", id: "44552", code: "INVALID_ID", names: "|contact"},
		{scope: "customer/poll", id: "44552|contact", code: "BAD_REQUEST", names: "customer/poll"},
		{scope: "customer/address/created", id: "44552|contact", code: "BAD_REQUEST", names: "customer/address/created"},
		{scope: "product/updated", id: "44552", code: "BAD_REQUEST", names: "product/updated"},
		{scope: "contact", id: "44552", code: "BAD_REQUEST", names: `"contact"`},
		{scope: "", id: "44552", code: "BAD_REQUEST", names: `""`},
		{scope: "contact/updated", id: "", code: "INVALID_ID", names: "empty"},
		{scope: "contact/updated", id: strings.Repeat("4", 21), code: "INVALID_ID", names: "20"},
		{scope: "contact/updated", id: "1|2", code: "INVALID_ID", names: "|contact"},
	}
	for _, tt := range tests {
		t.Run(tt.scope+" "+tt.id, func(t *testing.T) {
			s := open(t)
			a := s.post("/hooks", fmt.Sprintf(`{"id":"x","attempt":1,"notifications":[{"scope":%q,"external_id":%q,"type":"TO","tracking_guid":"g"}]}`, tt.scope, tt.id)).is(202)
			got, waiting := decode[hooksBody](a), s.waiting()
			if tt.want == nil {
				if got.Accepted != 0 || len(got.Rejected) != 1 || got.Rejected[0].ExternalID != tt.id || got.Rejected[0].Error.Code != tt.code ||
					!strings.Contains(got.Rejected[0].Error.Detail, tt.names) || len(waiting) != 0 {
					t.Errorf("got %s; %d requests wait", a.body, len(waiting))
				}
				return
			}
			if got.Accepted != 1 || len(got.Rejected) != 0 || len(waiting) != 1 {
				t.Fatalf("got %s; %d requests wait", a.body, len(waiting))
			}
			w := waiting[0]
			if w.Ref != tt.want.Ref || w.Wake != tt.want.Wake || w.Deleted != tt.want.Deleted || w.Trigger != transfer.ByHook {
				t.Errorf("got %+v, want %+v", w, *tt.want)
			}
		})
	}
}

func TestOneBadHookAmongManyIsRejectedAlone(t *testing.T) {
	s := open(t)
	a := s.post("/hooks", `{"notifications":[{"scope":"contact/updated","external_id":"1"},7,{"scope":"contact/updated"},{"external_id":"2"},
		{"scope":"contact/updated","external_id":44552},{"scope":"contact/updated","external_id":"1|contact"}]}`).is(202)
	got := decode[hooksBody](a)
	if got.Accepted != 2 || len(got.Rejected) != 4 {
		t.Fatalf("got %s", a.body)
	}
	for i, want := range []string{"notifications[1] is a number", "notifications[2].external_id is null", "notifications[3].scope is null", "notifications[4].external_id is a number"} {
		if !strings.Contains(got.Rejected[i].Error.Detail, want) {
			t.Errorf("rejection %d says %q, want %q", i, got.Rejected[i].Error.Detail, want)
		}
	}
	if w := s.waiting(); len(w) != 1 {
		t.Errorf("%d requests wait, want 1 for the one contact named twice", len(w))
	}
}

func TestAHookBodyThatIsNoListIsRefused(t *testing.T) {
	for body, want := range map[string]string{
		`{}`:                     "notifications is missing",
		`{"notifications":{}}`:   "notifications is an object",
		`{"notifications":null}`: "notifications is null",
		`{"notifications":[]}`:   "notifications is empty",
		`{"notifications":[` + strings.Repeat("1,", 3000) + `1]}`: "3001 entries, at most 3000",
	} {
		s := open(t)
		if e := s.post("/hooks", body).fails(400, "BAD_REQUEST"); !strings.Contains(e.Detail, want) {
			t.Errorf("%.40s: %q, want %q", body, e.Detail, want)
		}
	}
}

func TestAHookThatCannotBeStoredIs503(t *testing.T) {
	s := open(t)
	s.store.readonly = true
	s.post("/hooks", `{"notifications":[{"scope":"contact/updated","external_id":"1"}]}`).fails(503, "UNAVAILABLE")
}
