package webhook_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

// Whatever API Gateway's event holds: there is an answer, and it is no defect.
func FuzzGatewayEvent(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"version":"2.0","rawPath":"/transfers","rawQueryString":"status=failed","headers":{"authorization":"Bearer key-now"},"requestContext":{"stage":"$default","http":{"method":"GET"}}}`,
		`{"rawPath":"/prod/hooks","headers":{"authorization":"Bearer key-now","content-type":"application/json"},"requestContext":{"stage":"prod","http":{"method":"POST"}},"body":"e30=","isBase64Encoded":true}`,
		`{"rawPath":"/notifications/business-central","rawQueryString":"validationToken=%zz","requestContext":{"http":{"method":"POST"}},"body":"x","isBase64Encoded":true}`,
		`{"rawPath":"//transfers//replay","rawQueryString":"&&=;","headers":{"":"","authorization":"Bearer key-now","a b":"\n"},"requestContext":{"http":{"method":"post"}},"body":"\ud800"}`,
		`{"rawPath":"/assets/../webhook.go","requestContext":{"http":{"method":"HEAD"}}}`, `{"rawPath":"/preflight","headers":{"authorization":"Bearer key-now"},"requestContext":{"http":{"method":"GET"}}}`,
	} {
		f.Add([]byte(seed))
	}
	s := open(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		s.t = t
		var event events.APIGatewayV2HTTPRequest
		if json.Unmarshal(raw, &event) != nil {
			t.Skip("no event of API Gateway")
		}
		answer, err := s.lambda(t.Context(), event)
		unchecked := event.RawPath != "" && answer.StatusCode == http.StatusServiceUnavailable // the preflight of this fixture is down
		if err != nil || answer.StatusCode < 200 || answer.StatusCode >= 500 && !unchecked {
			t.Errorf("got %d %s, %v", answer.StatusCode, answer.Body, err)
		}
	})
}

// Whatever the parameters of the lists are, cursors among them.
func FuzzListQuery(f *testing.F) {
	for _, seed := range []string{"", "status=failed&limit=200", "since=2026-01-31", "cursor=YTAyMDI2LTAxLTMxVDEwOjAwOjAwLjEyM1ojMSMx", "cursor=YQ", "limit=99999999999999999999", "code=MISSING_EMAIL&run=x&status=", "%zz", "a=1;b=2", "since=0000-01-01&cursor=%00"} {
		f.Add(seed)
	}
	s := open(f)
	s.keep(failedState("44552", "", "MISSING_EMAIL"))
	f.Fuzz(func(t *testing.T, query string) {
		s.t = t
		for _, path := range []string{"/transfers", "/runs", "/errors"} {
			if a := s.do(call{method: http.MethodGet, path: path, query: query}); a.status != 200 && a.status != 400 {
				t.Errorf("%s: got %d %s", path, a.status, a.body)
			}
		}
	})
}

func FuzzReplays(f *testing.F) {
	f.Add(`{"status":"failed","code":"MISSING_EMAIL"}`)
	f.Add(`{"status":null,"code":[]}`)
	f.Add(`{}`)
	s := open(f)
	s.keep(failedState("44552", "", "MISSING_EMAIL"))
	f.Fuzz(func(t *testing.T, body string) {
		s.t = t
		if a := s.do(call{method: http.MethodPost, path: "/replays", body: body, base64: true}); a.status != 202 && a.status != 400 && a.status != 413 {
			t.Errorf("got %d %s", a.status, a.body)
		}
	})
}
