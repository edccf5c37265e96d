package embedded

import (
	"context"
	"fmt"

	"contactsync/shared/contact"
	"contactsync/shared/status/internal/listing"
	"contactsync/shared/transfer"
)

// Import stores states as they are, without a claim, all of them in one
// transaction, and makes their numbers lead to them. It is for stores that are
// filled before anything works with them.
func (s *Store) Import(ctx context.Context, states []transfer.State) error {
	op := fmt.Sprintf("store %d states", len(states))
	for i := range states {
		if err := listing.CheckState(&states[i]); err != nil {
			return fmt.Errorf("%s: %w", op, err)
		}
	}
	return s.change(ctx, op, func(t tables) error {
		for i := range states {
			state := &states[i]
			k := stateKey(state.Key())
			if err := t.remove(k); err != nil {
				return err
			}
			if err := t.put(k, nil, &record{State: *state}); err != nil {
				return err
			}
			if state.ContactID == "" || state.No == "" {
				continue
			}
			if err := t.bucket(bucketPointers).Put([]byte(contact.Key(state.No)), []byte(state.ContactID)); err != nil {
				return err
			}
		}
		return nil
	})
}
