package ipaas

import (
	"context"
	"errors"
	"sync"
)

// A Session is a Client that remembers the links it resolved, those that do not
// exist included, so that a company is asked for once in a run however many
// contacts name it. Open one for each run; it is safe for concurrent use.
type Session struct {
	*Client
	mu    sync.Mutex
	links map[link]*resolution
}

type link struct{ externalID, table, systemID string }

// A resolution is a look-up under way or done.
type resolution struct {
	done chan struct{} // closed when the others are set
	id   string
	err  error
}

// Session returns a Session that remembers nothing yet.
func (c *Client) Session() *Session {
	return &Session{Client: c, links: map[link]*resolution{}}
}

// SpaceportID is [Client.SpaceportID], once for each link. Callers that ask at
// the same time share one call. An error is not remembered.
func (s *Session) SpaceportID(ctx context.Context, externalID, table, systemID string) (string, error) {
	key := link{externalID, table, systemID}
	for {
		s.mu.Lock()
		r, asked := s.links[key]
		if !asked {
			r = &resolution{done: make(chan struct{})}
			s.links[key] = r
		}
		s.mu.Unlock()
		if !asked {
			return s.resolve(ctx, key, r)
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-r.done:
		}
		// The call that was shared may have ended with its own caller's context.
		if ctx.Err() == nil && (errors.Is(r.err, context.Canceled) || errors.Is(r.err, context.DeadlineExceeded)) {
			continue
		}
		return r.id, r.err
	}
}

func (s *Session) resolve(ctx context.Context, key link, r *resolution) (string, error) {
	r.id, r.err = s.Client.SpaceportID(ctx, key.externalID, key.table, key.systemID)
	if r.err != nil {
		s.mu.Lock()
		delete(s.links, key)
		s.mu.Unlock()
	}
	close(r.done)
	return r.id, r.err
}
