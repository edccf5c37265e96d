// Command job is the product as it runs, over an embedded store, and what it uses:
// one run in a process of its own.
//
//	job -work transfer ...   transfers until the window is over or everything is done
//	job -work read ...       reads everything again and again; nothing has changed
//	job -work seed ...       fills the store with the outcomes of an earlier transfer
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
	"os"
	"runtime"
	"runtime/pprof"
	"time"

	"contactsync/benchmark/measure"
	"contactsync/benchmark/stage"
	"contactsync/shared/app"
	"contactsync/shared/config"
	"contactsync/shared/credentials"
	"contactsync/shared/observe"
	"contactsync/shared/poll"
	"contactsync/shared/status"
	"contactsync/shared/status/dynamostore"
	"contactsync/shared/status/embedded"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "job:", err)
		os.Exit(1)
	}
}

type options struct {
	work           string
	file, table    string
	workers        int
	warmUp, window time.Duration
	altered        bool
	profile        string
}

func run(args []string, in io.Reader, out io.Writer) error {
	var o options
	flags := flag.NewFlagSet("job", flag.ContinueOnError)
	flags.StringVar(&o.work, "work", "transfer", "transfer, read or seed")
	flags.StringVar(&o.file, "file", "", "file of the embedded store")
	flags.StringVar(&o.table, "table", "", "address of a stand-in for DynamoDB, which is used instead of a file, with a new table")
	flags.IntVar(&o.workers, "workers", 5, "transfers at once")
	flags.DurationVar(&o.warmUp, "warm-up", time.Second, "what is not measured")
	flags.DurationVar(&o.window, "window", 8*time.Second, "what is measured")
	flags.BoolVar(&o.altered, "altered", false, "seed: the outcomes are those of other values, so that every contact is a changed one")
	flags.StringVar(&o.profile, "profile", "", "file for a CPU profile; the file beside it with .heap is one of allocations")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var where stage.Addresses
	if err := json.NewDecoder(in).Decode(&where); err != nil {
		return fmt.Errorf("the addresses: %w", err)
	}
	store, closeStore, err := o.open(context.Background())
	if err != nil {
		return err
	}
	counted := &countedStore{Store: store}
	a, err := assemble(where, o, counted)
	if err != nil {
		return err
	}
	result, err := o.do(context.Background(), a, counted)
	if err := errors.Join(err, closeStore()); err != nil {
		return err
	}
	if o.work == "seed" {
		err = compact(o.file)
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(result)
}

// open opens the store: a file without fsync, or a table.
func (o options) open(ctx context.Context) (status.Store, func() error, error) {
	if o.table == "" {
		store, err := embedded.Open(embedded.Config{Connection: "default", Path: o.file, NoSync: true})
		if err != nil {
			return nil, nil, err
		}
		return store, store.Close, nil
	}
	name := fmt.Sprint("transfers-", os.Getpid())
	store, err := dynamostore.New(dynamostore.Config{Connection: "default", Table: name, AWS: stage.AWS(o.table)})
	if err != nil {
		return nil, nil, err
	}
	return store, func() error { return nil }, stage.NewTable(ctx, o.table, name)
}

func assemble(where stage.Addresses, o options, store status.Store) (*app.App, error) {
	cfg, err := config.Load(append(where.Environ(), fmt.Sprint("WORKERS=", o.workers)))
	if err != nil {
		return nil, err
	}
	// The log is written as in the function, and to nowhere.
	log := observe.NewLogger(io.Discard, cfg.LogLevel, cfg.Connection)
	secrets, err := credentials.NewProvider(credentials.Config{Fetcher: credentials.Static([]byte(where.Secret)), Log: log})
	if err != nil {
		return nil, err
	}
	return app.Assemble(app.Parts{Config: cfg, Secrets: secrets, Store: store, Log: log})
}

func (o options) do(ctx context.Context, a *app.App, store *countedStore) (measure.Result, error) {
	if o.work == "seed" {
		file, ok := store.Store.(*embedded.Store)
		if !ok {
			return measure.Result{}, errors.New("only a file can be seeded")
		}
		return measure.Result{}, seed(ctx, a, file, o.altered)
	}
	app.TuneMemory(os.Environ()) // as in the function; seeding keeps more than a run does
	stop, err := o.startProfile()
	if err != nil {
		return measure.Result{}, err
	}
	watch := measure.WatchMemory()
	var result measure.Result
	switch o.work {
	case "transfer":
		result, err = o.transfer(ctx, a, store)
	case "read":
		result, err = o.read(ctx, a, store)
	default:
		err = fmt.Errorf("unknown work %q", o.work)
	}
	result.PeakOwn, result.PeakAll = watch.Peak()
	return result, errors.Join(err, stop())
}

func (o options) startProfile() (stop func() error, err error) {
	if o.profile == "" {
		return func() error { return nil }, nil
	}
	runtime.MemProfileRate = 512 << 10
	f, err := os.Create(o.profile)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, err
	}
	return func() error {
		pprof.StopCPUProfile()
		heap, err := os.Create(o.profile + ".heap")
		if err != nil {
			return err
		}
		return errors.Join(pprof.Lookup("allocs").WriteTo(heap, 0), heap.Close(), f.Close())
	}, nil
}

func counters(a *app.App, store *countedStore) measure.Counters {
	return measure.Counters{Contacts: store.saved.Load, Calls: a.Target.Calls, Reads: a.Source.Calls, Writes: store.writes.Load}
}

// transfer measures the middle of one run.
func (o options) transfer(ctx context.Context, a *app.App, store *countedStore) (measure.Result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	var summary status.Run
	var runErr error
	go func() {
		defer close(done)
		summary, runErr = a.Run(ctx, poll.Event{Mode: poll.Poll})
	}()
	result, finished := counters(a, store).For(o.warmUp, o.window, done)
	cancel()
	<-done
	result.Ran = describe(summary)
	if finished && runErr != nil {
		return result, runErr
	}
	if c := summary.Counts; c.Failed+c.Retrying+c.Skipped+c.Linked > 0 {
		return result, fmt.Errorf("not what was to be measured: %s", result.Ran)
	}
	return result, nil
}

// read measures whole runs that read everything and find nothing to do.
func (o options) read(ctx context.Context, a *app.App, store *countedStore) (measure.Result, error) {
	count := counters(a, store)
	var read int64
	count.Contacts = func() int64 { return read }
	from := count.Take()
	for end := time.Now().Add(o.window); time.Now().Before(end); {
		summary, err := a.Run(ctx, poll.Event{Mode: poll.Backfill, From: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)})
		if err != nil {
			return measure.Result{}, err
		}
		if c := summary.Counts; c.Unchanged != c.Read || c.Read == 0 {
			return measure.Result{}, fmt.Errorf("not what was to be measured: %s", describe(summary))
		}
		read += int64(summary.Counts.Read)
	}
	return measure.Between(from, count.Take()), nil
}

func describe(r status.Run) string {
	c := r.Counts
	return fmt.Sprintf("read %d created %d updated %d linked %d unchanged %d skipped %d failed %d retrying %d pending %d",
		c.Read, c.Created, c.Updated, c.Linked, c.Unchanged, c.Skipped, c.Failed, c.Retrying, c.Pending)
}
