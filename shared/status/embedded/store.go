// Package embedded keeps the transfer status in one bbolt file: the driver of
// [status.Store] for the sandbox and for tests. One process at a time has the file.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"contactsync/shared/status"
)

// ErrLocked tells that another process has the file.
var ErrLocked = errors.New("another process uses the file")

// Config says which file to use. Connection and Path are required.
type Config struct {
	Connection string
	Path       string // the file; it is made where there is none, its folder is not

	// NoSync leaves it to the operating system when the file reaches the disk:
	// much faster, and safe when the process dies, but not when the machine does.
	NoSync bool
	Now    func() time.Time // time.Now if nil
	Log    *slog.Logger     // slog.Default() if nil; told of rows that cannot be understood
}

const (
	lockPatience = time.Second
	// batchDelay is how long a synced write waits for others to share the disk's
	// answer with.
	batchDelay = 2 * time.Millisecond
)

// Store is a [status.Store] in a bbolt file. It is safe for concurrent use.
type Store struct {
	cfg  Config
	db   *bolt.DB
	root []byte // name of the connection's bucket
}

var _ status.Store = (*Store)(nil)

// Buckets of a connection. Values of states are described in codec.go; those of
// requests, runs and control are JSON; those of the three indexes are the key in
// the bucket that they are about.
var (
	bucketStates    = []byte("states")     // i<internal id> or n<NUMBER>
	bucketPointers  = []byte("pointers")   // NUMBER: internal id, then all that it ever led to, between zero bytes
	bucketRequests  = []byte("requests")   // as states, or wake
	bucketRuns      = []byte("runs")       // <started at>#<run id>
	bucketControl   = []byte("control")    // watermark, backfill, lease, subscription, pause
	bucketByStatus  = []byte("by_status")  // <status>\0<sort key> of states
	bucketByDue     = []byte("by_due")     // <due>#<sort key> of retrying states
	bucketByRequest = []byte("by_request") // <sort key> of requests

	buckets = [][]byte{bucketStates, bucketPointers, bucketRequests, bucketRuns, bucketControl, bucketByStatus, bucketByDue, bucketByRequest}
)

// Open opens the file and makes it if there is none. It is [ErrLocked] when
// another process still has it after a second. The caller closes the Store.
func Open(cfg Config) (*Store, error) {
	if cfg.Connection == "" || cfg.Path == "" {
		return nil, fmt.Errorf("open the transfer status file: a connection and a path are needed, got %q and %q", cfg.Connection, cfg.Path)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	db, err := bolt.Open(cfg.Path, 0o600, &bolt.Options{
		Timeout: lockPatience, NoSync: cfg.NoSync, NoFreelistSync: true, FreelistType: bolt.FreelistMapType,
	})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("open the transfer status file %s: %w", cfg.Path, ErrLocked)
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum), errors.Is(err, bolterrors.ErrVersionMismatch):
		return nil, fmt.Errorf("open the transfer status file %s: %w: it is damaged or of another program: %w", cfg.Path, status.ErrUnavailable, err)
	case err != nil:
		return nil, fmt.Errorf("open the transfer status file %s: %w: %w", cfg.Path, status.ErrUnavailable, err)
	}
	db.MaxBatchDelay = batchDelay
	s := &Store{cfg: cfg, db: db, root: []byte(cfg.Connection)}
	if err := s.prepare(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

func (s *Store) prepare() error {
	return s.update(context.Background(), "prepare the transfer status file", func(tx *bolt.Tx) error {
		root, err := tx.CreateBucketIfNotExists(s.root)
		if err != nil {
			return err
		}
		for _, name := range buckets {
			if _, err := root.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return nil
	})
}

// Close gives the file back. It waits for calls that are under way.
func (s *Store) Close() error { return s.db.Close() }

// tables are the buckets of the connection inside one transaction.
type tables struct{ root *bolt.Bucket }

func (t tables) bucket(name []byte) *bolt.Bucket { return t.root.Bucket(name) }

// view runs f in a read transaction: it sees one moment of the store.
func (s *Store) view(ctx context.Context, op string, f func(t tables) error) error {
	return s.guard(ctx, op, func() error {
		return s.db.View(func(tx *bolt.Tx) error { return f(tables{tx.Bucket(s.root)}) })
	})
}

// change runs f in a write transaction, which counts as a whole or, when f returns
// an error, not at all. f may be run again.
func (s *Store) change(ctx context.Context, op string, f func(t tables) error) error {
	return s.update(ctx, op, func(tx *bolt.Tx) error { return f(tables{tx.Bucket(s.root)}) })
}

func (s *Store) update(ctx context.Context, op string, f func(tx *bolt.Tx) error) error {
	return s.guard(ctx, op, func() error {
		if s.cfg.NoSync {
			return s.db.Update(f)
		}
		return s.db.Batch(f)
	})
}

// guard gives errors their operation and turns bbolt's panic over a damaged page
// into an error: the file is input like any other.
func (s *Store) guard(ctx context.Context, op string, f func() error) (err error) {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s: %w: the file %s is damaged: %v", op, status.ErrUnavailable, s.cfg.Path, p)
		}
	}()
	err = f()
	switch {
	case err == nil:
		return nil
	case isOurs(err):
		return fmt.Errorf("%s: %w", op, err)
	}
	return fmt.Errorf("%s: %w: %w", op, status.ErrUnavailable, err)
}

// A verdict is an error that the store's rules demand, not one of the storage.
type verdict struct{ error }

func (v verdict) Unwrap() error { return v.error }

func isOurs(err error) bool {
	_, ok := errors.AsType[verdict](err)
	return ok || errors.Is(err, status.ErrDamaged)
}

// damaged reports a row that a list or a page leaves out.
func (s *Store) damaged(ctx context.Context, op string, err error) {
	s.cfg.Log.ErrorContext(ctx, "a stored row is left out", "operation", op, "connection", s.cfg.Connection, "error", err)
}
