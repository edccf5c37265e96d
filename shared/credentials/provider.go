package credentials

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// A Fetcher reads the secret's document. Its errors are [ErrMissing], [ErrDenied]
// or [ErrUnavailable]; any other counts as ErrUnavailable.
type Fetcher interface {
	Fetch(ctx context.Context) ([]byte, error)
}

// FetcherFunc is a function that is a [Fetcher].
type FetcherFunc func(ctx context.Context) ([]byte, error)

// Fetch calls f.
func (f FetcherFunc) Fetch(ctx context.Context) ([]byte, error) { return f(ctx) }

// Static returns a Fetcher of a document that never changes: the sandbox's.
func Static(document []byte) Fetcher {
	return FetcherFunc(func(context.Context) ([]byte, error) { return document, nil })
}

// Config says how a [Provider] works. Fetcher is required.
type Config struct {
	Fetcher Fetcher
	// Fresh is how long a secret is used before it is read again; 5 minutes if zero.
	Fresh time.Duration
	// Stale is how long a secret is used at most while it cannot be read again
	// because the storage is down; 1 hour if zero.
	Stale time.Duration
	// Again is the least time between two readings because a system rejected the
	// credentials; 3 s if zero.
	Again time.Duration
	// Unknown is the least time between two readings because a caller showed what
	// is not in the lists; 30 s if zero.
	Unknown time.Duration
	// Timeout is for one reading; 10 s if zero.
	Timeout time.Duration
	Now     func() time.Time // time.Now if nil
	Log     *slog.Logger     // slog.Default() if nil
}

// How long a failed reading is not repeated: without a secret, where every caller
// fails for it, and with one that is still used.
const (
	pauseWithout = time.Second
	pauseWith    = 30 * time.Second
)

// A Provider gives out the secret and decides when to read it again. One reading
// is under way at a time; whoever comes meanwhile waits for its result. It is safe
// for concurrent use.
type Provider struct {
	cfg  Config
	turn chan struct{} // holds a token while nobody reads

	mu        sync.Mutex
	secret    Secret
	readAt    time.Time // of secret; zero when there is none
	failure   error     // of the latest reading; nil when it worked
	failedAt  time.Time
	againAt   time.Time // of the latest reading for a rejection
	unknownAt time.Time // of the latest reading for an unknown caller
}

// NewProvider fills in the defaults and returns a Provider. It reads nothing.
func NewProvider(cfg Config) (*Provider, error) {
	if cfg.Fetcher == nil {
		return nil, errors.New("credentials: Config needs a Fetcher")
	}
	cfg.Fresh = cmp.Or(cfg.Fresh, 5*time.Minute)
	cfg.Stale = cmp.Or(cfg.Stale, time.Hour)
	cfg.Again = cmp.Or(cfg.Again, 3*time.Second)
	cfg.Unknown = cmp.Or(cfg.Unknown, 30*time.Second)
	cfg.Timeout = cmp.Or(cfg.Timeout, 10*time.Second)
	cfg.Log = cmp.Or(cfg.Log, slog.Default())
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	p := &Provider{cfg: cfg, turn: make(chan struct{}, 1)}
	p.turn <- struct{}{}
	return p, nil
}

// Secret returns the secret: the kept one while it is fresh, else a new reading.
//
// While the storage is down ([ErrUnavailable]) the kept secret goes on being used
// for Config.Stale, because a moment without Secrets Manager is no reason to stop
// transfers. An answer that speaks of the secret itself ([ErrMissing], [ErrDenied],
// [ErrMalformed]) is returned as it is and ends the use of the kept one: somebody
// took it back.
func (p *Provider) Secret(ctx context.Context) (Secret, error) {
	if secret, fresh := p.fresh(); fresh {
		return secret, nil
	}
	return p.read(ctx, func(now time.Time) bool { return now.Sub(p.readAt) >= p.cfg.Fresh })
}

// Again returns the secret after a system has rejected what it was shown. It
// reads at once, unless somebody did so in the last Config.Again. Whether trying
// once more makes sense shows when the part that was used is compared with the
// part that came: they are equal under ==. Errors are those of [Provider.Secret].
func (p *Provider) Again(ctx context.Context) (Secret, error) {
	return p.read(ctx, func(now time.Time) bool {
		if now.Sub(p.againAt) < p.cfg.Again {
			return false
		}
		p.againAt = now
		return true
	})
}

// AcceptsKey reports whether a caller's API key is in the secret, in constant
// time. For an unknown key the secret is read again, at most once in Config.Unknown.
// Errors are those of [Provider.Secret].
func (p *Provider) AcceptsKey(ctx context.Context, key string) (bool, error) {
	return p.accepts(ctx, key, func(s Secret) bool { return s.Webhook.AcceptsKey(key) })
}

// AcceptsClientState is [Provider.AcceptsKey] for the client state of a notification.
func (p *Provider) AcceptsClientState(ctx context.Context, state string) (bool, error) {
	return p.accepts(ctx, state, func(s Secret) bool { return s.Webhook.AcceptsClientState(state) })
}

func (p *Provider) accepts(ctx context.Context, shown string, known func(Secret) bool) (bool, error) {
	if shown == "" {
		return false, nil
	}
	secret, err := p.Secret(ctx)
	if err != nil || known(secret) {
		return err == nil, err
	}
	secret, err = p.read(ctx, func(now time.Time) bool {
		if now.Sub(p.unknownAt) < p.cfg.Unknown {
			return false
		}
		p.unknownAt = now
		return true
	})
	return err == nil && known(secret), err
}

// fresh returns the kept secret if it need not be read again.
func (p *Provider) fresh() (Secret, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.secret, p.kept() && p.cfg.Now().Sub(p.readAt) < p.cfg.Fresh
}

// read waits for its turn and reads the secret if there is none or due says so.
// due is asked under the lock, after whoever had the turn before has finished.
func (p *Provider) read(ctx context.Context, due func(now time.Time) bool) (Secret, error) {
	select {
	case <-p.turn:
		defer func() { p.turn <- struct{}{} }()
	case <-ctx.Done():
		return Secret{}, ctx.Err()
	}
	if secret, settled, err := p.settled(due); settled {
		return secret, err
	}
	fetching, cancel := context.WithTimeout(ctx, p.cfg.Timeout)
	defer cancel()
	secret, err := p.fetch(fetching)
	if err != nil && ctx.Err() != nil {
		return Secret{}, ctx.Err() // the caller gave up; this says nothing about the storage
	}
	return p.keep(secret, err)
}

// settled returns what needs no reading: the kept secret when none is due, and
// the latest failure when it was only just now.
func (p *Provider) settled(due func(now time.Time) bool) (secret Secret, settled bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.cfg.Now()
	switch {
	case p.failure != nil && !p.kept() && now.Sub(p.failedAt) < pauseWithout:
		return Secret{}, true, p.failure
	case p.failure != nil && p.usable(now) && now.Sub(p.failedAt) < pauseWith:
		return p.secret, true, nil
	case p.kept() && !due(now):
		return p.secret, true, nil
	}
	return Secret{}, false, nil
}

// fetch reads and parses the document.
func (p *Provider) fetch(ctx context.Context) (Secret, error) {
	document, err := p.cfg.Fetcher.Fetch(ctx)
	switch {
	case err == nil:
		return Parse(document)
	case errors.Is(err, ErrMissing), errors.Is(err, ErrDenied), errors.Is(err, ErrUnavailable):
		return Secret{}, err
	}
	return Secret{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// keep notes what a reading brought and returns what is to be used now.
func (p *Provider) keep(secret Secret, err error) (Secret, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.cfg.Now()
	if err == nil {
		p.secret, p.readAt, p.failure = secret, now, nil
		return secret, nil
	}
	p.failure, p.failedAt = err, now
	if errors.Is(err, ErrUnavailable) && p.usable(now) {
		p.cfg.Log.Warn("the secret cannot be read, the one read before is used on",
			"read_at", p.readAt.UTC(), "error", err)
		return p.secret, nil
	}
	p.secret, p.readAt = Secret{}, time.Time{}
	return Secret{}, err
}

// kept reports whether there is a secret; usable, whether it is young enough to
// be used while the storage is down.
func (p *Provider) kept() bool { return !p.readAt.IsZero() }

func (p *Provider) usable(now time.Time) bool {
	return p.kept() && now.Sub(p.readAt) < p.cfg.Stale
}
