package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// results are everything that was measured; what was left out is empty.
type results struct {
	machine    string
	jobs       []cell
	readings   []reading
	table      []cell
	beginning  *beginning
	benchmarks []line
	rates      []rateRow
}

// sections returns the measured parts of docs/performance.md by their markers' names.
func (r *results) sections() map[string]string {
	all := map[string]string{}
	add := func(name string, there bool, text func() string) {
		if there {
			all[name] = text()
		}
	}
	add("jobs", len(r.jobs) > 0, func() string { return cellTable(r.jobs) })
	add("read", len(r.readings) > 0, r.readTable)
	add("table", len(r.table) > 0, func() string { return cellTable(r.table) })
	add("start", r.beginning != nil, r.startTable)
	add("benchmarks", len(r.benchmarks) > 0, r.benchmarkTable)
	add("rate", len(r.rates) > 0, func() string { return rateTable(r.rates) })
	add("cost", true, costTable)
	if targets := r.targets(); len(targets) > 0 {
		all["targets"] = targetTable(targets)
	}
	all["machine"] = r.machine + "\n"
	return all
}

func cellTable(cells []cell) string {
	var s strings.Builder
	s.WriteString("| contacts | latency | workers | contacts/s | floor | ratio | CPU s per 1,000 | floor | ratio | calls each | writes each | allocations each | peak memory |\n" +
		"| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, c := range cells {
		p, f := c.Product, c.Floor
		fmt.Fprintf(&s, "| %s | %d ms | %d | %s | %s | %.2f | %.3f | %.3f | %.2f | %.2f | %.2f | %.0f | %.0f MB |\n", c.Kind, c.Latency.Milliseconds(), c.Workers,
			number(p.PerSecond()), number(f.PerSecond()), c.throughput(), p.CPUPerThousand(), f.CPUPerThousand(), c.cpu(),
			p.Each(float64(p.Calls)), p.Each(float64(p.Writes)), p.Each(float64(p.Allocations)), float64(p.PeakOwn)/1e6)
	}
	return s.String()
}

func (r *results) readTable() string {
	var s strings.Builder
	s.WriteString("| contacts | one run | contacts/s | contacts/s a core | calls of Business Central a run | allocations each | peak memory | with the mapped file |\n" +
		"| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, x := range r.readings {
		fmt.Fprintf(&s, "| %s | %.2f s | %s | %s | %.0f | %.1f | %.0f MB | %.0f MB |\n", number(float64(x.People)), x.seconds(), number(x.PerSecond()), number(x.PerCore()),
			x.Each(float64(x.Reads))*float64(x.People), x.Each(float64(x.Allocations)), float64(x.PeakOwn)/1e6, float64(x.PeakAll)/1e6)
	}
	fmt.Fprintf(&s, "\nThe processor time of a run grows with the number of contacts to the power of %.2f.\n", growth(r.readings))
	return s.String()
}

func (r *results) startTable() string {
	b := r.beginning
	return fmt.Sprintf("| | poll function | a Go program that does nothing else |\n| --- | ---: | ---: |\n| process start to the first request for an event | %.1f ms | %.1f ms |\n"+
		"| binary, arm64 | %.1f MB | |\n| the same zipped | %.1f MB | |\n",
		float64(b.Product)/1e6, float64(b.Floor)/1e6, float64(b.Size)/1e6, float64(b.Zipped)/1e6)
}

func (r *results) benchmarkTable() string {
	var s strings.Builder
	s.WriteString("| benchmark | time | a second and core | allocations | |\n| --- | ---: | ---: | ---: | --- |\n")
	for _, l := range r.benchmarks {
		fmt.Fprintf(&s, "| %s | %s | %s | %.0f | %s |\n", strings.ReplaceAll(l.Name, "|", "/"), time.Duration(l.Nanos).String(), number(1e9/l.Nanos), l.Count, l.Extra)
	}
	return s.String()
}

func costTable() string {
	var s strings.Builder
	s.WriteString("| | Lambda | table | logs and metrics | together |\n| --- | ---: | ---: | ---: | ---: |\n")
	for _, c := range append(transferCosts(5), idleMonth()...) {
		fmt.Fprintf(&s, "| %s | $%.2f | $%.2f | $%.2f | **$%.2f** |\n", c.Name, c.Lambda, c.Table, c.Logs, c.Together)
	}
	return s.String()
}

// number writes a count with separators.
func number(v float64) string {
	digits := fmt.Sprintf("%.0f", v)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// machine says where it was measured.
func machine() string {
	model := runtime.GOARCH
	if data, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for text := range strings.Lines(string(data)) {
			if name, value, found := strings.Cut(text, ":"); found && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	return fmt.Sprintf("%s, %s/%s, %d cores (%s).", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), model)
}

// whole reports whether every part was measured; the one over a table need not be.
func (r *results) whole() bool {
	return len(r.jobs) > 0 && len(r.readings) > 0 && r.beginning != nil && len(r.benchmarks) > 0 && len(r.rates) > 0
}

// charts returns the SVG files of docs/performance by name.
func (r *results) charts() map[string]string {
	all := map[string]string{}
	if len(r.jobs) > 0 {
		var throughput, cpu []bar
		for _, c := range append(append([]cell{}, r.jobs...), r.table...) {
			label := fmt.Sprintf("%s, %d ms, %d workers", c.Kind, c.Latency.Milliseconds(), c.Workers)
			if c.Table {
				label += ", table"
			}
			mark := 0.95
			if c.Latency == 0 {
				mark = 0
			}
			throughput = append(throughput, bar{label, c.throughput(), mark, fmt.Sprintf("%.2f (%s/s)", c.throughput(), number(c.Product.PerSecond()))})
			cpu = append(cpu, bar{label, c.Product.CPUPerThousand(), c.Floor.CPUPerThousand(), fmt.Sprintf("%.3f s, floor %.3f s", c.Product.CPUPerThousand(), c.Floor.CPUPerThousand())})
		}
		all["throughput.svg"] = bars("Throughput as a part of the floor's; the line is the target", throughput)
		all["cpu.svg"] = bars("Processor seconds per 1,000 contacts; the line is the floor", cpu)
	}
	if len(r.readings) > 0 {
		var memory, speed []bar
		for _, x := range r.readings {
			label := number(float64(x.People)) + " contacts"
			memory = append(memory, bar{label, float64(x.PeakOwn) / 1e6, 96, fmt.Sprintf("%.0f MB", float64(x.PeakOwn)/1e6)})
			speed = append(speed, bar{label, x.PerCore(), 80_000, number(x.PerCore()) + " a second"})
		}
		all["memory.svg"] = bars("Peak memory of a run over unchanged contacts; the line is the limit", memory)
		all["unchanged.svg"] = bars("Unchanged contacts per second and core; the line is the target", speed)
	}
	for _, row := range r.rates {
		if len(row.Allowed) > 0 {
			all["rate-"+row.File+".svg"] = lines("IPAAS_RATE=auto: "+row.Name, "calls a second", []series{
				{"what iPaaS.com allows", "#c0392b", row.Allowed}, {"calls made", "#2f6f9f", row.Made},
			})
		}
	}
	return all
}

// write puts the measured parts between their markers in docs/performance.md and
// writes the charts beside it.
func (r *results) write(folder string) error {
	path := filepath.Join(folder, "performance.md")
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	page := string(text)
	for name, section := range r.sections() {
		if name == "targets" && !r.whole() {
			continue // a part of the verdicts would look like all of them
		}
		if page, err = replace(page, name, section); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Join(folder, "performance"), 0o750); err != nil {
		return err
	}
	for name, chart := range r.charts() {
		if err := os.WriteFile(filepath.Join(folder, "performance", name), []byte(chart), 0o600); err != nil {
			return err
		}
	}
	return os.WriteFile(path, []byte(page), 0o600)
}

// replace puts a section between its markers.
func replace(page, name, section string) (string, error) {
	begin, end := "<!-- measured: "+name+" -->\n", "<!-- end of "+name+" -->"
	head, rest, found := strings.Cut(page, begin)
	_, tail, closed := strings.Cut(rest, end)
	if !found || !closed {
		return "", fmt.Errorf("docs/performance.md has no markers for %q: a line %q and a line %q", name, strings.TrimSpace(begin), end)
	}
	return head + begin + section + end + tail, nil
}
