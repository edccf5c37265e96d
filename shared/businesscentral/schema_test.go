package businesscentral_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"contactsync/shared/businesscentral"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/contact"
	"contactsync/shared/mapping"
	"contactsync/shared/poll"
	"contactsync/shared/transfer"
)

func services(contactCard businesscentraltest.Service) businesscentraltest.Config {
	all := businesscentraltest.StandardServices()
	contactCard.Name, contactCard.Page = "Contact_Card", businesscentraltest.ContactPage
	all[0] = contactCard
	return businesscentraltest.Config{Services: all}
}

var timeless = services(businesscentraltest.Service{Without: []string{"SystemModifiedAt", "SystemId"}})

func TestWhichTimeIsUsed(t *testing.T) {
	apiOff := timeless
	apiOff.APIServicesOff = true
	tests := []struct {
		name    string
		cfg     businesscentraltest.Config
		profile string
		want    poll.Schema
		note    string
	}{
		{"SystemModifiedAt", businesscentraltest.Config{}, "",
			poll.Schema{Strategy: poll.ByModifiedTime, TimeProperty: "SystemModifiedAt", InternalID: true}, "found by SystemModifiedAt of the web service Contact_Card"},
		{"LastModifiedDateTime", services(businesscentraltest.Service{Rename: map[string]string{"SystemModifiedAt": "LastModifiedDateTime"}}), "",
			poll.Schema{Strategy: poll.ByModifiedTime, TimeProperty: "LastModifiedDateTime", InternalID: true}, "LastModifiedDateTime"},
		{"no internal id", services(businesscentraltest.Service{Without: []string{"SystemId"}}), "",
			poll.Schema{Strategy: poll.ByModifiedTime, TimeProperty: "SystemModifiedAt"}, "shows no internal id"},
		{"API v2.0 says what changed", timeless, "",
			poll.Schema{Strategy: poll.ByStandardAPI, TimeProperty: "lastModifiedDateTime", InternalID: true}, "API v2.0 contacts says what changed"},
		{"everything is read", apiOff, "", poll.Schema{Strategy: poll.FullScan}, "every run reads all contacts"},
		{"the standard API", businesscentraltest.Config{}, "api-v2",
			poll.Schema{Strategy: poll.ByModifiedTime, TimeProperty: "lastModifiedDateTime", InternalID: true}, "has no WebUserRole_Contact, Active_Web_User, Customer Type, which stays empty"},
		{"the model's names", services(businesscentraltest.Service{Profile: businesscentraltest.ModelNames}), "model-names",
			poll.Schema{Strategy: poll.ByModifiedTime, TimeProperty: "SystemModifiedAt", InternalID: true}, "SystemModifiedAt"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := clientOf(t, company(t, tt.cfg), func(cfg *businesscentral.Config) { cfg.Profile = tt.profile })
			got, err := c.Schema(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			note := got.Note
			got.Note = ""
			if got != tt.want || !strings.Contains(note, tt.note) {
				t.Errorf("got %+v, %q; want %+v, %q", got, note, tt.want, tt.note)
			}
		})
	}
}

// However changes are found, the same contacts come out, alone and in a window.
func TestEveryWayReadsTheSameContacts(t *testing.T) {
	apiOff := timeless
	apiOff.APIServicesOff = true
	custom := businesscentraltest.Config{CustomAPI: &businesscentraltest.CustomAPI{Publisher: "contoso", Group: "crm", Version: "v1.0"}}
	for _, tt := range []struct {
		name    string
		cfg     businesscentraltest.Config
		change  func(*businesscentral.Config)
		order   string
		noTime  bool
		skipped []string // fields that the way cannot show
	}{
		{name: "by time", order: "CT000099 CT000001 CT000002 CT000003 CT000004 CT000005"},
		{name: "by the standard API", cfg: timeless, order: "CT000099 CT000001 CT000002 CT000003 CT000004 CT000005"},
		{name: "by a full scan", cfg: apiOff, order: "CT000001 CT000002 CT000003 CT000004 CT000005 CT000099", noTime: true},
		{name: "of the standard API", change: func(cfg *businesscentral.Config) { cfg.Profile = "api-v2" },
			order: "CT000099 CT000001 CT000002 CT000003 CT000004 CT000005", skipped: []string{"extension"}},
		{name: "of a custom API", cfg: custom, change: func(cfg *businesscentral.Config) { cfg.APIPath = "contoso/crm/v1.0" },
			order: "CT000099 CT000001 CT000002 CT000003 CT000004 CT000005"},
		{name: "with the model's names", cfg: services(businesscentraltest.Service{Profile: businesscentraltest.ModelNames}),
			change: func(cfg *businesscentral.Config) { cfg.Profile = "model-names" }, order: "CT000099 CT000001 CT000002 CT000003 CT000004 CT000005"},
		{name: "of the company by its id", change: func(cfg *businesscentral.Config) { cfg.Company = businesscentraltest.DefaultCompanyID },
			order: "CT000099 CT000001 CT000002 CT000003 CT000004 CT000005"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sim := company(t, tt.cfg)
			change := func(cfg *businesscentral.Config) {
				cfg.PageSize = 4
				if tt.change != nil {
					tt.change(cfg)
				}
			}
			c := clientOf(t, sim, change)
			got, _, err := read(t, c, poll.Window{})
			if err != nil {
				t.Fatal(err)
			}
			if numbers(got) != tt.order {
				t.Errorf("got %q, want %q", numbers(got), tt.order)
			}
			for _, fresh := range []bool{false, true} {
				reader := c
				if fresh {
					reader = clientOf(t, sim, change) // knows nothing of $metadata
				}
				for _, want := range got {
					alone, err := reader.Contact(t.Context(), contact.Ref{No: want.No})
					if err != nil {
						t.Fatal(err)
					}
					if alone.ID != want.ID || alone.No != want.No || !alone.Modified.Equal(want.Modified) || alone.CustomerType != want.CustomerType ||
						alone.WebUserRole != want.WebUserRole || alone.FirstName != want.FirstName || alone.RecordType != want.RecordType ||
						alone.AdditionalProperties["Active_Web_User"] != want.AdditionalProperties["Active_Web_User"] {
						t.Errorf("alone (fresh client: %v) %+v, in the window %+v", fresh, alone, want)
					}
				}
			}
			first := got[slices.IndexFunc(got, func(c contact.Contact) bool { return c.No == "CT000001" })]
			if first.FirstName != "Ada" || first.LastName != "Byron" || first.EMail != "ada@example.com" || first.City != "London" {
				t.Errorf("got %+v", first)
			}
			if first.Modified.Equal(epoch) == tt.noTime || (first.ID == "") != tt.noTime {
				t.Errorf("time %v, id %q", first.Modified, first.ID)
			}
			if (first.CustomerType == "B2B") != (tt.skipped == nil) || (first.AdditionalProperties["Active_Web_User"] == true) != (tt.skipped == nil) {
				t.Errorf("fields of the extension: %+v", first)
			}
		})
	}
}

func TestAFullScanGoesOnAfterANumber(t *testing.T) {
	cfg := timeless
	cfg.APIServicesOff = true
	c := clientOf(t, company(t, cfg))
	got, _, err := read(t, c, poll.Window{AfterNo: "CT000003"})
	if err != nil || numbers(got) != "CT000004 CT000005 CT000099" {
		t.Errorf("got %q, %v", numbers(got), err)
	}
}

func TestAnInternalIDWithoutTheProperty(t *testing.T) {
	sim := company(t, timeless)
	want, _ := sim.Contact("CT000002")
	got, err := clientOf(t, sim).Contact(t.Context(), contact.Ref{ID: want.SystemID})
	if err != nil || got.No != "CT000002" || got.ID != want.SystemID || !got.Modified.Equal(want.Modified) {
		t.Errorf("got %+v, %v", got, err)
	}
	_, err = clientOf(t, sim).Contact(t.Context(), contact.Ref{ID: "3f2504e0-4f89-11d3-9a0c-0305e82c3301"})
	if !errors.Is(err, transfer.ContactNotFound) {
		t.Errorf("an id of nobody: %v", err)
	}
	off := timeless
	off.APIServicesOff = true
	_, err = clientOf(t, company(t, off)).Contact(t.Context(), contact.Ref{ID: want.SystemID})
	if !errors.Is(err, transfer.SourceUnavailable) || !strings.Contains(err.Error(), "use the contact's number") {
		t.Errorf("without the API: %v", err)
	}
}

func TestManyChangesAreReadInGroups(t *testing.T) {
	sim := businesscentraltest.Start(t, timeless)
	for i := range 120 {
		sim.Add(businesscentraltest.Contact{No: fmt.Sprintf("ÄÖÜ'%016d", i), Type: "Person", Name: "Ada Byron", Modified: epoch.Add(time.Duration(i) * time.Second)})
	}
	c := clientOf(t, sim)
	got, _, err := read(t, c, poll.Window{From: epoch.Add(time.Second)})
	if err != nil || len(got) != 119 {
		t.Fatalf("%d contacts, %v", len(got), err)
	}
	if !slices.IsSortedFunc(got, func(a, b contact.Contact) int { return a.Modified.Compare(b.Modified) }) {
		t.Error("they do not come in the order of their changes")
	}
	for _, r := range sim.Requests(businesscentraltest.RouteContacts) {
		if _, query, _ := strings.Cut(r.URL, "?"); len(query) > 8099 {
			t.Errorf("a query of %d characters", len(query))
		}
	}
}

func TestWhatIsMissingIsNamedAtOnce(t *testing.T) {
	card := func(s businesscentraltest.Service) businesscentraltest.Config { return services(s) }
	for _, tt := range []struct {
		name   string
		cfg    businesscentraltest.Config
		change func(*businesscentral.Config)
		want   []string
	}{
		{"properties", card(businesscentraltest.Service{Without: []string{"Web_User_Role", "Customer_Type", "Active_Web_User", "E_Mail"}}), nil,
			[]string{"Contact_Card lacks 4 properties", "page-5050-extended", "E_Mail (EMail)", "Web_User_Role (WebUserRole_Contact)", "Customer_Type (CustomerType)", "Active_Web_User", "choose another BC_PROFILE"}},
		{"the standard page", card(businesscentraltest.Service{Profile: businesscentraltest.PageStandard}), nil,
			[]string{"First_Name (FirstName_Contact)", "Surname (LastName_Contact)"}},
		{"another profile", card(businesscentraltest.Service{Profile: businesscentraltest.ModelNames}), nil,
			[]string{"E_Mail (EMail)", "look like those of the profile model-names"}},
		{"another service", businesscentraltest.Config{}, func(cfg *businesscentral.Config) { cfg.ContactService = "ContactCard" },
			[]string{"ContactCard is not published", "BC_CONTACT_SERVICE", "similar name: Contact_Card"}},
		{"a custom API", businesscentraltest.Config{}, func(cfg *businesscentral.Config) { cfg.APIPath = "contoso/crm/v1.0" }, []string{"contoso/crm/v1.0", "BC_API_PATH"}},
		{"an environment", businesscentraltest.Config{}, func(cfg *businesscentral.Config) { cfg.Environment = "Sandbox" }, []string{"Sandbox does not exist", "BC_ENVIRONMENT"}},
		{"a company of the API", businesscentraltest.Config{}, func(cfg *businesscentral.Config) { cfg.Profile, cfg.Company = "api-v2", "Cronus" },
			[]string{"there is no company Cronus", "CRONUS USA, Inc.", "BC_COMPANY"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := clientOf(t, company(t, tt.cfg), func(cfg *businesscentral.Config) {
				if tt.change != nil {
					tt.change(cfg)
				}
			})
			_, err := c.Schema(t.Context())
			if err == nil { // some things show only when contacts are read
				_, _, err = read(t, c, poll.Window{})
			}
			if !errors.Is(err, transfer.SourceUnavailable) || !transfer.StopsRun(err) {
				t.Fatalf("got %v, stops the run: %v", err, transfer.StopsRun(err))
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in %q", want, err)
				}
			}
		})
	}
}

func TestASingleReadTellsWhatIsMissingToo(t *testing.T) {
	sim := company(t, services(businesscentraltest.Service{Without: []string{"Web_User_Role", "Active_Web_User"}}))
	_, err := clientOf(t, sim).Contact(t.Context(), one)
	if !transfer.StopsRun(err) || !strings.Contains(err.Error(), "Web_User_Role (WebUserRole_Contact), Active_Web_User") {
		t.Errorf("got %v", err)
	}
	sim.Unpublish("Contact_Card")
	_, err = clientOf(t, sim).Contact(t.Context(), one)
	if !transfer.StopsRun(err) || errors.Is(err, transfer.ContactNotFound) || !strings.Contains(err.Error(), "is not published") {
		t.Errorf("of a service that is not published: %v", err)
	}
}

func TestTheServiceIsLookedAtOnceAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := company(t)
		c := clientOf(t, sim)
		looks := func() int { return len(sim.Requests(businesscentraltest.RouteMetadata)) }
		for range 3 {
			if _, err := c.Schema(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if looks() != 1 {
			t.Errorf("%d looks, want 1", looks())
		}
		time.Sleep(time.Hour)
		if _, err := c.Schema(t.Context()); err != nil || looks() != 2 {
			t.Errorf("after an hour: %d looks, %v; want 2", looks(), err)
		}
		if err := sim.Publish(services(businesscentraltest.Service{Without: []string{"Web_User_Role"}}).Services[0]); err != nil {
			t.Fatal(err)
		}
		if _, _, err := read(t, c, poll.Window{}); err == nil || !strings.Contains(err.Error(), "has no property Web_User_Role") {
			t.Errorf("after a property went away: %v", err)
		}
		if _, err := c.Schema(t.Context()); !transfer.StopsRun(err) || looks() != 3 {
			t.Errorf("then: %d looks, %v", looks(), err)
		}
	})
}

func TestOnlyWhatTheMappingReadsIsAskedFor(t *testing.T) {
	sim := company(t)
	for _, tt := range []struct {
		name    string
		sources mapping.Sources
		want    string
	}{
		{"a few values", mapping.Sources{Model: []string{"EMail", "RecordType"}, Properties: []string{"Active Web User"}},
			"$select=No%2CType%2CE_Mail%2CSystemId%2CContact_Business_Relation%2CActive_Web_User%2CSystemModifiedAt&"},
		{"whatever there is", mapping.Sources{AllProperties: true}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sim.ResetRequests()
			c := clientOf(t, sim, func(cfg *businesscentral.Config) { cfg.Sources = tt.sources })
			got, _, err := read(t, c, poll.Window{})
			if err != nil {
				t.Fatal(err)
			}
			asked := sim.Requests(businesscentraltest.RouteContacts)[0].URL
			if tt.want == "" && strings.Contains(asked, "$select") || !strings.Contains(asked, tt.want) {
				t.Errorf("asked %s", asked)
			}
			if _, ok := got[1].Property("Active Web User"); !ok {
				t.Errorf("further properties: %v", got[1].AdditionalProperties)
			}
		})
	}
}

func TestPublishedServices(t *testing.T) {
	sim := company(t)
	sim.Unpublish("Customer_Card")
	got, err := clientOf(t, sim).Published(t.Context())
	if err != nil || len(got) != 3 || !got[0].Published || !got[1].Published || got[2].Published || got[2].Variable != "BC_CUSTOMER_CARD_SERVICE" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestCustomersAndCompanies(t *testing.T) {
	sim := company(t)
	if err := sim.AddCustomers(businesscentraltest.Customer{No: "10000", Name: "Adatum"}); err != nil {
		t.Fatal(err)
	}
	customer, _ := sim.Customer("10000")
	for _, profile := range []string{"page-5050-extended", "api-v2"} {
		c := clientOf(t, sim, func(cfg *businesscentral.Config) { cfg.Profile = profile })
		for ref, want := range map[contact.Ref]bool{{No: "10000"}: true, {No: "10001"}: false, {ID: customer.SystemID}: true, {ID: "3f2504e0-4f89-11d3-9a0c-0305e82c3301"}: false} {
			if got, err := c.IsCustomer(t.Context(), ref); got != want || err != nil {
				t.Errorf("%s: IsCustomer(%v) = %v, %v", profile, ref, got, err)
			}
		}
		for no, want := range map[string]bool{"CT000099": true, "CT'404": false} {
			if got, err := c.HasCompany(t.Context(), no); got != want || err != nil {
				t.Errorf("%s: HasCompany(%q) = %v, %v", profile, no, got, err)
			}
		}
	}
	sim.Unpublish("Customers")
	if _, err := clientOf(t, sim).IsCustomer(t.Context(), contact.Ref{No: "1"}); err == nil || transfer.StopsRun(err) {
		t.Errorf("a customer service that is not published: %v", err)
	}
}

func TestSettings(t *testing.T) {
	good := func() businesscentral.Config {
		return businesscentral.Config{Company: "CRONUS", Credentials: &secret{}, Sources: seedSources}
	}
	if _, err := businesscentral.New(good()); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "names.yaml")
	if err := os.WriteFile(file, []byte("No: Nr\nType: Art\nEmail: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		change func(*businesscentral.Config)
		want   []string
	}{
		{"several faults", func(c *businesscentral.Config) {
			c.BaseURL, c.TokenURL, c.Company, c.ContactService, c.APIPath, c.Credentials, c.PageSize = "http://bc.example", "ftp://x", " ", "Contact Card", "contoso/crm", nil, 20_001
		}, []string{"BC_BASE_URL", "BC_TOKEN_URL", "BC_COMPANY", "BC_CONTACT_SERVICE", "BC_API_PATH", "Credentials", "page size 20001"}},
		{"an unknown profile", func(c *businesscentral.Config) { c.Profile = "page-5051" }, []string{"BC_PROFILE", "page-5050-extended"}},
		{"a broken profile file", func(c *businesscentral.Config) { c.Profile = file }, []string{`line 3: unknown model name "Email"`}},
		{"a profile file that lacks what the mapping reads", func(c *businesscentral.Config) {
			c.Profile = "names.yaml"
			c.ReadFile = func(string) ([]byte, error) { return []byte("No: Nr\nType: Art\n"), nil }
		}, []string{"no property for EMail", "no property for CompanyID_Contact"}},
		{"a value that no contact has", func(c *businesscentral.Config) { c.Sources = mapping.Sources{Model: []string{"Nose"}} }, []string{"Nose"}},
		{"a path that climbs", func(c *businesscentral.Config) { c.APIPath = "a/../b" }, []string{"BC_API_PATH"}},
		{"a user in the address", func(c *businesscentral.Config) { c.BaseURL = "https://me:pw@bc.example" }, []string{"BC_BASE_URL"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := good()
			tt.change(&cfg)
			_, err := businesscentral.New(cfg)
			if err == nil {
				t.Fatal("accepted")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in:\n%v", want, err)
				}
			}
		})
	}
	for _, address := range []string{"http://localhost:8080/v2.0", "http://127.0.0.1:1", "http://[::1]:1", "http://host.docker.internal:8080"} {
		cfg := good()
		cfg.BaseURL = address
		if _, err := businesscentral.New(cfg); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}
