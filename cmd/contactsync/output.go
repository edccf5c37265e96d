package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// print shows a result: as JSON, or as people read it.
func (s *session) print(asJSON any, asText func(w io.Writer)) error {
	if s.cli.Output == "json" {
		encoder := json.NewEncoder(s.out)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		return encoder.Encode(asJSON)
	}
	var out strings.Builder
	asText(&out)
	_, err := io.WriteString(s.out, s.screen.visible(out.String()))
	return err
}

// A sheet is a table that fits its screen: what is too wide is wrapped and never
// cut, since the end of a reason is often the part that matters. Where even words
// would have to be broken, each row becomes a list of facts instead: codes and ids
// stay whole, to be read and copied.
type sheet struct {
	session *session
	header  []string
	rows    [][]string // nil: a line between rows
	foot    []string
	columns []column
	whole   int // words up to this length are not broken
}

// A column is what is known of the texts below each other.
type column struct {
	width   int  // of the longest line
	word    int  // of the longest word
	figures bool // nothing but whole numbers below the header
}

func (s *session) sheet(header ...string) *sheet {
	t := &sheet{session: s, header: header, columns: make([]column, len(header)), whole: longestWord}
	t.measure(header)
	for i := range t.columns {
		t.columns[i].figures = true
	}
	return t
}

func (t *sheet) row(cells ...string) {
	for i := range cells {
		cells[i] = t.session.screen.visible(cells[i]) // before it is measured
	}
	t.measure(cells)
	t.rows = append(t.rows, cells)
}

func (t *sheet) footer(cells ...string) {
	t.measure(cells)
	t.foot = cells
}

func (t *sheet) line() { t.rows = append(t.rows, nil) }

func (t *sheet) measure(cells []string) {
	for i, cell := range cells {
		c := &t.columns[i]
		c.width = max(c.width, text.LongestLineLen(cell))
		for word := range strings.FieldsSeq(cell) {
			c.word = max(c.word, text.StringWidthWithoutEscSequences(word))
		}
		if _, err := strconv.Atoi(cell); err != nil && cell != "" {
			c.figures = false
		}
	}
}

// Widths below which a column is not made narrower: as long as others can give way,
// and of the words that stay whole.
const solid, longestWord = 22, 30

// render prints the table. The widest columns give way until the rows fit.
func (t *sheet) render(w io.Writer) {
	excess := 3*len(t.columns) + 1 - t.session.screen.Width // borders and the blanks beside them
	for _, c := range t.columns {
		excess += c.width
	}
	excess = t.narrow(excess, func(c column) int { return max(min(c.word, t.whole), min(c.width, solid)) })
	excess = t.narrow(excess, func(c column) int { return min(c.word, t.whole) })
	if excess > 0 {
		t.renderFacts(w)
		return
	}
	fmt.Fprintln(w, t.writer().Render())
}

// narrow takes excess away from the widest columns, none below its floor, and
// returns what is left of it.
func (t *sheet) narrow(excess int, floor func(column) int) int {
	for ; excess > 0; excess-- {
		widest := -1
		for i, c := range t.columns {
			if c.width > floor(c) && (widest < 0 || c.width > t.columns[widest].width) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		t.columns[widest].width--
	}
	return excess
}

func (t *sheet) writer() table.Writer {
	tw := table.NewWriter()
	tw.SetStyle(table.StyleLight)
	tw.Style().Format.Header = text.FormatDefault
	tw.Style().Format.Footer = text.FormatDefault
	tw.AppendHeader(cells(t.header))
	for _, row := range t.rows {
		if row == nil {
			tw.AppendSeparator()
			continue
		}
		tw.AppendRow(cells(row))
	}
	if t.foot != nil {
		tw.AppendFooter(cells(t.foot))
	}
	configs := make([]table.ColumnConfig, len(t.columns))
	for i, c := range t.columns {
		configs[i] = table.ColumnConfig{Number: i + 1, WidthMax: c.width, WidthMaxEnforcer: wrap}
		if c.figures {
			configs[i].Align, configs[i].AlignFooter = text.AlignRight, text.AlignRight
		}
	}
	tw.SetColumnConfigs(configs)
	return tw
}

func cells(texts []string) table.Row {
	row := make(table.Row, len(texts))
	for i, cell := range texts {
		row[i] = cell
	}
	return row
}

func (t *sheet) renderFacts(w io.Writer) {
	for _, row := range append(slices.Clone(t.rows), t.foot) {
		if row == nil {
			continue
		}
		fmt.Fprintln(w, row[0])
		list := make([]fact, 0, len(row))
		for i := 1; i < len(row); i++ {
			list = append(list, fact{t.header[i], row[i]})
		}
		t.session.facts(w, list...)
	}
}

// wrap breaks lines at blanks and keeps the breaks that are there.
func wrap(s string, width int) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		if text.StringWidthWithoutEscSequences(line) > width {
			lines[i] = text.WrapSoft(line, width)
		}
	}
	return strings.Join(lines, "\n")
}

// A fact is one line of a list of facts: what it is about, and the text.
type fact struct{ name, text string }

// facts prints a list of facts with the texts below each other.
func (s *session) facts(w io.Writer, list ...fact) {
	longest := 0
	for _, f := range list {
		longest = max(longest, len(f.name))
	}
	for _, f := range list {
		if f.text == "" {
			continue
		}
		for i, line := range strings.Split(wrap(f.text, max(s.screen.Width-longest-4, 30)), "\n") {
			name := f.name
			if i > 0 {
				name = ""
			}
			fmt.Fprintf(w, "  %-*s  %s\n", longest, name, strings.TrimRight(line, " "))
		}
	}
}

func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}

func indent(body []byte) string {
	var out bytes.Buffer
	if json.Indent(&out, body, "", "  ") != nil {
		return string(body)
	}
	return out.String()
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// number writes how many there are of something: 1 contact, 2 contacts.
func number(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
