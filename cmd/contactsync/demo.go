package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/poll"
	"contactsync/shared/status"
	"contactsync/shared/transfer"
	"contactsync/shared/wire"
)

type sandboxVerb struct {
	Serve  bool          `help:"Serve the simulators, the routes and the operator's page until Ctrl-C, polling at an interval."`
	Listen string        `help:"Loopback address to serve at." default:"127.0.0.1:8080"`
	Every  time.Duration `help:"Interval of the polls of --serve." default:"30s"`
	Fresh  bool          `help:"With --serve: begin with the demo company anew."`
}

// Help shows examples.
func (sandboxVerb) Help() string {
	return "Two simulators of the real systems and an embedded store, in one folder. Without --serve the demo company is transferred anew, twice, " +
		"and the folder stays for the other verbs. With --serve they talk to the running sandbox.\n\n" + usage(
		"contactsync sandbox", "the whole job, once",
		"contactsync sandbox --serve", "routes, simulators and the operator's page, until Ctrl-C",
		"contactsync sandbox --serve --fresh", "the same, from the start",
		"contactsync --folder /tmp/box sandbox", "in a folder of its own",
	)
}

// Run shows the whole job: the demo company is transferred, a few contacts are
// edited in Business Central, and a second run transfers what changed.
func (v *sandboxVerb) Run(s *session) error {
	if s.box != nil {
		return fmt.Errorf("the sandbox in %s is being served; end it first", s.box.folder)
	}
	if s.cli.EnvFile != "" {
		return errors.New("--env-file names a deployed stack; a sandbox is made in --folder")
	}
	if v.Every <= 0 {
		return fmt.Errorf("--every %s: expected a time above 0, such as 30s", v.Every)
	}
	if v.Serve {
		return v.serve(s)
	}
	box, err := openSandbox(s.cli.Folder, sandboxOptions{environ: s.environ, fresh: true, log: s.logger(), progress: s.counted})
	if err != nil {
		return err
	}
	err = box.demo(s)
	if closeErr := box.close(); err == nil {
		err = closeErr
	}
	return err
}

func (b *sandbox) demo(s *session) error {
	quiet := s.cli.Output == "json"
	say := func(format string, args ...any) {
		if !quiet {
			fmt.Fprintf(s.out, format, args...)
		}
	}
	say("Business Central company %s: %d contacts. iPaaS.com: %d customers.\n\n", b.source.CompanyName(), b.source.ContactCount(), b.target.CountCustomers())
	say("First run: nothing is known yet, every contact is read.\n")
	first, err := b.demoRun(s, "first run")
	if err != nil {
		return err
	}
	if !quiet {
		s.runText(s.out, first)
		if err := b.outcomes(s, s.out, first); err != nil {
			return err
		}
	}
	say("\nMeanwhile in Business Central:\n")
	for _, edit := range businesscentraltest.DemoEdits() {
		say("  contact %s %s\n", edit.Number, edit.What)
	}
	if err := b.source.ApplyDemoEdits(); err != nil {
		return err
	}
	say("\nSecond run: only what changed since the watermark is read.\n")
	second, err := b.demoRun(s, "second run")
	if err != nil {
		return err
	}
	return s.print(map[string]any{"runs": []wire.RunJSON{wire.Run(first), wire.Run(second)}}, func(w io.Writer) {
		s.runText(w, second)
		fmt.Fprintf(w, "\niPaaS.com now has %d customers, one for each contact that arrived. The sandbox stays in %s:\n", b.target.CountCustomers(), b.folder)
		fmt.Fprintln(w, "  go run ./cmd/contactsync errors            what failed, why, what to do")
		fmt.Fprintln(w, "  go run ./cmd/contactsync show CT000062     one contact's story, with the cure")
		fmt.Fprintln(w, "  go run ./cmd/contactsync sandbox --serve   the routes and the operator's page")
	})
}

func (b *sandbox) demoRun(s *session, text string) (status.Run, error) {
	done := s.watch(text, -1)
	defer done()
	r, err := b.app.Run(s.ctx, poll.Event{Mode: poll.Poll})
	if err != nil {
		return r, explain(err)
	}
	return r, nil
}

// outcomes prints what came of the contacts: successes, skips and each cause of
// failure with its resolution.
func (b *sandbox) outcomes(s *session, w io.Writer, r status.Run) error {
	counts, err := b.store.ErrorCounts(s.ctx)
	if err != nil {
		return err
	}
	t := s.sheet("outcome", "contacts", "for example", "what to do")
	c := r.Counts
	t.row(s.screen.paint(green, "created"), strconv.Itoa(c.Created), "", "nothing: they are customers in iPaaS.com now")
	t.row(s.screen.paint(dim, "skipped by the filter"), strconv.Itoa(c.Skipped), "", "nothing: only persons that are contacts are transferred")
	t.line()
	for _, one := range counts {
		t.row(s.screen.paint(red, one.Code), strconv.Itoa(one.Count), sample(one), transfer.Lookup(one.Code).Resolution)
	}
	t.footer("read", strconv.Itoa(c.Read), "", "")
	t.render(w)
	return nil
}
