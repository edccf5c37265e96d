package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"contactsync/benchmark/measure"
)

// A cell is one measurement: the product and the floor in turns, against the same
// servers, within the same minute.
type cell struct {
	Kind    string // new or changed
	Latency time.Duration
	Workers int
	Table   bool // DynamoDB's stand-in instead of the embedded store
	Product measure.Result
	Floor   measure.Result
}

func (c cell) throughput() float64 { return ratio(c.Product.PerSecond(), c.Floor.PerSecond()) }

func (c cell) cpu() float64 { return ratio(c.Product.CPUPerThousand(), c.Floor.CPUPerThousand()) }

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// cells are those of the whole-job measurement.
func cells() []cell {
	var all []cell
	for _, kind := range []string{"new", "changed"} {
		for _, latency := range []time.Duration{0, 20 * time.Millisecond, 50 * time.Millisecond} {
			for _, workers := range []int{5, 20} {
				all = append(all, cell{Kind: kind, Latency: latency, Workers: workers})
			}
		}
	}
	return all
}

// fastest is more than any round does at latency 0, contacts per second.
var fastest = map[string]float64{"new": 9000, "changed": 16000}

// people returns how many contacts a round can use up.
func (b *bench) people(c cell) int {
	seconds := (b.warmUp + b.window).Seconds() + 0.5
	perSecond := fastest[c.Kind]
	if c.Latency > 0 {
		calls := map[string]float64{"new": 3, "changed": 1}[c.Kind]
		perSecond = min(perSecond, float64(c.Workers)/(calls*c.Latency.Seconds()))
	}
	if c.Table {
		perSecond = min(perSecond, 2500)
	}
	return int(perSecond*seconds) + 500
}

// jobs measures cells.
func (b *bench) jobs(all []cell) ([]cell, error) {
	var problems []error
	for i := range all {
		if err := b.job(&all[i]); err != nil {
			problems = append(problems, fmt.Errorf("%s, %s, %d workers: %w", all[i].Kind, all[i].Latency, all[i].Workers, err))
			continue
		}
		c := all[i]
		b.say("%-7s %5s %2d workers: %6.0f contacts/s, floor %6.0f: %.2f; CPU %.3f s per 1,000, floor %.3f: %.2f", c.Kind, c.Latency, c.Workers,
			c.Product.PerSecond(), c.Floor.PerSecond(), c.throughput(), c.Product.CPUPerThousand(), c.Floor.CPUPerThousand(), c.cpu())
	}
	return all, errors.Join(problems...)
}

func (b *bench) job(c *cell) (err error) {
	people := b.people(*c)
	s, err := b.serve(people, c.Latency)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	linked := 0
	if c.Kind == "changed" {
		linked = people
	}
	table := []string{}
	if c.Table {
		d, err := b.startDynalite()
		if err != nil {
			return err
		}
		defer d.stop()
		table = []string{"-table", d.address}
	} else if c.Kind == "changed" {
		_ = os.Remove(b.file("seeded.db"))
		if _, err := b.measured(s, "job", "-work", "seed", "-altered", "-file", b.file("seeded.db")); err != nil {
			return err
		}
	}
	for range b.rounds {
		for _, name := range []string{"job", "floor"} {
			if err := b.round(s, c, name, people, linked, table); err != nil {
				return err
			}
		}
	}
	return nil
}

// round measures the product or the floor once, with everything as it was at first.
func (b *bench) round(s *servers, c *cell, name string, people, linked int, table []string) error {
	if err := s.reset(b.ctx, linked); err != nil {
		return err
	}
	file := b.file(name + ".db")
	if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	args := append([]string{"-file", file, "-workers", fmt.Sprint(c.Workers), "-warm-up", b.warmUp.String(), "-window", b.window.String()}, table...)
	sum := &c.Product
	if name == "floor" {
		sum = &c.Floor
		args = append(args, "-kind", c.Kind, "-people", fmt.Sprint(people))
	}
	if c.Kind == "changed" && !c.Table {
		if err := copyFile(file, b.file("seeded.db")); err != nil {
			return err
		}
	}
	r, err := b.measured(s, name, args...)
	*sum = sum.Add(r)
	return err
}
