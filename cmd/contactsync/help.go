package main

import (
	"fmt"
	"slices"
	"strings"
)

// usage writes pairs of a command and what it is for as the end of a help text.
// Lines that begin with blanks are shown as they stand.
func usage(pairs ...string) string {
	longest := 0
	for pair := range slices.Chunk(pairs, 2) {
		longest = max(longest, len(pair[0]))
	}
	var text strings.Builder
	text.WriteString("Examples:\n")
	for pair := range slices.Chunk(pairs, 2) {
		if longest > 46 {
			fmt.Fprintf(&text, "\n  # %s\n  %s\n", pair[1], pair[0])
			continue
		}
		fmt.Fprintf(&text, "\n  %-*s   # %s", longest, pair[0], pair[1])
	}
	return text.String()
}
