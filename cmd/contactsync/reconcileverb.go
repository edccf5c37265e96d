package main

import (
	"fmt"
	"io"
	"strings"

	"contactsync/shared/app"
	"contactsync/shared/transfer"
)

type reconcileVerb struct {
	Values bool `help:"Show the values that differ, not only the names of their fields."`
}

// Help says what is compared, and what cannot be.
func (reconcileVerb) Help() string {
	return `Reads every contact of Business Central and its customer in iPaaS.com, and lists
missing contacts (the filter lets them pass, and there is no customer), differing customers (a transfer would change these fields) ` +
		`and orphaned customers (the contact is gone, or the filter leaves it out; customers that iPaaS.com shows as inactive are not counted). Nothing is written anywhere, and no attempt is counted.

Customers are found by the customer id that is stored here, else by the external id 44552|contact: about one call for each contact, within IPAAS_RATE ` +
		`(500 calls in 60 s: 10,000 contacts take 20 minutes). A list of all customers is not used, because how iPaaS.com lists them is not documented; ` +
		`so orphans are looked for among the customers that this connection transferred, and not among those of an earlier installation.

Exit status 1 says that something was found.

` + usage(
		"contactsync reconcile", "what is not as it should be",
		"contactsync reconcile --values", "with the values",
		"contactsync reconcile -o json", "for a script",
	)
}

func (v *reconcileVerb) Run(s *session) error {
	return s.with(func(a *app.App) error {
		done := s.watch("reconcile", -1)
		r, err := reconcile(s.ctx, a, s.oneMore)
		done()
		if err != nil {
			return explain(err)
		}
		if !v.Values {
			r.withoutValues()
		}
		if err := s.print(r, func(w io.Writer) { s.reportText(w, r) }); err != nil {
			return err
		}
		if r.found() > 0 {
			return errSomeFailed
		}
		return nil
	})
}

func (s *session) reportText(w io.Writer, r *report) {
	fmt.Fprintf(w, "%s read: %d equal, %d left out by the mapping, %d missing, %d differing; %d orphaned.\n",
		number(r.Read, "contact"), r.Equal, r.LeftOut, len(r.Missing), len(r.Differing), len(r.Orphaned))
	s.findingsText(w, "Missing in iPaaS.com", "contactsync errors says what to do; contactsync sync ID transfers one now", r.Missing)
	s.findingsText(w, "Differing", "contactsync preview ID shows one; contactsync sync ID mends it", r.Differing)
	s.findingsText(w, "Orphaned in iPaaS.com", "deactivate the customers there, if nobody needs them; this integration leaves them as they are", r.Orphaned)
}

func (s *session) findingsText(w io.Writer, title, cure string, list []finding) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s: %s.\n", s.screen.paint(bold, title), cure)
	t := s.sheet("contact", "customer", "why")
	for _, one := range list {
		fields := make([]string, len(one.Fields))
		for i, d := range one.Fields {
			fields[i] = d.String()
		}
		reason := strings.Join(fields, "\n")
		if reason == "" {
			reason = one.Reason
			if code, _, _ := strings.Cut(reason, ":"); transfer.Lookup(code) != nil {
				reason = s.screen.paint(red, code) + strings.TrimPrefix(reason, code)
			}
		}
		t.row(one.ID, one.CustomerID, reason)
	}
	t.render(w)
}
