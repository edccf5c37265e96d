package main

import (
	"errors"
	"fmt"
	"io"

	"contactsync/shared/app"
	"contactsync/shared/contact"
	"contactsync/shared/status"
)

type pauseVerb struct{}

// Help shows examples.
func (pauseVerb) Help() string {
	return "Polls and manual syncs transfer nothing until contactsync resume. What is accepted meanwhile is stored and waits.\n\n" +
		usage("contactsync pause", "before work in one of the systems")
}

func (pauseVerb) Run(s *session) error { return s.setPaused(true) }

type resumeVerb struct{}

// Help shows examples.
func (resumeVerb) Help() string {
	return usage("contactsync resume", "afterwards; the next poll transfers what waits and what changed")
}

func (resumeVerb) Run(s *session) error { return s.setPaused(false) }

func (s *session) setPaused(paused bool) error {
	return s.with(func(a *app.App) error {
		if err := a.Store.SetPaused(s.ctx, paused); err != nil {
			return err
		}
		return s.print(map[string]bool{"paused": paused}, func(w io.Writer) {
			if paused {
				fmt.Fprintln(w, "Paused: accepted work waits until contactsync resume.")
				return
			}
			fmt.Fprintln(w, "Resumed: the next poll transfers what waits.")
		})
	})
}

type forgetVerb struct {
	ID  string `arg:"" help:"44552, 44552|contact, or an internal id."`
	Yes bool   `help:"Do not ask." short:"y"`
}

// Help shows examples.
func (forgetVerb) Help() string {
	return "Erases every row that is stored here of a contact: state, attempts, pointer, what waits. Contact and customer stay as they are. " +
		"A contact that is transferred again later finds its customer by the external id.\n\n" + usage(
		"contactsync forget 44552", "after a person asked to be forgotten",
		"contactsync forget 44552 --yes", "in a script",
	)
}

func (v *forgetVerb) Run(s *session) error {
	ref, err := parseRef(v.ID)
	if err != nil {
		return err
	}
	return s.with(func(a *app.App) error {
		key, found, err := a.Store.KeyOf(s.ctx, ref)
		if err != nil {
			return err
		}
		if !found {
			return fmt.Errorf("nothing is known of %s", ref)
		}
		if !v.Yes {
			what, err := storedOf(s, a, ref)
			if err != nil {
				return err
			}
			question := fmt.Sprintf("Erase what is stored here of %s (%s)? Contact and customer stay as they are.", ref, what)
			if yes, err := s.confirm(question); err != nil || !yes {
				return err
			}
		}
		if err := a.Store.Forget(s.ctx, key); err != nil {
			return err
		}
		return s.print(map[string]string{"forgotten": ref.String()}, func(w io.Writer) {
			fmt.Fprintf(w, "%s is forgotten here; its customer in iPaaS.com and the contact itself are as they were.\n", ref)
		})
	})
}

// storedOf says what would be erased. A row that cannot be understood any more is a
// reason to erase it and not one to refuse.
func storedOf(s *session, a *app.App, ref contact.Ref) (string, error) {
	state, _, err := find(s, a, ref)
	switch {
	case errors.Is(err, status.ErrDamaged):
		return "the row is damaged", nil
	case errors.Is(err, status.ErrUnavailable):
		return "", err
	}
	return fmt.Sprintf("%s, customer %s", number(len(state.Attempts), "attempt"), orNone(state.CustomerID)), nil
}
