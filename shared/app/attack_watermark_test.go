package app_test

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"log/slog"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"contactsync/shared/app/apptest"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/ipaas/ipaastest"
	"contactsync/shared/poll"
	"contactsync/shared/status"
	"contactsync/shared/transfer"
)

// Guarantees 1 and 8: the watermark passes nothing that is not stored, and every
// run makes headway.

// quiet is the log of parts that a test makes itself.
var quiet = slog.New(slog.DiscardHandler)

// runWith does a run of a World with some of its parts replaced.
func runWith(ctx context.Context, t *testing.T, w *apptest.World, cfg poll.Config, e poll.Event) (status.Run, error) {
	t.Helper()
	runner, err := w.App.Runner()
	if err != nil {
		t.Fatal(err)
	}
	cfg.Connection, cfg.Mapping, cfg.Now, cfg.Log = w.App.Config.Connection, w.App.Mapping, w.Clock.Now, quiet
	cfg.Store = cmp.Or(cfg.Store, w.Store)
	cfg.Source = cmp.Or[poll.Source](cfg.Source, w.App.Source)
	cfg.Transfers = cmp.Or[poll.Transferer](cfg.Transfers, runner)
	p, err := poll.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p.Run(ctx, e)
}

func cursorOf(t *testing.T, w *apptest.World, flow status.Flow) status.Cursor {
	t.Helper()
	c, err := w.Store.Cursor(t.Context(), flow)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestALaterPageThatIsSettledDoesNotTakeTheWatermarkPastAnEarlierOneThatIsNot(t *testing.T) {
	w := apptest.New(t, apptest.Options{Source: businesscentraltest.Config{MaxPageSize: 1}})
	many(w, 3)
	for _, no := range []string{"P00001", "P00002"} {
		w.Sync(no)
	}
	// The first contact is under way until the second page is asked for, and ends
	// with a cause that stops the run.
	gate := ipaastest.NewGate()
	w.Target.Fail(ipaastest.Script{Route: ipaastest.CustomerCreate, Times: -1, Effect: ipaastest.Effect{Before: gate.Wait, Status: http.StatusUnauthorized}})
	w.Source.Inject(businesscentraltest.Fault{Route: businesscentraltest.RouteContacts, Match: followed, After: func(*http.Request) { gate.Open() }})

	run, err := w.App.Run(t.Context(), poll.Event{Mode: poll.Poll})
	gate.Open()
	if !errors.Is(err, transfer.DestinationUnauthorized) || run.Complete {
		t.Fatalf("got %+v, %v; want DESTINATION_UNAUTHORIZED", run, err)
	}
	if c := cursorOf(t, w, status.PollFlow); !c.Watermark.IsZero() || c.Next != "" || !c.Resume.IsZero() {
		t.Errorf("got %+v, want a window that begins before the first contact", c)
	}
	w.Target.ResetFaults()
	w.Restart()
	if run := w.Poll(); run.Counts.Created != 1 || !run.Complete {
		t.Errorf("afterwards %+v, want the first contact created", run.Counts)
	}
}

// unreadable is a store that cannot look up the n-th group of contacts, the first
// being 1.
type unreadable struct {
	status.Store
	n     int64
	looks *atomic.Int64
}

func (u unreadable) States(ctx context.Context, keys []transfer.Key) (map[transfer.Key]transfer.State, error) {
	if u.looks.Add(1) == u.n {
		return nil, status.ErrUnavailable
	}
	return u.Store.States(ctx, keys)
}

func TestTheWatermarkDoesNotPassContactsThatTheStoreCouldNotLookUp(t *testing.T) {
	const total = 150 // looked up in two groups
	for name, n := range map[string]int64{"the first of a page": 1, "the last of a page": 2} {
		t.Run(name, func(t *testing.T) {
			w := apptest.New(t)
			many(w, total)
			run, err := runWith(t.Context(), t, w, poll.Config{Store: unreadable{w.Store, n, new(atomic.Int64)}}, poll.Event{Mode: poll.Poll})
			if !errors.Is(err, status.ErrUnavailable) || run.Complete {
				t.Fatalf("got %+v, %v; want the store's error", run, err)
			}
			first, _ := w.Source.Contact("P00000")
			if c := cursorOf(t, w, status.PollFlow); c.Watermark.After(first.Modified) || c.Next != "" {
				t.Errorf("got %+v, want a window that begins with the page", c)
			}
			if run := w.Poll(); !run.Complete || w.Target.CountCustomers() != total {
				t.Errorf("afterwards %+v and %d customers, want %d", run.Counts, w.Target.CountCustomers(), total)
			}
		})
	}
}

// cutShort is a source whose pages break off after some rows.
type cutShort struct {
	poll.Source
	rows  int
	cause error
	over  *atomic.Bool // set at the break, if not nil
}

func (c cutShort) Changed(ctx context.Context, w poll.Window) iter.Seq2[poll.Item, error] {
	return func(yield func(poll.Item, error) bool) {
		n := 0
		for item, err := range c.Source.Changed(ctx, w) {
			if n == c.rows {
				if c.over != nil {
					c.over.Store(true)
				}
				yield(poll.Item{}, c.cause)
				return
			}
			if n++; !yield(item, err) {
				return
			}
		}
	}
}

func TestARunThatSeesOnlyAPartOfAPageMakesHeadway(t *testing.T) {
	const total = 450
	unavailable := transfer.SourceUnavailable.Fail("list contacts", "the connection broke")
	tests := []struct {
		name    string
		event   poll.Event
		flow    status.Flow
		cut     cutShort
		wantErr error // of the runs that were cut
	}{
		{"a poll whose time is over", poll.Event{Mode: poll.Poll}, status.PollFlow, cutShort{cause: context.DeadlineExceeded, over: new(atomic.Bool)}, nil},
		{"a poll whose source breaks off", poll.Event{Mode: poll.Poll}, status.PollFlow, cutShort{cause: unavailable}, transfer.SourceUnavailable},
		{"a backfill whose time is over", poll.Event{Mode: poll.Backfill, From: apptest.Start}, status.BackfillFlow, cutShort{cause: context.DeadlineExceeded, over: new(atomic.Bool)}, nil},
		{"a backfill whose source breaks off", poll.Event{Mode: poll.Backfill, From: apptest.Start}, status.BackfillFlow, cutShort{cause: unavailable}, transfer.SourceUnavailable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := apptest.New(t, apptest.Options{Source: businesscentraltest.Config{MaxPageSize: total}})
			many(w, total)
			tt.cut.Source, tt.cut.rows = w.App.Source, 250
			var resumed time.Time
			read := 0
			// Contacts are looked up by the hundred: of 250 rows the last 50 are not done. A
			// run begins with the last row that the one before has done.
			for i := range 3 {
				ctx := &timebox{Context: t.Context()}
				if tt.cut.over != nil {
					tt.cut.over = &ctx.over
				}
				run, err := runWith(ctx, t, w, poll.Config{Source: tt.cut}, tt.event)
				read += run.Counts.Read
				if run.Complete {
					break
				}
				if !errors.Is(err, tt.wantErr) {
					t.Fatalf("run %d: got %v, want %v", i, err, tt.wantErr)
				}
				c := cursorOf(t, w, tt.flow)
				if !c.Open || !c.Resume.After(resumed) || !c.From.Equal(tt.event.From) {
					t.Fatalf("run %d: got %+v, want the same window, to go on later than %s", i, c, resumed)
				}
				resumed = c.Resume
			}
			if n := w.Target.CountCustomers(); n != total || read > total+2 {
				t.Errorf("%d customers of %d reads, want %d without reading a page twice", n, read, total)
			}
			if c := cursorOf(t, w, tt.flow); c.Open {
				t.Errorf("got %+v, want the window finished", c)
			}
		})
	}
}

func TestACallThatTimedOutIsAFailureOfTheSourceWhileTheRunHasTimeLeft(t *testing.T) {
	for name, tt := range map[string]struct {
		left    time.Duration
		wantErr bool
	}{
		"a run with an hour left":      {time.Hour, true},
		"a run whose deadline is near": {2 * time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := apptest.New(t)
			many(w, 3)
			ctx := &timebox{Context: t.Context()}
			cut := cutShort{Source: w.App.Source, rows: 2, cause: context.DeadlineExceeded}
			if tt.left < time.Minute {
				cut.over = &ctx.over
			}
			run, err := runWith(ctx, t, w, poll.Config{Source: cut}, poll.Event{Mode: poll.Poll})
			if run.Complete || (err != nil) != tt.wantErr || (run.Problem != nil) != tt.wantErr {
				t.Errorf("got %+v, %v; want a failed run: %t", run, err, tt.wantErr)
			}
		})
	}
}
