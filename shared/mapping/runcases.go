package mapping

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"contactsync/shared/contact"
	"contactsync/shared/customer"
)

// A Judge returns the codes of the error catalogue that stand against a mapped
// contact. The catalogue belongs to package transfer, whose Judge is one.
type Judge func(*contact.Contact, *Result) []string

// A CaseResult says how one case ended.
type CaseResult struct {
	Name        string
	Line        int
	Passed      bool
	Differences []string // one sentence each; empty when the case passed
}

// CaseSystemID is SpaceportSystemId in cases.
const CaseSystemID = "1"

// RunCases maps the contact of every case and compares what comes out with what
// the case expects. Without a judge no case may expect errors.
func RunCases(c *Collection, cases []Case, judge Judge) []CaseResult {
	results := make([]CaseResult, len(cases))
	for i := range cases {
		differences := cases[i].run(c, judge)
		results[i] = CaseResult{Name: cases[i].Name, Line: cases[i].Line, Passed: len(differences) == 0, Differences: differences}
	}
	return results
}

// caseLinks answers GetSpaceportId from a case.
type caseLinks map[string]map[string]string

// SpaceportID returns the id that the case gives for the external id.
func (l caseLinks) SpaceportID(_ context.Context, externalID, table, _ string) (string, error) {
	return l[strings.ToLower(table)][externalID], nil
}

func (c *Case) run(collection *Collection, judge Judge) []string {
	ct := c.contact
	result, err := collection.Apply(context.Background(), &ct, Options{SystemID: CaseSystemID, Links: caseLinks(c.links)})
	if err != nil {
		return []string{"the contact could not be mapped: " + err.Error()}
	}
	var d differences
	if c.expectSkip || result.Skipped != "" {
		d.skipped(c, &result)
		return d
	}
	d.codes(c, &ct, &result, judge)
	if c.expectBody {
		d.body(c, &result.Customer)
	}
	for _, text := range c.warnings {
		if !slices.ContainsFunc(result.Warnings, func(w string) bool { return strings.Contains(w, text) }) {
			d.add("warnings: expected one with %q, got %s", text, listed(result.Warnings))
		}
	}
	return d
}

type differences []string

func (d *differences) add(format string, args ...any) {
	*d = append(*d, fmt.Sprintf(format, args...))
}

func (d *differences) skipped(c *Case, result *Result) {
	switch {
	case !c.expectSkip:
		d.add("skipped: expected a transfer, got %q", result.Skipped)
	case result.Skipped == "":
		d.add("skipped: expected that a filter leaves the contact out, but it is transferred")
	case !strings.Contains(result.Skipped, c.skipText):
		d.add("skipped: expected a reason with %q, got %q", c.skipText, result.Skipped)
	}
}

func (d *differences) codes(c *Case, ct *contact.Contact, result *Result, judge Judge) {
	if judge == nil {
		if len(c.codes) > 0 {
			d.add("errors: nothing here can tell %s", strings.Join(c.codes, ", "))
		}
		for _, f := range result.Findings {
			d.add("errors: expected none, but %s stands against the transfer", f)
		}
		return
	}
	got := judge(ct, result)
	want := slices.Clone(c.codes)
	slices.Sort(got)
	slices.Sort(want)
	got, want = slices.Compact(got), slices.Compact(want)
	if slices.Equal(got, want) {
		return
	}
	why := make([]string, len(result.Findings))
	for i, f := range result.Findings {
		why[i] = f.String()
	}
	text := fmt.Sprintf("errors: expected %s, got %s", listed(want), listed(got))
	if len(why) > 0 {
		text += " (" + strings.Join(why, "; ") + ")"
	}
	d.add("%s", text)
}

// String says in words what the finding is about. It holds no value of the record.
func (f Finding) String() string {
	if f.Kind == FormulaFailed {
		return f.Detail
	}
	return f.Field + " is empty (source " + f.Source + ")"
}

func listed(texts []string) string {
	if len(texts) == 0 {
		return "none"
	}
	return strings.Join(texts, ", ")
}

func (d *differences) body(c *Case, got *customer.Customer) {
	d.members("", c.fields, got.Fields)
	custom := make([]customer.Value, len(got.CustomFields))
	for i, v := range got.CustomFields {
		custom[i] = customer.Value{Field: v.Name, Value: v.Value}
	}
	d.members("custom_fields.", c.custom, custom)
	if c.addresses == nil && !c.noAddress {
		return
	}
	if len(got.Addresses) != len(c.addresses) {
		d.add("addresses: expected %d, got %d", len(c.addresses), len(got.Addresses))
		return
	}
	for i, want := range c.addresses {
		d.members(fmt.Sprintf("addresses[%d].", i), want, got.Addresses[i].Fields)
	}
}

func (d *differences) members(prefix string, want []expected, got []customer.Value) {
	for _, w := range want {
		i := slices.IndexFunc(got, func(v customer.Value) bool { return v.Field == w.name })
		switch {
		case i < 0 && w.absent:
		case i < 0:
			d.add("%s%s: expected %q, but it is not sent", prefix, w.name, w.text)
		default:
			text, _ := scalarText(got[i].Value)
			if w.absent {
				d.add("%s%s: expected that it is not sent, got %q", prefix, w.name, text)
			} else if text != w.text {
				d.add("%s%s: expected %q, got %q", prefix, w.name, w.text, text)
			}
		}
	}
}
