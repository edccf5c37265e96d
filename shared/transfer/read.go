package transfer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"contactsync/shared/contact"
)

// read gets the contact's present version, unless a page of the poll brought it.
func (w *work) read(ctx context.Context) error {
	if w.job.Contact != nil {
		w.contact, w.isRead = *w.job.Contact, true
		return nil
	}
	err := w.readAgain(ctx, w.job.Ref)
	if errors.Is(err, ContactNotFound) && w.job.Ref.ID == "" {
		err = w.readRenumbered(ctx, err)
	}
	switch {
	case err == nil:
		return nil
	case !errors.Is(err, ContactNotFound):
		return err
	case w.job.Deleted:
		return &skip{"the contact was deleted in Business Central; its customer is left as it is"}
	}
	return w.notFound(ctx, err)
}

// readRenumbered reads a contact by the internal id that its former number leads
// to: nobody has the number now, so whoever names it means that contact.
func (w *work) readRenumbered(ctx context.Context, notFound error) error {
	key, found, err := w.cfg.Ledger.KeyOf(ctx, w.job.Ref)
	if err != nil {
		return ledgerError("find the state of "+w.job.Ref.String(), err)
	}
	if !found || key.ID == "" {
		return notFound
	}
	return w.readAgain(ctx, contact.Ref{ID: key.ID})
}

func (w *work) readAgain(ctx context.Context, ref contact.Ref) error {
	c, err := w.cfg.Source.Contact(ctx, ref)
	if err != nil {
		return err
	}
	w.contact, w.isRead = c, true
	return nil
}

// notFound adds what the customer service knows of the id (design.md 1.6).
func (w *work) notFound(ctx context.Context, cause error) error {
	e := &Error{Fault: ContactNotFound, Op: "read contact " + w.job.Ref.String(), Err: cause}
	isCustomer, err := w.cfg.Source.IsCustomer(ctx, w.job.Ref)
	switch {
	case StopsRun(err) || cut(ctx):
		// The answer about the contact stands; what the customer service would say is not worth the run.
	case err != nil:
		e.Detail = "whether the id names a customer could not be found out"
	case isCustomer:
		e.Detail = "the id names a customer, not a contact; this integration transfers contacts"
	}
	return e
}

// claimUnread claims the place where the outcome of a contact that could not be
// read is kept.
func (w *work) claimUnread(ctx context.Context) error {
	key, _, err := w.cfg.Ledger.KeyOf(ctx, w.job.Ref)
	if err != nil {
		return ledgerError("find the state of "+w.job.Ref.String(), err)
	}
	return w.take(ctx, key, State{No: w.job.Ref.No, ContactID: w.job.Ref.ID})
}

// claim takes the contact for this execution (guarantee 2c) and decides on the
// row as the claim returned it (2d): an older version never overwrites a newer one.
func (w *work) claim(ctx context.Context) error {
	for again := false; ; again = true {
		renumbered, err := w.takeNewest(ctx)
		if err != nil || w.settled != nil {
			return err
		}
		if !renumbered {
			break
		}
		// The claim names the external id of a number that the contact has no more.
		w.giveUp(ctx)
		w.owner = ""
		if again {
			return fmt.Errorf("contact %s gets one number after another: %w", w.ref(), ErrClaimed)
		}
	}
	ctx, cancel := w.withinClaim(ctx)
	defer cancel()
	if err := w.takeFingerprint(ctx); err != nil || w.settled != nil {
		return err
	}
	if !w.mayMeetOther() {
		return nil
	}
	return w.lookAround(ctx)
}

// takeNewest claims the contact and makes sure that the copy at hand is the newest
// one; renumbered tells that it has another number than the one it was claimed with.
func (w *work) takeNewest(ctx context.Context) (renumbered bool, err error) {
	w.key = KeyFor(&w.contact)
	seed := State{No: w.seedNo(), ContactID: w.contact.ID}
	if known := w.job.Known; known == nil || known.Key() != w.key || known.No != w.contact.No || !known.carries(w.wanted()) {
		if seed, err = w.firstSeen(ctx, seed); err != nil {
			return false, err
		}
	}
	if err := w.take(ctx, w.key, seed); err != nil || w.settled != nil {
		return false, err
	}
	ctx, cancel := w.withinClaim(ctx)
	defer cancel()
	err = w.newest(ctx)
	return w.row.Claim.ExternalID != w.wanted(), err
}

// seedNo is the number of a state that is kept under the number. One that is kept
// under the internal id gets its number with the first outcome, so that a crash
// before the pointer is written shows.
func (w *work) seedNo() string {
	if w.contact.ID != "" {
		return ""
	}
	return w.contact.No
}

// firstSeen looks up what the store knows under the contact's number, and lets it
// lead here: an outcome from before its internal id was known moves along.
func (w *work) firstSeen(ctx context.Context, seed State) (State, error) {
	if w.contact.ID == "" || w.contact.No == "" {
		return seed, nil
	}
	n, err := w.cfg.Ledger.Number(ctx, w.contact.No)
	if err != nil {
		return seed, ledgerError("find the state of "+w.ref().String(), err)
	}
	if n.Key.ID != "" || !n.Found {
		return seed, w.announce(ctx, n)
	}
	// Announced after the claim: it takes the place of what stands under the number.
	earlier, err := w.cfg.Ledger.State(ctx, n.Key)
	if errors.Is(err, ErrNoState) {
		return seed, nil
	}
	if err != nil {
		return seed, ledgerError("read the state of "+w.ref().String(), err)
	}
	if earlier.Claim.Owner != "" || earlier.Interrupted {
		earlier.SentHashes = nil // what the customer holds is not certain
	}
	earlier.endClaim()
	earlier.No, earlier.ContactID = "", w.contact.ID
	return earlier, nil
}

func (w *work) take(ctx context.Context, key Key, seed State) error {
	begun, now := time.Now(), w.now()
	until := now.Add(w.cfg.ClaimFor)
	if deadline, ok := ctx.Deadline(); ok {
		until = earlier(until, now.Add(time.Until(deadline)+2*time.Second))
	}
	claim := Claim{Owner: newOwner(), Until: until.Truncate(time.Millisecond)}
	if w.isRead {
		claim.ExternalID = w.wanted()
	}
	row, err := w.cfg.Ledger.Claim(ctx, key, claim, now, seed)
	if errors.Is(err, ErrClaimed) {
		return fmt.Errorf("contact %s: %w", w.ref(), ErrClaimed)
	}
	if err != nil {
		return ledgerError("claim "+w.ref().String(), err)
	}
	w.key, w.owner, w.row, w.claimUntil = key, claim.Owner, row, claim.Until
	w.callsEnd = begun.Add(claim.Until.Sub(now))
	w.customerID, w.externalID, w.addressID = row.CustomerID, row.ExternalID, row.AddressExternalID
	if w.job.Trigger == ByRetry && (row.Status != Retrying || row.NextAttemptAt.After(now)) {
		w.settle(ctx) // somebody else transferred it since the list of due ones was made
	}
	return nil
}

// renumbered reports whether the number does not lead to this state yet: the
// contact is new, or it got another number.
func (w *work) renumbered() bool { return w.contact.ID != "" && w.row.No != w.contact.No }

// mayMeetOther reports whether another contact's customer may carry the external
// id of our number: as long as ours does not carry it for certain. The number is
// looked at, too, for the external id of an address that was never saved.
func (w *work) mayMeetOther() bool {
	return w.contact.ID != "" && w.contact.No != "" && (w.renumbered() || !w.row.carries(w.wanted()) || w.row.AddressExternalID == "")
}

// newest reads the contact again when the row knows a newer version than the copy
// at hand. A second answer that is still older is believed: Business Central was
// restored to an earlier time.
func (w *work) newest(ctx context.Context) error {
	if w.contact.Modified.IsZero() || !w.row.Version.After(w.contact.Modified) {
		return nil
	}
	ref := contact.Ref{No: w.contact.No}
	if w.contact.ID != "" {
		ref = contact.Ref{ID: w.contact.ID}
	}
	return w.readAgain(ctx, ref)
}

// withinClaim bounds the calls of a contact so that they end before its claim does.
func (w *work) withinClaim(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithDeadline(ctx, w.callsEnd)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func ledgerError(op string, err error) error { return fmt.Errorf("%s: %w: %w", op, ErrLedger, err) }
