package torture_test

import (
	"sync"
	"time"
)

// A clock stands until the scene moves it, or it is the one of a bubble of
// testing/synctest.
type clock struct {
	bubble bool
	mu     sync.Mutex
	now    time.Time
}

func (c *clock) Now() time.Time {
	if c.bubble {
		return time.Now()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	if c.bubble {
		time.Sleep(d)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
