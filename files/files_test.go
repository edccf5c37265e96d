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

// The example must not fall behind the mapping that is built in.
func TestTheExampleMappingDiffersFromTheBuiltInOneByItsFilterOnly(t *testing.T) {
	builtIn, err := mapping.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	want, got := builtIn.Rows(), load(t, withoutBlocked).Rows()
	if !strings.HasPrefix(got[0].Filter, want[0].Filter+" && ") || !strings.Contains(got[0].Filter, "Privacy_Blocked") {
		t.Errorf("filter: got %s", got[0].Filter)
	}
	got[0].Filter, got[0].Description = want[0].Filter, want[0].Description
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-built in +example):\n%s", diff)
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
	services := businesscentraltest.StandardServices()
	rename := map[string]string{}
	for _, control := range []string{"SystemId", "Customer_Type", "Web_User_Role", "First_Name", "Surname", "SystemModifiedAt"} {
		rename[control] = "CTS_" + control
	}
	card := slices.IndexFunc(services, func(s businesscentraltest.Service) bool { return s.Name == "Contact_Card" })
	services[card].Rename = rename
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
