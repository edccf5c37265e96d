package load_test

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/ipaas/ipaastest"
	"contactsync/torture/calls"
)

// How many calls come to one that goes wrong. Two of a hundred are hit where only
// the one contact pays for it; what stops a whole run comes seldom enough that runs
// still get somewhere.
const (
	targetCalls = 50
	sourceCalls = 20
	tableCalls  = 2_000
	keyRefused  = 20_000
)

// troubles counts the calls that went wrong, by what happened to them.
type troubles struct {
	names []string
	hits  []*atomic.Int64
}

// every returns a function that says yes once in n calls, first after the given ones.
func (f *troubles) every(name string, first, n int64) func() bool {
	hits := &atomic.Int64{}
	f.names, f.hits = append(f.names, name), append(f.hits, hits)
	var seen atomic.Int64
	return func() bool {
		if (seen.Add(1)+n-first)%n != 0 {
			return false
		}
		hits.Add(1)
		return true
	}
}

func (f *troubles) sum() (sum int64) {
	for _, h := range f.hits {
		sum += h.Load()
	}
	return sum
}

// missing names the kinds that never happened.
func (f *troubles) missing() (names []string) {
	for i, h := range f.hits {
		if h.Load() == 0 {
			names = append(names, f.names[i])
		}
	}
	return names
}

func (f *troubles) String() string {
	text := ""
	for i, h := range f.hits {
		text += fmt.Sprintf("%6d %s\n", h.Load(), f.names[i])
	}
	return text
}

// begin lets calls of every kind go wrong.
func (f *troubles) begin(w *world) {
	f.source(w.source)
	f.target(w.target)
	f.table(w.line)
}

func (f *troubles) source(s *businesscentraltest.Simulator) {
	kinds := []struct {
		name string
		businesscentraltest.Fault
	}{
		{"Business Central: 429", businesscentraltest.Fault{Throttled: true}},
		{"Business Central: tokens end", businesscentraltest.Fault{RevokeTokens: true}},
		{"Business Central: 400 that asks to try again", businesscentraltest.Fault{Status: 400, Body: `{"error":{"code":"Unknown","message":"Something. Please try again later."}}`}},
		{"Business Central: 500", businesscentraltest.Fault{Status: 500, Body: `{"error":{"code":"Internal_ServerError","message":"x"}}`}},
		{"Business Central: 502 with HTML", businesscentraltest.Fault{Status: 502, Body: "<html>", ContentType: "text/html"}},
		{"Business Central: cut before the answer", businesscentraltest.Fault{CutBefore: true}},
		{"Business Central: cut after it was made", businesscentraltest.Fault{CutAfter: true}},
		{"Business Central: cut within the answer", businesscentraltest.Fault{BreakAfter: 900}},
		{"Business Central: truncated", businesscentraltest.Fault{TruncateAfter: 900}},
		{"Business Central: slow", businesscentraltest.Fault{SlowBody: 20 * time.Millisecond}},
		{"Business Central: the same skip token", businesscentraltest.Fault{SameToken: true}},
		{"Business Central: rows twice", businesscentraltest.Fault{RepeatRows: 2}},
		{"Business Central: another host", businesscentraltest.Fault{NextLinkHost: "https://attacker.example"}},
		{"Business Central: a redirect", businesscentraltest.Fault{RedirectTo: "https://attacker.example/"}},
		{"Business Central: a skip token refused", businesscentraltest.Fault{RefuseToken: true}},
	}
	for i, k := range kinds {
		hit := f.every(k.name, int64(4+3*i), sourceCalls*int64(len(kinds)))
		k.Times, k.Match = -1, func(*http.Request) bool { return hit() }
		s.Inject(k.Fault)
	}
}

func (f *troubles) target(s *ipaastest.Simulator) {
	html := http.Header{"Content-Type": {"text/html"}}
	elsewhere := http.Header{"Location": {"https://attacker.example/"}}
	kinds := []struct {
		name string
		ipaastest.Effect
	}{
		{"429 with seconds", ipaastest.Throttled("2")},
		{"429 without Retry-After", ipaastest.Throttled("")},
		{"500", ipaastest.Effect{Status: 500}},
		{"500 although it was carried out", ipaastest.Effect{Status: 500, Process: true}},
		{"502 with HTML", ipaastest.Effect{Status: 502, Body: "<html>", Header: html}},
		{"cut, not carried out", ipaastest.Effect{Cut: true}},
		{"carried out, the answer lost", ipaastest.LostAnswer()},
		{"carried out, cut within the answer", ipaastest.Effect{Cut: true, Process: true, KeepBytes: 20}},
		{"carried out, broken JSON", ipaastest.Effect{KeepBytes: 20}},
		{"carried out, a long answer", ipaastest.Effect{PadTo: 2 << 20}},
		{"carried out, a slow answer", ipaastest.Effect{BodyGate: func(ipaastest.Request) { time.Sleep(3 * time.Second) }}},
		{"a redirect", ipaastest.Effect{Status: 307, Header: elsewhere}},
	}
	for i, k := range kinds {
		hit := f.every("iPaaS.com: "+k.name, int64(10+20*i), targetCalls*int64(len(kinds)))
		s.Fail(ipaastest.Script{Times: -1, When: func(ipaastest.Request) bool { return hit() }, Effect: k.Effect})
	}
	hit := f.every("iPaaS.com: 401", 1_000, keyRefused)
	s.Fail(ipaastest.Script{Times: -1, When: func(ipaastest.Request) bool { return hit() }, Effect: ipaastest.Refused(401, "AUTH-1002", "expired")})
}

func (f *troubles) table(l *calls.Line) {
	before := f.every("the table: not carried out", tableCalls/2, tableCalls)
	after := f.every("the table: carried out, answer lost", tableCalls, tableCalls)
	l.Judge = func(calls.Call) calls.Verdict {
		switch {
		case before():
			return calls.FailBefore
		case after():
			return calls.FailAfter
		}
		return calls.Pass
	}
}

// end lets every call go well again.
func (f *troubles) end(w *world) {
	w.source.ClearFaults()
	w.target.ResetFaults()
	if w.line != nil {
		w.line.Judge = func(calls.Call) calls.Verdict { return calls.Pass }
	}
}
