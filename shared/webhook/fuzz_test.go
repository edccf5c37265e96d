package webhook_test

import (
	"net/http"
	"strings"
	"testing"
)

// Whatever is sent, the answer is one that the description lists (do checks it),
// none is a defect, and Business Central never sees another 4xx.

func FuzzNotifications(f *testing.F) {
	f.Add(batch(notification("state-now", "updated", contactResource(ada)), notification("x", "collection", "contacts")))
	f.Add(`{"value":[null,1,{"resource":"companies()/contacts(","changeType":"deleted","clientState":"state-now"}]}`)
	f.Add("\ufeff{}")
	s := open(f)
	f.Fuzz(func(t *testing.T, body string) {
		s.t = t
		if a := s.do(call{method: http.MethodPost, path: "/notifications/business-central", body: body, base64: true, nobody: true}); a.status != 202 {
			t.Errorf("got %d %s", a.status, a.body)
		}
	})
}

func FuzzHooks(f *testing.F) {
	f.Add(`{"notifications":[{"scope":"contact/updated","external_id":"44552|contact"},{"scope":"customer/x"},7]}`)
	f.Add(`{"notifications":[{"scope":"contact/poll"}],"notifications":1}`)
	s := open(f)
	f.Fuzz(func(t *testing.T, body string) {
		s.t = t
		if a := s.do(call{method: http.MethodPost, path: "/hooks", body: body, base64: true}); a.status != 202 && a.status != 400 && a.status != 413 {
			t.Errorf("got %d %s", a.status, a.body)
		}
	})
}

func FuzzManual(f *testing.F) {
	f.Add(ids("44552|contact", "1|2", ""))
	f.Add(`{"ids":["44552"],"dry_run":true}`)
	f.Add(`{"ids":[[[{"a":1}]]]}`)
	s := open(f)
	f.Fuzz(func(t *testing.T, body string) {
		s.t = t
		if a := s.do(call{method: http.MethodPost, path: "/transfers", body: body, base64: true}); a.status != 200 && a.status != 202 && a.status != 400 && a.status != 413 {
			t.Errorf("got %d %s", a.status, a.body)
		}
	})
}

func FuzzPathIDs(f *testing.F) {
	for _, id := range []string{"44552", "A%2FB", "A/B", "5%41", "%", "44552%7Ccontact", "x/replay", "\xff", "%ff", "%00", strings.Repeat("%25", 50)} {
		f.Add(id)
	}
	s := open(f)
	s.keep(failedState("A/B", "", "MISSING_EMAIL"))
	f.Fuzz(func(t *testing.T, id string) {
		s.t = t
		for _, c := range []call{{method: http.MethodGet, path: "/transfers/" + id}, {method: http.MethodPost, path: "/transfers/" + id + "/replay"}} {
			if a := s.do(c); a.status >= 500 || a.status == 400 {
				t.Errorf("%s: got %d %s", c.method, a.status, a.body)
			}
		}
	})
}
