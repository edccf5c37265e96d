package transfer

import (
	"contactsync/shared/contact"
	"contactsync/shared/customer"
)

// A Job is the wish to transfer one contact.
type Job struct {
	Ref     contact.Ref      // names the contact; ignored when Contact is set
	Contact *contact.Contact // already read, as a page of the poll has it; nil: read it first
	Deleted bool             // Business Central told that it was deleted; it is read once more to make sure
	Trigger Trigger
	RunID   string
	// Known is the state that a look at a whole page found, if any. It only saves
	// reads: whatever is decided is decided on the state as the claim returns it.
	Known *State
}

// A Preview is what a transfer would do: nothing was written anywhere.
type Preview struct {
	Transfer
	Request *customer.Customer // the body that would be sent; nil when nothing would
	Changes []Change           // against the present customer
	Present *Existing          // the present customer; nil when there is none or it was not read
}

// A Change is one field that a transfer would change. Field is the API's name;
// custom_fields.Role and addresses.city name members below.
type Change struct {
	Field    string
	From, To string
}
