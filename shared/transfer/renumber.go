package transfer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"contactsync/shared/contact"
)

// Three facts of the store keep numbers that change hands apart (guarantee 2f):
//
//   - A claim names the external id that its calls save the customer with, and a
//     state remembers those of claims that died ([State.Begun]).
//   - A number knows all contacts that it led to. Whoever is to save its external id
//     first lets the number lead to his contact, then claims that, and then looks at
//     the states of the others: of two at once, at least one sees the other. He saves
//     it once no state of another contact names it any more.
//   - A number knows the first contact that it led to: only that one's address
//     carries the external id that is made of the number.

// mayCarry reports whether the customer of the state's contact may carry the
// external id, as far as the store knows.
func (s *State) mayCarry(externalID string) bool {
	return s.ExternalID == externalID && s.CustomerID != "" || s.Claim.ExternalID == externalID || slices.Contains(s.Begun, externalID)
}

// carries reports whether it certainly does.
func (s *State) carries(externalID string) bool {
	other := func(begun string) bool { return begun != externalID }
	return s.ExternalID == externalID && s.CustomerID != "" && !slices.ContainsFunc(s.Begun, other)
}

// endClaim ends the state's claim as one whose calls had an unknown outcome: the
// customer may carry its external id.
func (s *State) endClaim() {
	begun := s.Claim.ExternalID
	s.Claim = Claim{}
	if begun != "" && !s.mayCarry(begun) {
		s.Begun = append(slices.Clone(s.Begun), begun)
	}
}

// addressIDFor returns the external id of the address of a customer that was saved
// under a number: that of the number for the first contact that had it, else one
// made of the contact's internal id.
func addressIDFor(no, contactID, first string) string {
	if contactID == "" || first == "" || first == contactID {
		return contact.AddressExternalID(no)
	}
	return contact.AddressExternalID(contactID)
}

// wanted returns the external id of the contact's present number.
func (w *work) wanted() string { return contact.ExternalID(w.contact.No) }

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

// formerly reports whether an external id is one that this contact's customer was
// saved under: made of a number that it had, or of its internal id. address is the
// external id that the address was saved under then.
func (w *work) formerly(ctx context.Context, externalID string) (address string, ours bool, err error) {
	no, isOurs := strings.CutSuffix(externalID, contact.ExternalID(""))
	switch {
	case !isOurs || no == "" || w.contact.ID == "":
		return "", false, nil
	case externalID == parked(w.contact.ID):
		return w.row.AddressExternalID, true, nil
	}
	n, err := w.cfg.Ledger.Number(ctx, no)
	if err != nil {
		return "", false, ledgerError("find the state of contact "+no, err)
	}
	if !slices.Contains(n.LedTo, w.contact.ID) {
		return "", false, nil
	}
	others, err := w.carriers(ctx, n, externalID)
	// Whoever saves an external id first sees to it that no other state names it any
	// more. So nobody did whom the number led to last, as long as another one does.
	ours = len(others) == 0 || n.Key != w.key
	for _, other := range others {
		ours = ours && (other.CustomerID == "" || other.ExternalID != externalID)
	}
	return addressIDFor(no, w.contact.ID, n.First), ours, err
}

// announce lets the contact's number lead here, before the claim that precedes the
// first call which saves its external id: a state that names an external id was
// announced before it did. A contact that may have saved it already does not
// announce that again, so that it can be seen who came later.
func (w *work) announce(ctx context.Context, n Number) error {
	if n.Key == w.key {
		return nil
	}
	if slices.Contains(n.LedTo, w.contact.ID) {
		own, err := w.cfg.Ledger.State(ctx, w.key)
		if err != nil && !errors.Is(err, ErrNoState) {
			return ledgerError("read the state of "+w.ref().String(), err)
		}
		if own.mayCarry(w.wanted()) {
			return nil
		}
	}
	_, err := w.point(ctx)
	return err
}

func (w *work) point(ctx context.Context) (Number, error) {
	n, err := w.cfg.Ledger.Point(ctx, w.contact.No, w.contact.ID)
	if err != nil {
		return n, ledgerError("store the number of "+w.ref().String(), err)
	}
	return n, nil
}

// lookAround looks up, under the claim, whose customers may carry the external id of
// the contact's number.
func (w *work) lookAround(ctx context.Context) error {
	n, err := w.cfg.Ledger.Number(ctx, w.contact.No)
	if err != nil {
		return ledgerError("find who had the number "+w.ref().String(), err)
	}
	if !slices.Contains(n.LedTo, w.contact.ID) {
		if n, err = w.point(ctx); err != nil {
			return err
		}
	}
	return w.meet(ctx, n)
}

// meet remembers what others have to do with the number.
func (w *work) meet(ctx context.Context, n Number) (err error) {
	w.first, w.last = n.First, n.Key
	if w.others, err = w.carriers(ctx, n, w.wanted()); err != nil {
		return err
	}
	// Those whose customer is known come first. Of the others it is not the one that
	// announced itself last: it would have seen to it that no other is left.
	rank := func(s State) int {
		switch {
		case s.CustomerID != "":
			return 0
		case s.Key() != w.last:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(w.others, func(a, b State) int { return rank(a) - rank(b) })
	return w.addressBegun(ctx, &w.row, w.row.Begun)
}

// addressBegun sets the external id of an address that was never recorded, if claims
// with these external ids may have saved it: the first of them chose it, and the
// others kept to that.
func (w *work) addressBegun(ctx context.Context, s *State, begun []string) error {
	for _, externalID := range begun {
		no, isOurs := strings.CutSuffix(externalID, contact.ExternalID(""))
		if s.AddressExternalID != "" || s.ContactID == "" || !isOurs || no == "" || externalID == parked(s.ContactID) {
			continue
		}
		n, err := w.cfg.Ledger.Number(ctx, no)
		if err != nil {
			return ledgerError("find the state of contact "+no, err)
		}
		if slices.Contains(n.LedTo, s.ContactID) {
			s.AddressExternalID = addressIDFor(no, s.ContactID, n.First)
		}
	}
	return nil
}

// carriers returns the states of the other contacts that had a number and whose
// customers may carry its external id.
func (w *work) carriers(ctx context.Context, n Number, externalID string) ([]State, error) {
	var carriers []State
	for _, id := range n.LedTo {
		if id == w.contact.ID {
			continue
		}
		s, err := w.cfg.Ledger.State(ctx, Key{ID: id})
		switch {
		case errors.Is(err, ErrNoState):
		case err != nil:
			return nil, ledgerError("read the state of contact "+id, err)
		case s.mayCarry(externalID):
			carriers = append(carriers, s)
		}
	}
	return carriers, nil
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
	if len(w.others) == 0 || w.last == w.key {
		return nil
	}
	w.others, w.last = nil, w.key
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
		return ledgerError("store the external id of "+row.Ref().String(), err)
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
