package ipaas

import (
	"context"
	"net/http"
	"strings"

	"contactsync/shared/transfer"
)

// CustomerByExternalID returns the id of the customer that carries the external
// id for our system; see [transfer.Target].
func (c *Client) CustomerByExternalID(ctx context.Context, externalID string) (string, error) {
	return c.lookUp(ctx, "look up external id "+externalID, externalID, tableCustomer, c.systemID)
}

// SpaceportID resolves a link of any table; see [mapping.Links]. The table
// "Customer Company" is called on the wire what Config.CompanyTable says; an
// empty systemID is our own. It asks every time: a [Session] remembers.
func (c *Client) SpaceportID(ctx context.Context, externalID, table, systemID string) (string, error) {
	if externalID = strings.TrimSpace(externalID); externalID == "" {
		return "", nil
	}
	if strings.EqualFold(strings.TrimSpace(table), tableCompany) {
		table = c.companyTable
	}
	if systemID == "" {
		systemID = c.systemID
	}
	return c.lookUp(ctx, "look up "+table+" "+likeEmail.ReplaceAllLiteralString(externalID, masked), externalID, table, systemID)
}

// lookUp asks for the record that carries an external id: in the path where the
// id may stand there, else in a body (ipaas.md 7: LookupSpecial is for ids with
// special characters). Both only read, so they may be repeated.
func (c *Client) lookUp(ctx context.Context, op, externalID, table, systemID string) (string, error) {
	r := request{op: op, method: http.MethodGet, path: pathLookUp(systemID, table, externalID)}
	if !plain(externalID) {
		r.method, r.path = http.MethodPost, routeExternal+"/LookupSpecial"
		r.body = appendLink(nil, table, systemID, externalID)
		r.body = append(r.body, '}')
	}
	answer, err := c.send(ctx, r)
	switch {
	case err != nil:
		return "", err
	case absent(answer):
		return "", nil
	case !succeeded(answer):
		return "", judge(r, answer)
	}
	id, err := decodeLookUp(answer.Body)
	if err != nil {
		return "", notUnderstood(r, answer, "an id as text")
	}
	return id, nil
}

// ExternalIDOf returns the external id that a customer carries for our system,
// "" when none; see [transfer.Target].
func (c *Client) ExternalIDOf(ctx context.Context, id string) (string, error) {
	r := request{op: "look up the external id of customer " + id, method: http.MethodGet,
		path: pathLookUpExternal(id, c.systemID, tableCustomer)}
	if err := checkID(id); err != nil {
		return "", err
	}
	answer, err := c.send(ctx, r)
	switch {
	case err != nil:
		return "", err
	case absent(answer):
		return "", nil
	case !succeeded(answer):
		return "", judge(r, answer)
	}
	externalID, err := decodeExternalID(answer.Body)
	if err != nil {
		return "", notUnderstood(r, answer, "an external id as text")
	}
	return externalID, nil
}

// Link makes externalID the external id of the customer for our system; see
// [transfer.Target]. The same link made twice is one link, so it may be repeated.
//
// Source: ipaas.md 7 (UpdateExternalId).
func (c *Client) Link(ctx context.Context, id, externalID string) error {
	r := request{op: "link customer " + id + " with " + externalID, method: http.MethodPost,
		path: routeExternal + "/UpdateExternalId"}
	if err := checkID(id); err != nil {
		return err
	}
	if externalID == "" {
		return transfer.Internal.Fail(r.op, "the external id is empty")
	}
	r.body = appendLink(nil, tableCustomer, c.systemID, externalID)
	r.body = append(appendText(append(r.body, `,"internal_id":`...), id), '}')
	answer, err := c.send(ctx, r)
	if err != nil {
		return err
	}
	if !succeeded(answer) {
		return judge(r, answer)
	}
	return nil
}

// appendLink begins the body of a call about an external id.
func appendLink(dst []byte, table, systemID, externalID string) []byte {
	dst = appendText(append(dst, `{"table_name":`...), table)
	dst = appendSystemID(append(dst, `,"system_id":`...), systemID)
	return appendText(append(dst, `,"external_id":`...), externalID)
}

// plain reports whether an external id has only characters that stand for
// themselves in a path (RFC 3986, unreserved) and is not a dot segment.
func plain(s string) bool {
	return strings.Trim(s, ".") != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && !strings.ContainsRune("-._~", r)
	})
}
