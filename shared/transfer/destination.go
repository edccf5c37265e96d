package transfer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"contactsync/shared/customer"
)

// save creates or updates the customer. A contact that the store knows as linked
// costs one call; any other is looked up by external id and e-mail before it is
// created, so that whatever died before cannot double it (guarantee 2).
func (w *work) save(ctx context.Context) (Action, error) {
	if w.row.CustomerID == "" {
		if err := w.recall(ctx); err != nil {
			return None, err
		}
	}
	if w.row.CustomerID == "" {
		return w.saveUnlinked(ctx)
	}
	if !w.cfg.Mapping.Updates() {
		return None, w.notTriggered("Contact Update", "linked to customer "+w.row.CustomerID)
	}
	err := w.moveExternalID(ctx)
	if err == nil {
		err = w.update(ctx, w.row.CustomerID, false)
	}
	if !errors.Is(err, ErrGone) {
		return Updated, err
	}
	// The customer was removed behind our back: it is created again (guarantee 9).
	w.customerID, w.externalID, w.addressID = "", "", ""
	w.row.CustomerID, w.row.ExternalID, w.row.AddressExternalID, w.row.SentHashes = "", "", "", nil
	return w.saveUnlinked(ctx)
}

func (w *work) notTriggered(trigger, why string) error {
	return &skip{fmt.Sprintf("the mapping collection has no trigger %s, and the contact is %s", trigger, why)}
}

func (w *work) saveUnlinked(ctx context.Context) (Action, error) {
	if err := w.freeNumber(ctx); err != nil {
		return None, err
	}
	id, err := w.cfg.Target.CustomerByExternalID(ctx, w.wanted())
	if err != nil {
		return None, err
	}
	if id != "" {
		return w.adopt(ctx, id, Updated)
	}
	return w.createOrLink(ctx)
}

// createOrLink makes a customer, unless one with the same e-mail is to be linked.
func (w *work) createOrLink(ctx context.Context) (Action, error) {
	if !w.cfg.Mapping.Creates() {
		return None, w.notTriggered("Contact Create", "not linked to a customer")
	}
	match, err := w.matchByEmail(ctx)
	if err != nil {
		return None, err
	}
	if match != "" {
		return Linked, w.update(ctx, match, true)
	}
	return w.create(ctx)
}

// adopt updates the customer that carries our external id already: the table was
// restored to an earlier time, or an earlier create died before its outcome was
// stored.
func (w *work) adopt(ctx context.Context, id string, action Action) (Action, error) {
	if !w.cfg.Mapping.Updates() && action == Updated {
		w.customerID, w.externalID = id, w.wanted()
		return None, w.notTriggered("Contact Update", "linked to customer "+id)
	}
	err := w.update(ctx, id, false)
	if errors.Is(err, ErrGone) && action == Updated {
		return w.createOrLink(ctx)
	}
	return action, err
}

// matchByEmail decides what an existing customer with the same e-mail means
// (seed, iPaaS.com Caveats; COLLISION_METHOD). It returns the customer to link
// with, "" when there is none.
func (w *work) matchByEmail(ctx context.Context) (string, error) {
	matches, err := w.cfg.Target.CustomersByEmail(ctx, w.mapped.Customer.Text("email_address"))
	if err != nil {
		return "", err
	}
	return w.decideMatch(ctx, matches)
}

// decideMatch applies the collision method to the customers that hold the e-mail.
func (w *work) decideMatch(ctx context.Context, matches []Existing) (string, error) {
	if len(matches) == 0 {
		return "", nil
	}
	op := "save customer of contact " + w.ref().String()
	if len(matches) > 1 {
		return "", DuplicateContact.Fail(op, "customers %s hold the same e-mail address", ids(matches))
	}
	match := matches[0]
	if match.Inactive {
		return "", DuplicateContact.Fail(op, "customer %s holds the e-mail address and is inactive; it is left alone: reactivate or change it in iPaaS.com, then replay", match.ID)
	}
	linkedTo := match.ExternalID
	if !match.LinksKnown && w.cfg.Policy.UpdateAndLink {
		var err error
		if linkedTo, err = w.cfg.Target.ExternalIDOf(ctx, match.ID); err != nil {
			return "", err
		}
	}
	switch {
	case linkedTo == w.wanted():
		return match.ID, nil // our own: an earlier create whose link shows up late
	case linkedTo != "":
		address, ours, err := w.formerly(ctx, linkedTo)
		if err != nil {
			return "", err
		}
		if ours { // created before the contact got its present number
			w.row.AddressExternalID = cmp.Or(w.row.AddressExternalID, address)
			return match.ID, nil
		}
		return "", DuplicateContact.Fail(op, "customer %s holds the e-mail address and is linked to %s", match.ID, linkedTo)
	case !w.cfg.Policy.UpdateAndLink:
		return "", DuplicateContact.Fail(op, "customer %s holds the e-mail address and is not linked; COLLISION_METHOD=UPDATE_AND_LINK would link it", match.ID)
	}
	return match.ID, nil
}

func ids(matches []Existing) string {
	list := make([]string, len(matches))
	for i, m := range matches {
		list[i] = m.ID
	}
	return strings.Join(list, ", ")
}

// create makes the customer in one call. A refusal because e-mail or external id
// are taken, and an unknown outcome, are settled by one more look-up: the holder
// may be our own (guarantee 2b).
func (w *work) create(ctx context.Context) (Action, error) {
	w.mayHaveSent = true
	made, err := w.cfg.Target.Create(ctx, w.body(true))
	if err == nil {
		w.sentTo(made.ID)
		return Created, nil
	}
	if !errors.Is(err, ErrTaken) && !errors.Is(err, ErrUnknownOutcome) {
		// A create that was held back for the rate was not carried out.
		w.mayHaveSent = !refused(err) && !errors.Is(err, ErrThrottled)
		return None, err
	}
	id, lookErr := w.cfg.Target.CustomerByExternalID(ctx, w.wanted())
	switch {
	case lookErr != nil && (StopsRun(lookErr) || cut(ctx)):
		return None, lookErr
	case lookErr != nil || id == "":
		return None, err
	}
	return w.adopt(ctx, id, Created)
}

// update changes the customer; with link, its external id travels along.
func (w *work) update(ctx context.Context, id string, link bool) error {
	w.mayHaveSent = true
	answer, err := w.cfg.Target.Update(ctx, id, w.body(link))
	if err != nil {
		w.customerID = w.row.CustomerID
		w.mayHaveSent = !refused(err)
		return err
	}
	want := w.wanted()
	if answer.LinksKnown && answer.ExternalID != "" && answer.ExternalID != want {
		w.customerID = w.row.CustomerID
		return DuplicateContact.Fail("update customer "+id+" of contact "+w.ref().String(),
			"customer %s is linked to %s in iPaaS.com", id, answer.ExternalID)
	}
	w.sentTo(id)
	return nil
}

// refused reports whether the answer proves that nothing was changed.
func refused(err error) bool {
	return FaultOf(err) != Internal && FaultOf(err) != DestinationUnavailable && !errors.Is(err, ErrUnknownOutcome)
}

func (w *work) sentTo(id string) {
	w.sent = true
	w.customerID, w.externalID = id, w.wanted()
	w.addressID = w.row.AddressExternalID
	if len(w.mapped.Customer.Addresses) > 0 {
		w.addressID = w.addressExternalID()
	}
}

// addressExternalID is what the address is saved under: it keeps its first one
// when the contact gets another number (guarantee 2f).
func (w *work) addressExternalID() string {
	return cmp.Or(w.row.AddressExternalID, addressIDFor(w.contact.No, w.contact.ID, w.first))
}

// body returns the mapped customer with the external ids that travel along.
func (w *work) body(withExternalID bool) customer.Customer {
	body := w.mapped.Customer
	if withExternalID {
		body.ExternalID = w.wanted()
	}
	if len(body.Addresses) > 0 {
		body.Addresses = append([]customer.Address(nil), body.Addresses...)
		body.Addresses[0].ExternalID = w.addressExternalID()
	}
	return body
}
