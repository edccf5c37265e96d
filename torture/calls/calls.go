// Package calls stands between one process and everything it calls: Business
// Central, iPaaS.com, the table and the secret. It counts the calls, breaks them,
// and kills the process at a chosen one.
//
// A kill is what kill -9 or a lost machine is: from one call on nothing of the
// process is carried out any more, not even what it would do on its way out, and
// nobody gets an answer. What was on its way already is carried out.
package calls

import (
	"context"
	"errors"
	"sync"
)

// A Verdict is what happens to one call.
type Verdict int

// The verdicts.
const (
	Pass       Verdict = iota
	KillBefore         // the process dies, the call is not carried out
	KillAfter          // the call is carried out, the process dies before the answer
	FailBefore         // the call is not carried out, and the caller gets an error
	FailAfter          // the call is carried out, and the caller gets an error
)

// A Call is one outgoing call.
type Call struct {
	N    int    // from 1, over all processes of a Line
	Side string // source, target, table or secret
	Name string // method and path, or the table's method
}

// ErrBroken is what the caller of a call that fails gets to see.
var ErrBroken = errors.New("the call was broken by the test")

var errDead = errors.New("the process is dead")

// A Line sees every call of one process after the other.
type Line struct {
	// Judge decides about a call; nil lets all pass. It is called by one goroutine
	// at a time.
	Judge func(Call) Verdict
	// Forget keeps no record of the calls, for so many of them that Calls would fill
	// the memory.
	Forget bool

	mu   sync.Mutex
	n    int
	log  []Call
	over chan struct{}
	once sync.Once
}

// NewLine returns a Line that ends with Close.
func NewLine() *Line { return &Line{over: make(chan struct{})} }

// Close lets the goroutines of dead processes end.
func (l *Line) Close() { l.once.Do(func() { close(l.over) }) }

// Calls returns every call so far.
func (l *Line) Calls() []Call {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Call(nil), l.log...)
}

// A Process is one life of the program.
type Process struct {
	line *Line
	dead chan struct{}

	mu    sync.Mutex
	still sync.Cond // no call is being carried out
	busy  int
	gone  bool
}

// Process begins a new life.
func (l *Line) Process() *Process {
	p := &Process{line: l, dead: make(chan struct{})}
	p.still.L = &p.mu
	return p
}

// Run does f as an invocation of the process. It reports whether the process
// lived to the end of it; if not, f is left where it stands, and no call of the
// process is under way any more.
func (p *Process) Run(f func()) (survived bool) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
		if !p.isDead() {
			return true
		}
	case <-p.dead:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.busy > 0 {
		p.still.Wait()
	}
	return false
}

func (p *Process) isDead() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.gone
}

// Do makes one call.
func (p *Process) Do(side, name string, call func() error) error {
	verdict, alive := p.admit(side, name)
	if !alive {
		return p.buried()
	}
	var err error
	if verdict != FailBefore {
		err = call()
	}
	if gone := p.leave(verdict == KillAfter); gone {
		return p.buried()
	}
	if verdict == FailBefore || verdict == FailAfter {
		return ErrBroken
	}
	return err
}

// admit counts a call and lets it in.
func (p *Process) admit(side, name string) (Verdict, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		return Pass, false
	}
	verdict := p.line.judge(side, name)
	if verdict == KillBefore {
		p.kill()
		return verdict, false
	}
	p.busy++
	return verdict, true
}

func (l *Line) judge(side, name string) Verdict {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.n++
	c := Call{l.n, side, name}
	if !l.Forget {
		l.log = append(l.log, c)
	}
	if l.Judge == nil {
		return Pass
	}
	return l.Judge(c)
}

func (p *Process) leave(kill bool) (gone bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.busy--; p.busy == 0 {
		p.still.Broadcast()
	}
	if kill && !p.gone {
		p.kill()
	}
	return p.gone
}

func (p *Process) kill() {
	p.gone = true
	close(p.dead)
}

// buried is where the goroutines of a dead process stay.
func (p *Process) buried() error {
	<-p.line.over
	return errors.Join(errDead, context.Canceled)
}
