package ipaas_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"

	"contactsync/shared/ipaas"
	"contactsync/shared/outbound"
	"contactsync/shared/transfer"
)

func TestPlainIDsAreLookedUpInThePathAndOthersInABody(t *testing.T) {
	tests := []struct {
		externalID, method, path, body string
	}{
		{"C-100_a.b~1", "GET", "/customers/v2/External/LookupSpaceport/77/Customer%20Company/C-100_a.b~1", ""},
		{"44552|contact", "POST", "/customers/v2/External/LookupSpecial", `{"table_name":"Customer Company","system_id":77,"external_id":"44552|contact"}`},
		{"A/B & 'C'", "POST", "/customers/v2/External/LookupSpecial", `{"table_name":"Customer Company","system_id":77,"external_id":"A/B & 'C'"}`},
		{`30" x`, "POST", "/customers/v2/External/LookupSpecial", `{"table_name":"Customer Company","system_id":77,"external_id":"30\" x"}`},
		{"ÄÖ", "POST", "/customers/v2/External/LookupSpecial", `{"table_name":"Customer Company","system_id":77,"external_id":"ÄÖ"}`},
		{"..", "POST", "/customers/v2/External/LookupSpecial", `{"table_name":"Customer Company","system_id":77,"external_id":".."}`},
	}
	for _, tt := range tests {
		t.Run(tt.externalID, func(t *testing.T) {
			a := start(t, answer{status: 200, body: `"9001"`})
			id, err := connect(t, a).SpaceportID(t.Context(), tt.externalID, "Customer Company", "")
			if err != nil || id != "9001" {
				t.Fatalf("got %q, error %v", id, err)
			}
			if got := a.last(t); got.method != tt.method || got.path != tt.path || got.body != tt.body {
				t.Errorf("got %s %s %s", got.method, got.path, got.body)
			}
		})
	}
}

func TestTheTableOfCompaniesAndTheSystemAreConfigurable(t *testing.T) {
	a := start(t, answer{status: 404})
	client := connect(t, a, func(cfg *ipaas.Config) { cfg.CompanyTable = "Company" })
	for _, tt := range []struct{ table, system, path string }{
		{"customer company", "77", "/77/Company/C1"},
		{"Customer Company", "78", "/78/Company/C1"},
		{"customer category", "", "/77/customer%20category/C1"},
	} {
		if _, err := client.SpaceportID(t.Context(), "C1", tt.table, tt.system); err != nil {
			t.Fatal(err)
		}
		if got := a.last(t).path; got != "/customers/v2/External/LookupSpaceport"+tt.path {
			t.Errorf("table %q, system %q: asked %s", tt.table, tt.system, got)
		}
	}
	if _, err := client.SpaceportID(t.Context(), " ", "Customer Company", ""); err != nil || len(a.arrivals()) != 3 {
		t.Error("an empty external id was looked up")
	}
}

func TestWhatALookUpAnswers(t *testing.T) {
	text := http.Header{"Content-Type": {"text/plain"}}
	tests := []struct {
		name  string
		reply answer
		id    string
		fault *transfer.Fault
	}{
		{"a quoted id", answer{status: 200, body: `"912"`}, "912", nil},
		{"an id of signs", answer{status: 200, body: `"138535ZZ_BAR_ZZ211960"`}, "138535ZZ_BAR_ZZ211960", nil},
		{"a bare number", answer{status: 200, body: "912\n"}, "912", nil},
		{"plain text", answer{status: 200, body: "64b7f0c2a1", header: text}, "64b7f0c2a1", nil},
		{"an escaped text", answer{status: 200, body: `"\u0039\u0031\u0032"`}, "912", nil},
		{"nothing", answer{status: 200}, "", nil},
		{"an empty string", answer{status: 200, body: `""`}, "", nil},
		{"null", answer{status: 200, body: "null"}, "", nil},
		{"204", answer{status: 204}, "", nil},
		{"a deleted record", answer{status: 200, body: `"DELETED:912"`}, "", nil},
		{"a deleted record, bare", answer{status: 200, body: `deleted:912`, header: text}, "", nil},
		{"404 without a word", answer{status: 404}, "", nil},
		{"404 with its code", problem(404, "NFND-1005", "iPaaS.com Id (Id:44552) not found."), "", nil},
		{"404 with plain text", answer{status: 404, body: "External Id not found", header: text}, "", nil},
		{"404 with the usual JSON", answer{status: 404, body: `{"title":"Not Found","status":404}`}, "", nil},
		{"404 of a proxy", answer{status: 404, body: "<html>", header: page}, "", transfer.DestinationUnavailable},
		{"404 of a router", answer{status: 404, body: "404 page not found"}, "", transfer.DestinationUnavailable},
		{"a missing table", problem(404, "NFND-1002", "Table Customer Company not found."), "", transfer.DestinationRejected},
		{"a wrong system", problem(400, "VALD-1023", "System Id (77) provided is invalid."), "", transfer.DestinationRejected},
		{"a web page", answer{status: 200, body: "<html>"}, "", transfer.DestinationUnavailable},
		{"an object", answer{status: 200, body: `{"id":912}`}, "", transfer.DestinationUnavailable},
		{"a path", answer{status: 200, body: `"../912"`}, "", transfer.DestinationUnavailable},
		{"zero", answer{status: 200, body: `0`}, "", transfer.DestinationUnavailable},
		{"half a string", answer{status: 200, body: `"912`}, "", transfer.DestinationUnavailable},
		{"a sentence", answer{status: 200, body: `No record found`, header: text}, "", transfer.DestinationUnavailable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			id, err := connect(t, start(t, tt.reply)).CustomerByExternalID(t.Context(), "44552|contact")
			if id != tt.id || transfer.FaultOf(err) != tt.fault {
				t.Errorf("got %q, error %v; want %q, %v", id, err, tt.id, tt.fault)
			}
		})
	}
}

func TestExternalIDOf(t *testing.T) {
	tests := []struct {
		name  string
		reply answer
		want  string
		fault *transfer.Fault
	}{
		{"linked", answer{status: 200, body: `"44552|contact"`}, "44552|contact", nil},
		{"linked with signs", answer{status: 200, body: `"A/B \"C\" Ä|contact"`}, `A/B "C" Ä|contact`, nil},
		{"not linked", answer{status: 404}, "", nil},
		{"empty", answer{status: 200}, "", nil},
		{"a web page", answer{status: 200, body: "<html>"}, "", transfer.DestinationUnavailable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := start(t, tt.reply)
			got, err := connect(t, a).ExternalIDOf(t.Context(), "912")
			if got != tt.want || transfer.FaultOf(err) != tt.fault {
				t.Errorf("got %q, error %v; want %q, %v", got, err, tt.want, tt.fault)
			}
			if path := a.last(t).path; path != "/customers/v2/External/LookupExternal/912/77/customer" {
				t.Errorf("asked %s", path)
			}
		})
	}
}

func TestLink(t *testing.T) {
	tests := []struct {
		name  string
		reply answer
		fault *transfer.Fault
		is    error
	}{
		{"linked", answer{status: 200, body: `{"system_id":77}`}, nil, nil},
		{"linked without a word", answer{status: 204}, nil, nil},
		{"another customer carries it", problem(400, "BIZL-1005", "Duplicate external id"), transfer.DuplicateContact, transfer.ErrTaken},
		{"the customer is gone", problem(404, "NFND-1005", "iPaaS.com Id (Id:912) not found."), transfer.DestinationRejected, transfer.ErrGone},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := start(t, tt.reply)
			err := connect(t, a).Link(t.Context(), "912", "44553|contact")
			if transfer.FaultOf(err) != tt.fault || !errors.Is(err, tt.is) {
				t.Errorf("got %v, want %v and %v", err, tt.fault, tt.is)
			}
			want := `{"table_name":"customer","system_id":77,"external_id":"44553|contact","internal_id":"912"}`
			if got := a.last(t); got.method != "POST" || got.path != "/customers/v2/External/UpdateExternalId" || got.body != want {
				t.Errorf("got %s %s %s", got.method, got.path, got.body)
			}
		})
	}
}

func TestASystemIDThatIsNoNumberIsSentAsText(t *testing.T) {
	a := start(t, answer{status: 200})
	client := connect(t, a, func(cfg *ipaas.Config) { cfg.SystemID = "sys-A" })
	if err := client.Link(t.Context(), "912", "1|contact"); err != nil {
		t.Fatal(err)
	}
	want := `{"table_name":"customer","system_id":"sys-A","external_id":"1|contact","internal_id":"912"}`
	if got := a.last(t).body; got != want {
		t.Errorf("got %s", got)
	}
}

func TestASessionAsksForACompanyOnce(t *testing.T) {
	for name, reply := range map[string]answer{"linked": {status: 200, body: `"9001"`}, "not linked": {status: 404}} {
		t.Run(name, func(t *testing.T) {
			a := start(t, reply)
			client := connect(t, a)
			session := client.Session()
			var group sync.WaitGroup
			for range 20 {
				group.Go(func() {
					for _, company := range []string{"C1", "C2"} {
						if _, err := session.SpaceportID(t.Context(), company, "Customer Company", "77"); err != nil {
							t.Error(err)
						}
					}
				})
			}
			group.Wait()
			if n := len(a.arrivals()); n != 2 {
				t.Errorf("two companies took %d calls, want 2", n)
			}
			if _, err := client.Session().SpaceportID(t.Context(), "C1", "Customer Company", "77"); err != nil || len(a.arrivals()) != 3 {
				t.Errorf("the next session did not ask again, error %v", err)
			}
		})
	}
}

func TestASessionDoesNotRememberAnError(t *testing.T) {
	a := start(t, answer{status: 400}, answer{status: 200, body: `"9001"`})
	session := connect(t, a).Session()
	if _, err := session.SpaceportID(t.Context(), "C1", "Customer Company", ""); !errors.Is(err, transfer.DestinationRejected) {
		t.Fatalf("got %v", err)
	}
	if id, err := session.SpaceportID(t.Context(), "C1", "Customer Company", ""); id != "9001" || err != nil {
		t.Errorf("afterwards: got %q, error %v", id, err)
	}
}

// transport answers in memory once it is told to.
type transport struct{ answer chan string }

func (tr transport) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case <-r.Context().Done():
		return nil, r.Context().Err()
	case body := <-tr.answer:
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: readCloser(body), Request: r}, nil
	}
}

func TestACallerThatGivesUpDoesNotTakeTheOthersAlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := transport{answer: make(chan string)}
		client, err := ipaas.New(ipaas.Config{
			BaseURL: "https://api.example.com", SystemID: "77", Credentials: &secret{accounts: []ipaas.Account{{APIKey: "k"}}},
			Outbound: outbound.New(outbound.Config{HTTP: &http.Client{Transport: tr}}),
		})
		if err != nil {
			t.Fatal(err)
		}
		session := client.Session()
		first, cancel := context.WithCancel(t.Context())
		results := make(chan string, 2)
		ask := func(name string, ctx context.Context) {
			id, err := session.SpaceportID(ctx, "C1", "Customer Company", "")
			results <- fmt.Sprint(name, " ", id, " ", err)
		}
		go ask("first", first)
		synctest.Wait()
		go ask("second", t.Context())
		synctest.Wait()
		cancel()
		if got := <-results; got != "first  context canceled" && got != "first  GET /customers/v2/External/LookupSpaceport/77/Customer%20Company/C1: context canceled: the call may have been carried out" {
			t.Errorf("got %q", got)
		}
		tr.answer <- `"9001"`
		if got := <-results; got != "second 9001 <nil>" {
			t.Errorf("got %q", got)
		}
	})
}
