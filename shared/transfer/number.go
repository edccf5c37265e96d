package transfer

import (
	"context"
	"errors"
	"slices"
	"strings"

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
