package webhook

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"

	"contactsync/shared/contact"
	"contactsync/shared/transfer"
	"contactsync/shared/wire"
)

// A record is what is known of one contact: its state, the request that waits
// for it, or both.
type record struct {
	state   *transfer.State
	waiting *transfer.Request
}

// ref names the contact, in Business Central's spelling where it was read.
func (rec *record) ref() contact.Ref {
	if rec.state != nil {
		return rec.state.Ref()
	}
	return rec.waiting.Ref
}

// transfer returns the latest transfer: the waiting one, else the stored outcome.
func (rec *record) transfer() transfer.Transfer {
	if rec.waiting == nil {
		return rec.state.Transfer()
	}
	t := rec.waiting.Transfer()
	if s := rec.state; s != nil {
		t.ID, t.ContactNo, t.CustomerID = s.Ref().String(), cmp.Or(s.No, t.ContactNo), s.CustomerID
		t.ContactID = cmp.Or(s.ContactID, t.ContactID)
	}
	return t
}

// find looks a contact up by the id of a path, nil when nothing is known of it.
// It asks the store only, never Business Central.
func (h *Handler) find(ctx context.Context, pathID string) (*record, error) {
	for _, form := range idForms(pathID) {
		ref, err := contact.ParseRef(form)
		if err != nil {
			continue
		}
		rec, err := h.recordOf(ctx, ref)
		if err != nil || rec != nil {
			return rec, err
		}
	}
	return nil, nil
}

func (h *Handler) recordOf(ctx context.Context, ref contact.Ref) (*record, error) {
	key, found, err := h.cfg.Store.KeyOf(ctx, ref)
	if err != nil {
		return nil, err
	}
	rec := &record{}
	no, id := ref.No, ref.ID
	if found {
		state, err := h.cfg.Store.State(ctx, key)
		switch {
		case err == nil:
			rec.state = &state
			no, id = cmp.Or(state.No, no), cmp.Or(state.ContactID, id)
		case !errors.Is(err, transfer.ErrNoState):
			return nil, err
		}
	}
	if rec.waiting, err = h.cfg.Store.RequestOf(ctx, no, id); err != nil {
		return nil, err
	}
	if rec.state == nil && rec.waiting == nil {
		return nil, nil
	}
	return rec, nil
}

// one answers GET /transfers/{id}: the latest transfer and the last attempts.
func (h *Handler) one(r *http.Request) reply {
	rec, err := h.find(r.Context(), strings.TrimPrefix(r.URL.Path, onePrefix))
	if err != nil {
		return unavailable("read the transfer", err)
	}
	if rec == nil {
		return unknownContact()
	}
	body := struct {
		Transfer wire.TransferJSON  `json:"transfer"`
		Attempts []wire.AttemptJSON `json:"attempts"`
	}{wire.Transfer(rec.transfer()), []wire.AttemptJSON{}}
	if rec.state != nil {
		for _, a := range rec.state.Attempts {
			body.Attempts = append(body.Attempts, wire.Attempt(a))
		}
	}
	return asJSON(http.StatusOK, body)
}

func unknownContact() reply {
	return notFound("no transfer of a contact with this id is known")
}
