package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"contactsync/shared/app"
	"contactsync/shared/contact"
	"contactsync/shared/mapping"
	"contactsync/shared/poll"
	"contactsync/shared/status"
	"contactsync/shared/transfer"
)

// A reconciliation compares both sides and writes nothing. Contacts stream past;
// what stays in memory is one key for each of them and what is found.
type reconciliation struct {
	app    *app.App
	runner *transfer.Runner
	tick   func() // after each contact

	mu     sync.Mutex
	seen   map[transfer.Key]struct{}
	report report
}

// A report is what a reconciliation found.
type report struct {
	Read      int       `json:"read"`
	LeftOut   int       `json:"left_out"` // by the mapping's filter or triggers
	Equal     int       `json:"equal"`    // customers that are as the mapping says
	Missing   []finding `json:"missing"`
	Differing []finding `json:"differing"`
	Orphaned  []finding `json:"orphaned"`
}

// A finding is one contact or customer that is not as it should be.
type finding struct {
	ID         string       `json:"id"`
	ContactID  string       `json:"contact_id"`
	CustomerID string       `json:"customer_id"`
	Reason     string       `json:"reason"`
	Fields     []difference `json:"fields,omitempty"`
}

// A difference is a field whose values differ. The values are shown only to those
// who ask for them.
type difference struct {
	Field string  `json:"field"`
	From  *string `json:"from,omitempty"` // in iPaaS.com now
	To    *string `json:"to,omitempty"`   // as the mapping says
}

// reconcile reads every contact, and then the customers whose contact was not among
// them.
func reconcile(ctx context.Context, a *app.App, tick func()) (*report, error) {
	if !a.Mapping.Enabled() {
		return nil, errors.New("the mapping collection is disabled, so no customer is expected and there is nothing to compare")
	}
	runner, err := a.Runner()
	if err != nil {
		return nil, err
	}
	r := &reconciliation{app: a, runner: runner, tick: tick, seen: map[transfer.Key]struct{}{}}
	r.report.Missing, r.report.Differing, r.report.Orphaned = []finding{}, []finding{}, []finding{}
	if err := r.contacts(ctx); err != nil {
		return nil, err
	}
	if err := r.customers(ctx); err != nil {
		return nil, err
	}
	for _, list := range [][]finding{r.report.Missing, r.report.Differing, r.report.Orphaned} {
		slices.SortFunc(list, func(a, b finding) int { return strings.Compare(a.ID, b.ID) })
	}
	return &r.report, nil
}

// contacts compares every contact with its customer, as many at once as a run does.
func (r *reconciliation) contacts(ctx context.Context) error {
	group, inside := errgroup.WithContext(ctx)
	group.SetLimit(r.app.Config.Workers)
	var broken error
	for item, err := range r.app.Source.Changed(inside, poll.Window{}) {
		if err != nil || inside.Err() != nil {
			broken = errors.Join(err, inside.Err())
			break
		}
		if item.Contact == nil || !r.first(transfer.KeyFor(item.Contact)) {
			continue // the end of a page, or a contact that was edited meanwhile and came again
		}
		group.Go(func() error { return r.compare(inside, item.Contact) })
	}
	// A comparison that failed explains why reading ended, and not the other way round.
	if err := group.Wait(); err != nil {
		return err
	}
	return broken
}

func (r *reconciliation) first(key transfer.Key) bool {
	_, again := r.seen[key] // the reader's own: comparisons do not touch it
	r.seen[key] = struct{}{}
	return !again
}

// compare says how one contact and its customer stand to each other, by what a
// transfer would do.
func (r *reconciliation) compare(ctx context.Context, c *contact.Contact) error {
	p, err := r.runner.Preview(ctx, transfer.Job{Contact: c, Trigger: transfer.ByManual})
	found := finding{ID: c.Ref().String(), ContactID: c.ID, CustomerID: p.CustomerID}
	list := &r.report.Differing
	switch {
	case errors.Is(err, status.ErrDamaged): // the others are compared all the same
		found.Reason = "what is stored here of it is damaged: contactsync forget " + typed(found.ID) + " erases it"
	case err != nil:
		return err
	default:
		if list, err = r.sort(ctx, c, &p, &found); err != nil {
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Read++
	r.tick()
	switch {
	case list != nil:
		*list = append(*list, found)
	case p.Status == transfer.Skipped:
		r.report.LeftOut++
	default:
		r.report.Equal++
	}
	return nil
}

// sort returns the list that a contact belongs to, nil when all is well, and words
// the reason.
func (r *reconciliation) sort(ctx context.Context, c *contact.Contact, p *transfer.Preview, found *finding) (*[]finding, error) {
	switch {
	case p.Status == transfer.Skipped:
		return r.sortLeftOut(ctx, c, p, found)
	case p.Problem != nil:
		return r.sortFailing(ctx, c, p, found)
	case p.Present == nil:
		found.Reason = "a transfer would create its customer"
		return &r.report.Missing, nil
	case p.Action == transfer.Linked:
		found.Reason = "a transfer would link customer " + p.Present.ID + ", which has its e-mail address"
		found.CustomerID = ""
		return &r.report.Missing, nil
	}
	found.Fields = differencesOf(c, p)
	if len(found.Fields) == 0 {
		return nil, nil
	}
	found.Reason = "the customer is not as the mapping says"
	return &r.report.Differing, nil
}

// differencesOf lists the fields that a transfer would change, and the external id
// where the customer does not carry the contact's.
func differencesOf(c *contact.Contact, p *transfer.Preview) []difference {
	var list []difference
	for _, change := range p.Changes {
		list = append(list, difference{change.Field, &change.From, &change.To})
	}
	if want := contact.ExternalID(c.No); p.Present.LinksKnown && p.Present.ExternalID != want {
		list = append(list, difference{"external_ids", &p.Present.ExternalID, &want})
	}
	return list
}

// sortLeftOut tells a customer whose contact the filter leaves out, which is an
// orphan, from one that only a missing trigger keeps as it is.
func (r *reconciliation) sortLeftOut(ctx context.Context, c *contact.Contact, p *transfer.Preview, found *finding) (*[]finding, error) {
	if p.CustomerID == "" {
		return nil, nil
	}
	result, err := r.app.Mapping.Apply(ctx, c, mapping.Options{SystemID: r.app.Config.IPaaSSystemID, Links: noLinks{}})
	if err != nil || result.Skipped == "" {
		return nil, err
	}
	alive, err := r.alive(ctx, p.CustomerID)
	if err != nil || !alive {
		return nil, err
	}
	found.Reason = "its contact is left out: " + p.Reason
	return &r.report.Orphaned, nil
}

// noLinks answers that nothing is linked: whether a filter passes is known before
// any link is asked for.
type noLinks struct{}

func (noLinks) SpaceportID(context.Context, string, string, string) (string, error) { return "", nil }

// sortFailing looks for the customer of a contact that cannot be transferred now.
func (r *reconciliation) sortFailing(ctx context.Context, c *contact.Contact, p *transfer.Preview, found *finding) (*[]finding, error) {
	found.Reason = why(p.Attempt)
	if found.CustomerID == "" {
		id, err := r.app.Target.CustomerByExternalID(ctx, contact.ExternalID(c.No))
		if err != nil {
			return nil, err
		}
		found.CustomerID = id
	}
	if found.CustomerID == "" {
		return &r.report.Missing, nil
	}
	alive, err := r.alive(ctx, found.CustomerID)
	if err != nil || alive {
		return &r.report.Differing, err
	}
	found.CustomerID = ""
	return &r.report.Missing, nil
}

// alive reports whether iPaaS.com has the customer and does not say that it is
// inactive.
func (r *reconciliation) alive(ctx context.Context, id string) (bool, error) {
	existing, err := r.app.Target.Customer(ctx, id)
	if errors.Is(err, transfer.ErrGone) {
		return false, nil
	}
	return err == nil && !existing.Inactive, err
}

// customers looks at the customers that this connection wrote and whose contact was
// not read: their contact is asked for once more, since one that was edited or
// renumbered meanwhile is no orphan.
func (r *reconciliation) customers(ctx context.Context) error {
	for _, st := range []transfer.Status{transfer.Succeeded, transfer.Skipped, transfer.Failed, transfer.Retrying} {
		q := status.Query{Status: st, Limit: 200}
		for {
			page, err := r.app.Store.Transfers(ctx, q)
			if err != nil {
				return err
			}
			for _, t := range page.Transfers {
				if err := r.customer(ctx, t); err != nil {
					return err
				}
			}
			if q.Cursor = page.NextCursor; q.Cursor == "" {
				break
			}
		}
	}
	return nil
}

func (r *reconciliation) customer(ctx context.Context, t transfer.Transfer) error {
	ref, key := contact.Ref{ID: t.ContactID}, transfer.Key{ID: t.ContactID}
	if t.ContactID == "" {
		ref, key = contact.Ref{No: t.ContactNo}, transfer.Key{No: contact.Key(t.ContactNo)}
	}
	if t.CustomerID == "" || !r.first(key) {
		return nil
	}
	c, err := r.app.Source.Contact(ctx, ref)
	if err == nil {
		return r.compare(ctx, &c)
	}
	if !errors.Is(err, transfer.ContactNotFound) {
		return err
	}
	alive, err := r.alive(ctx, t.CustomerID)
	if err != nil || !alive {
		return err
	}
	r.report.Orphaned = append(r.report.Orphaned, finding{
		ID: t.ID, ContactID: t.ContactID, CustomerID: t.CustomerID, Reason: "its contact is gone from Business Central",
	})
	return nil
}

// withoutValues leaves the names of the fields.
func (r *report) withoutValues() {
	for _, found := range r.Differing {
		for i := range found.Fields {
			found.Fields[i].From, found.Fields[i].To = nil, nil
		}
	}
}

// found counts what is not as it should be.
func (r *report) found() int { return len(r.Missing) + len(r.Differing) + len(r.Orphaned) }

func (d difference) String() string {
	if d.From == nil {
		return d.Field
	}
	return fmt.Sprintf("%s: %q, should be %q", d.Field, *d.From, *d.To)
}
