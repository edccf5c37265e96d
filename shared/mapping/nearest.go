package mapping

import "strings"

// nearest returns the candidate that a misspelt name most likely means, "" when
// none is near.
func nearest(name string, candidates []string) string {
	best, distance := "", 3
	for _, c := range candidates {
		if squeezed(c) == squeezed(name) {
			return c
		}
		if d := editDistance(strings.ToLower(name), strings.ToLower(c)); d < distance && d <= len(c)/2 {
			best, distance = c, d
		}
	}
	return best
}

// squeezed is a name without what people forget or add: case, blanks, _ and -.
func squeezed(name string) string {
	return strings.ToLower(strings.NewReplacer(" ", "", "_", "", "-", "").Replace(name))
}

// editDistance counts the letters to insert, delete or replace (Levenshtein).
func editDistance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next := min(row[j]+1, row[j+1]+1, diagonal+cost)
			diagonal, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}
