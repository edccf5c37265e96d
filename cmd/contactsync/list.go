package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"contactsync/shared/app"
	"contactsync/shared/status"
	"contactsync/shared/transfer"
	"contactsync/shared/wire"
)

type transfersVerb struct {
	Status string    `help:"Only this status: pending, succeeded, skipped, failed or retrying." enum:",pending,succeeded,skipped,failed,retrying" default:"" placeholder:"STATUS"`
	Code   string    `help:"Only this error code." placeholder:"CODE"`
	RunID  string    `name:"run" help:"Only contacts whose latest transfer belongs to this run." placeholder:"ID"`
	Since  typedTime `help:"Only finished since: a date, a time or how long ago." placeholder:"24h"`
	Limit  int       `help:"At most that many." default:"50"`
}

// Help shows examples.
func (transfersVerb) Help() string {
	return usage(
		"contactsync transfers --status failed", "what did not arrive",
		"contactsync transfers --code MISSING_EMAIL --limit 500", "everybody without an e-mail address",
		"contactsync transfers --since 24h -o json", "the last day, for a script",
	)
}

func (v *transfersVerb) Run(s *session) error {
	if err := knownCode(v.Code); err != nil {
		return err
	}
	if v.Limit < 1 {
		return fmt.Errorf("--limit %d: expected a number above 0", v.Limit)
	}
	return s.with(func(a *app.App) error {
		list, more, err := v.list(s, a)
		if err != nil {
			return err
		}
		shown := make([]wire.TransferJSON, 0, len(list))
		for _, t := range list {
			shown = append(shown, wire.Transfer(t))
		}
		return s.print(map[string]any{"transfers": shown, "more": more}, func(w io.Writer) {
			if len(list) == 0 {
				fmt.Fprintln(w, "There is no such transfer.")
				return
			}
			s.transfersTable(w, list)
			if more {
				fmt.Fprintf(w, "There are more: --limit %d shows them.\n", 10*v.Limit)
			}
		})
	})
}

// list reads page by page until the limit is reached.
func (v *transfersVerb) list(s *session, a *app.App) (list []transfer.Transfer, more bool, err error) {
	q := status.Query{Status: transfer.Status(v.Status), Code: v.Code, RunID: v.RunID, Since: v.Since.Time}
	for {
		q.Limit = min(v.Limit-len(list), 200)
		page, err := a.Store.Transfers(s.ctx, q)
		if err != nil {
			return nil, false, err
		}
		list = append(list, page.Transfers...)
		if q.Cursor = page.NextCursor; q.Cursor == "" || len(list) >= v.Limit {
			return list, q.Cursor != "", nil
		}
	}
}

func knownCode(code string) error {
	if code == "" || slices.ContainsFunc(transfer.Catalogue(), func(f *transfer.Fault) bool { return f.Code == code }) {
		return nil
	}
	return fmt.Errorf("there is no error code %s; contactsync errors lists those that occur", code)
}

func (s *session) transfersTable(w io.Writer, list []transfer.Transfer) {
	t := s.sheet("contact", "outcome", "customer", "trigger", "finished", "why")
	for _, one := range list {
		at := clock(one.FinishedAt)
		if one.Status == transfer.Pending {
			at = "waits since " + clock(one.RequestedAt)
		}
		t.row(one.ID, s.outcomeOf(one.Attempt), one.CustomerID, triggerOf(one.Attempt), at, why(one.Attempt))
	}
	t.render(w)
}

// outcomeOf says what came of an attempt: failed, or succeeded: updated.
func (s *session) outcomeOf(a transfer.Attempt) string {
	text := s.screen.status(a.Status)
	if a.Action != transfer.None && a.Action != "" {
		text += ": " + string(a.Action)
	}
	return text
}

// triggerOf says what started an attempt, and which one for its version it was.
func triggerOf(a transfer.Attempt) string {
	if a.Number > 1 {
		return fmt.Sprintf("%s, attempt %d", a.Trigger, a.Number)
	}
	return string(a.Trigger)
}

// why says in one cell why an attempt ended as it did.
func why(a transfer.Attempt) string {
	switch {
	case a.Problem != nil && a.Problem.Detail != "":
		return a.Problem.Code + ": " + a.Problem.Detail
	case a.Problem != nil:
		return a.Problem.Code
	case a.Reason != "":
		return a.Reason
	}
	return strings.Join(a.Warnings, "; ")
}

type runsVerb struct {
	Limit int `help:"At most that many." default:"20"`
}

// Help shows examples.
func (runsVerb) Help() string {
	return usage(
		"contactsync runs", "the latest runs",
		"contactsync transfers --run 20260131T100000.123Z-abcdefgh", "the contacts of one of them",
	)
}

func (v *runsVerb) Run(s *session) error {
	if v.Limit < 1 {
		return fmt.Errorf("--limit %d: expected a number above 0", v.Limit)
	}
	return s.with(func(a *app.App) error {
		runs, err := a.Store.Runs(s.ctx, v.Limit)
		if err != nil {
			return err
		}
		shown := make([]wire.RunJSON, 0, len(runs))
		for _, r := range runs {
			shown = append(shown, wire.Run(r))
		}
		return s.print(map[string]any{"runs": shown}, func(w io.Writer) {
			if len(runs) == 0 {
				fmt.Fprintln(w, "Nothing ran yet.")
				return
			}
			t := s.sheet("run", "mode", "started", "took", "state", "contacts")
			for _, r := range runs {
				t.row(r.ID, r.Mode, clock(r.StartedAt), took(r), s.screen.paint(runColour(r), runState(r)), countsText(r.Counts))
			}
			t.render(w)
		})
	})
}

func took(r status.Run) string {
	return r.FinishedAt.Sub(r.StartedAt).Round(10 * time.Millisecond).String()
}

// runState says in a few words how a run ended.
func runState(r status.Run) string {
	switch {
	case r.Problem != nil:
		return "could not work: " + r.Problem.Code
	case r.Busy:
		return "busy: another run is under way"
	case r.Paused:
		return "paused: contactsync resume goes on"
	case r.Disabled:
		return "the mapping collection is disabled"
	case !r.Complete:
		return "not complete: the next run goes on"
	case r.DryRun:
		return "complete; nothing was written"
	}
	return "complete"
}

func runColour(r status.Run) colour {
	switch {
	case r.Problem != nil:
		return red
	case r.Paused, r.Disabled, r.Busy, !r.Complete:
		return yellow
	}
	return green
}

// countsText names the outcomes that occurred.
func countsText(c status.Counts) string {
	text := fmt.Sprintf("read %d", c.Read)
	glue := " = "
	for _, one := range []struct {
		name string
		n    int
	}{
		{"created", c.Created}, {"updated", c.Updated}, {"linked", c.Linked}, {"unchanged", c.Unchanged}, {"skipped", c.Skipped},
		{"failed", c.Failed}, {"retrying", c.Retrying}, {"pending", c.Pending},
	} {
		if one.n > 0 {
			text += glue + one.name + " " + strconv.Itoa(one.n)
			glue = " + "
		}
	}
	return text
}

// runText prints a run's summary.
func (s *session) runText(w io.Writer, r status.Run) {
	fmt.Fprintf(w, "%s run %s: %s\n", r.Mode, r.ID, s.screen.paint(runColour(r), runState(r)))
	fmt.Fprintf(w, "  %s\n", countsText(r.Counts))
	if !r.Watermark.IsZero() {
		fmt.Fprintf(w, "  watermark %s\n", r.Watermark.UTC().Format(wire.TimeFormat))
	}
	for _, note := range r.Notes {
		fmt.Fprintf(w, "  note: %s\n", note)
	}
}
