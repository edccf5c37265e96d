package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/contact"
	"contactsync/shared/poll"
	"contactsync/shared/status"
	"contactsync/shared/transfer"
)

// A sandboxClock is the clock of everything in a sandbox. It is the real one but
// while the history of a new sandbox is made.
type sandboxClock struct {
	mu     sync.Mutex
	behind time.Duration
}

func (c *sandboxClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(-c.behind)
}

func (c *sandboxClock) set(behind time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.behind = behind
}

// A moment of the history: how long ago, and what happened then.
type moment struct {
	ago time.Duration
	do  func(*history)
}

// history lets a new sandbox live through a day, so that the operator's page and
// the verbs have something to show: every status, every trigger, the seed's errors,
// a pause, a run that could not work. All of it is really done, by the routes and
// runs that do it later, only with a clock that is behind. CT000002 and CT000062
// are left alone: the routes' page shows its reader their first attempts.
type history struct {
	*sandbox
	ctx context.Context
	url string
	err error
}

// demoDay is that day. What it changes in the demo company are contacts without
// anything special, besides CT000063, whose e-mail is mended.
var demoDay = []moment{
	{25 * time.Hour, (*history).poll},
	{23 * time.Hour, func(h *history) { // the company is in Business Central before it is in iPaaS.com
		h.add(businesscentraltest.Contact{No: "CT000950", Type: "Company", Name: "Northwind Traders"},
			businesscentraltest.Contact{No: "CT000951", Type: "Person", Name: "Nils Nord", EMail: "nils.nord@contoso.com", CompanyNo: "CT000950", CompanyName: "Northwind Traders"})
		h.edit("City", "CT000101", "CT000102", "CT000103")
		h.poll()
	}},
	{22 * time.Hour, func(h *history) { h.target.AddCompany("Northwind Traders", "CT000950"); h.poll() }},
	{20*time.Hour + 30*time.Minute, (*history).poll}, // what stands retrying is due
	{18 * time.Hour, func(h *history) {
		h.edit("County", "CT000110", "CT000111", "CT000112", "CT000113", "CT000114")
		h.poll()
	}},
	{16 * time.Hour, func(h *history) { h.source.DenyPermission(true); h.broken(); h.source.DenyPermission(false) }},
	{15*time.Hour + 30*time.Minute, (*history).poll},
	{14 * time.Hour, (*history).poll},
	{12 * time.Hour, func(h *history) { h.edit("PhoneNo", "CT000120", "CT000121"); h.poll() }},
	{10 * time.Hour, func(h *history) {
		h.note(h.store.SetPaused(h.ctx, true))
		h.poll()
		h.note(h.store.SetPaused(h.ctx, false))
	}},
	{9 * time.Hour, func(h *history) { // a window is read again before the poll comes to it
		h.edit("City", "CT000130", "CT000131", "CT000132")
		h.run(poll.Event{Mode: poll.Backfill, From: h.clock.Now().Add(-time.Minute)})
	}},
	{7 * time.Hour, (*history).poll},
	{5 * time.Hour, func(h *history) { // somebody mends an address, and replays
		h.note(h.source.EditContact("CT000063", func(c *businesscentraltest.Contact) { c.EMail = "iris.atless@contoso.com" }))
		h.post("/transfers/CT000063/replay", nil)
		h.waiting()
	}},
	{4 * time.Hour, func(h *history) {
		h.edit("PostCode", "CT000140")
		h.post("/transfers", map[string]any{"ids": []string{"CT000140", "CT000141"}})
	}},
	{3 * time.Hour, func(h *history) { h.hook("CT000150"); h.waiting() }},
	{time.Hour, func(h *history) { h.edit("City", "CT000170"); h.poll() }},
	{30 * time.Minute, func(h *history) { // what was announced so far was seen by polls: the subscription begins anew
		h.source.DropSubscriptions()
		h.note(h.store.PutSubscription(h.ctx, status.Subscription{}))
		h.poll()
	}},
	{20 * time.Minute, func(h *history) { // and announces a change by itself
		h.edit("City", "CT000160", "CT000161")
		h.clock.set(19 * time.Minute)
		_, err := h.source.DeliverNotifications(h.ctx)
		h.note(err)
		h.waiting()
	}},
	{5 * time.Minute, (*history).poll},
}

// live makes the history of a sandbox that is served at the url.
func (b *sandbox) live(ctx context.Context, url string) error {
	h := &history{sandbox: b, ctx: ctx, url: url}
	defer b.clock.set(0)
	for _, m := range demoDay {
		b.clock.set(m.ago)
		if m.do(h); h.err != nil {
			return fmt.Errorf("the sandbox's history, %s ago: %w", m.ago, h.err)
		}
	}
	return nil
}

func (h *history) note(err error) {
	if h.err == nil {
		h.err = err
	}
}

func (h *history) poll() { h.run(poll.Event{Mode: poll.Poll}) }

func (h *history) run(e poll.Event) {
	_, err := h.app.Run(h.ctx, e)
	h.note(err)
}

// broken is a poll that is meant not to work.
func (h *history) broken() {
	if _, err := h.app.Run(h.ctx, poll.Event{Mode: poll.Poll}); err == nil {
		h.note(errors.New("a run worked although the permission is missing"))
	}
}

// waiting transfers what waits, as the table's stream does it in AWS.
func (h *history) waiting() {
	requests, _, err := h.store.Requests(h.ctx, 1000)
	h.note(err)
	h.run(poll.Event{Mode: poll.Stream, Requests: requests})
}

func (h *history) add(contacts ...businesscentraltest.Contact) {
	h.note(h.source.AddContacts(contacts...))
}

// edit changes one field of each contact.
func (h *history) edit(field string, numbers ...string) {
	for _, no := range numbers {
		h.note(h.source.EditContact(no, func(c *businesscentraltest.Contact) {
			switch field {
			case "City":
				c.City = "Savannah"
			case "County":
				c.County = "FL"
			case "PhoneNo":
				c.PhoneNo = "+1 425 555 0177"
			case "PostCode":
				c.PostCode = "31401"
			}
		}))
	}
}

func (h *history) hook(numbers ...string) {
	var told []map[string]string
	for _, no := range numbers {
		told = append(told, map[string]string{"scope": "contact/updated", "external_id": no + "|contact"})
	}
	h.post("/hooks", map[string]any{"notifications": told})
}

// post calls a route of the product.
func (h *history) post(path string, body any) {
	content, err := json.Marshal(body)
	h.note(err)
	request, err := http.NewRequestWithContext(h.ctx, http.MethodPost, h.url+path, bytes.NewReader(content))
	if err != nil {
		h.note(err)
		return
	}
	request.Header.Set("Authorization", "Bearer "+sandboxKey)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		h.note(err)
		return
	}
	_ = answer.Body.Close()
	if answer.StatusCode/100 != 2 {
		h.note(fmt.Errorf("POST %s: %s", path, answer.Status))
	}
}

// announceHooks stores what a hook would: two contacts wait for the next run. It
// goes past what starts transfers at once, so that the state pending can be seen.
func (b *sandbox) announceHooks(ctx context.Context) error {
	var waiting []transfer.Request
	for _, no := range []string{"CT000180", "CT000181"} {
		if _, there := b.source.Contact(no); !there {
			continue // somebody brought contacts of their own
		}
		waiting = append(waiting, transfer.Request{Ref: contact.Ref{No: no}, Trigger: transfer.ByHook, RequestedAt: b.clock.Now(), Token: rand.Text()})
	}
	return b.store.Request(ctx, waiting...)
}
