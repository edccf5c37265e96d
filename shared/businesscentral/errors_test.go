package businesscentral

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"contactsync/shared/outbound"
	"contactsync/shared/transfer"
)

const traceID = "c32f628c-2b96-48c1-8b4b-7440366a21ef"

func answerOf(status int, body string) *outbound.Answer {
	return &outbound.Answer{Status: status, Body: []byte(body), Header: http.Header{"Request-Id": {"req-1"}, "Content-Type": {"application/json"}}}
}

func TestErrorAnswers(t *testing.T) {
	client := &Client{cfg: Config{Environment: "Production", Company: "CRONUS"}}
	page := place{kind: webService, name: "Contact_Card", variable: "BC_CONTACT_SERVICE"}
	custom := place{kind: apiRoute, name: "contoso/crm/v1.0/contacts", variable: "BC_API_PATH"}
	tests := []struct {
		name   string
		where  place
		status int
		body   string
		fault  *transfer.Fault
		stop   bool
		detail []string
	}{
		{"a web service that is not published", page, 404, `{"error":{"code":"BadRequest_ResourceNotFound","message":"Resource not found for the segment 'Contact_Card'.  CorrelationId:  ` + traceID + `."}}`,
			transfer.SourceUnavailable, true, []string{"BadRequest_ResourceNotFound", traceID, "Contact_Card is not published", "BC_CONTACT_SERVICE"}},
		{"an API route that is not there", custom, 404, `{"error":{"code":"BadRequest_NotFound","message":"No HTTP resource was found that matches the request URI 'http://x/y'."}}`,
			transfer.SourceUnavailable, true, []string{"there is no API contoso/crm/v1.0/contacts", "BC_API_PATH", "req-1"}},
		{"an environment that does not exist", page, 404, `<error xmlns="http://docs.oasis-open.org/odata/ns/metadata"><code>NoEnvironment</code><message>Environment does not exist.</message></error>`,
			transfer.SourceUnavailable, true, []string{"NoEnvironment", "the environment Production does not exist", "BC_ENVIRONMENT"}},
		{"a company that does not exist", page, 404, `{"error":{"code":"Internal_CompanyNotFound","message":"..."}}`,
			transfer.SourceUnavailable, true, []string{"there is no company CRONUS", "BC_COMPANY"}},
		{"a stack that is switched off", page, 405, ``, transfer.SourceUnavailable, true, []string{"HTTP 405", "server settings"}},
		{"what is not implemented is never taken for no data", page, 501, `{"error":{"code":"BadRequest_MethodNotImplemented","message":"x"}}`,
			transfer.SourceUnavailable, true, []string{"BadRequest_MethodNotImplemented"}},
		{"a missing permission", page, 403, `{"error":{"code":"Authorization_InsufficientPermissions","message":"x"}}`, transfer.SourceUnauthorized, false, []string{"permission set"}},
		{"a missing permission under another status", page, 400, `{"error":{"code":"Application_DialogException","message":"Sorry, the current permissions prevented the action. (TableData 5050 Contact Read)"}}`,
			transfer.SourceUnauthorized, false, []string{"permission set"}},
		{"a 403 without a body", page, 403, ``, transfer.SourceUnauthorized, false, []string{"HTTP 403"}},
		{"a server in trouble", page, 500, `<html>oops</html>`, transfer.SourceUnavailable, false, []string{"HTTP 500 with HTML"}},
		{"a property that is gone", page, 400, `{"error":{"code":"BadRequest","message":"Could not find a property named 'Web_User_Role' on type 'NAV.Contact_Card'.  CorrelationId:  ` + traceID + `."}}`,
			transfer.SourceUnavailable, false, []string{"has no property Web_User_Role"}},
		{"a message with personal data", page, 400, `{"error":{"code":"Internal_RecordNotFound","message":"The Contact 'ada@example.com' does not exist."}}`, transfer.SourceUnavailable, false, []string{"Internal_RecordNotFound"}},
		{"a code that is a text", page, 400, `{"error":{"code":"ada@example.com is wrong","message":{"lang":"en"}}}`, transfer.SourceUnavailable, false, []string{"HTTP 400"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := client.judge("read contact 44552", tt.where, answerOf(tt.status, tt.body))
			if !errors.Is(err, tt.fault) || transfer.StopsRun(err) != (tt.stop || tt.fault.StopsRun) {
				t.Errorf("got %v, stops the run: %v", err, transfer.StopsRun(err))
			}
			detail := transfer.DetailOf(err)
			for _, want := range tt.detail {
				if !strings.Contains(detail, want) {
					t.Errorf("%q is not in %q", want, detail)
				}
			}
			if strings.Contains(err.Error(), "ada@") {
				t.Errorf("personal data in %q", err)
			}
		})
	}
}

func FuzzErrorAnswer(f *testing.F) {
	f.Add(404, `{"error":{"code":"BadRequest_ResourceNotFound","message":"x  CorrelationId:  `+traceID+`."}}`)
	f.Add(502, `<error><code>NoEnvironment</code></error>`)
	f.Add(400, `{"error":{"code":["x"],"message":5}}`)
	client := &Client{}
	f.Fuzz(func(t *testing.T, status int, body string) {
		err := client.judge("read", place{kind: webService, name: "Contact_Card"}, answerOf(status, body+"ada@example.com"))
		if err == nil || strings.Contains(err.Error(), "ada@example.com") {
			t.Errorf("got %v", err)
		}
	})
}
