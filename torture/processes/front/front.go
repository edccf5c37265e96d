// Package front is a reverse proxy before everything that a function calls. It
// numbers the calls and kills the caller at a chosen one: before the call is
// passed on, or after it was carried out and before its answer goes back.
package front

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
)

// A Verdict is what happens to one call.
type Verdict int

// The verdicts.
const (
	Pass       Verdict = iota
	KillBefore         // the caller is killed, the call is not passed on
	KillAfter          // the call is carried out, the caller is killed before it sees the answer
	Silence            // the call is carried out, and its answer never comes
)

// A Call is one call of a function.
type Call struct {
	N    int    // from 1, since the last Reset
	Side string // as Serve was told
	Name string // method and end of the path, or the operation of AWS
}

// A Front passes calls on, to as many sides as Serve is told.
type Front struct {
	judge func(Call) Verdict
	kill  func()

	mu         sync.Mutex
	n          int
	log        []Call
	generation int
	still      sync.Cond // no call is passed on at the moment
	busy       int

	transport *http.Transport
	servers   []*httptest.Server
}

// New returns a Front without a side. judge decides about each call, asked by one
// goroutine at a time; nil lets all pass. kill kills the caller, every process of
// it, and returns when it is gone.
func New(judge func(Call) Verdict, kill func()) *Front {
	f := &Front{judge: judge, kill: kill, transport: &http.Transport{
		DisableCompression:  true, // the answer goes back as it came
		MaxIdleConnsPerHost: 16,
	}}
	f.still.L = &f.mu
	return f
}

// Serve opens a socket of this machine before the address and returns its origin,
// which callers see in the answers of the other side as well.
func (f *Front) Serve(side, address string) (origin string, err error) {
	to, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: to.Scheme, Host: to.Host})
			r.Out.Host = r.In.Host // links in answers lead through here again
		},
		Transport:      f.transport,
		ModifyResponse: f.answered,
		ErrorHandler:   func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		ErrorLog:       quiet,
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		verdict, admitted := f.admit(r, side)
		if !admitted {
			panic(http.ErrAbortHandler)
		}
		defer f.leave()
		// What was passed on is carried out, also when the caller dies meanwhile.
		ctx := context.WithValue(context.WithoutCancel(r.Context()), verdictKey{}, verdict)
		proxy.ServeHTTP(w, r.WithContext(context.WithValue(ctx, callerKey{}, r.Context())))
	}))
	server.Config.ErrorLog = quiet
	server.Config.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
		f.mu.Lock()
		defer f.mu.Unlock()
		return context.WithValue(ctx, generationKey{}, f.generation)
	}
	server.Start()
	f.servers = append(f.servers, server)
	return server.URL, nil
}

var quiet = log.New(io.Discard, "", 0)

type (
	verdictKey    struct{}
	callerKey     struct{} // the context that ends when the caller has gone
	generationKey struct{}
)

// Count numbers a call that does not go through here and decides about it. With
// KillBefore the caller is dead when it returns; what KillAfter asks for is up to
// the one who asked, see [Front.Kill].
func (f *Front) Count(side, name string) Verdict {
	f.mu.Lock()
	defer f.mu.Unlock()
	verdict := f.number(side, name)
	if verdict == KillBefore {
		f.killLocked()
	}
	return verdict
}

// Kill kills the caller as a verdict does.
func (f *Front) Kill() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.killLocked()
}

// admit numbers a call and lets it in. A call of a process that was killed before
// its turn came is not carried out.
func (f *Front) admit(r *http.Request, side string) (Verdict, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if generation, _ := r.Context().Value(generationKey{}).(int); generation != f.generation {
		return Pass, false
	}
	verdict := f.number(side, name(r))
	if verdict == KillBefore {
		f.killLocked()
		return verdict, false
	}
	f.busy++
	return verdict, true
}

func (f *Front) number(side, name string) Verdict {
	f.n++
	c := Call{f.n, side, name}
	f.log = append(f.log, c)
	if f.judge == nil {
		return Pass
	}
	return f.judge(c)
}

func (f *Front) killLocked() {
	f.generation++ // connections of before are those of the dead
	f.kill()
}

// answered is where the answer stands whole and has not gone back.
func (f *Front) answered(resp *http.Response) error {
	verdict, _ := resp.Request.Context().Value(verdictKey{}).(Verdict)
	if verdict == Pass {
		return nil
	}
	_, err := io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		return err
	}
	if verdict == KillAfter {
		f.Kill()
		return errWithheld
	}
	if caller, ok := resp.Request.Context().Value(callerKey{}).(context.Context); ok {
		<-caller.Done()
	}
	return errWithheld
}

func (f *Front) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.busy--; f.busy == 0 {
		f.still.Broadcast()
	}
}

// Still waits until no call is passed on: what a dead process had on its way is
// carried out then.
func (f *Front) Still() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.busy > 0 {
		f.still.Wait()
	}
}

// Calls returns every call since the last Reset.
func (f *Front) Calls() []Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Call(nil), f.log...)
}

// Reset begins to number at 1 again.
func (f *Front) Reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n, f.log = 0, nil
}

// Close closes the sockets.
func (f *Front) Close() {
	for _, s := range f.servers {
		s.CloseClientConnections()
		s.Close()
	}
	f.transport.CloseIdleConnections()
}

// name describes a call without the ids that differ from scene to scene.
func name(r *http.Request) string {
	if _, operation, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "."); ok {
		return operation
	}
	path := r.URL.Path
	if at := strings.LastIndex(path, "/Company("); at >= 0 {
		_, rest, _ := strings.Cut(path[at+1:], "/")
		path = "/" + cmp.Or(rest, "Company")
	}
	if strings.Contains(r.URL.RawQuery, "skiptoken") {
		path += " next"
	}
	return r.Method + " " + path
}

var errWithheld = errors.New("the answer is withheld")
