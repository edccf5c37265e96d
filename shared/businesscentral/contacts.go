package businesscentral

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"contactsync/shared/contact"
	"contactsync/shared/poll"
	"contactsync/shared/transfer"
)

// Contact returns the present version of one contact. It reads by a filter, in
// one call: an empty answer is itself the confirmation that there is none, where a
// 404 for a key would be ambiguous (business-central.md 7.4). It is
// [transfer.ContactNotFound] only then. A service that is not published or lacks
// what the mapping reads is [transfer.SourceUnavailable] and stops the run.
//
// Where the service has no time of change, API v2.0 gives it and the internal id
// (a second call).
func (c *Client) Contact(ctx context.Context, ref contact.Ref) (contact.Contact, error) {
	op := "read contact " + refText(ref)
	if ref.No == "" && !contact.IsGUID(ref.ID) {
		return contact.Contact{}, transfer.ContactNotFound.Fail(op, "it is neither a number nor an internal id")
	}
	s, known := c.service.peek()
	if !known {
		s = c.presumed()
	}
	if s.schema.Strategy == poll.ByStandardAPI || !known && c.timeless.Load() || ref.No == "" && s.id == "" {
		return c.contactByAPI(ctx, op, s, ref)
	}
	rec, err := c.one(ctx, op, s, ref)
	if ref.No == "" && !known {
		if name, ok := unknownProperty(err); ok && strings.EqualFold(name, s.id) {
			return c.contactByAPI(ctx, op, s, ref)
		}
	}
	if err != nil {
		return contact.Contact{}, err
	}
	if !known && !rec.has(fieldModified) && !c.standard() {
		c.timeless.Store(true) // the next one asks the API first
		return c.contactByAPI(ctx, op, s, ref)
	}
	return *rec.contact(), nil
}

// contactFilter is the filter that names one contact: number and internal id
// under the names that they have on the wire.
func contactFilter(ref contact.Ref, no, id string) string {
	if ref.No != "" {
		// Numbers are code fields, which Business Central keeps in upper case.
		return no + " eq " + quote(contact.Key(ref.No))
	}
	return id + " eq " + ref.ID // a GUID literal stands bare (business-central.md 4.2)
}

func refText(ref contact.Ref) string {
	if ref.No != "" {
		return ref.No
	}
	return ref.ID
}

func unknownProperty(err error) (string, bool) {
	said, ok := saidBy(err)
	if !ok {
		return "", false
	}
	return said.unknownProperty()
}

// one reads one contact of the service.
func (c *Client) one(ctx context.Context, op string, s *service, ref contact.Ref) (*record, error) {
	at := c.contacts()
	path, err := c.path(ctx, at)
	if err != nil {
		return nil, err
	}
	path = withOptions(path, option{"$select", s.selected}, option{"$filter", contactFilter(ref, s.no, s.id)})
	rec, err := c.first(ctx, c.walk(op, at.place, s.layout), path, func(rec *record) bool {
		if ref.No != "" {
			return contact.Key(present(rec.text[fieldNo])) == contact.Key(ref.No)
		}
		return internalID(rec.text[fieldID]) == ref.ID
	})
	if err != nil || s.known {
		return rec, err
	}
	return rec, c.complete(at, rec)
}

// complete checks a record that was read whole, without $metadata: Business
// Central leaves no property out, so one that is not there is not on the page.
func (c *Client) complete(at surface, rec *record) error {
	var missing []string
	for _, f := range c.needs.fields {
		if !rec.has(f) {
			missing = append(missing, fmt.Sprintf("%s (%s)", c.profile.wireName(f), fieldNames[f]))
		}
	}
	ct := contact.Contact{AdditionalProperties: rec.extra}
	for _, name := range c.needs.properties {
		if _, ok := ct.Property(name); !ok && !c.standard() {
			missing = append(missing, strings.ReplaceAll(name, " ", "_"))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	shown := &entity{}
	for name := range rec.extra {
		shown.columns = append(shown.columns, column{name: name})
	}
	return c.lacks(at, shown, missing)
}

// first returns the first row that is the one asked for. It is ContactNotFound
// when there are no rows, and an error when the answer holds other ones only.
func (c *Client) first(ctx context.Context, w *walk, path string, asked func(*record) bool) (*record, error) {
	var found *record
	others := 0
	err := w.page(ctx, request{path: path}, func(rec *record) error {
		if !asked(rec) {
			others++
			return nil
		}
		r := *rec
		found = &r
		return errStopped
	})
	switch {
	case found != nil:
		return found, nil
	case err != nil:
		return nil, err
	case others > 0:
		return nil, transfer.SourceUnavailable.Fail(w.op, "%s answered with other records than the one that was asked for", w.where)
	}
	return nil, transfer.ContactNotFound.Fail(w.op, "%s has no such contact", w.where)
}

// contactByAPI reads a contact where API v2.0 has to say something first: which
// number an internal id has, and when it changed. It asks the API before the
// service, so that what the service shows is at least as new as that time.
func (c *Client) contactByAPI(ctx context.Context, op string, s *service, ref contact.Ref) (contact.Contact, error) {
	reason, err := c.standardAPI(ctx)
	if err != nil {
		return contact.Contact{}, err
	}
	var ch change
	if reason == "" {
		if ch, err = c.changeOfOne(ctx, op, ref); err != nil {
			return contact.Contact{}, err
		}
		ref = contact.Ref{No: ch.no}
	} else if ref.No == "" {
		return contact.Contact{}, c.cannotFind(op, reason)
	}
	rec, err := c.one(ctx, op, s, ref)
	if err != nil {
		return contact.Contact{}, err
	}
	ct := *rec.contact()
	// A contact must look the same whether it is read alone or among the changed
	// ones: with its own time of change the service's word counts.
	if reason == "" && (s.schema.Strategy == poll.ByStandardAPI || !s.known && !rec.has(fieldModified)) {
		ct.ID, ct.Modified = ch.id, ch.modified
	}
	return ct, nil
}

// changeOfOne asks API v2.0 for one contact.
func (c *Client) changeOfOne(ctx context.Context, op string, ref contact.Ref) (change, error) {
	path, err := c.path(ctx, standardContacts)
	if err != nil {
		return change{}, err
	}
	path = withOptions(path, option{"$select", apiSelect}, option{"$filter", contactFilter(ref, apiNumber, apiID)})
	rec, err := c.first(ctx, c.walk(op, standardContacts.place, apiLayout()), path, func(rec *record) bool {
		if ref.No != "" {
			return contact.Key(present(rec.text[fieldNo])) == contact.Key(ref.No)
		}
		return internalID(rec.text[fieldID]) == ref.ID && present(rec.text[fieldNo]) != ""
	})
	if err != nil {
		return change{}, err
	}
	return changeOf(rec), nil
}

// IsCustomer reports whether the number or internal id names a customer. It
// explains why a contact was not found, so its failure never stops a run.
func (c *Client) IsCustomer(ctx context.Context, ref contact.Ref) (bool, error) {
	op := "look for customer " + refText(ref)
	at, no := c.webService(c.cfg.CustomerService, "BC_CUSTOMER_SERVICE"), "No"
	if ref.No == "" || c.standard() {
		// The published page shows no internal id; API v2.0 does.
		at, no = surface{place: place{kind: apiRoute, name: "v2.0/customers"}, root: apiV2Root, set: "customers", api: true}, apiNumber
	}
	return c.exists(ctx, op, at, no, ref)
}

// HasCompany reports whether a contact with that number exists, for the detail of
// COMPANY_NOT_FOUND. Its failure never stops a run.
func (c *Client) HasCompany(ctx context.Context, no string) (bool, error) {
	name := c.profile.wireName(fieldNo)
	if s, ok := c.service.peek(); ok {
		name = s.no
	}
	return c.exists(ctx, "look for company "+no, c.contacts(), name, contact.Ref{No: no})
}

// exists reports whether a filter for one record finds any.
func (c *Client) exists(ctx context.Context, op string, at surface, no string, ref contact.Ref) (bool, error) {
	path, err := c.path(ctx, at)
	if err != nil {
		return false, harmless(err)
	}
	selected, f := no, fieldNo
	if ref.No == "" {
		selected, f = apiID, fieldID
	}
	path = withOptions(path, option{"$select", selected}, option{"$filter", contactFilter(ref, no, apiID)})
	_, err = c.first(ctx, c.walk(op, at.place, newLayout(map[string]field{selected: f})), path, func(rec *record) bool {
		if ref.No != "" {
			return contact.Key(present(rec.text[fieldNo])) == contact.Key(ref.No)
		}
		return internalID(rec.text[fieldID]) == ref.ID
	})
	if errors.Is(err, transfer.ContactNotFound) {
		return false, nil
	}
	return err == nil, harmless(err)
}

// harmless returns err without its power to stop a run: what was asked only helps
// to explain. Rejected credentials stop it nevertheless.
func harmless(err error) error {
	e, ok := errors.AsType[*transfer.Error](err)
	if !ok || !e.Stop {
		return err
	}
	shown := *e
	shown.Stop = false
	return &shown
}
