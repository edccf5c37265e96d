package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"contactsync/shared/app"
	"contactsync/shared/mapping"
	"contactsync/shared/transfer"
)

type mappingVerb struct {
	Check mappingCheckVerb `cmd:"" help:"Explain a mapping as tables like the seed's; list every mistake in it."`
	Test  mappingTestVerb  `cmd:"" help:"Run the cases beside a mapping and print the differences."`
}

type mappingCheckVerb struct {
	File string `arg:"" optional:"" type:"existingfile" help:"Mapping file; the embedded one without it."`
}

func (v *mappingCheckVerb) Run(s *session) error {
	c, err := app.LoadMapping(v.File)
	if err != nil {
		return err
	}
	tables := c.Rows()
	return s.print(tables, func(w io.Writer) {
		for _, one := range tables {
			fmt.Fprintf(w, "%s\n  filter: %s\n", one.Name, one.Filter)
			t := s.newTable(w, "type", "source (Dynamics 365)", "destination (iPaaS.com)", "description")
			for _, r := range one.Rows {
				t.AppendRow([]any{r.Type, text.WrapSoft(r.Source, 44), r.Destination, text.WrapSoft(mark(r)+r.Description, 50)})
			}
			t.Render()
		}
	})
}

func mark(r mapping.Row) string {
	switch {
	case r.Required:
		return "(Required) "
	case r.Recommended:
		return "(Recommended) "
	}
	return ""
}

type mappingTestVerb struct {
	File  string `arg:"" optional:"" type:"existingfile" help:"Mapping file; the embedded one without it."`
	Cases string `arg:"" optional:"" type:"existingfile" help:"Cases; NAME.test.yaml beside the mapping NAME.yaml without it."`
}

func (v *mappingTestVerb) Run(s *session) error {
	c, err := app.LoadMapping(v.File)
	if err != nil {
		return err
	}
	cases, err := v.cases()
	if err != nil {
		return err
	}
	results := mapping.RunCases(c, cases, transfer.Judge)
	failed := 0
	for _, r := range results {
		if !r.Passed {
			failed++
		}
	}
	err = s.print(results, func(w io.Writer) {
		for _, r := range results {
			if r.Passed {
				fmt.Fprintf(w, "ok      %s\n", r.Name)
				continue
			}
			fmt.Fprintf(w, "FAILED  %s\n        %s\n", r.Name, strings.Join(r.Differences, "\n        "))
		}
		fmt.Fprintf(w, "%d passed, %d failed\n", len(results)-failed, failed)
	})
	if err == nil && failed > 0 {
		return errSomeFailed
	}
	return err
}

func (v *mappingTestVerb) cases() ([]mapping.Case, error) {
	path := v.Cases
	switch {
	case path == "" && v.File == "":
		return mapping.EmbeddedCases()
	case path == "":
		path = strings.TrimSuffix(v.File, filepath.Ext(v.File)) + ".test.yaml"
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("there are no cases for %s: expected them in %s", v.File, path)
	}
	if err != nil {
		return nil, err
	}
	return mapping.LoadCases(path, data)
}
