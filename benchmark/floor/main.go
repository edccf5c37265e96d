// Command floor makes the calls that nobody can spare, and nothing else: for a new
// contact two look-ups, one create and three writes of items; for a changed one an
// update and two writes. Bodies and items lie ready before the clock starts; nothing
// is read of Business Central, mapped, compared, decided, logged or tried again.
// What the product takes more is what it adds.
//
//	floor -kind new|changed -people 1000 -file FILE
//
// It reads where everything is ([stage.Addresses]) from its input and writes a
// [measure.Result].
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"contactsync/benchmark/measure"
	"contactsync/benchmark/stage"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

func run(args []string, in io.Reader, out io.Writer) error {
	flags := flag.NewFlagSet("floor", flag.ContinueOnError)
	kind := flags.String("kind", "new", "new or changed")
	count := flags.Int("people", 1000, "contacts")
	path := flags.String("file", "", "file of the table")
	dynamo := flags.String("table", "", "address of a stand-in for DynamoDB, which is used instead of a file")
	workers := flags.Int("workers", 5, "contacts at once")
	warmUp := flags.Duration("warm-up", time.Second, "what is not measured")
	window := flags.Duration("window", 8*time.Second, "what is measured")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *kind == "ready" {
		return ready(os.Getenv("AWS_LAMBDA_RUNTIME_API"))
	}
	var where stage.Addresses
	if err := json.NewDecoder(in).Decode(&where); err != nil {
		return fmt.Errorf("the addresses: %w", err)
	}
	var table table
	var err error
	size := fileItem
	if *dynamo != "" {
		size = tableItem
		table, err = openDynamo(context.Background(), *dynamo)
	} else {
		table, err = openFile(*path, *kind == "changed")
	}
	if err != nil {
		return err
	}
	f := &floor{table: table, target: newTarget(where, *workers)}
	if f.work, err = prepare(context.Background(), where, *count, size, *kind == "new"); err != nil {
		return err
	}
	if err := table.prepare(f.work); err != nil {
		return err
	}
	result, err := f.measure(*workers, *warmUp, *window)
	if err := errors.Join(err, table.close()); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(result)
}

// ready does what a function does at least before it is ready: it asks for an event.
func ready(api string) error {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://"+api+"/2018-06-01/runtime/invocation/next", nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

// floor is the work and who does it.
type floor struct {
	table  table
	target *target
	work   []contact
	next   atomic.Int64
	done   atomic.Int64
}

func (f *floor) measure(workers int, warmUp, window time.Duration) (measure.Result, error) {
	watch := measure.WatchMemory()
	finished, failed := make(chan struct{}), make(chan error, workers)
	var stop atomic.Bool
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for i := f.next.Add(1) - 1; i < int64(len(f.work)) && !stop.Load(); i = f.next.Add(1) - 1 {
				if err := f.one(&f.work[i]); err != nil {
					failed <- err
					return
				}
				f.done.Add(1)
			}
		})
	}
	go func() { group.Wait(); close(finished) }()
	result, _ := measure.Counters{Contacts: f.done.Load, Calls: f.target.calls.Load, Writes: f.table.count}.For(warmUp, window, finished)
	stop.Store(true)
	<-finished
	result.PeakOwn, result.PeakAll = watch.Peak()
	select {
	case err := <-failed:
		return result, err
	default:
		return result, nil
	}
}

// one is everything that a contact cannot do without.
func (f *floor) one(c *contact) error {
	if err := f.table.look(c); err != nil {
		return err
	}
	if err := f.table.claim(c); err != nil {
		return err
	}
	if c.isNew {
		if err := f.table.point(c); err != nil {
			return err
		}
	}
	for i := range c.requests {
		if err := f.target.send(&c.requests[i]); err != nil {
			return err
		}
	}
	return f.table.outcome(c)
}
