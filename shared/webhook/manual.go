package webhook

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"contactsync/shared/contact"
	"contactsync/shared/transfer"
	"contactsync/shared/wire"
)

// manual answers POST /transfers: a few ids are transferred before the answer,
// many are stored for the poll, and a dry run says what would happen.
func (h *Handler) manual(r *http.Request) reply {
	members, answer, ok := readObject(r)
	if !ok {
		return answer
	}
	ids, dryRun, problem := manualBody(members)
	switch {
	case problem != "":
		return badRequest(problem)
	case dryRun && len(ids) > MaxSyncIDs:
		return badRequest(fmt.Sprintf("ids holds %d ids, a dry run takes at most %d", len(ids), MaxSyncIDs))
	case dryRun:
		answer = h.preview(r.Context(), placesOf(ids))
	case len(ids) <= MaxSyncIDs:
		answer = h.sync(r.Context(), placesOf(ids))
	default:
		answer = h.enqueue(r.Context(), placesOf(ids))
	}
	return answer.with(slog.Int("ids", len(ids)), slog.Bool("dry_run", dryRun))
}

// manualBody reads {"ids":[…],"dry_run":false}.
func manualBody(members map[string]any) (ids []string, dryRun bool, problem string) {
	if problem = unknownMembers(members, "ids", "dry_run"); problem != "" {
		return nil, false, problem
	}
	if value, there := members["dry_run"]; there {
		if dryRun, there = value.(bool); !there {
			return nil, false, "dry_run is " + kindOf(value) + ", expected true or false"
		}
	}
	value, there := members["ids"]
	list, isList := value.([]any)
	switch {
	case !there:
		return nil, false, "ids is missing, expected a list of contact ids"
	case !isList:
		return nil, false, "ids is " + kindOf(value) + ", expected a list of contact ids"
	case len(list) == 0:
		return nil, false, "ids is empty, expected at least one contact id"
	case len(list) > MaxIDs:
		return nil, false, fmt.Sprintf("ids holds %d ids, at most %d are taken at once", len(list), MaxIDs)
	}
	for i, element := range list {
		id, isText := element.(string)
		if !isText {
			return nil, false, fmt.Sprintf("ids[%d] is %s, expected text", i, kindOf(element))
		}
		ids = append(ids, id)
	}
	return ids, dryRun, ""
}

// A place is one id of a request as it was sent, and the contact it names.
type place struct {
	sent    string
	ref     contact.Ref
	invalid *wire.ErrorJSON // INVALID_ID; nil when the id names a contact
}

func placesOf(ids []string) []place {
	places := make([]place, len(ids))
	for i, id := range ids {
		places[i] = placeOf(id)
	}
	return places
}

func placeOf(id string) place {
	ref, err := contact.ParseRef(id)
	if err != nil {
		e := wire.Error(wire.InvalidID, err.Error())
		return place{sent: id, invalid: &e}
	}
	return place{sent: id, ref: ref}
}

// failed is what stands at the place of an id that names no contact.
func (p *place) failed(dryRun bool) wire.TransferJSON {
	t := transfer.Transfer{ID: p.sent, Attempt: transfer.Attempt{Status: transfer.Failed, Action: transfer.None, Trigger: transfer.ByManual}}
	j := wire.Transfer(t)
	if dryRun {
		j = wire.Preview(transfer.Preview{Transfer: t}, nil)
	}
	j.Error = p.invalid
	return j
}

// A rejectedID is an id that was not stored, and why.
type rejectedID struct {
	ID    string         `json:"id"`
	Error wire.ErrorJSON `json:"error"`
}

// enqueue stores all contacts as waiting and answers which ids were accepted.
func (h *Handler) enqueue(ctx context.Context, places []place) reply {
	accepted, rejected := []string{}, []rejectedID{}
	requests := h.newRequests(transfer.ByManual)
	for _, p := range places {
		if p.invalid != nil {
			rejected = append(rejected, rejectedID{p.sent, *p.invalid})
			continue
		}
		accepted = append(accepted, p.sent)
		requests.add(p.ref, false)
	}
	if err := h.store(ctx, requests.all); err != nil {
		return unavailable("store the contacts that wait", err)
	}
	body := struct {
		Accepted []string     `json:"accepted"`
		Rejected []rejectedID `json:"rejected"`
	}{accepted, rejected}
	return asJSON(http.StatusAccepted, body).with(slog.Int("accepted", len(accepted)), slog.Int("rejected", len(rejected)))
}

// requests gathers what is to be stored, one request per contact.
type requests struct {
	h       *Handler
	trigger transfer.Trigger
	at      time.Time
	all     []transfer.Request
	index   map[string]int // into all, by the name of the contact
}

func (h *Handler) newRequests(trigger transfer.Trigger) *requests {
	return &requests{h: h, trigger: trigger, at: h.cfg.Now().UTC(), index: map[string]int{}}
}

// add lets a contact wait. Of several reasons a deletion counts: it is verified
// by a read before anything follows from it.
func (q *requests) add(ref contact.Ref, deleted bool) transfer.Request {
	name := nameOf(ref)
	i, known := q.index[name]
	if !known {
		i = len(q.all)
		q.index[name] = i
		q.all = append(q.all, transfer.Request{Ref: ref, Trigger: q.trigger, RequestedAt: q.at, Token: q.h.cfg.NewToken()})
	}
	q.all[i].Deleted = q.all[i].Deleted || deleted
	return q.all[i]
}

// wake lets the poll read from its watermark.
func (q *requests) wake() {
	const name = "wake"
	if _, known := q.index[name]; known {
		return
	}
	q.index[name] = len(q.all)
	q.all = append(q.all, transfer.Request{Wake: true, Trigger: q.trigger, RequestedAt: q.at, Token: q.h.cfg.NewToken()})
}

// nameOf returns the same text for ids that evidently name one contact.
func nameOf(ref contact.Ref) string {
	if ref.ID != "" {
		return "id#" + ref.ID
	}
	return "contact#" + contact.Key(ref.No)
}

// storeTime is how long storing may take where the invocation has no deadline.
const storeTime = 20 * time.Second

// store keeps the requests and then has them dispatched. It goes on when the
// caller hangs up: what was half accepted is better accepted.
func (h *Handler) store(ctx context.Context, waiting []transfer.Request) error {
	if len(waiting) == 0 {
		return nil
	}
	until := time.Now().Add(storeTime)
	if deadline, ok := ctx.Deadline(); ok {
		until = deadline
	}
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), until)
	defer cancel()
	if err := h.cfg.Store.Request(ctx, waiting...); err != nil {
		return err
	}
	if h.cfg.Dispatch != nil {
		h.cfg.Dispatch(waiting)
	}
	return nil
}
