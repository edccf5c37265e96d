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

// Help shows examples.
func (pollVerb) Help() string {
	return usage(
		"contactsync poll", "what the schedule does, now",
		"contactsync poll --dry-run", "what it would do",
	)
}

func (v *pollVerb) Run(s *session) error {
	return s.run(poll.Event{Mode: poll.Poll, DryRun: v.DryRun})
}

type backfillVerb struct {
	From   typedTime `help:"Time of change to start at: a date, a time or how long ago." required:"" placeholder:"2024-01-01"`
	To     typedTime `help:"Time of change to end before." placeholder:"2025-01-01"`
	DryRun bool      `help:"Read, map and compare; write nothing anywhere."`
}

// Help shows examples.
func (backfillVerb) Help() string {
	return "The watermark of the poll stays where it is. A backfill that ran out of time goes on with the same command.\n\n" + usage(
		"contactsync backfill --from 2024-01-01 --to 2025-01-01", "the contacts that changed in 2024",
		"contactsync backfill --from 1900-01-01 --dry-run", "what a transfer of everything would do, after a change of the mapping",
	)
}

func (v *backfillVerb) Run(s *session) error {
	return s.run(poll.Event{Mode: poll.Backfill, From: v.From.Time, To: v.To.Time, DryRun: v.DryRun})
}

func (s *session) run(e poll.Event) error {
	return s.with(func(a *app.App) error {
		done := s.watch(string(e.Mode), -1)
		r, err := a.Run(s.ctx, e)
		done()
		if err != nil {
			return explain(err)
		}
		if err := s.print(wire.Run(r), func(w io.Writer) { s.runText(w, r) }); err != nil {
			return err
		}
		if r.Counts.Failed+r.Counts.Retrying > 0 {
			if s.cli.Output == "table" {
				fmt.Fprintln(s.err, "contactsync errors says what failed and what to do")
			}
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

// Help shows examples.
func (syncVerb) Help() string {
	return "While transfers are paused the contacts are stored and wait.\n\n" + usage(
		"contactsync sync 44552", "one contact, now",
		"contactsync sync 44552 44553 -o json", "several, for a script",
	)
}

func (v *syncVerb) Run(s *session) error {
	refs, err := parseRefs(v.IDs)
	if err != nil {
		return err
	}
	return s.with(func(a *app.App) error {
		paused, err := a.Store.Paused(s.ctx)
		if err != nil {
			return err
		}
		if paused {
			return s.waitForResume(a, refs)
		}
		list, err := s.transferAll(a, refs)
		if err != nil {
			return explain(err)
		}
		return s.outcome(list)
	})
}

// waitForResume stores the contacts, as a manual sync of the webhook does while
// transfers are paused.
func (s *session) waitForResume(a *app.App, refs []contact.Ref) error {
	var list []transfer.Transfer
	var requests []transfer.Request
	for _, ref := range refs {
		requests = append(requests, newRequest(ref, transfer.ByManual))
		list = append(list, requests[len(requests)-1].Transfer())
	}
	if err := s.request(a, requests); err != nil {
		return err
	}
	if s.cli.Output == "table" {
		fmt.Fprintln(s.err, "transfers are paused: accepted work waits until contactsync resume")
	}
	return s.outcome(list)
}

func newRequest(ref contact.Ref, by transfer.Trigger) transfer.Request {
	return transfer.Request{Ref: ref, Trigger: by, RequestedAt: time.Now().UTC().Truncate(time.Millisecond), Token: rand.Text()}
}

func (s *session) transferAll(a *app.App, refs []contact.Ref) ([]transfer.Transfer, error) {
	runner, err := a.Runner()
	if err != nil {
		return nil, err
	}
	done := s.watch("sync", len(refs))
	defer done()
	id := "manual-" + strings.ToLower(rand.Text()[:10])
	var list []transfer.Transfer
	for _, ref := range refs {
		t, err := s.transferOne(a, runner, transfer.Job{Ref: ref, Trigger: transfer.ByManual, RunID: id})
		if err != nil {
			return nil, err
		}
		list = append(list, t)
		s.oneMore()
	}
	return list, nil
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
		waiting := newRequest(job.Ref, job.Trigger)
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
	if s.cli.Output == "table" {
		s.cures(list)
	}
	if failed {
		return errSomeFailed
	}
	return nil
}

// cures says on standard error what to do about each cause.
func (s *session) cures(list []transfer.Transfer) {
	told := map[string]bool{}
	for _, t := range list {
		if t.Problem != nil && !told[t.Problem.Code] {
			told[t.Problem.Code] = true
			fmt.Fprintf(s.err, "%s: %s\n", t.Problem.Code, wire.Error(t.Problem.Code, "").Resolution)
		}
	}
}

func parseRefs(ids []string) ([]contact.Ref, error) {
	var refs []contact.Ref
	var problems []error
	for _, id := range ids {
		ref, err := parseRef(id)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		refs = append(refs, ref)
	}
	return refs, errors.Join(problems...)
}
