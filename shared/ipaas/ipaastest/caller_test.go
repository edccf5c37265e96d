package ipaastest_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"contactsync/shared/ipaas/ipaastest"
)

// caller makes calls to a simulator as a client would, and shows what came back.
type caller struct {
	t   testing.TB
	sim *ipaastest.Simulator
	key string
}

// answer is what came back. object is set when the body is a JSON object.
type answer struct {
	status int
	header http.Header
	text   string
	object map[string]any
}

func start(t testing.TB, configs ...ipaastest.Config) (*ipaastest.Simulator, caller) {
	t.Helper()
	sim := ipaastest.Start(t, configs...)
	return sim, caller{t, sim, sim.APIKey()}
}

func (c caller) try(method, path, body string) (answer, error) {
	c.t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), method, c.sim.BaseURL()+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	return c.trySend(request)
}

// trySend sends a request with the key and, where it may have a body, its type.
func (c caller) trySend(request *http.Request) (answer, error) {
	if request.Method == http.MethodPost || request.Method == http.MethodPut {
		request.Header.Set("Content-Type", "application/json")
	}
	request.Header.Set("Authorization", "Bearer "+c.key)
	response, err := c.sim.HTTPClient().Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	a := answer{status: response.StatusCode, header: response.Header, text: string(read)}
	if json.Unmarshal(read, &a.object) != nil {
		a.object = nil
	}
	return a, err
}

func (c caller) do(method, path, body string) answer {
	c.t.Helper()
	a, err := c.try(method, path, body)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

func (c caller) get(path string) answer { c.t.Helper(); return c.do(http.MethodGet, path, "") }

func (c caller) post(path, body string) answer {
	c.t.Helper()
	return c.do(http.MethodPost, path, body)
}

func (c caller) put(path, body string) answer { c.t.Helper(); return c.do(http.MethodPut, path, body) }

// create makes a customer and returns its id.
func (c caller) create(body string) int64 {
	c.t.Helper()
	a := c.post("/customers/v2/Customer", body)
	if a.status != http.StatusOK {
		c.t.Fatalf("create: %d %s", a.status, a.text)
	}
	id, ok := a.object["id"].(float64)
	if !ok {
		c.t.Fatalf("create: id is %v", a.object["id"])
	}
	return int64(id)
}

func (c caller) byEmail(email string) []map[string]any {
	c.t.Helper()
	a := c.get("/customers/v2/Customers?action=equals&EmailAddress=" + url.QueryEscape(email))
	var found []map[string]any
	if err := json.Unmarshal([]byte(a.text), &found); err != nil {
		c.t.Fatalf("search: %d %s", a.status, a.text)
	}
	return found
}

func (c caller) lookup(table, externalID string) answer {
	c.t.Helper()
	body, err := json.Marshal(map[string]any{"table_name": table, "system_id": c.sim.SystemID(), "external_id": externalID})
	if err != nil {
		c.t.Fatal(err)
	}
	return c.post("/customers/v2/External/LookupSpecial", string(body))
}

// wantRefused checks the status and the code of an error.
func wantRefused(t *testing.T, a answer, status int, code string) {
	t.Helper()
	if a.status != status || a.object["code"] != code {
		t.Errorf("got %d %s, want %d with code %s", a.status, a.text, status, code)
	}
}

func wantStatus(t *testing.T, a answer, status int) {
	t.Helper()
	if a.status != status {
		t.Errorf("got %d %s, want %d", a.status, a.text, status)
	}
}

const ada = `{"customer_number":"44552","first_name":"Ada","last_name":"Byron","email_address":"ada@example.com"}`
