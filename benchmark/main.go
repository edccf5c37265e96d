// Command benchmark measures speed, memory and cost of the product against a floor
// that makes the unavoidable calls only, and writes docs/performance.md. Run it by
// make bench; scripts/bench says what it takes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Getenv("BENCH_DYNALITE"), os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "benchmark:", err)
		os.Exit(1)
	}
}

// parts are what is measured, in this order.
var parts = []string{"jobs", "read", "table", "start", "benchmarks", "rate"}

func run(ctx context.Context, args []string, dynalite string, out, log io.Writer) error {
	flags := flag.NewFlagSet("benchmark", flag.ContinueOnError)
	full := flags.Bool("full", false, "longer runs")
	write := flags.Bool("write", false, "rewrite the measured parts and the charts of docs/performance.md")
	only := flags.String("only", strings.Join(parts, ","), "the parts to measure")
	if err := flags.Parse(args); err != nil {
		return err
	}
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "benchmark")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	b := &bench{
		ctx: ctx, root: root, binaries: filepath.Join(root, "build", "bench"), folder: folder, dynalite: dynalite, log: log,
		window: 4 * time.Second, warmUp: 700 * time.Millisecond, rounds: 2, scale: 1,
	}
	times, benchtime := 3, "150ms"
	if *full {
		b.window, b.rounds, times, benchtime = 20*time.Second, 3, 10, "1s"
	}
	r, problem := b.all(strings.Split(*only, ","), times, benchtime)
	r.print(out)
	if *write && ctx.Err() == nil {
		problem = errors.Join(problem, r.write(filepath.Join(root, "docs")))
	}
	return problem
}

// all measures the chosen parts. One that fails does not keep the others from being
// measured.
func (b *bench) all(chosen []string, times int, benchtime string) (*results, error) {
	r := &results{machine: machine()}
	if err := b.build(); err != nil {
		return r, err
	}
	measure := map[string]func() error{
		"jobs":  func() (err error) { r.jobs, err = b.jobs(cells()); return err },
		"read":  func() (err error) { r.readings, err = b.readings(); return err },
		"table": func() (err error) { r.table, err = b.overTable(); return err },
		"start": func() error {
			begin, err := b.beginning()
			if err == nil {
				r.beginning = &begin
			}
			return err
		},
		"benchmarks": func() (err error) { r.benchmarks, err = b.benchmarks(times, benchtime); return err },
		"rate":       func() (err error) { r.rates, err = b.rates(); return err },
	}
	var problems []error
	for _, part := range parts {
		if slices.Contains(chosen, part) && b.ctx.Err() == nil {
			b.say("measuring: %s", part)
			problems = append(problems, measure[part]())
		}
	}
	return r, errors.Join(problems...)
}

// overTable measures AWS's own client along, over a stand-in for DynamoDB.
func (b *bench) overTable() ([]cell, error) {
	if b.dynalite == "" {
		b.say("left out: there is no dynalite (node and npm are needed once, see scripts/bench)")
		return nil, nil
	}
	return b.jobs([]cell{{Kind: "new", Workers: 5, Table: true}, {Kind: "new", Workers: 20, Latency: 20 * time.Millisecond, Table: true}})
}

// print writes every table.
func (r *results) print(out io.Writer) {
	sections := r.sections()
	fmt.Fprintln(out, r.machine)
	for _, name := range append(slices.Clone(parts), "cost", "targets") {
		if text, there := sections[name]; there {
			fmt.Fprintf(out, "\n== %s\n%s", name, text)
		}
	}
}
