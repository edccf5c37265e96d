package businesscentraltest_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	bc "contactsync/shared/businesscentral/businesscentraltest"
)

func TestSignInErrorsAreThoseOfEntra(t *testing.T) {
	sim := bc.Start(t)
	sim.SetClientSecrets("client-secret", "next")
	sim.SetClientSecrets("next", "client-secret")
	c := &caller{t: t, sim: sim}
	with := func(name, value string) url.Values {
		form := tokenForm()
		form.Set(name, value)
		return form
	}
	tests := []struct {
		name   string
		form   url.Values
		status int
		code   int
		error  string
	}{
		{"a wrong secret", with("client_secret", "guess"), 401, 7000215, "invalid_client"},
		{"an unknown application", with("client_id", "other"), 400, 700016, "unauthorized_client"},
		{"a wrong scope", with("scope", "https://graph.microsoft.com/.default"), 400, 70011, "invalid_scope"},
		{"another grant", with("grant_type", "password"), 400, 70003, "unsupported_grant_type"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, body := c.signIn(tt.form)
			var e struct {
				Error string `json:"error"`
				Codes []int  `json:"error_codes"`
			}
			if err := json.Unmarshal([]byte(body), &e); err != nil || status != tt.status || e.Error != tt.error || len(e.Codes) != 1 || e.Codes[0] != tt.code {
				t.Errorf("got %d %s, want %d %s %d", status, body, tt.status, tt.error, tt.code)
			}
		})
	}
	sim.SetClientSecrets("newest")
	if status, body := c.signIn(tokenForm()); status != 401 || !strings.Contains(body, "7000222") {
		t.Errorf("an expired secret: got %d %s, want 401 with 7000222", status, body)
	}
	response, err := sim.HTTPClient().PostForm(strings.Replace(sim.TokenURL(), bc.DefaultTenant, "other", 1), tokenForm())
	if err != nil || response.StatusCode != 400 || !strings.Contains(read(t, response), "90002") {
		t.Errorf("another tenant: got %v %v, want 400 with 90002", response, err)
	}
}

func TestATokenEndsAndIsRejected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := bc.Start(t, bc.Config{TokenLifetime: time.Hour})
		c := newCaller(t, sim)
		time.Sleep(time.Hour - time.Second)
		if status, _ := c.get(c.service("Contact_Card")); status != http.StatusOK {
			t.Errorf("before its end: got %d, want 200", status)
		}
		time.Sleep(time.Second)
		response := c.request(http.MethodGet, c.service("Contact_Card"), "")
		if body := read(t, response); response.StatusCode != 401 || errorCode(body) != "Authentication_InvalidCredentials" || response.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("at its end: got %d %s", response.StatusCode, body)
		}
	})
}

func TestAccessThatIsTakenAway(t *testing.T) {
	sim := bc.Start(t)
	c := newCaller(t, sim)
	sim.DisableApplication(true)
	if status, _ := c.get(c.service("Contact_Card")); status != 401 {
		t.Errorf("an application that is not enabled: got %d, want 401", status)
	}
	sim.DisableApplication(false)
	sim.DenyPermission(true)
	status, body := c.get(c.service("Contact_Card"))
	if status != 403 || errorCode(body) != "Authorization_InsufficientPermissions" || !strings.Contains(body, "Sorry, the current permissions prevented") {
		t.Errorf("a missing permission: got %d %s, want 403", status, body)
	}
	if status, _ := c.get(c.environment() + "/ODataV4/Company"); status != 200 {
		t.Errorf("the companies need no permission on contacts: got %d", status)
	}
	sim.DenyPermission(false)
	sim.RevokeTokens()
	if status, _ := c.get(c.service("Contact_Card")); status != 401 {
		t.Errorf("a revoked token: got %d, want 401", status)
	}
}

func TestAssumptionsAboutAccess(t *testing.T) {
	sim := bc.Start(t, bc.Config{Assumptions: bc.Assumptions{PermissionAs401: true, EmptyUnauthorized: true}})
	c := newCaller(t, sim)
	sim.DenyPermission(true)
	if status, body := c.get(c.service("Contact_Card")); status != 401 || !strings.Contains(body, "current permissions") {
		t.Errorf("no. 11: got %d %s, want 401", status, body)
	}
	response, err := sim.HTTPClient().Get(c.service("Contact_Card"))
	if err != nil || response.StatusCode != 401 || read(t, response) != "" {
		t.Errorf("no. 10: got %v %v, want 401 without a body", response, err)
	}
}

func TestOnPremisesUsesBasicAuthentication(t *testing.T) {
	sim := bc.Start(t)
	sim.Add(fiveContacts()...)
	address := sim.OnPremisesURL() + "/ODataV4/Company('CRONUS%20USA%2C%20Inc.')/Contact_Card"
	for password, want := range map[string]int{"web-service-access-key": 200, "guess": 401} {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		r.SetBasicAuth("integration", password)
		response, err := sim.HTTPClient().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if _ = read(t, response); response.StatusCode != want {
			t.Errorf("password %q: got %d, want %d", password, response.StatusCode, want)
		}
	}
	c := newCaller(t, sim)
	if status, _ := c.get(address); status != 401 {
		t.Errorf("a token on premises: got %d, want 401", status)
	}
}

func TestOneUserHasFiveRequestsInFlightAndAQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := bc.Start(t, bc.Config{MaxQueue: 2, RetryAfter: bc.RetryAfter{Delay: 1500 * time.Millisecond}})
		c := newCaller(t, sim)
		hold := sim.HoldBefore(bc.RouteContacts, -1)
		statuses := make(chan int, 7)
		for range 7 {
			go func() {
				status, _ := c.get(c.service("Contact_Card"))
				statuses <- status
			}()
		}
		synctest.Wait()
		response := c.request(http.MethodGet, c.service("Contact_Card"), "")
		if body := read(t, response); response.StatusCode != 429 || !strings.Contains(body, `"code":"Application_TooManyRequests","message":"Too many requests reached. Actual (8). Maximum (7)."`) {
			t.Errorf("the eighth request: got %d %s, want 429", response.StatusCode, body)
		}
		if got := response.Header.Get("Retry-After"); got != "2" {
			t.Errorf("Retry-After: got %q, want 2", got)
		}
		hold.Release()
		for range 7 {
			if status := <-statuses; status != 200 {
				t.Errorf("a queued request: got %d, want 200", status)
			}
		}
		if got := sim.MaxInFlight(); got != 5 {
			t.Errorf("worked on at once: got %d, want 5", got)
		}
	})
}

func TestWhoWaitsEightMinutesInTheQueueGets503(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := bc.Start(t, bc.Config{MaxInFlight: 1})
		c := newCaller(t, sim)
		hold := sim.HoldBefore(bc.RouteContacts, 1)
		go c.get(c.service("Contact_Card"))
		<-hold.Arrived()
		before := time.Now()
		if status, _ := c.get(c.service("Contact_Card")); status != 503 || time.Since(before) != 8*time.Minute {
			t.Errorf("got %d after %v, want 503 after 8m", status, time.Since(before))
		}
		hold.Release()
		synctest.Wait()
	})
}

func TestTheRateIsASlidingWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := bc.Start(t, bc.Config{RateLimit: 2, RateWindow: time.Minute, RetryAfter: bc.RetryAfter{Delay: time.Minute, AsDate: true}})
		c := newCaller(t, sim)
		for i, want := range []int{200, 200, 429} {
			response := c.request(http.MethodGet, c.service("Contact_Card"), "")
			if _ = read(t, response); response.StatusCode != want {
				t.Errorf("request %d: got %d, want %d", i+1, response.StatusCode, want)
			}
			if at, err := http.ParseTime(response.Header.Get("Retry-After")); want == 429 && (err != nil || time.Until(at) != time.Minute) {
				t.Errorf("Retry-After as a date: got %v, %v", at, err)
			}
		}
		time.Sleep(time.Minute)
		if status, _ := c.get(c.service("Contact_Card")); status != 200 {
			t.Errorf("a minute later: got %d, want 200", status)
		}
	})
}
