package main

import (
	"regexp"
	"strings"
)

// ours are the colours of paint: the only controls that reach a terminal.
var ours = regexp.MustCompile("\x1b\\[(?:0|1|2|31|32|33|36)m")

// visible makes a text of controls that a terminal would obey: numbers, values and
// mapping files are written by others, and what they hold is shown and never done.
// Our own colours stay where colours are shown.
func (at screen) visible(text string) string {
	if !at.Colour {
		return strings.Map(sign, text)
	}
	var out strings.Builder
	end := 0
	for _, place := range ours.FindAllStringIndex(text, -1) {
		out.WriteString(strings.Map(sign, text[end:place[0]]))
		out.WriteString(text[place[0]:place[1]])
		end = place[1]
	}
	out.WriteString(strings.Map(sign, text[end:]))
	return out.String()
}

// sign is the sign that stands for a control; other characters stand for
// themselves. It is as wide as one character, so that tables keep their columns.
func sign(r rune) rune {
	switch {
	case r == '\n':
		return r
	case r < ' ':
		return r + '␀'
	case r == 0x7f:
		return '␡'
	case r >= 0x80 && r < 0xa0, // the same controls in one character
		r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069: // turn the direction of what follows
		return '�'
	}
	return r
}
