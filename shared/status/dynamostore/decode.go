package dynamostore

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"contactsync/shared/contact"
	"contactsync/shared/status"
	"contactsync/shared/status/internal/listing"
	"contactsync/shared/transfer"
)

// reader reads the attributes of one stored item, or of a map inside it. The first
// attribute that cannot be understood is remembered; everything after it is zero.
type reader struct {
	attrs item
	path  string // of a map inside an item: transfer.
	err   *error
}

func newReader(it item) reader { return reader{attrs: it, err: new(error)} }

// done returns the error that the reading met, with the item's key.
func (r reader) done() error {
	if *r.err == nil {
		return nil
	}
	return fmt.Errorf("%w: item %s: %w", status.ErrDamaged, itemName(r.attrs), *r.err)
}

func itemName(it item) string {
	pk, _ := it[attrPK].(*types.AttributeValueMemberS)
	sk, _ := it[attrSK].(*types.AttributeValueMemberS)
	if pk == nil || sk == nil {
		return "without a key"
	}
	return fmt.Sprintf("%q/%q", pk.Value, sk.Value)
}

func (r reader) bad(name, want string) {
	if *r.err == nil {
		*r.err = fmt.Errorf("attribute %s is not %s", r.path+name, want)
	}
}

func (r reader) text(name string) string {
	switch v := r.attrs[name].(type) {
	case nil:
	case *types.AttributeValueMemberS:
		return v.Value
	default:
		r.bad(name, "a string")
	}
	return ""
}

func (r reader) boolean(name string) bool {
	switch v := r.attrs[name].(type) {
	case nil:
	case *types.AttributeValueMemberBOOL:
		return v.Value
	default:
		r.bad(name, "a boolean")
	}
	return false
}

func (r reader) number(name string) int {
	switch v := r.attrs[name].(type) {
	case nil:
	case *types.AttributeValueMemberN:
		n, err := strconv.Atoi(v.Value)
		if err == nil {
			return n
		}
		r.bad(name, "a whole number")
	default:
		r.bad(name, "a whole number")
	}
	return 0
}

func (r reader) moment(name string) time.Time {
	s := r.text(name)
	if s == "" {
		return time.Time{}
	}
	t, err := listing.ParseTime(s)
	if err != nil {
		r.bad(name, "a time in RFC 3339")
	}
	return t
}

func (r reader) list(name string) []types.AttributeValue {
	switch v := r.attrs[name].(type) {
	case nil:
	case *types.AttributeValueMemberL:
		return v.Value
	default:
		r.bad(name, "a list")
	}
	return nil
}

func (r reader) texts(name string) []string {
	list := r.list(name)
	if len(list) == 0 {
		return nil
	}
	out := make([]string, len(list))
	for i, v := range list {
		s, ok := v.(*types.AttributeValueMemberS)
		if !ok {
			r.bad(name, "a list of strings")
			return nil
		}
		out[i] = s.Value
	}
	return out
}

func (r reader) set(name string) []string {
	switch v := r.attrs[name].(type) {
	case nil:
	case *types.AttributeValueMemberSS:
		return v.Value
	default:
		r.bad(name, "a set of strings")
	}
	return nil
}

// claimName is the external id that the claim names. It stands in a list, so that
// the next claim can append it to those that were begun.
func (r reader) claimName() string {
	for _, name := range r.texts(attrClaimNames) {
		return name
	}
	return ""
}

func (r reader) in(name string) reader {
	inside := reader{path: r.path + name + ".", err: r.err}
	switch v := r.attrs[name].(type) {
	case nil:
	case *types.AttributeValueMemberM:
		inside.attrs = v.Value
	default:
		r.bad(name, "a map")
	}
	return inside
}

func (r reader) problem() *transfer.Problem {
	if _, ok := r.attrs["code"]; !ok {
		return nil
	}
	return &transfer.Problem{Code: r.text("code"), Detail: r.text("detail")}
}

func (r reader) attempt() transfer.Attempt {
	return transfer.Attempt{
		Action:        transfer.Action(r.text("action")),
		Trigger:       transfer.Trigger(r.text("trigger")),
		RunID:         r.text("run_id"),
		Number:        r.number("attempt"),
		StartedAt:     r.moment("started_at"),
		FinishedAt:    r.moment("finished_at"),
		NextAttemptAt: r.moment("next_attempt_at"),
		Warnings:      r.texts("warnings"),
		Reason:        r.text("reason"),
		Problem:       r.problem(),
	}
}

func (r reader) status() transfer.Status {
	s := r.text(attrStatus)
	if !listing.KnownStatus(s) {
		r.bad(attrStatus, "the status of a transfer")
	}
	return transfer.Status(s)
}

// hasState reports whether an item holds a state: the one under a number may be
// only a pointer.
func hasState(it item) bool { return it[attrTransfer] != nil }

// stateOf reads a state, as much of it as was fetched.
func stateOf(it item) (transfer.State, error) {
	r := newReader(it)
	shown := r.in(attrTransfer)
	s := transfer.State{
		Attempt:    shown.attempt(),
		No:         shown.text("no"),
		ContactID:  shown.text("contact_id"),
		CustomerID: shown.text("customer_id"),
		Claim:      transfer.Claim{Owner: r.text(attrClaimOwner), Until: r.moment(attrClaimUntil)},
	}
	s.Claim.ExternalID = r.claimName()
	s.Begun = listing.AddBegun(nil, r.texts(attrBegun)...)
	s.Status = r.status()
	s.Interrupted = r.number(attrOpenClaims) > 0 && s.Claim.Owner == ""
	known := r.in(attrKnown)
	s.ExternalID = known.text("external_id")
	s.AddressExternalID = known.text("address_external_id")
	s.Version = known.moment("version")
	s.Fingerprint = known.text("fingerprint")
	s.Sent, s.Changed = known.texts("sent"), known.texts("changed")
	hashes := known.in("sent_hashes")
	if len(hashes.attrs) > 0 {
		s.SentHashes = make(map[string]string, len(hashes.attrs))
		for name := range hashes.attrs {
			s.SentHashes[name] = hashes.text(name)
		}
	}
	for i, v := range r.list(attrAttempts) {
		m, ok := v.(*types.AttributeValueMemberM)
		if !ok {
			r.bad(attrAttempts, "a list of maps")
			break
		}
		in := reader{attrs: m.Value, path: fmt.Sprintf("%s[%d].", attrAttempts, i), err: r.err}
		a := in.attempt()
		a.Status = in.status()
		a.Sent, a.Changed = in.texts("sent"), in.texts("changed")
		s.Attempts = append(s.Attempts, a)
	}
	return s, r.done()
}

// requestOf reads a request. What it is for is known from its key, too, so that an
// item that was put by hand with the key and the status only is understood.
func (s *Store) requestOf(it item) (transfer.Request, error) {
	return parseRequest(it, s.prefix)
}

func parseRequest(it item, prefix string) (transfer.Request, error) {
	r := newReader(it)
	req := transfer.Request{
		Ref:         contact.Ref{No: r.text(attrNo), ID: r.text(attrContactID)},
		Wake:        r.boolean(attrWake),
		Deleted:     r.boolean(attrDeleted),
		Trigger:     transfer.Trigger(r.text(attrTrigger)),
		RequestedAt: r.moment(attrRequestedAt),
		Token:       r.text(attrToken),
	}
	if req.Trigger == "" {
		req.Trigger = transfer.ByManual
	}
	rest := strings.TrimPrefix(r.text(attrPK), prefix)
	id, byID := strings.CutPrefix(rest, kindID)
	no, byNo := strings.CutPrefix(rest, kindContact)
	switch {
	case rest == kindWake:
		req.Wake, req.Ref = true, contact.Ref{}
	case byID && id != "":
		req.Wake, req.Ref = false, contact.Ref{ID: id}
	case byNo && no != "":
		if contact.Key(req.Ref.No) != no {
			req.Ref.No = no
		}
		req.Wake, req.Ref = false, contact.Ref{No: req.Ref.No}
	default:
		r.bad(attrPK, "the key of a contact or of a wake-up")
	}
	return req, r.done()
}

func runOf(it item) (status.Run, error) {
	r := newReader(it)
	run := status.Run{
		ID:         r.text("run_id"),
		Connection: r.text("connection"),
		Mode:       r.text("mode"),
		StartedAt:  r.moment("started_at"),
		FinishedAt: r.moment("finished_at"),
		Complete:   r.boolean("complete"),
		DryRun:     r.boolean("dry_run"),
		Busy:       r.boolean("busy"),
		Paused:     r.boolean("paused"),
		Disabled:   r.boolean("disabled"),
		Watermark:  r.moment("watermark"),
		Problem:    r.problem(),
		Notes:      r.texts("notes"),
	}
	counts := r.in("counts")
	for _, c := range countNames(&run.Counts) {
		*c.value = counts.number(c.name)
	}
	return run, r.done()
}

func cursorOf(it item) (status.Cursor, error) {
	r := newReader(it)
	return status.Cursor{
		Watermark: r.moment("watermark"),
		Open:      r.boolean("open"),
		From:      r.moment("from"),
		To:        r.moment("to"),
		Resume:    r.moment("resume"),
		Next:      r.text("next"),
		AfterNo:   r.text("after_no"),
		AfterTime: r.moment("after_time"),
		Mapping:   r.text("mapping"),
		Complete:  r.boolean("complete"),
	}, r.done()
}

func subscriptionOf(it item) (status.Subscription, error) {
	r := newReader(it)
	return status.Subscription{
		ID:        r.text("id"),
		URL:       r.text("url"),
		Resource:  r.text("resource"),
		ExpiresAt: r.moment("expires_at_source"),
		CheckedAt: r.moment("checked_at"),
		Problem:   r.problem(),
	}, r.done()
}
