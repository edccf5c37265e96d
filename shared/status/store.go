// Package status keeps the transfer status: what is known of each contact's
// transfers, what waits, what ran, and how far the poll has come. One interface,
// two drivers (DynamoDB, and bbolt for the sandbox and tests), one suite that
// holds both to it: statustest.
package status

import (
	"context"
	"errors"
	"time"

	"contactsync/shared/contact"
	"contactsync/shared/transfer"
)

// A Store keeps the transfer status of one connection. Every key it writes
// starts with the connection's name. All methods are safe for concurrent use,
// read what was written before (strong consistency) except for the lists and
// counts (Due, Requests, Transfers, ErrorCounts), which may lag behind by
// seconds, and return errors that name the operation and no personal data.
type Store interface {
	transfer.Ledger

	// States returns the states of many contacts at once, without their attempts.
	// Keys that have none are absent.
	States(ctx context.Context, keys []transfer.Key) (map[transfer.Key]transfer.State, error)
	// Forget removes every row of a contact: state, pointer, requests.
	Forget(ctx context.Context, key transfer.Key) error

	// Requests returns what waits, oldest first, at most limit; more says that
	// there are others. Wake-up requests are among them.
	Requests(ctx context.Context, limit int) (waiting []transfer.Request, more bool, err error)
	// RequestOf returns the request that waits for a contact, under its number or
	// its internal id, whichever is newer; nil when none does.
	RequestOf(ctx context.Context, no, id string) (*transfer.Request, error)
	// Done removes a request if it is still the one that was read (same Token). A
	// request that was replaced meanwhile stays, which is no error.
	Done(ctx context.Context, r transfer.Request) error
	// Due returns states that are retrying and due at now, the most overdue
	// first, at most limit, without their attempts.
	Due(ctx context.Context, now time.Time, limit int) ([]transfer.State, error)

	// Transfers lists transfers, newest first (waiting ones by request time).
	Transfers(ctx context.Context, q Query) (Page, error)
	// ErrorCounts groups what is failed or retrying by code, the most frequent first.
	ErrorCounts(ctx context.Context) ([]ErrorCount, error)

	// PutRun stores a run; it is removed by itself after RunsKept.
	PutRun(ctx context.Context, r Run) error
	// Runs lists runs, newest first, at most limit.
	Runs(ctx context.Context, limit int) ([]Run, error)

	// AcquireLease takes the right to run. It is [ErrBusy] while another run's
	// lease is alive at now.
	AcquireLease(ctx context.Context, owner string, now, until time.Time) error
	// RenewLease prolongs it. It is [ErrLeaseLost] when it is not owner's any more.
	RenewLease(ctx context.Context, owner string, until time.Time) error
	// ReleaseLease gives it back; no error when it is not owner's any more.
	ReleaseLease(ctx context.Context, owner string) error

	// Cursor returns how far a flow has come; the zero Cursor when it never ran.
	Cursor(ctx context.Context, flow Flow) (Cursor, error)
	// PutCursor stores how far a flow has come.
	PutCursor(ctx context.Context, flow Flow, c Cursor) error

	// Paused reports whether transfers are paused.
	Paused(ctx context.Context) (bool, error)
	// SetPaused pauses or resumes.
	SetPaused(ctx context.Context, paused bool) error

	// Subscription returns what is known of the Business Central subscription;
	// the zero Subscription when there is none.
	Subscription(ctx context.Context) (Subscription, error)
	// PutSubscription stores it.
	PutSubscription(ctx context.Context, s Subscription) error
}

// Conditions of a Store besides those of [transfer.Ledger].
var (
	ErrBusy      = errors.New("another run is under way")
	ErrLeaseLost = errors.New("the lease of this run was taken over")
	// ErrBadCursor tells that a list's cursor is not one of ours (the caller's mistake).
	ErrBadCursor = errors.New("the cursor is not one that a list returned")
	// ErrUnavailable is joined to every error of the storage itself: network,
	// throttling, missing table, permission.
	ErrUnavailable = errors.New("the transfer status store is unavailable")
	// ErrDamaged is joined to the error about a stored row that cannot be
	// understood; the error names the row and the attribute. Methods that read one
	// row return it. Lists, counts and States leave the row out and log it as an
	// error, so that one damaged row does not stop the work on all others.
	ErrDamaged = errors.New("a stored row cannot be understood")
)

// A Query filters a list of transfers. Zero members do not filter.
type Query struct {
	Status transfer.Status
	Code   string
	RunID  string
	Since  time.Time // finished (waiting: requested) at or after
	Limit  int       // at most that many; 50 if zero
	Cursor string    // from the page before; an error that is [ErrBadCursor] when it is not one of ours
}

// A Page is one page of a list. NextCursor is "" on the last one.
type Page struct {
	Transfers  []transfer.Transfer
	NextCursor string
}

// An ErrorCount groups the contacts whose latest transfer ended with one code.
type ErrorCount struct {
	Code        string
	Count       int
	First, Last time.Time // of the finish times
	Samples     []string  // ids as shown, newest first, at most SampleSize
}

// SampleSize is how many sample ids an ErrorCount carries.
const SampleSize = 5

// RunsKept is how long a run is kept.
const RunsKept = 90 * 24 * time.Hour

// A Run is the summary of one run (design.md 1.4).
type Run struct {
	ID         string
	Connection string
	Mode       string // poll, backfill or stream
	StartedAt  time.Time
	FinishedAt time.Time
	Complete   bool
	DryRun     bool
	Busy       bool
	Paused     bool
	Disabled   bool
	Counts     Counts
	Watermark  time.Time         // zero when there is none yet
	Problem    *transfer.Problem // why the run could not work; nil otherwise
	Notes      []string          // what a person should know: the choice of timestamp, an advised backfill
}

// Counts are the outcomes of a run. Read is the sum of the others.
type Counts struct {
	Read, Created, Updated, Linked, Unchanged, Skipped, Failed, Retrying, Pending int
}

// A Flow is a way through the contacts that remembers how far it came.
type Flow string

// The flows: the poll, and a backfill window beside it.
const (
	PollFlow     Flow = "watermark"
	BackfillFlow Flow = "backfill"
)

// A Cursor is how far a flow has come.
type Cursor struct {
	Watermark time.Time // greatest time of change of all finished pages; zero before the first
	Open      bool      // a window is not finished; the members below describe it
	From      time.Time // zero: unfiltered
	To        time.Time // exclusive; zero: open end
	Resume    time.Time // later than From: everything of the window before it is done
	Next      string    // where to go on: the link of the page after the last finished one; "" is the window's start
	AfterNo   string    // number of the last contact of the finished pages
	AfterTime time.Time // its time of change; zero for full scans
	Mapping   string    // digest of the mapping that the flow last ran with
	Complete  bool      // whether the flow ever reached its end: the first full read is done
}

// A Subscription is what is known of the Business Central subscription.
type Subscription struct {
	ID        string
	URL       string
	Resource  string
	ExpiresAt time.Time
	CheckedAt time.Time
	Problem   *transfer.Problem // why there is none; nil otherwise
}

// Ref returns the key's contact, for messages.
func Ref(key transfer.Key) contact.Ref { return contact.Ref{No: key.No, ID: key.ID} }
