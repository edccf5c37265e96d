package torture_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"contactsync/shared/app/apptest"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/ipaas/ipaastest"
	"contactsync/shared/status"
	"contactsync/shared/transfer"
	"contactsync/torture/calls"
	"contactsync/torture/tally"
)

// A script is a fault while eight contacts are transferred: what the run says of
// it, and that nothing is lost or doubled once it has passed.
type script struct {
	name     string
	set      settings
	fault    func(w *world)
	fails    *transfer.Fault // what the run fails with; it succeeds if nil
	cut      bool            // the run ends before it is complete
	retrying int             // so many contacts are tried again later
}

func source(f businesscentraltest.Fault) func(*world) {
	if f.Route == "" {
		f.Route = businesscentraltest.RouteContacts
	}
	return func(w *world) { w.source.Inject(f) }
}

func target(route ipaastest.Route, times int, e ipaastest.Effect) func(*world) {
	return func(w *world) { w.target.Fail(ipaastest.Script{Route: route, Skip: 1, Times: times, Effect: e}) }
}

func html(status int) ipaastest.Effect {
	return ipaastest.Effect{Status: status, Body: "<html><body>Bad gateway</body></html>", Header: http.Header{"Content-Type": {"text/html"}}}
}

const xmlError = `<?xml version="1.0" encoding="utf-8"?><m:error xmlns:m="http://docs.oasis-open.org/odata/ns/metadata"><m:code>Internal</m:code><m:message>busy</m:message></m:error>`

func throttledBy(r businesscentraltest.RetryAfter) settings {
	return settings{source: businesscentraltest.Config{RetryAfter: r}}
}

func scripts() []script {
	const minute = time.Minute
	list := []script{
		{name: "no fault", fault: func(*world) {}},

		{name: "Business Central: 429 with seconds", set: throttledBy(businesscentraltest.RetryAfter{Delay: 20 * time.Second}), fault: source(businesscentraltest.Fault{Throttled: true, Skip: 1, Times: 2})},
		{name: "Business Central: 429 with a date", set: throttledBy(businesscentraltest.RetryAfter{Delay: 20 * time.Second, AsDate: true}), fault: source(businesscentraltest.Fault{Throttled: true, Skip: 1, Times: 2})},
		{name: "Business Central: 429 without Retry-After", fault: source(businesscentraltest.Fault{Throttled: true, Skip: 1, Times: 2})},
		{name: "Business Central: 429 beyond the deadline", set: settings{deadline: minute, source: businesscentraltest.Config{RetryAfter: businesscentraltest.RetryAfter{Delay: 5 * minute}}},
			fault: source(businesscentraltest.Fault{Throttled: true, Skip: 1}), cut: true},
		{name: "Business Central: 401 in mid-run", fault: source(businesscentraltest.Fault{RevokeTokens: true, Skip: 1})},
		{name: "Business Central: 400 that asks to try again later", fault: source(businesscentraltest.Fault{Skip: 1, Times: 2, Status: 400, Body: `{"error":{"code":"Unknown","message":"Something. Please try again later."}}`})},
		{name: "Business Central: 500 once", fault: source(businesscentraltest.Fault{Skip: 1, Status: 500, Body: `{"error":{"code":"Internal_ServerError","message":"x"}}`})},
		{name: "Business Central: 500 for as long as a run", fault: source(businesscentraltest.Fault{Skip: 1, Times: 4, Status: 500}), fails: transfer.SourceUnavailable},
		{name: "Business Central: 502 with HTML", fault: source(businesscentraltest.Fault{Skip: 1, Times: 2, Status: 502, Body: "<html>", ContentType: "text/html"})},
		{name: "Business Central: an error in XML", fault: source(businesscentraltest.Fault{Skip: 1, Times: 2, Status: 503, Body: xmlError, ContentType: "application/xml"})},
		{name: "Business Central: cut before the answer", fault: source(businesscentraltest.Fault{Skip: 1, CutBefore: true})},
		{name: "Business Central: cut after the answer was made", fault: source(businesscentraltest.Fault{Skip: 1, CutAfter: true})},
		{name: "Business Central: cut within a page", fault: source(businesscentraltest.Fault{Skip: 1, BreakAfter: 900}), fails: transfer.SourceUnavailable},
		{name: "Business Central: a page that is truncated", fault: source(businesscentraltest.Fault{Skip: 1, TruncateAfter: 900}), fails: transfer.SourceUnavailable},
		{name: "Business Central: a slow page", fault: source(businesscentraltest.Fault{Skip: 1, SlowBody: 5 * time.Second})},
		{name: "Business Central: a page slower than the run", set: settings{deadline: minute}, fault: source(businesscentraltest.Fault{Skip: 1, SlowBody: 29 * time.Second}), cut: true},
		{name: "Business Central: a page that never comes", set: settings{deadline: minute}, fault: source(businesscentraltest.Fault{Skip: 1, Latency: time.Hour, Times: -1}), cut: true},
		{name: "Business Central: a huge page", fault: source(businesscentraltest.Fault{Skip: 1, BodySize: 64 << 20}), fails: transfer.SourceUnavailable},
		{name: "Business Central: a huge error", fault: source(businesscentraltest.Fault{Skip: 1, Status: 500, BodySize: 64 << 20})},
		{name: "Business Central: the same skip token again", fault: source(businesscentraltest.Fault{Skip: 1, SameToken: true})},
		{name: "Business Central: rows twice across pages", fault: source(businesscentraltest.Fault{RepeatRows: 2})},
		{name: "Business Central: a next link to another host", fault: source(businesscentraltest.Fault{NextLinkHost: "https://attacker.example"}), fails: transfer.SourceUnavailable},
		{name: "Business Central: a redirect", fault: source(businesscentraltest.Fault{Skip: 1, RedirectTo: "https://attacker.example/"}), fails: transfer.SourceUnavailable},
		{name: "Business Central: a skip token that is refused", fault: source(businesscentraltest.Fault{Skip: 1, RefuseToken: true})},
		{name: "Business Central: no token", fault: source(businesscentraltest.Fault{Route: businesscentraltest.RouteToken, Status: 503, Times: 8}), fails: transfer.SourceUnavailable},

		{name: "iPaaS.com: 429 with seconds", fault: target(ipaastest.CustomerCreate, 2, ipaastest.Throttled("7"))},
		{name: "iPaaS.com: 429 with a date", fault: func(w *world) {
			target(ipaastest.CustomerCreate, 2, ipaastest.Throttled(time.Now().Add(9*time.Second).UTC().Format(http.TimeFormat)))(w)
		}},
		{name: "iPaaS.com: 429 without Retry-After", fault: target(ipaastest.CustomerCreate, 2, ipaastest.Throttled(""))},
		{name: "iPaaS.com: 429 beyond the deadline", set: settings{deadline: minute}, fault: target(ipaastest.CustomerCreate, 1, ipaastest.Throttled("600")), cut: true},
		// A fresh look at the secret shows the same key, so nothing else can be tried.
		{name: "iPaaS.com: 401 once", fault: target(ipaastest.CustomerCreate, 1, ipaastest.Refused(401, "AUTH-1002", "expired")), fails: transfer.DestinationUnauthorized},
		{name: "iPaaS.com: 500", fault: target(ipaastest.CustomerCreate, 1, ipaastest.Effect{Status: 500}), retrying: 1},
		{name: "iPaaS.com: 500 although it was carried out", fault: target(ipaastest.CustomerCreate, 1, ipaastest.Effect{Status: 500, Process: true})},
		{name: "iPaaS.com: 502 with HTML", fault: target(ipaastest.CustomerCreate, 1, html(502)), retrying: 1},
		{name: "iPaaS.com: cut, not carried out", fault: target(ipaastest.CustomerCreate, 1, ipaastest.Effect{Cut: true}), retrying: 1},
		{name: "iPaaS.com: carried out, the answer is lost", fault: target(ipaastest.CustomerCreate, 1, ipaastest.LostAnswer())},
		{name: "iPaaS.com: carried out, cut within the answer", fault: target(ipaastest.CustomerCreate, 1, ipaastest.Effect{Cut: true, Process: true, KeepBytes: 20})},
		{name: "iPaaS.com: carried out, broken JSON", fault: target(ipaastest.CustomerCreate, 1, ipaastest.Effect{KeepBytes: 20})},
		{name: "iPaaS.com: carried out, a huge answer", fault: target(ipaastest.CustomerCreate, 1, ipaastest.Effect{PadTo: 64 << 20})},
		{name: "iPaaS.com: carried out, a slow answer", fault: target(ipaastest.CustomerCreate, 1, ipaastest.Effect{BodyGate: func(ipaastest.Request) { time.Sleep(time.Hour) }}), retrying: 1},
		{name: "iPaaS.com: a redirect", fault: target(ipaastest.CustomerCreate, 1, ipaastest.Effect{Status: 307, Header: http.Header{"Location": {"https://attacker.example/"}}}), retrying: 1},
		{name: "iPaaS.com: look-ups that fail", set: settings{workers: 1}, fault: target(ipaastest.LookupCustomer, 4, ipaastest.Effect{Status: 503}), retrying: 1},
		{name: "iPaaS.com: e-mail search of broken JSON", fault: target(ipaastest.CustomerSearch, 1, ipaastest.Effect{Status: 200, Body: `[{"id":1,`}), retrying: 1},
		{name: "iPaaS.com: carried out and lost, and the look-up after it fails", fault: func(w *world) {
			target(ipaastest.CustomerCreate, 1, ipaastest.Effect{Cut: true, Process: true, After: func(ipaastest.Request) {
				w.target.Fail(ipaastest.Script{Route: ipaastest.LookupCustomer, Times: 4, Effect: ipaastest.Effect{Status: 503}})
			}})(w)
		}, set: settings{workers: 1}, retrying: 1},

		{name: "the secret is down", fault: func(w *world) {
			good, begin := w.secret, time.Now()
			w.secret = func() ([]byte, error) {
				if time.Since(begin) < 30*time.Second {
					return nil, errors.New("Secrets Manager is down")
				}
				return good()
			}
		}, fails: transfer.SourceUnauthorized},
		{name: "the client secret is rotated in mid-run", fault: func(w *world) {
			old := w.document(w.target.APIKey())
			w.secret = func() ([]byte, error) { return []byte(old), nil }
			w.source.Inject(businesscentraltest.Fault{Route: businesscentraltest.RouteContacts, Skip: 1, RevokeTokens: true, Before: func(*http.Request) {
				w.source.SetClientSecrets("rotated")
				w.secret = func() ([]byte, error) { return []byte(strings.Replace(old, `"client-secret"`, `"rotated"`, 1)), nil }
			}})
		}},
		{name: "the API key is rotated in mid-run", fault: func(w *world) {
			old := w.target.APIKey()
			w.target.Fail(ipaastest.Script{Route: ipaastest.CustomerCreate, Effect: ipaastest.Effect{After: func(ipaastest.Request) {
				w.target.SetKey(ipaastest.APIKey{Value: "rotated"})
				w.target.RevokeKey(old)
				w.secret = func() ([]byte, error) { return []byte(w.document("rotated")), nil }
			}}})
		}},
		{name: "Business Central's clock is two minutes ahead", set: settings{skew: 2 * minute}, fault: func(*world) {}},
		{name: "Business Central's clock is two minutes behind", set: settings{skew: -2 * minute}, fault: func(*world) {}},
	}
	return append(list, tableFaults()...)
}

// tableFaults let each kind of call to the table fail once, carried out or not.
func tableFaults() []script {
	var list []script
	for _, name := range []string{"Paused", "AcquireLease", "Cursor", "Requests", "Due", "States", "Number", "Claim", "Point", "Save", "PutCursor", "ReleaseLease", "PutRun"} {
		for how, verdict := range map[string]calls.Verdict{"not carried out": calls.FailBefore, "carried out, answer lost": calls.FailAfter} {
			list = append(list, script{
				name: "the table: " + name + " fails, " + how, fails: transfer.Internal,
				fault: func(w *world) {
					hit := false
					w.line.Judge = func(c calls.Call) calls.Verdict {
						if hit || c.Name != name {
							return calls.Pass
						}
						hit = true
						return verdict
					}
				},
			})
		}
	}
	return list
}

// population is what a script transfers: a company and seven persons.
func population(w *world) {
	w.target.AddCompany("Adatum Corporation", "C1")
	w.add(businesscentraltest.Contact{No: "C1", Type: "Company", Name: "Adatum Corporation"})
	for i := range 7 {
		p := apptest.Person(fmt.Sprintf("P%d", i), fmt.Sprintf("p%d@example.com", i))
		if i%3 == 0 {
			p.CompanyNo, p.CompanyName = "C1", "Adatum Corporation"
		}
		w.add(p)
	}
}

func TestFaultScripts(t *testing.T) {
	var customers, outcomes []string
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, settings{bubble: true})
		population(w)
		w.settle()
		customers, outcomes = w.customers(), w.outcomes()
	})
	if len(customers) != 7 {
		t.Fatalf("without faults there are %d customers, want 7", len(customers))
	}
	count := tally.Begin(t, "fault scripts")
	for _, s := range scripts() {
		t.Run(s.name, func(t *testing.T) {
			count.Scene(t)
			synctest.Test(t, func(t *testing.T) {
				s.set.bubble = true
				w := newWorld(t, s.set)
				w.count = count
				population(w)
				s.fault(w)
				run, err := w.poll()
				s.judge(t, w, run, err)
				w.line.Judge = nil
				w.source.ClearFaults()
				w.settle()
				same(t, w, "customers", w.customers(), customers)
				same(t, w, "outcomes", w.outcomes(), outcomes)
				time.Sleep(3 * time.Hour) // until the slowest answer is over
			})
		})
	}
}

func (s script) judge(t *testing.T, w *world, run status.Run, err error) {
	t.Helper()
	switch {
	case strings.HasPrefix(s.name, "the table: ReleaseLease"), strings.HasPrefix(s.name, "the table: Due"):
		// ReleaseLease: the lease ends by itself. What the run makes of it is its own affair.
	case transfer.FaultOf(err) != s.fails:
		t.Errorf("the run ended with %v, want %v\n%s", err, s.fails, w.tail())
	case err == nil && run.Complete == s.cut:
		t.Errorf("complete %t, want %t: %+v\n%s", run.Complete, !s.cut, run, w.tail())
	case err == nil && run.Counts.Failed > 0 || run.Counts.Retrying != s.retrying:
		t.Errorf("got %+v, want %d to be tried again and none failed\n%s", run.Counts, s.retrying, w.tail())
	}
}
