package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"contactsync/shared/app"
	"contactsync/shared/contact"
	"contactsync/shared/poll"
	"contactsync/shared/transfer"
	"contactsync/shared/wire"
)

type pollVerb struct {
	DryRun bool `help:"Read, map and compare; write nothing anywhere."`
}

func (v *pollVerb) Run(s *session) error {
	return s.run(poll.Event{Mode: poll.Poll, DryRun: v.DryRun})
}

type backfillVerb struct {
	From   time.Time `help:"Time of change to start at." required:"" format:"2006-01-02T15:04:05Z07:00" placeholder:"2024-01-01T00:00:00Z"`
	To     time.Time `help:"Time of change to end before." format:"2006-01-02T15:04:05Z07:00" placeholder:"2025-01-01T00:00:00Z"`
	DryRun bool      `help:"Read, map and compare; write nothing anywhere."`
}

func (v *backfillVerb) Run(s *session) error {
	return s.run(poll.Event{Mode: poll.Backfill, From: v.From, To: v.To, DryRun: v.DryRun})
}

func (s *session) run(e poll.Event) error {
	return s.with(func(a *app.App) error {
		done := s.watch(string(e.Mode))
		r, err := a.Run(s.ctx, e)
		done()
		if err != nil {
			return explain(err)
		}
		if err := s.print(wire.Run(r), func(w io.Writer) { runText(w, r) }); err != nil {
			return err
		}
		if r.Counts.Failed+r.Counts.Retrying > 0 {
			return errSomeFailed
		}
		return nil
	})
}

// explain adds what to do to an error of the catalogue.
func explain(err error) error {
	if f := transfer.FaultOf(err); f != nil && f != transfer.Internal {
		return fmt.Errorf("%w\n%s", err, f.Resolution)
	}
	return err
}

type syncVerb struct {
	IDs []string `arg:"" name:"id" help:"44552, 44552|contact, or an internal id."`
}

func (v *syncVerb) Run(s *session) error {
	refs, err := parseRefs(v.IDs)
	if err != nil {
		return err
	}
	return s.with(func(a *app.App) error {
		runner, err := a.Runner()
		if err != nil {
			return err
		}
		id := "manual-" + strings.ToLower(rand.Text()[:10])
		var list []transfer.Transfer
		for _, ref := range refs {
			t, err := s.transferOne(a, runner, transfer.Job{Ref: ref, Trigger: transfer.ByManual, RunID: id})
			if err != nil {
				return explain(err)
			}
			list = append(list, t)
		}
		return s.outcome(list)
	})
}

// transferOne transfers a contact as the manual sync of the webhook does: what
// stops every transfer makes it wait, what is claimed elsewhere is left waiting.
func (s *session) transferOne(a *app.App, runner *transfer.Runner, job transfer.Job) (transfer.Transfer, error) {
	t, err := runner.Transfer(s.ctx, job)
	switch {
	case err == nil:
		return t, nil
	case transfer.StopsRun(err):
		return runner.Postpone(s.ctx, job, err)
	case errors.Is(err, transfer.ErrClaimed), errors.Is(err, transfer.ErrUnfinished):
		waiting := transfer.Request{Ref: job.Ref, Trigger: job.Trigger, RequestedAt: time.Now().UTC().Truncate(time.Millisecond), Token: rand.Text()}
		return waiting.Transfer(), s.request(a, []transfer.Request{waiting})
	}
	return t, err
}

// outcome prints transfers, and what to do about those that failed.
func (s *session) outcome(list []transfer.Transfer) error {
	failed := false
	shown := make([]wire.TransferJSON, 0, len(list))
	for _, t := range list {
		shown = append(shown, wire.Transfer(t))
		failed = failed || t.Problem != nil
	}
	err := s.print(map[string]any{"transfers": shown}, func(w io.Writer) { s.transfersTable(w, list) })
	if err != nil {
		return err
	}
	told := map[string]bool{}
	for _, t := range list {
		if t.Problem != nil && !told[t.Problem.Code] && s.cli.Output == "table" {
			told[t.Problem.Code] = true
			fmt.Fprintf(s.err, "%s: %s\n", t.Problem.Code, transfer.Lookup(t.Problem.Code).Resolution)
		}
	}
	if failed {
		return errSomeFailed
	}
	return nil
}

func parseRefs(ids []string) ([]contact.Ref, error) {
	var refs []contact.Ref
	var problems []error
	for _, id := range ids {
		ref, err := contact.ParseRef(id)
		if err != nil {
			problems = append(problems, fmt.Errorf("%q: %w", id, err))
			continue
		}
		refs = append(refs, ref)
	}
	return refs, errors.Join(problems...)
}

type previewVerb struct {
	IDs []string `arg:"" name:"id" help:"44552, 44552|contact, or an internal id."`
}

func (v *previewVerb) Run(s *session) error {
	refs, err := parseRefs(v.IDs)
	if err != nil {
		return err
	}
	return s.with(func(a *app.App) error {
		runner, err := a.Runner()
		if err != nil {
			return err
		}
		failed := false
		var shown []wire.TransferJSON
		var texts []func(io.Writer)
		for _, ref := range refs {
			p, err := runner.Preview(s.ctx, transfer.Job{Ref: ref, Trigger: transfer.ByManual})
			if err != nil {
				return explain(err)
			}
			body, err := a.Body(p.Request)
			if err != nil {
				return err
			}
			failed = failed || p.Problem != nil
			shown = append(shown, wire.Preview(p, body))
			texts = append(texts, func(w io.Writer) { s.previewText(w, p, body) })
		}
		err = s.print(map[string]any{"transfers": shown}, func(w io.Writer) {
			for _, text := range texts {
				text(w)
			}
		})
		if err == nil && failed {
			return errSomeFailed
		}
		return err
	})
}

func (s *session) previewText(w io.Writer, p transfer.Preview, body []byte) {
	s.transfersTable(w, []transfer.Transfer{p.Transfer})
	if p.Request == nil {
		return
	}
	fmt.Fprintf(w, "body that would be sent:\n%s\n", indent(body))
	if len(p.Changes) == 0 {
		fmt.Fprintln(w, "nothing would change")
		return
	}
	t := s.newTable(w, "field", "in iPaaS.com now", "would become")
	for _, c := range p.Changes {
		t.AppendRow([]any{c.Field, c.From, c.To})
	}
	t.Render()
}

type pauseVerb struct{}

func (pauseVerb) Run(s *session) error { return s.setPaused(true) }

type resumeVerb struct{}

func (resumeVerb) Run(s *session) error { return s.setPaused(false) }

func (s *session) setPaused(paused bool) error {
	return s.with(func(a *app.App) error {
		if err := a.Store.SetPaused(s.ctx, paused); err != nil {
			return err
		}
		return s.print(map[string]bool{"paused": paused}, func(w io.Writer) {
			if paused {
				fmt.Fprintln(w, "paused: accepted work waits until contactsync resume")
				return
			}
			fmt.Fprintln(w, "resumed: the next poll transfers what waits")
		})
	})
}

type forgetVerb struct {
	ID string `arg:"" help:"44552, 44552|contact, or an internal id."`
}

func (v *forgetVerb) Run(s *session) error {
	ref, err := contact.ParseRef(v.ID)
	if err != nil {
		return fmt.Errorf("%q: %w", v.ID, err)
	}
	return s.with(func(a *app.App) error {
		key, found, err := a.Store.KeyOf(s.ctx, ref)
		if err != nil {
			return err
		}
		if !found {
			return fmt.Errorf("nothing is known of %s", ref)
		}
		if err := a.Store.Forget(s.ctx, key); err != nil {
			return err
		}
		return s.print(map[string]string{"forgotten": ref.String()}, func(w io.Writer) {
			fmt.Fprintf(w, "%s is forgotten here; its customer in iPaaS.com and the contact itself are as they were\n", ref)
		})
	})
}
