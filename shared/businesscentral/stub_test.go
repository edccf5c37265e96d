package businesscentral_test

import (
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"contactsync/shared/businesscentral"
	"contactsync/shared/mapping"
	"contactsync/shared/outbound"
)

const (
	stubBase    = "https://bc.example/v2.0"
	stubCompany = "70c0c603-f4f9-ef11-9344-6045bdc8c234"
)

// A stub answers what no well-behaved Business Central would.
type stub func(*http.Request) (status int, body string)

func (s stub) RoundTrip(r *http.Request) (*http.Response, error) {
	status, body := s(r)
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), Request: r,
	}, nil
}

// stubClient is a client of a stub that is read by number and type only.
func stubClient(t *testing.T, answer stub, change ...func(*businesscentral.Config)) *businesscentral.Client {
	t.Helper()
	cfg := businesscentral.Config{
		BaseURL: stubBase, TokenURL: "https://login.example/{tenant}/token", Company: stubCompany,
		Sources:     mapping.Sources{Model: []string{"No"}},
		Credentials: &secret{account: businesscentral.Account{TenantID: "t", ClientID: "c", ClientSecret: "s"}},
		Outbound:    outbound.Config{HTTP: &http.Client{Transport: answer}, Attempts: 1, BackOff: time.Millisecond},
		Log:         slog.New(slog.DiscardHandler),
	}
	for _, f := range change {
		f(&cfg)
	}
	c, err := businesscentral.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const stubMetadata = `<Edmx><DataServices><Schema Namespace="NAV"><EntityType Name="Contact_Card">
<Property Name="No" Type="Edm.String"/><Property Name="Type" Type="Edm.String"/><Property Name="SystemId" Type="Edm.Guid"/>
<Property Name="SystemModifiedAt" Type="Edm.DateTimeOffset"/></EntityType>
<EntityContainer Name="NAV"><EntitySet Name="Contact_Card" EntityType="NAV.Contact_Card"/></EntityContainer></Schema></DataServices></Edmx>`

// pages answers the token, $metadata, and else what page says.
func pages(page stub) stub {
	return func(r *http.Request) (int, string) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/token"):
			return 200, `{"access_token":"abc","expires_in":3599}`
		case strings.HasSuffix(r.URL.Path, "/$metadata"):
			return 200, stubMetadata
		}
		return page(r)
	}
}
