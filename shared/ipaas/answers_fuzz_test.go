package ipaas_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"contactsync/shared/customer"
	"contactsync/shared/ipaas"
	"contactsync/shared/outbound"
	"contactsync/shared/transfer"
)

// always answers every call alike.
type always struct {
	status     int
	body, page string
}

func (a always) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: a.status, Status: http.StatusText(a.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}, "X-Pagination": {a.page}}, Body: io.NopCloser(strings.NewReader(a.body)),
	}, nil
}

// Whatever iPaaS.com answers, each call gives something that can be worked with, or
// an error of the catalogue that is no defect of ours.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{
		``, `null`, `[]`, `{}`, `"912"`, `912`, `"DELETED:912"`, `[{"id":912,"email_address":"a@b.c"}]`, `[null]`, `[{"id":[]}]`, `{"id":912,"external_ids":[{"system_id":77,"external_id":"1|contact"}]}`,
		`{"id":1e400}`, `[[[[`, `{"id":"../../x"}`, `<html>`, `"\ud800"`, `{"code":"BIZL-1006","message":"taken"}`,
	} {
		f.Add(200, body, `{"TotalPages":1}`)
	}
	f.Add(404, `{"code":"NFND-1005"}`, ``)
	f.Add(400, `{"errors":[{"error_code":"VALD-1010","error_message":"Role"}]}`, `{"TotalPages":1000000000,"HasNext":true}`)
	f.Add(200, `[{"id":1,"email_address":"a@b.c"}]`, `{"CurrentPage":-1,"TotalPages":"x"`)
	f.Fuzz(func(t *testing.T, status int, body, page string) {
		synctest.Test(t, func(t *testing.T) { // what is waited for takes no time
			status = 200 + (status%400+400)%400
			calls := 0
			count := roundTrip(func(r *http.Request) (*http.Response, error) {
				calls++
				return always{status, body, page}.RoundTrip(r)
			})
			client, err := ipaas.New(ipaas.Config{
				BaseURL: "https://ipaas.example", SystemID: "77", Credentials: &secret{accounts: []ipaas.Account{{APIKey: "key-1"}}},
				Outbound: outbound.New(outbound.Config{HTTP: &http.Client{Transport: count}, Attempts: 1, BackOff: time.Millisecond}),
			})
			if err != nil {
				t.Fatal(err)
			}
			c := customer.Customer{ExternalID: "1|contact", Fields: []customer.Value{{Field: "email_address", Value: "a@b.c"}}}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // a 429 may ask for patience
			defer cancel()
			session := client.Session()
			for name, call := range map[string]func() error{
				"by external id": func() error { _, err := session.CustomerByExternalID(ctx, "1|contact"); return err },
				"by e-mail":      func() error { _, err := session.CustomersByEmail(ctx, "a@b.c"); return err },
				"customer":       func() error { _, err := session.Customer(ctx, "912"); return err },
				"create": func() error {
					e, err := session.Create(ctx, c)
					if err == nil && e.ID == "" {
						t.Error("a create without an id passes for one")
					}
					return err
				},
				"update":         func() error { _, err := session.Update(ctx, "912", c); return err },
				"link":           func() error { return session.Link(ctx, "912", "2|contact") },
				"external id of": func() error { _, err := session.ExternalIDOf(ctx, "912"); return err },
				"company":        func() error { _, err := session.SpaceportID(ctx, "C1", "Customer Company", "77"); return err },
			} {
				calls = 0
				if err := call(); err != nil && ctx.Err() == nil && !errors.Is(err, outbound.ErrDeadline) && transfer.FaultOf(err) == transfer.Internal {
					t.Errorf("%s: %v", name, err)
				}
				if calls > 200 {
					t.Errorf("%s took %d calls", name, calls)
				}
			}
		})
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
