package webhook_test

import (
	"context"
	"sync"
	"time"

	"contactsync/shared/contact"
	"contactsync/shared/customer"
	"contactsync/shared/transfer"
)

// syncer transfers contacts that it knows by number and internal id. What it
// must not do twice at once or for one contact, it counts.
type syncer struct {
	site *site
	ids  map[string]string // internal id by number

	mu        sync.Mutex
	transfers map[string]int // by internal id
	running   int
	most      int // transfers at once
	hold      chan struct{}
	err       error           // what every transfer answers
	slow      map[string]bool // numbers that end only with the context
	deaf      map[string]bool // numbers that do not even notice the context
	claimed   map[string]bool // numbers that somebody else transfers
	panics    bool
	dryRuns   int
}

func (s *syncer) find(ref contact.Ref) (no, id string, found bool) {
	for no, id := range s.ids {
		if contact.Key(ref.No) == contact.Key(no) && ref.No != "" || ref.ID == id {
			return no, id, true
		}
	}
	return ref.No, ref.ID, false
}

func (s *syncer) Transfer(ctx context.Context, job transfer.Job) (transfer.Transfer, error) {
	no, id, found := s.find(job.Ref)
	t := transfer.Transfer{ID: contact.Ref{No: no, ID: id}.String(), ContactNo: no, ContactID: id,
		Attempt: transfer.Attempt{Status: transfer.Pending, Action: transfer.None, Trigger: job.Trigger, RunID: job.RunID}}
	s.mu.Lock()
	if s.transfers == nil {
		s.transfers = map[string]int{}
	}
	s.transfers[id]++
	s.running++
	s.most = max(s.most, s.running)
	slow, deaf, claimed, failure := s.slow[no], s.deaf[no], s.claimed[no], s.err
	s.mu.Unlock()
	defer func() { s.mu.Lock(); s.running--; s.mu.Unlock() }()
	switch {
	case s.panics:
		panic("a defect that quotes Ada Byron")
	case failure != nil:
		return t, failure
	case claimed:
		return t, transfer.ErrClaimed
	case slow:
		s.untilItsCallsEnd(ctx)
		return t, transfer.ErrUnfinished
	case deaf:
		<-s.hold
	}
	t.Number, t.StartedAt, t.FinishedAt = 1, s.site.now, s.site.now
	t.Status, t.Action, t.CustomerID = transfer.Succeeded, transfer.Created, "912"
	if !found {
		t.Status, t.Action, t.CustomerID = transfer.Failed, transfer.None, ""
		t.Problem = &transfer.Problem{Code: transfer.ContactNotFound.Code}
	}
	return t, nil
}

// untilItsCallsEnd waits as the calls of a real transfer do: they end a second
// before the deadline of their context (guarantee 2e).
func (s *syncer) untilItsCallsEnd(ctx context.Context) {
	deadline, _ := ctx.Deadline()
	select {
	case <-ctx.Done():
	case <-time.After(time.Until(deadline.Add(-time.Second))):
	}
}

func (s *syncer) Preview(ctx context.Context, job transfer.Job) (transfer.Preview, error) {
	s.mu.Lock()
	s.dryRuns++
	s.mu.Unlock()
	t, err := s.Transfer(ctx, job)
	if err != nil || t.Status == transfer.Failed {
		return transfer.Preview{Transfer: t}, err
	}
	return transfer.Preview{
		Transfer: t,
		Request:  &customer.Customer{Fields: []customer.Value{{Field: "customer_number", Value: t.ContactNo}}},
		Changes:  []transfer.Change{{Field: "company", From: "Old", To: "New"}},
	}, nil
}

func (s *syncer) Postpone(_ context.Context, job transfer.Job, cause error) (transfer.Transfer, error) {
	if s.claimed[job.Ref.No] {
		return transfer.Transfer{}, transfer.ErrClaimed
	}
	return transfer.Transfer{ID: job.Ref.String(), ContactNo: job.Ref.No, ContactID: job.Ref.ID, Attempt: transfer.Attempt{
		Status: transfer.Retrying, Action: transfer.None, Trigger: job.Trigger, RunID: job.RunID, NextAttemptAt: s.site.now.Add(10 * time.Minute),
		Problem: &transfer.Problem{Code: transfer.FaultOf(cause).Code},
	}}, nil
}
