package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"contactsync/shared/app"
	"contactsync/shared/contact"
	"contactsync/shared/status"
	"contactsync/shared/transfer"
	"contactsync/shared/wire"
)

type transfersVerb struct {
	Status string    `help:"Only this status." enum:",pending,succeeded,skipped,failed,retrying" default:""`
	Code   string    `help:"Only this error code." placeholder:"CODE"`
	RunID  string    `name:"run" help:"Only contacts whose latest transfer belongs to this run." placeholder:"ID"`
	Since  time.Time `help:"Only finished at or after." format:"2006-01-02T15:04:05Z07:00" placeholder:"2026-01-31T00:00:00Z"`
	Limit  int       `help:"At most that many." default:"50"`
}

func (v *transfersVerb) Run(s *session) error {
	if v.Code != "" && transfer.Lookup(v.Code) == nil {
		return fmt.Errorf("there is no error code %s; contactsync errors lists those that occur", v.Code)
	}
	return s.with(func(a *app.App) error {
		q := status.Query{Status: transfer.Status(v.Status), Code: v.Code, RunID: v.RunID, Since: v.Since, Limit: v.Limit}
		page, err := a.Store.Transfers(s.ctx, q)
		if err != nil {
			return err
		}
		shown := make([]wire.TransferJSON, 0, len(page.Transfers))
		for _, t := range page.Transfers {
			shown = append(shown, wire.Transfer(t))
		}
		return s.print(map[string]any{"transfers": shown}, func(w io.Writer) {
			s.transfersTable(w, page.Transfers)
			if page.NextCursor != "" {
				fmt.Fprintf(w, "there are more: --limit shows them\n")
			}
		})
	})
}

type showVerb struct {
	ID string `arg:"" help:"44552, 44552|contact, or an internal id."`
}

func (v *showVerb) Run(s *session) error {
	ref, err := contact.ParseRef(v.ID)
	if err != nil {
		return fmt.Errorf("%q: %w", v.ID, err)
	}
	return s.with(func(a *app.App) error {
		state, request, err := find(s, a, ref)
		if err != nil {
			return err
		}
		t := state.Transfer()
		if request != nil {
			customer := t.CustomerID
			t = request.Transfer()
			t.CustomerID = customer
		}
		attempts := make([]wire.AttemptJSON, 0, len(state.Attempts))
		for _, one := range state.Attempts {
			attempts = append(attempts, wire.Attempt(one))
		}
		shown := map[string]any{"transfer": wire.Transfer(t), "attempts": attempts}
		return s.print(shown, func(w io.Writer) { s.story(w, t, state.Attempts) })
	})
}

func find(s *session, a *app.App, ref contact.Ref) (transfer.State, *transfer.Request, error) {
	key, found, err := a.Store.KeyOf(s.ctx, ref)
	if err != nil {
		return transfer.State{}, nil, err
	}
	var state transfer.State
	if found {
		if state, err = a.Store.State(s.ctx, key); err != nil && !errors.Is(err, transfer.ErrNoState) {
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
		err = fmt.Errorf("no transfer of %s is known: contactsync sync %s transfers it", ref, strings.TrimSuffix(ref.String(), "|contact"))
	}
	return state, request, err
}

// story tells one contact's transfers, newest first.
func (s *session) story(w io.Writer, t transfer.Transfer, attempts []transfer.Attempt) {
	fmt.Fprintf(w, "contact %s  internal id %s  customer %s\n", t.ContactNo, orNone(t.ContactID), orNone(t.CustomerID))
	switch {
	case t.Status == transfer.Pending:
		fmt.Fprintf(w, "it waits for its transfer since %s\n", clock(t.RequestedAt))
	case t.Problem != nil:
		f := transfer.Lookup(t.Problem.Code)
		fmt.Fprintf(w, "it did not arrive: %s\n  %s\n  what to do: %s\n", f.Title, t.Problem.Detail, f.Resolution)
		if !t.NextAttemptAt.IsZero() {
			fmt.Fprintf(w, "  next attempt %s\n", clock(t.NextAttemptAt))
		}
	case t.Reason != "":
		fmt.Fprintf(w, "it is left out: %s\n", t.Reason)
	default:
		fmt.Fprintf(w, "it arrived: %s\n", t.Action)
	}
	tw := s.newTable(w, "finished", "trigger", "attempt", "status", "action", "why", "changed fields")
	for _, one := range attempts {
		row := transferRow(transfer.Transfer{Attempt: one})
		tw.AppendRow([]any{clock(one.FinishedAt), one.Trigger, one.Number, one.Status, one.Action, row[len(row)-1], strings.Join(one.Changed, "\n")})
	}
	tw.Render()
}

func orNone(s string) string {
	if s == "" {
		return "(none)"
	}
	return s
}

type errorsVerb struct{}

func (errorsVerb) Run(s *session) error {
	return s.with(func(a *app.App) error {
		counts, err := a.Store.ErrorCounts(s.ctx)
		if err != nil {
			return err
		}
		shown := make([]wire.ErrorCountJSON, 0, len(counts))
		for _, c := range counts {
			shown = append(shown, wire.ErrorCount(c))
		}
		return s.print(map[string]any{"errors": shown}, func(w io.Writer) {
			if len(counts) == 0 {
				fmt.Fprintln(w, "nothing is failed or retrying")
				return
			}
			s.errorsTable(w, counts)
		})
	})
}

type runsVerb struct {
	Limit int `help:"At most that many." default:"20"`
}

func (v *runsVerb) Run(s *session) error {
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
			t := s.newTable(w, "started", "mode", "complete", "read", "created", "updated", "unchanged", "skipped", "failed", "retrying", "pending", "error")
			for _, r := range runs {
				code := ""
				if r.Problem != nil {
					code = r.Problem.Code
				}
				c := r.Counts
				t.AppendRow([]any{clock(r.StartedAt), r.Mode, r.Complete, c.Read, c.Created, c.Updated + c.Linked, c.Unchanged, c.Skipped, c.Failed, c.Retrying, c.Pending, code})
			}
			t.Render()
		})
	})
}

type preflightVerb struct{}

func (preflightVerb) Run(s *session) error {
	return s.with(func(a *app.App) error {
		checks, err := a.Preflight(s.ctx)
		if err != nil {
			return err
		}
		failed := false
		err = s.print(map[string]any{"checks": checks}, func(w io.Writer) {
			t := s.newTable(w, "", "check", "detail")
			for _, c := range checks {
				t.AppendRow([]any{verdict(c.OK), c.Name, c.Detail})
			}
			t.Render()
		})
		for _, c := range checks {
			failed = failed || c.OK != nil && !*c.OK
		}
		if err == nil && failed {
			return errSomeFailed
		}
		return err
	})
}

func verdict(ok *bool) string {
	switch {
	case ok == nil:
		return "?"
	case *ok:
		return "ok"
	}
	return "NOT OK"
}

type replayVerb struct {
	ID     string `arg:"" optional:"" help:"One contact; without it all that match the flags."`
	Code   string `help:"Only this error code." placeholder:"CODE"`
	Status string `help:"failed, retrying, or both when empty." enum:",failed,retrying" default:""`
	Yes    bool   `help:"Do not ask."`
}

func (v *replayVerb) Run(s *session) error {
	if v.Code != "" && transfer.Lookup(v.Code) == nil {
		return fmt.Errorf("there is no error code %s; contactsync errors lists those that occur", v.Code)
	}
	return s.with(func(a *app.App) error {
		refs, err := v.find(s, a)
		if err != nil {
			return err
		}
		if len(refs) > 0 && !v.Yes && !s.confirm(v.question(refs)) {
			return nil
		}
		var requests []transfer.Request
		queued := []string{}
		for _, ref := range refs {
			queued = append(queued, ref.String())
			requests = append(requests, transfer.Request{
				Ref: ref, Trigger: transfer.ByReplay, RequestedAt: time.Now().UTC().Truncate(time.Millisecond), Token: rand.Text(),
			})
		}
		if err := s.request(a, requests); err != nil {
			return err
		}
		return s.print(map[string]any{"queued": queued}, func(w io.Writer) {
			fmt.Fprintf(w, "%s for the transfer; the next poll takes what waits\n", waits(len(queued)))
		})
	})
}

func waits(n int) string {
	if n == 1 {
		return "1 contact waits"
	}
	return fmt.Sprintf("%d contacts wait", n)
}

// question shows what would be transferred.
func (v *replayVerb) question(refs []contact.Ref) string {
	const most = 5
	var some []string
	for _, ref := range refs[:min(most, len(refs))] {
		some = append(some, ref.String())
	}
	if len(refs) > most {
		some = append(some, "…")
	}
	return fmt.Sprintf("transfer once more (%d): %s?", len(refs), strings.Join(some, ", "))
}

func (v *replayVerb) find(s *session, a *app.App) ([]contact.Ref, error) {
	if v.ID != "" {
		ref, err := contact.ParseRef(v.ID)
		if err != nil {
			return nil, err
		}
		_, _, err = find(s, a, ref)
		return []contact.Ref{ref}, err
	}
	var refs []contact.Ref
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
			for _, t := range page.Transfers {
				refs = append(refs, contact.Ref{No: t.ContactNo, ID: idIfNoNumber(t)})
			}
			if q.Cursor = page.NextCursor; q.Cursor == "" {
				break
			}
		}
	}
	return refs, nil
}

func idIfNoNumber(t transfer.Transfer) string {
	if t.ContactNo != "" {
		return ""
	}
	return t.ContactID
}

// confirm asks for a yes. Inside a running sandbox it hands the question to the
// caller and answers no for now.
func (s *session) confirm(question string) bool {
	if s.asks != nil {
		*s.asks = question
		return false
	}
	fmt.Fprintf(s.err, "%s [y/N] ", question)
	var answer string
	_, _ = fmt.Fscanln(s.in, &answer)
	yes := strings.EqualFold(answer, "y") || strings.EqualFold(answer, "yes")
	if !yes {
		fmt.Fprintln(s.err, "nothing was done; --yes does not ask")
	}
	return yes
}

func indent(body []byte) string {
	var out bytes.Buffer
	if json.Indent(&out, body, "", "  ") != nil {
		return string(body)
	}
	return out.String()
}
