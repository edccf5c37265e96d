package processes_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"contactsync/shared/app/apptest"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/contact"
	"contactsync/shared/wire"
	"contactsync/torture/processes/lambdatest"
	"contactsync/torture/tally"
)

const (
	crowd  = 6 // contacts
	rounds = 6
)

// Several webhook processes and two polls over the same contacts: manual syncs, hooks,
// Business Central's notifications, the stream's events and polls, while the
// contacts are edited.
func TestEverythingAtOnceInProcessesLeavesOneNewestCustomerEach(t *testing.T) {
	for kind, killing := range map[string]bool{"everything at once, in processes": false, "everything at once, processes killed": true} {
		t.Run(kind, func(t *testing.T) {
			stand := newStand(t)
			count := tally.Begin(t, kind)
			count.Scene(t)
			timeout := time.Minute // a busy machine must not end what only a kill may end
			if killing {
				timeout = stormLength
			}
			s := stand.listening(t, timeout)
			s.count = count
			s.until(step{name: "poll", invoke: polling}) // makes the subscription; the contacts are all new
			for i := range crowd {
				s.add(apptest.Person(number(i), fmt.Sprintf("p%d@example.com", i)))
			}
			kills := s.storm(killing)
			if n := s.hooks.ColdStarts(); n < 3 {
				t.Errorf("%d webhook processes, want several at once", n)
			}
			if killing {
				if t.Logf("%d processes were killed", kills); kills < 5 {
					t.Errorf("%d processes were killed, want more", kills)
				}
				time.Sleep(stormLength + excess) // the claims and leases of the dead
			}
			s.afterwards()
			s.oneNewestEach()
			s.discreet()
		})
	}
}

// stormLength is what an invocation may take; the claims of one that is killed end
// 2 s after it.
const stormLength = 10 * time.Second

// listening returns a scene whose Business Central notifies the webhook function
// through a gateway.
func (s *stand) listening(t *testing.T, timeout time.Duration) *scene {
	t.Helper()
	var w *scene
	gate := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		lambdatest.Gateway{Function: w.hooks}.ServeHTTP(rw, r)
	}))
	t.Cleanup(gate.Close)
	w = s.scene(t, s.clouds[0], settings{
		workers: 5, timeout: timeout, environ: []string{"WEBHOOK_URL=" + gate.URL + "/notifications/business-central"},
		source: businesscentraltest.Config{
			NotificationDelay: -1, // at once, so that every round has some
			MaxNotifications:  12, // sometimes a collection instead
		},
	})
	return w
}

// storm lets everything happen at once, until the contacts were edited for the
// last time. It returns how many processes were killed.
func (s *scene) storm(killing bool) (kills int) {
	ctx, over := context.WithCancel(s.t.Context())
	defer over()
	var all sync.WaitGroup
	again := func(pause time.Duration, do func()) {
		all.Go(func() {
			for ctx.Err() == nil {
				do()
				time.Sleep(pause)
			}
		})
	}
	// An invocation fails only by a kill.
	check := func(what string, err error) {
		if err != nil && !(killing && (errors.Is(err, lambdatest.ErrExited) || errors.Is(err, lambdatest.ErrTimeout))) {
			s.t.Errorf("%s: %v", what, err)
		}
	}
	poll := func() {
		_, err := s.run(`{}`, 0)
		check("poll", err)
	}
	again(0, poll)
	again(100*time.Millisecond, poll) // one of the two meets the other's lease
	again(0, func() { check("manual sync", s.sync(2, 3, 4, 5)) })
	again(20*time.Millisecond, func() {
		for i := range crowd {
			c, _ := s.source.Contact(number(i))
			status, answer, err := s.call("/hooks", fmt.Sprintf(`{"notifications":[{"scope":"contact/updated","external_id":"%s|contact"}]}`, c.SystemID), 0)
			if err == nil && status != http.StatusAccepted {
				err = fmt.Errorf("answered %d %s", status, answer)
			}
			check("hook", err)
		}
	})
	again(20*time.Millisecond, func() {
		// One that a kill keeps from being accepted is sent again after a minute.
		if got, err := s.source.DeliverNotifications(s.t.Context()); !killing && (err != nil || got.Dropped > 0) {
			s.t.Errorf("notifications: %+v, %v", got, err)
		}
	})
	again(20*time.Millisecond, func() {
		_, err := s.run(s.stream(), 0)
		check("stream event", err)
	})
	if killing {
		again(200*time.Millisecond, func() {
			time.Sleep(100 * time.Millisecond)
			for _, f := range []*lambdatest.Function{s.poll, s.hooks} {
				if f.KillOne() {
					kills++
				}
			}
		})
	}
	all.Go(func() {
		defer over()
		for round := range rounds {
			for i := range crowd {
				s.source.Edit(number(i), func(c *businesscentraltest.Contact) { c.City = city(round, i) })
			}
			s.pass(time.Second)
			check("manual sync", s.sync(0, 1, 2, 3))
		}
	})
	all.Wait()
	return kills
}

// sync transfers contacts by hand; each ends or waits.
func (s *scene) sync(contacts ...int) error {
	ids := make([]string, len(contacts))
	for i, c := range contacts {
		ids[i] = `"` + number(c) + `"`
	}
	status, answer, err := s.call("/transfers", `{"ids":[`+strings.Join(ids, ",")+`]}`, 0)
	if err != nil {
		return err
	}
	var got struct{ Transfers []wire.TransferJSON }
	if err := json.Unmarshal([]byte(answer), &got); err != nil || status != http.StatusOK || len(got.Transfers) != len(contacts) {
		return fmt.Errorf("answered %d %s", status, answer)
	}
	for _, one := range got.Transfers {
		if one.Status != "succeeded" && one.Status != "pending" {
			return fmt.Errorf("%s: %s %+v", one.ID, one.Status, one.Error)
		}
	}
	return nil
}

// stream is the event of the table's stream about everything that waits.
func (s *scene) stream() string {
	waiting, _, err := s.store.Requests(s.t.Context(), 100)
	if err != nil {
		s.t.Error(err)
	}
	records := []any{}
	for _, q := range waiting {
		pk := "default#contact#" + contact.Key(q.Ref.No)
		switch {
		case q.Wake:
			pk = "default#wake"
		case q.Ref.ID != "":
			pk = "default#id#" + q.Ref.ID
		}
		records = append(records, record(map[string]string{
			"pk": pk, "no": q.Ref.No, "contact_id": q.Ref.ID, "trigger": string(q.Trigger), "requested_at": q.RequestedAt.Format(wire.TimeFormat), "token": q.Token,
		}, q.Wake))
	}
	raw, _ := json.Marshal(map[string]any{"Records": records})
	return string(raw)
}

// afterwards lets the rest arrive: notifications that come again, and what waits.
func (s *scene) afterwards() {
	s.t.Helper()
	for range 6 {
		s.pass(11 * time.Minute)
		if got, err := s.source.DeliverNotifications(s.t.Context()); err == nil && got.Next.IsZero() {
			break
		}
	}
	s.settle()
}

func (s *scene) oneNewestEach() {
	s.t.Helper()
	lost := 0
	for i := range crowd {
		c, found := s.target.CustomerByExternalID(number(i) + "|contact")
		if !found || len(c.Addresses) != 1 || c.Addresses[0].Fields.City != city(rounds-1, i) {
			lost++
			s.t.Errorf("contact %s: customer %+v, want one in %s", number(i), c, city(rounds-1, i))
		}
	}
	doubled := s.target.CountCustomers() - crowd
	if doubled != 0 {
		s.t.Errorf("%d customers, want %d", s.target.CountCustomers(), crowd)
	}
	s.count.Add(tally.Row{Lost: lost, Doubled: max(0, doubled)})
	if s.t.Failed() {
		s.t.Logf("the log:\n%s", s.log.tail())
	}
}

func number(i int) string { return fmt.Sprintf("T%03d", i) }

func city(round, i int) string { return fmt.Sprintf("City %d-%d", round, i) }
