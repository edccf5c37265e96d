package transfer

import (
	"context"
	"errors"
	"time"

	"contactsync/shared/contact"
	"contactsync/shared/customer"
)

// Source is what a transfer needs of Business Central. Besides the errors named
// at the methods, each may fail with [SourceUnavailable] or [SourceUnauthorized];
// a context that ends is returned as it is.
type Source interface {
	// Contact returns the present version of one contact. It is [ContactNotFound]
	// only when a filtered read confirms that there is none (business-central.md 7.4).
	Contact(ctx context.Context, ref contact.Ref) (contact.Contact, error)
	// IsCustomer reports whether the number or internal id names a customer, for
	// the detail of [ContactNotFound].
	IsCustomer(ctx context.Context, ref contact.Ref) (bool, error)
	// HasCompany reports whether a contact with that number exists, for the
	// detail of [CompanyNotFound].
	HasCompany(ctx context.Context, no string) (bool, error)
}

// Target is what a transfer needs of iPaaS.com. Besides the errors named at the
// methods, each may fail with [DestinationUnavailable], [DestinationUnauthorized]
// or [DestinationRejected]; a context that ends is returned as it is.
type Target interface {
	// CustomerByExternalID returns the id of the customer that carries the
	// external id for our system, "" when none does. A link to a deleted customer
	// (DELETED:912) counts as none.
	CustomerByExternalID(ctx context.Context, externalID string) (string, error)
	// CustomersByEmail returns the customers whose e-mail address equals email,
	// compared case-insensitively; inactive ones too where the API shows them.
	CustomersByEmail(ctx context.Context, email string) ([]Existing, error)
	// Customer returns one customer as it stands. It is [ErrGone] when there is none.
	Customer(ctx context.Context, id string) (Existing, error)
	// Create makes a customer with its external id, custom fields and address in
	// one call. It is [ErrTaken] when e-mail or external id are in use,
	// [CustomFieldNotFound] when a custom field is undefined, and [ErrUnknownOutcome]
	// (together with DestinationUnavailable) when the call may have arrived.
	Create(ctx context.Context, c customer.Customer) (Existing, error)
	// Update changes the members that are sent and leaves the others. It is
	// [ErrGone], [ErrTaken], [ErrInactive] or [CustomFieldNotFound].
	Update(ctx context.Context, id string, c customer.Customer) (Existing, error)
	// Link makes externalID the external id of the customer for our system and
	// replaces the one it had. It is [ErrTaken] when another customer carries it.
	Link(ctx context.Context, id, externalID string) error
	// ExternalIDOf returns the external id that a customer carries for our system,
	// "" when none; for answers that did not show it.
	ExternalIDOf(ctx context.Context, id string) (string, error)
	// SpaceportID resolves a link of another type for GetSpaceportId; see
	// [contactsync/shared/mapping.Links].
	SpaceportID(ctx context.Context, externalID, table, systemID string) (string, error)
}

// Existing is a customer as iPaaS.com shows it.
type Existing struct {
	ID         string
	Email      string
	Inactive   bool              // only where the answer says so
	LinksKnown bool              // whether the answer showed external ids at all
	ExternalID string            // of our system; "" when not linked or not shown
	Customer   customer.Customer // every field, custom field and address shown, under the API's names; not in the answer to a write
}

// Conditions of a Target's answer that a transfer decides upon. They are always
// joined to an [*Error] of a Fault, so that an undecided one still has its code.
var (
	ErrGone           = errors.New("the customer does not exist any more")
	ErrTaken          = errors.New("the e-mail address or the external id is taken")
	ErrInactive       = errors.New("the customer is inactive")
	ErrUnknownOutcome = errors.New("the call may have been carried out")
	// ErrThrottled is joined by Source and Target when the other side asks for
	// more patience than the context leaves. The contact is left unspent.
	ErrThrottled = errors.New("the system asks for more patience than there is time")
)

// Ledger is what a transfer needs of the transfer status store.
type Ledger interface {
	// Claim takes the exclusive right to write one contact until the given time
	// and returns the state as it is under the claim. seed is stored where there
	// is no state yet. It is [ErrClaimed] while another claim is alive at now. The
	// external id of a claim that it takes the place of is added to State.Begun.
	Claim(ctx context.Context, key Key, claim Claim, now time.Time, seed State) (State, error)
	// Save replaces the state and ends the claim. It is [ErrClaimLost] when the
	// claim is not owner's any more; nothing is written then.
	Save(ctx context.Context, s State, owner string) error
	// Release ends owner's claim and leaves the state. It is no error when the
	// claim is not owner's any more.
	Release(ctx context.Context, key Key, owner string) error
	// State returns a state with its attempts. It is [ErrNoState] when there is none.
	State(ctx context.Context, key Key) (State, error)
	// KeyOf returns the key under which a contact's state is kept, following
	// the pointer from a number to an internal id. found is false when nothing
	// is known of it; the key is then where its first state belongs.
	KeyOf(ctx context.Context, ref contact.Ref) (key Key, found bool, err error)
	// Number returns what is known of a number: like KeyOf, and which contacts had it.
	Number(ctx context.Context, no string) (Number, error)
	// Point makes a number lead to the state of an internal id and returns what is
	// known of the number then. It replaces whatever stood under the number, except
	// which contacts had it.
	Point(ctx context.Context, no, id string) (Number, error)
	// Request stores that a contact waits for its transfer.
	Request(ctx context.Context, requests ...Request) error
}

// Conditions of the Ledger.
var (
	ErrClaimed   = errors.New("another execution transfers this contact right now")
	ErrClaimLost = errors.New("the claim on this contact ended before its outcome was stored")
	ErrNoState   = errors.New("no transfer of this contact is known")
)
