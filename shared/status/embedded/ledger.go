package embedded

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"contactsync/shared/contact"
	"contactsync/shared/status"
	"contactsync/shared/status/internal/listing"
	"contactsync/shared/transfer"
)

func stateKey(k transfer.Key) []byte {
	if k.ID != "" {
		return []byte("i" + k.ID)
	}
	return []byte("n" + contact.Key(k.No))
}

// put stores a state and moves its rows in the indexes. before is the state as it
// was, nil when there was none.
func (t tables) put(key []byte, before, after *record) error {
	if before != nil {
		if err := t.unindex(before); err != nil {
			return err
		}
	}
	if after.Status != "" {
		if err := t.bucket(bucketByStatus).Put(statusIndexKey(&after.State), key); err != nil {
			return err
		}
	}
	if after.Status == transfer.Retrying {
		if err := t.bucket(bucketByDue).Put(dueIndexKey(&after.State), key); err != nil {
			return err
		}
	}
	return t.bucket(bucketStates).Put(key, encode(after))
}

func (t tables) unindex(r *record) error {
	if r.Status == "" {
		return nil // there is no outcome yet, and no row for it
	}
	if err := t.bucket(bucketByStatus).Delete(statusIndexKey(&r.State)); err != nil {
		return err
	}
	if r.Status != transfer.Retrying {
		return nil
	}
	return t.bucket(bucketByDue).Delete(dueIndexKey(&r.State))
}

func sortKey(s *transfer.State) string { return listing.SortKey(s.FinishedAt, s.No, s.ContactID) }

func statusIndexKey(s *transfer.State) []byte { return []byte(string(s.Status) + "\x00" + sortKey(s)) }

func dueIndexKey(s *transfer.State) []byte {
	return []byte(listing.FormatTime(s.NextAttemptAt) + "#" + sortKey(s))
}

// Claim takes the claim; see [transfer.Ledger]. Open claims are counted, so that
// one which ended without an outcome is still known after a later one was given
// back.
func (s *Store) Claim(ctx context.Context, key transfer.Key, claim transfer.Claim, now time.Time, seed transfer.State) (transfer.State, error) {
	op := "claim " + status.Ref(key).String()
	if err := listing.CheckKey(key); err != nil {
		return transfer.State{}, fmt.Errorf("%s: %w", op, err)
	}
	seed = listing.SeedFor(key, seed)
	if err := listing.CheckState(&seed); err != nil {
		return transfer.State{}, fmt.Errorf("%s: seed: %w", op, err)
	}
	claim.Until, now = millisecond(claim.Until), millisecond(now)
	k := stateKey(key)
	var state transfer.State
	held := false
	err := s.change(ctx, op, func(t tables) error {
		var r record
		value := t.bucket(bucketStates).Get(k)
		if value == nil {
			r.State = seed
			// Through the codec once, so that the first state is cut like every other.
			value = encode(&r)
			r = record{}
		}
		if err := decode(k, value, &r); err != nil {
			return err
		}
		alive := r.Claim.Owner != "" && r.Claim.Until.After(now)
		if held = alive && r.Claim != claim; held {
			return nil
		}
		if !alive {
			r.openClaims++
			r.Begun = listing.AddBegun(r.Begun, r.Claim.ExternalID)
		}
		r.Claim = claim
		state = r.State
		state.Interrupted = r.openClaims > 1
		return t.put(k, nil, &r)
	})
	if err == nil && held {
		err = fmt.Errorf("%s: %w", op, transfer.ErrClaimed)
	}
	if err != nil {
		return transfer.State{}, err
	}
	return state, nil
}

// Save stores the outcome; see [transfer.Ledger]. At most [transfer.MaxAttempts]
// attempts are kept.
func (s *Store) Save(ctx context.Context, state transfer.State, owner string) error {
	op := "store the outcome of " + state.Ref().String()
	if err := listing.CheckState(&state); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	state.Claim, state.Begun = transfer.Claim{}, listing.AddBegun(nil, state.Begun...)
	k := stateKey(state.Key())
	lost := false
	err := s.change(ctx, op, func(t tables) error {
		var before record
		if lost = !t.owned(k, owner, &before); lost {
			return nil
		}
		return t.put(k, &before, &record{State: state})
	})
	if err == nil && lost {
		return fmt.Errorf("%s: %w", op, transfer.ErrClaimLost)
	}
	return err
}

// owned reads the head of a state and reports whether its claim is owner's.
func (t tables) owned(k []byte, owner string, r *record) bool {
	value := t.bucket(bucketStates).Get(k)
	return value != nil && decodeBrief(k, value, r) == nil && r.Claim.Owner == owner
}

// Release gives the claim back; see [transfer.Ledger].
func (s *Store) Release(ctx context.Context, key transfer.Key, owner string) error {
	op := "release " + status.Ref(key).String()
	if err := listing.CheckKey(key); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	k := stateKey(key)
	return s.change(ctx, op, func(t tables) error {
		var r record
		if !t.owned(k, owner, &r) {
			return nil
		}
		r = record{}
		if err := decode(k, t.bucket(bucketStates).Get(k), &r); err != nil {
			return err
		}
		r.Claim = transfer.Claim{}
		r.openClaims--
		return t.put(k, nil, &r)
	})
}

// State returns a state with its attempts; see [transfer.Ledger].
func (s *Store) State(ctx context.Context, key transfer.Key) (transfer.State, error) {
	op := "read the state of " + status.Ref(key).String()
	if err := listing.CheckKey(key); err != nil {
		return transfer.State{}, fmt.Errorf("%s: %w", op, err)
	}
	k := stateKey(key)
	var r record
	err := s.view(ctx, op, func(t tables) error {
		value := t.bucket(bucketStates).Get(k)
		if value == nil {
			return verdict{transfer.ErrNoState}
		}
		return decode(k, value, &r)
	})
	if err != nil {
		return transfer.State{}, err
	}
	return r.State, nil
}

// States reads the states of a page in one transaction; see [status.Store].
func (s *Store) States(ctx context.Context, keys []transfer.Key) (map[transfer.Key]transfer.State, error) {
	op := fmt.Sprintf("read the states of %d contacts", len(keys))
	for _, key := range keys {
		if err := listing.CheckKey(key); err != nil {
			return nil, fmt.Errorf("%s: %w", op, err)
		}
	}
	states := make(map[transfer.Key]transfer.State, len(keys))
	err := s.view(ctx, op, func(t tables) error {
		rows := t.bucket(bucketStates)
		for _, key := range keys {
			k := stateKey(key)
			value := rows.Get(k)
			if value == nil {
				continue
			}
			var r record
			if err := decodeHead(k, value, &r); err != nil {
				s.damaged(ctx, op, err)
				continue
			}
			states[key] = r.State
		}
		return nil
	})
	return states, err
}

// KeyOf follows the pointer from a number to an internal id; see
// [transfer.Ledger]. A pointer goes before a state under the same number.
func (s *Store) KeyOf(ctx context.Context, ref contact.Ref) (transfer.Key, bool, error) {
	n, err := s.find(ctx, ref)
	return n.Key, n.Found, err
}

// Number returns what is known of a number; see [transfer.Ledger].
func (s *Store) Number(ctx context.Context, no string) (transfer.Number, error) {
	return s.find(ctx, contact.Ref{No: no})
}

func (s *Store) find(ctx context.Context, ref contact.Ref) (transfer.Number, error) {
	op := "find the state of " + ref.String()
	n := transfer.Number{Key: transfer.Key{ID: ref.ID, No: contact.Key(ref.No)}}
	if err := listing.CheckKey(n.Key); err != nil {
		return transfer.Number{}, fmt.Errorf("%s: %w", op, err)
	}
	err := s.view(ctx, op, func(t tables) error {
		if led := t.pointer(n.Key.No); led != nil {
			n = numberOf(led)
			return nil
		}
		n.Found = t.bucket(bucketStates).Get(stateKey(n.Key)) != nil
		return nil
	})
	return n, err
}

// pointer returns the internal id that a number leads to and then all that it ever
// led to, the first one first; nil when it leads nowhere.
func (t tables) pointer(no string) []string {
	value := t.bucket(bucketPointers).Get([]byte(contact.Key(no)))
	if no == "" || value == nil {
		return nil
	}
	return strings.Split(string(value), "\x00")
}

func numberOf(led []string) transfer.Number {
	return transfer.Number{Key: transfer.Key{ID: led[0]}, Found: true, First: led[min(1, len(led)-1)], LedTo: led[min(1, len(led)-1):]}
}

// Point makes a number lead to an internal id; see [transfer.Ledger].
func (s *Store) Point(ctx context.Context, no, id string) (transfer.Number, error) {
	op := "make the number " + contact.ExternalID(no) + " lead to its internal id"
	if contact.Key(no) == "" || id == "" {
		return transfer.Number{}, fmt.Errorf("%s: both number and internal id are needed, got %q and %q", op, no, id)
	}
	var n transfer.Number
	err := s.change(ctx, op, func(t tables) error {
		if err := t.remove(stateKey(transfer.Key{No: no})); err != nil {
			return err
		}
		led := t.pointer(no)
		if led == nil {
			led = []string{id}
		}
		if led[0] = id; !slices.Contains(led[1:], id) {
			led = append(led, id)
		}
		n = numberOf(led)
		return t.bucket(bucketPointers).Put([]byte(contact.Key(no)), []byte(strings.Join(led, "\x00")))
	})
	return n, err
}

// remove deletes a state and its rows in the indexes. A damaged one leaves rows
// behind in the indexes, which lists pass over.
func (t tables) remove(k []byte) error {
	value := t.bucket(bucketStates).Get(k)
	if value == nil {
		return nil
	}
	var r record
	if decodeBrief(k, value, &r) == nil {
		if err := t.unindex(&r); err != nil {
			return err
		}
	}
	return t.bucket(bucketStates).Delete(k)
}

// Forget removes every row of a contact, under each number that leads to it; see
// [status.Store].
func (s *Store) Forget(ctx context.Context, key transfer.Key) error {
	op := "forget " + status.Ref(key).String()
	if err := listing.CheckKey(key); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return s.change(ctx, op, func(t tables) error {
		id := key.ID
		if key.No != "" {
			if led := t.pointer(key.No); led != nil {
				id = led[0]
			}
			if err := t.forgetRows(stateKey(key)); err != nil {
				return err
			}
		}
		if id == "" {
			return nil
		}
		if err := t.forgetNumbers(id); err != nil {
			return err
		}
		return t.forgetRows(stateKey(transfer.Key{ID: id}))
	})
}

func (t tables) forgetNumbers(id string) error {
	var numbers [][]byte
	err := t.bucket(bucketPointers).ForEach(func(no, leadsTo []byte) error {
		if to, _, _ := strings.Cut(string(leadsTo), "\x00"); to == id {
			numbers = append(numbers, bytes.Clone(no))
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, no := range numbers {
		if err := t.bucket(bucketPointers).Delete(no); err != nil {
			return err
		}
		if err := t.forgetRows(stateKey(transfer.Key{No: string(no)})); err != nil {
			return err
		}
	}
	return nil
}

func (t tables) forgetRows(k []byte) error {
	if err := t.remove(k); err != nil {
		return err
	}
	return t.removeRequest(k)
}

// millisecond cuts a time to what the store keeps.
func millisecond(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
