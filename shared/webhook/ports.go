package webhook

import (
	"context"

	"contactsync/shared/contact"
	"contactsync/shared/status"
	"contactsync/shared/transfer"
)

// Syncer is what a manual sync needs; [transfer.Runner] is one, and its comments
// are the contract.
type Syncer interface {
	// Transfer transfers one contact. With an error nothing was stored and the
	// contact is as it was: either the error stops every transfer
	// ([transfer.StopsRun]), or this one did not finish.
	Transfer(ctx context.Context, job transfer.Job) (transfer.Transfer, error)
	// Preview says what Transfer would do and writes nothing.
	Preview(ctx context.Context, job transfer.Job) (transfer.Preview, error)
	// Postpone stores that a contact waits because of a cause that stops every
	// transfer; no attempt is counted.
	Postpone(ctx context.Context, job transfer.Job, cause error) (transfer.Transfer, error)
}

// Store is the part of [status.Store] that the routes need.
type Store interface {
	Request(ctx context.Context, requests ...transfer.Request) error
	RequestOf(ctx context.Context, no, id string) (*transfer.Request, error)
	KeyOf(ctx context.Context, ref contact.Ref) (key transfer.Key, found bool, err error)
	State(ctx context.Context, key transfer.Key) (transfer.State, error)
	Transfers(ctx context.Context, q status.Query) (status.Page, error)
	ErrorCounts(ctx context.Context) ([]status.ErrorCount, error)
	Runs(ctx context.Context, limit int) ([]status.Run, error)
	Paused(ctx context.Context) (bool, error)
}

// Callers says who may call. Both methods compare in constant time, accept every
// value of the secret's list, and fail only when the secret cannot be read.
type Callers interface {
	// AcceptsKey reports whether key is one of webhook.api_keys.
	AcceptsKey(ctx context.Context, key string) (bool, error)
	// AcceptsClientState reports whether state is one of webhook.client_states.
	AcceptsClientState(ctx context.Context, state string) (bool, error)
}

// Preflight runs the seed's prerequisites and checklist.
type Preflight interface {
	// Preflight returns every verdict in the order to read them. It fails only
	// when no verdict could be reached at all.
	Preflight(ctx context.Context) ([]Check, error)
}

// A Check is one verdict of the preflight, and a row of GET /preflight.
type Check struct {
	Name   string `json:"name"`
	OK     *bool  `json:"ok"` // nil: cannot be known before the first transfer
	Detail string `json:"detail"`
}
