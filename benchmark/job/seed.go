package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"

	"contactsync/shared/app"
	"contactsync/shared/contact"
	"contactsync/shared/customer"
	"contactsync/shared/poll"
	"contactsync/shared/status/embedded"
	"contactsync/shared/transfer"
)

// seed takes every contact of Business Central through the product's own transfer,
// with a destination that says yes at once, and stores what comes of it in bulk: a
// million outcomes in less than a minute.
func seed(ctx context.Context, a *app.App, store *embedded.Store, altered bool) error {
	ledger := &ledger{store: store}
	runner, err := transfer.New(transfer.Config{
		Source: a.Source, Target: yes{}, Ledger: ledger, Mapping: a.Mapping, HashKey: a.HashKey, SystemID: a.Config.IPaaSSystemID,
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	var group sync.WaitGroup
	jobs, failed := make(chan *contact.Contact, 256), make(chan error, 1)
	for range 2 {
		group.Go(func() {
			for c := range jobs {
				if altered {
					c.City = "Elsewhere"
					c.Modified = c.Modified.Add(-time.Hour)
				}
				if _, err := runner.Transfer(ctx, transfer.Job{Contact: c, Trigger: transfer.ByPoll, RunID: "seed"}); err != nil {
					select {
					case failed <- err:
					default:
					}
				}
			}
		})
	}
	for item, err := range a.Source.Changed(ctx, poll.Window{}) {
		if err != nil {
			return err
		}
		if item.Contact != nil {
			jobs <- item.Contact
		}
	}
	close(jobs)
	group.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return ledger.flush(ctx)
	}
}

// compact writes a file anew without the pages that filling it left free: the library
// keeps a list of them in memory, which would be measured with the run.
func compact(path string) error {
	from, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	to, err := bolt.Open(path+".new", 0o600, &bolt.Options{NoSync: true, NoFreelistSync: true})
	if err != nil {
		return errors.Join(err, from.Close())
	}
	err = errors.Join(bolt.Compact(to, from, 64<<20), to.Close(), from.Close())
	if err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// ledger keeps outcomes until there are enough of them for one transaction.
type ledger struct {
	transfer.Ledger // nil: nothing else is asked of it
	store           *embedded.Store

	mu     sync.Mutex
	states []transfer.State
}

func (l *ledger) Claim(_ context.Context, _ transfer.Key, claim transfer.Claim, _ time.Time, seed transfer.State) (transfer.State, error) {
	seed.Claim = claim
	return seed, nil
}

func (l *ledger) KeyOf(_ context.Context, ref contact.Ref) (transfer.Key, bool, error) {
	return transfer.Key{No: contact.Key(ref.No)}, false, nil
}

func (l *ledger) Number(_ context.Context, no string) (transfer.Number, error) {
	return transfer.Number{Key: transfer.Key{No: contact.Key(no)}}, nil
}

func (l *ledger) Point(_ context.Context, _, id string) (transfer.Number, error) {
	return transfer.Number{Key: transfer.Key{ID: id}, Found: true, First: id}, nil
}

func (l *ledger) Save(ctx context.Context, s transfer.State, _ string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.states = append(l.states, s); len(l.states) < 20_000 {
		return nil
	}
	return l.flushLocked(ctx)
}

func (l *ledger) flush(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.flushLocked(ctx)
}

func (l *ledger) flushLocked(ctx context.Context) error {
	err := l.store.Import(ctx, l.states)
	l.states = l.states[:0]
	return err
}

// yes is an iPaaS.com that creates what it is given, at once. The customer of
// contact CT0000041 is 42, as in the process with the simulators.
type yes struct{ transfer.Target }

func (yes) CustomerByExternalID(context.Context, string) (string, error) { return "", nil }

func (yes) CustomersByEmail(context.Context, string) ([]transfer.Existing, error) { return nil, nil }

func (yes) Create(_ context.Context, c customer.Customer) (transfer.Existing, error) {
	n, err := strconv.Atoi(strings.TrimPrefix(c.Text("customer_number"), "CT"))
	return transfer.Existing{ID: strconv.Itoa(n + 1), LinksKnown: true, ExternalID: c.ExternalID}, err
}
