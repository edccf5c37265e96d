package ipaas

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"contactsync/shared/customer"
	"contactsync/shared/outbound"
	"contactsync/shared/transfer"
)

// maxPages bounds a search. One for an exact e-mail address has one page unless
// the other side ignores the filter, and then reading everything is no help.
const maxPages = 20

// Customer returns one customer as it stands; see [transfer.Target].
//
// Source: ipaas.md 6.1.
func (c *Client) Customer(ctx context.Context, id string) (transfer.Existing, error) {
	r := request{op: "read customer " + id, method: http.MethodGet, path: pathCustomer(id)}
	if err := checkID(id); err != nil {
		return transfer.Existing{}, err
	}
	answer, err := c.send(ctx, r)
	if err != nil {
		return transfer.Existing{}, err
	}
	if !succeeded(answer) {
		return transfer.Existing{}, judge(r, answer)
	}
	return known(r, answer, id, func() (transfer.Existing, error) { return decodeCustomer(answer.Body, c.systemID) })
}

// CustomersByEmail returns the customers with that e-mail address; see
// [transfer.Target]. What comes back is compared once more: the filter may be
// coarser than we are.
//
// Source: ipaas.md 4.1 (filter style A, paging), 6.1.
func (c *Client) CustomersByEmail(ctx context.Context, email string) ([]transfer.Existing, error) {
	email = strings.TrimSpace(email)
	r := request{op: "search customers by e-mail address", method: http.MethodGet, path: routeCustomers, values: []string{email}}
	var found []transfer.Existing
	seen := map[string]bool{}
	for page := 1; ; page++ {
		r.query = "action=equals&EmailAddress=" + url.QueryEscape(email)
		if page > 1 {
			r.query += "&pageNumber=" + strconv.Itoa(page)
		}
		answer, err := c.send(ctx, r)
		switch {
		case err != nil:
			return nil, err
		case absent(answer):
			return found, nil
		case !succeeded(answer):
			return nil, judge(r, answer)
		}
		customers, err := c.decodeSearch(r, answer)
		if err != nil {
			return nil, err
		}
		for _, e := range customers {
			if strings.EqualFold(e.Email, email) && !seen[e.ID] {
				seen[e.ID] = true
				found = append(found, e)
			}
		}
		current, total := pages(answer.Header)
		if current != page || total <= page {
			return found, nil
		}
		if total > maxPages {
			return nil, transfer.DestinationUnavailable.Fail(r.op,
				"a search for one e-mail address gives %d pages: iPaaS.com seems to ignore the filter", total)
		}
	}
}

// decodeSearch reads one page: a bare array, nothing, or null.
func (c *Client) decodeSearch(r request, answer *outbound.Answer) ([]transfer.Existing, error) {
	switch body := bytes.TrimSpace(answer.Body); {
	case len(body) == 0 || string(body) == "null":
		return nil, nil
	case body[0] != '[' || !json.Valid(body):
		return nil, notUnderstood(r, answer, "a JSON array of customers")
	}
	items := elements(answer.Body)
	found := make([]transfer.Existing, 0, len(items))
	for _, item := range items {
		e, err := decodeCustomer(item, c.systemID)
		if err != nil {
			return nil, notUnderstood(r, answer, "a JSON array of customers with their ids")
		}
		found = append(found, e)
	}
	return found, nil
}

// pages reads the header X-Pagination, {"current_Page":1,"total_Pages":3}. Both
// are 0 when it is missing or cannot be read.
func pages(header http.Header) (current, total int) {
	members, _ := membersOf([]byte(header.Get("X-Pagination")))
	for _, m := range members {
		name := string(m.name)
		text, _ := textOf(m.raw)
		number, err := strconv.Atoi(text)
		switch {
		case err != nil:
		case strings.EqualFold(name, "current_page"):
			current = number
		case strings.EqualFold(name, "total_pages"):
			total = number
		}
	}
	return current, total
}

// Create makes a customer with external id, custom fields and address in one
// call; see [transfer.Target]. A success that does not show the new customer is
// followed by a look-up.
//
// Source: ipaas.md 6.1, 7, 8; 14 no. 1.
func (c *Client) Create(ctx context.Context, body customer.Customer) (transfer.Existing, error) {
	r := c.writing("create customer", http.MethodPost, routeCustomer, body)
	r.once = true
	answer, err := c.send(ctx, r)
	if err != nil {
		return transfer.Existing{}, err
	}
	if !succeeded(answer) {
		return transfer.Existing{}, judge(r, answer)
	}
	if created, _, err := decodeHead(answer.Body, c.systemID); err == nil {
		return created, nil
	}
	if id, err := decodeLookUp(answer.Body); err == nil && id != "" {
		return transfer.Existing{ID: id}, nil
	}
	return c.created(ctx, r, answer, body)
}

// created looks for the customer that a create is said to have made.
func (c *Client) created(ctx context.Context, r request, answer *outbound.Answer, body customer.Customer) (transfer.Existing, error) {
	unknown := notUnderstood(r, answer, "the customer that was created")
	if e, ok := errors.AsType[*transfer.Error](unknown); ok {
		e.Err = transfer.ErrUnknownOutcome
	}
	if body.ExternalID != "" {
		id, err := c.CustomerByExternalID(ctx, body.ExternalID)
		if err != nil || id == "" {
			return transfer.Existing{}, unknown
		}
		return transfer.Existing{ID: id, LinksKnown: true, ExternalID: body.ExternalID}, nil
	}
	found, err := c.CustomersByEmail(ctx, body.Text("email_address"))
	if err != nil || len(found) != 1 {
		return transfer.Existing{}, unknown
	}
	return found[0], nil
}

// Update changes the members that are sent and leaves the others; see
// [transfer.Target]. External ids travel only where body has them.
//
// Source: ipaas.md 6.1; 14 no. 1 and 2.
func (c *Client) Update(ctx context.Context, id string, body customer.Customer) (transfer.Existing, error) {
	r := c.writing("update customer "+id, http.MethodPut, pathCustomer(id), body)
	if err := checkID(id); err != nil {
		return transfer.Existing{}, err
	}
	answer, err := c.send(ctx, r)
	if err != nil {
		return transfer.Existing{}, err
	}
	if !succeeded(answer) {
		return transfer.Existing{}, judge(r, answer)
	}
	if len(bytes.TrimSpace(answer.Body)) == 0 {
		return transfer.Existing{ID: id}, nil
	}
	return known(r, answer, id, func() (transfer.Existing, error) {
		e, _, err := decodeHead(answer.Body, c.systemID)
		return e, err
	})
}

// writing prepares a call that carries a customer.
func (c *Client) writing(op, method, path string, body customer.Customer) request {
	r := request{op: op, method: method, path: path, body: AppendBody(nil, body, c.systemID), record: true, values: valuesOf(body)}
	for _, field := range body.CustomFields {
		r.fields = append(r.fields, field.Name)
	}
	return r
}

// known reads the answer to a call about a customer whose id is known, and which
// may therefore leave the id out.
func known(r request, answer *outbound.Answer, id string, decode func() (transfer.Existing, error)) (transfer.Existing, error) {
	e, err := decode()
	if err == nil && e.ID == id {
		return e, nil
	}
	return transfer.Existing{}, notUnderstood(r, answer, "a JSON object that is customer "+id)
}

// checkID refuses an id that no record can have before it becomes part of a path.
func checkID(id string) error {
	if sane(id) {
		return nil
	}
	return transfer.Internal.Fail("call iPaaS.com about a customer", "the id is empty or none of iPaaS.com")
}
