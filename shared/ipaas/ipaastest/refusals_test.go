package ipaastest_test

import (
	"bufio"
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"contactsync/shared/ipaas/ipaastest"
)

func TestWhatNobodyKnowsIsRefusedAndReported(t *testing.T) {
	const v2 = "/customers/v2/"
	tests := []struct {
		name, method, path, body string
		status                   int
		why                      string // a part of the report
	}{
		{"another path", http.MethodGet, v2 + "Orders", "", 501, "no such path"},
		{"another version", http.MethodGet, "/customers/v1/Customer/1", "", 501, "no such path"},
		{"another API", http.MethodGet, "/products/v2/Product/1", "", 501, "no such path"},
		{"a relationship", http.MethodPost, v2 + "Customer/Relationship", `{}`, 501, "no such path or method"},
		{"a slash at the end", http.MethodGet, v2 + "Customer/1/", "", 501, "no such path"},
		{"another method", http.MethodPatch, v2 + "Customer/1", "", 501, "no such path or method"},
		{"another parameter", http.MethodGet, v2 + "Customer/1?include=all", "", 400, `unknown parameter "include"`},
		{"a parameter twice", http.MethodGet, v2 + "Customers?action=equals&EmailAddress=a&EmailAddress=b", "", 400, "2 times"},
		{"another action", http.MethodGet, v2 + "Customers?action=contains&EmailAddress=a", "", 400, `unknown action "contains"`},
		{"another filter field", http.MethodGet, v2 + "Customers?action=equals&CustomerNumber=1", "", 400, "a filter by CustomerNumber"},
		{"a filter without action", http.MethodGet, v2 + "Customers?EmailAddress=a", "", 400, "needs action"},
		{"a filter by nothing", http.MethodGet, v2 + "Customers?action=equals&EmailAddress=", "", 400, "empty EmailAddress"},
		{"a page that is none", http.MethodGet, v2 + "Customers?pageNumber=0", "", 400, "pageNumber"},
		{"a tracking id that is none", http.MethodGet, v2 + "Customer/1?trackingGuid=x", "", 400, "trackingGuid"},
		{"a body where none belongs", http.MethodDelete, v2 + "Customer/1", `{}`, 400, "a body on DELETE"},
		{"another member", http.MethodPost, v2 + "Customer", `{"last_name":"A","email_address":"a@example.com","EmailAddress":"a"}`, 400, "unknown members of the customer: EmailAddress"},
		{"another member of an address", http.MethodPost, v2 + "Customer", `{"last_name":"A","email_address":"a@example.com","addresses":[{"zip":"1"}]}`, 400, "unknown members of the address: zip"},
		{"a null", http.MethodPost, v2 + "Customer", `{"last_name":"A","email_address":"a@example.com","comment":null}`, 400, "comment of the customer is null"},
		{"another table", http.MethodPost, v2 + "External/LookupSpecial", `{"table_name":"contact","system_id":313,"external_id":"1"}`, 400, `unknown table "contact"`},
		{"special characters in a plain look-up", http.MethodGet, v2 + "External/LookupSpaceport/313/customer/44552%7Ccontact", "", 400, "special characters"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var reports []string
			_, api := start(t, ipaastest.Config{Unexpected: func(r ipaastest.Request, why string) { reports = append(reports, why) }})
			a := api.do(tt.method, tt.path, tt.body)
			wantStatus(t, a, tt.status)
			if len(reports) != 1 || !strings.Contains(reports[0], tt.why) {
				t.Errorf("reported %q, want one with %q", reports, tt.why)
			}
		})
	}
}

func TestAnUnexpectedRequestFailsItsTestWithTheRequestInTheMessage(t *testing.T) {
	spy := &failures{TB: t}
	sim := ipaastest.Start(spy)
	caller{t, sim, sim.APIKey()}.post("/customers/v2/Customer?x=1", `{"last_name":"A"}`)
	if len(spy.messages) != 1 {
		t.Fatalf("got %d failures, want 1", len(spy.messages))
	}
	for _, part := range []string{"POST /customers/v2/Customer?x=1", `{"last_name":"A"}`, `unknown parameter "x"`} {
		if !strings.Contains(spy.messages[0], part) {
			t.Errorf("the message lacks %q: %s", part, spy.messages[0])
		}
	}
}

func TestTheSandboxLogsAnUnexpectedRequestWithoutItsContent(t *testing.T) {
	var out bytes.Buffer
	sim := ipaastest.New(ipaastest.Config{Log: slog.New(slog.NewTextHandler(&out, nil))})
	caller{t, sim, sim.APIKey()}.post("/customers/v2/Customer", `{"last_name":"Byron","email_address":"ada@example.com","nick":"A"}`)
	if logged := out.String(); !strings.Contains(logged, "nick") || strings.Contains(logged, "Byron") || strings.Contains(logged, "ada@example.com") {
		t.Errorf("logged %s", logged)
	}
}

func TestKeys(t *testing.T) {
	keys := []ipaastest.APIKey{{Value: "good"}, {Value: "old", Expired: true}, {Value: "reader", ReadOnly: true}, {Value: "nothing", Useless: true}}
	sim, api := start(t, ipaastest.Config{APIKeys: keys})
	id := api.create(whole)
	tests := []struct {
		key, call string
		status    int
		code      any
	}{
		{"good", "read", 200, nil},
		{"wrong", "read", 401, "AUTH-1001"},
		{"", "read", 401, "AUTH-1001"},
		{"old", "read", 401, "AUTH-1002"},
		{"nothing", "read", 403, "AUTZ-1002"},
		{"reader", "read", 200, nil},
		{"reader", "look up", 200, nil},
		{"reader", "write", 403, "AUTZ-1002"},
	}
	for _, tt := range tests {
		t.Run(tt.key+" "+tt.call, func(t *testing.T) {
			api := caller{t, sim, tt.key}
			var a answer
			switch tt.call {
			case "read":
				a = api.get(path(id))
			case "look up":
				a = api.lookup("customer", "44552|contact")
			case "write":
				a = api.put(path(id), `{"last_name":"King"}`)
			}
			if a.status != tt.status || a.object["code"] != tt.code {
				t.Errorf("got %d %s, want %d %v", a.status, a.text, tt.status, tt.code)
			}
		})
	}
	sim.RevokeKey("good")
	wantRefused(t, api.get(path(id)), 401, "AUTH-1001")
	sim.SetKey(ipaastest.APIKey{Value: "good"})
	wantStatus(t, api.get(path(id)), 200)
}

func TestTheStrictModeAsksForTheClientID(t *testing.T) {
	sim, api := start(t, ipaastest.Config{RequireClientID: true, ClientIDs: []string{"client-1"}})
	sim.AddCustomer(ipaastest.Customer{ID: 912, LastName: "A", EmailAddress: "a@example.com"})
	wantRefused(t, api.get(path(912)), 401, "AUTH-1001")
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, sim.BaseURL()+path(912), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Client-Id", "client-1")
	a, err := api.trySend(request)
	if err != nil {
		t.Fatal(err)
	}
	wantStatus(t, a, 200)
	for _, r := range sim.Requests() {
		if r.Header.Get("Authorization") != "" {
			t.Error("the key was recorded")
		}
	}
}

func TestTheRateLimit(t *testing.T) {
	begin := time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC)
	for form, want := range map[ipaastest.RetryAfter]string{
		ipaastest.RetryAfterSeconds: "50", ipaastest.RetryAfterDate: "Sat, 31 Jan 2026 10:01:00 GMT", ipaastest.RetryAfterNone: "",
	} {
		now := begin
		_, api := start(t, ipaastest.Config{
			Now: func() time.Time { return now }, Rate: ipaastest.Rate{Calls: 2, Window: time.Minute, RetryAfter: form},
		})
		api.byEmail("a@example.com")
		api.byEmail("a@example.com")
		now = begin.Add(10 * time.Second)
		a := api.get("/customers/v2/Customers")
		wantStatus(t, a, http.StatusTooManyRequests)
		if got := a.header.Get("Retry-After"); got != want {
			t.Errorf("Retry-After %q, want %q", got, want)
		}
		now = begin.Add(time.Minute)
		wantStatus(t, api.get("/customers/v2/Customers"), http.StatusOK)
	}
}

func TestTheFormOfAnErrorIsASwitch(t *testing.T) {
	const line = "VALD-1021: Email Address is null or empty."
	for form, want := range map[ipaastest.ErrorForm]string{
		ipaastest.ErrorProblem: `"code":"VALD-1021"`,
		ipaastest.ErrorInTitle: `"title":"` + line + `"`,
		ipaastest.ErrorNested:  `{"errors":[{"error_code":"VALD-1021","error_message":"Email Address is null or empty."`,
		ipaastest.ErrorText:    line,
	} {
		_, api := start(t, ipaastest.Config{Switches: ipaastest.Switches{ErrorForm: form}})
		if a := api.post("/customers/v2/Customer", `{"last_name":"A"}`); a.status != 400 || !strings.Contains(a.text, want) {
			t.Errorf("form %d: got %d %s, want %s", form, a.status, a.text, want)
		}
	}
}

func TestACodeMayStandInTheReasonPhraseAlone(t *testing.T) {
	cfg := ipaastest.Config{Switches: ipaastest.Switches{ErrorForm: ipaastest.ErrorReasonPhrase}}
	for _, sim := range []*ipaastest.Simulator{ipaastest.Start(t, cfg), ipaastest.InMemory(t, cfg)} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, sim.BaseURL()+path(912), http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+sim.APIKey())
		response, err := sim.HTTPClient().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.Status != "404 NFND-1005: iPaaS.com Id (Id:912) not found." {
			t.Errorf("got %q", response.Status)
		}
	}
}

func TestAssumptionsAreSwitches(t *testing.T) {
	type setup struct {
		sim *ipaastest.Simulator
		api caller
		id  int64
	}
	tests := []struct {
		name     string
		switches ipaastest.Switches
		call     func(setup) answer
		status   int
		contains string
	}{
		{"creates answer 201", ipaastest.Switches{CreateStatus: 201}, func(s setup) answer {
			return s.api.post("/customers/v2/Customer", `{"last_name":"N","email_address":"n@example.com"}`)
		}, 201, `"email_address"`},
		{"another route", ipaastest.Switches{CustomerPath: "CustomerRecord"}, func(s setup) answer {
			return s.api.post("/customers/v2/CustomerRecord", `{"last_name":"N","email_address":"n@example.com"}`)
		}, 200, `"id":`},
		{"answers show the id alone", ipaastest.Switches{EmptyAnswers: true}, func(s setup) answer { return s.api.put(path(s.id), `{"last_name":"King"}`) }, 200, `{"id":901}`},
		{"a PUT is the whole record", ipaastest.Switches{FullPut: true}, func(s setup) answer { return s.api.put(path(s.id), `{"last_name":"King"}`) }, 400, "VALD-1021"},
		{"arrays replace", ipaastest.Switches{ReplaceArrays: true}, func(s setup) answer { return s.api.put(path(s.id), `{"addresses":[]}`) }, 200, `"addresses":[]`},
		{"address ids are numbers", ipaastest.Switches{NumberAddress: true}, func(s setup) answer { return s.api.put(path(s.id), `{"addresses":[{"city":"Boston"}]}`) }, 200, `{"id":210003,`},
		{"addresses have a route", ipaastest.Switches{AddressRoutes: true}, func(s setup) answer { return s.api.post("/customers/v2/Customer/Address/901", `{"city":"Boston"}`) }, 200, `"city":"Boston"`},
		{"ids are text", ipaastest.Switches{StringIDs: true}, func(s setup) answer { return s.api.get(path(s.id)) }, 200, `"id":"901"`},
		{"another company table", ipaastest.Switches{CompanyTable: "company"}, func(s setup) answer { return s.api.lookup("Company", "C100") }, 200, `"501"`},
		{"a duplicate has another code", ipaastest.Switches{DuplicateEmailCode: "BIZL-1004"}, func(s setup) answer { return s.api.post("/customers/v2/Customer", ada) }, 400, "BIZL-1004"},
		{"conflicts are 409", ipaastest.Switches{Status: map[string]int{"BIZL": 409}}, func(s setup) answer { return s.api.post("/customers/v2/Customer", ada) }, 409, "BIZL-1006"},
		{"more filters", ipaastest.Switches{ExtraFilters: true}, func(s setup) answer { return s.api.get("/customers/v2/Customers?action=startswith&CustomerNumber=445") }, 200, `"customer_number":"44552"`},
		{"an undefined field has another code", ipaastest.Switches{UndefinedFieldCode: "NFND-1005"}, func(s setup) answer {
			return s.api.put(path(s.id), `{"custom_fields":[{"custom_field_name":"Shoe Size","value":"44"}]}`)
		}, 404, "Shoe Size"},
		{"prevent_duplicate does nothing", ipaastest.Switches{PreventDuplicate: ipaastest.PreventDuplicateIgnored}, func(s setup) answer {
			return s.api.put(path(s.id), `{"addresses":[{"city":"Atlanta","prevent_duplicate":true}]}`)
		}, 200, `ZZ_BAR_ZZ210003`},
		{"prevent_duplicate is unknown", ipaastest.Switches{PreventDuplicate: ipaastest.PreventDuplicateRefused}, func(s setup) answer {
			return s.api.put(path(s.id), `{"addresses":[{"city":"Atlanta","prevent_duplicate":true}]}`)
		}, 400, "VALD-1003"},
		{"countries are checked", ipaastest.Switches{Countries: []string{"United States"}}, func(s setup) answer { return s.api.put(path(s.id), `{"addresses":[{"country":"US"}]}`) }, 400, "VALD-1046"},
		{"both names are required", ipaastest.Switches{BothNames: true}, func(s setup) answer {
			return s.api.post("/customers/v2/Customer", `{"last_name":"N","email_address":"n@example.com"}`)
		}, 400, "First Name"},
		{"e-mail addresses have a form", ipaastest.Switches{EmailFormat: true}, func(s setup) answer { return s.api.put(path(s.id), `{"email_address":"nobody"}`) }, 400, "VALD-1036"},
		{"no match is 404", ipaastest.Switches{NoMatchIs404: true}, func(s setup) answer {
			return s.api.get("/customers/v2/Customers?action=equals&EmailAddress=x@example.com")
		}, 404, "NFND"},
		{"customers say whether they are active", ipaastest.Switches{ActiveMember: "is_active"}, func(s setup) answer { return s.api.get(path(s.id)) }, 200, `"is_active":true`},
		{"an inactive customer looks deleted", ipaastest.Switches{InactiveIsDeleted: true}, func(s setup) answer { s.sim.Deactivate(s.id); return s.api.lookup("customer", "44552|contact") }, 200, `"DELETED:901"`},
		{"a deleted customer looks unlinked", ipaastest.Switches{DeletedIs404: true}, func(s setup) answer { s.sim.Delete(s.id); return s.api.lookup("customer", "44552|contact") }, 404, ""},
		{"look-ups answer without quotes", ipaastest.Switches{BareLookups: true}, func(s setup) answer { return s.api.lookup("customer", "44552|contact") }, 200, "901"},
		{"a link is not replaced", ipaastest.Switches{KeepOldLink: true}, func(s setup) answer {
			return s.api.put(path(s.id), `{"external_ids":[{"system_id":313,"external_id":"9|contact"}]}`)
		}, 400, "BIZL-1005"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sim, api := start(t, ipaastest.Config{Switches: tt.switches})
			id := sim.AddCustomer(ipaastest.Customer{
				CustomerNumber: "44552", FirstName: "Ada", LastName: "Byron", EmailAddress: "ada@example.com",
				CustomFields: []ipaastest.CustomField{{Name: "Role", Value: "Buyer"}},
				ExternalIDs:  []ipaastest.ExternalID{{SystemID: 313, ExternalID: "44552|contact"}},
				Addresses:    []ipaastest.Address{{Fields: ipaastest.AddressValues{City: "Atlanta"}}},
			})
			sim.AddCompany("Adatum Corporation", "C100")
			a := tt.call(setup{sim, api, id})
			if a.status != tt.status || !strings.Contains(a.text, tt.contains) {
				t.Errorf("got %d %s, want %d with %s", a.status, a.text, tt.status, tt.contains)
			}
		})
	}
}

func TestTableNamesMayDependOnCase(t *testing.T) {
	reports := 0
	_, api := start(t, ipaastest.Config{Switches: ipaastest.Switches{ExactTableCase: true}, Unexpected: func(ipaastest.Request, string) { reports++ }})
	wantStatus(t, api.lookup("customer", "1|contact"), 404)
	wantStatus(t, api.lookup("Customer", "1|contact"), 400)
	if reports != 1 {
		t.Errorf("%d reports, want 1", reports)
	}
}

func TestPaginationHeaderIsASwitch(t *testing.T) {
	_, api := start(t, ipaastest.Config{Switches: ipaastest.Switches{NoPagination: true}})
	if _, there := api.get("/customers/v2/Customers").header["X-Pagination"]; there {
		t.Error("the header is there")
	}
	_, api = start(t, ipaastest.Config{Switches: ipaastest.Switches{ShortPagination: true}})
	if got := api.get("/customers/v2/Customers").header.Get("X-Pagination"); got != `{"current_Page":1,"total_Pages":1}` {
		t.Errorf("got %s", got)
	}
}

func TestTheKeyMayStandInAnotherHeader(t *testing.T) {
	sim, api := start(t, ipaastest.Config{Switches: ipaastest.Switches{KeyHeader: "X-Api-Key"}})
	wantRefused(t, api.get(path(1)), 401, "AUTH-1001")
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, sim.BaseURL()+path(1), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Api-Key", sim.APIKey())
	a, err := api.trySend(request)
	if err != nil {
		t.Fatal(err)
	}
	wantStatus(t, a, 404)
	if slices.ContainsFunc(sim.Requests(), func(r ipaastest.Request) bool { return r.Header.Get("X-Api-Key") != "" }) {
		t.Error("the key was recorded")
	}
}

func TestAnUnreadableRequestHarmsNobody(t *testing.T) {
	sim, api := start(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(sim.BaseURL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("GET /customers/v2/Customer/%zz HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if line, _ := bufio.NewReader(conn).ReadString('\n'); !strings.Contains(line, "400") {
		t.Errorf("got %q", line)
	}
	api.create(ada)
}

// failures collects what a simulator reports to its test.
type failures struct {
	testing.TB
	messages []string
}

func (f *failures) Errorf(format string, args ...any) {
	f.messages = append(f.messages, fmt.Sprintf(format, args...))
}
