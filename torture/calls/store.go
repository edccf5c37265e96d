package calls

import (
	"context"
	"errors"
	"time"

	"contactsync/shared/contact"
	"contactsync/shared/status"
	"contactsync/shared/transfer"
)

// Store returns a store whose calls go through the process.
func (p *Process) Store(to status.Store) status.Store { return &store{p, to} }

type store struct {
	process *Process
	to      status.Store
}

var _ status.Store = (*store)(nil)

// Open tells how many requests wait in a store and which transfers stand retrying:
// what is still to be done.
func Open(ctx context.Context, s status.Store) (waiting int, retrying []transfer.Transfer, err error) {
	requests, _, err := s.Requests(ctx, 10)
	if err != nil {
		return 0, nil, err
	}
	page, err := s.Transfers(ctx, status.Query{Status: transfer.Retrying, Limit: 200})
	return len(requests), page.Transfers, err
}

// one makes one call. A broken one is the storage's own failure.
func one[T any](ctx context.Context, s *store, name string, call func() (T, error)) (T, error) {
	var value, none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	err := s.process.Do("table", name, func() (err error) {
		value, err = call()
		return err
	})
	if errors.Is(err, ErrBroken) {
		return none, errors.Join(err, status.ErrUnavailable)
	}
	return value, err
}

func write(ctx context.Context, s *store, name string, call func() error) error {
	_, err := one(ctx, s, name, func() (struct{}, error) { return struct{}{}, call() })
	return err
}

type listOf struct {
	requests []transfer.Request
	more     bool
}

func (s *store) Requests(ctx context.Context, limit int) ([]transfer.Request, bool, error) {
	list, err := one(ctx, s, "Requests", func() (l listOf, err error) {
		l.requests, l.more, err = s.to.Requests(ctx, limit)
		return l, err
	})
	return list.requests, list.more, err
}

type keyOf struct {
	key   transfer.Key
	found bool
}

func (s *store) KeyOf(ctx context.Context, ref contact.Ref) (transfer.Key, bool, error) {
	k, err := one(ctx, s, "KeyOf", func() (k keyOf, err error) {
		k.key, k.found, err = s.to.KeyOf(ctx, ref)
		return k, err
	})
	return k.key, k.found, err
}

func (s *store) Number(ctx context.Context, no string) (transfer.Number, error) {
	return one(ctx, s, "Number", func() (transfer.Number, error) { return s.to.Number(ctx, no) })
}

func (s *store) Claim(ctx context.Context, key transfer.Key, claim transfer.Claim, now time.Time, seed transfer.State) (transfer.State, error) {
	return one(ctx, s, "Claim", func() (transfer.State, error) { return s.to.Claim(ctx, key, claim, now, seed) })
}

func (s *store) Save(ctx context.Context, state transfer.State, owner string) error {
	return write(ctx, s, "Save", func() error { return s.to.Save(ctx, state, owner) })
}

func (s *store) Release(ctx context.Context, key transfer.Key, owner string) error {
	return write(ctx, s, "Release", func() error { return s.to.Release(ctx, key, owner) })
}

func (s *store) State(ctx context.Context, key transfer.Key) (transfer.State, error) {
	return one(ctx, s, "State", func() (transfer.State, error) { return s.to.State(ctx, key) })
}

func (s *store) Point(ctx context.Context, no, id string) (transfer.Number, error) {
	return one(ctx, s, "Point", func() (transfer.Number, error) { return s.to.Point(ctx, no, id) })
}

func (s *store) Request(ctx context.Context, requests ...transfer.Request) error {
	return write(ctx, s, "Request", func() error { return s.to.Request(ctx, requests...) })
}

func (s *store) States(ctx context.Context, keys []transfer.Key) (map[transfer.Key]transfer.State, error) {
	return one(ctx, s, "States", func() (map[transfer.Key]transfer.State, error) { return s.to.States(ctx, keys) })
}

func (s *store) Forget(ctx context.Context, key transfer.Key) error {
	return write(ctx, s, "Forget", func() error { return s.to.Forget(ctx, key) })
}

func (s *store) RequestOf(ctx context.Context, no, id string) (*transfer.Request, error) {
	return one(ctx, s, "RequestOf", func() (*transfer.Request, error) { return s.to.RequestOf(ctx, no, id) })
}

func (s *store) Done(ctx context.Context, r transfer.Request) error {
	return write(ctx, s, "Done", func() error { return s.to.Done(ctx, r) })
}

func (s *store) Due(ctx context.Context, now time.Time, limit int) ([]transfer.State, error) {
	return one(ctx, s, "Due", func() ([]transfer.State, error) { return s.to.Due(ctx, now, limit) })
}

func (s *store) Transfers(ctx context.Context, q status.Query) (status.Page, error) {
	return one(ctx, s, "Transfers", func() (status.Page, error) { return s.to.Transfers(ctx, q) })
}

func (s *store) ErrorCounts(ctx context.Context) ([]status.ErrorCount, error) {
	return one(ctx, s, "ErrorCounts", func() ([]status.ErrorCount, error) { return s.to.ErrorCounts(ctx) })
}

func (s *store) PutRun(ctx context.Context, r status.Run) error {
	return write(ctx, s, "PutRun", func() error { return s.to.PutRun(ctx, r) })
}

func (s *store) Runs(ctx context.Context, limit int) ([]status.Run, error) {
	return one(ctx, s, "Runs", func() ([]status.Run, error) { return s.to.Runs(ctx, limit) })
}

func (s *store) AcquireLease(ctx context.Context, owner string, now, until time.Time) error {
	return write(ctx, s, "AcquireLease", func() error { return s.to.AcquireLease(ctx, owner, now, until) })
}

func (s *store) RenewLease(ctx context.Context, owner string, until time.Time) error {
	return write(ctx, s, "RenewLease", func() error { return s.to.RenewLease(ctx, owner, until) })
}

func (s *store) ReleaseLease(ctx context.Context, owner string) error {
	return write(ctx, s, "ReleaseLease", func() error { return s.to.ReleaseLease(ctx, owner) })
}

func (s *store) Cursor(ctx context.Context, flow status.Flow) (status.Cursor, error) {
	return one(ctx, s, "Cursor", func() (status.Cursor, error) { return s.to.Cursor(ctx, flow) })
}

func (s *store) PutCursor(ctx context.Context, flow status.Flow, c status.Cursor) error {
	return write(ctx, s, "PutCursor", func() error { return s.to.PutCursor(ctx, flow, c) })
}

func (s *store) Paused(ctx context.Context) (bool, error) {
	return one(ctx, s, "Paused", func() (bool, error) { return s.to.Paused(ctx) })
}

func (s *store) SetPaused(ctx context.Context, paused bool) error {
	return write(ctx, s, "SetPaused", func() error { return s.to.SetPaused(ctx, paused) })
}

func (s *store) Subscription(ctx context.Context) (status.Subscription, error) {
	return one(ctx, s, "Subscription", func() (status.Subscription, error) { return s.to.Subscription(ctx) })
}

func (s *store) PutSubscription(ctx context.Context, subscription status.Subscription) error {
	return write(ctx, s, "PutSubscription", func() error { return s.to.PutSubscription(ctx, subscription) })
}
