package businesscentraltest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/mail"
	"strings"
	"testing"

	bc "contactsync/shared/businesscentral/businesscentraltest"
)

func TestTheDemoHoldsWhatItsTableSays(t *testing.T) {
	demo := bc.NewDemo()
	linked, companies := map[string]bool{}, map[string]bool{}
	for _, company := range demo.LinkedCompanies {
		linked[company.Number] = true
	}
	emails := map[string]int{}
	for _, c := range demo.Contacts {
		companies[c.No] = companies[c.No] || c.Type == "Company"
		if c.Type == "Person" {
			emails[strings.ToLower(c.EMail)]++
		}
	}
	got := map[string]int{"contacts": len(demo.Contacts)}
	count := func(name string, is bool) {
		if is {
			got[name]++
		}
	}
	for _, c := range demo.Contacts {
		count("companies", c.Type == "Company")
		count("never modified", c.NeverModified)
		if c.Type == "Company" {
			continue
		}
		if c.BusinessRelation == "Customer" {
			got["customers"]++
			continue
		}
		_, err := mail.ParseAddress(c.EMail)
		several := strings.Contains(c.EMail, ";")
		count("persons", true)
		count("without e-mail", c.EMail == "")
		count("several addresses", several)
		count("invalid e-mail", c.EMail != "" && err != nil && !several)
		count("e-mails beyond the first", c.EMail != "" && emails[strings.ToLower(c.EMail)] > 1)
		count("company not linked", c.CompanyNo != "" && companies[c.CompanyNo] && !linked[c.CompanyNo])
		count("company not there", c.CompanyNo != "" && !companies[c.CompanyNo])
		count("of a company", companies[c.CompanyNo])
		count("without last name", c.Surname == "" && c.FirstName != "")
		count("without first name", c.FirstName == "" && !strings.Contains(c.Name, " "))
		count("without address", c.Address+c.Address2+c.City+c.County+c.PostCode+c.CountryRegionCode+c.PhoneNo == "")
		count("special numbers", !strings.HasPrefix(c.No, "CT"))
		count("without company name", c.CompanyNo != "" && c.CompanyName == "")
	}
	want := map[string]int{"contacts": 315, "companies": 19, "customers": 2, "persons": 294, "without e-mail": 2, "several addresses": 2,
		"invalid e-mail": 3, "e-mails beyond the first": 5, "company not linked": 4, "company not there": 1, "of a company": 42,
		"without last name": 2, "without first name": 1, "without address": 4, "special numbers": 4, "never modified": 3, "without company name": 1}
	for name, n := range want {
		if got[name] != n {
			t.Errorf("%s: got %d, want %d", name, got[name], n)
		}
	}
	if len(demo.TakenEMails) != 1 || emails[demo.TakenEMails[0]] != 1 {
		t.Errorf("taken e-mails: got %v", demo.TakenEMails)
	}
}

func TestTheDemoEditsChangeSixContacts(t *testing.T) {
	sim, clock := clocked(t, bc.Config{})
	if err := sim.AddDemo(); err != nil {
		t.Fatal(err)
	}
	clock.advance(1)
	start := clock.now()
	clock.advance(1e9)
	if err := sim.ApplyDemoEdits(); err != nil {
		t.Fatal(err)
	}
	changed := 0
	for _, c := range sim.Contacts() {
		if c.Modified.After(start) {
			changed++
		}
	}
	if want := len(bc.DemoEdits()) - 1; changed != want {
		t.Errorf("got %d changed contacts, want %d: one edit changes nothing", changed, want)
	}
	for _, edit := range bc.DemoEdits() {
		if _, found := sim.Contact(edit.Number); !found || edit.What == "" {
			t.Errorf("the edit of %s names no contact or does not say what it does", edit.Number)
		}
	}
}

func TestASavedStateComesBackTheSame(t *testing.T) {
	cfg := bc.Config{ExtraProperties: []bc.ExtraProperty{{Name: "Nickname"}}}
	sim, clock := clocked(t, cfg)
	if err := sim.AddDemo(); err != nil {
		t.Fatal(err)
	}
	sim.Add(bc.Contact{No: "X", Extra: map[string]any{"Nickname": "Ixi"}, EMail2: "x@example.com", Minor: true})
	c, hook := newCaller(t, sim), newSubscriber(t)
	c.subscribe(hook.URL, c.contactsResource())
	var saved, again bytes.Buffer
	if err := sim.Save(&saved); err != nil {
		t.Fatal(err)
	}
	cfg.Now = clock.now
	other := bc.Start(t, cfg)
	other.Add(bc.Contact{No: "OLD"})
	if err := other.Load(bytes.NewReader(saved.Bytes())); err != nil {
		t.Fatal(err)
	}
	if err := other.Save(&again); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(saved.Bytes(), again.Bytes()) {
		t.Error("the state saved again differs")
	}
	d := newCaller(t, other)
	if got := d.page(d.service("Contact_Card") + query("$filter", "No eq 'OLD' or No eq 'X'")); len(got.Value) != 1 || got.Value[0]["Nickname"] != "Ixi" {
		t.Errorf("got %v, want X alone", got.Value)
	}
	if other.Add(bc.Contact{No: "NEW"}); len(other.Subscriptions()) != 1 {
		t.Error("the subscription is gone")
	}
	clock.advance(31e9)
	if report, err := other.DeliverNotifications(t.Context()); err != nil || report.Notifications != 1 {
		t.Errorf("a change after loading: got %+v, %v, want one notification", report, err)
	}
}

func TestAStateThatCannotBeReadChangesNothing(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":           "{",
		"another version":   `{"version":7}`,
		"an unknown member": `{"version":1,"contact":[]}`,
		"a number twice":    `{"version":1,"contacts":[{"no":"A","type":"Person"},{"no":"a","type":"Person"}]}`,
		"a bad resource":    `{"version":1,"subscriptions":[{"resource":"nothing"}]}`,
	} {
		sim := bc.Start(t)
		sim.Add(bc.Contact{No: "OLD"})
		if err := sim.Load(strings.NewReader(text)); err == nil {
			t.Errorf("%s was loaded", name)
		}
		if _, found := sim.Contact("OLD"); !found {
			t.Errorf("%s: the old state is gone", name)
		}
	}
}

func TestTheSandboxSurface(t *testing.T) {
	sim := bc.Start(t, bc.Config{Admin: true})
	c := newCaller(t, sim)
	root := strings.TrimSuffix(sim.BaseURL(), "/v2.0") + "/simulator"
	steps := []struct {
		name, method, path, body string
		status                   int
		want                     string
	}{
		{"fill in the demo", "POST", "/reset", `{"demo":true}`, 200, `{"contacts":315}`},
		{"search", "GET", "/contacts?search=townes&limit=1", "", 200, `"e_mail":"robert.townes@contoso.com"`},
		{"show", "GET", "/contacts/ct000002", "", 200, `"name":"Robert Townes"`},
		{"edit", "PATCH", "/contacts/CT000002", `{"phone_no":"123"}`, 200, `"phone_no":"123"`},
		{"rename", "PATCH", "/contacts/CT000002", `{"no":"K/1"}`, 200, `"no":"K/1"`},
		{"a number with a slash", "GET", "/contacts/K%2F1", "", 200, `"phone_no":"123"`},
		{"a misspelt member", "PATCH", "/contacts/K%2F1", `{"phone":"123"}`, 400, `unknown field \"phone\": expected system_id, no, type, name`},
		{"add", "POST", "/contacts", `{"no":"NEW1","type":"Person","name":"Nina Neu"}`, 201, `"surname":"Neu"`},
		{"add again", "POST", "/contacts", `{"no":"NEW1","type":"Person"}`, 400, `already exists`},
		{"delete", "DELETE", "/contacts/NEW1", "", 200, `{"deleted":true}`},
		{"delete again", "DELETE", "/contacts/NEW1", "", 404, `no such record`},
		{"a fault", "POST", "/faults", `{"route":"contacts","status":503,"times":-1}`, 201, `"status":503`},
		{"a fault that is misspelt", "POST", "/faults", `{"statsu":503}`, 400, `unknown field`},
		{"calls", "GET", "/calls", "", 200, `{"calls":[{"route":"token","calls":1}]}`},
		{"subscriptions", "GET", "/subscriptions", "", 200, `{"subscriptions":[]}`},
		{"notifications", "POST", "/notifications", "", 200, `"posts":0`},
	}
	for _, step := range steps {
		if step.path == "/calls" {
			sim.ResetRequests()
			newCaller(t, sim)
		}
		response := c.request(step.method, root+step.path, step.body)
		if body := read(t, response); response.StatusCode != step.status || !strings.Contains(body, step.want) {
			t.Errorf("%s: got %d %s, want %d with %s", step.name, response.StatusCode, body, step.status, step.want)
		}
	}
	if status, _ := c.get(c.service("Contact_Card")); status != 503 {
		t.Errorf("the scripted fault: got %d, want 503", status)
	}
	c.request(http.MethodDelete, root+"/faults", "")
	if status, _ := c.get(c.service("Contact_Card")); status != 200 {
		t.Errorf("without it: got %d, want 200", status)
	}
}

// BenchmarkPages reads 100,000 contacts by time of change, 20,000 a page, with the
// columns that the mapping needs.
func BenchmarkPages(b *testing.B) {
	sim := bc.Start(b, bc.Config{NoCompression: true, RequestLimit: -1})
	contacts := make([]bc.Contact, 100_000)
	for i, c := range manyContacts(len(contacts)) {
		c.EMail, c.Address, c.City = strings.ToLower(c.No)+"@example.com", "192 Market Square", "Atlanta"
		contacts[i] = c
	}
	sim.Add(contacts...)
	c := benchmarkCaller(b, sim)
	first := c.service("Contact_Card") + query("$orderby", "SystemModifiedAt,No",
		"$select", "No,SystemId,Type,First_Name,Surname,E_Mail,Address,City,Company_No,Company_Name,SystemModifiedAt")
	b.ResetTimer()
	for b.Loop() {
		for address := first; address != ""; {
			r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, address, nil)
			if err != nil {
				b.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+c.token)
			response, err := sim.HTTPClient().Do(r)
			if err != nil {
				b.Fatal(err)
			}
			address = nextOf(b, response.Body)
		}
	}
	b.ReportMetric(float64(b.N)*float64(len(contacts))/b.Elapsed().Seconds(), "contacts/s")
}

func benchmarkCaller(b *testing.B, sim *bc.Simulator) *caller {
	b.Helper()
	response, err := sim.HTTPClient().PostForm(sim.TokenURL(), tokenForm())
	if err != nil {
		b.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		b.Fatal(err)
	}
	return &caller{sim: sim, token: answer.AccessToken}
}

// nextOf reads a page to its end and finds the next link in its last bytes.
func nextOf(b *testing.B, body io.ReadCloser) string {
	b.Helper()
	defer body.Close()
	var tail, chunk []byte
	chunk = make([]byte, 32<<10)
	for {
		n, err := body.Read(chunk)
		tail = append(tail, chunk[:n]...)
		tail = tail[max(0, len(tail)-4096):]
		if err == io.EOF {
			break
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	_, link, found := strings.Cut(string(tail), `"@odata.nextLink":"`)
	if !found {
		return ""
	}
	return strings.TrimSuffix(link, `"}`)
}
