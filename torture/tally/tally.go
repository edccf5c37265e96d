// Package tally counts what the torture tests try and what survives it, so that
// make torture can end with one table.
//
// Only with the flag -tally does it write anything: one line of JSON a test.
package tally

import (
	"encoding/json"
	"flag"
	"os"
	"sync"
	"testing"
	"time"
)

var file = flag.String("tally", "", "file that a row of figures is added to for each kind of fault")

// A Row is the outcome of one kind of fault.
type Row struct {
	Kind     string  // such as "process killed at any call"
	Tried    int     // scenes played, each with faults of this kind
	Survived int     // scenes that ended as without the fault
	Lost     int     // contacts whose customer or outcome is missing at the end
	Doubled  int     // customers that should not be there
	Seconds  float64 // from Begin to the test's end
}

// A Count is a Row in the making. Its methods may be called by many goroutines.
type Count struct {
	begin time.Time
	mu    sync.Mutex
	row   Row
}

// Begin starts a row that is written when t and its subtests have ended.
func Begin(t testing.TB, kind string) *Count {
	t.Helper()
	c := &Count{begin: time.Now(), row: Row{Kind: kind}}
	t.Cleanup(func() {
		if *file == "" {
			return
		}
		if err := c.write(*file); err != nil {
			t.Errorf("tally: %v", err)
		}
	})
	return c
}

// Scene counts t as one scene, which survives unless t fails.
func (c *Count) Scene(t testing.TB) {
	t.Helper()
	c.Add(Row{Tried: 1})
	t.Cleanup(func() {
		if !t.Failed() {
			c.Add(Row{Survived: 1})
		}
	})
}

// Add adds the figures of r, whose kind and seconds do not count.
func (c *Count) Add(r Row) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.row.Tried += r.Tried
	c.row.Survived += r.Survived
	c.row.Lost += r.Lost
	c.row.Doubled += r.Doubled
}

func (c *Count) write(path string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.row.Seconds = time.Since(c.begin).Seconds()
	line, err := json.Marshal(c.row)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	if closing := f.Close(); err == nil {
		err = closing
	}
	return err
}
