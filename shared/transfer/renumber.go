package transfer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"contactsync/shared/contact"
)

// moveExternalID lets the customer's external id follow the contact's number
// (guarantee 2f): one call, or two when another contact's customer has to give
// the external id free first.
func (w *work) moveExternalID(ctx context.Context) error {
	want := contact.ExternalID(w.contact.No)
	if w.contact.ID == "" || (w.row.ExternalID == want && !w.row.Interrupted) {
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
	w.externalID = want
	return nil
}

// freeNumber makes sure that no customer of another contact carries the external
// id of our number: its contact had the number before and got another one, but was
// not transferred since. That customer gets an external id made of its contact's
// internal id, until its own transfer gives it the right one.
func (w *work) freeNumber(ctx context.Context) error {
	want := contact.ExternalID(w.contact.No)
	if w.other == nil || w.other.CustomerID == "" || w.other.ExternalID != want {
		return nil
	}
	present, err := w.cfg.Source.Contact(ctx, contact.Ref{ID: w.other.ContactID})
	switch {
	case errors.Is(err, ContactNotFound):
		if w.row.CustomerID == "" {
			return nil // deleted and made anew under the same number: the customer goes on
		}
	case err != nil:
		return err
	case present.No == w.contact.No:
		// Our own copy is the old one: Business Central gave the number away since.
		return fmt.Errorf("contact %s got another number just now: %w", w.ref(), ErrClaimed)
	default:
		w.other.No = present.No // it moved on, although its own transfer is still to come
	}
	return w.freeExternalID(ctx, want)
}

// freeExternalID moves the external id away from the other contact's customer,
// under that contact's claim, so that its own transfer cannot cross ours.
func (w *work) freeExternalID(ctx context.Context, want string) error {
	key := w.other.Key()
	owner := newOwner()
	row, err := w.claimOther(ctx, key, owner)
	if err != nil {
		return err
	}
	if row.ExternalID != want || row.CustomerID == "" {
		w.other.ExternalID = row.ExternalID
		return ignoreLost(w.cfg.Ledger.Release(ctx, key, owner))
	}
	parked := contact.ExternalID(row.ContactID)
	err = w.cfg.Target.Link(ctx, row.CustomerID, parked)
	if err != nil && !errors.Is(err, ErrGone) {
		return errors.Join(err, w.cfg.Ledger.Release(context.WithoutCancel(ctx), key, owner))
	}
	row.ExternalID = parked
	row.Claim = Claim{}
	if row.Interrupted {
		row.SentHashes = nil
	}
	if err := w.cfg.Ledger.Save(ctx, row, owner); err != nil && !errors.Is(err, ErrClaimLost) {
		return ledgerError("store the external id of "+row.Ref().String(), err)
	}
	w.other.ExternalID = parked
	return nil
}

// claimOther claims the other contact while we hold our own claim. Two contacts
// that swapped numbers want each other's: the one with the smaller internal id
// gives way, the other waits for it briefly.
func (w *work) claimOther(ctx context.Context, key Key, owner string) (State, error) {
	const patience, pause = 2 * time.Second, 50 * time.Millisecond
	for waited := time.Duration(0); ; waited += pause {
		now := w.now()
		row, err := w.cfg.Ledger.Claim(ctx, key, Claim{Owner: owner, Until: w.claimUntil}, now, State{ContactID: key.ID})
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
