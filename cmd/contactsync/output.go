package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"

	"contactsync/shared/status"
	"contactsync/shared/transfer"
	"contactsync/shared/wire"
)

// print shows a result: as JSON, or as people read it.
func (s *session) print(asJSON any, asText func(w io.Writer)) error {
	if s.cli.Output == "json" {
		encoder := json.NewEncoder(s.out)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		return encoder.Encode(asJSON)
	}
	asText(s.out)
	return nil
}

// newTable returns a table that fits the terminal.
func (s *session) newTable(w io.Writer, header ...any) table.Writer {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = text.FormatDefault
	t.AppendHeader(table.Row(header))
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			t.Style().Size.WidthMax = width
		}
	}
	return t
}

func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}

func transferRow(t transfer.Transfer) table.Row {
	why := t.Reason
	if t.Problem != nil {
		why = t.Problem.Code
		if t.Problem.Detail != "" {
			why += ": " + t.Problem.Detail
		}
	}
	if why == "" {
		why = strings.Join(t.Warnings, "; ")
	}
	at := t.FinishedAt
	if t.Status == transfer.Pending {
		at = t.RequestedAt
	}
	return table.Row{t.ID, t.Status, t.Action, t.CustomerID, t.Trigger, t.Number, clock(at), text.WrapSoft(why, 70)}
}

func (s *session) transfersTable(w io.Writer, list []transfer.Transfer) {
	t := s.newTable(w, "contact", "status", "action", "customer", "trigger", "attempt", "finished", "why")
	for _, one := range list {
		t.AppendRow(transferRow(one))
	}
	t.Render()
}

// runText prints a run's summary.
func runText(w io.Writer, r status.Run) {
	c := r.Counts
	state := "complete"
	switch {
	case r.Busy:
		state = "busy: another run is under way"
	case r.Paused:
		state = "paused"
	case r.Disabled:
		state = "the mapping collection is disabled"
	case !r.Complete:
		state = "not complete: the next run goes on"
	}
	fmt.Fprintf(w, "%s run %s: %s\n", r.Mode, r.ID, state)
	fmt.Fprintf(w, "  read %d = created %d + updated %d + linked %d + unchanged %d + skipped %d + failed %d + retrying %d + pending %d\n",
		c.Read, c.Created, c.Updated, c.Linked, c.Unchanged, c.Skipped, c.Failed, c.Retrying, c.Pending)
	if !r.Watermark.IsZero() {
		fmt.Fprintf(w, "  watermark %s\n", r.Watermark.UTC().Format(wire.TimeFormat))
	}
	for _, note := range r.Notes {
		fmt.Fprintf(w, "  note: %s\n", note)
	}
}

// errorsTable prints what failed, by cause, with what to do.
func (s *session) errorsTable(w io.Writer, counts []status.ErrorCount) {
	t := s.newTable(w, "code", "contacts", "for example", "what to do")
	for _, c := range counts {
		todo := ""
		if f := transfer.Lookup(c.Code); f != nil {
			todo = f.Title + "\n" + f.Resolution
		}
		t.AppendRow(table.Row{c.Code, c.Count, strings.Join(c.Samples[:min(2, len(c.Samples))], "\n"), text.WrapSoft(todo, 64)})
		t.AppendSeparator()
	}
	t.Render()
}
