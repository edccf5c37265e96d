package lambdatest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// Config says how a function runs. Path is required.
type Config struct {
	Name     string
	Path     string        // of the compiled function
	Environ  []string      // everything that the process gets besides AWS_LAMBDA_*
	Timeout  time.Duration // from an invocation's begin to its deadline; 30 s if zero
	Output   io.Writer     // where its processes write; dropped if nil
	Answer   func(*Invocation) bool
	Answered func(*Invocation) // see [Runtime]
}

// Errors of an invocation besides [FunctionError].
var (
	ErrExited  = errors.New("the process ended before it answered")
	ErrTimeout = errors.New("the function's time was up before it answered")
)

// A Function is a compiled function with as many processes as it has had
// invocations at once. Its methods may be called by many goroutines.
type Function struct {
	cfg Config

	mu    sync.Mutex
	idle  []*process
	alive map[*process]bool
	cold  int
	close bool
}

// New returns a Function without a process.
func New(cfg Config) *Function {
	if cfg.Timeout == 0 {
		cfg.Timeout = 30 * time.Second
	}
	return &Function{cfg: cfg, alive: map[*process]bool{}}
}

// ColdStarts returns how many processes were begun so far.
func (f *Function) ColdStarts() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.cold
}

// Invoke has the event handled by an idle process, or by a new one. timeout is
// that of the Config if zero. The process is killed at the deadline.
func (f *Function) Invoke(ctx context.Context, event []byte, timeout time.Duration) ([]byte, error) {
	if timeout == 0 {
		timeout = f.cfg.Timeout
	}
	p, err := f.take(ctx)
	if err != nil {
		return nil, err
	}
	one := newInvocation(event, time.Now().Add(timeout))
	select {
	case p.runtime.queue <- one:
	case <-p.exited:
		return nil, f.ended(p)
	case <-ctx.Done():
		p.kill()
		return nil, ctx.Err()
	case <-time.After(timeout):
		p.kill()
		return nil, fmt.Errorf("%s: %w: it did not even ask for an event", f.cfg.Name, ErrTimeout)
	}
	select {
	case out := <-one.answered:
		f.release(p)
		return out.answer, out.err
	case <-p.exited:
		select {
		case out := <-one.answered: // it answered and died
			return out.answer, out.err
		default:
		}
		return nil, f.ended(p)
	case <-ctx.Done():
		p.kill()
		return nil, ctx.Err()
	case <-time.After(time.Until(one.Deadline)):
		p.kill()
		return nil, fmt.Errorf("%s: %w", f.cfg.Name, ErrTimeout)
	}
}

func (f *Function) ended(p *process) error {
	return errors.Join(fmt.Errorf("%s: %w: %s", f.cfg.Name, ErrExited, p.state()), p.runtime.initError())
}

// Kill does what kill -9 does, to every process, and returns when they are gone.
func (f *Function) Kill() {
	f.mu.Lock()
	all := make([]*process, 0, len(f.alive))
	for p := range f.alive {
		all = append(all, p)
	}
	f.mu.Unlock()
	for _, p := range all {
		p.kill()
	}
}

// KillOne does it to one process, an arbitrary one; it reports whether there was any.
func (f *Function) KillOne() bool {
	f.mu.Lock()
	var victim *process
	for p := range f.alive {
		victim = p
		break
	}
	f.mu.Unlock()
	if victim == nil {
		return false
	}
	victim.kill()
	return true
}

// Close ends every process and refuses further invocations.
func (f *Function) Close() {
	f.mu.Lock()
	f.close = true
	f.mu.Unlock()
	f.Kill()
}

// take returns a process that does nothing at the moment.
func (f *Function) take(ctx context.Context) (*process, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.close {
		return nil, errors.New(f.cfg.Name + ": the function was closed")
	}
	for len(f.idle) > 0 {
		p := f.idle[len(f.idle)-1]
		f.idle = f.idle[:len(f.idle)-1]
		if !p.isOver() {
			return p, nil
		}
	}
	p, err := f.start(ctx)
	if err != nil {
		return nil, err
	}
	f.alive[p] = true
	f.cold++
	go func() {
		<-p.exited
		f.mu.Lock()
		delete(f.alive, p)
		f.mu.Unlock()
	}()
	return p, nil
}

func (f *Function) release(p *process) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !p.isOver() {
		f.idle = append(f.idle, p)
	}
}

// process is one life of the function.
type process struct {
	cmd     *exec.Cmd
	runtime *Runtime
	exited  chan struct{}
}

func (f *Function) start(ctx context.Context) (*process, error) {
	p := &process{runtime: NewRuntime("arn:aws:lambda:eu-central-1:123456789012:function:" + f.cfg.Name), exited: make(chan struct{})}
	p.runtime.Answer, p.runtime.Answered = f.cfg.Answer, f.cfg.Answered
	server := httptest.NewUnstartedServer(p.runtime)
	server.Config.ErrorLog = quiet
	server.Start()
	p.cmd = exec.CommandContext(context.WithoutCancel(ctx), f.cfg.Path)
	p.cmd.Env = append([]string{
		"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(server.URL, "http://"), "AWS_LAMBDA_FUNCTION_NAME=" + f.cfg.Name, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=512",
	}, f.cfg.Environ...)
	p.cmd.Stdout, p.cmd.Stderr = f.cfg.Output, f.cfg.Output
	if err := p.cmd.Start(); err != nil {
		server.Close()
		return nil, fmt.Errorf("%s: start the function: %w", f.cfg.Name, err)
	}
	go func() {
		_ = p.cmd.Wait() // state tells it
		close(p.exited)
		server.CloseClientConnections()
		server.Close()
	}()
	return p, nil
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill() // one that is gone already is what was wanted
	<-p.exited
}

func (p *process) isOver() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

func (p *process) state() string { return p.cmd.ProcessState.String() }
