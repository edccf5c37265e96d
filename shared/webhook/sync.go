package webhook

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"contactsync/shared/contact"
	"contactsync/shared/transfer"
	"contactsync/shared/wire"
)

// grace is how long after the cut a transfer may take to notice it. One that
// does not is left behind; its claim keeps others away until it has ended.
const grace = 500 * time.Millisecond

// A unit is one contact of a manual sync, however many of the ids name it.
type unit struct {
	ref    contact.Ref
	places []int
	late   bool // a number that the store does not know, beside internal ids: perhaps one of theirs
}

// unitsOf groups the places by contact. Where numbers and internal ids stand
// side by side, the store tells which of them belong together.
func (h *Handler) unitsOf(ctx context.Context, places []place) ([]*unit, error) {
	var units []*unit
	byName := map[string]*unit{}
	hasNo, hasID := false, false
	for i, p := range places {
		if p.invalid != nil {
			continue
		}
		u := byName[nameOf(p.ref)]
		if u == nil {
			u = &unit{ref: p.ref}
			byName[nameOf(p.ref)] = u
			units = append(units, u)
		}
		u.places = append(u.places, i)
		hasNo, hasID = hasNo || p.ref.No != "", hasID || p.ref.ID != ""
	}
	if !hasNo || !hasID {
		return units, nil
	}
	kept := units[:0]
	for _, u := range units {
		if u.ref.No != "" {
			key, found, err := h.cfg.Store.KeyOf(ctx, u.ref)
			if err != nil {
				return nil, err
			}
			if same := byName[nameOf(contact.Ref{ID: key.ID})]; found && key.ID != "" && same != nil {
				same.places = append(same.places, u.places...)
				continue
			}
			u.late = !found
		}
		kept = append(kept, u)
	}
	return kept, nil
}

// A batch does the units of one manual sync, Workers at once, until all are done,
// the time is up, or one error stops them all.
type batch struct {
	h     *Handler
	runID string
	cut   time.Time // when the answer is due: nothing is begun after it
	do    func(ctx context.Context, job transfer.Job) (wire.TransferJSON, error)

	mu      sync.Mutex
	closed  bool // later outcomes do not count any more
	done    map[*unit]wire.TransferJSON
	stopped error // why no further transfer can work; nil while they can
	failed  error // what the store answered last when it failed
}

func (h *Handler) newBatch(do func(ctx context.Context, job transfer.Job) (wire.TransferJSON, error)) *batch {
	return &batch{h: h, runID: h.cfg.NewToken(), do: do, done: map[*unit]wire.TransferJSON{}}
}

// run works until the cut: 2 s before the deadline, at most 25 s from now.
func (b *batch) run(ctx context.Context, units []*unit) {
	b.cut = time.Now().Add(maxSync)
	if end, ok := ctx.Deadline(); ok { // answerMargin before the invocation's
		if latest := end.Add(answerMargin - syncMargin); latest.Before(b.cut) {
			b.cut = latest
		}
	}
	ctx, cancel := context.WithDeadline(ctx, b.cut.Add(callMargin)) // so that calls may last until the cut
	defer cancel()

	var first, second []*unit
	for _, u := range units {
		if u.late {
			second = append(second, u)
		} else {
			first = append(first, u)
		}
	}
	b.wave(ctx, first)
	b.wave(ctx, b.withoutTransferred(second))
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
}

// withoutTransferred takes out the numbers that turned out to be those of
// contacts that were just transferred by their internal id.
func (b *batch) withoutTransferred(units []*unit) []*unit {
	if len(units) == 0 {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	byNo := map[string]wire.TransferJSON{}
	for _, t := range b.done {
		byNo[contact.Key(t.ContactNo)] = t
	}
	var left []*unit
	for _, u := range units {
		if t, ok := byNo[contact.Key(u.ref.No)]; ok {
			b.done[u] = t
		} else {
			left = append(left, u)
		}
	}
	return left
}

func (b *batch) wave(ctx context.Context, units []*unit) {
	queue := make(chan *unit, len(units))
	for _, u := range units {
		queue <- u
	}
	close(queue)
	var workers sync.WaitGroup
	for range min(b.h.cfg.Workers, len(units)) {
		workers.Go(func() {
			for u := range queue {
				b.one(ctx, u)
			}
		})
	}
	ended := make(chan struct{})
	go func() { workers.Wait(); close(ended) }()
	select {
	case <-ended:
		return
	case <-ctx.Done(): // the caller hung up
	case <-time.After(time.Until(b.cut)):
	}
	select {
	case <-ended:
	case <-time.After(grace):
	}
}

// one does one unit and keeps its outcome, if it has one.
func (b *batch) one(ctx context.Context, u *unit) {
	b.mu.Lock()
	over := b.closed || b.stopped != nil
	b.mu.Unlock()
	if over || ctx.Err() != nil || !time.Now().Before(b.cut) {
		return
	}
	t, err := b.safely(ctx, b.job(u))
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
	case err == nil && t.Status != transfer.Pending:
		b.done[u] = t
	case transfer.StopsRun(err) && b.stopped == nil:
		b.stopped = err
	case err != nil && ctx.Err() == nil && time.Now().Before(b.cut) && !errors.Is(err, transfer.ErrClaimed) && !errors.Is(err, transfer.ErrUnfinished):
		b.failed = err
	}
}

func (b *batch) job(u *unit) transfer.Job {
	return transfer.Job{Ref: u.ref, Trigger: transfer.ByManual, RunID: b.runID}
}

// safely turns a defect into an error: the panic of a worker would otherwise end
// the process with everything that is under way in it.
func (b *batch) safely(ctx context.Context, job transfer.Job) (t wire.TransferJSON, err error) {
	defer func() {
		if defect := recover(); defect != nil {
			err = transfer.Defect(ctx, b.h.cfg.Log, "transfer contact "+job.Ref.String(), defect, slog.String("contact_no", job.Ref.String()))
		}
	}()
	return b.do(ctx, job)
}

// sync transfers the contacts and answers with one transfer for each place. What
// is not finished is stored as waiting before the answer goes out.
func (h *Handler) sync(ctx context.Context, places []place) reply {
	paused, err := h.cfg.Store.Paused(ctx)
	if err != nil {
		return unavailable("ask whether transfers are paused", err)
	}
	units, err := h.unitsOf(ctx, places)
	if err != nil {
		return unavailable("find the contacts of the ids", err)
	}
	syncer, err := h.cfg.NewSyncer()
	if err != nil {
		return unavailable("prepare the transfers", err)
	}
	b := h.newBatch(func(ctx context.Context, job transfer.Job) (wire.TransferJSON, error) {
		t, err := syncer.Transfer(ctx, job)
		return wire.Transfer(t), err
	})
	if !paused {
		b.run(ctx, units)
		b.postpone(ctx, syncer, units)
	}
	waiting := h.newRequests(transfer.ByManual)
	for _, u := range units {
		if _, done := b.done[u]; !done {
			request := waiting.add(u.ref, false)
			b.done[u] = wire.Transfer(request.Transfer())
		}
	}
	if err := h.store(ctx, waiting.all); err != nil {
		return unavailable("store the contacts that wait", err)
	}
	answer := h.transfers(places, units, b.done, false).
		with(slog.Bool("paused", paused), slog.Int("pending", len(waiting.all)), slog.String("run_id", b.runID))
	if b.failed != nil {
		answer.loud = true
		answer = answer.with(slog.String("error", b.failed.Error()))
	}
	return answer
}

// postpone stores retrying for every contact that one cause keeps from being
// transferred (guarantee 3). What cannot even be stored so is left to wait.
func (b *batch) postpone(ctx context.Context, syncer Syncer, units []*unit) {
	if b.stopped == nil {
		return
	}
	b.h.cfg.Log.ErrorContext(ctx, "transfers stopped", "run_id", b.runID, "code", transfer.FaultOf(b.stopped).Code, "error", b.stopped.Error())
	for _, u := range units {
		if _, done := b.done[u]; done || ctx.Err() != nil {
			continue
		}
		if t, err := syncer.Postpone(ctx, b.job(u), b.stopped); err == nil {
			b.done[u] = wire.Transfer(t)
		}
	}
}

// preview says what a transfer of the contacts would do. Nothing is written.
func (h *Handler) preview(ctx context.Context, places []place) reply {
	units, err := h.unitsOf(ctx, places)
	if err != nil {
		return unavailable("find the contacts of the ids", err)
	}
	syncer, err := h.cfg.NewSyncer()
	if err != nil {
		return unavailable("prepare the preview", err)
	}
	b := h.newBatch(func(ctx context.Context, job transfer.Job) (wire.TransferJSON, error) {
		p, err := syncer.Preview(ctx, job)
		if err != nil || p.Request == nil {
			return wire.Preview(p, nil), err
		}
		body, err := h.cfg.BodyOf(*p.Request)
		return wire.Preview(p, body), err
	})
	b.run(ctx, units)
	if b.failed != nil {
		return unavailable("preview the transfers", b.failed)
	}
	for _, u := range units {
		if _, done := b.done[u]; !done {
			b.done[u] = unseen(u.ref, b.runID, b.stopped)
		}
	}
	return h.transfers(places, units, b.done, true)
}

// unseen is the preview of a contact that could not be looked at: for lack of
// time, or because of a cause that stops every transfer.
func unseen(ref contact.Ref, runID string, cause error) wire.TransferJSON {
	t := transfer.Transfer{
		ID: ref.String(), ContactNo: ref.No, ContactID: ref.ID,
		Attempt: transfer.Attempt{Status: transfer.Pending, Action: transfer.None, Trigger: transfer.ByManual, RunID: runID},
	}
	if cause != nil {
		t.Status = transfer.Retrying
		t.Problem = &transfer.Problem{Code: transfer.FaultOf(cause).Code, Detail: transfer.DetailOf(cause)}
	}
	return wire.Preview(transfer.Preview{Transfer: t}, nil)
}

// transfers answers with one transfer for each place, in the order of the ids.
func (h *Handler) transfers(places []place, units []*unit, done map[*unit]wire.TransferJSON, dryRun bool) reply {
	list := make([]wire.TransferJSON, len(places))
	for i := range places {
		if places[i].invalid != nil {
			list[i] = places[i].failed(dryRun)
		}
	}
	for _, u := range units {
		for _, i := range u.places {
			list[i] = done[u]
		}
	}
	body := struct {
		Transfers []wire.TransferJSON `json:"transfers"`
	}{list}
	return asJSON(http.StatusOK, body).with(slog.Int("contacts", len(units)))
}
