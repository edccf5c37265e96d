package processes_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"contactsync/torture/processes/front"
	"contactsync/torture/processes/lambdatest"
	"contactsync/torture/tally"
)

// A call that is carried out and never answered must not take the invocation
// beyond its deadline, where Lambda would kill it: calls end before (guarantee 2e).
func TestAFunctionWhoseCallIsNeverAnsweredEndsInTimeAndLosesNothing(t *testing.T) {
	stand := newStand(t)
	count := tally.Begin(t, "function whose call is never answered")
	p := stand.scene(t, stand.clouds[0], settings{}).undisturbed()
	scenes := scenes{working: 12} // they wait most of the time
	for i, calls := range p.calls {
		for _, c := range calls[:len(calls)-1] { // the last one is the answer itself
			name := fmt.Sprintf("%s, call %d never answered, %s %s", day[i].name, c.N, c.Side, strings.ReplaceAll(c.Name, "/", "."))
			play := func(t *testing.T, number int, patience time.Duration) error {
				s := stand.scene(t, stand.clouds[number%len(stand.clouds)], settings{})
				s.count = count
				err := s.silenced(&p, i, c.N, patience, scenes.slots)
				s.same("customers", s.customers(), p.customers)
				s.same("outcomes", s.outcomes(), p.outcomes)
				s.discreet()
				return err
			}
			scenes.add(name, func(t *testing.T, number int) {
				if play(t, number, 8*time.Second) == nil || t.Failed() {
					count.Scene(t)
					return
				}
				// The function has a second for its last steps, which a machine that is
				// busy with the other scenes may not give it.
				scenes.alone(name, func(t *testing.T, number int) {
					count.Scene(t)
					if err := play(t, number, 20*time.Second); err != nil {
						t.Error(err)
					}
				})
			})
		}
	}
	scenes.play(t)
}

// silenced is the day with one call of the i-th step that is never answered. Its
// error says that Lambda had to end the invocation.
func (s *scene) silenced(p *perfect, i, n int, patience time.Duration, slots chan struct{}) error {
	s.t.Helper()
	slots <- struct{}{}
	defer func() { <-slots }()
	s.goTo(p.begins[i])
	if day[i].arm != nil {
		day[i].arm(s)
	}
	s.front.Reset()
	judge := func(c front.Call) front.Verdict {
		if c.N == n {
			return front.Silence
		}
		return front.Pass
	}
	s.judge.Store(&judge)
	begun := time.Now()
	err := day[i].invoke(s, patience)
	if !errors.Is(err, lambdatest.ErrTimeout) && !errors.Is(err, lambdatest.ErrExited) {
		err = nil
	}
	s.judge.Store(nil)
	s.front.Still()
	<-slots
	time.Sleep(time.Until(begun.Add(patience + excess + 100*time.Millisecond)))
	slots <- struct{}{}
	s.rest(i)
	return err
}
