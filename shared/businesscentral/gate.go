package businesscentral

import (
	"context"
	"sync"
)

// A gate lets one through at a time. Unlike a mutex it gives up with the context.
// The zero gate is open.
type gate struct {
	once sync.Once
	slot chan struct{}
}

// enter waits for its turn; leave ends it.
func (g *gate) enter(ctx context.Context) (leave func(), err error) {
	g.once.Do(func() { g.slot = make(chan struct{}, 1) })
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case g.slot <- struct{}{}:
		return func() { <-g.slot }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
