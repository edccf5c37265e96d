package transfer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"contactsync/shared/contact"
)

// wanted returns the external id of the contact's present number.
func (w *work) wanted() string {
	if w.contact.No == "" {
		return "" // such a contact ends before any call: see mapFields
	}
	return contact.ExternalID(w.contact.No)
}

// parked returns the external id that a customer carries while another contact has
// its contact's number.
func parked(contactID string) string { return contact.ExternalID(contactID) }

// recall looks for a customer that an execution of ours, which died or whose call
// had an unknown outcome, saved under a number that the contact had then.
func (w *work) recall(ctx context.Context) error {
	for _, externalID := range w.row.Begun {
		if externalID == w.wanted() {
			continue // looked up before every create
		}
		_, ours, err := w.formerly(ctx, externalID)
		if err != nil {
			return err
		}
		if !ours {
			continue
		}
		id, err := w.cfg.Target.CustomerByExternalID(ctx, externalID)
		if err != nil {
			return err
		}
		if id != "" {
			w.row.CustomerID, w.row.ExternalID = id, externalID
			w.customerID, w.externalID = id, externalID
			return nil
		}
	}
	return nil
}

// moveExternalID lets the customer's external id follow the contact's number
// (guarantee 2f): one call, or two when another contact's customer has to give
// the external id free first.
func (w *work) moveExternalID(ctx context.Context) error {
	want := w.wanted()
	if w.contact.ID == "" || w.row.carries(want) {
		return nil
	}
	if err := w.freeNumber(ctx); err != nil {
		return err
	}
	w.mayHaveSent = true
	if err := w.cfg.Target.Link(ctx, w.row.CustomerID, want); err != nil {
		w.mayHaveSent = !refused(err)
		return err
	}
	w.row.ExternalID, w.row.Begun, w.externalID = want, nil, want
	return nil
}

// freeNumber makes sure that no customer of another contact carries the external
// id of our number. A contact that had the number before and got another one may
// not have been transferred since: its customer then gets an external id made of
// its contact's internal id, until its own transfer gives it the right one.
func (w *work) freeNumber(ctx context.Context) error {
	for i := range w.others {
		other := &w.others[i]
		now, err := w.ownerNow(ctx, other)
		switch {
		case err != nil:
			return err
		case now == stillThere:
			// Our own copy is the old one: Business Central gave the number away since.
			return fmt.Errorf("contact %s got another number just now: %w", w.ref(), ErrClaimed)
		case now == deleted && w.row.CustomerID == "":
			// Deleted and made anew under the same number: the customer goes on, and its address.
			if err := w.addressBegun(ctx, other, append(slices.Clone(other.Begun), other.Claim.ExternalID)); err != nil {
				return err
			}
			w.row.AddressExternalID = cmp.Or(w.row.AddressExternalID, other.AddressExternalID)
			continue
		}
		if err := w.freeExternalID(ctx, other.ContactID, now); err != nil {
			return err
		}
	}
	w.others = nil
	if w.contact.ID == "" || w.last == w.key || w.last == (Key{}) {
		return nil
	}
	w.last = w.key
	_, err := w.point(ctx)
	return err
}

// whereabouts says what became of a contact that had our number.
type whereabouts int

const (
	movedOn    whereabouts = iota // it has another number
	deleted                       // it is gone
	stillThere                    // the number is its own
)

func (w *work) ownerNow(ctx context.Context, other *State) (whereabouts, error) {
	present, err := w.cfg.Source.Contact(ctx, contact.Ref{ID: other.ContactID})
	switch {
	case errors.Is(err, ContactNotFound):
		return deleted, nil
	case err == nil && present.No == w.contact.No:
		return stillThere, nil
	}
	return movedOn, err
}

// freeExternalID moves the external id of our number away from the customer of
// another contact, under that contact's claim, so that its own transfer cannot
// cross ours.
func (w *work) freeExternalID(ctx context.Context, contactID string, now whereabouts) error {
	key, owner, want := Key{ID: contactID}, newOwner(), w.wanted()
	row, err := w.claimOther(ctx, key, Claim{Owner: owner, Until: w.claimUntil, ExternalID: parked(contactID)})
	if err != nil {
		return err
	}
	if !row.mayCarry(want) {
		return ignoreLost(w.cfg.Ledger.Release(ctx, key, owner))
	}
	parkErr := w.park(ctx, &row, want, now)
	row.Claim = Claim{}
	if row.Interrupted {
		row.SentHashes = nil
	}
	row.Interrupted = false
	// Also when the other side refused or did not answer: what is known now is stored.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storePatience)
	defer cancel()
	switch err := w.cfg.Ledger.Save(ctx, row, owner); {
	case errors.Is(err, ErrClaimLost):
		return errors.Join(parkErr, fmt.Errorf("contact %s was transferred meanwhile: %w", row.Ref(), ErrClaimed))
	case err != nil:
		return errors.Join(parkErr, ledgerError("store the external id of "+row.Ref().String(), err))
	}
	return parkErr
}

// park gives the customer of the row an external id made of its contact's internal
// id, and notes in the row what is certain afterwards. The row's claim is ours.
func (w *work) park(ctx context.Context, row *State, want string, now whereabouts) error {
	if row.CustomerID == "" || now == deleted {
		// Its contact's create died before its outcome was stored, if it arrived at all;
		// or its customer may have gone on with another contact.
		id, err := w.cfg.Target.CustomerByExternalID(ctx, want)
		if err != nil {
			return err
		}
		if id == "" || row.CustomerID != "" && row.CustomerID != id || w.isOurs(id) {
			row.Begun = slices.DeleteFunc(slices.Clone(row.Begun), func(begun string) bool { return begun == want })
			if row.ExternalID == want {
				row.ExternalID = ""
			}
			return nil
		}
		row.CustomerID, row.ExternalID = id, want
	}
	if err := w.addressBegun(ctx, row, row.Begun); err != nil {
		return err
	}
	to := parked(row.ContactID)
	err := w.cfg.Target.Link(ctx, row.CustomerID, to)
	switch {
	case err == nil, errors.Is(err, ErrGone):
		row.ExternalID, row.Begun = to, nil
		return nil
	case !refused(err) && !errors.Is(err, ErrThrottled):
		row.endClaim()
	}
	return err
}

// isOurs reports whether a customer that was found under the external id of our
// number is the contact's own, and not that of another one that may carry the id, too.
func (w *work) isOurs(id string) bool {
	if w.row.CustomerID != "" {
		return w.row.CustomerID == id
	}
	return slices.Contains(w.row.Begun, w.wanted()) && w.last != w.key
}

// claimOther claims the other contact while we hold our own claim. Two contacts
// that swapped numbers want each other's: the one with the smaller internal id
// gives way, the other waits for it briefly.
func (w *work) claimOther(ctx context.Context, key Key, claim Claim) (State, error) {
	const patience, pause = 2 * time.Second, 50 * time.Millisecond
	for waited := time.Duration(0); ; waited += pause {
		row, err := w.cfg.Ledger.Claim(ctx, key, claim, w.now(), State{ContactID: key.ID})
		switch {
		case err == nil:
			return row, nil
		case !errors.Is(err, ErrClaimed):
			return State{}, ledgerError("claim "+key.ID, err)
		case w.key.ID < key.ID || waited >= patience:
			return State{}, fmt.Errorf("contact %s waits for contact %s, which had its number: %w", w.ref(), key.ID, ErrClaimed)
		}
		select {
		case <-ctx.Done():
			return State{}, ctx.Err()
		case <-time.After(pause):
		}
	}
}

func ignoreLost(err error) error {
	if err == nil || errors.Is(err, ErrClaimLost) {
		return nil
	}
	return ledgerError("release a claim", err)
}
