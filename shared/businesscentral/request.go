package businesscentral

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"contactsync/shared/outbound"
	"contactsync/shared/transfer"
)

// A request is one call of Business Central.
type request struct {
	op     string // what is being done, for errors; numbers and ids only
	method string // GET if empty

	// path follows the environment: ODataV4/... or api/..., escaped, with its
	// query. link is a whole address instead, as Business Central gave it.
	path, link string

	accept, prefer, ifMatch string
	body                    []byte
	once, stream            bool
}

// do makes the call as whoever the account says. A 401 gets a fresh token once;
// when that is refused too the account is read again once, for it may have been
// replaced (design.md 1.3). Whatever other status there is comes back as an answer.
func (c *Client) do(ctx context.Context, r request) (*outbound.Answer, error) {
	account, err := c.cfg.Credentials.Account(ctx)
	if err != nil {
		return nil, noAccount(ctx, r.op, err)
	}
	answer, err := c.doAs(ctx, r, account)
	if !rejected(answer, err) {
		return answer, err
	}
	fresh, freshErr := c.cfg.Credentials.Rejected(ctx, account)
	if freshErr != nil {
		return nil, noAccount(ctx, r.op, freshErr)
	}
	if fresh != account {
		answer, err = c.doAs(ctx, r, fresh)
	}
	if err == nil && answer.Status == http.StatusUnauthorized {
		return nil, unauthorized(r.op, answer)
	}
	return answer, err
}

func rejected(answer *outbound.Answer, err error) bool {
	if err != nil {
		return errors.Is(err, errRejected)
	}
	return answer.Status == http.StatusUnauthorized
}

// doAs makes the call, with a fresh token once where the first is refused.
func (c *Client) doAs(ctx context.Context, r request, account Account) (*outbound.Answer, error) {
	for first := true; ; first = false {
		authorization, err := c.tokens.header(ctx, account)
		if err != nil {
			return nil, withOp(r.op, err)
		}
		answer, err := c.calls.Do(ctx, c.call(r, account, authorization))
		if err != nil {
			return nil, noAnswer(ctx, r.op, err)
		}
		// An answer that speaks of permissions will not change with the token.
		if answer.Status != http.StatusUnauthorized || account.onPremises() || !first || readError(answer).permission() {
			return answer, nil
		}
		c.tokens.forget(authorization)
	}
}

func (c *Client) call(r request, account Account, authorization string) outbound.Call {
	header := http.Header{"Authorization": {authorization}, "Accept": {"application/json;odata.metadata=minimal"}}
	if r.accept != "" {
		header.Set("Accept", r.accept)
	}
	if r.prefer != "" {
		header.Set("Prefer", r.prefer)
	}
	if r.ifMatch != "" {
		header.Set("If-Match", r.ifMatch)
	}
	address := r.link
	if address == "" {
		address = c.address(account, r.path)
	}
	method := r.method
	if method == "" {
		method = http.MethodGet
	}
	return outbound.Call{Method: method, URL: address, Header: header, Body: r.body, Once: r.once, Stream: r.stream}
}

// address puts the base before a path: the tenant and the environment online,
// nothing on-premises. A query of the base URL (tenant=default of a multi-tenant
// server, business-central.md 2.2) goes along.
func (c *Client) address(account Account, path string) string {
	base := *c.base
	query := base.RawQuery
	base.RawQuery = ""
	address := strings.TrimRight(base.String(), "/")
	if !account.onPremises() {
		address += "/" + url.PathEscape(account.TenantID) + "/" + url.PathEscape(c.cfg.Environment)
	}
	address += "/" + path
	if query == "" {
		return address
	}
	if strings.Contains(path, "?") {
		return address + "&" + query
	}
	return address + "?" + query
}

// noAccount is the error when the account cannot be read.
func noAccount(ctx context.Context, op string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if _, ok := errors.AsType[*transfer.Error](err); ok {
		return err
	}
	return &transfer.Error{Fault: transfer.SourceUnauthorized, Op: op, Err: err,
		Detail: "the credentials of Business Central cannot be read from the secret"}
}

// withOp makes err the error of what was being done: a sign-in is never an end in itself.
func withOp(op string, err error) error {
	e, ok := errors.AsType[*transfer.Error](err)
	if !ok {
		return err
	}
	shown := *e
	shown.Op = op
	return &shown
}

// escape percent-encodes text for a path segment or a query value, once.
func escape(text string) string {
	return strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
}

// quote makes an OData text literal: quotes inside are doubled.
func quote(text string) string {
	return "'" + strings.ReplaceAll(text, "'", "''") + "'"
}

// An option is one query option; options keep their order.
type option struct{ name, value string }

// withOptions appends the options that have a value.
func withOptions(path string, options ...option) string {
	separator := "?"
	for _, o := range options {
		if o.value == "" {
			continue
		}
		path += separator + o.name + "=" + escape(o.value)
		separator = "&"
	}
	return path
}
