package transfer

import (
	"context"
	"errors"
	"slices"

	"contactsync/shared/customer"
)

// Preview says what Transfer would do with a contact, with the body that would be
// sent and the difference to the present customer. It reads both systems and
// writes nothing anywhere. The error is one that leaves a contact unspent; see
// [Runner.Transfer].
func (r *Runner) Preview(ctx context.Context, job Job) (Preview, error) {
	if !r.cfg.Mapping.Enabled() {
		return Preview{Transfer: r.disabled(job)}, nil
	}
	w := &work{Runner: r, job: job, started: r.now()}
	p := Preview{}
	action, err := w.rehearse(ctx, &p)
	outcome, unspent := w.sort(ctx, err)
	if unspent != nil {
		p.Transfer = w.pending()
		return p, unspent
	}
	if outcome != nil {
		p.Request, p.Changes = nil, nil
	}
	p.Attempt = w.attempt(action, outcome)
	ref := w.ref()
	p.ID, p.ContactNo, p.ContactID, p.CustomerID = ref.String(), ref.No, ref.ID, w.customerID
	if w.isRead {
		p.ContactID = w.contact.ID
	}
	return p, nil
}

// rehearse walks through the steps of Transfer without claiming and writing.
func (w *work) rehearse(ctx context.Context, p *Preview) (Action, error) {
	if err := w.look(ctx); err != nil {
		return None, err
	}
	if err := w.mapFields(ctx); err != nil {
		return None, err
	}
	present, action, err := w.foresee(ctx)
	if err != nil {
		return None, err
	}
	body := w.body(action == Created || action == Linked)
	p.Request, p.Changes = &body, differences(&body, &present.Customer)
	if present.ID != "" {
		p.Present = &present
	}
	if action == Updated && len(p.Changes) == 0 && w.unchangedBody() {
		action = Unchanged
	}
	return action, nil
}

// look reads the contact and what the store knows of it.
func (w *work) look(ctx context.Context) error {
	if err := w.read(ctx); err != nil {
		return err
	}
	h, err := w.hasher(ctx)
	if err != nil {
		return &Error{Fault: Internal, Op: "read the secret", Detail: "the secret cannot be read", Stop: true, Err: err}
	}
	w.hash, w.key = h, KeyFor(&w.contact)
	w.fingerprint = w.fingerprintOf(h, &w.contact)
	row, err := w.cfg.Ledger.State(ctx, w.key)
	if err != nil && !errors.Is(err, ErrNoState) {
		return ledgerError("read the state of "+w.ref().String(), err)
	}
	row.endClaim() // one that is alive may end so
	w.row = row
	w.customerID = row.CustomerID
	if !w.mayMeetOther() {
		return nil
	}
	n, err := w.cfg.Ledger.Number(ctx, w.contact.No)
	if err != nil {
		return ledgerError("find who had the number "+w.ref().String(), err)
	}
	return w.meet(ctx, n)
}

// foresee says which customer would be written, and how.
func (w *work) foresee(ctx context.Context) (Existing, Action, error) {
	if w.row.CustomerID == "" {
		if err := w.recall(ctx); err != nil {
			return Existing{}, None, err
		}
	}
	if w.row.CustomerID != "" {
		present, err := w.cfg.Target.Customer(ctx, w.row.CustomerID)
		switch {
		case errors.Is(err, ErrGone):
			w.customerID = ""
		case err != nil:
			return present, None, err
		case !w.cfg.Mapping.Updates():
			return present, None, w.notTriggered("Contact Update", "linked to customer "+present.ID)
		default:
			return present, Updated, nil
		}
	}
	id, err := w.carrier(ctx)
	if err != nil {
		return Existing{}, None, err
	}
	action := Updated
	if id == "" {
		if !w.cfg.Mapping.Creates() {
			return Existing{}, None, w.notTriggered("Contact Create", "not linked to a customer")
		}
		if id, err = w.matchByEmail(ctx); err != nil || id == "" {
			return Existing{}, Created, err
		}
		action = Linked
	}
	present, err := w.cfg.Target.Customer(ctx, id)
	if errors.Is(err, ErrGone) {
		return Existing{}, Created, nil
	}
	w.customerID = id
	return present, action, err
}

// carrier returns the customer that carries the external id of our number, "" when
// none does or when it is another contact's and would have to give the id free.
func (w *work) carrier(ctx context.Context) (string, error) {
	for i := range w.others {
		now, err := w.ownerNow(ctx, &w.others[i])
		if err != nil || now == movedOn {
			return "", err
		}
	}
	return w.cfg.Target.CustomerByExternalID(ctx, w.wanted())
}

// differences lists what a body would change in the present customer. What it
// does not send stays as it is and is not listed.
func differences(body, present *customer.Customer) []Change {
	aligned := *present
	aligned.Addresses = nil
	for _, a := range body.Addresses {
		aligned.Addresses = append(aligned.Addresses, sameAddress(a, present.Addresses))
	}
	was := map[string]string{}
	for _, f := range flatten(&aligned) {
		was[f.name] = f.value
	}
	changes := []Change{}
	for _, f := range flatten(body) {
		// PreventDuplicate is an instruction to iPaaS.com, not a value that is kept.
		if f.name != "addresses.prevent_duplicate" && was[f.name] != f.value {
			changes = append(changes, Change{Field: f.name, From: was[f.name], To: f.value})
		}
	}
	return changes
}

func sameAddress(a customer.Address, present []customer.Address) customer.Address {
	i := slices.IndexFunc(present, func(p customer.Address) bool { return p.ExternalID == a.ExternalID })
	if i < 0 {
		return customer.Address{}
	}
	return present[i]
}
