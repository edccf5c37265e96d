// Package measure reads what a process has used so far: the same way in the product
// and in the floor, so that the two can be compared.
package measure

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"runtime"
	"runtime/metrics"
	"sync/atomic"
	"syscall"
	"time"
)

// A Sample is what a process has used since its start.
type Sample struct {
	At       time.Time
	CPU      time.Duration // user and system
	Mallocs  uint64
	Contacts int64
	Calls    int64 // to iPaaS.com
	Reads    int64 // of Business Central
	Writes   int64 // of items of the table
}

// Counters are what the measured work counts itself.
type Counters struct {
	Contacts, Calls, Reads, Writes func() int64
}

// Take takes a sample.
func (c Counters) Take() Sample {
	s := Sample{At: time.Now(), CPU: CPU(), Mallocs: mallocs()}
	for _, n := range []struct {
		to   *int64
		from func() int64
	}{{&s.Contacts, c.Contacts}, {&s.Calls, c.Calls}, {&s.Reads, c.Reads}, {&s.Writes, c.Writes}} {
		if n.from != nil {
			*n.to = n.from()
		}
	}
	return s
}

// CPU returns the processor time that the process has used.
func CPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func mallocs() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:objects"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// A Result is what came of one measurement.
type Result struct {
	Contacts    int64   `json:"contacts"`
	Seconds     float64 `json:"seconds"`
	CPUSeconds  float64 `json:"cpu_seconds"`
	Calls       int64   `json:"calls"`
	Reads       int64   `json:"reads"`
	Writes      int64   `json:"writes"`
	Allocations uint64  `json:"allocations"`
	PeakOwn     int64   `json:"peak_own"` // bytes of memory of the process's own: pages of files are not in it
	PeakAll     int64   `json:"peak_all"` // bytes, mapped files included
	Ran         string  `json:"ran,omitempty"`
	Problem     string  `json:"problem,omitempty"`
}

// Between returns what was used from one sample to a later one.
func Between(from, to Sample) Result {
	return Result{
		Contacts: to.Contacts - from.Contacts, Seconds: to.At.Sub(from.At).Seconds(), CPUSeconds: (to.CPU - from.CPU).Seconds(),
		Calls: to.Calls - from.Calls, Reads: to.Reads - from.Reads, Writes: to.Writes - from.Writes, Allocations: to.Mallocs - from.Mallocs,
	}
}

// Add adds what another measurement of the same cell brought.
func (r Result) Add(o Result) Result {
	return Result{
		Contacts: r.Contacts + o.Contacts, Seconds: r.Seconds + o.Seconds, CPUSeconds: r.CPUSeconds + o.CPUSeconds,
		Calls: r.Calls + o.Calls, Reads: r.Reads + o.Reads, Writes: r.Writes + o.Writes, Allocations: r.Allocations + o.Allocations,
		PeakOwn: max(r.PeakOwn, o.PeakOwn), PeakAll: max(r.PeakAll, o.PeakAll), Ran: o.Ran, Problem: r.Problem + o.Problem,
	}
}

// PerSecond returns contacts per second.
func (r Result) PerSecond() float64 { return per(float64(r.Contacts), r.Seconds) }

// PerCore returns contacts per second of processor time.
func (r Result) PerCore() float64 { return per(float64(r.Contacts), r.CPUSeconds) }

// CPUPerThousand returns seconds of processor time for 1,000 contacts.
func (r Result) CPUPerThousand() float64 { return 1000 * per(r.CPUSeconds, float64(r.Contacts)) }

// Each returns n for one contact.
func (r Result) Each(n float64) float64 { return per(n, float64(r.Contacts)) }

func per(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// A Watch follows the memory of the process while it works.
type Watch struct {
	own  atomic.Int64
	stop chan struct{}
	done chan struct{}
}

// WatchMemory looks at the memory every few milliseconds until Peak is called.
func WatchMemory() *Watch {
	w := &Watch{stop: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(w.done)
		ticker := time.NewTicker(20 * time.Millisecond)
		defer ticker.Stop()
		for {
			w.look()
			select {
			case <-w.stop:
				return
			case <-ticker.C:
			}
		}
	}()
	return w
}

func (w *Watch) look() {
	if own := memory("RssAnon:"); own > w.own.Load() {
		w.own.Store(own)
	}
}

// Peak ends the watch and returns the most memory that was seen: of the process's
// own, and with mapped files (the program itself, the file of the embedded store).
func (w *Watch) Peak() (own, all int64) {
	close(w.stop)
	<-w.done
	w.look()
	return w.own.Load(), memory("VmHWM:")
}

// memory reads one line of /proc/self/status in bytes. Where there is none, the
// memory that the runtime holds stands for it.
func memory(line string) int64 {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.Sys - m.HeapReleased)
	}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		if rest, found := bytes.CutPrefix(lines.Bytes(), []byte(line)); found {
			var kib int64
			if _, err := fmt.Sscan(string(rest), &kib); err == nil {
				return kib << 10
			}
		}
	}
	return 0
}

// For measures what happens in a window of the given length after a warm-up, or
// until the work is done if that is earlier. It returns whether the work was done.
func (c Counters) For(warmUp, window time.Duration, done <-chan struct{}) (Result, bool) {
	select {
	case <-done:
	case <-time.After(warmUp):
	}
	from := c.Take()
	finished := false
	select {
	case <-done:
		finished = true
	case <-time.After(window):
	}
	return Between(from, c.Take()), finished
}
