package dynamostore

import (
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"contactsync/shared/contact"
	"contactsync/shared/transfer"
)

// Attributes of the table's items.
const (
	attrPK        = "pk"
	attrSK        = "sk"
	attrStatusKey = "status_key"
	attrSortKey   = "sort_key"
	attrStatus    = "status"
	attrExpiresAt = "expires_at"

	// of a state
	attrTransfer   = "transfer"
	attrKnown      = "known"
	attrAttempts   = "attempts"
	attrNumbers    = "numbers" // every number under which the state was saved: the pointers that may lead to it
	attrClaimOwner = "claim_owner"
	attrClaimUntil = "claim_until"
	attrOpenClaims = "open_claims"  // claims taken since the last outcome and not given back
	attrSavedBy    = "saved_by"     // owner of the claim under which the outcome was saved
	attrClaimNames = "claim_names"  // the external id that calls under the claim save the customer with, as a list
	attrBegun      = "begun"        // those of claims that ended without an outcome
	attrLeadsTo    = "leads_to"     // of a pointer: the internal id
	attrFirst      = "first_led_to" // of a pointer: the internal id that it led to first
	attrLedTo      = "led_to"       // of a pointer: all that it ever led to, as a set

	// of a request
	attrNo          = "no"
	attrContactID   = "contact_id"
	attrWake        = "wake"
	attrDeleted     = "deleted"
	attrTrigger     = "trigger"
	attrRequestedAt = "requested_at"
	attrToken       = "token"
)

// Sort keys.
const (
	skState        = "state"
	skRequest      = "request"
	skLease        = "lease"
	skPause        = "pause"
	skSubscription = "subscription"
)

const maxTableWait = 30 * time.Second

// connectionPrefix returns what every key of a connection starts with. A # in the
// name is escaped, so that the first # of a key always ends the name; what stands
// after the second one is taken whole, whatever a contact number holds.
func connectionPrefix(connection string) string {
	return strings.NewReplacer("%", "%25", "#", "%23").Replace(connection) + "#"
}

// Kinds of partition keys, after the prefix.
const (
	kindContact = "contact#"
	kindID      = "id#"
	kindWake    = "wake"
	kindRun     = "run"
	kindControl = "control"
)

func (s *Store) keyPK(k transfer.Key) string {
	if k.ID != "" {
		return s.prefix + kindID + k.ID
	}
	return s.numberPK(k.No)
}

func (s *Store) numberPK(no string) string { return s.prefix + kindContact + contact.Key(no) }

func (s *Store) requestPK(r *transfer.Request) string {
	switch {
	case r.Wake:
		return s.prefix + kindWake
	case r.Ref.ID != "":
		return s.prefix + kindID + r.Ref.ID
	}
	return s.numberPK(r.Ref.No)
}

// keyOfPK is the inverse of keyPK.
func (s *Store) keyOfPK(pk string) (transfer.Key, bool) {
	rest, ok := strings.CutPrefix(pk, s.prefix)
	if !ok {
		return transfer.Key{}, false
	}
	if id, ok := strings.CutPrefix(rest, kindID); ok && id != "" {
		return transfer.Key{ID: id}, true
	}
	if no, ok := strings.CutPrefix(rest, kindContact); ok && no != "" {
		return transfer.Key{No: no}, true
	}
	return transfer.Key{}, false
}

func primaryKey(pk, sk string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{attrPK: text(pk), attrSK: text(sk)}
}

// A waitBand is a part of the retrying transfers in the index: those whose next
// attempt was at least min after the finish of the last one when they were stored,
// and less than the following band's min.
type waitBand struct {
	name string
	min  time.Duration
}

// waitBands cut the retrying transfers by how long they wait. Within a band the
// rows are sorted by finish time, so that a list by finish time merges the bands
// exactly; and what is due at a moment finished at least min before it, so that
// looking for it passes over few rows that are not due yet. The waits of design.md
// 1.9 are 10 minutes to 20 hours with the usual unit.
var waitBands = []waitBand{
	{"1", 0},
	{"2", 15 * time.Minute},
	{"3", time.Hour},
	{"4", 4 * time.Hour},
	{"5", 16 * time.Hour},
}

func bandOf(wait time.Duration) waitBand {
	for i := len(waitBands) - 1; i > 0; i-- {
		if wait >= waitBands[i].min {
			return waitBands[i]
		}
	}
	return waitBands[0]
}

// statusKey returns the index partition of a status other than retrying.
func (s *Store) statusKey(status transfer.Status) string { return s.prefix + string(status) }

func (s *Store) bandKey(b waitBand) string {
	return s.statusKey(transfer.Retrying) + "#" + b.name
}

// indexKey returns the index partition of a state that has an outcome.
func (s *Store) indexKey(a *transfer.Attempt) string {
	if a.Status == transfer.Retrying {
		return s.bandKey(bandOf(a.NextAttemptAt.Sub(a.FinishedAt)))
	}
	return s.statusKey(a.Status)
}
