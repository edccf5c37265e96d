// Package transfer takes one contact through the nine steps of the seed
// (Integration Flow) and records what came of it. It owns the outcomes, the
// closed error catalogue and the interfaces of everything it needs; it knows no
// AWS, no HTTP and no wire format.
package transfer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"contactsync/shared/contact"
	"contactsync/shared/mapping"
)

// Policy says what happens in the two cases that the seed leaves to the customer
// (design.md 1.2).
type Policy struct {
	UpdateAndLink          bool // COLLISION_METHOD=UPDATE_AND_LINK; otherwise an e-mail match is DuplicateContact
	TransferWithoutCompany bool // COMPANY_NOT_FOUND=TRANSFER_WITHOUT_COMPANY; otherwise CompanyNotFound
}

// Config says what a Runner works with. Source, Target, Ledger, Mapping and
// HashKey are required.
type Config struct {
	Source  Source
	Target  Target
	Ledger  Ledger
	Mapping *mapping.Collection
	// HashKey returns the key of the hashes that stand for values in the store. It
	// is asked once, with the first contact.
	HashKey  func(ctx context.Context) ([]byte, error)
	SystemID string // the subscription's id in iPaaS.com
	Policy   Policy

	RetryUnit time.Duration    // unit of the retry schedule; 10 minutes if zero
	ClaimFor  time.Duration    // longest claim on a contact; 30 s if zero (guarantee 2c)
	Now       func() time.Time // time.Now if nil
	Log       *slog.Logger     // slog.Default() if nil
}

// A Runner transfers contacts, many at once. It lives for one run: companies are
// looked up once per distinct company in its life.
type Runner struct {
	cfg    Config
	hasher func(ctx context.Context) (*hasher, error)
	known  companies
}

// New checks cfg, fills in the defaults and returns a Runner. It makes no calls.
func New(cfg Config) (*Runner, error) {
	if cfg.Source == nil || cfg.Target == nil || cfg.Ledger == nil || cfg.Mapping == nil || cfg.HashKey == nil {
		return nil, errors.New("transfer: Config needs Source, Target, Ledger, Mapping and HashKey")
	}
	cfg.RetryUnit = cmp.Or(cfg.RetryUnit, 10*time.Minute)
	cfg.ClaimFor = cmp.Or(cfg.ClaimFor, 30*time.Second)
	cfg.Log = cmp.Or(cfg.Log, slog.Default())
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Runner{cfg: cfg, hasher: onceHasher(cfg), known: companies{source: cfg.Source}}, nil
}

// Conditions under which Transfer leaves a contact as it was: no attempt is
// counted and nothing is stored.
var (
	// ErrUnfinished: our own deadline cut the transfer, or left no time for it.
	ErrUnfinished = errors.New("the time ran out before this contact was transferred")
	// ErrLedger: the transfer status store failed. Nothing is certain to be stored.
	ErrLedger = errors.New("the transfer status store failed")
)

// Transfer takes one contact through the nine steps and returns the outcome,
// which is stored. With an error nothing was stored and the contact is as it was;
// the Transfer returned then is Pending. The error is [ErrClaimed] when another
// execution transfers the contact right now, [ErrUnfinished] (perhaps together
// with [ErrThrottled]) when time ran out, [ErrLedger] when the store failed, and
// otherwise one that [StopsRun].
func (r *Runner) Transfer(ctx context.Context, job Job) (Transfer, error) {
	if !r.cfg.Mapping.Enabled() {
		return r.disabled(job), nil
	}
	w := &work{Runner: r, job: job, started: r.now()}
	action, err := w.steps(ctx)
	if w.settled != nil {
		return *w.settled, nil
	}
	outcome, unspent := w.sort(ctx, err)
	if unspent == nil && w.owner == "" {
		// A defect before the claim: its outcome is kept like that of a contact that
		// could not be read.
		unspent = w.claimUnread(ctx)
	}
	if unspent != nil {
		w.giveUp(ctx)
		return w.pending(), unspent
	}
	if w.settled != nil {
		return *w.settled, nil
	}
	// Step 9: transfer status and any errors are logged.
	return w.record(ctx, action, outcome)
}

// steps walks through the seed's Integration Flow. What it returns as an error is
// either the outcome of the transfer (a fault, a skip) or a reason to leave the
// contact unspent.
func (w *work) steps(ctx context.Context) (action Action, err error) {
	defer func() {
		// A defect that one record brings to light must not stop the others.
		if defect := recover(); defect != nil {
			action, err = None, Defect(ctx, w.cfg.Log, "transfer contact "+w.ref().String(), defect, slog.String("contact_no", w.ref().String()))
		}
	}()
	// Steps 1 and 2: the contact was created or updated, and polling, a manual
	// sync, a hook or a notification started this transfer.

	// Step 4: authenticate with Business Central and read the contact. It comes
	// before step 3 because the filter needs the values.
	if err := w.read(ctx); err != nil {
		if !isOutcome(err) {
			return None, err
		}
		if claimErr := w.claimUnread(ctx); claimErr != nil || w.settled != nil {
			return None, claimErr
		}
		return None, err
	}
	if err := w.claim(ctx); err != nil || w.settled != nil {
		return None, err
	}
	ctx, cancel := w.withinClaim(ctx)
	defer cancel()
	if w.unchangedSource() {
		w.warnings = w.row.Warnings // of the same values
		return Unchanged, nil
	}

	// Step 3: the mapping filter. Step 5: the fields. Step 6: CompanyID_Contact
	// becomes the iPaaS.com company id. Step 7: the child collection with the
	// address. All in one evaluation, so that all findings are reported at once.
	if err := w.mapFields(ctx); err != nil {
		return None, err
	}
	if w.unchangedBody() {
		return Unchanged, nil
	}

	// Step 8: the contact is created or updated in iPaaS.com as a customer.
	return w.save(ctx)
}

// work is one contact on its way.
type work struct {
	*Runner
	job     Job
	started time.Time

	contact     contact.Contact // as read
	isRead      bool
	key         Key
	owner       string
	claimUntil  time.Time
	callsEnd    time.Time // claimUntil by the machine's clock, which contexts go by
	row         State     // as the claim returned it
	hash        *hasher
	fingerprint string
	mapped      mapping.Result
	sentHashes  map[string]string // of the body that this transfer wants
	sentNames   []string
	warnings    []string
	last        Key     // where the number led to before this execution saved anything
	first       string  // internal id of the contact that it led to first
	others      []State // of contacts that had our number and whose customer may carry its external id
	mayHaveSent bool    // a call that changes iPaaS.com was started
	sent        bool    // it succeeded
	customerID  string
	externalID  string
	addressID   string

	settled *Transfer // nothing to do: another execution stored the outcome meanwhile
}

// skip is the outcome of a contact that is left out on purpose.
type skip struct{ reason string }

func (s *skip) Error() string { return "skipped: " + s.reason }

func isOutcome(err error) bool {
	if errors.Is(err, ErrLedger) || errors.Is(err, ErrClaimed) || errors.Is(err, ErrThrottled) || StopsRun(err) {
		return false
	}
	_, skipped := errors.AsType[*skip](err)
	_, fault := errors.AsType[*Error](err)
	return skipped || fault
}

// sort tells what the steps returned: the outcome of the transfer (nil for a
// success), or why the contact is left unspent.
func (w *work) sort(ctx context.Context, err error) (outcome, unspent error) {
	switch {
	case err == nil:
		return nil, nil
	case errors.Is(err, ErrLedger) && ctx.Err() != nil:
		return nil, fmt.Errorf("contact %s: %w: %w", w.ref(), ErrUnfinished, ctx.Err())
	case errors.Is(err, ErrLedger), errors.Is(err, ErrClaimed), StopsRun(err):
		return nil, err
	case errors.Is(err, ErrThrottled):
		return nil, fmt.Errorf("contact %s: %w: %w", w.ref(), ErrUnfinished, err)
	case cut(ctx) && !settledAnswer(err):
		return nil, fmt.Errorf("contact %s: %w", w.ref(), ErrUnfinished)
	case errors.Is(err, context.DeadlineExceeded) && FaultOf(err) == Internal:
		return w.tooSlow(err), nil
	}
	return err, nil
}

// tooSlow is the outcome of a contact whose calls did not end within its claim
// although the invocation had time left.
func (w *work) tooSlow(cause error) error {
	fault, side := DestinationUnavailable, "iPaaS.com"
	if !w.isRead {
		fault, side = SourceUnavailable, "Business Central"
	}
	e := fault.Fail("transfer contact "+w.ref().String(), "%s did not answer within %s", side, w.cfg.ClaimFor)
	e.Err = cause
	return e
}

// settledAnswer reports whether err is an answer about this contact, which holds
// however little time is left.
func settledAnswer(err error) bool {
	if _, ok := errors.AsType[*skip](err); ok {
		return true
	}
	fault := FaultOf(err)
	return fault != Internal && fault != SourceUnavailable && fault != DestinationUnavailable
}

// cut reports whether the invocation's own deadline (and not that of the claim)
// ended a call: calls end a second before it (guarantee 2e).
func cut(ctx context.Context) bool {
	if ctx.Err() != nil {
		return true
	}
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) < 1200*time.Millisecond
}

func (w *work) ref() contact.Ref {
	if w.isRead {
		return w.contact.Ref()
	}
	return w.job.Ref
}

func (w *work) pending() Transfer {
	ref := w.ref()
	t := Transfer{
		Attempt:    Attempt{Status: Pending, Action: None, Trigger: w.job.Trigger, RunID: w.job.RunID, Number: w.row.Number},
		ID:         ref.String(),
		ContactNo:  ref.No,
		ContactID:  ref.ID,
		CustomerID: w.row.CustomerID,
	}
	if w.isRead {
		t.ContactID = w.contact.ID
	}
	return t
}

func (r *Runner) disabled(job Job) Transfer {
	ref := job.Ref
	if job.Contact != nil {
		ref = job.Contact.Ref()
	}
	now := r.now()
	return Transfer{
		Attempt: Attempt{Status: Skipped, Action: None, Trigger: job.Trigger, RunID: job.RunID, StartedAt: now, FinishedAt: now,
			Reason: fmt.Sprintf("the mapping collection %q is disabled", r.cfg.Mapping.Name())},
		ID: ref.String(), ContactNo: ref.No, ContactID: ref.ID,
	}
}

func (r *Runner) now() time.Time { return r.cfg.Now().UTC().Truncate(time.Millisecond) }

// companies remembers which companies Business Central knows: one read per
// company and run (design.md 1.9).
type companies struct {
	source Source
	mu     sync.Mutex
	known  map[string]func() (bool, error)
}

func (c *companies) has(ctx context.Context, no string) (bool, error) {
	c.mu.Lock()
	ask, ok := c.known[contact.Key(no)]
	if !ok {
		if c.known == nil {
			c.known = map[string]func() (bool, error){}
		}
		ask = sync.OnceValues(func() (bool, error) { return c.source.HasCompany(ctx, no) })
		c.known[contact.Key(no)] = ask
	}
	c.mu.Unlock()
	return ask()
}
