package transfer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// maxAttemptsOfAVersion: the fifth failure is final (design.md 1.9).
const maxAttemptsOfAVersion = 5

// storePatience is how long storing an outcome may take.
const storePatience = 5 * time.Second

// slowFactor stretches the schedule for causes that need a person elsewhere.
const slowFactor = 6

// record stores the outcome and returns it (seed, Integration Flow, step 9).
func (w *work) record(ctx context.Context, action Action, outcome error) (Transfer, error) {
	state := w.next(action, outcome)
	// What was done must be stored, also when the invocation was told to end
	// meanwhile: calls end a second before its deadline for this.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storePatience)
	defer cancel()
	err := w.cfg.Ledger.Save(ctx, state, w.owner)
	if errors.Is(err, ErrClaimLost) {
		// Somebody else took over after our claim had ended; his outcome counts.
		return w.pending(), fmt.Errorf("contact %s: %w: %w", w.ref(), ErrClaimed, err)
	}
	if err != nil {
		return w.pending(), ledgerError("store the outcome of "+w.ref().String(), err)
	}
	w.log(ctx, &state, outcome)
	return state.Transfer(), nil
}

// next makes the state that the outcome leads to.
func (w *work) next(action Action, outcome error) State {
	state := w.row
	state.Interrupted = false
	state.CustomerID, state.ExternalID, state.AddressExternalID = w.customerID, w.externalID, w.addressID
	if w.isRead {
		state.No, state.ContactID = w.contact.No, w.contact.ID
	}
	attempt := w.attempt(action, outcome)
	switch {
	case w.sent:
		state.Claim, state.Begun = Claim{}, nil
	case w.mayHaveSent:
		state.endClaim()
		if len(w.mapped.Customer.Addresses) > 0 {
			state.AddressExternalID = w.addressExternalID()
		}
	default:
		state.Claim = Claim{}
	}
	if w.sent {
		attempt.Sent, attempt.Changed = w.sentNames, w.changed()
		state.SentHashes = w.sentHashes
	} else if w.mayHaveSent || w.row.Interrupted {
		state.SentHashes = nil // what the customer holds is not certain any more
	}
	if w.isRead {
		state.Version, state.Fingerprint = w.contact.Modified, w.fingerprint
	} else {
		state.Fingerprint = "" // whoever reads the contact next transfers it
	}
	state.Attempt = attempt
	state.Attempts = append([]Attempt{attempt}, state.Attempts...)
	if len(state.Attempts) > MaxAttempts {
		state.Attempts = state.Attempts[:MaxAttempts]
	}
	return state
}

// attempt describes this execution and decides about the next one.
func (w *work) attempt(action Action, outcome error) Attempt {
	a := Attempt{
		Status: Succeeded, Action: action, Trigger: w.job.Trigger, RunID: w.job.RunID, Number: w.number(),
		StartedAt: w.started, FinishedAt: w.now(), Warnings: w.warnings,
	}
	if outcome == nil {
		return a
	}
	a.Action = None
	if s, ok := errors.AsType[*skip](outcome); ok {
		a.Status, a.Reason = Skipped, s.reason
		return a
	}
	fault := FaultOf(outcome)
	a.Problem = &Problem{Code: fault.Code, Detail: DetailOf(outcome)}
	a.Status, a.NextAttemptAt = schedule(fault, a.Number, a.FinishedAt, w.cfg.RetryUnit)
	return a
}

// number counts the attempts for one version: a retry goes on counting, every
// other wish and every new version starts again at 1.
func (w *work) number() int {
	sameVersion := !w.isRead || w.row.Version.IsZero() || w.row.Version.Equal(w.contact.Modified)
	// A contact that was only postponed has no attempt to go on from.
	tried := len(w.row.Attempts) > 0 && w.row.Attempts[0].Status == Retrying
	if w.job.Trigger == ByRetry && sameVersion && tried {
		return w.row.Attempts[0].Number + 1
	}
	return 1
}

// schedule decides whether and when a failed transfer is tried again: after the
// n-th failure n·(n+1) units, six times that for slow causes, five attempts in all.
func schedule(fault *Fault, number int, now time.Time, unit time.Duration) (Status, time.Time) {
	if fault.Retry == Never || number >= maxAttemptsOfAVersion {
		return Failed, time.Time{}
	}
	wait := time.Duration(number*(number+1)) * unit
	if fault.Retry == Slow {
		wait *= slowFactor
	}
	return Retrying, now.Add(wait)
}

// changed names the fields that differ from what was sent before; all of them the
// first time.
func (w *work) changed() []string {
	var names []string
	for _, name := range w.sentNames {
		if w.row.SentHashes[name] != w.sentHashes[name] {
			names = append(names, name)
		}
	}
	return names
}

// giveUp ends our claim on a contact that stays as it was. After a call that may
// have changed the customer the claim is left to expire: whoever claims next then
// knows that what the customer holds is not certain.
func (w *work) giveUp(ctx context.Context) {
	if w.owner == "" || w.mayHaveSent {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 800*time.Millisecond)
	defer cancel()
	if err := w.cfg.Ledger.Release(ctx, w.key, w.owner); err != nil {
		w.cfg.Log.WarnContext(ctx, "a claim was left to expire", "contact_no", w.ref().String(), "error", err)
	}
}

func (w *work) log(ctx context.Context, s *State, outcome error) {
	level := slog.LevelInfo
	attrs := []slog.Attr{
		slog.String("contact_no", s.No), slog.String("contact_id", s.ContactID), slog.String("customer_id", s.CustomerID),
		slog.String("run_id", s.RunID), slog.String("status", string(s.Status)), slog.String("action", string(s.Action)),
		slog.String("trigger", string(s.Trigger)), slog.Int("attempt", s.Number),
	}
	switch {
	case s.Problem != nil:
		level = slog.LevelWarn
		attrs = append(attrs, slog.String("code", s.Problem.Code), slog.String("detail", s.Problem.Detail),
			slog.String("resolution", FaultOf(outcome).Resolution), slog.String("error", outcome.Error()))
	case s.Reason != "":
		attrs = append(attrs, slog.String("reason", s.Reason))
	}
	w.cfg.Log.LogAttrs(ctx, level, "transfer", attrs...)
}

// Postpone stores that a contact waits one retry unit because of a cause that
// stops every transfer (guarantee 3): no attempt is counted. It is what a manual
// sync answers then.
func (r *Runner) Postpone(ctx context.Context, job Job, cause error) (Transfer, error) {
	w := &work{Runner: r, job: job, started: r.now()}
	key, _, err := r.cfg.Ledger.KeyOf(ctx, job.Ref)
	if err != nil {
		return w.pending(), ledgerError("find the state of "+job.Ref.String(), err)
	}
	if err := w.take(ctx, key, State{No: job.Ref.No, ContactID: job.Ref.ID}); err != nil {
		return w.pending(), err
	}
	state := w.row
	state.Claim = Claim{}
	state.Attempt = Attempt{
		Status: Retrying, Action: None, Trigger: job.Trigger, RunID: job.RunID, Number: w.row.Number,
		StartedAt: w.started, FinishedAt: r.now(), NextAttemptAt: r.now().Add(r.cfg.RetryUnit),
		Problem: &Problem{Code: FaultOf(cause).Code, Detail: DetailOf(cause)},
	}
	state.Fingerprint = "" // whoever reads the contact next transfers it
	if state.Interrupted {
		state.SentHashes = nil
	}
	if err := r.cfg.Ledger.Save(ctx, state, w.owner); err != nil {
		return w.pending(), ledgerError("store that "+job.Ref.String()+" waits", err)
	}
	w.log(ctx, &state, cause)
	return state.Transfer(), nil
}
