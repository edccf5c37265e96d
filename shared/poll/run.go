// Package poll does one run: requests and due retries first, then the contacts
// that changed, page by page, with a watermark that moves only past contacts
// whose outcome is stored. A run is bounded by its context's deadline; the next
// one goes on where it stopped.
package poll

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"contactsync/shared/contact"
	"contactsync/shared/status"
	"contactsync/shared/transfer"
)

// Transferer transfers single contacts; see [transfer.Runner].
type Transferer interface {
	Transfer(ctx context.Context, job transfer.Job) (transfer.Transfer, error)
	Preview(ctx context.Context, job transfer.Job) (transfer.Preview, error)
	Settled(ctx context.Context, c *contact.Contact, known *transfer.State) (transfer.Status, bool, error)
}

// Mapping is what a run must know of the mapping collection.
type Mapping interface {
	Enabled() bool
	Digest() string
}

// Pace tells until when the other sides asked for patience; the zero time when
// they did not.
type Pace interface {
	HeldUntil() time.Time
}

// Upkeep keeps the Business Central subscription alive. Its note is for the run's
// reader; its errors never stop a run.
type Upkeep interface {
	Keep(ctx context.Context) (note string, err error)
}

// Config says what a run works with. Source, Store, Transfers, Mapping and
// Connection are required.
type Config struct {
	Connection string
	Source     Source
	Store      status.Store
	Transfers  Transferer
	Mapping    Mapping
	Pace       Pace   // nil: nobody asks for patience
	Upkeep     Upkeep // nil: there is no subscription to keep

	Overlap  time.Duration // how far a poll reads again behind its watermark; 15 minutes if zero
	Workers  int           // transfers at once; 5 if zero
	Now      func() time.Time
	Log      *slog.Logger
	Progress func(status.Counts) // called after each batch; may be nil
}

// A Poller does runs, one after another.
type Poller struct{ cfg Config }

// New checks cfg, fills in the defaults and returns a Poller. It makes no calls.
func New(cfg Config) (*Poller, error) {
	if cfg.Source == nil || cfg.Store == nil || cfg.Transfers == nil || cfg.Mapping == nil || cfg.Connection == "" {
		return nil, errors.New("poll: Config needs Connection, Source, Store, Transfers and Mapping")
	}
	cfg.Overlap = cmp.Or(cfg.Overlap, 15*time.Minute)
	cfg.Workers = cmp.Or(cfg.Workers, 5)
	cfg.Log = cmp.Or(cfg.Log, slog.Default())
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Progress == nil {
		cfg.Progress = func(status.Counts) {}
	}
	return &Poller{cfg}, nil
}

// Mode says what a run does.
type Mode string

// The modes of design.md 1.4; Stream is a run that the table's stream started.
const (
	Poll     Mode = "poll"
	Backfill Mode = "backfill"
	Stream   Mode = "stream"
)

// An Event starts a run.
type Event struct {
	Mode     Mode
	From, To time.Time // of a backfill; To is exclusive and may be zero
	DryRun   bool
	Requests []transfer.Request // of a stream event
}

// Check returns what makes the event impossible to follow, nil if nothing does.
func (e Event) Check() error {
	switch {
	case e.Mode != Poll && e.Mode != Backfill && e.Mode != Stream:
		return fmt.Errorf("mode %q is unknown: poll or backfill", e.Mode)
	case e.Mode == Backfill && e.From.IsZero():
		return errors.New("a backfill needs from: the time of change it starts at, such as 2024-01-01T00:00:00Z")
	case e.Mode == Backfill && !e.To.IsZero() && e.To.Before(e.From):
		return errors.New("a backfill's to lies before its from")
	case e.Mode != Backfill && (!e.From.IsZero() || !e.To.IsZero()):
		return errors.New("from and to belong to the mode backfill")
	}
	return nil
}

// Run does one run and returns its summary, which is stored too unless the run
// was busy or dry. The error says why the run itself could not work, never that
// single contacts failed; the summary stands beside it.
func (p *Poller) Run(ctx context.Context, e Event) (status.Run, error) {
	if err := e.Check(); err != nil {
		return status.Run{}, err
	}
	r := p.newRun(e)
	if !p.cfg.Mapping.Enabled() {
		r.sum.Disabled, r.sum.Complete = true, true
		return r.finish(ctx, nil)
	}
	paused, err := p.cfg.Store.Paused(ctx)
	if err != nil {
		return r.finish(ctx, err)
	}
	if paused {
		r.sum.Paused, r.sum.Complete = true, true
		return r.finish(ctx, nil)
	}
	if e.DryRun {
		return r.finish(ctx, r.work(ctx))
	}
	if e.Mode == Stream {
		if r.event.Requests, err = r.stillPending(ctx); err != nil {
			return r.finish(ctx, err)
		}
		if len(r.event.Requests) == 0 {
			r.sum.Complete, r.sum.FinishedAt = true, r.sum.StartedAt
			return r.sum, nil // images of items that are done: nothing to run for
		}
	}
	return r.leased(ctx)
}

// run is one run under way.
type run struct {
	cfg    Config
	event  Event
	id     string
	pool   *pool
	sum    status.Run
	tally  *tally
	looked span            // what the windows of this run looked at so far
	seen   map[string]bool // tokens of requests that this run took up already
	woken  []transfer.Request

	mu      sync.Mutex
	claimed map[string]bool // tokens of requests whose contact was claimed elsewhere; false once it was tried again
}

func (p *Poller) newRun(e Event) *run {
	now := p.cfg.Now().UTC().Truncate(time.Millisecond)
	id := now.Format("20060102T150405.000Z") + "-" + strings.ToLower(rand.Text()[:8])
	return &run{
		cfg: p.cfg, event: e, id: id, tally: newTally(), seen: map[string]bool{}, claimed: map[string]bool{},
		sum: status.Run{ID: id, Connection: p.cfg.Connection, Mode: string(e.Mode), StartedAt: now, DryRun: e.DryRun},
	}
}

// finish completes the summary, stores it and logs it.
func (r *run) finish(ctx context.Context, err error) (status.Run, error) {
	r.sum.FinishedAt = r.cfg.Now().UTC().Truncate(time.Millisecond)
	r.sum.Counts = r.tally.counts()
	if err != nil {
		r.sum.Complete = false
		r.sum.Problem = &transfer.Problem{Code: transfer.FaultOf(err).Code, Detail: transfer.DetailOf(err)}
	}
	if !r.sum.Busy && !r.sum.DryRun {
		ctx, cancel := toStore(ctx)
		defer cancel()
		if storeErr := r.cfg.Store.PutRun(ctx, r.sum); storeErr != nil {
			err = errors.Join(err, fmt.Errorf("store run %s: %w", r.id, storeErr))
		}
	}
	return r.sum, err
}

// work does the run. Time that runs out is no error: complete stays false.
func (r *run) work(ctx context.Context) error {
	r.pool = newPool(r)
	err := r.phases(ctx)
	r.pool.wait()
	if err == nil || errors.Is(err, errTimeUp) {
		err = r.pool.failure(err)
	} else if failure := r.pool.failure(nil); failure != nil && !errors.Is(failure, errTimeUp) {
		err = failure // the cause; what the reading says then is its consequence
	}
	if errors.Is(err, errTimeUp) {
		r.sum.Complete = false
		return nil
	}
	r.sum.Complete = err == nil
	return err
}

func (r *run) phases(ctx context.Context) error {
	// Whatever this run does, its answer tells how far the poll has come.
	cursor, err := r.cfg.Store.Cursor(ctx, status.PollFlow)
	if err != nil {
		return r.readingFailed(ctx, err)
	}
	r.sum.Watermark = cursor.Watermark
	schema, err := r.cfg.Source.Schema(ctx)
	if err != nil {
		return r.readingFailed(ctx, err)
	}
	r.note(schema.Note)
	if r.event.Mode == Stream {
		return r.stream(ctx, schema)
	}
	r.upkeep(ctx)
	if err := r.requests(ctx); err != nil {
		return err
	}
	if err := r.retries(ctx); err != nil {
		return err
	}
	return r.windows(ctx, schema)
}

// windows reads the changed contacts, and once more for each wake-up that
// arrived while it was reading.
func (r *run) windows(ctx context.Context, schema Schema) error {
	for {
		woken := r.woken
		r.woken = nil
		if err := r.window(ctx, schema); err != nil {
			return err
		}
		if r.event.Mode != Backfill { // a wake-up asks for a poll
			if err := r.done(ctx, woken...); err != nil {
				return err
			}
		}
		r.forgetClaimed()
		if err := r.requests(ctx); err != nil {
			return err
		}
		if len(r.woken) == 0 || r.event.Mode == Backfill {
			return nil
		}
	}
}

func (r *run) upkeep(ctx context.Context) {
	if r.cfg.Upkeep == nil || r.event.DryRun {
		return
	}
	note, err := r.cfg.Upkeep.Keep(ctx)
	if err != nil {
		r.cfg.Log.WarnContext(ctx, "the Business Central subscription could not be kept", "run_id", r.id, "error", err)
		note = "the Business Central subscription could not be kept; polling carries on: " + transfer.FaultOf(err).Code
	}
	r.note(note)
}

// note keeps a sentence for the run's reader, once.
func (r *run) note(text string) {
	if text != "" && !slices.Contains(r.sum.Notes, text) {
		r.sum.Notes = append(r.sum.Notes, text)
	}
}

// errTimeUp ends a run whose time ran out: what is left is for the next one.
var errTimeUp = errors.New("the time of this run is up")

// reserve is the time before the deadline in which nothing new is begun: calls end
// a second before it, and what is finished is stored in the rest.
const reserve = 2500 * time.Millisecond

func timeUp(ctx context.Context) bool {
	if ctx.Err() != nil {
		return true
	}
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) < reserve
}

// toStore returns the context in which a run stores how far it came, and its
// summary: with the patience of a table that throttles as long as there is time for
// it, and beyond the end of ctx, for the last seconds are kept for this.
func toStore(ctx context.Context) (context.Context, context.CancelFunc) {
	const least, most = 2 * time.Second, 10 * time.Second
	patience := most
	if deadline, ok := ctx.Deadline(); ok {
		patience = min(most, max(least, time.Until(deadline)-reserve))
	}
	return context.WithTimeout(context.WithoutCancel(ctx), patience)
}

// readingFailed judges an error of the source: our own deadline and a wait beyond
// it end the run quietly.
func (r *run) readingFailed(ctx context.Context, err error) error {
	if errors.Is(err, transfer.ErrThrottled) || timeUp(ctx) {
		return errTimeUp
	}
	return err
}
