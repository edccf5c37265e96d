package businesscentraltest_test

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	bc "contactsync/shared/businesscentral/businesscentraltest"
)

// A caller signs in once and calls the simulator as a client does.
type caller struct {
	t     *testing.T
	sim   *bc.Simulator
	token string
}

func newCaller(t *testing.T, sim *bc.Simulator) *caller {
	t.Helper()
	c := &caller{t: t, sim: sim}
	status, body := c.signIn(tokenForm())
	if status != http.StatusOK {
		t.Fatalf("sign in: got %d %s, want 200", status, body)
	}
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatal(err)
	}
	c.token = answer.AccessToken
	return c
}

// in is the caller for a subtest.
func (c *caller) in(t *testing.T) *caller { return &caller{t: t, sim: c.sim, token: c.token} }

func tokenForm() url.Values {
	return url.Values{"grant_type": {"client_credentials"}, "client_id": {bc.DefaultClientID}, "client_secret": {"client-secret"},
		"scope": {"https://api.businesscentral.dynamics.com/.default"}}
}

func (c *caller) signIn(form url.Values) (int, string) {
	c.t.Helper()
	response, err := c.sim.HTTPClient().PostForm(c.sim.TokenURL(), form)
	if err != nil {
		c.t.Fatal(err)
	}
	return response.StatusCode, read(c.t, response)
}

func read(t *testing.T, response *http.Response) string {
	t.Helper()
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// service is the address of a published web service; api that of API v2.0.
func (c *caller) service(name string) string {
	return c.environment() + "/ODataV4/Company('CRONUS%20USA%2C%20Inc.')/" + name
}

func (c *caller) environment() string {
	return c.sim.BaseURL() + "/" + bc.DefaultTenant + "/Production"
}

func (c *caller) api(rest string) string {
	return c.environment() + "/api/v2.0/companies(" + c.sim.CompanyID() + ")/" + rest
}

func (c *caller) request(method, address, body string, headers ...string) *http.Response {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := c.sim.HTTPClient().Do(r)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, address, err)
	}
	return response
}

func (c *caller) get(address string, headers ...string) (int, string) {
	c.t.Helper()
	response := c.request(http.MethodGet, address, "", headers...)
	return response.StatusCode, read(c.t, response)
}

// page is a list answer.
type page struct {
	Context string           `json:"@odata.context"`
	Count   *int             `json:"@odata.count"`
	Value   []map[string]any `json:"value"`
	Next    string           `json:"@odata.nextLink"`
}

func (c *caller) page(address string, headers ...string) page {
	c.t.Helper()
	status, body := c.get(address, headers...)
	if status != http.StatusOK {
		c.t.Fatalf("GET %s: got %d %s, want 200", address, status, body)
	}
	var p page
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		c.t.Fatalf("GET %s: %v in %s", address, err, body)
	}
	return p
}

func (p page) list(name string) string {
	var values []string
	for _, row := range p.Value {
		text, _ := row[name].(string)
		values = append(values, text)
	}
	return strings.Join(values, " ")
}

// query escapes option values: query("$filter", "No eq 'A'").
func query(pairs ...string) string {
	var parts []string
	for i := 0; i < len(pairs); i += 2 {
		parts = append(parts, pairs[i]+"="+strings.ReplaceAll(url.QueryEscape(pairs[i+1]), "+", "%20"))
	}
	return "?" + strings.Join(parts, "&")
}

func gunzip(t *testing.T, response *http.Response) string {
	t.Helper()
	defer response.Body.Close()
	z, err := gzip.NewReader(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func errorCode(body string) string {
	var e struct{ Error struct{ Code string } }
	_ = json.Unmarshal([]byte(body), &e)
	return e.Error.Code
}

func TestContactCardHasTheFormOfAPublishedPage(t *testing.T) {
	sim := bc.Start(t)
	if err := sim.AddDemo(); err != nil {
		t.Fatal(err)
	}
	c := newCaller(t, sim)
	status, body := c.get(c.service("Contact_Card('CT000002')"))
	if status != http.StatusOK {
		t.Fatalf("got %d %s", status, body)
	}
	for _, part := range []string{
		`"@odata.context":"https://api.businesscentral.example/v2.0/` + bc.DefaultTenant + `/Production/ODataV4/$metadata#Company('CRONUS%20USA%2C%20Inc.')/Contact_Card/$entity"`,
		`"@odata.etag":"W/\"JzE5O`, `"No":"CT000002"`, `"Type":"Person"`, `"First_Name":"Robert"`, `"Surname":"Townes"`,
		`"Company_No":"CT000001"`, `"E_Mail":"robert.townes@contoso.com"`, `"Active_Web_User":true`, `"Correspondence_Type":" "`,
		`"Fax_No":""`, `"Date_of_Last_Interaction":"0001-01-01"`, `"SystemModifiedAt":"2026-01-12T08:14:00.66Z"`,
	} {
		if !strings.Contains(body, part) {
			t.Errorf("%s is not in the answer:\n%s", part, body)
		}
	}
}
