package main

import (
	"fmt"
	"io"

	"contactsync/shared/app"
	"contactsync/shared/transfer"
	"contactsync/shared/wire"
)

type previewVerb struct {
	IDs []string `arg:"" name:"id" help:"44552, 44552|contact, or an internal id."`
}

// Help shows examples.
func (previewVerb) Help() string {
	return "Both systems are read and nothing is written anywhere.\n\n" + usage(
		"contactsync preview 44552", "what would be sent, and what it would change",
		"contactsync preview 44552 -o json", "the same for a script",
	)
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
		done := s.watch("preview", len(refs))
		defer done()
		var previews []transfer.Preview
		for _, ref := range refs {
			p, err := runner.Preview(s.ctx, transfer.Job{Ref: ref, Trigger: transfer.ByManual})
			if err != nil {
				return explain(err)
			}
			previews = append(previews, p)
			s.oneMore()
		}
		done()
		return s.previews(a, previews)
	})
}

func (s *session) previews(a *app.App, previews []transfer.Preview) error {
	failed := false
	shown := make([]wire.TransferJSON, 0, len(previews))
	var list []transfer.Transfer
	bodies := make([][]byte, len(previews))
	for i, p := range previews {
		body, err := a.Body(p.Request)
		if err != nil {
			return err
		}
		bodies[i] = body
		failed = failed || p.Problem != nil
		shown = append(shown, wire.Preview(p, body))
		list = append(list, p.Transfer)
	}
	err := s.print(map[string]any{"transfers": shown}, func(w io.Writer) {
		for i, p := range previews {
			if i > 0 {
				fmt.Fprintln(w)
			}
			s.previewText(w, p, bodies[i])
		}
	})
	if err != nil || !failed {
		return err
	}
	if s.cli.Output == "table" {
		s.cures(list)
	}
	return errSomeFailed
}

func (s *session) previewText(w io.Writer, p transfer.Preview, body []byte) {
	name := s.screen.paint(bold, p.ID)
	switch {
	case p.Problem != nil:
		fmt.Fprintf(w, "%s would %s: %s\n", name, s.screen.paint(red, "not arrive"), why(p.Attempt))
	case p.Status == transfer.Skipped:
		fmt.Fprintf(w, "%s would be %s: %s\n", name, s.screen.paint(dim, "left out"), p.Reason)
	case p.CustomerID == "":
		fmt.Fprintf(w, "%s would become a new customer\n", name)
	case p.Action == transfer.Unchanged, len(p.Changes) == 0:
		fmt.Fprintf(w, "%s is customer %s, and nothing would change\n", name, p.CustomerID)
	default:
		fmt.Fprintf(w, "%s would change customer %s (%s)\n", name, p.CustomerID, p.Action)
	}
	for _, warning := range p.Warnings {
		fmt.Fprintf(w, "  warning: %s\n", warning)
	}
	if p.Request == nil {
		return
	}
	if len(p.Changes) > 0 {
		t := s.sheet("field", "in iPaaS.com now", "would become")
		for _, c := range p.Changes {
			t.row(c.Field, c.From, s.screen.paint(green, c.To))
		}
		t.render(w)
	}
	fmt.Fprintf(w, "Body that would be sent:\n%s\n", indent(body))
}
