// Package wire is the JSON form in which every interface shows transfers,
// attempts, errors and runs (design.md 1.4, 1.5, 1.8): the webhook's routes, the
// poll function's answer and the operator's command all speak it, so that a
// transfer looks the same wherever it is seen.
//
// Lists are [] and never null, unknown texts are "", unknown times null.
package wire

import (
	"cmp"
	"encoding/json"

	"contactsync/shared/transfer"
)

// A TransferJSON is one contact's transfer (design.md 1.8).
type TransferJSON struct {
	ID         string `json:"id"` // 44552|contact
	ContactNo  string `json:"contact_no"`
	ContactID  string `json:"contact_id"`
	CustomerID string `json:"customer_id"`
	OutcomeJSON
	RequestedAt *Time `json:"requested_at,omitempty"` // of pending ones only
	*DryRunJSON       // of dry runs only
}

// An OutcomeJSON holds the members that a transfer and an attempt share.
type OutcomeJSON struct {
	Status        transfer.Status  `json:"status"`
	Action        transfer.Action  `json:"action"`
	Trigger       transfer.Trigger `json:"trigger"`
	RunID         string           `json:"run_id"`
	Attempt       int              `json:"attempt"`
	StartedAt     Time             `json:"started_at"`
	FinishedAt    Time             `json:"finished_at"`
	NextAttemptAt Time             `json:"next_attempt_at"`
	Warnings      []string         `json:"warnings"`
	Error         *ErrorJSON       `json:"error"`
	Reason        string           `json:"reason,omitempty"` // of skipped ones only
}

// An AttemptJSON is one execution of a transfer, with the names of the fields
// that were sent and of those that differed from what was sent before.
type AttemptJSON struct {
	OutcomeJSON
	Sent    []string `json:"sent"`
	Changed []string `json:"changed"`
}

// A DryRunJSON says what a transfer would do.
type DryRunJSON struct {
	DryRun  bool            `json:"dry_run"`
	Request json.RawMessage `json:"request"` // the body that would be sent; null when nothing would
	Changes []ChangeJSON    `json:"changes"` // against the present customer
}

// A ChangeJSON is one field that a transfer would change.
type ChangeJSON struct {
	Field string `json:"field"`
	From  string `json:"from"`
	To    string `json:"to"`
}

// Transfer returns the JSON form of a transfer. One whose first attempt is still
// under way is pending.
func Transfer(t transfer.Transfer) TransferJSON {
	j := TransferJSON{
		ID:          t.ID,
		ContactNo:   t.ContactNo,
		ContactID:   t.ContactID,
		CustomerID:  t.CustomerID,
		OutcomeJSON: outcome(t.Attempt),
	}
	if j.Status == transfer.Pending {
		j.RequestedAt = &Time{t.RequestedAt}
	}
	return j
}

// Preview returns the JSON form of a dry run. request is the body that would be
// sent, as it would be sent; nil when nothing would.
func Preview(p transfer.Preview, request json.RawMessage) TransferJSON {
	j := Transfer(p.Transfer)
	j.DryRunJSON = &DryRunJSON{DryRun: true, Request: request, Changes: make([]ChangeJSON, 0, len(p.Changes))}
	if request == nil {
		j.Request = json.RawMessage("null")
	}
	for _, c := range p.Changes {
		j.Changes = append(j.Changes, ChangeJSON(c))
	}
	return j
}

// Attempt returns the JSON form of an attempt.
func Attempt(a transfer.Attempt) AttemptJSON {
	return AttemptJSON{OutcomeJSON: outcome(a), Sent: list(a.Sent), Changed: list(a.Changed)}
}

func outcome(a transfer.Attempt) OutcomeJSON {
	j := OutcomeJSON{
		Status:        cmp.Or(a.Status, transfer.Pending),
		Action:        cmp.Or(a.Action, transfer.None),
		Trigger:       a.Trigger,
		RunID:         a.RunID,
		Attempt:       a.Number,
		StartedAt:     Time{a.StartedAt},
		FinishedAt:    Time{a.FinishedAt},
		NextAttemptAt: Time{a.NextAttemptAt},
		Warnings:      list(a.Warnings),
		Error:         Problem(a.Problem),
	}
	if j.Status == transfer.Skipped {
		j.Reason = a.Reason
	}
	return j
}

// list makes an empty list of nil, which JSON would show as null.
func list(texts []string) []string {
	if texts == nil {
		return []string{}
	}
	return texts
}
