package businesscentraltest_test

import (
	"strings"
	"testing"
	"time"

	bc "contactsync/shared/businesscentral/businesscentraltest"
)

// A clock is moved by hand.
type clock struct{ at time.Time }

func (c *clock) now() time.Time           { return c.at }
func (c *clock) advance(by time.Duration) { c.at = c.at.Add(by) }

func clocked(t *testing.T, cfg bc.Config) (*bc.Simulator, *clock) {
	t.Helper()
	c := &clock{day("2026-05-01T12:00:00.123456Z")}
	cfg.Now = c.now
	return bc.Start(t, cfg), c
}

func contactOf(t *testing.T, sim *bc.Simulator, ref string) bc.Contact {
	t.Helper()
	c, found := sim.Contact(ref)
	if !found {
		t.Fatalf("contact %s: not found", ref)
	}
	return c
}

func TestAnEditSetsTheTimeOfChangeToTheMillisecond(t *testing.T) {
	sim, clock := clocked(t, bc.Config{})
	sim.Add(bc.Contact{No: "A", Name: "Ada Byron"})
	clock.advance(time.Hour)
	sim.Edit("A", func(c *bc.Contact) { c.City = "London" })
	if got, want := contactOf(t, sim, "A").Modified, day("2026-05-01T13:00:00.123Z"); !got.Equal(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestAWriteThatChangesNothingDoesNotMoveTheTime(t *testing.T) {
	sim, clock := clocked(t, bc.Config{})
	sim.Add(bc.Contact{No: "A", Name: "Ada Byron"})
	c := newCaller(t, sim)
	_, before := c.get(c.service("Contact_Card('A')"))
	clock.advance(time.Minute)
	sim.Edit("A", func(c *bc.Contact) { c.Name = "Ada Byron" })
	if _, after := c.get(c.service("Contact_Card('A')")); after != before {
		t.Errorf("got  %s\nwant %s", after, before)
	}
}

func TestTheNameOfAPersonAndItsPartsFollowEachOther(t *testing.T) {
	tests := []struct {
		name                string
		edit                func(c *bc.Contact)
		want                string
		first, middle, last string
	}{
		{"two words", func(c *bc.Contact) { c.Name = "Grace Hopper" }, "Grace Hopper", "Grace", "", "Hopper"},
		{"one word is the surname", func(c *bc.Contact) { c.Name = "Cher" }, "Cher", "", "", "Cher"},
		{"the second last of more is the middle name", func(c *bc.Contact) { c.Name = "Jose Ignacio Peiro Alba" }, "Jose Ignacio Peiro Alba", "Jose Ignacio", "Peiro", "Alba"},
		{"a new surname", func(c *bc.Contact) { c.Surname = "King" }, "Ada King", "Ada", "", "King"},
		{"a surname that goes", func(c *bc.Contact) { c.Surname = "" }, "Ada", "Ada", "", ""},
		{"a part has 30 characters at most", func(c *bc.Contact) { c.Name = "Ada " + strings.Repeat("x", 40) }, "Ada " + strings.Repeat("x", 40), "Ada", "", strings.Repeat("x", 30)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sim := bc.Start(t)
			sim.Add(bc.Contact{No: "A", Name: "Ada Byron"})
			sim.Edit("A", tt.edit)
			c := contactOf(t, sim, "A")
			if c.Name != tt.want || c.FirstName != tt.first || c.MiddleName != tt.middle || c.Surname != tt.last {
				t.Errorf("got %q = %q %q %q, want %q = %q %q %q", c.Name, c.FirstName, c.MiddleName, c.Surname, tt.want, tt.first, tt.middle, tt.last)
			}
		})
	}
}

func TestPersonsInheritWhatEqualledTheirCompany(t *testing.T) {
	sim, clock := clocked(t, bc.Config{})
	sim.Add(
		bc.Contact{No: "K1", Type: "Company", Name: "Adatum", City: "Atlanta", PhoneNo: "1"},
		bc.Contact{No: "P1", Name: "Ada Byron", CompanyNo: "K1", CompanyName: "Adatum", City: "Atlanta", PhoneNo: "7"},
		bc.Contact{No: "P2", Name: "Bo Diddley", CompanyNo: "K2", CompanyName: "Other", City: "Atlanta"},
	)
	clock.advance(time.Minute)
	sim.Edit("K1", func(c *bc.Contact) { c.Name, c.City, c.PhoneNo = "Adatum Corporation", "Miami", "2" })
	company, own, other := contactOf(t, sim, "K1"), contactOf(t, sim, "P1"), contactOf(t, sim, "P2")
	if company.CompanyName != "Adatum Corporation" || company.CompanyNo != "K1" {
		t.Errorf("the company's own company: got %s %q", company.CompanyNo, company.CompanyName)
	}
	if own.CompanyName != "Adatum Corporation" || own.City != "Miami" || own.PhoneNo != "7" || !own.Modified.Equal(company.Modified) {
		t.Errorf("its person: got %q, %q, phone %q, %v; want the new name and city, the own phone, the company's time", own.CompanyName, own.City, own.PhoneNo, own.Modified)
	}
	if other.City != "Atlanta" || other.Modified.Equal(company.Modified) {
		t.Error("a person of another company changed as well")
	}
}

func TestAnotherNumberKeepsTheInternalID(t *testing.T) {
	sim, clock := clocked(t, bc.Config{})
	sim.Add(bc.Contact{No: "K1", Type: "Company", Name: "Adatum"}, bc.Contact{No: "P1", Name: "Ada", CompanyNo: "K1"})
	before, person := contactOf(t, sim, "K1"), contactOf(t, sim, "P1")
	clock.advance(time.Second)
	sim.Rename("K1", " k9 ")
	after := contactOf(t, sim, before.SystemID)
	if after.No != "K9" || !after.Modified.After(before.Modified) || after.CompanyNo != "K9" {
		t.Errorf("got %s, company %s, %v", after.No, after.CompanyNo, after.Modified)
	}
	if _, found := sim.Contact("K1"); found {
		t.Error("the old number still names a contact")
	}
	if got := contactOf(t, sim, "P1"); got.CompanyNo != "K9" || !got.Modified.After(person.Modified) {
		t.Errorf("its person: company %s, %v", got.CompanyNo, got.Modified)
	}
	if err := sim.RenameContact("P1", "k9"); err == nil {
		t.Error("a number that is taken was given again")
	}
}

func TestTwoContactsSwapTheirNumbers(t *testing.T) {
	sim := bc.Start(t)
	sim.Add(bc.Contact{No: "A", Name: "Ada"}, bc.Contact{No: "B", Name: "Bo"})
	a, b := contactOf(t, sim, "A"), contactOf(t, sim, "B")
	sim.Swap("A", "B")
	if contactOf(t, sim, "A").SystemID != b.SystemID || contactOf(t, sim, "B").SystemID != a.SystemID {
		t.Error("the numbers did not change places")
	}
}

func TestADeletedContactIsGoneForEveryReader(t *testing.T) {
	sim := bc.Start(t)
	sim.Add(fiveContacts()...)
	c := newCaller(t, sim)
	sim.Delete("A1")
	if status, body := c.get(c.service("Contact_Card('A1')")); status != 404 || !strings.Contains(body, "Resource not found for the segment 'Contact_Card'.") {
		t.Errorf("by key: got %d %s, want 404 that names the service", status, body)
	}
	if p := c.page(c.service("Contact_Card") + query("$filter", "No eq 'A1'")); len(p.Value) != 0 {
		t.Errorf("by filter: got %d rows, want 200 with none", len(p.Value))
	}
}

func TestALateCommitAppearsWithTheTimeOfItsWrites(t *testing.T) {
	sim, clock := clocked(t, bc.Config{})
	sim.Add(bc.Contact{No: "A", Name: "Ada"})
	written := clock.at.Add(time.Minute)
	clock.advance(time.Minute)
	late := sim.Begin()
	late.Edit("A", func(c *bc.Contact) { c.City = "London" })
	late.Add(bc.Contact{No: "B", Name: "Bo"})
	clock.advance(8 * time.Minute)
	sim.Add(bc.Contact{No: "C", Name: "Cleo"})
	c := newCaller(t, sim)
	address := c.service("Contact_Card") + query("$orderby", "SystemModifiedAt,No")
	if got := c.page(address).list("No"); got != "A C" {
		t.Errorf("before the commit: got %q, want A C", got)
	}
	if err := late.Commit(); err != nil {
		t.Fatal(err)
	}
	if got := c.page(address).list("No"); got != "A B C" {
		t.Errorf("after it: got %q, want A and B before C", got)
	}
	if got := contactOf(t, sim, "A").Modified; !got.Equal(written.Truncate(time.Millisecond)) {
		t.Errorf("time of change: got %v, want that of the write, %v", got, written)
	}
}

func TestRecordsThatBusinessCentralWouldNotStore(t *testing.T) {
	sim := bc.Start(t)
	sim.Add(bc.Contact{No: "A", SystemID: "3f2504e0-4f89-11d3-9a0c-0305e82c3301"})
	for name, c := range map[string]bc.Contact{
		"without a number":             {},
		"a number of 21 characters":    {No: strings.Repeat("9", 21)},
		"a number that exists":         {No: "a"},
		"an internal id that exists":   {No: "B", SystemID: "3F2504E0-4F89-11D3-9A0C-0305E82C3301"},
		"a country of 11 characters":   {No: "B", CountryRegionCode: strings.Repeat("X", 11)},
		"a name that is too long":      {No: "B", Name: strings.Repeat("ø", 101)},
		"a type that is not an option": {No: "B", Type: "Robot"},
	} {
		if err := sim.AddContacts(c); err == nil {
			t.Errorf("%s was stored", name)
		}
	}
	if got := sim.ContactCount(); got != 1 {
		t.Errorf("got %d contacts, want 1", got)
	}
}
