package ipaastest

import (
	"cmp"
	"log/slog"
	"slices"
	"time"
)

// What a zero [Config] works with.
const (
	DefaultAPIKey         = "simulator-api-key"
	DefaultSystemID int64 = 313
	DefaultPageSize       = 100
	defaultRecords        = 10_000
)

// Config says how a Simulator behaves. The zero value follows every default and
// every assumption of ipaas.md 14.
type Config struct {
	// APIKeys are accepted as bearer tokens (ipaas.md 3.2); one [DefaultAPIKey]
	// with every permission if nil.
	APIKeys []APIKey
	// SystemIDs are the subscriptions that may carry external ids; [DefaultSystemID] if nil.
	SystemIDs []int64
	// RequireClientID refuses a call without one of ClientIDs in X-Client-Id
	// (ipaas.md 3.4; 14, no. 17). Without it the header is free.
	RequireClientID bool
	ClientIDs       []string
	// CustomFields are the definitions that exist; [DefaultCustomFields] if nil.
	CustomFields []CustomFieldDefinition

	// Rate refuses calls beyond it with 429 (14, no. 13); no limit if zero.
	Rate Rate
	// PageSize is the number of items on a page of a list; [DefaultPageSize] if zero.
	PageSize int
	// Latency says how long a call takes before it is carried out; nothing if nil.
	Latency func(Route) time.Duration

	// RecordLimit is how many requests [Simulator.Requests] keeps, the last ones;
	// 10,000 if zero, none if negative. Counters run in any case.
	RecordLimit int

	Now func() time.Time // time.Now if nil
	Log *slog.Logger     // slog.Default() if nil; gets unexpected requests unless Unexpected is set
	// Unexpected is told of each request that the simulator knows nothing about.
	Unexpected func(Request, string)

	Switches Switches
}

// An APIKey is one key of the portal's page "API Keys".
type APIKey struct {
	Value    string
	Expired  bool // answered 401 AUTH-1002
	ReadOnly bool // creates, updates and links are answered 403 AUTZ-1002
	Useless  bool // every call is answered 403 AUTZ-1002
}

// Rate is a number of calls in a window that starts with its first call.
type Rate struct {
	Calls      int
	Window     time.Duration
	RetryAfter RetryAfter
}

// RetryAfter is a form of the header Retry-After.
type RetryAfter int

// The forms of Retry-After: whole seconds, an HTTP date, no header at all.
const (
	RetryAfterSeconds RetryAfter = iota
	RetryAfterDate
	RetryAfterNone
)

// A Collection says which records have a custom field: the Module of the
// portal's form (ipaas.md 8).
type Collection string

// The collections with custom fields.
const (
	CustomerFields Collection = "Customer"
	AddressFields  Collection = "Customer Address"
)

// A CustomFieldDefinition is one custom field that was created in the portal.
type CustomFieldDefinition struct {
	Name       string     `json:"name"`
	Collection Collection `json:"collection,omitempty"` // CustomerFields if empty
	DataType   string     `json:"data_type,omitempty"`  // string (default), number, bool, guid, date, datetime
}

// DefaultCustomFields are the five fields that the contact flow asks for (seed,
// iPaaS.com Requirements).
func DefaultCustomFields() []CustomFieldDefinition {
	return []CustomFieldDefinition{
		{Name: "Customer Type"}, {Name: "Record Type"}, {Name: "Role"},
		{Name: "Active", DataType: "bool"}, {Name: "iPaaS.com Company ID"},
	}
}

// Switches are the assumptions of ipaas.md 14, by their numbers there, and a few
// unknowns of sections 6 to 8. The zero value of each is the assumption; every
// other value is what a real account may turn out to do instead.
//
// Without a switch: relationships (no. 5) and the definition API of custom fields
// (no. 21) are not simulated; 7 to 9, 18, 19 and 23 to 25 are up to the client.
type Switches struct {
	CustomerPath  string // no. 1: the segment of POST and PUT; "Customer" if empty
	CreateStatus  int    // no. 1: answer of a create; 200 if zero
	EmptyAnswers  bool   // no. 1: creates and updates show only the id, not the record
	FullPut       bool   // no. 2: a member that is absent from a PUT is cleared
	ReplaceArrays bool   // no. 2: an array in a PUT replaces the one of the record
	AddressRoutes bool   // no. 3: POST Customer/Address/{customerId} and PUT Customer/Address/{id} exist
	NumberAddress bool   // no. 4: address ids are numbers instead of 912ZZ_BAR_ZZ1
	StringIDs     bool   // ipaas.md 4: ids of customers and companies are JSON strings

	CompanyTable   string // no. 6: table name of companies; "Customer Company" if empty
	ExactTableCase bool   // no. 6: table names are compared by case; see [TableCustomer] for their spelling

	DuplicateEmailCode string         // no. 10: BIZL-1006 if empty
	ErrorForm          ErrorForm      // no. 11
	Status             map[string]int // no. 12: HTTP status by family (BIZL: 409) where it is not the usual one: AUTH 401, AUTZ 403, VALD and BIZL 400, NFND 404

	NoPagination    bool   // no. 14: no header X-Pagination
	ShortPagination bool   // no. 14: only the two confirmed members in it
	ExtraFilters    bool   // no. 15: the actions contains and startswith exist
	KeyHeader       string // no. 16: a header that holds the bare key, instead of Authorization: Bearer

	UndefinedFieldCode string // no. 20: VALD-1010 if empty

	PreventDuplicate PreventDuplicate // no. 22
	Countries        []string         // no. 26: the names or codes that an address may hold (VALD-1046); any if nil
	BothNames        bool             // no. 27: first and last name are both required (VALD-1002)
	EmailFormat      bool             // no. 28: an e-mail without the form a@b is refused (VALD-1036)

	NoMatchIs404        bool           // ipaas.md 4.1: a search without a match answers 404 instead of []
	EmailSearch         EmailSearch    // ipaas.md 4.1: how equals compares
	SearchShowsInactive bool           // ipaas.md 6: searches list deactivated customers too
	ActiveMember        string         // ipaas.md 6.2: a boolean member of customers that says whether they are active; none if empty
	InactiveUpdate      InactiveUpdate // ipaas.md 5 and 6: what a PUT on a deactivated customer does
	InactiveIsDeleted   bool           // ipaas.md 7: the look-up of a deactivated record answers DELETED:<id>
	DeletedIs404        bool           // ipaas.md 7: the look-up of a deleted record answers 404
	BareLookups         bool           // ipaas.md 7: look-ups answer 912 instead of "912"
	KeepOldLink         bool           // ipaas.md 7: a record with an external id refuses another one of that system (BIZL-1005)
}

// ErrorForm is how an error carries its code (ipaas.md 5; 14, no. 11).
type ErrorForm int

// The forms of an error's answer.
const (
	ErrorProblem      ErrorForm = iota // problem details with code, message and help_url
	ErrorInTitle                       // problem details with "BIZL-1006: text" as title, no code
	ErrorNested                        // {"errors":[{"error_code","error_message"}]}
	ErrorText                          // text/plain "BIZL-1006: text"
	ErrorReasonPhrase                  // the code and text in the reason phrase, no body
)

// PreventDuplicate is what the server does with prevent_duplicate of an address.
type PreventDuplicate int

// The ways of prevent_duplicate (14, no. 22).
const (
	PreventDuplicateHonoured PreventDuplicate = iota // an equal address is not added again
	PreventDuplicateIgnored                          // the member is accepted and does nothing
	PreventDuplicateRefused                          // the member is unknown: VALD-1003
)

// EmailSearch is how a search by e-mail compares.
type EmailSearch int

// The ways of comparing.
const (
	EmailIgnoringCase EmailSearch = iota // equal without regard to case
	EmailExactCase                       // equal to the letter
	EmailPrefix                          // starts with it: more comes back than was asked for
)

// InactiveUpdate is what a PUT on a deactivated customer does. The help centre
// says that a PUT reactivates (HC-15461561); design.md guarantee 9 counts on a refusal.
type InactiveUpdate int

// The ways of a PUT on a deactivated customer.
const (
	InactiveRefused     InactiveUpdate = iota // BIZL-1009
	InactiveReactivated                       // updated and active again
)

func (c Config) withDefaults() Config {
	if c.APIKeys == nil {
		c.APIKeys = []APIKey{{Value: DefaultAPIKey}}
	}
	if c.SystemIDs == nil {
		c.SystemIDs = []int64{DefaultSystemID}
	}
	c.SystemIDs = slices.Clone(c.SystemIDs)
	if c.CustomFields == nil {
		c.CustomFields = DefaultCustomFields()
	}
	if c.PageSize <= 0 {
		c.PageSize = DefaultPageSize
	}
	if c.RecordLimit == 0 {
		c.RecordLimit = defaultRecords
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	sw := &c.Switches
	sw.CustomerPath = cmp.Or(sw.CustomerPath, "Customer")
	sw.CreateStatus = cmp.Or(sw.CreateStatus, 200)
	sw.CompanyTable = cmp.Or(sw.CompanyTable, "Customer Company")
	sw.DuplicateEmailCode = cmp.Or(sw.DuplicateEmailCode, codeTaken)
	sw.UndefinedFieldCode = cmp.Or(sw.UndefinedFieldCode, codeNotAllowed)
	return c
}
