package businesscentral_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"contactsync/shared/businesscentral"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/contact"
	"contactsync/shared/transfer"
)

var one = contact.Ref{No: "CT000001"}

func TestOneTokenServesAllCallsUntilShortlyBeforeItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := company(t)
		c := clientOf(t, sim)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if _, err := c.Contact(t.Context(), one); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		tokens := func() int { return len(sim.Requests(businesscentraltest.RouteToken)) }
		if tokens() != 1 {
			t.Errorf("%d tokens for 20 calls at once, want 1", tokens())
		}
		time.Sleep(54 * time.Minute)
		if _, err := c.Contact(t.Context(), one); err != nil || tokens() != 1 {
			t.Errorf("after 54 minutes: %d tokens, %v; want 1", tokens(), err)
		}
		time.Sleep(90 * time.Second)
		if _, err := c.Contact(t.Context(), one); err != nil || tokens() != 2 {
			t.Errorf("5 minutes before the end: %d tokens, %v; want 2", tokens(), err)
		}
	})
}

func TestAnUnauthorizedCallGetsAFreshTokenOnce(t *testing.T) {
	sim := company(t)
	c := clientOf(t, sim)
	if _, err := c.Contact(t.Context(), one); err != nil {
		t.Fatal(err)
	}
	sim.RevokeTokens()
	if _, err := c.Contact(t.Context(), one); err != nil {
		t.Errorf("after the tokens were revoked: %v", err)
	}
}

func TestRejectedCredentials(t *testing.T) {
	expired := func(sim *businesscentraltest.Simulator) { sim.SetClientSecrets("next") }
	tests := []struct {
		name    string
		prepare func(*businesscentraltest.Simulator)
		renewed string // client secret that reading the secret again gives
		cfg     businesscentraltest.Config
		want    []string // of the error; none: it works
		reread  int
	}{
		{"a secret that was replaced is read again", expired, "next", businesscentraltest.Config{}, nil, 1},
		{"an expired secret", expired, "", businesscentraltest.Config{}, []string{"AADSTS7000222", "invalid_client", "has expired"}, 1},
		{"a wrong secret", expired, "wrong", businesscentraltest.Config{}, []string{"AADSTS7000215", "secret is wrong"}, 1},
		{"an application that is not enabled", func(sim *businesscentraltest.Simulator) { sim.DisableApplication(true) }, "",
			businesscentraltest.Config{}, []string{"HTTP 401 Authentication_InvalidCredentials", "Microsoft Entra Applications"}, 1},
		{"a missing permission", func(sim *businesscentraltest.Simulator) { sim.DenyPermission(true) }, "", businesscentraltest.Config{}, []string{"HTTP 403", "permission set"}, 0},
		{"a missing permission told by 401", func(sim *businesscentraltest.Simulator) { sim.DenyPermission(true) }, "",
			businesscentraltest.Config{Assumptions: businesscentraltest.Assumptions{PermissionAs401: true}}, []string{"HTTP 401", "permission set"}, 1},
		{"a 401 without body", func(sim *businesscentraltest.Simulator) { sim.DisableApplication(true) }, "",
			businesscentraltest.Config{Assumptions: businesscentraltest.Assumptions{EmptyUnauthorized: true}}, []string{"HTTP 401"}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sim := company(t, tt.cfg)
			tt.prepare(sim)
			s := &secret{account: accountOf(sim)}
			if tt.renewed != "" {
				s.renewed = s.account
				s.renewed.ClientSecret = tt.renewed
			}
			c := clientOf(t, sim, func(cfg *businesscentral.Config) { cfg.Credentials = s })
			_, err := c.Contact(t.Context(), one)
			if s.rejected != tt.reread {
				t.Errorf("the secret was read again %d times, want %d", s.rejected, tt.reread)
			}
			if len(tt.want) == 0 {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.Is(err, transfer.SourceUnauthorized) || !transfer.StopsRun(err) {
				t.Fatalf("got %v", err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in %q", want, err)
				}
			}
			for _, secret := range []string{"client-secret", "next", "wrong-"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("a secret is in %q", err)
				}
			}
		})
	}
}

func TestAnAccountNeverShowsItsSecret(t *testing.T) {
	var log strings.Builder
	for _, account := range []businesscentral.Account{
		{TenantID: "t", ClientID: "c", ClientSecret: "hush"}, {Username: "hush", WebServiceAccessKey: "hush"},
	} {
		fmt.Fprintf(&log, "%v %+v %#v %s", account, account, account, &account)
		for _, h := range []slog.Handler{slog.NewJSONHandler(&log, nil), slog.NewTextHandler(&log, nil)} {
			slog.New(h).Info("x", "account", account, "pointer", &account, "inside", []any{account})
		}
	}
	if strings.Contains(log.String(), "hush") {
		t.Error(log.String())
	}
}

func TestOneRefusedSignInCountsForAllWhoWaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := company(t, businesscentraltest.Config{Latency: time.Second})
		sim.SetClientSecrets("next")
		c := clientOf(t, sim)
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				if _, err := c.Contact(t.Context(), one); !errors.Is(err, transfer.SourceUnauthorized) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := len(sim.Requests(businesscentraltest.RouteToken)); n > 2 {
			t.Errorf("%d sign-ins for 5 callers, want at most 2", n)
		}
	})
}

func TestMorePatienceThanThereIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := company(t)
		c := clientOf(t, sim, func(cfg *businesscentral.Config) { cfg.Outbound.Attempts = 4 })
		sim.Inject(businesscentraltest.Fault{Status: 429, Header: http.Header{"Retry-After": {"120"}}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := c.Contact(ctx, one)
		if !errors.Is(err, transfer.ErrThrottled) || !errors.Is(err, transfer.SourceUnavailable) || ctx.Err() != nil {
			t.Errorf("got %v", err)
		}
		if c.HeldUntil().IsZero() {
			t.Error("the other callers are not held")
		}
	})
}

func TestTheEndOfTheContextIsReturnedAsItIs(t *testing.T) {
	sim := company(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := clientOf(t, sim).Contact(ctx, one); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := clientOf(t, sim).Schema(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), time.Millisecond) // less than the margin
	defer cancel()
	if _, err := clientOf(t, sim).Contact(ctx, one); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestTokenAnswers(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		status     int
		fault      *transfer.Fault
	}{
		{"the lifetime as text", `{"token_type":"Bearer","expires_in":"4012","access_token":%q}`, 200, nil},
		{"no lifetime", `{"access_token":%q}`, 200, nil},
		{"no token", `{"token_type":"Bearer","expires_in":3599,"x":%q}`, 200, transfer.SourceUnavailable},
		{"HTML", `<html>%s</html>`, 200, transfer.SourceUnavailable},
		{"a token that is no header value", `{"access_token":"a\nb","x":%q}`, 200, transfer.SourceUnavailable},
		{"a server in trouble", `{"error":"temporarily_unavailable","x":%q}`, 503, transfer.SourceUnavailable},
		{"a refusal without JSON", `no %s`, 400, transfer.SourceUnauthorized},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := stubClient(t, func(r *http.Request) (int, string) {
				if strings.Contains(r.URL.Path, "/token") {
					return tt.status, fmt.Sprintf(tt.body, "abc")
				}
				if r.Header.Get("Authorization") != "Bearer abc" {
					return 401, ""
				}
				return 200, `{"value":[]}`
			})
			_, err := c.Contact(t.Context(), one)
			want := tt.fault
			if want == nil {
				want = transfer.ContactNotFound
			}
			if !errors.Is(err, want) {
				t.Errorf("got %v, want %s", err, want.Code)
			}
		})
	}
}

func TestOnPremisesWithAWebServiceAccessKey(t *testing.T) {
	sim := company(t)
	c := clientOf(t, sim, func(cfg *businesscentral.Config) {
		cfg.BaseURL = sim.OnPremisesURL()
		cfg.Credentials = &secret{account: businesscentral.Account{Username: sim.Config().Username, WebServiceAccessKey: sim.Config().WebServiceAccessKey}}
	})
	if got, err := c.Contact(t.Context(), one); err != nil || got.No != one.No {
		t.Errorf("got %q, %v", got.No, err)
	}
	wrong := &secret{account: businesscentral.Account{Username: "INTEGRATION", WebServiceAccessKey: "old"}}
	c = clientOf(t, sim, func(cfg *businesscentral.Config) {
		cfg.BaseURL = sim.OnPremisesURL()
		cfg.Credentials = wrong
	})
	if _, err := c.Contact(t.Context(), one); !errors.Is(err, transfer.SourceUnauthorized) || wrong.rejected != 1 {
		t.Errorf("with a wrong key: %v, read again %d times", err, wrong.rejected)
	}
}

func TestCheckCredentials(t *testing.T) {
	sim := company(t)
	if err := clientOf(t, sim).CheckCredentials(t.Context()); err != nil {
		t.Error(err)
	}
	sim.SetClientSecrets("next")
	if err := clientOf(t, sim).CheckCredentials(t.Context()); !errors.Is(err, transfer.SourceUnauthorized) {
		t.Errorf("got %v", err)
	}
}
