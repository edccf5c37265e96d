package main

import (
	"fmt"
	"strings"
)

// A target is what was to be reached, and whether it was.
type target struct {
	what, want, got string
	met             bool
}

// targets compares what was measured with what was to be reached.
func (r *results) targets() []target {
	var all []target
	add := func(met bool, what, want, got string) { all = append(all, target{what, want, got, met}) }
	for _, c := range r.jobs {
		if c.Latency > 0 {
			add(c.throughput() >= 0.95, fmt.Sprintf("throughput, %s, %d ms, %d workers", c.Kind, c.Latency.Milliseconds(), c.Workers), "0.95 of the floor's", fmt.Sprintf("%.2f", c.throughput()))
		}
	}
	for _, c := range append(append([]cell{}, r.jobs...), r.table...) {
		if c.Kind == "new" && c.Latency == 0 {
			where := "embedded store"
			if c.Table {
				where = "DynamoDB"
			}
			add(c.cpu() <= 1.25, fmt.Sprintf("CPU per new contact, %d workers, %s", c.Workers, where), "1.25 times the floor's", fmt.Sprintf("%.2f", c.cpu()))
		}
	}
	if n := len(r.readings); n > 0 {
		least, last, most, slowest := r.readings[0].PeakOwn, r.readings[n-1].PeakOwn, int64(0), r.readings[0].PerCore()
		for _, x := range r.readings {
			most, slowest = max(most, x.PeakOwn), min(slowest, x.PerCore())
		}
		add(slowest >= 80_000, "unchanged contacts, the slowest size", "80,000 a second and core", number(slowest))
		add(most < 96e6, "memory", "under 96 MB", fmt.Sprintf("%.0f MB", float64(most)/1e6))
		add(float64(last) <= 1.1*float64(least), "memory from the smallest to the largest size", "flat within 10 %", fmt.Sprintf("%+.0f %%", 100*(float64(last)/float64(least)-1)))
		e := growth(r.readings)
		add(e >= 0.95 && e <= 1.05, "growth of the processor time with contacts", "exponent 0.95 to 1.05", fmt.Sprintf("%.2f", e))
	}
	for _, l := range r.benchmarks {
		if strings.HasSuffix(l.Name, "MapValidateEncode") {
			add(1e9/l.Nanos >= 150_000, "mapping, validating and encoding", "150,000 a second and core", number(1e9/l.Nanos))
		}
	}
	if b := r.beginning; b != nil {
		add(b.Product.Milliseconds() < 12, "start to ready", "under 12 ms", fmt.Sprintf("%.1f ms", float64(b.Product)/1e6))
		add(b.Size < 16e6, "binary, arm64", "under 16 MB", fmt.Sprintf("%.1f MB", float64(b.Size)/1e6))
		add(b.Zipped < 6e6, "the same zipped", "under 6 MB", fmt.Sprintf("%.1f MB", float64(b.Zipped)/1e6))
	}
	for _, row := range r.rates {
		add(row.Used >= 0.9 && row.Refused < 0.01, "IPAAS_RATE=auto, "+row.Name, "90 % used, under 1 % refused", fmt.Sprintf("%.0f %%, %.2f %%", 100*row.Used, 100*row.Refused))
	}
	return all
}

func targetTable(all []target) string {
	var s strings.Builder
	s.WriteString("| | target | measured | |\n| --- | --- | ---: | --- |\n")
	for _, t := range all {
		verdict := "met"
		if !t.met {
			verdict = "**missed**"
		}
		fmt.Fprintf(&s, "| %s | %s | %s | %s |\n", t.what, t.want, t.got, verdict)
	}
	return s.String()
}
