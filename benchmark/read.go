package main

import (
	"errors"
	"math"
	"os"

	"contactsync/benchmark/measure"
)

// A reading is the measurement of contacts that have not changed.
type reading struct {
	People int
	measure.Result
}

// seconds returns how long one run takes.
func (r reading) seconds() float64 { return r.Seconds * float64(r.People) / float64(r.Contacts) }

// cpuSeconds returns the processor time of one run.
func (r reading) cpuSeconds() float64 { return r.CPUSeconds * float64(r.People) / float64(r.Contacts) }

// readings measures reading everything when nothing has changed.
func (b *bench) readings() ([]reading, error) {
	var all []reading
	for _, people := range []int{10_000, 100_000, 1_000_000} {
		r, err := b.reading(int(float64(people) * b.scale))
		if err != nil {
			return all, err
		}
		all = append(all, r)
		b.say("%9d unchanged: %.0f contacts/s, %.0f a core, %.0f MB", r.People, r.PerSecond(), r.PerCore(), float64(r.PeakOwn)/1e6)
	}
	return all, nil
}

func (b *bench) reading(people int) (_ reading, err error) {
	s, err := b.serve(people, 0)
	if err != nil {
		return reading{}, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	file := b.file("read.db")
	defer func() { _ = os.Remove(file) }()
	if _, err := b.measured(s, "job", "-work", "seed", "-file", file); err != nil {
		return reading{}, err
	}
	r, err := b.measured(s, "job", "-work", "read", "-file", file, "-window", b.window.String())
	return reading{people, r}, err
}

// growth returns the exponent with which the processor time of a run grows with
// the number of contacts: the slope of a straight line through the logarithms.
func growth(all []reading) float64 {
	var n, sx, sy, sxx, sxy float64
	for _, r := range all {
		x, y := math.Log(float64(r.People)), math.Log(r.cpuSeconds())
		n, sx, sy, sxx, sxy = n+1, sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	return ratio(n*sxy-sx*sy, n*sxx-sx*sx)
}
