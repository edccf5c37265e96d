package mapping

import (
	"fmt"
	"slices"
	"strings"
)

// A Mistake is one thing in a file that must be corrected before it can be used.
type Mistake struct {
	Line  int    // from 1; 0 when the mistake is in no particular line
	Where string // the part of the file: mappings[3] (EmailAddress); "" for the file as a whole
	Text  string // what is wrong and what was expected
}

// A LoadError lists every mistake of a mapping file or a file of cases.
type LoadError struct {
	File     string
	Mistakes []Mistake // by line; never empty
}

// Error lists every mistake on a line of its own: file:line: where: what.
func (e *LoadError) Error() string {
	var b strings.Builder
	if len(e.Mistakes) == 1 {
		fmt.Fprintf(&b, "%s has a mistake:", e.File)
	} else {
		fmt.Fprintf(&b, "%s has %d mistakes:", e.File, len(e.Mistakes))
	}
	for _, m := range e.Mistakes {
		b.WriteString("\n  " + e.File)
		if m.Line > 0 {
			fmt.Fprintf(&b, ":%d", m.Line)
		}
		b.WriteString(": ")
		if m.Where != "" {
			b.WriteString(m.Where + ": ")
		}
		b.WriteString(m.Text)
	}
	return b.String()
}

// mistakes gathers the mistakes of one file.
type mistakes struct{ found []Mistake }

func (m *mistakes) add(line int, where, format string, args ...any) {
	m.found = append(m.found, Mistake{Line: line, Where: where, Text: fmt.Sprintf(format, args...)})
}

// err returns what was gathered, nil when the file is right.
func (m *mistakes) err(file string) error {
	if len(m.found) == 0 {
		return nil
	}
	slices.SortStableFunc(m.found, func(a, b Mistake) int { return a.Line - b.Line })
	return &LoadError{File: file, Mistakes: m.found}
}
