package dynamostore_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"contactsync/shared/contact"
	"contactsync/shared/status"
	"contactsync/shared/status/dynamostore"
	"contactsync/shared/transfer"
)

func TestParseRequestImage(t *testing.T) {
	at := time.Date(2026, 1, 31, 10, 0, 0, 123e6, time.UTC)
	tests := []struct {
		name  string
		image string
		want  transfer.Request
		err   error
	}{
		{
			name: "a request by number, in the spelling it came with",
			image: `{"pk":{"S":"default#contact#R&D/1#Ü"},"sk":{"S":"request"},"status":{"S":"pending"},"no":{"S":"r&d/1#ü"},
				"trigger":{"S":"hook"},"requested_at":{"S":"2026-01-31T10:00:00.123Z"},"token":{"S":"t"},
				"status_key":{"S":"default#pending"},"sort_key":{"S":"2026-01-31T10:00:00.123Z#R&D/1#Ü#"}}`,
			want: transfer.Request{Ref: contact.Ref{No: "r&d/1#ü"}, Trigger: transfer.ByHook, RequestedAt: at, Token: "t"},
		},
		{
			name: "a deletion by internal id",
			image: `{"pk":{"S":"default#id#3f2504e0"},"sk":{"S":"request"},"status":{"S":"pending"},"contact_id":{"S":"3f2504e0"},
				"deleted":{"BOOL":true},"trigger":{"S":"notification"},"requested_at":{"S":"2026-01-31T10:00:00.123Z"},"token":{"S":"t"}}`,
			want: transfer.Request{Ref: contact.Ref{ID: "3f2504e0"}, Deleted: true, Trigger: transfer.ByNotification, RequestedAt: at, Token: "t"},
		},
		{
			name:  "a wake-up",
			image: `{"pk":{"S":"default#wake"},"sk":{"S":"request"},"status":{"S":"pending"},"wake":{"BOOL":true},"trigger":{"S":"notification"},"token":{"S":"t"}}`,
			want:  transfer.Request{Wake: true, Trigger: transfer.ByNotification, Token: "t"},
		},
		{
			name:  "an item put by hand with key and status only",
			image: `{"pk":{"S":"default#contact#44552"},"sk":{"S":"request"},"status":{"S":"pending"}}`,
			want:  transfer.Request{Ref: contact.Ref{No: "44552"}, Trigger: transfer.ByManual},
		},
		{name: "another status", image: `{"pk":{"S":"default#contact#1"},"sk":{"S":"request"},"status":{"S":"succeeded"}}`, err: dynamostore.ErrNotPending},
		{name: "a status of another type", image: `{"pk":{"S":"default#contact#1"},"sk":{"S":"request"},"status":{"N":"1"}}`, err: dynamostore.ErrNotPending},
		{name: "a state", image: `{"pk":{"S":"default#contact#1"},"sk":{"S":"state"},"status":{"S":"failed"}}`, err: dynamostore.ErrNotPending},
		{name: "an item without attributes", image: `{}`, err: dynamostore.ErrNotPending},
		{name: "another connection", image: `{"pk":{"S":"default2#contact#1"},"sk":{"S":"request"},"status":{"S":"pending"}}`, err: dynamostore.ErrOtherConnection},
		{name: "a key of no contact", image: `{"pk":{"S":"default#contact#"},"sk":{"S":"request"},"status":{"S":"pending"}}`, err: status.ErrDamaged},
		{name: "a time that is none", image: `{"pk":{"S":"default#contact#1"},"sk":{"S":"request"},"status":{"S":"pending"},"requested_at":{"S":"now"}}`, err: status.ErrDamaged},
		{name: "an attribute of another type", image: `{"pk":{"S":"default#contact#1"},"sk":{"S":"request"},"status":{"S":"pending"},"deleted":{"L":[]}}`, err: status.ErrDamaged},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var image map[string]events.DynamoDBAttributeValue
			if err := json.Unmarshal([]byte(tt.image), &image); err != nil {
				t.Fatal(err)
			}
			got, err := dynamostore.ParseRequestImage("default", image)
			if !errors.Is(err, tt.err) {
				t.Fatalf("got error %v, want %v", err, tt.err)
			}
			if tt.err == nil {
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("request (-want +got):\n%s", diff)
				}
			}
		})
	}
}
