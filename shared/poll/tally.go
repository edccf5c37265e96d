package poll

import (
	"hash/maphash"
	"sync"
	"time"

	"contactsync/shared/status"
	"contactsync/shared/transfer"
)

// A tally counts the contacts of one run by what came of them, each contact once,
// however often the run comes to it: as a request, in a page, and in the page again
// when a window begins anew.
type tally struct {
	mu   sync.Mutex
	sum  status.Counts
	seed maphash.Seed
	// transferred holds what the contacts count as that were more than looked at.
	// Those that were settled are too many to remember; see span.
	transferred map[uint64]kind
}

// A kind is one of the counts.
type kind uint8

const (
	asUnchanged kind = iota
	asCreated
	asUpdated
	asLinked
	asSkipped
	asFailed
	asRetrying
	asPending
)

func kindOf(s transfer.Status, a transfer.Action) kind {
	switch s {
	case transfer.Skipped:
		return asSkipped
	case transfer.Failed:
		return asFailed
	case transfer.Retrying:
		return asRetrying
	case transfer.Pending:
		return asPending
	}
	switch a {
	case transfer.Created:
		return asCreated
	case transfer.Updated:
		return asUpdated
	case transfer.Linked:
		return asLinked
	}
	return asUnchanged
}

func newTally() *tally {
	return &tally{seed: maphash.MakeSeed(), transferred: map[uint64]kind{}}
}

func (t *tally) counts() status.Counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sum
}

// done counts a contact that was transferred, or was to be.
func (t *tally) done(key transfer.Key, k kind) {
	t.mu.Lock()
	defer t.mu.Unlock()
	hash := t.hash(key)
	before, known := t.transferred[hash]
	switch {
	case !known:
		t.sum.Read++
	case !replaces(k, before):
		return
	default:
		*t.of(before)--
	}
	*t.of(k)++
	t.transferred[hash] = k
}

// settled counts a contact whose outcome was stored before it was looked at; again
// tells that this run counted it when it came to it first.
func (t *tally) settled(key transfer.Key, k kind, again bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before, known := t.transferred[t.hash(key)]
	switch {
	case known && before == asPending: // another execution stored its outcome meanwhile
		*t.of(before)--
		*t.of(k)++
		t.transferred[t.hash(key)] = k
	case !known && !again:
		t.sum.Read++
		*t.of(k)++
	}
}

// replaces reports whether a later outcome says more of the run than the one before:
// a contact that was created and then updated counts as created.
func replaces(later, before kind) bool {
	switch later {
	case asUnchanged:
		return before == asPending
	case asPending:
		return false
	case asUpdated:
		return before != asCreated && before != asLinked
	}
	return true
}

func (t *tally) of(k kind) *int {
	switch k {
	case asCreated:
		return &t.sum.Created
	case asUpdated:
		return &t.sum.Updated
	case asLinked:
		return &t.sum.Linked
	case asSkipped:
		return &t.sum.Skipped
	case asFailed:
		return &t.sum.Failed
	case asRetrying:
		return &t.sum.Retrying
	case asPending:
		return &t.sum.Pending
	}
	return &t.sum.Unchanged
}

// hash stands for a contact: a run may see very many.
func (t *tally) hash(key transfer.Key) uint64 { return maphash.Comparable(t.seed, key) }

// A span is the times of change that a run looked at in the windows it began: a
// settled contact within it was counted then.
type span struct {
	from, to time.Time
	known    bool
}

func (s *span) holds(at time.Time) bool { return s.known && !at.Before(s.from) && !at.After(s.to) }

// add widens the span by what one reading of a window looked at.
func (s *span) add(from, to time.Time) {
	if !s.known {
		*s = span{from, to, true}
		return
	}
	if from.Before(s.from) {
		s.from = from
	}
	if to.After(s.to) {
		s.to = to
	}
}
