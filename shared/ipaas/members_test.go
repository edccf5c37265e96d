package ipaas

import (
	"encoding/json"
	"testing"
)

// The members must be those that encoding/json finds, whatever the document.
func FuzzMembers(f *testing.F) {
	for _, document := range []string{
		`{}`, ` { "a" : 1 , "b":[1,{"c":"}"}] ,"a":"\"x\\" } `, `{"a":{"b":"\\\\\"]"},"é":"\u00e9","\u0041":null}`, `{"a":-1.5e3}`,
		`{"a":"` + "\xff" + `"}`, `{"a":[[],[1,2],"x"],"b":true}`, `[]`, `null`, `{"a"`, `{"a":1}x`, `"{}"`, ``,
	} {
		f.Add([]byte(document))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		var want map[string]json.RawMessage
		valid := json.Unmarshal(document, &want) == nil && want != nil
		got, ok := membersOf(document)
		if ok != valid {
			t.Fatalf("%q: an object: %v, want %v", document, ok, valid)
		}
		for name, raw := range want {
			if string(got.get(name)) != string(raw) {
				t.Fatalf("%q: member %q is %q, want %q", document, name, got.get(name), raw)
			}
			sameText(t, raw)
			sameElements(t, raw)
		}
		for _, m := range got {
			if _, found := want[string(m.name)]; !found {
				t.Fatalf("%q: member %q is not there", document, m.name)
			}
		}
	})
}

func sameText(t *testing.T, raw json.RawMessage) {
	t.Helper()
	var want string
	if raw[0] != '"' || json.Unmarshal(raw, &want) != nil {
		return
	}
	if got, ok := textOf(raw); !ok || got != want {
		t.Fatalf("%q reads %q, want %q", raw, got, want)
	}
}

func sameElements(t *testing.T, raw json.RawMessage) {
	t.Helper()
	var want []json.RawMessage
	if json.Unmarshal(raw, &want) != nil {
		want = nil
	}
	got := elements(raw)
	if len(got) != len(want) {
		t.Fatalf("%q has %d elements, want %d", raw, len(got), len(want))
	}
	for i := range want {
		if string(got[i]) != string(want[i]) {
			t.Fatalf("%q: element %d is %q, want %q", raw, i, got[i], want[i])
		}
	}
}

// BenchmarkDecode is reading the answer to a create or an update.
func BenchmarkDecode(b *testing.B) {
	answer := []byte(`{"id":912,"customer_number":"44552","first_name":"Ada","last_name":"Byron","email_address":"ada@example.com","company":"","comment":"","category_id":null,
		"created_datetime":"2026-01-31T10:00:00.0000000+00:00","updated_datetime":"2026-01-31T10:00:00.0000000+00:00",
		"custom_fields":[{"id":"1","custom_field_name":"Customer Type","value":"B2B"},{"id":"2","custom_field_name":"Role","value":"Buyer"}],
		"external_ids":[{"id":"3","system_id":313,"system_name":"Dynamics","external_id":"44552|contact","internal_id":"912"}],
		"addresses":[{"id":"912ZZ_BAR_ZZ1","address_1":"192 Market Square","city":"Atlanta","region":"GA","postal_code":"31772","country":"US","custom_fields":[],
		"external_ids":[{"id":"4","system_id":313,"system_name":"Dynamics","external_id":"44552|contact|address","internal_id":"912ZZ_BAR_ZZ1"}]}],"categories":[]}`)
	b.ReportAllocs()
	for b.Loop() {
		if e, err := decodeCustomer(answer, "313"); err != nil || e.ExternalID != "44552|contact" {
			b.Fatal(e, err)
		}
	}
}
