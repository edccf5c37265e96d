package load_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"contactsync/torture/calls"
	"contactsync/torture/tally"
)

var contacts = flag.Int("contacts", 2_000, "contacts of the load test")

// Three runs over all contacts with edits between and meanwhile, stream events,
// manual syncs and hooks at the same time, and every fiftieth call going wrong: in
// the end each contact has its one customer with the newest content and its outcome
// stored, and memory does not grow with what was transferred.
func TestLoadLosesAndDoublesNothing(t *testing.T) {
	n := *contacts
	count := tally.Begin(t, fmt.Sprintf("load: %d contacts, three runs, all at once", n))
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.populate(n)
		faults := &troubles{}
		faults.begin(w)
		var heap []uint64
		for round := range 3 {
			w.everythingAtOnce(round, n)
			heap = append(heap, live())
		}
		if missing := faults.missing(); len(missing) > 0 && n >= 50_000 {
			t.Errorf("these faults never happened: %s", strings.Join(missing, "; "))
		}
		faults.end(w)
		w.settle()
		v := w.judge()
		hit := int(faults.sum())
		row := tally.Row{Tried: hit, Survived: hit, Lost: v.lost, Doubled: v.doubled}
		if v.lost+v.doubled+v.wrong > 0 {
			row.Survived = max(0, hit-v.lost-v.doubled-v.wrong)
			t.Errorf("%d lost, %d doubled, %d otherwise wrong:\n%s\n%s", v.lost, v.doubled, v.wrong, strings.Join(v.text, "\n"), w.tail())
		}
		count.Add(row)
		t.Logf("calls that went wrong:\n%s", faults)
		w.flat(heap)
	})
}

// everythingAtOnce polls until a run is complete. Meanwhile contacts are edited and
// transferred by hand, by hooks and by the table's stream.
func (w *world) everythingAtOnce(round, n int) {
	w.t.Helper()
	r := rand.New(rand.NewPCG(uint64(round), 1))
	for range n / 20 {
		w.edit(r, n)
	}
	time.Sleep(time.Hour) // so that what is tried again is due
	var all sync.WaitGroup
	each := func(seed uint64, times int, do func(r *rand.Rand)) {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(round), seed))
			for range times {
				time.Sleep(time.Duration(r.IntN(400)) * time.Millisecond)
				do(r)
			}
		})
	}
	each(2, n/200, func(r *rand.Rand) { w.edit(r, n) })
	each(3, n/500, func(r *rand.Rand) { w.sync(r, n, 20, http.StatusOK) })
	each(4, n/2_000, func(r *rand.Rand) { w.sync(r, n, 100, http.StatusAccepted) })
	each(5, n/500, func(r *rand.Rand) { w.hook(r, n, 10) })
	each(6, n/200, func(*rand.Rand) { w.stream(100) })
	w.pollUntilComplete(n)
	all.Wait()
	w.pollUntilComplete(n)
}

func (w *world) pollUntilComplete(n int) {
	w.t.Helper()
	for range 200 + n/100 {
		answer, err := w.poll(`{}`)
		if err == nil && answer.Complete {
			return
		}
		time.Sleep(time.Second)
	}
	w.t.Fatalf("no run is complete\n%s", w.tail())
}

func some(r *rand.Rand, n, many int) []string {
	ids := make([]string, many)
	for i := range ids {
		ids[i] = fmt.Sprintf("P%06d|contact", r.IntN(n))
	}
	return ids
}

func (w *world) sync(r *rand.Rand, n, many, want int) {
	code := w.post("/transfers", map[string]any{"ids": some(r, n, many)})
	if code != want && code != http.StatusServiceUnavailable {
		w.t.Errorf("manual sync: %d, want %d or 503", code, want)
	}
}

func (w *world) hook(r *rand.Rand, n, many int) {
	var hooks []any
	for _, id := range some(r, n, many) {
		hooks = append(hooks, map[string]string{"scope": "contact/updated", "external_id": id})
	}
	if code := w.post("/hooks", map[string]any{"notifications": hooks}); code != http.StatusAccepted && code != http.StatusServiceUnavailable {
		w.t.Errorf("hook: %d, want 202 or 503", code)
	}
}

// settle lets time pass, without further faults, until nothing is left to do.
func (w *world) settle() {
	w.t.Helper()
	for range 30 {
		time.Sleep(62 * time.Second)
		answer, err := w.poll(`{}`)
		if err != nil || !answer.Complete || answer.Created+answer.Updated+answer.Linked > 0 {
			continue
		}
		waiting, retrying, err := calls.Open(w.t.Context(), w.disk)
		if err != nil {
			w.t.Fatal(err)
		}
		if waiting+len(retrying) == 0 {
			return
		}
		for _, t := range retrying {
			if wait := time.Until(t.NextAttemptAt); wait > 0 {
				time.Sleep(wait)
			}
		}
	}
	w.t.Errorf("work is left for ever\n%s", w.tail())
}

// What memory may do besides holding the simulators' own records. Each is several
// times what is seen.
const (
	mayGrow = 24 << 20 // bytes between two runs that add no contact
	mayHold = 24 << 20 // bytes while a run reads every contact: one page is a few MB
)

func live() uint64 {
	runtime.GC()
	runtime.GC() // what the first one found unreachable by way of finalizers
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// flat makes sure that memory depends neither on how many contacts were transferred
// nor on how many a run reads.
func (w *world) flat(heap []uint64) {
	w.t.Helper()
	if heap[2] > heap[1]+mayGrow {
		w.t.Errorf("the third run left %d MB more than the second", (heap[2]-heap[1])>>20)
	}
	before, peak, pages := live(), uint64(0), 0
	onPage := func() {
		if pages++; pages%20 == 1 {
			peak = max(peak, live())
		}
	}
	w.progress.Store(&onPage)
	defer w.progress.Store(nil)
	answer, err := w.poll(`{"mode":"backfill","from":"1999-01-01T00:00:00Z"}`)
	if err != nil || !answer.Complete || answer.Created+answer.Updated+answer.Linked > 0 {
		w.t.Errorf("a backfill with nothing to do: %+v, %v", answer, err)
	}
	if pages == 0 || peak > before+mayHold {
		w.t.Errorf("a run over everything holds %d MB, seen after %d pages", (int64(peak)-int64(before))>>20, pages)
	}
	w.t.Logf("live heap after the runs %d, %d, %d MB; while all is read %+.1f MB", heap[0]>>20, heap[1]>>20, heap[2]>>20, float64(int64(peak)-int64(before))/(1<<20))
}
