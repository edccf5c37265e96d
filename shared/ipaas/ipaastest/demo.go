package ipaastest

import (
	"maps"
	"slices"
)

// DemoCompanies are the companies of Business Central's evaluation company
// (business-central.md 10).
func DemoCompanies() []string {
	return []string{"Adatum Corporation", "Trey Research", "School of Fine Art", "Alpine Ski House", "Relecloud"}
}

// Demo returns a simulator with the demo's records; see [Simulator.AddDemo].
func Demo(cfg Config, links map[string]string, taken ...string) *Simulator {
	s := New(cfg)
	s.AddDemo(links, taken...)
	return s
}

// AddDemo adds the companies that the demo's contacts refer to. links gives the
// external id of a company by its name: the number of its contact in Business
// Central. A company of DemoCompanies without one is there but not linked, and a
// further name in links is added. taken are e-mail addresses of customers that
// exist already and belong to nobody: a contact with one of them is a duplicate.
func (s *Simulator) AddDemo(links map[string]string, taken ...string) {
	names := DemoCompanies()
	for _, name := range slices.Sorted(maps.Keys(links)) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, name := range names {
		s.AddCompany(name, links[name])
	}
	for _, email := range taken {
		s.AddCustomer(Customer{
			CustomerNumber: "WEB-" + idText(int64(s.CountCustomers()+1)), LastName: "Already there", EmailAddress: email,
		})
	}
}
