package businesscentraltest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	bc "contactsync/shared/businesscentral/businesscentraltest"
)

func manyContacts(n int) []bc.Contact {
	contacts := make([]bc.Contact, n)
	for i := range contacts {
		contacts[i] = bc.Contact{No: fmt.Sprintf("C%06d", i), Name: fmt.Sprintf("Person %d", i), Modified: day("2026-03-01T00:00:00Z").AddDate(0, 0, (i*7)%n/3)}
	}
	return contacts
}

// follow reads all pages and returns the numbers in order.
func (c *caller) follow(address string, headers ...string) (numbers []string, pages int) {
	c.t.Helper()
	for address != "" {
		p := c.page(address, headers...)
		for _, row := range p.Value {
			numbers = append(numbers, row["No"].(string))
		}
		address = p.Next
		if pages++; pages > 1000 {
			c.t.Fatal("the pages do not end")
		}
	}
	return numbers, pages
}

func TestPagesCoverEveryRowOnce(t *testing.T) {
	sim := bc.Start(t)
	sim.Add(manyContacts(25)...)
	c := newCaller(t, sim)
	for _, order := range []string{"", "No", "SystemModifiedAt asc,No asc", "SystemModifiedAt", "SystemModifiedAt desc", "Name desc,No"} {
		t.Run("ordered by "+order, func(t *testing.T) {
			c := c.in(t)
			address := c.service("Contact_Card") + query("$select", "No,Name")
			if order != "" {
				address += "&" + query("$orderby", order)[1:]
			}
			all, pages := c.follow(address)
			if len(all) != 25 || pages != 1 {
				t.Fatalf("unpaged: got %d rows on %d pages, want 25 on 1", len(all), pages)
			}
			paged, pages := c.follow(address, "Prefer", "odata.maxpagesize=4")
			if strings.Join(paged, " ") != strings.Join(all, " ") || pages != 7 {
				t.Errorf("pages of 4: got %d pages %v\nwant 7 pages of %v", pages, paged, all)
			}
		})
	}
}

func TestNextLinkIsAbsoluteAndKeepsTheOptionsInFront(t *testing.T) {
	sim := bc.Start(t)
	sim.Add(manyContacts(5)...)
	c := newCaller(t, sim)
	response := c.request(http.MethodGet, c.service("Contact_Card")+"?$select=No,SystemId&$orderby=No%20asc", "", "Prefer", "odata.maxpagesize=2")
	if got := response.Header.Get("Preference-Applied"); got != "odata.maxpagesize" {
		t.Errorf("Preference-Applied: got %q, want odata.maxpagesize without a value", got)
	}
	body := read(t, response)
	last, _ := sim.Contact("C000001")
	want := `"@odata.nextLink":"` + c.service("Contact_Card") + "?$select=No%2CSystemId&$orderby=No%20asc&aid=FIN&$skiptoken=" + last.SystemID + `"}`
	if !strings.HasSuffix(body, want) {
		t.Errorf("got  %s\nwant %s at the end", body, want)
	}
}

func TestPreferAppliesToOneRequestOnly(t *testing.T) {
	sim := bc.Start(t)
	sim.Add(manyContacts(9)...)
	c := newCaller(t, sim)
	first := c.page(c.service("Contact_Card"), "Prefer", "odata.maxpagesize=2")
	if rest := c.page(first.Next); len(rest.Value) != 7 || rest.Next != "" {
		t.Errorf("second page without Prefer: got %d rows, want the other 7", len(rest.Value))
	}
}

func TestTopSkipAndCount(t *testing.T) {
	sim := bc.Start(t, bc.Config{MaxPageSize: 10})
	sim.Add(manyContacts(25)...)
	c := newCaller(t, sim)
	p := c.page(c.service("Contact_Card") + query("$top", "10", "$count", "true", "$filter", "No ge 'C000005'"))
	if len(p.Value) != 10 || p.Next != "" || p.Count == nil || *p.Count != 20 {
		t.Errorf("$top as large as a page: got %d rows, next %q, count %v; want 10, none, 20", len(p.Value), p.Next, p.Count)
	}
	p = c.page(c.service("Contact_Card") + query("$top", "12"))
	if !strings.Contains(p.Next, "$top=2&") || len(c.page(p.Next).Value) != 2 {
		t.Errorf("$top above the page size: the next link %q does not ask for the other 2", p.Next)
	}
	p = c.page(c.service("Contact_Card") + query("$skip", "20", "$top", "3"))
	if got := p.list("No"); got != "C000020 C000021 C000022" {
		t.Errorf("$skip: got %q", got)
	}
	if p = c.page(c.service("Contact_Card"), "Prefer", "odata.maxpagesize=50000"); len(p.Value) != 10 {
		t.Errorf("a page size above the server's: got %d rows, want 10", len(p.Value))
	}
	if _, body := c.get(c.service("Contact_Card/$count") + query("$filter", "No lt 'C000003'")); body != "3" {
		t.Errorf("/$count: got %q, want 3", body)
	}
}

func TestACursorStaysWhereThePageEnded(t *testing.T) {
	for name, disturb := range map[string]func(*bc.Simulator){
		"although its row changed": func(s *bc.Simulator) { s.Edit("C000001", func(c *bc.Contact) { c.City = "Köln" }) },
		"although its row is gone": func(s *bc.Simulator) { s.Delete("C000001") },
	} {
		t.Run(name, func(t *testing.T) {
			sim := bc.Start(t)
			for i := range 4 {
				sim.Add(bc.Contact{No: fmt.Sprintf("C%06d", i), Modified: day("2026-03-01T00:00:00Z").AddDate(0, 0, i)})
			}
			c := newCaller(t, sim)
			p := c.page(c.service("Contact_Card")+query("$orderby", "SystemModifiedAt,No"), "Prefer", "odata.maxpagesize=2")
			disturb(sim)
			if got := c.page(p.Next, "Prefer", "odata.maxpagesize=2").list("No"); got != "C000002 C000003" {
				t.Errorf("second page: got %q, want C000002 C000003", got)
			}
		})
	}
}

func TestAssumptionsAboutSkipTokens(t *testing.T) {
	start := func(a bc.Assumptions) (*bc.Simulator, *caller, string) {
		sim := bc.Start(t, bc.Config{Assumptions: a})
		for i := range 4 {
			sim.Add(bc.Contact{No: fmt.Sprintf("C%06d", i), Modified: day("2026-03-01T00:00:00Z").AddDate(0, 0, i)})
		}
		c := newCaller(t, sim)
		return sim, c, c.page(c.service("Contact_Card")+query("$orderby", "SystemModifiedAt,No"), "Prefer", "odata.maxpagesize=2").Next
	}
	sim, c, next := start(bc.Assumptions{SkipTokenNeedsRow: true})
	sim.Delete("C000001")
	if status, body := c.get(next); status != http.StatusBadRequest {
		t.Errorf("no. 15, the row of the token is gone: got %d %s, want 400", status, body)
	}
	sim, c, next = start(bc.Assumptions{SkipTokenFollowsRow: true})
	sim.Edit("C000001", func(c *bc.Contact) { c.City = "Köln" })
	if p := c.page(next); len(p.Value) != 0 {
		t.Errorf("no. 15, the position follows its row to the end: got %d rows, want 0", len(p.Value))
	}
}

func TestAssumptionsAboutPageSizes(t *testing.T) {
	sim := bc.Start(t, bc.Config{MaxPageSize: 5, Assumptions: bc.Assumptions{PagesIgnoreMaxPageSize: true, OversizedPageRefused: true}})
	sim.Add(manyContacts(6)...)
	c := newCaller(t, sim)
	if p := c.page(c.service("Contact_Card"), "Prefer", "odata.maxpagesize=2"); len(p.Value) != 5 {
		t.Errorf("no. 20, a published page: got %d rows, want 5", len(p.Value))
	}
	if p := c.page(c.api("contacts"), "Prefer", "odata.maxpagesize=2"); len(p.Value) != 2 {
		t.Errorf("no. 20, the API: got %d rows, want 2", len(p.Value))
	}
	if status, _ := c.get(c.api("contacts"), "Prefer", "odata.maxpagesize=6"); status != http.StatusRequestEntityTooLarge {
		t.Errorf("no. 23, a page above the limit: got %d, want 413", status)
	}
}

func TestSelectIgnoresCaseAndAnswersInTheServersOwn(t *testing.T) {
	sim := bc.Start(t)
	sim.Add(fiveContacts()...)
	c := newCaller(t, sim)
	_, body := c.get(c.service("Contact_Card('A1')") + "?$select=e_mail,NO")
	if i := strings.Index(body, `"E_Mail":"ada@example.com","No":"A1"}`); i < 0 || !strings.Contains(body, "@odata.etag") {
		t.Errorf("got %s, want the two columns and the etag", body)
	}
}
