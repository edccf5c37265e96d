package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"contactsync/shared/app"
	"contactsync/shared/contact"
	"contactsync/shared/status"
	"contactsync/shared/transfer"
	"contactsync/shared/wire"
)

type showVerb struct {
	ID     string `arg:"" help:"44552, 44552|contact, or an internal id."`
	Values bool   `help:"Also show the present values, read now from both systems; none are stored here."`
}

// Help shows examples.
func (showVerb) Help() string {
	return usage(
		"contactsync show 44552", "what happened, why, and what to do",
		"contactsync show '44552|contact' --values", "with the values that both systems have now",
		"contactsync show 3f2504e0-4f89-11d3-9a0c-0305e82c3301", "by the internal id",
	)
}

func (v *showVerb) Run(s *session) error {
	ref, err := parseRef(v.ID)
	if err != nil {
		return err
	}
	return s.with(func(a *app.App) error {
		st, err := tell(s, a, ref)
		if err != nil {
			return err
		}
		shown := map[string]any{"transfer": wire.Transfer(st.latest), "attempts": st.attemptsJSON()}
		var now *present
		if v.Values {
			if now, err = readPresent(s.ctx, a, st.latest); err != nil {
				return explain(err)
			}
			shown["values"] = now
		}
		return s.print(shown, func(w io.Writer) {
			s.story(w, st)
			if now != nil {
				s.presentText(w, now)
			}
		})
	})
}

func parseRef(id string) (contact.Ref, error) {
	ref, err := contact.ParseRef(id)
	if err != nil {
		return ref, fmt.Errorf("%q: %w", id, err)
	}
	return ref, nil
}

// A story is what is stored of one contact.
type story struct {
	latest   transfer.Transfer // what waits, else what happened last
	attempts []transfer.Attempt
	paused   bool
}

func (st *story) attemptsJSON() []wire.AttemptJSON {
	list := make([]wire.AttemptJSON, 0, len(st.attempts))
	for _, one := range st.attempts {
		list = append(list, wire.Attempt(one))
	}
	return list
}

func tell(s *session, a *app.App, ref contact.Ref) (story, error) {
	state, request, err := find(s, a, ref)
	if err != nil {
		return story{}, err
	}
	st := story{latest: state.Transfer(), attempts: state.Attempts}
	if request != nil {
		waits := request.Transfer()
		waits.CustomerID = st.latest.CustomerID
		if waits.ContactID == "" {
			waits.ContactID = st.latest.ContactID
		}
		st.latest = waits
	}
	st.paused, err = a.Store.Paused(s.ctx)
	return st, err
}

// find reads what is stored of a contact and whether it waits. It is an error when
// there is nothing.
func find(s *session, a *app.App, ref contact.Ref) (transfer.State, *transfer.Request, error) {
	key, found, err := a.Store.KeyOf(s.ctx, ref)
	if err != nil {
		return transfer.State{}, nil, err
	}
	var state transfer.State
	if found {
		state, err = a.Store.State(s.ctx, key)
		switch {
		case errors.Is(err, status.ErrDamaged):
			return state, nil, fmt.Errorf("%w; contactsync forget %s erases it, and the next transfer makes it anew", err, typed(ref.String()))
		case err != nil && !errors.Is(err, transfer.ErrNoState):
			return state, nil, err
		}
	}
	no, id := ref.No, ref.ID
	if state.No != "" {
		no = state.No
	}
	if state.ContactID != "" {
		id = state.ContactID
	}
	request, err := a.Store.RequestOf(s.ctx, no, id)
	if err == nil && request == nil && state.Status == "" {
		err = fmt.Errorf("no transfer of %s is known: contactsync sync %s transfers it", ref, typed(ref.String()))
	}
	return state, request, err
}

// typed is an id as it is typed after a verb, quoted for a shell where it must be.
func typed(id string) string {
	id = strings.TrimSuffix(id, "|contact")
	if strings.ContainsAny(id, " &'/|;()<>$`\"\\*?[#~!{") {
		return "'" + strings.ReplaceAll(id, "'", `'\''`) + "'"
	}
	return id
}

// story tells one contact's transfers: how it stands, why, what to do, and every
// attempt, newest first.
func (s *session) story(w io.Writer, st story) {
	t := st.latest
	fmt.Fprintf(w, "%s %s\n", s.screen.paint(bold, t.ID), s.stands(st))
	s.facts(w, append(s.cure(t), fact{"customer", orNone(t.CustomerID)}, fact{"internal id", orNone(t.ContactID)})...)
	if len(st.attempts) == 0 {
		return
	}
	fmt.Fprintln(w, "\nAttempts, newest first:")
	tw := s.sheet("finished", "trigger", "outcome", "why", "fields sent")
	for _, a := range st.attempts {
		tw.row(clock(a.FinishedAt), triggerOf(a), s.outcomeOf(a), why(a), fieldsSent(a))
	}
	tw.render(w)
}

func (s *session) stands(st story) string {
	switch t := st.latest; {
	case t.Status == transfer.Pending && st.paused:
		return s.screen.paint(cyan, "waits for its transfer") + " since " + clock(t.RequestedAt) + "; transfers are paused: contactsync resume goes on"
	case t.Status == transfer.Pending:
		return s.screen.paint(cyan, "waits for its transfer") + " since " + clock(t.RequestedAt) + "; the next poll takes it"
	case t.Status == transfer.Retrying:
		return s.screen.paint(yellow, "did not arrive yet")
	case t.Problem != nil:
		return s.screen.paint(red, "did not arrive")
	case t.Status == transfer.Skipped:
		return s.screen.paint(dim, "is left out on purpose")
	case t.Status == "":
		return "is being transferred for the first time"
	}
	return s.screen.paint(green, "arrived") + ": " + string(st.latest.Action)
}

// cure says why a transfer ended as it did and what can be done about it.
func (s *session) cure(t transfer.Transfer) []fact {
	if t.Problem == nil {
		return []fact{{"why", t.Reason}, {"warnings", strings.Join(t.Warnings, "\n")}}
	}
	texts := wire.Error(t.Problem.Code, t.Problem.Detail)
	next := "a change of the contact in Business Central transfers it by itself"
	switch {
	case t.Problem.Code == transfer.ContactNotFound.Code:
		next = "contactsync forget " + typed(t.ID) + " takes a mistyped id off the list"
	case !t.NextAttemptAt.IsZero():
		next = "it is tried again by itself at " + clock(t.NextAttemptAt)
	}
	return []fact{
		{"why", texts.Title + "\n" + texts.Detail},
		{"code", texts.Code},
		{"what to do", texts.Resolution},
		{"after that", next},
		{"or by hand", "contactsync replay " + typed(t.ID)},
		{"warnings", strings.Join(t.Warnings, "\n")},
	}
}

// fieldsSent names what an attempt sent, and what of it was another than before.
func fieldsSent(a transfer.Attempt) string {
	var same []string
	for _, name := range a.Sent {
		if !slices.Contains(a.Changed, name) {
			same = append(same, name)
		}
	}
	switch {
	case len(a.Sent) == 0:
		return ""
	case len(same) == 0:
		return "all new: " + strings.Join(a.Sent, ", ")
	case len(a.Changed) == 0:
		return "none changed: " + strings.Join(same, ", ")
	}
	return "changed: " + strings.Join(a.Changed, ", ") + "\nas before: " + strings.Join(same, ", ")
}
