package app

import (
	"context"
	"encoding/json"
	"errors"

	"contactsync/shared/poll"
	"contactsync/shared/status"
	"contactsync/shared/transfer"
	"contactsync/shared/wire"
)

// Answer is what the poll function answers (design.md 1.4). A stream event's
// answer carries an empty list of failed items as well: what could not be
// transferred stays pending in the table, and the poll finds it there.
type Answer struct {
	wire.RunJSON
	BatchItemFailures *[]any `json:"batchItemFailures,omitempty"`
}

// Poll is the poll function's handler. It fails only when the run itself could
// not work or the event cannot be understood, never because single contacts
// failed; after a stream event only when the table failed.
func (a *App) Poll(ctx context.Context, raw json.RawMessage) (*Answer, error) {
	e, err := a.parseEvent(raw)
	if err != nil {
		a.log.ErrorContext(ctx, "event refused", "error", err)
		return nil, err
	}
	run, err := a.safely(ctx, e)
	a.logRun(ctx, run, err)
	answer := &Answer{RunJSON: wire.Run(run)}
	if e.Mode == poll.Stream {
		answer.BatchItemFailures = &[]any{}
		if !errors.Is(err, status.ErrUnavailable) {
			err = nil
		}
	}
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// safely does the run. A defect becomes an error: the runtime would write the value
// of the panic, which may quote a record, into its log.
func (a *App) safely(ctx context.Context, e poll.Event) (run status.Run, err error) {
	defer func() {
		if defect := recover(); defect != nil {
			err = transfer.Defect(ctx, a.log, "run", defect)
		}
	}()
	return a.Run(ctx, e)
}

func (a *App) logRun(ctx context.Context, run status.Run, err error) {
	if err != nil {
		a.log.ErrorContext(ctx, "run could not work", "run_id", run.ID, "run", wire.Run(run), "error", err)
		return
	}
	a.log.InfoContext(ctx, "run", "run_id", run.ID, "run", wire.Run(run))
}
