package processes_test

import (
	"sync"
	"testing"
)

// scenes are played many at once, for most of their time is spent waiting; slots
// bounds how many of them work.
type scenes struct {
	working int
	slots   chan struct{}
	all     []scenery
	mu      sync.Mutex
	last    []scenery // played after the others, one after the other
}

type scenery struct {
	name string
	play func(t *testing.T, number int)
}

const atOnce = 48

func (s *scenes) add(name string, play func(t *testing.T, number int)) {
	s.all = append(s.all, scenery{name, play})
}

// alone has a scene played once the others have ended.
func (s *scenes) alone(name string, play func(t *testing.T, number int)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = append(s.last, scenery{name + ", alone", play})
}

func (s *scenes) play(t *testing.T) {
	t.Helper()
	s.slots = make(chan struct{}, s.working)
	queue := make(chan int)
	var players sync.WaitGroup
	for range atOnce {
		players.Go(func() {
			for i := range queue {
				t.Run(s.all[i].name, func(t *testing.T) { s.all[i].play(t, i) })
			}
		})
	}
	for i := range s.all {
		queue <- i
	}
	close(queue)
	players.Wait()
	for i, one := range s.last {
		t.Run(one.name, func(t *testing.T) { one.play(t, i) })
	}
}
