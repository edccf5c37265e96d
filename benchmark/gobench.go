package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A line is the outcome of one Go benchmark: medians of its repetitions.
type line struct {
	Name  string
	Nanos float64
	Bytes float64
	Count float64 // allocations
	Extra string  // a metric of its own: 423023 rows/s
}

// benchmarked are the benchmarks of the parts that a contact passes through, by
// package.
var benchmarked = []struct{ packages, pattern string }{
	{"./shared/mapping", "Apply|AppendSources|Load$"},
	{"./shared/transfer", "Settled|FieldHashes|MapValidateEncode"},
	{"./shared/businesscentral", "DecodePage"},
	{"./shared/ipaas", "Encode$|Decode$"},
	{"./shared/outbound", "Do$"},
	{"./shared/status/embedded", "StatesOfAPage|ClaimAndSave"},
	{"./shared/status/dynamostore", "States$|ClaimAndSave"},
	{"./shared/webhook", "Handshake|Notification$"},
}

// benchmarks runs the Go benchmarks and keeps their output for benchstat.
func (b *bench) benchmarks(times int, benchtime string) ([]line, error) {
	var all bytes.Buffer
	for _, g := range benchmarked {
		cmd := exec.CommandContext(b.ctx, "go", "test", "-run", "^$", "-bench", g.pattern, "-benchtime", benchtime, "-count", strconv.Itoa(times), "-benchmem", g.packages)
		cmd.Dir, cmd.Stdout, cmd.Stderr = b.root, io.MultiWriter(&all, b.log), b.log
		if err := cmd.Run(); err != nil {
			return nil, fmt.Errorf("the benchmarks of %s: %w", g.packages, err)
		}
	}
	path := filepath.Join(b.binaries, "benchmarks.txt")
	b.say("the benchmarks' output, for benchstat: %s", path)
	return parseBenchmarks(all.String()), os.WriteFile(path, all.Bytes(), 0o600)
}

// parseBenchmarks reads the output of go test -bench.
func parseBenchmarks(output string) []line {
	var names []string
	found := map[string]map[string][]float64{}
	pkg := ""
	for text := range strings.Lines(output) {
		fields := strings.Fields(text)
		if len(fields) == 2 && fields[0] == "pkg:" {
			pkg = strings.TrimPrefix(fields[1], "contactsync/shared/")
		}
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(fields[0], "Benchmark"), "-")
		name = pkg + " " + name
		if found[name] == nil {
			names, found[name] = append(names, name), map[string][]float64{}
		}
		for i := 2; i+1 < len(fields); i += 2 {
			if value, err := strconv.ParseFloat(fields[i], 64); err == nil {
				found[name][fields[i+1]] = append(found[name][fields[i+1]], value)
			}
		}
	}
	lines := make([]line, 0, len(names))
	for _, name := range names {
		l := line{Name: name}
		for unit, values := range found[name] {
			slices.Sort(values)
			value := values[len(values)/2]
			switch unit {
			case "ns/op":
				l.Nanos = value
			case "B/op":
				l.Bytes = value
			case "allocs/op":
				l.Count = value
			case "MB/s":
			default:
				l.Extra = fmt.Sprintf("%.0f %s", value, unit)
			}
		}
		lines = append(lines, l)
	}
	return lines
}
