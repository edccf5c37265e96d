package ipaas

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"contactsync/shared/customer"
	"contactsync/shared/outbound"
	"contactsync/shared/transfer"
)

func FuzzErrorAnswer(f *testing.F) {
	for _, body := range []string{``, `{"code":"BIZL-1006","message":"secretvalue is in use"}`, `["VALD-1010",{"a":["b"]}]`, `"x"`, `<html>`, `{`, "NFND-1005 secretvalue"} {
		f.Add(400, body, "Bad Request")
	}
	f.Fuzz(func(t *testing.T, status int, body, reason string) {
		status = 300 + (status%300+300)%300
		r := request{op: "create customer", once: true, record: true, values: []string{"secretvalue"}, fields: []string{"Role"}}
		a := &outbound.Answer{Status: status, Reason: reason, Body: []byte(body), Header: http.Header{}}
		_, _ = rejected(a), absent(a)
		err := judge(r, a)
		if transfer.FaultOf(err) == transfer.Internal {
			t.Fatalf("no fault: %v", err)
		}
		detail := transfer.DetailOf(err)
		if strings.Contains(strings.ToLower(detail), "secretvalue") || utf8.RuneCountInString(detail) > 400 || strings.Contains(detail, "\n") {
			t.Fatalf("detail %q", detail)
		}
	})
}

func FuzzLookUpAnswer(f *testing.F) {
	for _, body := range []string{``, `"912"`, `912`, `"DELETED:912"`, `null`, `{"id":1}`, `"\u00`, "../1", `"a b"`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		id, err := decodeLookUp(body)
		if id != "" && (err != nil || !sane(id) || strings.ContainsAny(id, "/\\?#% \n") || strings.HasPrefix(strings.ToUpper(id), "DELETED:")) {
			t.Fatalf("took %q for an id, error %v", id, err)
		}
		_, _ = decodeExternalID(body)
	})
}

func FuzzCustomerAnswer(f *testing.F) {
	for _, body := range []string{`{"id":912,"email_address":"a@b.c","external_ids":[{"system_id":77,"external_id":"1|contact"}]}`,
		`{"id":"x","addresses":[{"external_ids":null}],"custom_fields":[{"custom_field_name":"a","value":1.5}]}`, `{"id":{}}`, `[]`, `null`, `{"id":1,"external_ids":[1]}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := decodeCustomer(body, "77")
		if err == nil && !sane(e.ID) {
			t.Fatalf("took %q for an id", e.ID)
		}
		if e.ExternalID != "" && !e.LinksKnown {
			t.Fatal("an external id that is not known")
		}
	})
}

func FuzzBody(f *testing.F) {
	f.Add("Ada \"\\\n\x00\x7f ü \u2028 \xff", "Record Type")
	f.Fuzz(func(t *testing.T, value, name string) {
		c := customer.Customer{ExternalID: value, Fields: []customer.Value{{Field: name, Value: value}}, CustomFields: []customer.CustomValue{{Name: name, Value: value}}}
		var decoded struct {
			CustomFields []struct{ Value string } `json:"custom_fields"`
		}
		if name == "custom_fields" || strings.EqualFold(name, "custom_fields") {
			t.Skip("a field of that name hides the list")
		}
		body := AppendBody(nil, c, "77")
		if err := json.Unmarshal(body, &decoded); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		want := strings.ToValidUTF8(value, "")
		if value != "" && strings.ReplaceAll(decoded.CustomFields[0].Value, "\ufffd", "") != strings.ReplaceAll(want, "\ufffd", "") {
			t.Fatalf("sent %q, want %q", decoded.CustomFields[0].Value, value)
		}
	})
}

func TestBodyNeverHoldsNull(t *testing.T) {
	c := customer.Customer{
		Fields: []customer.Value{
			{Field: "a", Value: nil}, {Field: "b", Value: ""}, {Field: "c", Value: int64(-3)}, {Field: "d", Value: false}, {Field: "e", Value: 1.5}, {Field: "f", Value: (*string)(nil)},
		},
		CustomFields: []customer.CustomValue{{Name: "empty", Value: ""}},
	}
	if got := string(AppendBody(nil, c, "77")); got != `{"b":"","c":-3,"d":false,"e":1.5}` {
		t.Errorf("got %s", got)
	}
	if got := string(AppendBody(nil, customer.Customer{}, "77")); got != `{}` {
		t.Errorf("an empty customer: got %s", got)
	}
}
