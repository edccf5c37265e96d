package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"contactsync/files"
	"contactsync/shared/mapping"
	"contactsync/shared/transfer"
)

type mappingVerb struct {
	Check mappingCheckVerb `cmd:"" group:"setup" help:"Explain a mapping as tables like the seed's; list every mistake in it."`
	Test  mappingTestVerb  `cmd:"" group:"setup" help:"Run the cases beside a mapping and print the differences."`
}

type mappingCheckVerb struct {
	File string `arg:"" optional:"" help:"Mapping file; the one that is built in without it."`
}

// Help shows examples.
func (mappingCheckVerb) Help() string {
	return "Needs no system. How to write a mapping: docs/mapping.md.\n\n" + usage(
		"contactsync mapping check", "the mapping that is built in",
		"contactsync mapping check files/ours.yaml", "your own: its tables, or every mistake with its line",
	)
}

// A mappingJSON is a mapping collection for scripts.
type mappingJSON struct {
	Enabled  bool        `json:"enabled"`
	Triggers []string    `json:"triggers"`
	Tables   []tableJSON `json:"tables"`
	Reads    []string    `json:"reads"`         // values of the contact
	Needs    []string    `json:"custom_fields"` // that must exist in iPaaS.com
}

type tableJSON struct {
	Name        string    `json:"name"`
	Destination string    `json:"destination,omitempty"` // of a child collection
	Filter      string    `json:"filter"`
	Description string    `json:"description"`
	Rows        []rowJSON `json:"rows"`
}

type rowJSON struct {
	Type        string `json:"type"`
	Source      string `json:"source"`
	Destination string `json:"destination"`
	Required    bool   `json:"required"`
	Recommended bool   `json:"recommended"`
	WhenEmpty   string `json:"when_empty"`
	Description string `json:"description"`
}

const customField = " (Custom Field)"

func describe(c *mapping.Collection) mappingJSON {
	m := mappingJSON{Enabled: c.Enabled(), Triggers: []string{}, Needs: []string{}}
	if c.Creates() {
		m.Triggers = append(m.Triggers, "Contact Create")
	}
	if c.Updates() {
		m.Triggers = append(m.Triggers, "Contact Update")
	}
	sources := c.Sources()
	m.Reads = append(append([]string{}, sources.Model...), sources.Properties...)
	if sources.AllProperties {
		m.Reads = append(m.Reads, "every further property")
	}
	for _, t := range c.Rows() {
		shown := tableJSON{Name: t.Name, Destination: t.Destination, Filter: t.Filter, Description: t.Description}
		for _, r := range t.Rows {
			shown.Rows = append(shown.Rows, rowJSON{string(r.Type), r.Source, r.Destination, r.Required, r.Recommended, r.WhenEmpty, r.Description})
			if name, ok := strings.CutSuffix(r.Destination, customField); ok {
				m.Needs = append(m.Needs, name)
			}
		}
		m.Tables = append(m.Tables, shown)
	}
	return m
}

func (v *mappingCheckVerb) Run(s *session) error {
	c, err := loadMapping(v.File)
	if err != nil {
		return err
	}
	m := describe(c)
	return s.print(m, func(w io.Writer) {
		for i, t := range m.Tables {
			if i > 0 {
				fmt.Fprintln(w)
			}
			fmt.Fprintln(w, s.screen.paint(bold, t.Name))
			facts := []fact{{"filter", t.Filter}, {"", t.Description}}
			if i == 0 {
				facts = append(facts, fact{"status", enabled(m.Enabled)}, fact{"triggers", strings.Join(m.Triggers, ", ")})
			} else {
				facts = append(facts, fact{"fills", t.Destination})
			}
			s.facts(w, facts...)
			rows := s.sheet("type", "source (Dynamics 365)", "destination (iPaaS.com)", "description")
			rows.whole = 16 // formulas may be broken: the seed's tables are what a reader looks for
			for _, r := range t.Rows {
				rows.row(r.Type, r.Source, r.Destination, mark(r)+r.Description)
			}
			rows.render(w)
		}
		fmt.Fprintln(w)
		s.facts(w, fact{"reads of a contact", strings.Join(m.Reads, ", ")}, fact{"custom fields that iPaaS.com must have", strings.Join(m.Needs, ", ")})
	})
}

func enabled(on bool) string {
	if on {
		return "enabled"
	}
	return "disabled: nothing is read and nothing is sent"
}

func mark(r rowJSON) string {
	text := ""
	switch {
	case r.Required:
		text = "(Required) "
	case r.Recommended:
		text = "(Recommended) "
	}
	if r.WhenEmpty == "clear" {
		text += "(sent empty when it is empty) "
	}
	return text
}

type mappingTestVerb struct {
	File  string `arg:"" optional:"" help:"Mapping file; the one that is built in without it."`
	Cases string `arg:"" optional:"" help:"Cases; NAME.test.yaml beside the mapping NAME.yaml without it."`
}

// Help shows examples.
func (mappingTestVerb) Help() string {
	return "Needs no system. How to write cases: docs/mapping.md.\n\n" + usage(
		"contactsync mapping test", "the cases of the mapping that is built in",
		"contactsync mapping test files/ours.yaml", "those of files/ours.test.yaml",
	)
}

type caseJSON struct {
	Name        string   `json:"name"`
	Line        int      `json:"line"`
	Passed      bool     `json:"passed"`
	Differences []string `json:"differences"`
}

func (v *mappingTestVerb) Run(s *session) error {
	c, err := loadMapping(v.File)
	if err != nil {
		return err
	}
	cases, err := v.cases()
	if err != nil {
		return err
	}
	failed := 0
	shown := []caseJSON{}
	for _, r := range mapping.RunCases(c, cases, transfer.Judge) {
		if !r.Passed {
			failed++
		}
		shown = append(shown, caseJSON{r.Name, r.Line, r.Passed, append([]string{}, r.Differences...)})
	}
	passed := len(shown) - failed
	err = s.print(map[string]any{"cases": shown, "passed": passed, "failed": failed}, func(w io.Writer) {
		for _, r := range shown {
			if r.Passed {
				fmt.Fprintf(w, "%s      %s\n", s.screen.paint(green, "ok"), r.Name)
				continue
			}
			fmt.Fprintf(w, "%s  %s (line %d)\n        %s\n", s.screen.paint(red, "FAILED"), r.Name, r.Line, strings.Join(r.Differences, "\n        "))
		}
		fmt.Fprintf(w, "%d passed, %d failed\n", passed, failed)
	})
	if err == nil && failed > 0 {
		return errSomeFailed
	}
	return err
}

// loadMapping reads a mapping as the setting MAPPING_FILE does: on disk, then among
// the files of the package; the one that is built in for an empty path.
func loadMapping(path string) (*mapping.Collection, error) {
	if path == "" {
		return mapping.Embedded()
	}
	data, err := files.Read(path)
	if err != nil {
		return nil, err
	}
	return mapping.Load(path, data)
}

func (v *mappingTestVerb) cases() ([]mapping.Case, error) {
	path := v.Cases
	switch {
	case path == "" && v.File == "":
		return mapping.EmbeddedCases()
	case path == "":
		path = strings.TrimSuffix(v.File, filepath.Ext(v.File)) + ".test.yaml"
	}
	data, err := files.Read(path)
	if errors.Is(err, fs.ErrNotExist) && v.Cases == "" {
		return nil, fmt.Errorf("there are no cases for %s: expected them in %s", v.File, path)
	}
	if err != nil {
		return nil, err
	}
	return mapping.LoadCases(path, data)
}
