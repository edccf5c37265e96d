package businesscentral

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"contactsync/shared/outbound"
	"contactsync/shared/transfer"
)

// Account is as whom Business Central is called: an application of Microsoft
// Entra (online), or a user with a web service access key (on-premises).
type Account struct {
	TenantID, ClientID, ClientSecret string

	Username, WebServiceAccessKey string
}

func (a Account) onPremises() bool { return a.Username != "" }

// String names the account without its secret.
func (a Account) String() string {
	if a.onPremises() {
		return "an on-premises account"
	}
	return "application " + a.ClientID + " of tenant " + a.TenantID
}

// GoString is [Account.String]: a secret must not reach a log by %#v either.
func (a Account) GoString() string { return a.String() }

// MarshalText is [Account.String], for JSON and structured logs.
func (a Account) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// Credentials gives the account, from the secret (design.md 1.3).
type Credentials interface {
	// Account returns the account as it is known.
	Account(ctx context.Context) (Account, error)
	// Rejected is called when Business Central or Entra rejects old: the secret
	// is read again, at most once for the caller's sake, and returned.
	Rejected(ctx context.Context, old Account) (Account, error)
}

// scope is what the token is for (business-central.md 5.1).
const scope = "https://api.businesscentral.dynamics.com/.default"

// renewBefore is how long before its end a token is renewed; of a short-lived
// token it is a fifth of its life.
const renewBefore = 5 * time.Minute

// tokens signs in: client credentials, one token for all calls, renewed by one
// caller while the others wait.
type tokens struct {
	cfg    Config
	client *outbound.Client
	gate   gate
	held   atomic.Pointer[token]
	last   atomic.Pointer[signIn]
	serial atomic.Int64
}

type token struct {
	account Account
	header  string // of Authorization
	renew   time.Time
}

// A signIn is one attempt to get a token that has ended.
type signIn struct {
	serial  int64
	account Account
	err     error
}

func newTokens(cfg Config) *tokens {
	out := cfg.Outbound
	out.InFlight, out.Limiter, out.RetryAnswer, out.OnCall = 1, nil, nil, nil
	out.MaxBody = maxTokenBytes
	return &tokens{cfg: cfg, client: outbound.New(out)}
}

// header returns the Authorization header for an account.
func (t *tokens) header(ctx context.Context, account Account) (string, error) {
	if account.onPremises() {
		pair := account.Username + ":" + account.WebServiceAccessKey
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(pair)), nil
	}
	if header := t.valid(account); header != "" {
		return header, nil
	}
	before := t.serial.Load()
	leave, err := t.gate.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	if header := t.valid(account); header != "" {
		return header, nil
	}
	// Somebody's attempt began and failed while this caller waited: it counts for
	// both, unless it only ran out of its own time.
	if last := t.last.Load(); last != nil && last.serial > before && last.account == account && last.err != nil && !ended(last.err) {
		return "", last.err
	}
	got, err := t.signIn(ctx, account)
	t.last.Store(&signIn{serial: t.serial.Add(1), account: account, err: err})
	if err != nil {
		return "", err
	}
	t.held.Store(got)
	return got.header, nil
}

func (t *tokens) valid(account Account) string {
	if held := t.held.Load(); held != nil && held.account == account && t.cfg.Now().Before(held.renew) {
		return held.header
	}
	return ""
}

// forget drops the token behind a header that was refused.
func (t *tokens) forget(header string) {
	if held := t.held.Load(); held != nil && held.header == header {
		t.held.CompareAndSwap(held, nil)
	}
}

// errRejected is joined to the error of a sign-in that Entra refused: the account
// is worth reading again.
var errRejected = errors.New("the account was rejected")

func (t *tokens) signIn(ctx context.Context, account Account) (*token, error) {
	const op = "sign in to Business Central"
	form := url.Values{
		"grant_type": {"client_credentials"}, "scope": {scope},
		"client_id": {account.ClientID}, "client_secret": {account.ClientSecret},
	}
	asked := t.cfg.Now()
	answer, err := t.client.Do(ctx, outbound.Call{
		Method: http.MethodPost,
		URL:    strings.ReplaceAll(t.cfg.TokenURL, "{tenant}", url.PathEscape(account.TenantID)),
		Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
		Body:   []byte(form.Encode()),
	})
	if err != nil {
		return nil, noAnswer(ctx, op, err)
	}
	if answer.Status != http.StatusOK {
		return nil, entraError(op, answer)
	}
	var got struct {
		AccessToken string          `json:"access_token"`
		TokenType   string          `json:"token_type"`
		ExpiresIn   json.RawMessage `json:"expires_in"`
	}
	if err := json.Unmarshal(answer.Body, &got); err != nil || got.AccessToken == "" || !isTokenText(got.AccessToken) {
		return nil, transfer.SourceUnavailable.Fail(op, "the token endpoint answered 200 without a usable access_token (%s)", contentType(answer))
	}
	life := lifetime(got.ExpiresIn)
	return &token{
		account: account,
		header:  "Bearer " + got.AccessToken,
		renew:   asked.Add(life - min(renewBefore, life/5)),
	}, nil
}

// isTokenText reports whether the token can stand in a header.
func isTokenText(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// lifetime reads expires_in: seconds as a number or, from the older endpoint, as
// text (business-central.md 5.1). What it cannot read counts as five minutes.
func lifetime(raw json.RawMessage) time.Duration {
	seconds, err := strconv.ParseFloat(strings.Trim(string(raw), `" `), 64)
	if err != nil || !(seconds > 0) {
		return 5 * time.Minute
	}
	return time.Duration(min(seconds, 24*60*60) * float64(time.Second))
}

// entraError judges an answer of the token endpoint. Entra's description quotes
// what was sent; its number says all that an operator needs.
func entraError(op string, answer *outbound.Answer) error {
	if answer.Status == http.StatusRequestTimeout || answer.Status == http.StatusTooManyRequests || answer.Status >= 500 {
		return transfer.SourceUnavailable.Fail(op, "the token endpoint answered HTTP %d", answer.Status)
	}
	var got struct {
		Error string `json:"error"`
		Codes []int  `json:"error_codes"`
	}
	_ = json.Unmarshal(answer.Body, &got) // an answer without JSON has no code to show
	what := fmt.Sprintf("the token endpoint answered HTTP %d", answer.Status)
	if code := safeCode(got.Error); code != "" {
		what += " " + code
	}
	hint := ""
	if len(got.Codes) > 0 {
		what += fmt.Sprintf(" (AADSTS%d)", got.Codes[0])
		hint = entraHints[got.Codes[0]]
	}
	if hint == "" {
		hint = "check tenant_id, client_id and client_secret in the secret"
	}
	e := transfer.SourceUnauthorized.Fail(op, "%s: %s", what, hint)
	e.Err = errRejected
	return e
}

// entraHints says what to do about the usual numbers (business-central.md 5.3).
var entraHints = map[int]string{
	7000215: "the client secret is wrong; put its value (not its id) into the secret",
	7000222: "the client secret has expired; make a new one in Microsoft Entra and put it into the secret",
	700016:  "the tenant does not know the application; check client_id and tenant_id",
	90002:   "the tenant is not known; check tenant_id",
}
