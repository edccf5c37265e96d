package listing

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"contactsync/shared/status"
	"contactsync/shared/transfer"
)

// CheckState refuses a state that no store may keep.
func CheckState(s *transfer.State) error {
	switch s.Status {
	case "", transfer.Succeeded, transfer.Skipped, transfer.Failed, transfer.Retrying:
	default:
		// Only requests are pending: the table's stream starts a transfer for every
		// item with that status (design.md 1.4).
		return fmt.Errorf("a state cannot have the status %q", s.Status)
	}
	return CheckKey(s.Key())
}

// SeedFor returns the seed as it is stored under a key: it names the contact as
// the key does, so that the state is saved where it was claimed.
func SeedFor(key transfer.Key, seed transfer.State) transfer.State {
	seed.ContactID, seed.Claim, seed.Interrupted = key.ID, transfer.Claim{}, false
	if key.No != "" {
		seed.No = cmp.Or(seed.No, key.No)
	}
	return seed
}

// AddBegun adds external ids to those of [transfer.State.Begun], each once.
func AddBegun(begun []string, externalIDs ...string) []string {
	for _, id := range externalIDs {
		if id != "" && !slices.Contains(begun, id) {
			begun = append(begun, id)
		}
	}
	return begun
}

// CheckKey refuses a key that names no contact or two.
func CheckKey(k transfer.Key) error {
	if (k.ID == "") == (k.No == "") {
		return fmt.Errorf("a key names a contact by its number or its internal id, got number %q and internal id %q", k.No, k.ID)
	}
	return nil
}

// CheckRequest refuses a request that names nothing to do, or two things.
func CheckRequest(r *transfer.Request) error {
	if r.Wake && r.Ref.No == "" && r.Ref.ID == "" {
		return nil
	}
	if r.Wake || (r.Ref.No == "") == (r.Ref.ID == "") {
		return fmt.Errorf("a request names a contact by its number or its internal id, or asks to wake the poll; got number %q, internal id %q, wake %t",
			r.Ref.No, r.Ref.ID, r.Wake)
	}
	return nil
}

// CheckFlow refuses a flow that does not exist.
func CheckFlow(f status.Flow) error {
	if f != status.PollFlow && f != status.BackfillFlow {
		return fmt.Errorf("there is no flow %q", f)
	}
	return nil
}

// KnownStatus reports whether a stored text is a status of a state.
func KnownStatus(s string) bool {
	switch transfer.Status(s) {
	case "", transfer.Succeeded, transfer.Skipped, transfer.Failed, transfer.Retrying:
		return true
	}
	return false
}

// NewestAttempts returns at most [transfer.MaxAttempts] of a state's attempts.
func NewestAttempts(attempts []transfer.Attempt) []transfer.Attempt {
	return attempts[:min(len(attempts), transfer.MaxAttempts)]
}

// Shown returns a state's transfer as lists show it: without the names of the
// fields that were sent, which only a state's own page has.
func Shown(s *transfer.State) transfer.Transfer {
	t := s.Transfer()
	t.Sent, t.Changed = nil, nil
	return t
}

// Codes counts what is failed or retrying, by code. Feed it newest first within
// any source; several sources in any order.
type Codes struct {
	counts  map[string]*status.ErrorCount
	samples map[string][]sample
}

type sample struct {
	at time.Time
	id string
}

// Add counts one transfer.
func (c *Codes) Add(code, id string, at time.Time) {
	if c.counts == nil {
		c.counts, c.samples = map[string]*status.ErrorCount{}, map[string][]sample{}
	}
	count, ok := c.counts[code]
	if !ok {
		count = &status.ErrorCount{Code: code, First: at, Last: at}
		c.counts[code] = count
	}
	count.Count++
	if at.Before(count.First) {
		count.First = at
	}
	if at.After(count.Last) {
		count.Last = at
	}
	kept := c.samples[code]
	i, _ := slices.BinarySearchFunc(kept, at, func(s sample, at time.Time) int { return at.Compare(s.at) })
	for i < len(kept) && kept[i].at.Equal(at) {
		i++ // equal times stay in the order they came in
	}
	if i < status.SampleSize {
		kept = slices.Insert(kept, i, sample{at, id})
		c.samples[code] = kept[:min(len(kept), status.SampleSize)]
	}
}

// Counts returns the counts, the most frequent first, equal ones by code.
func (c *Codes) Counts() []status.ErrorCount {
	counts := make([]status.ErrorCount, 0, len(c.counts))
	for code, count := range c.counts {
		for _, s := range c.samples[code] {
			count.Samples = append(count.Samples, s.id)
		}
		counts = append(counts, *count)
	}
	slices.SortFunc(counts, func(a, b status.ErrorCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Code, b.Code))
	})
	return counts
}

// Collapse keeps one request for each contact: the last one, except that the news
// of a deletion is not replaced by a later wish of the same call.
func Collapse(requests []transfer.Request, keyOf func(*transfer.Request) string) []transfer.Request {
	at := make(map[string]int, len(requests))
	kept := make([]transfer.Request, 0, len(requests))
	for i := range requests {
		key := keyOf(&requests[i])
		j, seen := at[key]
		switch {
		case !seen:
			at[key] = len(kept)
			kept = append(kept, requests[i])
		case requests[i].Deleted || !kept[j].Deleted:
			kept[j] = requests[i]
		}
	}
	return kept
}
