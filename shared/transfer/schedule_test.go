package transfer

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"contactsync/shared/contact"
	"contactsync/shared/customer"
	"contactsync/shared/mapping"
)

func TestRetryScheduleWaitsLongerEachTimeAndEndsWithTheFifthFailure(t *testing.T) {
	now := time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC)
	tests := []struct {
		name   string
		fault  *Fault
		number int
		status Status
		wait   time.Duration
	}{
		{"first failure", DestinationUnavailable, 1, Retrying, 20 * time.Minute},
		{"second failure", DestinationUnavailable, 2, Retrying, 60 * time.Minute},
		{"third failure", SourceUnavailable, 3, Retrying, 120 * time.Minute},
		{"fourth failure", Internal, 4, Retrying, 200 * time.Minute},
		{"fifth failure is final", Internal, 5, Failed, 0},
		{"a missing company is tried again slowly", CompanyNotFound, 1, Retrying, 120 * time.Minute},
		{"a missing custom field too", CustomFieldNotFound, 2, Retrying, 360 * time.Minute},
		{"a wrong e-mail waits for a change", InvalidEmail, 1, Failed, 0},
		{"a duplicate waits for a person", DuplicateContact, 1, Failed, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, next := schedule(tt.fault, tt.number, now, 10*time.Minute)
			want := time.Time{}
			if tt.wait > 0 {
				want = now.Add(tt.wait)
			}
			if status != tt.status || !next.Equal(want) {
				t.Errorf("got %s at %s, want %s at %s", status, next, tt.status, want)
			}
		})
	}
}

func TestEmailMustHaveTheFormUserAtExampleCom(t *testing.T) {
	tests := []struct {
		email string
		code  string // empty: accepted
	}{
		{"user@example.com", ""},
		{"first.last+tag@sub.example.co.uk", ""},
		{"o'brien@example.com", ""},
		{"jürgen@müller.example", ""},
		{"user@localhost", "INVALID_EMAIL"},
		{"user", "INVALID_EMAIL"},
		{"@example.com", "INVALID_EMAIL"},
		{"user@", "INVALID_EMAIL"},
		{"user@@example.com", "INVALID_EMAIL"},
		{"user name@example.com", "INVALID_EMAIL"},
		{"user@example..com", "INVALID_EMAIL"},
		{"user@-example.com", "INVALID_EMAIL"},
		{"us..er@example.com", "INVALID_EMAIL"},
		{"Ada <ada@example.com>", "INVALID_EMAIL"},
		{"a@example.com;b@example.com", "INVALID_EMAIL"},
		{"a@example.com, b@example.com", "INVALID_EMAIL"},
		{strings.Repeat("a", 65) + "@example.com", "INVALID_EMAIL"},
		{"a@" + strings.Repeat("b", 260) + ".com", "INVALID_FIELD"},
	}
	for _, tt := range tests {
		t.Run(tt.email, func(t *testing.T) {
			got := ""
			for _, c := range judgeEmail(tt.email) {
				got = c.fault.Code
				if strings.Contains(c.text, tt.email) {
					t.Errorf("the finding quotes the address: %s", c.text)
				}
			}
			if got != tt.code {
				t.Errorf("got %q, want %q", got, tt.code)
			}
		})
	}
}

func TestARecordWithSeveralFaultsGetsTheCodeOfItsEmailAndNamesAll(t *testing.T) {
	result := mapping.Result{
		Customer: customer.Customer{Fields: []customer.Value{
			{Field: "email_address", Value: "nobody"},
			{Field: "customer_number", Value: strings.Repeat("9", 21)},
		}},
		Findings: []mapping.Finding{{Kind: mapping.RequiredEmpty, Field: "LastName", Source: "LastName_Contact"}},
	}
	err := combine("map contact 1|contact", judge(&contact.Contact{}, &result))
	if !errors.Is(err, InvalidEmail) {
		t.Fatalf("got %v, want %s", err, InvalidEmail.Code)
	}
	for _, part := range []string{"EmailAddress has no @", "MISSING_REQUIRED_FIELD: LastName is empty", "INVALID_FIELD: CustomerNumber has 21 characters"} {
		if !strings.Contains(err.Detail, part) {
			t.Errorf("detail %q lacks %q", err.Detail, part)
		}
	}
}

func TestTheFirstFourFaultsCarryTheSeedsOwnTexts(t *testing.T) {
	want := map[string][3]string{
		"INVALID_EMAIL":     {"Invalid Email: Email format is incorrect.", "The email field format is invalid.", "Ensure the email field is valid and follows the format user@example.com."},
		"DUPLICATE_CONTACT": {"Duplicate Contact: Contact already exists in iPaaS.com.", "A contact with the same identifier already exists.", "Check for existing records before creating new contacts."},
		"MISSING_EMAIL":     {"Missing Email: Email field is empty.", "The email field is required for contact creation.", "Ensure email is present in Microsoft Dynamics 365 before syncing."},
		"COMPANY_NOT_FOUND": {"Company Not Found: Company ID not found in iPaaS.com.", "The CompanyID_Contact references a company that does not exist in iPaaS.com.", "Ensure the company exists in iPaaS.com before syncing contacts with company relationships."},
	}
	for code, texts := range want {
		f := Lookup(code)
		if f == nil || f.Title != texts[0] || f.Description != texts[1] || f.Resolution != texts[2] {
			t.Errorf("%s: got %+v, want %q", code, f, texts)
		}
	}
}

func TestTheCatalogueIsClosedAndComplete(t *testing.T) {
	want := strings.Fields(`INVALID_EMAIL DUPLICATE_CONTACT MISSING_EMAIL COMPANY_NOT_FOUND MISSING_REQUIRED_FIELD INVALID_FIELD
		CUSTOM_FIELD_NOT_FOUND MAPPING_ERROR CONTACT_NOT_FOUND SOURCE_UNAVAILABLE DESTINATION_UNAVAILABLE SOURCE_UNAUTHORIZED
		DESTINATION_UNAUTHORIZED DESTINATION_REJECTED INTERNAL`)
	var got []string
	for _, f := range Catalogue() {
		got = append(got, f.Code)
		if f.Title == "" || f.Description == "" || f.Resolution == "" {
			t.Errorf("%s lacks a text: %+v", f.Code, f)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestTheManualExplainsEveryCode(t *testing.T) {
	manual, err := os.ReadFile("../../docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range Catalogue() {
		for _, part := range []string{f.Code, f.Title, f.Description, f.Resolution} {
			if !strings.Contains(string(manual), part) {
				t.Errorf("docs/errors.md lacks of %s: %s", f.Code, part)
			}
		}
	}
}

func TestErrorsNameTheirFault(t *testing.T) {
	cause := errors.New("cause")
	err := fmt.Errorf("outer: %w", &Error{Fault: DuplicateContact, Op: "contact 44552: save customer", Detail: "customer 9", Err: cause})
	if !errors.Is(err, DuplicateContact) || !errors.Is(err, cause) || FaultOf(err) != DuplicateContact || DetailOf(err) != "customer 9" {
		t.Errorf("fault or cause is not reachable: %v", err)
	}
	if FaultOf(cause) != Internal || DetailOf(cause) != "" {
		t.Errorf("an error from elsewhere is INTERNAL without detail, got %v %q", FaultOf(cause), DetailOf(cause))
	}
	if FaultOf(nil) != nil || StopsRun(err) || !StopsRun(SourceUnauthorized.Fail("", "")) {
		t.Error("StopsRun or FaultOf(nil) is wrong")
	}
}
