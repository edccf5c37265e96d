package businesscentraltest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	bc "contactsync/shared/businesscentral/businesscentraltest"
)

func TestAFaultHitsTheCallsItNames(t *testing.T) {
	sim := bc.Start(t)
	c := newCaller(t, sim)
	fault := sim.Inject(bc.Fault{Route: bc.RouteContacts, Skip: 1, Times: 2, Status: 503, Header: http.Header{"Retry-After": {"7"}}})
	var got []int
	for range 4 {
		status, _ := c.get(c.service("Contact_Card"))
		got = append(got, status)
		if other, _ := c.get(c.service("Customers")); other != 200 {
			t.Errorf("another route: got %d", other)
		}
	}
	if want := []int{200, 503, 503, 200}; !slices.Equal(got, want) || fault.Hits() != 2 {
		t.Errorf("got %v and %d hits, want %v and 2", got, fault.Hits(), want)
	}
}

func TestAnswersThatAreScripted(t *testing.T) {
	sim := bc.Start(t)
	c := newCaller(t, sim)
	tests := []struct {
		name  string
		fault bc.Fault
		want  string
	}{
		{"a JSON error", bc.Fault{Status: 500, Body: `{"error":{"code":"Internal_ServerError"}}`}, `500 application/json {"error":{"code":"Internal_ServerError"}}`},
		{"XML", bc.Fault{Status: 404, Body: "<error/>", ContentType: "application/xml"}, "404 application/xml <error/>"},
		{"HTML", bc.Fault{Status: 502, Body: "<html>Bad Gateway</html>", ContentType: "text/html"}, "502 text/html <html>Bad Gateway</html>"},
		{"nothing", bc.Fault{Status: 504}, "504 application/json "},
		{"throttling", bc.Fault{Throttled: true}, `429 application/json; odata.metadata=minimal {"error":{"code":"Application_TooManyRequests","message":"Too many requests reached. Actual (101). Maximum (100)."}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sim.Inject(tt.fault)
			response := c.request(http.MethodGet, c.service("Contact_Card"), "")
			if got := response.Status[:3] + " " + response.Header.Get("Content-Type") + " " + read(t, response); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestABodyOfAnySize(t *testing.T) {
	sim := bc.Start(t)
	c := newCaller(t, sim)
	sim.Inject(bc.Fault{BodySize: 3 << 20})
	if status, body := c.get(c.service("Contact_Card")); status != 200 || len(body) < 3<<20 || !json.Valid([]byte(body)) {
		t.Errorf("got %d and %d bytes", status, len(body))
	}
}

func TestConnectionsThatBreak(t *testing.T) {
	for name, start := range map[string]func(testing.TB, ...bc.Config) *bc.Simulator{"in memory": bc.Start, "over a socket": bc.StartServer} {
		t.Run(name, func(t *testing.T) {
			sim := start(t)
			sim.Add(manyContacts(50)...)
			c := newCaller(t, sim)
			do := func() (string, error) {
				r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, c.api("contacts"), nil)
				r.Header.Set("Authorization", "Bearer "+c.token)
				sim.HTTPClient().CloseIdleConnections() // over a connection that was used before, a transport repeats a GET by itself
				response, err := sim.HTTPClient().Do(r)
				if err != nil {
					return "", err
				}
				defer response.Body.Close()
				body, err := io.ReadAll(response.Body)
				return string(body), err
			}
			sim.Inject(bc.Fault{CutBefore: true})
			if _, err := do(); err == nil {
				t.Error("cut before: got an answer")
			}
			sim.Inject(bc.Fault{CutAfter: true})
			if _, err := do(); err == nil {
				t.Error("cut after: got an answer")
			}
			sim.Inject(bc.Fault{BreakAfter: 500})
			if body, err := do(); err == nil || len(body) != 500 {
				t.Errorf("broken in the body: got %d bytes, error %v; want 500 and an error", len(body), err)
			}
			sim.Inject(bc.Fault{TruncateAfter: 500})
			if body, err := do(); err != nil || len(body) != 500 {
				t.Errorf("truncated: got %d bytes, error %v; want 500 and none", len(body), err)
			}
			if body, err := do(); err != nil || !json.Valid([]byte(body)) {
				t.Errorf("afterwards: error %v", err)
			}
		})
	}
}

func TestPagesThatMislead(t *testing.T) {
	start := func(f bc.Fault) (*caller, string) {
		sim := bc.Start(t)
		sim.Add(manyContacts(9)...)
		c := newCaller(t, sim)
		f.Route = bc.RouteContacts
		sim.Inject(f)
		return c, c.service("Contact_Card") + "?$orderby=No"
	}
	three := []string{"Prefer", "odata.maxpagesize=3"}
	c, address := start(bc.Fault{Skip: 1, Times: -1, SameToken: true})
	second := c.page(c.page(address, three...).Next, three...)
	if third := c.page(second.Next, three...); third.Next != second.Next {
		t.Errorf("a token again: got %q, then %q", second.Next, third.Next)
	}
	c, address = start(bc.Fault{RepeatRows: 2})
	first := c.page(address, three...)
	if got := c.page(first.Next, three...).list("No"); got != "C000001 C000002 C000003" {
		t.Errorf("rows again: got %q", got)
	}
	c, address = start(bc.Fault{NextLinkHost: "https://evil.example"})
	if next := c.page(address, three...).Next; !strings.HasPrefix(next, "https://evil.example/v2.0/") {
		t.Errorf("another host: got %q", next)
	}
	c, address = start(bc.Fault{Skip: 1, RefuseToken: true})
	if status, body := c.get(c.page(address, three...).Next, three...); status != 400 || errorCode(body) != "SkipTokenIsNoLongerValid" {
		t.Errorf("a token that is refused: got %d %s", status, body)
	}
	c, address = start(bc.Fault{WithoutMember: "No"})
	if row := c.page(address).Value[0]; row["No"] != nil || row["Name"] == nil {
		t.Errorf("a member that is missing: got %v", row)
	}
	c, address = start(bc.Fault{RawMembers: `"Odd":{"deep":[1,null]}`})
	if row := c.page(address).Value[0]; row["Odd"] == nil {
		t.Errorf("a member that is odd: got %v", row)
	}
}

func TestATokenThatEndsInMidRun(t *testing.T) {
	sim := bc.Start(t)
	c := newCaller(t, sim)
	sim.Inject(bc.Fault{Route: bc.RouteContacts, Skip: 1, RevokeTokens: true})
	for i, want := range []int{200, 401} {
		if status, _ := c.get(c.service("Contact_Card")); status != want {
			t.Errorf("call %d: got %d, want %d", i+1, status, want)
		}
	}
}

func TestARedirect(t *testing.T) {
	sim := bc.Start(t)
	c := newCaller(t, sim)
	client := *sim.HTTPClient()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	sim.Inject(bc.Fault{RedirectTo: "https://evil.example/"})
	response, err := client.Get(c.service("Contact_Card"))
	if err != nil || response.StatusCode != 307 || response.Header.Get("Location") != "https://evil.example/" {
		t.Errorf("got %v, %v", response, err)
	}
}

func TestACallIsHeldBeforeOrAfterItsWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, hold := range map[string]func(*bc.Simulator) *bc.Hold{
			"before": func(s *bc.Simulator) *bc.Hold { return s.HoldBefore(bc.RouteContact, 1) },
			"after":  func(s *bc.Simulator) *bc.Hold { return s.HoldAfter(bc.RouteContact, 1) },
		} {
			sim := bc.Start(t)
			sim.Add(bc.Contact{No: "A", Name: "Ada"})
			c := newCaller(t, sim)
			h := hold(sim)
			bodies := make(chan string)
			go func() {
				_, body := c.get(c.service("Contact_Card('A')"))
				bodies <- body
			}()
			<-h.Arrived()
			sim.Edit("A", func(c *bc.Contact) { c.Name = "Zoe" })
			h.Release()
			if body := <-bodies; strings.Contains(body, "Zoe") != (name == "before") {
				t.Errorf("held %s its work: got %s", name, body)
			}
		}
	})
}

func TestLatencyAndSlowBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := bc.Start(t, bc.Config{Latency: time.Second})
		sim.Add(manyContacts(20)...)
		c := newCaller(t, sim)
		before := time.Now()
		_, body := c.get(c.service("Contact_Card"))
		if got := time.Since(before); got != time.Second {
			t.Errorf("latency: got %v, want 1s", got)
		}
		sim.Inject(bc.Fault{SlowBody: time.Second, Latency: time.Minute})
		before = time.Now()
		_, slow := c.get(c.service("Contact_Card"))
		if got := time.Since(before); slow != body || got < time.Minute+time.Duration(len(body)/1024)*time.Second {
			t.Errorf("slow body of %d bytes, %d as they were: got it after %v", len(slow), len(body), got)
		}
	})
}
