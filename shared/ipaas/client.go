// Package ipaas is the client of iPaaS.com's public API: customers with their
// custom fields and addresses, and external ids (ipaas.md 4 to 8). It implements
// what a transfer needs of its destination ([transfer.Target]) and what formulas
// need for links ([mapping.Links]).
//
// Everything that the references only assume about the API (ipaas.md 14) stands
// in routes.go, encode.go and problem.go, so that a real account corrects it in
// one place.
package ipaas

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"contactsync/shared/mapping"
	"contactsync/shared/outbound"
	"contactsync/shared/transfer"
)

var (
	_ transfer.Target = (*Client)(nil)
	_ transfer.Target = (*Session)(nil)
	_ mapping.Links   = (*Session)(nil)
)

// An Account is what iPaaS.com asks of a caller.
type Account struct {
	APIKey   string // sent as a bearer token
	ClientID string // sent as X-Client-Id where it is set (ipaas.md 3.4)
}

// String hides the account from logs and errors.
func (Account) String() string { return "[secret]" }

// GoString hides the account from logs and errors.
func (Account) GoString() string { return "[secret]" }

// MarshalText hides the account from JSON, that of log lines too.
func (Account) MarshalText() ([]byte, error) { return []byte("[secret]"), nil }

// Credentials yields the account. It is used by many goroutines at once.
type Credentials interface {
	// IPaaS returns the account to call with.
	IPaaS(ctx context.Context) (Account, error)
	// Rejected tells that iPaaS.com rejected an account and returns the one that
	// is in the secret now, which may be the same.
	Rejected(ctx context.Context, old Account) (Account, error)
}

// Config says which iPaaS.com to talk to and how. BaseURL, SystemID and
// Credentials are required.
type Config struct {
	BaseURL     string // https://api.ipaas.com
	SystemID    string // the subscription's id
	Credentials Credentials

	Outbound     *outbound.Client // how to call; one with its defaults if nil
	CompanyTable string           // what the API calls the table of "Customer Company" (ipaas.md 14, no. 6); that name if empty
}

// A Client talks to iPaaS.com. It is safe for concurrent use.
type Client struct {
	base         string // without a slash at its end
	systemID     string
	companyTable string
	credentials  Credentials
	outbound     *outbound.Client
}

// New checks cfg, fills in the defaults and returns a Client. It makes no call.
// The error names everything that is missing or wrong.
func New(cfg Config) (*Client, error) {
	var problems []error
	base, err := url.Parse(strings.TrimRight(cfg.BaseURL, "/"))
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" ||
		base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		problems = append(problems, errors.New("ipaas: BaseURL must look like https://api.ipaas.com"))
	}
	if !sane(cfg.SystemID) {
		problems = append(problems, errors.New("ipaas: SystemID must be the id of the subscription"))
	}
	if cfg.Credentials == nil {
		problems = append(problems, errors.New("ipaas: Credentials are missing"))
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	c := &Client{
		base: base.String(), systemID: cfg.SystemID, credentials: cfg.Credentials,
		companyTable: cmp.Or(cfg.CompanyTable, tableCompany), outbound: cfg.Outbound,
	}
	if c.outbound == nil {
		c.outbound = outbound.New(outbound.Config{})
	}
	return c, nil
}

// Calls returns how many calls were started so far, repeated ones included.
func (c *Client) Calls() int64 { return c.outbound.Calls() }

// Ping checks that iPaaS.com can be reached and accepts the account and the
// subscription's id, by looking up an external id that nothing carries. Its
// errors are those of every method of [transfer.Target].
func (c *Client) Ping(ctx context.Context) error {
	_, err := c.lookUp(ctx, "check the account", "contactsync-preflight|none", tableCustomer, c.systemID)
	return err
}

// A request is one call as the methods make it.
type request struct {
	op     string // what is being done, for errors: update customer 912
	method string
	path   string // below the base URL, escaped
	query  string // encoded
	body   []byte
	once   bool     // a create, which must not be carried out twice
	record bool     // carries the record, so that values are all of it that iPaaS.com can quote
	values []string // of the record, to be masked in what iPaaS.com says
	fields []string // names of the custom fields that are sent
}

// send makes the call with the present account, and once more when the account
// was rejected and the secret holds another one now. It returns the answer of
// whatever status but 401.
func (c *Client) send(ctx context.Context, r request) (*outbound.Answer, error) {
	account, err := c.credentials.IPaaS(ctx)
	if err != nil {
		return nil, noAccount(ctx, r, err)
	}
	answer, err := c.try(ctx, r, account)
	if err != nil || !rejected(answer) {
		return answer, err
	}
	renewed, err := c.credentials.Rejected(ctx, account)
	if err != nil {
		return nil, noAccount(ctx, r, err)
	}
	if renewed != account {
		if answer, err = c.try(ctx, r, renewed); err != nil || !rejected(answer) {
			return answer, err
		}
	}
	return nil, judge(r, answer)
}

func (c *Client) try(ctx context.Context, r request, account Account) (*outbound.Answer, error) {
	if !sendable(account.APIKey) || account.ClientID != "" && !sendable(account.ClientID) {
		return nil, transfer.DestinationUnauthorized.Fail(r.op,
			"the secret's api_key or client_id for iPaaS.com is empty or holds blanks or characters that cannot be sent")
	}
	call := outbound.Call{
		Method: r.method,
		URL:    c.base + r.path,
		Header: http.Header{"Authorization": {"Bearer " + account.APIKey}},
		Body:   r.body,
		Once:   r.once,
	}
	if r.query != "" {
		call.URL += "?" + r.query
	}
	if account.ClientID != "" {
		call.Header.Set("X-Client-Id", account.ClientID)
	}
	answer, err := c.outbound.Do(ctx, call)
	if err != nil {
		return nil, unanswered(ctx, r, err)
	}
	if !succeeded(answer) { // the words of a refusal are quoted, and some name the key
		answer.Body = bytes.ReplaceAll(answer.Body, []byte(account.APIKey), []byte(masked))
		answer.Reason = strings.ReplaceAll(answer.Reason, account.APIKey, masked)
	}
	return answer, nil
}

// sendable reports whether s can be the value of a header without being changed.
func sendable(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

// noAccount is the error when the credentials cannot be had at all: every
// contact meets it alike, so it stops the run.
func noAccount(ctx context.Context, r request, err error) error {
	if ctx.Err() != nil {
		return err
	}
	return &transfer.Error{Fault: transfer.DestinationUnauthorized, Op: r.op, Detail: "the secret with the API key cannot be read", Err: err}
}

// unanswered says what a call without an answer means. The end of the context
// stays what it is, for it says nothing about iPaaS.com.
func unanswered(ctx context.Context, r request, err error) error {
	unknown := r.once && errors.Is(err, outbound.ErrMayHaveArrived)
	switch {
	case ctx.Err() != nil, errors.Is(err, outbound.ErrDeadline):
		if unknown {
			return errors.Join(transfer.ErrUnknownOutcome, err)
		}
		return err
	case errors.Is(err, outbound.ErrThrottled):
		err = errors.Join(transfer.ErrThrottled, err)
	}
	e := &transfer.Error{Fault: transfer.DestinationUnavailable, Op: r.op, Detail: noAnswerDetail(err), Err: err}
	if unknown {
		e.Err = errors.Join(transfer.ErrUnknownOutcome, err)
	}
	return e
}

func noAnswerDetail(err error) string {
	switch {
	case errors.Is(err, outbound.ErrThrottled):
		return "iPaaS.com asks for more patience than there is time"
	case errors.Is(err, outbound.ErrTooLarge):
		return "the answer of iPaaS.com is larger than any answer should be"
	}
	return "iPaaS.com cannot be reached or does not answer in time"
}
