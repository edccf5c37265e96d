package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A rateRow is how IPAAS_RATE=auto did against one limit that it did not know.
type rateRow struct {
	Name    string  `json:"name"`
	File    string  `json:"file"`
	Calls   int     `json:"calls"`
	Used    float64 `json:"used"`    // of what was allowed, once it was found
	Whole   float64 `json:"whole"`   // the same from the first call on
	Refused float64 `json:"refused"` // of all calls, from the first on

	Allowed [][2]float64 `json:"allowed"` // calls a second over time
	Made    [][2]float64 `json:"made"`
}

// rates plays the scenes of ./benchmark/rate, which take hours and no time: their
// clock is that of a synctest bubble.
func (b *bench) rates() ([]rateRow, error) {
	path := filepath.Join(b.binaries, "rates.jsonl")
	_ = os.Remove(path)
	cmd := exec.CommandContext(b.ctx, "go", "test", "-count=1", "./benchmark/rate", "-rows", path)
	cmd.Dir, cmd.Stdout, cmd.Stderr = b.root, b.log, b.log
	runErr := cmd.Run()
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("the scenes of the rate: %w", runErr)
	}
	defer func() { _ = f.Close() }()
	var rows []rateRow
	scanner := bufio.NewScanner(f)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		var row rateRow
		if err := json.Unmarshal(scanner.Bytes(), &row); err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, scanner.Err()
}

func rateTable(rows []rateRow) string {
	var s strings.Builder
	s.WriteString("| what iPaaS.com allows | calls made | used of it, once found | from the first call on | refused, from the first call on |\n| --- | ---: | ---: | ---: | ---: |\n")
	for _, r := range rows {
		fmt.Fprintf(&s, "| %s | %s | %.1f %% | %.1f %% | %.2f %% |\n", r.Name, number(float64(r.Calls)), 100*r.Used, 100*r.Whole, 100*r.Refused)
	}
	return s.String()
}
