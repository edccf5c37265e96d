package main

import (
	"fmt"
	"io"

	"contactsync/shared/app"
	"contactsync/shared/businesscentral"
	"contactsync/shared/status"
	"contactsync/shared/wire"
)

type subscriptionsVerb struct{}

// A subscriptionJSON is one subscription as Business Central lists it.
type subscriptionJSON struct {
	ID        string    `json:"id"`
	URL       string    `json:"notification_url"`
	Resource  string    `json:"resource"`
	ExpiresAt wire.Time `json:"expires_at"`
	Ours      bool      `json:"ours"` // the one that the poll keeps alive
}

// Help shows examples.
func (subscriptionsVerb) Help() string {
	return "The poll keeps ours alive where WEBHOOK_URL is set.\n\n" + usage("contactsync subscriptions", "how changes arrive within about a minute, and until when")
}

// Run asks Business Central itself, and adds what the last poll noted: why there
// is no subscription, if there is none.
func (subscriptionsVerb) Run(s *session) error {
	return s.with(func(a *app.App) error {
		kept, err := a.Store.Subscription(s.ctx)
		if err != nil {
			return err
		}
		present, err := a.Source.Subscriptions(s.ctx)
		if err != nil {
			return explain(err)
		}
		shown := struct {
			Subscriptions []subscriptionJSON `json:"subscriptions"`
			Problem       string             `json:"problem,omitempty"`
		}{Subscriptions: []subscriptionJSON{}, Problem: problemOf(kept)}
		for _, one := range present {
			shown.Subscriptions = append(shown.Subscriptions, subscriptionJSON{
				ID: one.ID, URL: one.NotificationURL, Resource: one.Resource, ExpiresAt: wire.Time{Time: one.ExpiresAt}, Ours: one.ID == kept.ID,
			})
		}
		return s.print(shown, func(w io.Writer) { s.subscriptionsText(w, present, kept) })
	})
}

func problemOf(kept status.Subscription) string {
	if kept.Problem == nil {
		return ""
	}
	return kept.Problem.Code + ": " + kept.Problem.Detail
}

func (s *session) subscriptionsText(w io.Writer, present []businesscentral.Subscription, kept status.Subscription) {
	if len(present) == 0 {
		fmt.Fprintln(w, "Business Central has no subscription; polling finds every change.")
	}
	for _, one := range present {
		whose := "another subscription"
		if one.ID == kept.ID {
			whose = s.screen.paint(green, "our subscription")
		}
		fmt.Fprintln(w, whose)
		s.facts(w, fact{"notification URL", one.NotificationURL}, fact{"resource", one.Resource}, fact{"lasts until", clock(one.ExpiresAt)})
	}
	if text := problemOf(kept); text != "" {
		fmt.Fprintln(w, text)
	}
}
