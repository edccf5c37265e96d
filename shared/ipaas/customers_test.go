package ipaas_test

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"contactsync/shared/customer"
	"contactsync/shared/ipaas"
	"contactsync/shared/transfer"
)

// ada is a contact as the mapping makes it.
func ada() customer.Customer {
	return customer.Customer{
		ExternalID: "44552|contact",
		Fields: []customer.Value{
			{Field: "customer_number", Value: "44552"}, {Field: "first_name", Value: "Ada"}, {Field: "last_name", Value: "Byron"},
			{Field: "email_address", Value: "ada.byron@example.com"}, {Field: "company", Value: `Analytical "Engines" & Co`},
		},
		CustomFields: []customer.CustomValue{
			{Name: "Record Type", Value: "Contact"}, {Name: "Active", Value: "true"}, {Name: "iPaaS.com Company ID", Value: "9001"},
		},
		Addresses: []customer.Address{{ExternalID: "44552|contact|address", Fields: []customer.Value{
			{Field: "address_1", Value: "12 St James's Square"}, {Field: "country", Value: "GB"},
			{Field: "phone_number", Value: "+44 20 7946 0018"}, {Field: "prevent_duplicate", Value: true},
		}}},
	}
}

const adaBody = `{"customer_number":"44552","first_name":"Ada","last_name":"Byron","email_address":"ada.byron@example.com",` +
	`"company":"Analytical \"Engines\" & Co",` +
	`"custom_fields":[{"custom_field_name":"Record Type","value":"Contact"},{"custom_field_name":"Active","value":"true"},{"custom_field_name":"iPaaS.com Company ID","value":"9001"}],` +
	`"addresses":[{"address_1":"12 St James's Square","country":"GB","phone_number":"+44 20 7946 0018","prevent_duplicate":true,"external_ids":[{"system_id":77,"external_id":"44552|contact|address"}]}],` +
	`"external_ids":[{"system_id":77,"external_id":"44552|contact"}]}`

const adaAnswer = `{"id":912,"customer_number":"44552","first_name":"Ada","last_name":"Byron","email_address":" Ada.Byron@example.com",
 "company":null,"category_id":"3","extension_fields":[],"created_datetime":"2026-01-31T10:00:00+00:00",
 "custom_fields":[{"id":"x","custom_field_name":"Active","value":true},{"custom_field_name":"Role","value":""},{"custom_field_name":"Record Type","value":"Contact"}],
 "external_ids":[{"system_id":1,"external_id":"A"},{"id":"5","system_id":"77","external_id":"44552|contact"}],
 "addresses":[{"id":"912ZZ_BAR_ZZ1","address_1":"12 St James's Square","is_primary_billing":"true","external_ids":[{"system_id":77,"external_id":"44552|contact|address"}]},"odd"]}`

func TestCreateSendsEverythingInOneCall(t *testing.T) {
	for _, status := range []int{200, 201} {
		a := start(t, answer{status: status, body: adaAnswer})
		got, err := connect(t, a).Create(t.Context(), ada())
		if err != nil {
			t.Fatal(err)
		}
		sent := a.last(t)
		if sent.method != http.MethodPost || sent.path != "/customers/v2/Customer" {
			t.Errorf("got %s %s", sent.method, sent.path)
		}
		if diff := cmp.Diff(adaBody, sent.body); diff != "" {
			t.Errorf("body (-want +got):\n%s", diff)
		}
		if ct := sent.header.Get("Content-Type"); ct != "application/json" {
			t.Errorf("got Content-Type %q", ct)
		}
		if got.ID != "912" || got.ExternalID != "44552|contact" || !got.LinksKnown {
			t.Errorf("got customer %q, external id %q, known %t", got.ID, got.ExternalID, got.LinksKnown)
		}
	}
}

func TestACreateThatDoesNotShowTheCustomerIsLookedUp(t *testing.T) {
	tests := []struct {
		name    string
		answers []answer
		id      string
		err     error
	}{
		{"202 and found", []answer{{status: 202}, {status: 200, body: `"912"`}}, "912", nil},
		{"204 and found", []answer{{status: 204}, {status: 200, body: `"912"`}}, "912", nil},
		{"a bare id needs no look-up", []answer{{status: 200, body: `912`}}, "912", nil},
		{"a record without an id is looked up", []answer{{status: 200, body: `{"first_name":"Ada"}`}, {status: 200, body: `"912"`}}, "912", nil},
		{"an id of zero is no id", []answer{{status: 200, body: `{"id":0}`}, {status: 200, body: `"912"`}}, "912", nil},
		{"a web page and not found", []answer{{status: 200, body: `<html>`}, {status: 404}}, "", transfer.ErrUnknownOutcome},
		{"202 and the look-up fails", []answer{{status: 202}, {status: 500}}, "", transfer.ErrUnknownOutcome},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := connect(t, start(t, tt.answers...)).Create(t.Context(), ada())
			if got.ID != tt.id || !errors.Is(err, tt.err) {
				t.Errorf("got customer %q, error %v; want %q, %v", got.ID, err, tt.id, tt.err)
			}
			if tt.err != nil && !errors.Is(err, transfer.DestinationUnavailable) {
				t.Errorf("an unknown outcome is %v, want %s", err, transfer.DestinationUnavailable.Code)
			}
		})
	}
}

func TestUpdateSendsExternalIDsOnlyWhereTheyTravel(t *testing.T) {
	a := start(t, answer{status: 200, body: adaAnswer})
	body := ada()
	body.ExternalID = ""
	if _, err := connect(t, a).Update(t.Context(), "912", body); err != nil {
		t.Fatal(err)
	}
	sent := a.last(t)
	if sent.method != http.MethodPut || sent.path != "/customers/v2/Customer/912" {
		t.Errorf("got %s %s", sent.method, sent.path)
	}
	if strings.HasSuffix(sent.body, `"external_id":"44552|contact"}]}`) {
		t.Errorf("the customer's external id was sent: %s", sent.body)
	}
}

func TestWhatAnUpdateAnswers(t *testing.T) {
	tests := []struct {
		name  string
		reply answer
		id    string
		fault *transfer.Fault
	}{
		{"the record", answer{status: 200, body: adaAnswer}, "912", nil},
		{"nothing", answer{status: 204}, "912", nil},
		{"a web page", answer{status: 200, body: "<html>sign in</html>"}, "", transfer.DestinationUnavailable},
		{"another customer", answer{status: 200, body: `{"id":913}`}, "", transfer.DestinationUnavailable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := connect(t, start(t, tt.reply)).Update(t.Context(), "912", ada())
			if got.ID != tt.id || transfer.FaultOf(err) != tt.fault {
				t.Errorf("got customer %q, error %v; want %q, %v", got.ID, err, tt.id, tt.fault)
			}
		})
	}
}

func TestAnIDThatIsNoneNeverBecomesAPath(t *testing.T) {
	a := start(t, answer{status: 200, body: adaAnswer})
	client := connect(t, a)
	for _, id := range []string{"", "..", "../Companies", "912/Address", "912?x", "912#", "%2e%2e", "-1", "0", "9 12"} {
		if _, err := client.Customer(t.Context(), id); !errors.Is(err, transfer.Internal) {
			t.Errorf("read %q: got error %v, want %s", id, err, transfer.Internal.Code)
		}
		if _, err := client.Update(t.Context(), id, ada()); !errors.Is(err, transfer.Internal) {
			t.Errorf("update %q: got error %v, want %s", id, err, transfer.Internal.Code)
		}
	}
	if n := len(a.arrivals()); n != 0 {
		t.Errorf("%d calls were made", n)
	}
}

func TestCustomerShowsWhatTheAnswerShows(t *testing.T) {
	got, err := connect(t, start(t, answer{status: 200, body: adaAnswer})).Customer(t.Context(), "912")
	if err != nil {
		t.Fatal(err)
	}
	want := transfer.Existing{
		ID: "912", Email: "Ada.Byron@example.com", LinksKnown: true, ExternalID: "44552|contact",
		Customer: customer.Customer{
			ExternalID: "44552|contact",
			Fields: []customer.Value{
				{Field: "customer_number", Value: "44552"}, {Field: "first_name", Value: "Ada"}, {Field: "last_name", Value: "Byron"},
				{Field: "email_address", Value: " Ada.Byron@example.com"}, {Field: "category_id", Value: int64(3)},
			},
			CustomFields: []customer.CustomValue{{Name: "Active", Value: "true"}, {Name: "Record Type", Value: "Contact"}},
			Addresses: []customer.Address{{ExternalID: "44552|contact|address", Fields: []customer.Value{
				{Field: "address_1", Value: "12 St James's Square"}, {Field: "is_primary_billing", Value: true},
			}}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("customer (-want +got):\n%s", diff)
	}
}

func TestInactiveCustomersAreRecognised(t *testing.T) {
	for members, want := range map[string]bool{
		`"is_active":false`: true, `"active":false`: true, `"inactive":true`: true, `"is_deleted":true`: true, `"deleted":"true"`: true,
		`"status":"Inactive"`: true, `"status":"deleted"`: true,
		`"is_active":true`: false, `"active":null`: false, `"inactive":false`: false, `"deleted":false`: false, `"status":"active"`: false, `"company":"x"`: false,
	} {
		got, err := connect(t, start(t, answer{status: 200, body: `{"id":1,` + members + `}`})).Customer(t.Context(), "1")
		if err != nil || got.Inactive != want {
			t.Errorf("%s: got inactive %t, error %v; want %t", members, got.Inactive, err, want)
		}
	}
}

func TestExternalIDsThatAreNotShownAreNotTakenForNone(t *testing.T) {
	for members, want := range map[string]bool{
		`"x":1`: false, `"external_ids":null`: false, `"external_ids":{}`: false, `"external_ids":[{"external_id":"A"}]`: false,
		`"external_ids":[]`: true, `"external_ids":[{"system_id":5,"external_id":"A"}]`: true,
	} {
		got, err := connect(t, start(t, answer{status: 200, body: `{"id":1,` + members + `}`})).Customer(t.Context(), "1")
		if err != nil || got.LinksKnown != want || got.ExternalID != "" {
			t.Errorf("%s: got known %t, external id %q, error %v; want %t", members, got.LinksKnown, got.ExternalID, err, want)
		}
	}
}

func TestSearchByEmailComparesWhatComesBack(t *testing.T) {
	a := start(t, answer{status: 200, body: `[{"id":1,"email_address":" ADA+x@Example.com "},{"id":2,"email_address":"ada@example.com"},{"id":3},{"id":1,"email_address":"ada+x@example.com"}]`})
	got, err := connect(t, a).CustomersByEmail(t.Context(), "ada+x@example.com")
	if err != nil || len(got) != 1 || got[0].ID != "1" {
		t.Fatalf("got %v, error %v; want customer 1 alone", got, err)
	}
	if q := a.last(t); q.path != "/customers/v2/Customers" || q.query != "action=equals&EmailAddress=ada%2Bx%40example.com" {
		t.Errorf("asked %s?%s", q.path, q.query)
	}
}

func TestSearchByEmailThatFindsNothing(t *testing.T) {
	for _, none := range []answer{{status: 200, body: "[]"}, {status: 200}, {status: 204}, {status: 200, body: "null"}, {status: 404}, {status: 404, body: `{"code":"NFND-1005"}`}} {
		got, err := connect(t, start(t, none)).CustomersByEmail(t.Context(), "ada@example.com")
		if err != nil || len(got) != 0 {
			t.Errorf("%d %s: got %v, error %v; want none", none.status, none.body, got, err)
		}
	}
}

func TestSearchByEmailReadsEveryPageOnce(t *testing.T) {
	page := func(id, current, total int) answer {
		return answer{status: 200, body: `[{"id":` + strconv.Itoa(id) + `,"email_address":"ada@example.com"}]`,
			header: http.Header{"X-Pagination": {`{"current_Page":` + strconv.Itoa(current) + `,"Total_pages":"` + strconv.Itoa(total) + `"}`}}}
	}
	tests := []struct {
		name    string
		answers []answer
		found   int
		calls   int
		fault   *transfer.Fault
	}{
		{"three pages", []answer{page(1, 1, 3), page(2, 2, 3), page(3, 3, 3)}, 3, 3, nil},
		{"no header is one page", []answer{{status: 200, body: `[{"id":1,"email_address":"ada@example.com"}]`}}, 1, 1, nil},
		{"an unreadable header is one page", []answer{{status: 200, body: `[]`, header: http.Header{"X-Pagination": {"{"}}}}, 0, 1, nil},
		{"a server that answers the same page for ever", []answer{page(1, 1, 3)}, 1, 2, nil},
		{"a server that ignores the filter", []answer{page(1, 1, 5000)}, 0, 1, transfer.DestinationUnavailable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := start(t, tt.answers...)
			got, err := connect(t, a).CustomersByEmail(t.Context(), "ada@example.com")
			if len(got) != tt.found || len(a.arrivals()) != tt.calls || transfer.FaultOf(err) != tt.fault {
				t.Errorf("got %d customers with %d calls, error %v; want %d, %d, %v", len(got), len(a.arrivals()), err, tt.found, tt.calls, tt.fault)
			}
		})
	}
}

func TestAnswersThatAreNoCustomersAreNotUnderstood(t *testing.T) {
	for _, body := range []string{`{"data":[]}`, `[1]`, `[{"id":"a/b"}]`, `[{"id":null}]`, `"x"`, `[`, "<html>ada@example.com</html>"} {
		_, err := connect(t, start(t, answer{status: 200, body: body})).CustomersByEmail(t.Context(), "ada@example.com")
		if !errors.Is(err, transfer.DestinationUnavailable) || !strings.Contains(transfer.DetailOf(err), "want a JSON array of customers") {
			t.Errorf("%s: got error %v", body, err)
		}
		if strings.Contains(err.Error(), "ada@") {
			t.Errorf("the error quotes the answer: %v", err)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	c := ada()
	buffer := make([]byte, 0, 2048)
	b.ReportAllocs()
	for b.Loop() {
		buffer = ipaas.AppendBody(buffer[:0], c, "77")
	}
}
