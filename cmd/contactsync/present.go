package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"contactsync/shared/app"
	"contactsync/shared/contact"
	"contactsync/shared/customer"
	"contactsync/shared/mapping"
	"contactsync/shared/transfer"
)

// present is what both systems have of a contact now. It is read when it is asked
// for and kept nowhere.
type present struct {
	Contact  []namedText `json:"business_central"` // under the model names; empty when the contact is gone
	Customer []namedText `json:"ipaas"`            // under the API's names; empty when there is no customer
	Notes    []string    `json:"notes,omitempty"`
}

type namedText struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func readPresent(ctx context.Context, a *app.App, t transfer.Transfer) (*present, error) {
	p := &present{Contact: []namedText{}, Customer: []namedText{}}
	ref := contact.Ref{ID: t.ContactID}
	if t.ContactID == "" {
		ref = contact.Ref{No: t.ContactNo}
	}
	c, err := a.Source.Contact(ctx, ref)
	switch {
	case errors.Is(err, transfer.ContactNotFound):
		p.Notes = append(p.Notes, "Business Central has no such contact any more")
	case err != nil:
		return nil, err
	default:
		for _, v := range mapping.ValuesOf(&c) {
			p.Contact = append(p.Contact, namedText{v.Name, v.Text})
		}
	}
	id := t.CustomerID
	if id == "" && t.ContactNo != "" {
		if id, err = a.Target.CustomerByExternalID(ctx, contact.ExternalID(t.ContactNo)); err != nil {
			return nil, err
		}
	}
	if id == "" {
		p.Notes = append(p.Notes, "iPaaS.com has no customer with its external id")
		return p, nil
	}
	existing, err := a.Target.Customer(ctx, id)
	switch {
	case errors.Is(err, transfer.ErrGone):
		p.Notes = append(p.Notes, "customer "+id+" is gone from iPaaS.com")
	case err != nil:
		return nil, err
	default:
		p.Customer = customerTexts(&existing.Customer)
	}
	return p, nil
}

// customerTexts lists a customer's values under the names of previews and stories.
func customerTexts(c *customer.Customer) []namedText {
	list := fieldTexts("", c.Fields)
	for _, f := range c.CustomFields {
		list = append(list, namedText{"custom_fields." + f.Name, f.Value})
	}
	for i, a := range c.Addresses {
		prefix := "addresses."
		if i > 0 {
			prefix = fmt.Sprintf("addresses[%d].", i)
		}
		list = append(list, fieldTexts(prefix, a.Fields)...)
	}
	return list
}

func fieldTexts(prefix string, values []customer.Value) []namedText {
	var list []namedText
	for _, v := range values {
		list = append(list, namedText{prefix + v.Field, fmt.Sprint(v.Value)})
	}
	return list
}

func (s *session) presentText(w io.Writer, p *present) {
	for _, side := range []struct {
		title, column string
		values        []namedText
	}{
		{"Business Central has now:", "model name", p.Contact}, {"iPaaS.com has now:", "field", p.Customer},
	} {
		if len(side.values) == 0 {
			continue
		}
		fmt.Fprintf(w, "\n%s\n", side.title)
		t := s.sheet(side.column, "value")
		for _, v := range side.values {
			t.row(v.Name, v.Value)
		}
		t.render(w)
	}
	for _, note := range p.Notes {
		fmt.Fprintf(w, "\n%s.\n", note)
	}
}
