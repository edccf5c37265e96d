// Command table prints the rows that package tally wrote, and their sum. It exits
// with 1 when a scene did not survive, or a contact was lost or doubled.
//
//	go run ./torture/tally/table FILE
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/jedib0t/go-pretty/v6/table"

	"contactsync/torture/tally"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: table FILE")
		os.Exit(2)
	}
	good, err := show(os.Args[1], os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "table:", err)
		os.Exit(2)
	}
	if !good {
		os.Exit(1)
	}
}

func show(path string, to io.Writer) (good bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }()
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.AppendHeader(table.Row{"faults", "tried", "survived", "lost", "doubled", "seconds"})
	sum, decoder := tally.Row{}, json.NewDecoder(f)
	for {
		var r tally.Row
		if err := decoder.Decode(&r); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return false, err
		}
		t.AppendRow(row(r.Kind, r))
		sum.Tried, sum.Survived = sum.Tried+r.Tried, sum.Survived+r.Survived
		sum.Lost, sum.Doubled, sum.Seconds = sum.Lost+r.Lost, sum.Doubled+r.Doubled, sum.Seconds+r.Seconds
	}
	t.AppendSeparator()
	t.AppendRow(row("all", sum))
	_, err = fmt.Fprintln(to, t.Render())
	return sum.Tried > 0 && sum.Survived == sum.Tried && sum.Lost+sum.Doubled == 0, err
}

func row(kind string, r tally.Row) table.Row {
	return table.Row{kind, r.Tried, r.Survived, r.Lost, r.Doubled, fmt.Sprintf("%.1f", r.Seconds)}
}
