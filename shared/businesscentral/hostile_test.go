package businesscentral_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"contactsync/shared/businesscentral"
	"contactsync/shared/contact"
	"contactsync/shared/poll"
	"contactsync/shared/transfer"
)

const row1 = `{"No":"CT000001","Type":"Person","SystemModifiedAt":"2026-01-31T10:00:00Z"}`

func TestNextLinks(t *testing.T) {
	here := stubBase + "/t/Production/ODataV4/Company(Id=" + stubCompany + ")/Contact_Card"
	tests := []struct {
		name, link string
		followed   string // the address that is asked; "" when none is
		fault      bool
	}{
		{"absolute, followed as it is", here + "?x=a%20b%27c&$skiptoken=1", here + "?x=a%20b%27c&$skiptoken=1", false},
		{"the same host written otherwise", "HTTPS://BC.example:443/v2.0/t/x?$skiptoken=1", "HTTPS://BC.example:443/v2.0/t/x?$skiptoken=1", false},
		{"relative", "Contact_Card?$skiptoken=1", here + "?$skiptoken=1", false},
		{"a blank in the query", here + "?$filter=a b", here + "?$filter=a%20b", false},
		{"another host", "https://evil.example/v2.0/t/x?$skiptoken=1", "", true},
		{"another host without scheme", "//evil.example/x", "", true},
		{"another port", "https://bc.example:444/v2.0/x", "", true},
		{"another scheme", "http://bc.example/v2.0/x", "", true},
		{"a user in front of the host", "https://bc.example@evil.example/x", "", true},
		{"a user of the right host", "https://u@bc.example/x", "", true},
		{"no address", "https://bc.example/%zz", "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var asked []string
			c := stubClient(t, pages(func(r *http.Request) (int, string) {
				if !strings.EqualFold(r.URL.Host, "bc.example") && r.URL.Host != "BC.example:443" {
					t.Errorf("a call went to %s", r.URL.Host)
				}
				asked = append(asked, r.URL.String())
				if len(asked) == 1 {
					return 200, `{"value":[` + row1 + `],"@odata.nextLink":"` + tt.link + `"}`
				}
				return 200, `{"value":[]}`
			}))
			got, links, err := read(t, c, poll.Window{})
			if len(got) != 1 {
				t.Errorf("%d contacts before the link, want 1", len(got))
			}
			if tt.fault {
				if !errors.Is(err, transfer.SourceUnavailable) || !strings.Contains(err.Error(), "was not followed") || len(asked) != 1 || len(links) != 0 {
					t.Errorf("asked %q, %v", asked, err)
				}
				return
			}
			if err != nil || len(asked) != 2 || !strings.EqualFold(asked[1], tt.followed) {
				t.Errorf("asked %q, %v; want %q", asked, err, tt.followed)
			}
		})
	}
}

func TestALinkThatLeadsInACircleIsAnError(t *testing.T) {
	calls := 0
	c := stubClient(t, pages(func(r *http.Request) (int, string) {
		calls++
		return 200, `{"value":[],"@odata.nextLink":"` + stubBase + `/x?page=` + []string{"a", "b"}[calls%2] + `"}`
	}))
	if _, _, err := read(t, c, poll.Window{}); !errors.Is(err, transfer.SourceUnavailable) || calls > 3 {
		t.Errorf("%d calls, %v", calls, err)
	}
}

func TestAStoredLinkThatIsRefused(t *testing.T) {
	for _, tt := range []struct {
		name, link string
		status     int
		refused    bool
	}{
		{"400", stubBase + "/x?$skiptoken=1", 400, true},
		{"404", stubBase + "/x?$skiptoken=1", 404, true},
		{"410", stubBase + "/x?$skiptoken=1", 410, true},
		{"a link of another host", "https://old.example/x", 200, true},
		{"500 is no refusal", stubBase + "/x?$skiptoken=1", 500, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := stubClient(t, pages(func(*http.Request) (int, string) { return tt.status, `{"value":[]}` }))
			_, _, err := read(t, c, poll.Window{Next: tt.link})
			if errors.Is(err, poll.ErrNextRefused) != tt.refused || err == nil {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAnswersThatCannotBeUnderstood(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		contacts   int
		want       string
	}{
		{"cut in the middle", `{"value":[` + row1 + `,{"No":"CT0`, 1, "ends in the middle"},
		{"HTML with 200", `<html><title>ada@example.com</title></html>`, 0, "no JSON object"},
		{"an error with 200", `{"error":{"code":"Internal_ServerError"}}`, 0, "an error of Business Central"},
		{"an entity instead of a list", row1, 0, `without one list "value"`},
		{"a row that is no object", `{"value":[` + row1 + `,"ada@example.com"]}`, 1, "a row that is no JSON object"},
		{"nothing", ``, 0, "ends in the middle"},
		{"nested too deeply", `{"value":[{"x":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}]}`, 0, "nested too deeply"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := stubClient(t, pages(func(*http.Request) (int, string) { return 200, tt.body }))
			got, links, err := read(t, c, poll.Window{})
			if !errors.Is(err, transfer.SourceUnavailable) || !strings.Contains(err.Error(), tt.want) || len(got) != tt.contacts || len(links) != 0 {
				t.Errorf("%d contacts, links %q, %v", len(got), links, err)
			}
			if strings.Contains(err.Error(), "ada@") {
				t.Errorf("a value of the answer is in %q", err)
			}
		})
	}
}

func TestOddRowsDoNotCostTheirPage(t *testing.T) {
	c := stubClient(t, pages(func(*http.Request) (int, string) {
		return 200, `{"value":[{},{"No":"","SystemId":"00000000-0000-0000-0000-000000000000"},{"No":7},{"SystemId":"3f2504e0-4f89-11d3-9a0c-0305e82c3301"},` + row1 + `]}`
	}))
	got, _, err := read(t, c, poll.Window{})
	if err != nil || len(got) != 3 || got[0].No != "7" || got[1].ID == "" || got[2].No != "CT000001" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestTheConsumerMayStop(t *testing.T) {
	c := stubClient(t, pages(func(*http.Request) (int, string) {
		return 200, `{"value":[` + row1 + `,` + row1 + `],"@odata.nextLink":"` + stubBase + `/x"}`
	}))
	for range 20 { // a stream that is not given back would use up the calls in flight
		for item, err := range c.Changed(t.Context(), poll.Window{}) {
			if err != nil || item.Contact == nil {
				t.Fatalf("got %+v, %v", item, err)
			}
			break
		}
	}
}

func TestAnswerWithAnotherContactIsNotTaken(t *testing.T) {
	c := stubClient(t, pages(func(*http.Request) (int, string) { return 200, `{"value":[` + row1 + `]}` }))
	_, err := c.Contact(t.Context(), contact.Ref{No: "CT000002"})
	if !errors.Is(err, transfer.SourceUnavailable) {
		t.Errorf("got %v", err)
	}
}

func TestASlowServerGetsSmallerPages(t *testing.T) {
	var sizes []string
	c := stubClient(t, pages(func(r *http.Request) (int, string) {
		sizes = append(sizes, strings.TrimPrefix(r.Header.Get("Prefer"), "odata.maxpagesize="))
		if len(sizes) < 3 {
			return 504, ""
		}
		return 200, `{"value":[]}`
	}), func(cfg *businesscentral.Config) { cfg.PageSize = 400 })
	if _, _, err := read(t, c, poll.Window{}); err != nil || strings.Join(sizes, " ") != "400 200 100" {
		t.Errorf("page sizes %q, %v", sizes, err)
	}
	sizes = nil
	c = stubClient(t, pages(func(r *http.Request) (int, string) { sizes = append(sizes, ""); return 408, "" }),
		func(cfg *businesscentral.Config) { cfg.PageSize = 60 })
	if _, _, err := read(t, c, poll.Window{}); !errors.Is(err, transfer.SourceUnavailable) || len(sizes) != 3 {
		t.Errorf("%d calls, %v", len(sizes), err)
	}
}

func TestABadRequestThatAsksToTryAgainLaterIsRepeated(t *testing.T) {
	calls := 0
	c := stubClient(t, pages(func(*http.Request) (int, string) {
		if calls++; calls == 1 {
			return 400, `{"error":{"code":"Unknown","message":"Something. Please try again later."}}`
		}
		return 200, `{"value":[` + row1 + `]}`
	}), func(cfg *businesscentral.Config) { cfg.Outbound.Attempts = 2 })
	if _, err := c.Contact(t.Context(), one); err != nil || calls != 2 {
		t.Errorf("a 400 that asks to try again later: %d calls, %v", calls, err)
	}
}
