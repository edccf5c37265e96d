package transfer

import (
	"time"

	"contactsync/shared/contact"
)

// Status says where a transfer stands. The values are stored and shown.
type Status string

// The statuses of design.md 1.8.
const (
	Pending   Status = "pending"
	Succeeded Status = "succeeded"
	Skipped   Status = "skipped"
	Failed    Status = "failed"
	Retrying  Status = "retrying"
)

// Action says what a transfer did in iPaaS.com.
type Action string

// The actions of design.md 1.8.
const (
	Created   Action = "created"
	Updated   Action = "updated"
	Linked    Action = "linked"
	Unchanged Action = "unchanged"
	None      Action = "none"
)

// Trigger says why a transfer was started.
type Trigger string

// The triggers of design.md 1.8.
const (
	ByPoll         Trigger = "poll"
	ByBackfill     Trigger = "backfill"
	ByManual       Trigger = "manual"
	ByNotification Trigger = "notification"
	ByHook         Trigger = "hook"
	ByRetry        Trigger = "retry"
	ByReplay       Trigger = "replay"
)

// A Key says under what a contact's state is kept: its internal id, or its
// number where the internal id is not known. Exactly one is set. No is in the
// form of [contact.Key].
type Key struct {
	ID string
	No string
}

// KeyFor returns the key of a contact that was read.
func KeyFor(c *contact.Contact) Key {
	if c.ID != "" {
		return Key{ID: c.ID}
	}
	return Key{No: contact.Key(c.No)}
}

// A Number is what the store knows of a contact number.
type Number struct {
	Key   Key      // where the state of its contact is kept, or belongs
	Found bool     // whether anything stands under the number
	First string   // internal id of the first contact that the number ever led to; "" when it led to none
	LedTo []string // internal ids of all of them, in no order
}

// A Problem is why a transfer failed: a code of the catalogue and what to know
// besides the catalogue's texts. It holds no personal data.
type Problem struct {
	Code   string
	Detail string
}

// An Attempt is one execution of a transfer and its outcome.
type Attempt struct {
	Status        Status
	Action        Action
	Trigger       Trigger
	RunID         string
	Number        int // counts the attempts for one version, from 1; 0 before the first
	StartedAt     time.Time
	FinishedAt    time.Time
	NextAttemptAt time.Time // zero unless Retrying
	Warnings      []string
	Reason        string   // why it was skipped
	Problem       *Problem // nil unless Failed or Retrying
	Sent          []string // names of the fields that were sent, in order; nil when nothing was
	Changed       []string // of these, the ones that differ from what was sent before
}

// MaxAttempts is how many attempts a state keeps (design.md 1.5).
const MaxAttempts = 10

// A State is all that is known of one contact's transfers. The embedded Attempt
// is the latest one; its Status is empty while the first is still under way.
type State struct {
	Attempt

	No        string // as Business Central spells it; "" until it was read or when only the internal id is known
	ContactID string // internal id; "" when unknown

	CustomerID        string
	ExternalID        string // saved in iPaaS.com for the customer
	AddressExternalID string // saved in iPaaS.com for its address; stays when the number changes

	Version     time.Time         // the contact's time of change at the latest outcome
	Fingerprint string            // keyed hash of what the latest outcome depended on
	SentHashes  map[string]string // keyed hash per field last sent

	Claim Claim // zero when not claimed; one that ended without an outcome stays until the next claim or outcome
	// Interrupted says that a claim before the present one ended without Save or
	// Release: what the customer holds now is not certain.
	Interrupted bool
	// Begun are external ids that the customer may carry besides ExternalID: of
	// claims that ended without Save or Release, and of calls with an unknown outcome.
	Begun    []string
	Attempts []Attempt // newest first, at most MaxAttempts; nil where the store was asked for states of a page
}

// Key returns where the state is kept.
func (s *State) Key() Key {
	if s.ContactID != "" {
		return Key{ID: s.ContactID}
	}
	return Key{No: contact.Key(s.No)}
}

// Ref names the contact of the state, by number where it is known.
func (s *State) Ref() contact.Ref {
	if s.No != "" {
		return contact.Ref{No: s.No}
	}
	return contact.Ref{ID: s.ContactID}
}

// A Claim is the exclusive right of one execution to write one contact.
type Claim struct {
	Owner      string
	Until      time.Time
	ExternalID string // the one that calls under this claim save the customer with; "" when they save nothing
}

// A Request is a contact that waits for its transfer, or, when Wake is set, the
// wish that the poll reads from its watermark now. The last request for a
// contact replaces earlier ones.
type Request struct {
	Ref         contact.Ref
	Wake        bool
	Deleted     bool // Business Central told that the contact was deleted
	Trigger     Trigger
	RequestedAt time.Time
	Token       string // unique; a request is removed only while it still has the token that was read
}

// A Transfer is one contact's transfer as every interface shows it (design.md 1.8).
type Transfer struct {
	Attempt
	ID          string // as shown: 44552|contact
	ContactNo   string
	ContactID   string
	CustomerID  string
	RequestedAt time.Time // zero unless Pending
}

// Transfer returns the latest transfer of the state.
func (s *State) Transfer() Transfer {
	return Transfer{Attempt: s.Attempt, ID: s.Ref().String(), ContactNo: s.No, ContactID: s.ContactID, CustomerID: s.CustomerID}
}

// Transfer returns the waiting transfer that the request stands for.
func (r *Request) Transfer() Transfer {
	return Transfer{
		Attempt:     Attempt{Status: Pending, Action: None, Trigger: r.Trigger},
		ID:          r.Ref.String(),
		ContactNo:   r.Ref.No,
		ContactID:   r.Ref.ID,
		RequestedAt: r.RequestedAt,
	}
}
