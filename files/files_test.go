package files_test

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"contactsync/files"
	"contactsync/shared/app"
	"contactsync/shared/app/apptest"
	"contactsync/shared/businesscentral"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/config"
	"contactsync/shared/ipaas/ipaastest"
	"contactsync/shared/mapping"
	"contactsync/shared/transfer"
)

const (
	withoutBlocked = "mapping-without-privacy-blocked.yaml"
	withPrefix     = "profile-with-prefix.yaml"
)

func TestAFileIsFoundInThePackageUnderEachOfItsNames(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{withPrefix, "files/" + withPrefix, "./files/" + withPrefix, "./" + withPrefix} {
		data, err := files.Read(name)
		if err != nil || !strings.Contains(string(data), "CTS_Surname") {
			t.Errorf("%s: %d bytes, error %v", name, len(data), err)
		}
	}
}

func TestAFileOnDiskGoesBeforeThatOfThePackage(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile(withPrefix, []byte("on disk"), 0o600); err != nil {
		t.Fatal(err)
	}
	if data, err := files.Read(withPrefix); err != nil || string(data) != "on disk" {
		t.Errorf("got %q, error %v", data, err)
	}
	absolute := filepath.Join(t.TempDir(), "ours.yaml")
	if err := os.WriteFile(absolute, []byte("elsewhere"), 0o600); err != nil {
		t.Fatal(err)
	}
	if data, err := files.Read(absolute); err != nil || string(data) != "elsewhere" {
		t.Errorf("%s: got %q, error %v", absolute, data, err)
	}
}

func TestAFileOnDiskThatCannotBeReadIsNotPassedOver(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir(withPrefix, 0o700); err != nil {
		t.Fatal(err)
	}
	if data, err := files.Read(withPrefix); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder was read: %q, error %v", data, err)
	}
}

func TestTheErrorForAMissingFileNamesBothPlacesAndWhatThereIs(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"files/ours.yaml", "/ours.yaml", "../files/" + withPrefix, "README.md", "files.go", "", "files/", "mappings/" + withPrefix} {
		data, err := files.Read(name)
		if err == nil {
			t.Errorf("%q: read %d bytes", name, len(data))
			continue
		}
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: %v is not fs.ErrNotExist", name, err)
		}
		for _, want := range []string{name, "on disk", "files/", withoutBlocked, withPrefix} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %q is not in %q", name, want, err)
			}
		}
		if strings.Contains(err.Error(), ".test.yaml") {
			t.Errorf("%q: cases are offered: %v", name, err)
		}
	}
}

func TestEveryMappingOfThePackageLoadsAndItsCasesPass(t *testing.T) {
	tested := 0
	for _, name := range files.Names() {
		if !strings.HasPrefix(path.Base(name), "mapping") || strings.HasSuffix(name, ".test.yaml") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			collection := load(t, name)
			casesFile := strings.TrimSuffix(name, path.Ext(name)) + ".test.yaml"
			data, err := files.Read(casesFile)
			if err != nil {
				t.Fatal(err)
			}
			cases, err := mapping.LoadCases(casesFile, data)
			if err != nil {
				t.Fatal(err)
			}
			for _, result := range mapping.RunCases(collection, cases, transfer.Judge) {
				if !result.Passed {
					t.Errorf("%s:%d: %s:\n%s", casesFile, result.Line, result.Name, strings.Join(result.Differences, "\n"))
				}
			}
		})
		tested++
	}
	if tested == 0 {
		t.Skip("the package has no mapping")
	}
}

func load(t *testing.T, name string) *mapping.Collection {
	t.Helper()
	data, err := files.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	collection, err := mapping.Load(name, data)
	if err != nil {
		t.Fatal(err)
	}
	return collection
}

// The examples must not fall behind the mapping that is built in: each is that one,
// except for the rows that it is about.
func TestEachExampleMappingDiffersFromTheBuiltInOneByWhatItShowsOnly(t *testing.T) {
	builtIn, err := mapping.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		filter  bool     // the parent's filter is another one
		added   []string // destinations of rows that are new
		changed []string // destinations of rows that get their value otherwise
	}{
		{name: withoutBlocked, filter: true},
		{name: "mapping-with-job-title.yaml", added: []string{"Job Title (Custom Field)"}},
		{name: "mapping-split-name.yaml", changed: []string{"FirstName", "LastName"}},
		{name: "mapping-country-names.yaml", changed: []string{"Country"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want, got := builtIn.Rows(), load(t, tt.name).Rows()
			if (got[0].Filter != want[0].Filter) != tt.filter || !strings.HasPrefix(got[0].Filter, want[0].Filter) {
				t.Errorf("filter: got %s", got[0].Filter)
			}
			got[0].Filter, got[0].Description = want[0].Filter, want[0].Description
			var added, changed []string
			for i := range got {
				rows := got[i].Rows
				got[i].Rows = nil
				for _, row := range rows {
					at := slices.IndexFunc(want[i].Rows, func(r mapping.Row) bool { return r.Destination == row.Destination })
					if at < 0 {
						added = append(added, row.Destination)
						continue
					}
					if was := want[i].Rows[at]; row.Source != was.Source {
						changed = append(changed, row.Destination)
						row.Type, row.Source, row.Description = was.Type, was.Source, was.Description
					}
					got[i].Rows = append(got[i].Rows, row)
				}
			}
			if diff := cmp.Diff(want, got) + cmp.Diff(tt.added, added) + cmp.Diff(tt.changed, changed); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What the examples say of a customer holds from the page of Business Central to the
// record in iPaaS.com.
func TestTheExampleMappingsWorkOnThePublishedPage(t *testing.T) {
	jobTitle := ipaastest.CustomFieldDefinition{Name: "Job Title"}
	tests := []struct {
		mapping string
		contact func(*businesscentraltest.Contact)
		page    map[string]string // controls of page 5050 under other names
		want    []string          // first and last name, country, job title
	}{
		{"mapping-with-job-title.yaml", func(c *businesscentraltest.Contact) { c.JobTitle = "Purchasing manager" }, nil, []string{"Robert", "Townes", "US", "Purchasing manager"}},
		// Business Central itself splits a name that somebody types; on this page two
		// controls that stay blank stand in for the parts, as after an import.
		{"mapping-split-name.yaml", func(c *businesscentraltest.Contact) { c.FirstName, c.Surname, c.Name = "", "", "Johann Sebastian Bach" },
			map[string]string{"First_Name": "Part_1", "Surname": "Part_2", "Home_Page": "First_Name", "Fax_No": "Surname"},
			[]string{"Johann Sebastian", "Bach", "US", ""}},
		{"mapping-country-names.yaml", func(c *businesscentraltest.Contact) { c.CountryRegionCode = "DE" }, nil, []string{"Robert", "Townes", "Germany", ""}},
	}
	for _, tt := range tests {
		t.Run(tt.mapping, func(t *testing.T) {
			w := apptest.New(t, apptest.Options{
				Config: func(c *config.Config) { c.MappingFile = "files/" + tt.mapping },
				Source: businesscentraltest.Config{Services: cardWith(tt.page)},
			})
			w.Target.DefineCustomField(jobTitle)
			contact := apptest.Person("44552", "robert.townes@contoso.com")

			tt.contact(&contact)
			w.Add(contact)
			if run := w.Poll(); run.Counts.Created != 1 {
				t.Fatalf("got %+v, want one created", run.Counts)
			}
			c, _ := w.Target.CustomerByExternalID("44552|contact")
			if len(c.Addresses) != 1 {
				t.Fatalf("%d addresses", len(c.Addresses))
			}
			if diff := cmp.Diff(tt.want, []string{c.FirstName, c.LastName, c.Addresses[0].Fields.Country, c.CustomField("Job Title")}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheExampleMappingLeavesOutContactsWithPrivacyBlocked(t *testing.T) {
	w := apptest.New(t, apptest.Options{Config: func(c *config.Config) { c.MappingFile = "files/" + withoutBlocked }})
	blocked := apptest.Person("44553", "ada.byron@contoso.com")
	blocked.PrivacyBlocked = true
	w.Add(apptest.Person("44552", "robert.townes@contoso.com"), blocked)

	if run := w.Poll(); run.Counts.Created != 1 || run.Counts.Skipped != 1 {
		t.Fatalf("got %+v, want one created and one skipped", run.Counts)
	}
	if s := w.State("44553"); s.Status != transfer.Skipped {
		t.Errorf("the blocked contact is %s", s.Status)
	}
}

func TestTheExampleProfileReadsAPageWithPrefixedControls(t *testing.T) {
	rename := map[string]string{}
	for _, control := range []string{"SystemId", "Customer_Type", "Web_User_Role", "First_Name", "Surname", "SystemModifiedAt"} {
		rename[control] = "CTS_" + control
	}
	services := cardWith(rename)
	w := apptest.New(t, apptest.Options{
		Config: func(c *config.Config) { c.BCProfile = withPrefix },
		Source: businesscentraltest.Config{Services: services},
	})
	w.Add(apptest.Person("44552", "robert.townes@contoso.com"))

	if run := w.Poll(); run.Counts.Created != 1 || !run.Complete {
		t.Fatalf("got %+v, want one created", run)
	}
	c, _ := w.Target.CustomerByExternalID("44552|contact")
	got := []string{c.FirstName, c.LastName, c.CustomField("Customer Type"), c.CustomField("Role"), c.CustomField("Active")}
	if diff := cmp.Diff([]string{"Robert", "Townes", "B2B", "Buyer", "true"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if s := w.State("44552"); s.ContactID == "" {
		t.Error("the internal id was not read")
	}

	schema, err := w.App.Source.Schema(t.Context())
	if err != nil || schema.TimeProperty != "CTS_SystemModifiedAt" {
		t.Errorf("time of change: got %q, error %v", schema.TimeProperty, err)
	}
	w.Edit("44552", func(c *businesscentraltest.Contact) { c.City = "Boston" })
	if run := w.Poll(); run.Counts.Updated != 1 {
		t.Errorf("got %+v, want one updated", run.Counts)
	}
}

// cardWith returns the services of a company whose contact page has controls under
// other names.
func cardWith(rename map[string]string) []businesscentraltest.Service {
	services := businesscentraltest.StandardServices()
	card := slices.IndexFunc(services, func(s businesscentraltest.Service) bool { return s.Name == "Contact_Card" })
	services[card].Rename = rename
	return services
}

func TestASettingThatNamesNoFileStopsTheStartWithBothPlaces(t *testing.T) {
	_, mappingErr := app.LoadMapping("files/ours.yaml")
	_, profileErr := businesscentral.New(businesscentral.Config{Company: "CRONUS", Profile: "files/ours.yaml", ReadFile: files.Read})
	for variable, err := range map[string]error{"MAPPING_FILE": mappingErr, "BC_PROFILE": profileErr} {
		if err == nil {
			t.Errorf("%s: accepted", variable)
			continue
		}
		for _, want := range []string{variable, "files/ours.yaml", "neither on disk nor in the package", withPrefix} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q is not in %q", variable, want, err)
			}
		}
	}
}
