package dynamostore

import (
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"contactsync/shared/status"
	"contactsync/shared/status/internal/listing"
	"contactsync/shared/transfer"
)

type item = map[string]types.AttributeValue

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func moment(t time.Time) types.AttributeValue { return text(listing.FormatTime(t)) }

// names returns external ids as a list, empty ones left out.
func names(externalIDs ...string) types.AttributeValue {
	list := []types.AttributeValue{}
	for _, id := range externalIDs {
		if id != "" {
			list = append(list, text(id))
		}
	}
	return &types.AttributeValueMemberL{Value: list}
}

func setOf(members ...string) types.AttributeValue {
	return &types.AttributeValueMemberSS{Value: members}
}

func boolean(b bool) types.AttributeValue { return &types.AttributeValueMemberBOOL{Value: b} }

// fields is a map under construction that leaves out what is empty: an attribute
// that is not there is the zero value.
type fields item

func (f fields) text(name, s string) {
	if s != "" {
		f[name] = text(s)
	}
}

func (f fields) number(name string, n int) {
	if n != 0 {
		f[name] = number(int64(n))
	}
}

func (f fields) moment(name string, t time.Time) {
	if !t.IsZero() {
		f[name] = moment(t)
	}
}

func (f fields) boolean(name string, b bool) {
	if b {
		f[name] = boolean(b)
	}
}

func (f fields) texts(name string, list []string) {
	if len(list) == 0 {
		return
	}
	values := make([]types.AttributeValue, len(list))
	for i, s := range list {
		values[i] = text(s)
	}
	f[name] = &types.AttributeValueMemberL{Value: values}
}

func (f fields) problem(p *transfer.Problem) {
	if p != nil {
		f["code"] = text(p.Code)
		f.text("detail", p.Detail)
	}
}

// attempt adds what lists show of an attempt, except its status.
func (f fields) attempt(a *transfer.Attempt) {
	f.text("action", string(a.Action))
	f.text("trigger", string(a.Trigger))
	f.text("run_id", a.RunID)
	f.number("attempt", a.Number)
	f.moment("started_at", a.StartedAt)
	f.moment("finished_at", a.FinishedAt)
	f.moment("next_attempt_at", a.NextAttemptAt)
	f.texts("warnings", a.Warnings)
	f.text("reason", a.Reason)
	f.problem(a.Problem)
}

// transferOf returns the part of a state that lists show: it is in the index.
func transferOf(s *transfer.State) types.AttributeValue {
	f := fields{}
	f.text("no", s.No)
	f.text("contact_id", s.ContactID)
	f.text("customer_id", s.CustomerID)
	f.attempt(&s.Attempt)
	return &types.AttributeValueMemberM{Value: f}
}

// knownOf returns the part of a state that only a transfer needs.
func knownOf(s *transfer.State) types.AttributeValue {
	f := fields{}
	f.text("external_id", s.ExternalID)
	f.text("address_external_id", s.AddressExternalID)
	f.moment("version", s.Version)
	f.text("fingerprint", s.Fingerprint)
	f.texts("sent", s.Sent)
	f.texts("changed", s.Changed)
	if len(s.SentHashes) > 0 {
		hashes := make(item, len(s.SentHashes))
		for name, hash := range s.SentHashes {
			hashes[name] = text(hash)
		}
		f["sent_hashes"] = &types.AttributeValueMemberM{Value: hashes}
	}
	return &types.AttributeValueMemberM{Value: f}
}

func attemptsOf(s *transfer.State) types.AttributeValue {
	newest := listing.NewestAttempts(s.Attempts)
	values := make([]types.AttributeValue, len(newest))
	for i := range newest {
		f := fields{}
		f.text("status", string(newest[i].Status))
		f.attempt(&newest[i])
		f.texts("sent", newest[i].Sent)
		f.texts("changed", newest[i].Changed)
		values[i] = &types.AttributeValueMemberM{Value: f}
	}
	return &types.AttributeValueMemberL{Value: values}
}

// index adds what puts a state into the index; nothing while it has no outcome.
func (s *Store) index(f fields, state *transfer.State) {
	if state.Status == "" {
		return
	}
	f[attrStatus] = text(string(state.Status))
	f[attrStatusKey] = text(s.indexKey(&state.Attempt))
	f[attrSortKey] = text(listing.SortKey(state.FinishedAt, state.No, state.ContactID))
}

// requestItem returns a request as it is stored. Its status is what the table's
// stream is filtered by.
func (s *Store) requestItem(r *transfer.Request) item {
	f := fields(primaryKey(s.requestPK(r), skRequest))
	f[attrStatus] = text(string(transfer.Pending))
	f[attrStatusKey] = text(s.statusKey(transfer.Pending))
	f[attrSortKey] = text(listing.SortKey(r.RequestedAt, r.Ref.No, r.Ref.ID))
	f.text(attrNo, r.Ref.No)
	f.text(attrContactID, r.Ref.ID)
	f.boolean(attrWake, r.Wake)
	f.boolean(attrDeleted, r.Deleted)
	f.text(attrTrigger, string(r.Trigger))
	f[attrRequestedAt] = moment(r.RequestedAt)
	f.text(attrToken, r.Token)
	return item(f)
}

// runItem returns a run as it is stored.
func (s *Store) runItem(r *status.Run) item {
	f := fields(primaryKey(s.prefix+kindRun, listing.FormatTime(r.StartedAt)+"#"+r.ID))
	f[attrExpiresAt] = number(r.StartedAt.Add(status.RunsKept).Unix())
	f.text("run_id", r.ID)
	f.text("connection", r.Connection)
	f.text("mode", r.Mode)
	f.moment("started_at", r.StartedAt)
	f.moment("finished_at", r.FinishedAt)
	f.boolean("complete", r.Complete)
	f.boolean("dry_run", r.DryRun)
	f.boolean("busy", r.Busy)
	f.boolean("paused", r.Paused)
	f.boolean("disabled", r.Disabled)
	counts := fields{}
	for _, c := range countNames(&r.Counts) {
		counts.number(c.name, *c.value)
	}
	f["counts"] = &types.AttributeValueMemberM{Value: counts}
	f.moment("watermark", r.Watermark)
	f.problem(r.Problem)
	f.texts("notes", r.Notes)
	return item(f)
}

type countName struct {
	name  string
	value *int
}

func countNames(c *status.Counts) []countName {
	return []countName{
		{"read", &c.Read}, {"created", &c.Created}, {"updated", &c.Updated}, {"linked", &c.Linked},
		{"unchanged", &c.Unchanged}, {"skipped", &c.Skipped}, {"failed", &c.Failed},
		{"retrying", &c.Retrying}, {"pending", &c.Pending},
	}
}

func cursorFields(f fields, c *status.Cursor) {
	f.moment("watermark", c.Watermark)
	f.boolean("open", c.Open)
	f.moment("from", c.From)
	f.moment("to", c.To)
	f.moment("resume", c.Resume)
	f.text("next", c.Next)
	f.text("after_no", c.AfterNo)
	f.moment("after_time", c.AfterTime)
	f.text("mapping", c.Mapping)
	f.boolean("complete", c.Complete)
}

func subscriptionFields(f fields, sub *status.Subscription) {
	f.text("id", sub.ID)
	f.text("url", sub.URL)
	f.text("resource", sub.Resource)
	f.moment("expires_at_source", sub.ExpiresAt) // not expires_at: that one removes the item
	f.moment("checked_at", sub.CheckedAt)
	f.problem(sub.Problem)
}
