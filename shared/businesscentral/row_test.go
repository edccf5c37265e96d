package businesscentral

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"contactsync/shared/contact"
)

func decodeRow(t *testing.T, p *profile, row string) *contact.Contact {
	t.Helper()
	r := &rowReader{layout: layoutOf(p, "", nil)}
	var rec record
	if err := r.read(row, &rec); err != nil {
		t.Fatal(err)
	}
	return rec.contact()
}

// The rows of business-central.md section 9.
func TestRecordedRows(t *testing.T) {
	tests := []struct {
		file    string
		profile *profile
		want    contact.Contact
	}{
		{"api-contact-9.1.json", apiV2(), contact.Contact{
			ID: "9dc64b0b-4630-f011-9a4a-7ced8d1df4b8", No: "CT000025", Type: "Person", RecordType: "Contact",
			FirstName: "Monique", LastName: "Peters", CountryRegionCode: "US",
			Modified: time.Date(2025, 5, 13, 22, 3, 5, 470e6, time.UTC),
			AdditionalProperties: map[string]any{
				"jobTitle": "", "mobilePhoneNumber": "", "website": "", "searchName": "MONIQUE PETERS", "privacyBlocked": false,
				"taxRegistrationNumber": "", "lastInteractionDate": "0001-01-01",
			},
		}},
		{"api-contact-9.2.json", apiV2(), contact.Contact{
			ID: "5d115c9c-44e3-ea11-bb43-000d3a2feca1", No: "108001", Type: "Company", RecordType: "Contact",
			CompanyID: "17806", CompanyName: "CRONUS US", Address: "7122 South Ashford Street", Address2: "Westminster", City: "Atlanta",
			County: "GA", CountryRegionCode: "US", PostCode: "31772", PhoneNo: "+1 425 555 0100", EMail: "ah@contoso.com",
			Modified: time.Date(2021, 6, 1, 0, 0, 0, 0, time.UTC),
		}},
		{"customer-card-9.4.json", page5050(), contact.Contact{
			No: "10000", RecordType: "Contact", EMail: "robert.townes@contoso.com",
			AdditionalProperties: map[string]any{
				"Name": "Adatum Corporation", "Name_2": "", "Search_Name": "ADATUM CORPORATION", "Blocked": " ", "Privacy_Blocked": false,
				"Last_Date_Modified": "2026-05-07", "ShowMap": "Show on Map", "MobilePhoneNo": "", "Primary_Contact_No": "CT000002",
				"ContactName": "Robert Townes", "Customized_Calendar": "No", "LastPaymentDate": "0001-01-01", "Date_Filter": "''..05/07/26",
			},
		}},
		{"contact-9.5.json", page5050(), contact.Contact{
			No: "KT200038", RecordType: "Contact", CompanyName: "DanMøbler", AdditionalProperties: map[string]any{"Name": "Karen Berg"},
		}},
		{"model-names-9.6.json", modelNames(), contact.Contact{
			ID: "3f2504e0-4f89-11d3-9a0c-0305e82c3301", No: "CT000002", Type: "Person", RecordType: "Contact", CustomerType: "B2B",
			WebUserRole: "Buyer", CompanyID: "CT000001", CompanyName: "Adatum Corporation", FirstName: "Robert", LastName: "Townes",
			EMail: "robert.townes@contoso.com", Address: "192 Market Square", City: "Atlanta", County: "GA", CountryRegionCode: "US",
			PostCode: "31772", Modified: time.Date(2026, 8, 20, 7, 38, 44, 293e6, time.UTC),
			AdditionalProperties: map[string]any{"Active_Web_User": true},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			row, err := os.ReadFile("testdata/" + tt.file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, *decodeRow(t, tt.profile, string(row))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestValuesOfARow(t *testing.T) {
	tests := []struct {
		name, row string
		profile   *profile
		got       func(*contact.Contact) any
		want      any
	}{
		{"a blank is missing", `{"City":"  "}`, page5050(), func(c *contact.Contact) any { return c.City }, ""},
		{"null is missing", `{"City":null}`, page5050(), func(c *contact.Contact) any { return c.City }, ""},
		{"a no-break blank is missing", `{"City":"\u00a0"}`, page5050(), func(c *contact.Contact) any { return c.City }, ""},
		{"an unset date is missing", `{"City":"0001-01-01"}`, page5050(), func(c *contact.Contact) any { return c.City }, ""},
		{"the blank enum member is missing", `{"Customer_Type":"_x0020_"}`, page5050(), func(c *contact.Contact) any { return c.CustomerType }, ""},
		{"the blank option is missing", `{"Customer_Type":" "}`, page5050(), func(c *contact.Contact) any { return c.CustomerType }, ""},
		{"an enum member is decoded", `{"Web_User_Role":"Not_x0020_Started_x002E_"}`, page5050(), func(c *contact.Contact) any { return c.WebUserRole }, "Not Started."},
		{"the zero GUID is no id", `{"SystemId":"00000000-0000-0000-0000-000000000000"}`, page5050(), func(c *contact.Contact) any { return c.ID }, ""},
		{"an id is lower case without braces", `{"SystemId":"{3F2504E0-4F89-11D3-9A0C-0305E82C3301}"}`, page5050(), func(c *contact.Contact) any { return c.ID }, "3f2504e0-4f89-11d3-9a0c-0305e82c3301"},
		{"a number with leading zeros is no JSON", `{"Post_Code":0012.50}`, nil, nil, errJSON},
		{"a number in a text field is text", `{"Post_Code":12.50}`, page5050(), func(c *contact.Contact) any { return c.PostCode }, "12.50"},
		{"a boolean in a text field is text", `{"Customer_Type":true}`, page5050(), func(c *contact.Contact) any { return c.CustomerType }, "true"},
		{"leading zeros of a number are kept", `{"No":"000452"}`, page5050(), func(c *contact.Contact) any { return c.No }, "000452"},
		{"an object in a text field is missing", `{"City":{"a":1}}`, page5050(), func(c *contact.Contact) any { return c.City }, ""},
		{"and kept as a further property", `{"City":{"a":1}}`, page5050(), func(c *contact.Contact) any { return c.AdditionalProperties["City"] }, map[string]any{"a": int64(1)}},
		{"names come in any case", `{"e_mail":"a@b.c"}`, page5050(), func(c *contact.Contact) any { return c.EMail }, "a@b.c"},
		{"an e-mail address is trimmed", `{"E_Mail":" a@b.c\t"}`, page5050(), func(c *contact.Contact) any { return c.EMail }, "a@b.c"},
		{"the type is brought to the seed's spelling", `{"Type":"PERSON"}`, page5050(), func(c *contact.Contact) any { return c.Type }, "Person"},
		{"an unknown type stays", `{"Type":"Personne"}`, page5050(), func(c *contact.Contact) any { return c.Type }, "Personne"},
		{"the record type is the record's own", `{"RecordType":"customer","Contact_Business_Relation":"None"}`, page5050(), func(c *contact.Contact) any { return c.RecordType }, "Customer"},
		{"or follows the business relation", `{"contactBusinessRelation":"customer"}`, apiV2(), func(c *contact.Contact) any { return c.RecordType }, "Customer"},
		{"or is Contact", `{"Contact_Business_Relation":"Vendor"}`, page5050(), func(c *contact.Contact) any { return c.RecordType }, "Contact"},
		{"SystemModifiedAt is preferred", `{"LastModifiedDateTime":"2020-01-01T00:00:00Z","SystemModifiedAt":"2021-01-01T01:00:00+01:00"}`, page5050(), func(c *contact.Contact) any { return c.Modified }, time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC)},
		{"whichever comes first", `{"SystemModifiedAt":"2021-01-01T00:00:00Z","LastModifiedDateTime":"2020-01-01T00:00:00Z"}`, page5050(), func(c *contact.Contact) any { return c.Modified }, time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC)},
		{"a never-changed row has no time", `{"SystemModifiedAt":"0001-01-01T00:00:00Z"}`, page5050(), func(c *contact.Contact) any { return c.Modified.IsZero() }, true},
		{"annotations are left out", `{"@odata.etag":"x","Picture@odata.mediaReadLink":"y"}`, page5050(), func(c *contact.Contact) any { return len(c.AdditionalProperties) }, 0},
		{"an integer stays one", `{"n":9007199254740993}`, page5050(), func(c *contact.Contact) any { return c.AdditionalProperties["n"] }, int64(9007199254740993)},
		{"a decimal is a float", `{"n":3036.6}`, page5050(), func(c *contact.Contact) any { return c.AdditionalProperties["n"] }, 3036.6},
		{"a number beyond both is text", `{"n":1e999}`, page5050(), func(c *contact.Contact) any { return c.AdditionalProperties["n"] }, "1e999"},
		{"null stays null", `{"n":null}`, page5050(), func(c *contact.Contact) any { return c.AdditionalProperties["n"] }, nil},
		{"a list stays a list", `{"n":["a",true,[]]}`, page5050(), func(c *contact.Contact) any { return c.AdditionalProperties["n"] }, []any{"a", true, []any{}}},
		{"the last of two equal names counts", `{"City":"a","City":"b"}`, page5050(), func(c *contact.Contact) any { return c.City }, "b"},
		{"a company has no first name", `{"type":"Company","displayName":"A B"}`, apiV2(), func(c *contact.Contact) any { return c.FirstName + c.LastName }, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.profile == nil {
				r := &rowReader{layout: layoutOf(page5050(), "", nil)}
				if err := r.read(tt.row, &record{}); err != tt.want {
					t.Errorf("got %v, want %v", err, tt.want)
				}
				return
			}
			if diff := cmp.Diff(tt.want, tt.got(decodeRow(t, tt.profile, tt.row))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestNamesAreSplitByBusinessCentralsRule(t *testing.T) {
	long := strings.Repeat("ä", 31)
	for _, tt := range []struct{ name, first, last string }{
		{"", "", ""},
		{"Plato", "", "Plato"},
		{"Monique Peters", "Monique", "Peters"},
		{"Kevin F. Browne", "Kevin", "Browne"},
		{"Jose Ignacio Peiro Alba", "Jose Ignacio", "Alba"},
		{"  Ada   Byron ", "Ada", "Byron"},
		{long + " " + long, long[:60], long[:60]},
	} {
		if first, last := splitName(tt.name); first != tt.first || last != tt.last {
			t.Errorf("%q: got %q and %q, want %q and %q", tt.name, first, last, tt.first, tt.last)
		}
	}
}

// What the row reader accepts and what it makes of it is what encoding/json does.
func FuzzRow(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":1}`, `{"a":-0,"b":[1,2.5e3,null],"c":{"d":"\u00e9\ud83d\ude00"}}`, `{"City":"x","City":{}}`, "{\"a\":\"\xff\"}",
		`{"a":"\q"}`, `{"a":01}`, `{"a":1e999}`, `{"a":tru}`, `{"a":"b"} x`, "{}\x00", `[1]`, `{"a":{"b":[{"c":[]}]}}`, `{"\u0041":"\\\""}`, `{"a":1,}`, "{\"a\":\"\x1f\"}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, row string) {
		r := &rowReader{layout: newLayout(map[string]field{"City": fieldCity})}
		var rec record
		err := r.read(row, &rec)
		if err == errTooDeep {
			return
		}
		want := map[string]any{}
		decoder := json.NewDecoder(strings.NewReader(row))
		decoder.UseNumber()
		valid := json.Valid([]byte(row)) && strings.HasPrefix(strings.TrimLeft(row, " \t\r\n"), "{")
		if (err == nil) != valid {
			t.Fatalf("read says %v, encoding/json says valid is %v", err, valid)
		}
		if !valid {
			return
		}
		if err := decoder.Decode(&want); err != nil {
			t.Fatal(err)
		}
		if city, there := want["City"]; there {
			switch v := city.(type) {
			case map[string]any, []any:
				city = ""
			case nil:
				city = ""
			default:
				city = fmt.Sprint(v)
			}
			if rec.text[fieldCity] != city {
				t.Fatalf("City is %q, want %q", rec.text[fieldCity], city)
			}
		}
		for name, v := range want {
			if name == "City" || strings.ContainsRune(name, '@') || strings.EqualFold(name, "City") {
				continue
			}
			if diff := cmp.Diff(plain(v), rec.extra[name]); diff != "" {
				t.Fatalf("%q (-want +got):\n%s", name, diff)
			}
		}
	})
}

// plain turns a value of encoding/json into one with our types.
func plain(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil && v.String() != "-0" {
			return n
		}
		if f, err := v.Float64(); err == nil && !math.IsInf(f, 0) {
			return f
		}
		return v.String()
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = plain(v[i])
		}
		return list
	case map[string]any:
		object := map[string]any{}
		for k := range v {
			object[k] = plain(v[k])
		}
		return object
	}
	return v
}
