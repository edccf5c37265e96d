package main

import (
	"context"
	"sync/atomic"
	"time"

	"contactsync/shared/status"
	"contactsync/shared/transfer"
)

// countedStore counts the writes of items that a run makes, and the outcomes among
// them.
type countedStore struct {
	status.Store
	writes, saved atomic.Int64
}

var _ status.Store = (*countedStore)(nil)

// Claim counts one write.
func (s *countedStore) Claim(ctx context.Context, key transfer.Key, claim transfer.Claim, now time.Time, seed transfer.State) (transfer.State, error) {
	s.writes.Add(1)
	return s.Store.Claim(ctx, key, claim, now, seed)
}

// Point counts one write.
func (s *countedStore) Point(ctx context.Context, no, id string) (transfer.Number, error) {
	s.writes.Add(1)
	return s.Store.Point(ctx, no, id)
}

// Release counts one write.
func (s *countedStore) Release(ctx context.Context, key transfer.Key, owner string) error {
	s.writes.Add(1)
	return s.Store.Release(ctx, key, owner)
}

// Save counts one write and one contact.
func (s *countedStore) Save(ctx context.Context, state transfer.State, owner string) error {
	s.writes.Add(1)
	err := s.Store.Save(ctx, state, owner)
	if err == nil {
		s.saved.Add(1)
	}
	return err
}

// PutCursor counts one write.
func (s *countedStore) PutCursor(ctx context.Context, flow status.Flow, c status.Cursor) error {
	s.writes.Add(1)
	return s.Store.PutCursor(ctx, flow, c)
}
