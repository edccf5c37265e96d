package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The smallest run of everything that is not a Go benchmark, so that the bench does
// not rot: it measures nothing that would mean anything.
func TestTheBenchMeasuresEverything(t *testing.T) {
	if testing.Short() {
		t.Skip("it compiles the programs that are measured")
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	b := &bench{
		ctx: t.Context(), root: root, binaries: t.TempDir(), folder: t.TempDir(), log: &log,
		window: 200 * time.Millisecond, warmUp: 50 * time.Millisecond, rounds: 1, scale: 0.01,
	}
	if err := b.build(); err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	r := &results{machine: machine()}
	if r.jobs, err = b.jobs([]cell{{Kind: "new", Workers: 5}, {Kind: "changed", Workers: 5, Latency: 5 * time.Millisecond}}); err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	for _, c := range r.jobs {
		want := map[string]float64{"new": 3, "changed": 1}[c.Kind]
		if calls := c.Product.Each(float64(c.Product.Calls)); c.Product.Contacts == 0 || c.Floor.Contacts == 0 || calls < 0.5*want || calls > 2*want {
			t.Errorf("%s: %d contacts with %.2f calls each, the floor %d; want some with %.0f", c.Kind, c.Product.Contacts, calls, c.Floor.Contacts, want)
		}
	}
	one, err := b.reading(500)
	if err != nil || one.Contacts < 500 || one.Calls != 0 {
		t.Fatalf("%+v, %v; want 500 unchanged contacts without a call", one, err)
	}
	r.readings = []reading{one, {People: 5000, Result: one.Result}}
	if begin, err := b.beginning(); err != nil {
		t.Error(err)
	} else {
		r.beginning = &begin
	}
	r.benchmarks = parseBenchmarks("pkg: contactsync/shared/mapping\nBenchmarkApply-2   \t  100\t 1570 ns/op\t 1456 B/op\t 31 allocs/op\n")
	if len(r.benchmarks) != 1 || r.benchmarks[0].Nanos != 1570 || r.benchmarks[0].Count != 31 {
		t.Errorf("parsed %+v", r.benchmarks)
	}
	r.rates = []rateRow{{Name: "a", File: "a", Calls: 1, Used: 1, Allowed: [][2]float64{{0, 1}}, Made: [][2]float64{{0, 1}}}}
	writesThePage(t, r, root)
}

// writesThePage rewrites a copy of docs/performance.md: every marker is there.
func writesThePage(t *testing.T, r *results, root string) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(root, "docs", "performance.md"))
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "performance.md"), page, 0o600); err != nil {
		t.Fatal(err)
	}
	r.table = r.jobs
	if err := r.write(folder); err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(filepath.Join(folder, "performance.md"))
	if err != nil || !strings.Contains(string(written), "| mapping Apply | 1.57µs |") {
		t.Errorf("the page does not hold what was measured: %v", err)
	}
	for name := range r.charts() {
		if !strings.Contains(string(page), "performance/"+name) && !strings.HasPrefix(name, "rate-") {
			t.Errorf("the page does not show the chart %s", name)
		}
	}
}

func TestAnUnknownMarkerIsAnError(t *testing.T) {
	if _, err := replace("no markers", "jobs", "text"); err == nil {
		t.Error("want an error that names the marker")
	}
	if page, err := replace("a\n<!-- measured: x -->\nold\n<!-- end of x -->\nb", "x", "new\n"); err != nil || page != "a\n<!-- measured: x -->\nnew\n<!-- end of x -->\nb" {
		t.Errorf("got %q, %v", page, err)
	}
}

func TestTheMedianAndTheGrowth(t *testing.T) {
	linear := []reading{{People: 1000}, {People: 10_000}, {People: 100_000}}
	for i := range linear {
		linear[i].Contacts, linear[i].CPUSeconds = int64(linear[i].People), float64(linear[i].People)/1e5
	}
	if e := growth(linear); e < 0.999 || e > 1.001 {
		t.Errorf("exponent %f, want 1", e)
	}
	if m := median([]time.Duration{3e9, 1e9, 2e9}); m != 2*time.Second {
		t.Errorf("median %s, want 2 s", m)
	}
}

func TestCostsGrowWithTheirCauses(t *testing.T) {
	costs := transferCosts(5)
	for i, c := range costs {
		if sum := c.Lambda + c.Table + c.Logs; c.Together <= 0 || sum < 0.99*c.Together || sum > 1.01*c.Together {
			t.Errorf("%d: %+v does not add up", i, c)
		}
	}
	if costs[1].Lambda <= costs[0].Lambda {
		t.Error("waiting for the rate costs nothing")
	}
}
