package ipaas_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"contactsync/shared/customer"
	"contactsync/shared/transfer"
)

// problem is an error of the API in the form that the references assume (ipaas.md
// 14, no. 11).
func problem(status int, code, message string) answer {
	return answer{status: status, body: `{"title":"One or more errors","code":"` + code + `","message":"` + message +
		`","help_url":"https://support.ipaas.com/en/articles/1"}`}
}

var page = http.Header{"Content-Type": {"text/html; charset=utf-8"}}

func TestRefusedCreates(t *testing.T) {
	tests := []struct {
		name   string
		reply  answer
		fault  *transfer.Fault
		is     []error
		not    []error
		detail string
	}{
		{name: "the e-mail address is taken", reply: problem(400, "BIZL-1006", "Email Address must be unique and ada.byron@example.com is already in use."),
			fault: transfer.DuplicateContact, is: []error{transfer.ErrTaken}, not: []error{transfer.ErrUnknownOutcome}, detail: "400 BIZL-1006: "},
		{name: "the external id is taken, as 409", reply: problem(409, "BIZL-1003", "External Id must be unique"), fault: transfer.DuplicateContact, is: []error{transfer.ErrTaken}},
		{name: "the customer exists", reply: problem(400, "BIZL-1007", "Customer (Id: 5) already exists."), fault: transfer.DuplicateContact, is: []error{transfer.ErrTaken}},
		{name: "a child record appears twice", reply: problem(400, "BIZL-1002", "Duplicate Address while creating Customer; must be unique"),
			fault: transfer.DestinationRejected, not: []error{transfer.ErrTaken}},
		{name: "a child's external id is taken", reply: problem(400, "BIZL-1002", "Duplicate External Id while creating Customer; must be unique"),
			fault: transfer.DuplicateContact, is: []error{transfer.ErrTaken}},
		{name: "an inactive customer holds the e-mail address", reply: problem(400, "BIZL-1009", "This Customer is inactive"),
			fault: transfer.DuplicateContact, is: []error{transfer.ErrTaken, transfer.ErrInactive}},
		{name: "a custom field is unknown", reply: problem(400, "VALD-1010", "Value for Record Type not in its defined set of allowed values."),
			fault: transfer.CustomFieldNotFound, detail: "Record Type"},
		{name: "a custom field is not found", reply: problem(404, "NFND-1010", "Custom field iPaaS.com Company ID does not exist or can not be found."),
			fault: transfer.CustomFieldNotFound, not: []error{transfer.ErrGone}, detail: "iPaaS.com Company ID"},
		{name: "a custom field that is not named", reply: problem(400, "VALD-1022", "Invalid value for custom field."), fault: transfer.CustomFieldNotFound, detail: "a custom field"},
		{name: "a value of another field", reply: problem(400, "VALD-1010", "Value for Region not in its defined set of allowed values."), fault: transfer.DestinationRejected},
		{name: "a country that is no country", reply: problem(400, "VALD-1046", "Country Name (GB) is not valid."), fault: transfer.DestinationRejected, detail: "400 VALD-1046"},
		{name: "a permission is missing", reply: problem(403, "AUTZ-1002", "User lacks permission."), fault: transfer.DestinationUnauthorized},
		{name: "a permission is missing, as 400", reply: problem(400, "AUTZ-1004", "Plan awaiting payment."), fault: transfer.DestinationUnauthorized},
		{name: "no access to the API", reply: problem(400, "AUTH-1003", "You do not have access to this API."), fault: transfer.DestinationUnauthorized},
		{name: "403 without a code", reply: answer{status: 403, body: "<html>", header: page}, fault: transfer.DestinationUnauthorized},
		{name: "409 without a code", reply: answer{status: 409}, fault: transfer.DestinationRejected, detail: "iPaaS.com answered 409"},
		{name: "the route does not exist", reply: answer{status: 404}, fault: transfer.DestinationUnavailable, not: []error{transfer.ErrGone, transfer.ErrUnknownOutcome}},
		{name: "a redirect", reply: answer{status: 302, header: http.Header{"Location": {"https://x.example.com/?e=ada.byron@example.com"}}}, fault: transfer.DestinationUnavailable},
		{name: "500", reply: answer{status: 500}, fault: transfer.DestinationUnavailable, is: []error{transfer.ErrUnknownOutcome}},
		{name: "502", reply: answer{status: 502, body: "<html>", header: page}, fault: transfer.DestinationUnavailable, is: []error{transfer.ErrUnknownOutcome}},
		{name: "503", reply: answer{status: 503}, fault: transfer.DestinationUnavailable, is: []error{transfer.ErrUnknownOutcome}},
		{name: "504", reply: answer{status: 504}, fault: transfer.DestinationUnavailable, is: []error{transfer.ErrUnknownOutcome}},
		{name: "408", reply: answer{status: 408}, fault: transfer.DestinationUnavailable, is: []error{transfer.ErrUnknownOutcome}},
		{name: "429", reply: answer{status: 429, header: http.Header{"Retry-After": {"0.001"}}}, fault: transfer.DestinationUnavailable, not: []error{transfer.ErrUnknownOutcome}},
		{name: "503 with Retry-After", reply: answer{status: 503, header: http.Header{"Retry-After": {"0.001"}}}, fault: transfer.DestinationUnavailable, not: []error{transfer.ErrUnknownOutcome}},
		{name: "an internal error as 400", reply: problem(400, "INTL-1001", "iPaaS.com API error"), fault: transfer.DestinationUnavailable, is: []error{transfer.ErrUnknownOutcome}},
		{name: "an internal error by its text", reply: problem(400, "VALD-1053", "An internal server error occurred"), fault: transfer.DestinationUnavailable, is: []error{transfer.ErrUnknownOutcome}},
		{name: "taken, said with 500", reply: problem(500, "BIZL-1006", "Email Address must be unique"), fault: transfer.DuplicateContact, is: []error{transfer.ErrTaken}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := connect(t, start(t, tt.reply)).Create(t.Context(), ada())
			if transfer.FaultOf(err) != tt.fault {
				t.Fatalf("got %v, want %s", err, tt.fault.Code)
			}
			for _, want := range tt.is {
				if !errors.Is(err, want) {
					t.Errorf("%v is not %q", err, want)
				}
			}
			for _, not := range tt.not {
				if errors.Is(err, not) {
					t.Errorf("%v is %q", err, not)
				}
			}
			if detail := transfer.DetailOf(err); !strings.Contains(detail, tt.detail) || strings.Contains(err.Error(), "ada.byron") {
				t.Errorf("got %q, want it to hold %q and no value", err, tt.detail)
			}
		})
	}
}

func TestRefusedUpdates(t *testing.T) {
	tests := []struct {
		name  string
		reply answer
		fault *transfer.Fault
		is    error
	}{
		{"the customer is gone", problem(404, "NFND-1005", "iPaaS.com Id (Id:912) not found."), transfer.DestinationRejected, transfer.ErrGone},
		{"the customer is gone, as 400", problem(400, "NFND-1005", "iPaaS.com Id (Id:912) not found."), transfer.DestinationRejected, transfer.ErrGone},
		{"the customer is gone, without a word", answer{status: 404}, transfer.DestinationRejected, transfer.ErrGone},
		{"the customer is gone, as plain text", answer{status: 404, body: "Customer not found", header: http.Header{"Content-Type": {"text/plain"}}}, transfer.DestinationRejected, transfer.ErrGone},
		{"a web page is not a missing customer", answer{status: 404, body: "<html>", header: page}, transfer.DestinationUnavailable, nil},
		{"a router's phrase is not a missing customer", answer{status: 404, body: "404 page not found\n"}, transfer.DestinationUnavailable, nil},
		{"a missing custom field is not a missing customer", problem(404, "NFND-1011", "Custom Field (Active) not found."), transfer.CustomFieldNotFound, nil},
		{"the customer is inactive", problem(400, "BIZL-1009", "This Customer is inactive"), transfer.DestinationRejected, transfer.ErrInactive},
		{"the e-mail address is taken", problem(400, "BIZL-1004", "Email must be unique"), transfer.DuplicateContact, transfer.ErrTaken},
		{"an internal error", problem(500, "INTL-1002", "Unable to connect to the database."), transfer.DestinationUnavailable, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := connect(t, start(t, tt.reply)).Update(t.Context(), "912", ada())
			if transfer.FaultOf(err) != tt.fault || tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("got %v, want %s and %v", err, tt.fault.Code, tt.is)
			}
			if tt.is == nil && (errors.Is(err, transfer.ErrGone) || errors.Is(err, transfer.ErrUnknownOutcome)) {
				t.Errorf("got %v, which says too much", err)
			}
		})
	}
}

func TestTheCodeIsFoundWhereverItStands(t *testing.T) {
	text := http.Header{"Content-Type": {"text/plain"}}
	for name, reply := range map[string]answer{
		"a member code":            {status: 400, body: `{"code":"BIZL-1006"}`},
		"a member of another name": {status: 400, body: `{"errors":[{"error_code":"BIZL-1006","error_message":"x"}]}`},
		"within a title":           {status: 400, body: `{"title":"BIZL-1006: Email must be unique"}`},
		"a JSON string":            {status: 400, body: `"BIZL-1006: Email must be unique"`},
		"plain text":               {status: 400, body: "Error BIZL-1006. Email must be unique", header: text},
		"lower case":               {status: 400, body: `{"code":"bizl-1006"}`},
		"broken JSON":              {status: 400, body: `{"code":"BIZL-1006"`},
		"a code mentioned before":  {status: 400, body: `{"message":"no VALD-1002 but this","code":"BIZL-1006"}`},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := connect(t, start(t, reply)).Create(t.Context(), ada()); !errors.Is(err, transfer.ErrTaken) {
				t.Errorf("got %v, want ErrTaken", err)
			}
		})
	}
}

func TestTheCodeIsFoundInTheReasonPhrase(t *testing.T) {
	a := &api{}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		connection, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer connection.Close()
		_, _ = connection.Write([]byte("HTTP/1.1 400 BIZL-1006: Email Address must be unique and ada.byron@example.com is already in use.\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
	}))
	t.Cleanup(a.Close)
	_, err := connect(t, a).Create(t.Context(), ada())
	if !errors.Is(err, transfer.ErrTaken) || !strings.Contains(transfer.DetailOf(err), "BIZL-1006") || strings.Contains(err.Error(), "ada.") {
		t.Errorf("got %v, want ErrTaken with its code and no value", err)
	}
}

func TestWordsThatLookLikeACodeAreNone(t *testing.T) {
	for _, text := range []string{"XBIZL-1006", "BIZL-10066", "A-BIZL-1006-B", "3F2504E0-BIZL-1006-9A0C"} {
		_, err := connect(t, start(t, answer{status: 400, body: `{"detail":"` + text + `"}`})).Create(t.Context(), ada())
		if errors.Is(err, transfer.ErrTaken) {
			t.Errorf("%s is taken for a code", text)
		}
	}
}

func TestWhatIPaaSSaysIsQuotedWithoutAnyValueOfTheRecord(t *testing.T) {
	c := customer.Customer{
		Fields: []customer.Value{
			{Field: "first_name", Value: "Zoë"}, {Field: "last_name", Value: "O'Brien/Smith"}, {Field: "email_address", Value: "zoe@post.example"},
			{Field: "company", Value: "Löwen & Söhne"},
		},
		CustomFields: []customer.CustomValue{{Name: "Role", Value: "Purchaser"}},
		Addresses:    []customer.Address{{Fields: []customer.Value{{Field: "address_1", Value: "7 Rue d'Été"}, {Field: "postal_code", Value: "75001"}}}},
	}
	for name, said := range map[string]string{
		"as it is":         `{"message":"first Zoë last O'Brien/Smith"}`,
		"another case":     `{"message":"ZOË O'BRIEN/SMITH, LÖWEN & SÖHNE"}`,
		"escaped for JSON": `broken {Zo\u00eb, L\u00f6wen \u0026 S\u00f6hne, O'Brien\/Smith`,
		"escaped for URLs": `"/Customers?c=L%C3%B6wen+%26+S%C3%B6hne&n=Zo%C3%AB&l=O%27Brien%2FSmith"`,
		"escaped for HTML": `"Löwen &amp; Söhne, O&#39;Brien/Smith"`,
		"custom fields":    `{"message":"Role purchaser is not valid"}`,
		"addresses":        `{"message":"7 Rue d'Été, 75001 is not valid"}`,
		"parts":            `{"message":"near Brien and Löwen"}`,
		"other e-mails":    `{"message":"already used by someone.else@other.example or mailto:x%40y.example"}`,
		"other phones":     `{"message":"call +33 1 70 18 99 00 or (020) 7946-0018"}`,
		"a token":          `{"message":"Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30.abc"}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := connect(t, start(t, answer{status: 400, body: said})).Create(t.Context(), c)
			text := strings.ToLower(err.Error())
			for _, value := range []string{"zo", "brien", "smith", "wen", "hne", "purchaser", "rue", "75001", "someone", "y.example", "99 00", "7946", "eyj"} {
				if strings.Contains(text, value) {
					t.Errorf("%q is shown in %q", value, text)
				}
			}
			if !strings.Contains(text, "[masked]") {
				t.Errorf("nothing is masked in %q", text)
			}
		})
	}
}

func TestWhatIPaaSSaysIsBounded(t *testing.T) {
	for _, said := range []string{strings.Repeat("word ", 500), strings.Repeat("word ", 50_000), "a\\nb\\u0007c"} {
		_, err := connect(t, start(t, answer{status: 400, body: `{"message":"` + said + `"}`})).Create(t.Context(), ada())
		if detail := transfer.DetailOf(err); len(detail) > 300 || strings.ContainsAny(detail, "\n\a") {
			t.Errorf("got %d bytes: %.80q", len(detail), detail)
		}
	}
}

func TestACreateWithoutAnAnswerHasAnUnknownOutcome(t *testing.T) {
	a := &api{}
	a.Server = httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	t.Cleanup(a.Close)
	_, err := connect(t, a).Create(t.Context(), ada())
	if !errors.Is(err, transfer.ErrUnknownOutcome) || !errors.Is(err, transfer.DestinationUnavailable) {
		t.Errorf("cut connection: got %v, want ErrUnknownOutcome and %s", err, transfer.DestinationUnavailable.Code)
	}
	client := connect(t, a)
	a.Close()
	_, err = client.Create(t.Context(), ada())
	if errors.Is(err, transfer.ErrUnknownOutcome) || !errors.Is(err, transfer.DestinationUnavailable) {
		t.Errorf("refused connection: got %v, want %s alone", err, transfer.DestinationUnavailable.Code)
	}
}
