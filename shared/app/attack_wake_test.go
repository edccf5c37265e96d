package app_test

import (
	"encoding/json"
	"testing"
	"time"

	"contactsync/shared/app/apptest"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/poll"
	"contactsync/shared/transfer"
)

// Guarantee 1 for what was asked for: requests and wake-ups stay until they are done.

func TestABackfillLeavesAWakeUpToThePoll(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("1", "one@example.com"))
	w.Poll()
	w.Add(apptest.Person("2", "two@example.com"))
	wake := transfer.Request{Wake: true, Trigger: transfer.ByNotification, RequestedAt: w.Clock.Now(), Token: "wake"}
	if err := w.Store.Request(t.Context(), wake); err != nil {
		t.Fatal(err)
	}

	// The window lies before the contact that the wake-up is about.
	w.Run(poll.Event{Mode: poll.Backfill, From: apptest.Start.Add(-time.Hour), To: apptest.Start})
	if waiting, _, err := w.Store.Requests(t.Context(), 10); err != nil || len(waiting) != 1 {
		t.Fatalf("after a backfill %d requests wait, error %v; want the wake-up", len(waiting), err)
	}
	if run := w.Poll(); run.Counts.Created != 1 {
		t.Errorf("got %+v, want the second contact created", run.Counts)
	}
	if waiting, _, err := w.Store.Requests(t.Context(), 10); err != nil || len(waiting) != 0 {
		t.Errorf("after a poll %d requests wait, error %v; want none", len(waiting), err)
	}
}

func TestAStreamEventOfItemsThatAreDoneStartsNoRun(t *testing.T) {
	tests := []struct {
		name  string
		event func(t *testing.T, w *apptest.World) json.RawMessage
	}{
		{
			name: "an image that is not pending",
			event: func(*testing.T, *apptest.World) json.RawMessage {
				return json.RawMessage(`{"Records":[{"eventName":"MODIFY","dynamodb":{"NewImage":{"status":{"S":"succeeded"}}}}]}`)
			},
		},
		{
			name: "a request that a poll has done meanwhile",
			event: func(t *testing.T, w *apptest.World) json.RawMessage {
				w.Add(apptest.Person("1", "one@example.com"))
				q := transfer.Request{Ref: refOf(t, "1"), Trigger: transfer.ByHook, RequestedAt: w.Clock.Now(), Token: "hook"}
				if err := w.Store.Request(t.Context(), q); err != nil {
					t.Fatal(err)
				}
				event := streamOf(t, w)
				w.Poll()
				return event
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := apptest.New(t)
			event := tt.event(t, w)
			before, err := w.Store.Runs(t.Context(), 10)
			if err != nil {
				t.Fatal(err)
			}
			w.Source.Unpublish("Contact_Card") // whoever asks Business Central now finds nothing
			w.Restart()
			w.Source.ResetRequests()
			w.Target.ResetRequests()

			answer, err := w.App.Poll(t.Context(), event)
			if err != nil || !answer.Complete || answer.Read != 0 || answer.BatchItemFailures == nil {
				t.Errorf("got %+v, %v; want an answer that is complete and counts nothing", answer, err)
			}
			if after, err := w.Store.Runs(t.Context(), 10); err != nil || len(after) != len(before) {
				t.Errorf("%d runs are stored, error %v; want %d", len(after), err, len(before))
			}
			if n := len(w.Source.Requests()) + calls(w); n != 0 {
				t.Errorf("%d calls, want none", n)
			}
		})
	}
}

func TestAChangeThatMeetsALiveClaimDoesNotReplaceARequestThatSaysMore(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("1", "one@example.com"))
	w.Poll()
	w.Edit("1", func(c *businesscentraltest.Contact) { c.City = "Boston" })
	replay := transfer.Request{Ref: refOf(t, "1"), Trigger: transfer.ByReplay, RequestedAt: w.Clock.Now(), Token: "replay"}
	if err := w.Store.Request(t.Context(), replay); err != nil {
		t.Fatal(err)
	}
	s := w.State("1")
	now := w.Clock.Now()
	if _, err := w.Store.Claim(t.Context(), s.Key(), transfer.Claim{Owner: "another execution", Until: now.Add(30 * time.Second)}, now, s); err != nil {
		t.Fatal(err)
	}

	if run := w.Poll(); run.Counts.Pending == 0 || run.Counts.Updated != 0 {
		t.Fatalf("got %+v, want the contact left pending", run.Counts)
	}
	waiting, err := w.Store.RequestOf(t.Context(), "1", s.ContactID)
	if err != nil || waiting == nil || waiting.Token != replay.Token || waiting.Trigger != transfer.ByReplay {
		t.Errorf("got %+v, %v; want the replay", waiting, err)
	}
	w.Clock.Advance(time.Minute)
	w.Poll()
	if c, _ := w.Target.CustomerByExternalID("1|contact"); c.Addresses[0].Fields.City != "Boston" {
		t.Errorf("the customer lives in %s, want Boston", c.Addresses[0].Fields.City)
	}
}
