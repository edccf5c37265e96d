package businesscentral_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"contactsync/shared/businesscentral"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/contact"
	"contactsync/shared/mapping"
	"contactsync/shared/outbound"
	"contactsync/shared/poll"
	"contactsync/shared/transfer"
)

// seedSources is what the seed's mapping reads.
var seedSources = mapping.Sources{
	Model: []string{
		"Address", "Address2", "City", "CompanyID_Contact", "CompanyName_Contact", "CountryRegionCode", "County", "EMail",
		"FirstName_Contact", "LastName_Contact", "No", "PhoneNo", "PostCode", "RecordType", "SourceTypeName", "Type", "WebUserRole_Contact",
	},
	Properties: []string{"Active_Web_User", "Customer Type"},
}

// secret is an account whose secret can be replaced while the client runs.
type secret struct {
	mu       sync.Mutex
	account  businesscentral.Account
	renewed  businesscentral.Account // what reading again gives; account if empty
	rejected int
}

func (s *secret) Account(context.Context) (businesscentral.Account, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.account, nil
}

func (s *secret) Rejected(context.Context, businesscentral.Account) (businesscentral.Account, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rejected++
	if s.renewed != (businesscentral.Account{}) {
		s.account = s.renewed
	}
	return s.account, nil
}

func accountOf(sim *businesscentraltest.Simulator) businesscentral.Account {
	cfg := sim.Config()
	return businesscentral.Account{TenantID: cfg.Tenant, ClientID: cfg.ClientID, ClientSecret: cfg.ClientSecret}
}

func configOf(sim *businesscentraltest.Simulator) businesscentral.Config {
	return businesscentral.Config{
		BaseURL: sim.BaseURL(), TokenURL: strings.Replace(sim.TokenURL(), sim.Config().Tenant, "{tenant}", 1),
		Company: sim.CompanyName(), Sources: seedSources,
		Credentials: &secret{account: accountOf(sim)},
		Outbound:    outbound.Config{HTTP: sim.HTTPClient(), Attempts: 1, BackOff: time.Millisecond},
		Log:         slog.New(slog.DiscardHandler),
	}
}

func clientOf(t *testing.T, sim *businesscentraltest.Simulator, change ...func(*businesscentral.Config)) *businesscentral.Client {
	t.Helper()
	cfg := configOf(sim)
	for _, f := range change {
		f(&cfg)
	}
	c, err := businesscentral.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// read collects a window: the contacts, and the links at the end of each page.
func read(t *testing.T, c *businesscentral.Client, w poll.Window) (contacts []contact.Contact, links []string, err error) {
	t.Helper()
	for item, err := range c.Changed(t.Context(), w) {
		switch {
		case err != nil:
			return contacts, links, err
		case item.Contact != nil:
			contacts = append(contacts, *item.Contact)
		default:
			links = append(links, item.Next)
		}
	}
	return contacts, links, nil
}

func numbers(contacts []contact.Contact) string {
	var nos []string
	for _, c := range contacts {
		nos = append(nos, c.No)
	}
	return strings.Join(nos, " ")
}

var epoch = time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC)

// five contacts, one a minute, and one that was never changed.
func company(t *testing.T, cfg ...businesscentraltest.Config) *businesscentraltest.Simulator {
	t.Helper()
	sim := businesscentraltest.Start(t, cfg...)
	for i := range 5 {
		sim.Add(businesscentraltest.Contact{
			No: fmt.Sprintf("CT00000%d", i+1), Type: "Person", Name: "Ada Byron", EMail: "ada@example.com",
			CustomerType: "B2B", WebUserRole: "Buyer", ActiveWebUser: true, City: "London",
			Modified: epoch.Add(time.Duration(i) * time.Minute),
		})
	}
	sim.Add(businesscentraltest.Contact{No: "CT000099", Type: "Company", Name: "Adatum", NeverModified: true})
	return sim
}

func TestChangedContactsComeInTheOrderOfTheirTime(t *testing.T) {
	sim := company(t, businesscentraltest.Config{MaxPageSize: 2})
	c := clientOf(t, sim, func(cfg *businesscentral.Config) { cfg.PageSize = 2 })
	for _, tt := range []struct {
		name   string
		window poll.Window
		want   string
		pages  int
	}{
		{"without bounds never-changed rows come too", poll.Window{}, "CT000099 CT000001 CT000002 CT000003 CT000004 CT000005", 3},
		{"from is included", poll.Window{From: epoch.Add(3 * time.Minute)}, "CT000004 CT000005", 1},
		{"to is excluded", poll.Window{From: epoch.Add(time.Minute), To: epoch.Add(3 * time.Minute)}, "CT000002 CT000003", 1},
		{"an empty window is one empty page", poll.Window{From: epoch.Add(time.Hour)}, "", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, links, err := read(t, c, tt.window)
			if err != nil {
				t.Fatal(err)
			}
			if numbers(got) != tt.want || len(links) != tt.pages || links[len(links)-1] != "" {
				t.Errorf("got %q in %d pages ending %q; want %q in %d", numbers(got), len(links), links, tt.want, tt.pages)
			}
		})
	}
}

// A page is two calls whatever its size, so pages grow while nothing takes time, and
// shrink again when the contacts in them do: a run takes new requests at a page's end.
func TestPagesGrowAsLongAsTheirContactsAreDoneQuickly(t *testing.T) {
	for _, tt := range []struct {
		name string
		work time.Duration // for each contact
		want string        // rows asked for
	}{
		{"nothing has changed", 0, "10 20 40 80"},
		{"a page takes half a second, then a whole one", 50 * time.Millisecond, "10 20 20 20 20 20"},
		{"a page takes minutes", 10 * time.Second, "10 10 10 10 10 10 10 10 10 10"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sim := businesscentraltest.Start(t)
				for i := range 100 {
					sim.Add(businesscentraltest.Contact{No: fmt.Sprintf("CT%06d", i), Type: "Person", Name: "Ada Byron", Modified: epoch.Add(time.Duration(i) * time.Minute)})
				}
				c := clientOf(t, sim, func(cfg *businesscentral.Config) { cfg.PageSize = 10 })
				for item, err := range c.Changed(t.Context(), poll.Window{}) {
					if err != nil {
						t.Fatal(err)
					}
					if item.Contact != nil {
						time.Sleep(tt.work)
					}
				}
				var sizes []string
				for _, r := range sim.Requests(businesscentraltest.RouteContacts) {
					sizes = append(sizes, strings.TrimPrefix(r.Header.Get("Prefer"), "odata.maxpagesize="))
				}
				if got := strings.Join(sizes, " "); got != tt.want {
					t.Errorf("asked for pages of %s rows, want %s", got, tt.want)
				}
			})
		})
	}
}

func TestAStoredLinkGoesOn(t *testing.T) {
	sim := company(t)
	c := clientOf(t, sim, func(cfg *businesscentral.Config) { cfg.PageSize = 2 })
	_, links, err := read(t, c, poll.Window{})
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := read(t, c, poll.Window{Next: links[0]})
	if err != nil || numbers(got) != "CT000002 CT000003 CT000004 CT000005" {
		t.Errorf("from the second page on: %q, %v", numbers(got), err)
	}
}

func TestContactIsOneCallWithoutMetadata(t *testing.T) {
	sim := company(t)
	c := clientOf(t, sim)
	got, err := c.Contact(t.Context(), contact.Ref{No: "ct000003"})
	if err != nil {
		t.Fatal(err)
	}
	if got.No != "CT000003" || got.CustomerType != "B2B" || got.RecordType != "Contact" || got.LastName != "Byron" ||
		got.AdditionalProperties["Active_Web_User"] != true || !got.Modified.Equal(epoch.Add(2*time.Minute)) || got.ID == "" {
		t.Errorf("got %+v", got)
	}
	if n := c.Calls(); n != 1 {
		t.Errorf("%d calls, want 1", n)
	}
	again, err := c.Contact(t.Context(), contact.Ref{ID: got.ID})
	if err != nil || again.No != "CT000003" {
		t.Errorf("by internal id: %v, %v", again.No, err)
	}
	_, err = c.Contact(t.Context(), contact.Ref{No: "NOBODY"})
	if !errors.Is(err, transfer.ContactNotFound) {
		t.Errorf("a number that names nobody: %v", err)
	}
}

func TestNothingIsPastedUnescaped(t *testing.T) {
	sim := businesscentraltest.Start(t)
	for _, no := range []string{"O'BRIEN & CO/#1?", "' OR NO NE '", "ÄÖ%41+ X"} {
		sim.Add(businesscentraltest.Contact{No: no, Type: "Person", Name: "Ada Byron"})
		got, err := clientOf(t, sim).Contact(t.Context(), contact.Ref{No: no})
		if err != nil || got.No != no {
			t.Errorf("%q: got %q, %v", no, got.No, err)
		}
	}
}
