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

type errorsVerb struct{}

// Help shows examples.
func (errorsVerb) Help() string {
	return usage(
		"contactsync errors", "what did not arrive, by cause, and what to do",
		"contactsync transfers --code DUPLICATE_CONTACT", "all contacts of one cause",
	)
}

func (errorsVerb) Run(s *session) error {
	return s.with(func(a *app.App) error {
		counts, err := a.Store.ErrorCounts(s.ctx)
		if err != nil {
			return err
		}
		runs, err := a.Store.Runs(s.ctx, 1)
		if err != nil {
			return err
		}
		shown := make([]wire.ErrorCountJSON, 0, len(counts))
		for _, c := range counts {
			shown = append(shown, wire.ErrorCount(c))
		}
		return s.print(map[string]any{"errors": shown}, func(w io.Writer) {
			s.standstill(w, runs)
			if len(counts) == 0 {
				fmt.Fprintln(w, "Nothing is failed or retrying.")
				return
			}
			s.causesText(w, counts)
		})
	})
}

// standstill says that nothing is transferred at all, because no contact fails where
// no run works.
func (s *session) standstill(w io.Writer, runs []status.Run) {
	switch {
	case len(runs) == 0:
		fmt.Fprintln(w, "Nothing ran yet: contactsync poll transfers what changed.")
	case runs[0].Problem != nil:
		texts := wire.Error(runs[0].Problem.Code, runs[0].Problem.Detail)
		fmt.Fprintf(w, "The latest run %s\n", s.screen.paint(red, runState(runs[0])))
		s.facts(w, fact{"what happened", texts.Title}, fact{"", texts.Detail}, fact{"what to do", texts.Resolution})
		fmt.Fprintln(w)
	case runs[0].Paused, runs[0].Disabled, !runs[0].Complete && !runs[0].Busy:
		fmt.Fprintf(w, "The latest run: %s\n\n", s.screen.paint(yellow, runState(runs[0])))
	}
}

// causesText prints what failed, by cause, with what to do and what to type.
func (s *session) causesText(w io.Writer, counts []status.ErrorCount) {
	for i, c := range counts {
		if i > 0 {
			fmt.Fprintln(w)
		}
		texts := wire.Error(c.Code, "")
		fmt.Fprintf(w, "%s  %s\n", s.screen.paint(red, c.Code), number(c.Count, "contact"))
		s.facts(w,
			fact{"what happened", texts.Title},
			fact{"what to do", texts.Resolution},
			fact{"after that", afterwards(c.Code)},
			fact{"or by hand", "contactsync replay --code " + c.Code},
			fact{"for example", "contactsync show " + typed(sample(c))},
			fact{"all of them", "contactsync transfers --code " + c.Code},
		)
	}
}

// sample returns a contact that stands for a cause.
func sample(c status.ErrorCount) string {
	if len(c.Samples) == 0 {
		return ""
	}
	return slices.Min(c.Samples)
}

// afterwards says how the contacts of a cause are transferred once it is mended.
func afterwards(code string) string {
	f := transfer.Lookup(code)
	switch {
	case f == transfer.ContactNotFound:
		return "contactsync forget ID takes a mistyped id off the list"
	case f != nil && f.Retry == transfer.Soon:
		return "they are tried again by themselves"
	case f != nil && f.Retry == transfer.Slow:
		return "they are tried again by themselves, slowly"
	}
	return "a change of the contact in Business Central transfers it by itself"
}

type replayVerb struct {
	ID     string `arg:"" optional:"" help:"One contact: 44552, 44552|contact, or an internal id. Without it all that match the flags."`
	Code   string `help:"Only this error code." placeholder:"CODE"`
	Status string `help:"Only failed, or only retrying; both without it." enum:",failed,retrying" default:"" placeholder:"STATUS"`
	Yes    bool   `help:"Do not ask." short:"y"`
}

// Help shows examples.
func (replayVerb) Help() string {
	return "It says what it would do and asks. What it stores waits for the next poll; a deployed stack and a sandbox that is served start at once.\n\n" + usage(
		"contactsync replay 44552", "one contact",
		"contactsync replay --code COMPANY_NOT_FOUND", "everybody whose company was missing",
		"contactsync replay --status failed --yes", "all that is failed, in a script",
	)
}

func (v *replayVerb) Run(s *session) error {
	if err := errors.Join(knownCode(v.Code), v.oneOrMany()); err != nil {
		return err
	}
	return s.with(func(a *app.App) error {
		list, err := v.find(s, a)
		if err != nil {
			return err
		}
		if len(list) > 0 && !v.Yes {
			if yes, err := s.confirm(s.plan(list)); err != nil || !yes {
				return err
			}
		}
		queued, err := s.replay(a, list)
		if err != nil {
			return err
		}
		paused, err := a.Store.Paused(s.ctx)
		if err != nil {
			return err
		}
		return s.print(map[string]any{"queued": queued}, func(w io.Writer) {
			switch {
			case len(queued) == 0:
				fmt.Fprintln(w, "Nothing matches: nothing was done.")
			case paused:
				fmt.Fprintf(w, "%s for the transfer; transfers are paused: contactsync resume goes on.\n", waits(len(queued)))
			case s.startsAtOnce():
				fmt.Fprintf(w, "%s for the transfer, which starts at once: contactsync transfers --status pending says what still waits.\n", waits(len(queued)))
			default:
				fmt.Fprintf(w, "%s for the transfer; the next poll takes what waits.\n", waits(len(queued)))
			}
		})
	})
}

func (v *replayVerb) oneOrMany() error {
	if v.ID != "" && (v.Code != "" || v.Status != "") {
		return errors.New("replay takes one contact or --code and --status, not both")
	}
	return nil
}

func (s *session) replay(a *app.App, list []transfer.Transfer) (queued []string, err error) {
	queued = []string{}
	var requests []transfer.Request
	for _, t := range list {
		ref := contact.Ref{No: t.ContactNo}
		if t.ContactNo == "" {
			ref = contact.Ref{ID: t.ContactID}
		}
		queued = append(queued, ref.String())
		requests = append(requests, newRequest(ref, transfer.ByReplay))
	}
	return queued, s.request(a, requests)
}

func waits(n int) string {
	if n == 1 {
		return "1 contact waits"
	}
	return fmt.Sprintf("%d contacts wait", n)
}

// plan shows what would be transferred once more, and asks.
func (s *session) plan(list []transfer.Transfer) string {
	const most = 10
	var text strings.Builder
	t := s.sheet("contact", "status", "why")
	for _, one := range list[:min(most, len(list))] {
		t.row(one.ID, s.screen.status(one.Status), why(one.Attempt))
	}
	if len(list) > most {
		t.footer("…", "", fmt.Sprintf("and %d others", len(list)-most))
	}
	t.render(&text)
	fmt.Fprintf(&text, "Transfer %s once more?", number(len(list), "contact"))
	return text.String()
}

// find returns the latest transfers of the contacts that are meant.
func (v *replayVerb) find(s *session, a *app.App) ([]transfer.Transfer, error) {
	if v.ID != "" {
		ref, err := parseRef(v.ID)
		if err != nil {
			return nil, err
		}
		st, err := tell(s, a, ref)
		if err != nil {
			return nil, err
		}
		return []transfer.Transfer{st.latest}, nil
	}
	var list []transfer.Transfer
	for _, st := range []transfer.Status{transfer.Failed, transfer.Retrying} {
		if v.Status != "" && transfer.Status(v.Status) != st {
			continue
		}
		q := status.Query{Status: st, Code: v.Code, Limit: 200}
		for {
			page, err := a.Store.Transfers(s.ctx, q)
			if err != nil {
				return nil, err
			}
			list = append(list, page.Transfers...)
			if q.Cursor = page.NextCursor; q.Cursor == "" {
				break
			}
		}
	}
	slices.SortFunc(list, func(a, b transfer.Transfer) int { return strings.Compare(a.ID, b.ID) })
	return list, nil
}
