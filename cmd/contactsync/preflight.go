package main

import (
	"io"

	"contactsync/shared/app"
)

type preflightVerb struct{}

// Help shows examples.
func (preflightVerb) Help() string {
	return "Reads only. A question mark stands for what cannot be known before the first transfer.\n\n" + usage(
		"contactsync preflight", "on the sandbox",
		"contactsync --env-file stack.env preflight", "on a deployed stack, before going live",
	)
}

func (preflightVerb) Run(s *session) error {
	return s.with(func(a *app.App) error {
		done := s.watch("preflight", -1)
		checks, err := a.Preflight(s.ctx)
		done()
		if err != nil {
			return err
		}
		failed := false
		err = s.print(map[string]any{"checks": checks}, func(w io.Writer) {
			t := s.sheet("", "check", "detail")
			for _, c := range checks {
				t.row(s.verdict(c.OK), c.Name, c.Detail)
			}
			t.render(w)
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

func (s *session) verdict(ok *bool) string {
	switch {
	case ok == nil:
		return s.screen.paint(yellow, "?")
	case *ok:
		return s.screen.paint(green, "ok")
	}
	return s.screen.paint(red, "NOT OK")
}
