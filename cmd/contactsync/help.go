package main

import (
	"fmt"
	"strings"
)

// usage writes pairs of a command and what it is for as the end of a help text.
// Lines that begin with blanks are shown as they stand.
func usage(pairs ...string) string {
	longest := 0
	for i := 0; i < len(pairs); i += 2 {
		longest = max(longest, len(pairs[i]))
	}
	var text strings.Builder
	text.WriteString("Examples:\n")
	for i := 0; i < len(pairs); i += 2 {
		if longest > 46 {
			fmt.Fprintf(&text, "\n  # %s\n  %s\n", pairs[i+1], pairs[i])
			continue
		}
		fmt.Fprintf(&text, "\n  %-*s   # %s", longest, pairs[i], pairs[i+1])
	}
	return text.String()
}
