package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"contactsync/shared/businesscentral"
	"contactsync/shared/status"
	"contactsync/shared/transfer"
)

// When the subscription is looked after (design.md 1.2, WEBHOOK_URL;
// business-central.md 8.2: it ends three days after it was created or renewed).
const (
	renewBefore  = 24 * time.Hour // renewed when less is left
	lookEvery    = time.Hour      // Business Central is asked whether it is still there
	refusedAgain = 24 * time.Hour // a tenant that does not offer it is asked again
)

// upkeep keeps the Business Central subscription alive: created, renewed, made anew
// when Business Central dropped it. What cannot be had is reported once.
type upkeep struct{ app *App }

// Keep does what is due now; most runs find nothing to do and make no call.
func (u *upkeep) Keep(ctx context.Context) (string, error) {
	known, err := u.app.Store.Subscription(ctx)
	if err != nil {
		return "", err
	}
	now := u.app.now().UTC()
	if u.fine(known, now) {
		return "", nil
	}
	next, note, err := u.renewed(ctx, known, now)
	if err != nil {
		next = known
		next.Problem = &transfer.Problem{Code: transfer.FaultOf(err).Code, Detail: transfer.DetailOf(err)}
		if known.Problem != nil && *known.Problem == *next.Problem {
			note, err = "", nil // told before
		}
	}
	next.CheckedAt = now
	return note, errors.Join(err, u.app.Store.PutSubscription(ctx, next))
}

func (u *upkeep) fine(s status.Subscription, now time.Time) bool {
	if s.URL != u.app.Config.WebhookURL {
		return false
	}
	wait := lookEvery
	if s.Problem != nil && s.ID == "" {
		wait = refusedAgain
		if s.Problem.Code != notOffered {
			wait = lookEvery
		}
	}
	due := now.Sub(s.CheckedAt) >= wait
	return !due && (s.Problem != nil || s.ExpiresAt.Sub(now) > renewBefore)
}

// notOffered marks, among the problems of a subscription, a tenant that offers none.
const notOffered = "NOT_OFFERED"

func (u *upkeep) renewed(ctx context.Context, known status.Subscription, now time.Time) (status.Subscription, string, error) {
	a := u.app
	secret, err := a.secrets.Secret(ctx)
	if err != nil {
		return known, "", err
	}
	if len(secret.Webhook.ClientStates) == 0 {
		return known, "", &transfer.Error{Fault: transfer.SourceUnavailable, Op: "subscribe to contacts",
			Detail: "the secret's webhook.client_states is empty; without one no notification is accepted"}
	}
	state := secret.Webhook.ClientStates[0].Reveal()
	present, found, err := u.find(ctx)
	if err != nil {
		return known, "", err
	}
	if found && present.ExpiresAt.Sub(now) > renewBefore {
		return u.row(present), "", nil
	}
	if found {
		renewed, err := a.Source.Renew(ctx, present.ID, state)
		if err == nil {
			return u.row(renewed), fmt.Sprintf("the Business Central subscription is renewed until %s", clock(renewed.ExpiresAt)), nil
		}
		if !errors.Is(err, businesscentral.ErrNoSubscription) {
			return known, "", err
		}
	}
	return u.create(ctx, known, state)
}

func (u *upkeep) create(ctx context.Context, known status.Subscription, state string) (status.Subscription, string, error) {
	a := u.app
	offered, err := a.Source.WebhookSupported(ctx)
	if err != nil {
		return known, "", err
	}
	if !offered {
		row := status.Subscription{URL: a.Config.WebhookURL, Problem: &transfer.Problem{Code: notOffered,
			Detail: "this tenant offers no subscription to contacts; polling carries on"}}
		if known.Problem != nil && known.Problem.Code == notOffered {
			return row, "", nil
		}
		return row, row.Problem.Detail, nil
	}
	made, err := a.Source.Subscribe(ctx, a.Config.WebhookURL, state)
	if err != nil {
		return known, "", err
	}
	note := "the Business Central subscription is created"
	if known.ID != "" {
		note = "Business Central had dropped the subscription; it is created again"
	}
	return u.row(made), note, nil
}

// find looks for our subscription among those of the environment.
func (u *upkeep) find(ctx context.Context) (businesscentral.Subscription, bool, error) {
	all, err := u.app.Source.Subscriptions(ctx)
	if err != nil {
		return businesscentral.Subscription{}, false, err
	}
	resource, err := u.app.Source.Resource(ctx)
	if err != nil {
		return businesscentral.Subscription{}, false, err
	}
	for _, s := range all {
		if s.NotificationURL == u.app.Config.WebhookURL && businesscentral.SameResource(s.Resource, resource) {
			return s, true, nil
		}
	}
	return businesscentral.Subscription{}, false, nil
}

func (u *upkeep) row(s businesscentral.Subscription) status.Subscription {
	return status.Subscription{ID: s.ID, URL: u.app.Config.WebhookURL, Resource: s.Resource, ExpiresAt: s.ExpiresAt}
}

func clock(t time.Time) string { return t.UTC().Format(time.RFC3339) }
