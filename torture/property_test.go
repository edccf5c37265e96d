package torture_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"contactsync/shared/app/apptest"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/ipaas/ipaastest"
	"contactsync/torture/calls"
	"contactsync/torture/tally"
)

// A trial is one round of rapid as a test of its own: failures shrink.
type trial struct {
	testing.TB
	round *rapid.T
	ends  []func()
}

func (t *trial) Helper()                           { t.round.Helper() }
func (t *trial) Errorf(format string, args ...any) { t.round.Errorf(format, args...) }
func (t *trial) Error(args ...any)                 { t.round.Error(args...) }
func (t *trial) Fatalf(format string, args ...any) { t.round.Fatalf(format, args...) }
func (t *trial) Fatal(args ...any)                 { t.round.Fatal(args...) }
func (t *trial) Logf(format string, args ...any)   { t.round.Logf(format, args...) }
func (t *trial) Cleanup(f func())                  { t.ends = append(t.ends, f) }

func (t *trial) end() {
	for _, f := range slices.Backward(t.ends) {
		f()
	}
}

// A day is a random day of one connection.
type day struct {
	*world
	draw    *rapid.T
	numbers bool // contacts change their numbers
	faults  bool // calls break, and processes die
	made    int
	live    []string          // internal ids of contacts that are there
	owners  map[string]string // e-mail addresses that any contact had, and its internal id
	former  []string          // numbers that nobody has any more
	planned map[int]func() calls.Verdict
}

// add makes a person. The model of a perfect transfer needs to remember no more of
// it than whose its e-mail addresses are, for it maps what Business Central holds
// in the end.
func (d *day) add(no string) {
	d.made++
	p := apptest.Person(no, fmt.Sprintf("n%d@example.com", d.made))
	if rapid.Bool().Draw(d.draw, "of a company") {
		p.CompanyNo, p.CompanyName = "C1", "Adatum Corporation"
	}
	switch rapid.IntRange(0, 9).Draw(d.draw, "what it lacks") {
	case 0:
		p.EMail = ""
	case 1:
		p.Address, p.City, p.County, p.CountryRegionCode, p.PostCode, p.PhoneNo = "", "", "", "", "", ""
	}
	d.source.Add(p)
	c := d.contact(p.No)
	d.live = append(d.live, c.SystemID)
	d.owners[p.EMail] = c.SystemID
}

func (d *day) newEmail(id string) {
	d.made++
	email := fmt.Sprintf("e%d@example.com", d.made)
	d.owners[email] = id
	_ = d.source.EditContact(id, func(c *businesscentraltest.Contact) { c.EMail = email }) // it may be gone by now
}

func (d *day) newNumber() string {
	d.made++
	return fmt.Sprintf("N%d", d.made)
}

// formerNumber is one that another contact had.
func (d *day) formerNumber() string {
	if len(d.former) == 0 {
		return d.newNumber()
	}
	no := rapid.SampledFrom(d.former).Draw(d.draw, "former number")
	d.former = slices.DeleteFunc(d.former, func(other string) bool { return other == no })
	return no
}

func (d *day) rename(id, no string) {
	d.former = append(d.former, d.contact(id).No)
	d.source.Rename(id, no)
}

func (d *day) pick() string { return rapid.SampledFrom(d.live).Draw(d.draw, "contact") }

func (d *day) contact(id string) businesscentraltest.Contact {
	c, found := d.source.Contact(id)
	if !found {
		d.t.Fatalf("contact %s is not there", id)
	}
	return c
}

// change is one random change in Business Central.
func (d *day) change() {
	kinds := []string{"add", "city", "city", "name", "e-mail", "no e-mail", "company and back", "unmapped"}
	if d.numbers {
		kinds = append(kinds, "rename", "swap", "heir", "take over")
	} else {
		kinds = append(kinds, "delete") // with numbers that move, a deleted contact's customer goes on with who has the number
	}
	kind := rapid.SampledFrom(kinds).Draw(d.draw, "change")
	if len(d.live) < 2 {
		kind = "add"
	}
	d.clock.Advance(time.Duration(rapid.IntRange(1, 90_000).Draw(d.draw, "ms later")) * time.Millisecond)
	switch kind {
	case "add":
		d.add(d.newNumber())
	case "heir":
		d.add(d.formerNumber())
	case "city":
		city := fmt.Sprintf("City %d", rapid.IntRange(1, 5).Draw(d.draw, "city"))
		d.source.Edit(d.pick(), func(c *businesscentraltest.Contact) { c.City = city })
	case "name":
		name := fmt.Sprintf("Name %d", rapid.IntRange(1, 5).Draw(d.draw, "name"))
		d.source.Edit(d.pick(), func(c *businesscentraltest.Contact) { c.Surname = name })
	case "e-mail":
		d.newEmail(d.pick())
	case "no e-mail":
		d.source.Edit(d.pick(), func(c *businesscentraltest.Contact) { c.EMail = "" })
	case "delete":
		id := d.pick()
		d.source.Delete(id)
		d.live = slices.DeleteFunc(d.live, func(other string) bool { return other == id })
	case "company and back":
		d.source.Edit(d.pick(), func(c *businesscentraltest.Contact) {
			switch { // becoming a company takes the person's company away, and an empty one is not sent
			case c.Type == "Company":
				c.Type = "Person"
			case c.CompanyNo == "":
				c.Type = "Company"
			}
		})
	case "unmapped":
		d.source.Edit(d.pick(), func(c *businesscentraltest.Contact) { c.JobTitle += "x" })
	case "rename":
		d.rename(d.pick(), d.newNumber())
	case "take over":
		no := d.formerNumber()
		d.rename(d.pick(), no)
	case "swap":
		one, other := d.pick(), d.pick()
		if one != other {
			d.source.Swap(one, other)
		}
	}
}

// trouble plans something for one of the next calls.
func (d *day) trouble() {
	kinds := []string{"change"}
	if d.numbers {
		kinds = append(kinds, "swap", "renumber")
	}
	if d.faults {
		kinds = append(kinds, "change", "break before", "break after", "503", "kill before", "kill after")
	}
	at := len(d.line.Calls()) + rapid.IntRange(1, 60).Draw(d.draw, "calls later")
	verdict := calls.Pass
	switch rapid.SampledFrom(kinds).Draw(d.draw, "trouble") {
	case "change":
		city := fmt.Sprintf("Late %d", rapid.IntRange(1, 5).Draw(d.draw, "city"))
		id := d.pick()
		d.planned[at] = func() calls.Verdict {
			d.clock.Advance(time.Second)
			_ = d.source.EditContact(id, func(c *businesscentraltest.Contact) { c.City = city }) // it may be gone by then
			return calls.Pass
		}
		return
	case "swap":
		one, other := d.pick(), d.pick()
		d.planned[at] = func() calls.Verdict {
			d.clock.Advance(time.Second)
			if one != other {
				_ = d.source.SwapNumbers(one, other)
			}
			return calls.Pass
		}
		return
	case "renumber":
		id, no := d.pick(), d.newNumber()
		d.planned[at] = func() calls.Verdict {
			d.clock.Advance(time.Second)
			_ = d.source.RenameContact(id, no)
			return calls.Pass
		}
		return
	case "503":
		d.target.Fail(ipaastest.Script{Skip: rapid.IntRange(0, 10).Draw(d.draw, "skip"), Times: rapid.IntRange(1, 6).Draw(d.draw, "times"), Effect: ipaastest.Effect{Status: 503, Process: rapid.Bool().Draw(d.draw, "carried out")}})
		return
	case "break before":
		verdict = calls.FailBefore
	case "break after":
		verdict = calls.FailAfter
	case "kill before":
		verdict = calls.KillBefore
	case "kill after":
		verdict = calls.KillAfter
	}
	d.planned[at] = func() calls.Verdict { return verdict }
}

func (d *day) work() {
	switch rapid.SampledFrom([]string{"poll", "poll", "sync", "hook", "wait"}).Draw(d.draw, "work") {
	case "poll":
		d.step(func() { _, _ = d.poll() })
	case "sync":
		ids := []string{d.contact(d.pick()).No, d.pick()}
		d.step(func() { d.call("/transfers", `{"ids":["`+strings.Join(ids, `","`)+`"]}`) })
	case "hook":
		no := d.contact(d.pick()).No
		d.step(func() {
			d.call("/hooks", `{"notifications":[{"scope":"contact/updated","external_id":"`+no+`|contact"}]}`)
		})
	case "wait":
		d.clock.Advance(time.Duration(rapid.IntRange(1, 60).Draw(d.draw, "minutes")) * time.Minute)
	}
}

// perfect compares iPaaS.com with what a perfect transfer of Business Central's
// contacts would hold.
func (d *day) perfect() {
	d.t.Helper()
	company := d.target.Companies()[0].ID
	present := d.customers()
	for _, id := range d.live {
		c := d.contact(id)
		if c.Type != "Person" {
			continue
		}
		want := fmt.Sprintf("%s|contact: number %s, %s %s, %s, company %q, inactive false, Active=true, Customer Type=B2B, Record Type=Contact, Role=Buyer", c.No, c.No, c.FirstName, c.Surname, c.EMail, c.CompanyName)
		if c.CompanyNo != "" {
			want += fmt.Sprintf(", iPaaS.com Company ID=%d", company)
		}
		if c.Address+c.City != "" {
			want += fmt.Sprintf(", address %s %s", c.Address, c.City)
		}
		if n := len(slices.DeleteFunc(slices.Clone(present), func(line string) bool { return line != want })); n != 1 {
			d.t.Logf("%s: %+v", c.No, d.state(c.No).Problem)
			d.t.Errorf("%d customers are as they should be, want 1: %s\nthere are:\n%s\n%s", n, want, strings.Join(present, "\n"), d.tail())
		}
	}
	d.single()
}

// single makes sure that no contact, of those that are gone too, has two customers.
func (d *day) single() {
	d.t.Helper()
	customers := map[string]int64{}
	for _, c := range d.target.Customers() {
		owner, known := d.owners[c.EmailAddress]
		if !known || customers[owner] != 0 {
			d.t.Errorf("customer %d belongs to no contact, or to the one of customer %d: %s", c.ID, customers[owner], d.describe(c))
		}
		customers[owner] = c.ID
	}
}

func live(t *testing.T, kind string, numbers, faults bool) {
	t.Helper()
	count := tally.Begin(t, kind)
	rapid.Check(t, func(r *rapid.T) {
		count.Add(tally.Row{Tried: 1})
		tr := &trial{TB: t, round: r}
		defer tr.end()
		flag := func(name string) bool { return rapid.Bool().Draw(r, name) }
		set := settings{workers: rapid.SampledFrom([]int{1, 5}).Draw(r, "workers"), pageSize: rapid.IntRange(3, 6).Draw(r, "page")}
		set.source.Assumptions = businesscentraltest.Assumptions{SkipTokenFollowsRow: flag("token follows row"), SkipTokenNeedsRow: flag("token needs row")}
		set.target.Switches = ipaastest.Switches{EmptyAnswers: flag("empty answers"), NoMatchIs404: flag("no match is 404"), StringIDs: flag("string ids"), BareLookups: flag("bare look-ups")}
		d := &day{world: newWorld(tr, set), draw: r, numbers: numbers, faults: faults, owners: map[string]string{}, planned: map[int]func() calls.Verdict{}}
		d.target.AddCompany("Adatum Corporation", "C1")
		d.source.Add(businesscentraltest.Contact{No: "C1", Type: "Company", Name: "Adatum Corporation"})
		d.line.Judge = func(c calls.Call) calls.Verdict {
			if f := d.planned[c.N]; f != nil {
				return f()
			}
			return calls.Pass
		}
		for range rapid.IntRange(3, 10).Draw(r, "hours") {
			for range rapid.IntRange(1, 6).Draw(r, "changes") {
				d.change()
			}
			for range rapid.IntRange(0, 3).Draw(r, "troubles") {
				d.trouble()
			}
			d.work()
		}
		d.line.Judge = nil
		d.target.ResetFaults()
		d.clock.Advance(time.Second)
		for _, id := range d.live {
			if d.contact(id).EMail == "" {
				d.newEmail(id) // without one there is no customer
			}
		}
		d.settle()
		d.perfect()
		if !r.Failed() {
			count.Add(tally.Row{Survived: 1})
		}
	})
}

func TestRandomDaysEndAsAPerfectTransferWould(t *testing.T) { live(t, "random days", false, true) }

func TestRandomDaysWithNewNumbersEndAsAPerfectTransferWould(t *testing.T) {
	live(t, "random days with new numbers", true, false)
}

func TestRandomDaysWithNewNumbersAndFaultsEndAsAPerfectTransferWould(t *testing.T) {
	live(t, "random days with new numbers and faults", true, true)
}
