package files_test

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"contactsync/files"
	"contactsync/shared/app/apptest"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/config"
	"contactsync/shared/mapping"
)

// The API page of docs/business-central is held to the profile that names its
// fields and to the mapping that reads them; package businesscentraltest holds its
// simulator to it as well. No AL compiler runs here.

const (
	alFolder       = "../docs/business-central/"
	contactProfile = "profile-contact-api.yaml"
	contactAPIPath = "contactsync/transfer/v1.0"
)

var (
	control   = regexp.MustCompile(`(?m)^\s*field\((\w+); Rec\.(?:"([^"]+)"|(\w+))\)`)
	statement = regexp.MustCompile(`(?m)^    (\w+) = ('?)([^';]+)'?(?:, Locked = true)?;`)
)

// alPage returns the controls of the API page with the fields that they show, and
// the page's properties.
func alPage(t *testing.T) (controls, properties map[string]string) {
	t.Helper()
	source, err := os.ReadFile(alFolder + "ContactApi.page.al")
	if err != nil {
		t.Fatal(err)
	}
	controls, properties = map[string]string{}, map[string]string{}
	for _, m := range control.FindAllStringSubmatch(string(source), -1) {
		controls[m[1]] = m[2] + m[3]
	}
	for _, m := range statement.FindAllStringSubmatch(string(source), -1) {
		properties[m[1]] = m[3]
	}
	return controls, properties
}

func profileNames(t *testing.T) map[string]string {
	t.Helper()
	data, err := files.Read(contactProfile)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	if err := yaml.Unmarshal(data, &names); err != nil {
		t.Fatal(err)
	}
	return names
}

func TestTheAPIPageHasEveryFieldOfItsProfileAndOfTheMapping(t *testing.T) {
	controls, properties := alPage(t)
	fields := map[string]string{ // business-central.md 3.2, and the table extension
		"Id": "SystemId", "No": "No.", "Type": "Type", "CustomerType": "Customer Type", "WebUserRole_Contact": "Web User Role",
		"CompanyID_Contact": "Company No.", "CompanyName_Contact": "Company Name", "FirstName_Contact": "First Name", "LastName_Contact": "Surname",
		"EMail": "E-Mail", "Address": "Address", "Address2": "Address 2", "City": "City", "County": "County", "PostCode": "Post Code",
		"CountryRegionCode": "Country/Region Code", "PhoneNo": "Phone No.", "Modified": "SystemModifiedAt", "BusinessRelation": "Contact Business Relation",
	}
	shown := map[string]string{}
	for model, wire := range profileNames(t) {
		shown[model] = controls[wire]
	}
	if diff := cmp.Diff(fields, shown); diff != "" {
		t.Errorf("fields behind the profile's names (-want +page):\n%s", diff)
	}
	embedded, err := mapping.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	for _, property := range embedded.Sources().Properties {
		plain := strings.NewReplacer(" ", "", "_", "").Replace(property)
		if !slices.ContainsFunc(slices.Collect(maps.Keys(controls)), func(name string) bool { return strings.EqualFold(name, plain) }) {
			t.Errorf("the mapping reads %s, which the page does not show", property)
		}
	}
	if controls["id"] != "SystemId" || controls["lastModifiedDateTime"] != "SystemModifiedAt" {
		t.Errorf("a collection notification would lose its filter: id is %s, lastModifiedDateTime is %s", controls["id"], controls["lastModifiedDateTime"])
	}
	for name := range controls {
		if !regexp.MustCompile(`^[a-z][A-Za-z0-9]*$`).MatchString(name) {
			t.Errorf("%s: the compiler wants alphanumeric names in camel case (AL0528, AA0102)", name)
		}
	}
	want := map[string]string{"PageType": "API", "ODataKeyFields": "SystemId", "SourceTable": "Contact", "EntitySetName": "contacts",
		"Editable": "false", "InsertAllowed": "false", "ModifyAllowed": "false", "DeleteAllowed": "false"}
	for name, value := range want {
		if properties[name] != value {
			t.Errorf("%s is %q, want %s", name, properties[name], value)
		}
	}
	if path := properties["APIPublisher"] + "/" + properties["APIGroup"] + "/" + properties["APIVersion"]; path != contactAPIPath {
		t.Errorf("the page is at %s, the documents say %s", path, contactAPIPath)
	}
	if properties["DataAccessIntent"] != "" {
		t.Error("a read-only replica may lack the latest changes")
	}
}

func contactAPI(t *testing.T) *apptest.World {
	t.Helper()
	return apptest.New(t, apptest.Options{
		Config: func(c *config.Config) { c.BCAPIPath, c.BCProfile = contactAPIPath, "files/"+contactProfile },
		Source: businesscentraltest.Config{
			Services:  []businesscentraltest.Service{},
			CustomAPI: &businesscentraltest.CustomAPI{Publisher: "contactsync", Group: "transfer", Version: "v1.0", Profile: businesscentraltest.ContactAPI},
		},
	})
}

func TestTheAPIPageTransfersContactsWithoutAnyPublishedPage(t *testing.T) {
	w := contactAPI(t)
	w.Add(apptest.Person("44552", "robert.townes@contoso.com"))
	if run := w.Poll(); run.Counts.Created != 1 || !run.Complete {
		t.Fatalf("got %+v, want one created", run)
	}
	c, _ := w.Target.CustomerByExternalID("44552|contact")
	got := []string{c.FirstName, c.LastName, c.CustomField("Customer Type"), c.CustomField("Role"), c.CustomField("Active"), c.CustomField("Record Type"), c.Addresses[0].Fields.City}
	if diff := cmp.Diff([]string{"Robert", "Townes", "B2B", "Buyer", "true", "Contact", "Atlanta"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	schema, err := w.App.Source.Schema(t.Context())
	if err != nil || schema.TimeProperty != "lastModifiedDateTime" || !schema.InternalID {
		t.Errorf("schema %+v, error %v", schema, err)
	}
	w.Edit("44552", func(c *businesscentraltest.Contact) { c.City = "Boston" })
	if run := w.Poll(); run.Counts.Updated != 1 || run.Counts.Read != 1 {
		t.Errorf("got %+v, want one read and updated", run)
	}
	for _, call := range w.Source.Requests() {
		if strings.Contains(call.URL, "/ODataV4/") && !strings.Contains(call.URL, "/ODataV4/Company") {
			t.Errorf("a published page was asked for: %s", call.URL)
		}
	}
}

func TestTheExtensionIsWholeAndItsNumbersAreItsOwn(t *testing.T) {
	var app struct {
		ID       string
		IDRanges []struct{ From, To int } `json:"idRanges"`
	}
	manifest, err := os.ReadFile(alFolder + "app.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(manifest, &app); err != nil || len(app.IDRanges) != 1 || len(app.ID) != 36 {
		t.Fatalf("app.json: %+v, error %v", app, err)
	}
	sources := ""
	for _, name := range []string{"ContactApi.page.al", "ContactFields.tableextension.al", "ContactSync.permissionset.al"} {
		text, err := os.ReadFile(alFolder + name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(string(text), "{") != strings.Count(string(text), "}") {
			t.Errorf("%s: braces do not match", name)
		}
		sources += string(text)
	}
	numbers := regexp.MustCompile(`(?m)^(?:page|tableextension|permissionset|\s+field)[ (](\d{5})`).FindAllStringSubmatch(sources, -1)
	if len(numbers) != 6 {
		t.Errorf("%d numbered objects and fields, want 6", len(numbers))
	}
	for _, n := range numbers {
		if n[1] < "50110" || n[1] > "50119" {
			t.Errorf("%s lies outside the range of app.json", n[1])
		}
	}
	controls, _ := alPage(t)
	for _, field := range []string{"Customer Type", "Web User Role", "Active Web User"} {
		if !strings.Contains(sources, `; "`+field+`"; `) || !slices.Contains(slices.Collect(maps.Values(controls)), field) {
			t.Errorf("%s is not both added to the table and shown on the page", field)
		}
	}
}

// The page extension serves the other way in: the published contact card with the
// names of page-5050-extended (design.md 1.7).
func TestTheCardExtensionShowsWhatThePublishedCardLacks(t *testing.T) {
	source, err := os.ReadFile(alFolder + "ContactCard.pageextension.al")
	if err != nil {
		t.Fatal(err)
	}
	onTheWire := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^\s*field\((?:"([^"]+)"|(\w+)); Rec\.(?:"([^"]+)"|(\w+))\)`).FindAllStringSubmatch(string(source), -1) {
		onTheWire[strings.ReplaceAll(m[1]+m[2], " ", "_")] = m[3] + m[4]
	}
	want := map[string]string{"First_Name": "First Name", "Surname": "Surname", "Customer_Type": "Customer Type", "Web_User_Role": "Web User Role",
		"Active_Web_User": "Active Web User", "SystemId": "SystemId", "SystemModifiedAt": "SystemModifiedAt"}
	if diff := cmp.Diff(want, onTheWire); diff != "" {
		t.Errorf("fields by their names on the wire (-want +extension):\n%s", diff)
	}
	added, err := os.ReadFile(alFolder + "ContactFields.tableextension.al")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`field\(\d+; "([^"]+)"`).FindAllStringSubmatch(string(added), -1) {
		if !slices.Contains(slices.Collect(maps.Values(onTheWire)), m[1]) {
			t.Errorf("nobody can fill in %s", m[1])
		}
	}
}
