package load_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"contactsync/shared/app/apptest"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/contact"
	"contactsync/shared/ipaas/ipaastest"
	"contactsync/shared/transfer"
)

// Of a hundred contacts so many are not transferred, each for its reason.
const (
	withoutEmail = 1
	badEmail     = 2
	company      = 3
	taken        = 4
	employed     = 20 // these and more: persons of a company
)

const companies = 20

// populate fills Business Central with n contacts. Many of them have the same time
// of change.
func (w *world) populate(n int) {
	w.t.Helper()
	for i := range companies {
		no := fmt.Sprintf("C%02d", i)
		w.target.AddCompany("Company "+no, no)
		w.add(businesscentraltest.Contact{No: no, Type: "Company", Name: "Company " + no})
	}
	for i := range n {
		c := apptest.Person(fmt.Sprintf("P%06d", i), email(i))
		c.Surname = fmt.Sprintf("Townes %d", i)
		switch kind := i % 100; {
		case kind == withoutEmail:
			c.EMail = ""
		case kind == badEmail:
			c.EMail = "nobody"
		case kind == company:
			c = businesscentraltest.Contact{No: c.No, Type: "Company", Name: c.Surname, EMail: c.EMail}
		case kind == taken:
			w.target.AddCustomer(ipaastest.Customer{CustomerNumber: fmt.Sprint("W", i), LastName: "Web", EmailAddress: c.EMail})
		case kind >= 100-employed:
			c.CompanyNo = fmt.Sprintf("C%02d", i%companies)
			c.CompanyName = "Company " + c.CompanyNo
		}
		w.add(c)
		if i%300 == 0 {
			time.Sleep(w.tick)
		}
	}
	time.Sleep(w.tick)
}

func email(i int) string { return fmt.Sprintf("p%d@example.com", i) }

func (w *world) add(c businesscentraltest.Contact) {
	w.t.Helper()
	if err := w.source.AddContacts(c); err != nil {
		w.t.Fatal(err)
	}
}

// edit changes one contact at random, as people do while transfers run.
func (w *world) edit(r *rand.Rand, n int) {
	i := r.IntN(n)
	if i%100 <= taken {
		return
	}
	kind, value := r.IntN(10), r.IntN(1000)
	err := w.source.EditContact(fmt.Sprintf("P%06d", i), func(c *businesscentraltest.Contact) {
		switch {
		case kind == 0 && c.Type == "Person" && i%100 == 50:
			c.Type = "Company" // its customer stays as it is
		case kind < 3:
			c.EMail = fmt.Sprintf("p%d-%d@example.com", i, value)
		case kind < 6:
			c.FirstName = fmt.Sprintf("Robert %d", value)
		default:
			c.City = fmt.Sprintf("Atlanta %d", value)
		}
	})
	if err != nil {
		w.t.Error(err)
	}
}

// A verdict is what is wrong at the end.
type verdict struct {
	lost, doubled, wrong int
	text                 []string
}

func (v *verdict) say(count *int, format string, args ...any) {
	if *count++; len(v.text) < 20 {
		v.text = append(v.text, fmt.Sprintf(format, args...))
	}
}

// judge compares iPaaS.com and the table with what Business Central holds.
func (w *world) judge() *verdict {
	w.t.Helper()
	v, linked, system := &verdict{}, map[string]int64{}, w.target.SystemID()
	customers := map[string]ipaastest.Customer{}
	for _, c := range w.target.Customers() {
		external := c.ExternalID(system)
		switch other, twice := linked[c.EmailAddress]; {
		case external == "" && c.LastName == "Web": // the web shop's own
		case external == "":
			v.say(&v.doubled, "customer %d belongs to no contact", c.ID)
		case twice:
			v.say(&v.doubled, "customers %d and %d are the same person", other, c.ID)
		}
		if external != "" {
			linked[c.EmailAddress] = c.ID
			customers[external] = c
		}
	}
	for _, c := range w.source.Contacts() {
		w.judgeContact(v, c, customers)
		delete(customers, c.No+"|contact")
	}
	for external, c := range customers {
		v.say(&v.doubled, "customer %d carries %s, which no contact has", c.ID, external)
	}
	return v
}

func (w *world) judgeContact(v *verdict, c businesscentraltest.Contact, customers map[string]ipaastest.Customer) {
	w.t.Helper()
	status, code := w.outcome(c)
	want, wantCode := expected(c)
	if status != want || code != wantCode {
		v.say(&v.lost, "%s: the outcome is %s %s, want %s %s", c.No, status, code, want, wantCode)
	}
	got, found := customers[c.No+"|contact"]
	switch {
	case want == transfer.Failed && found:
		v.say(&v.wrong, "%s has a customer in spite of %s", c.No, wantCode)
	case want == transfer.Succeeded && !found:
		v.say(&v.lost, "%s has no customer", c.No)
	case want == transfer.Succeeded:
		if wrong := differs(c, got); wrong != "" {
			v.say(&v.lost, "%s: the newest version did not arrive: %s", c.No, wrong)
		}
	}
}

func (w *world) outcome(c businesscentraltest.Contact) (transfer.Status, string) {
	w.t.Helper()
	key, _, err := w.disk.KeyOf(w.t.Context(), contact.Ref{No: c.No})
	if err != nil {
		return "", err.Error()
	}
	state, err := w.disk.State(w.t.Context(), key)
	if err != nil {
		return "", err.Error()
	}
	if state.Problem == nil {
		return state.Status, ""
	}
	return state.Status, state.Problem.Code
}

func expected(c businesscentraltest.Contact) (transfer.Status, string) {
	var i int
	_, _ = fmt.Sscanf(c.No, "P%06d", &i)
	switch {
	case c.Type == "Company":
		return transfer.Skipped, ""
	case c.EMail == "":
		return transfer.Failed, transfer.MissingEmail.Code
	case !strings.Contains(c.EMail, "@"):
		return transfer.Failed, transfer.InvalidEmail.Code
	case i%100 == taken:
		return transfer.Failed, transfer.DuplicateContact.Code
	}
	return transfer.Succeeded, ""
}

// differs says what of a customer is not as Business Central has it now.
func differs(c businesscentraltest.Contact, got ipaastest.Customer) string {
	wants := []struct{ what, got, want string }{
		{"number", got.CustomerNumber, c.No}, {"first name", got.FirstName, c.FirstName}, {"last name", got.LastName, c.Surname},
		{"e-mail", got.EmailAddress, c.EMail}, {"company", got.Company, c.CompanyName}, {"type", got.CustomField("Customer Type"), c.CustomerType},
		{"role", got.CustomField("Role"), c.WebUserRole},
	}
	i := slices.IndexFunc(got.Addresses, func(a ipaastest.Address) bool { return a.Fields.City == c.City })
	if len(got.Addresses) != 1 || i < 0 {
		return fmt.Sprintf("%d addresses, none or not only one in %s", len(got.Addresses), c.City)
	}
	for _, w := range wants {
		if w.got != w.want {
			return fmt.Sprintf("%s is %q, want %q", w.what, w.got, w.want)
		}
	}
	return ""
}
