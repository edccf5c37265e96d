package businesscentraltest

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"time"
)

// Config says how a [Simulator] is set up. The zero value is a company with the
// three published services of the original integration and no records.
type Config struct {
	Tenant       string // the only tenant that signs in; a fixed GUID if blank
	Environment  string // Production if blank
	ClientID     string // a fixed GUID if blank
	ClientSecret string // "client-secret" if blank

	// The credentials of the on-premises address /BC.
	Username            string // "INTEGRATION" if blank
	WebServiceAccessKey string // "web-service-access-key" if blank

	Company        Company   // CRONUS USA, Inc. if it has no name
	OtherCompanies []Company // listed, without records

	Services        []Service  // the three standard services if nil
	CustomAPI       *CustomAPI // none if nil
	ExtraProperties []ExtraProperty

	Now func() time.Time // time.Now if nil; times are cut to milliseconds

	TokenLifetime    time.Duration // expires_in; 3,599 s if zero
	MaxPageSize      int           // rows of a page; 20,000 if zero
	MaxInFlight      int           // requests worked on at once; 5 if zero
	MaxQueue         int           // requests that wait for that; 95 if zero, none if negative
	RateLimit        int           // requests in RateWindow; no limit if zero (Business Central: 6,000)
	RateWindow       time.Duration // 5 minutes if zero
	RetryAfter       RetryAfter    // how a 429 tells when to come back
	Latency          time.Duration // before every answer, in real time
	MetadataPadding  int           // at least so many bytes of $metadata (a real tenant has about 8 MB)
	NoCompression    bool          // ignore Accept-Encoding: gzip
	NoInheritance    bool          // Marketing Setup does not hand a company's values to its persons
	TenantInNextLink string        // adds tenant= to next links, as some servers do
	APIServicesOff   bool          // the /api/ stack is switched off: 405

	// NotificationClient carries notifications and handshakes; a client with the
	// default transport if nil.
	NotificationClient   *http.Client
	NotificationDelay    time.Duration // after the first change; 30 s if zero, none if negative
	MaxNotifications     int           // per subscription before they become a collection; 1,000 if zero
	MaxSubscriptions     int           // 200 if zero
	SubscriptionLifetime time.Duration // 3 days if zero

	RequestLimit int  // how many requests are kept for Requests, the latest; 10,000 if zero, none if negative
	Admin        bool // serve the sandbox's own surface under /simulator/

	Assumptions Assumptions
}

// A Company is one company of the environment.
type Company struct {
	Name        string // what stands in Company('...')
	DisplayName string
	ID          string // lower-case GUID
	Evaluation  bool
}

// A CustomAPI is a contact API of the customer's own:
// /api/{Publisher}/{Group}/{Version}/companies({id})/contacts.
type CustomAPI struct {
	Publisher, Group, Version string
	Profile                   Profile // PageExtended if blank
	Without                   []string
	Rename                    map[string]string
}

// Assumptions switches what the reference could not confirm. The zero value is
// its most defensible assumption; the numbers are those of business-central.md 12.
type Assumptions struct {
	ActiveWebUser           ActiveForm // no. 4: how Active_Web_User is written
	ContactsNotSubscribable bool       // no. 6: webhookSupportedResources has no contacts
	HandshakeByGET          bool       // no. 7: the handshake is a GET
	RecordNotFoundByTable   bool       // no. 9: an unknown record is 404 Internal_RecordNotFound
	EmptyUnauthorized       bool       // no. 10: a call without token gets 401 without body
	PermissionAs401         bool       // no. 11: a missing permission is 401, not 403
	DefaultOrderByID        bool       // no. 14: rows without $orderby come by internal id
	SkipTokenNeedsRow       bool       // no. 15: 400 when the row of the token was deleted
	SkipTokenFollowsRow     bool       // no. 15: a changed row takes the position of its token along
	EnumFilterNeedsType     bool       // no. 16: Microsoft.NAV.contactType'Person' only
	TextFiltersIgnoreCase   bool       // no. 17: eq on Text ignores case
	UnknownCompanyStatus    int        // no. 19: 404 if zero
	PagesIgnoreMaxPageSize  bool       // no. 20: published pages have the server's page size only
	OversizedPageRefused    bool       // no. 23: 413 instead of the cap
}

// ActiveForm says how the extension's boolean is written.
type ActiveForm string

// The forms of Active_Web_User.
const (
	ActiveBoolean ActiveForm = ""       // true, false
	ActiveYesNo   ActiveForm = "yes-no" // "Yes", "No"
	ActiveText    ActiveForm = "text"   // "true", "false"
	ActiveNumber  ActiveForm = "number" // 1, 0
)

func (f ActiveForm) append(b []byte, on bool) []byte {
	forms := map[ActiveForm][2]string{
		ActiveBoolean: {"false", "true"}, ActiveYesNo: {`"No"`, `"Yes"`}, ActiveText: {`"false"`, `"true"`}, ActiveNumber: {"0", "1"},
	}[f]
	if on {
		return append(b, forms[1]...)
	}
	return append(b, forms[0]...)
}

func (f ActiveForm) edmType() string {
	switch f {
	case ActiveBoolean:
		return "Edm.Boolean"
	case ActiveNumber:
		return "Edm.Int32"
	}
	return "Edm.String"
}

// RetryAfter is the header of a 429 answer, which Microsoft does not document.
type RetryAfter struct {
	Delay  time.Duration // no header if zero
	AsDate bool          // an HTTP date by the simulator's clock instead of seconds
}

// The standard names.
const (
	DefaultTenant    = "5c6241d0-9d21-4c5c-8e4a-2a3f1c6f2b10"
	DefaultClientID  = "0f0c1c5a-7a44-4a5e-9d51-6d6a3b1b7e21"
	DefaultCompanyID = "70c0c603-f4f9-ef11-9344-6045bdc8c234"
)

// StandardServices are the three services that the original integration needs.
func StandardServices() []Service {
	return []Service{
		{Name: "Contact_Card", Page: ContactPage},
		{Name: "Customers", Page: CustomerListPage},
		{Name: "Customer_Card", Page: CustomerCardPage},
	}
}

func (c Config) withDefaults() Config {
	c.Tenant = cmp.Or(c.Tenant, DefaultTenant)
	c.Environment = cmp.Or(c.Environment, "Production")
	c.ClientID = cmp.Or(c.ClientID, DefaultClientID)
	c.ClientSecret = cmp.Or(c.ClientSecret, "client-secret")
	c.Username = cmp.Or(c.Username, "INTEGRATION")
	c.WebServiceAccessKey = cmp.Or(c.WebServiceAccessKey, "web-service-access-key")
	c.Company.Name = cmp.Or(c.Company.Name, "CRONUS USA, Inc.")
	c.Company.DisplayName = cmp.Or(c.Company.DisplayName, c.Company.Name)
	c.Company.ID = cmp.Or(c.Company.ID, DefaultCompanyID)
	if c.Services == nil {
		c.Services = StandardServices()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	c.TokenLifetime = cmp.Or(c.TokenLifetime, 3599*time.Second)
	c.MaxPageSize = cmp.Or(c.MaxPageSize, 20_000)
	c.MaxInFlight = cmp.Or(c.MaxInFlight, 5)
	c.MaxQueue = max(0, cmp.Or(c.MaxQueue, 95))
	c.RateWindow = cmp.Or(c.RateWindow, 5*time.Minute)
	if c.NotificationClient == nil {
		c.NotificationClient = &http.Client{}
	}
	c.NotificationDelay = max(0, cmp.Or(c.NotificationDelay, 30*time.Second))
	c.MaxNotifications = cmp.Or(c.MaxNotifications, 1000)
	c.MaxSubscriptions = cmp.Or(c.MaxSubscriptions, 200)
	c.SubscriptionLifetime = cmp.Or(c.SubscriptionLifetime, 72*time.Hour)
	c.RequestLimit = max(0, cmp.Or(c.RequestLimit, 10_000))
	c.Services = slices.Clone(c.Services)
	return c
}

func (c *Config) check() error {
	var faults []error
	for _, company := range append([]Company{c.Company}, c.OtherCompanies...) {
		if _, ok := parseGUID(company.ID); !ok {
			faults = append(faults, errors.New("the id of a company is not a GUID"))
		}
	}
	if c.MaxPageSize < 1 || c.MaxInFlight < 1 || c.RateLimit < 0 {
		faults = append(faults, errors.New("MaxPageSize and MaxInFlight are at least 1, RateLimit at least 0"))
	}
	return errors.Join(faults...)
}
