package webhook

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"contactsync/shared/contact"
	"contactsync/shared/status"
	"contactsync/shared/transfer"
)

// replayPage is how many transfers a replay lists at once.
const replayPage = 500

// replayOne answers POST /transfers/{id}/replay: the contact waits for another
// transfer. A body is neither needed nor read.
func (h *Handler) replayOne(r *http.Request) reply {
	id := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, onePrefix), replaySuffix)
	rec, err := h.find(r.Context(), id)
	if err != nil {
		return unavailable("read the transfer", err)
	}
	if rec == nil {
		return unknownContact()
	}
	waiting := h.newRequests(transfer.ByReplay)
	// A deletion that waits stays one: a replay must not turn it into an update.
	waiting.add(rec.ref(), rec.waiting != nil && rec.waiting.Deleted)
	return h.queue(r.Context(), waiting, []string{rec.ref().String()}, false)
}

// replays answers POST /replays {"status":"failed","code":"…"}: every contact
// that stands so waits for another transfer, at most MaxIDs at once.
func (h *Handler) replays(r *http.Request) reply {
	members, answer, ok := readObject(r)
	if !ok {
		return answer
	}
	queries, problem := replayQueries(members)
	if problem != "" {
		return badRequest(problem)
	}
	found, more, err := h.replayable(r.Context(), queries)
	if err != nil {
		return unavailable("list the transfers", err)
	}
	waiting := h.newRequests(transfer.ByReplay)
	queued := make([]string, 0, len(found))
	for _, t := range found {
		waiting.add(refOf(t), false)
		queued = append(queued, t.ID)
	}
	return h.queue(r.Context(), waiting, queued, more)
}

func refOf(t transfer.Transfer) contact.Ref {
	if t.ContactNo != "" {
		return contact.Ref{No: t.ContactNo}
	}
	return contact.Ref{ID: t.ContactID}
}

// replayQueries reads the body. Without a status both failed and retrying are
// meant, without a code every code.
func replayQueries(members map[string]any) (queries []status.Query, problem string) {
	if problem = unknownMembers(members, "status", "code"); problem != "" {
		return nil, problem
	}
	texts := map[string]string{}
	for name, value := range members {
		text, isText := value.(string)
		if value != nil && !isText {
			return nil, name + " is " + kindOf(value) + ", expected text"
		}
		texts[name] = text
	}
	if code := texts["code"]; code != "" && transfer.Lookup(code) == nil {
		return nil, fmt.Sprintf("code is %q, expected a code of the error catalogue such as MISSING_EMAIL", shorten(code))
	}
	asked := []transfer.Status{transfer.Failed, transfer.Retrying}
	switch s := transfer.Status(texts["status"]); s {
	case "":
	case transfer.Failed, transfer.Retrying:
		asked = []transfer.Status{s}
	default:
		return nil, fmt.Sprintf("status is %q, expected failed or retrying", shorten(string(s)))
	}
	for _, s := range asked {
		queries = append(queries, status.Query{Status: s, Code: texts["code"], Limit: replayPage})
	}
	return queries, ""
}

// replayable lists the transfers to replay, at most MaxIDs, and whether there are
// more. Where there are more, those that wait already are passed over, so that
// calling again gets to the others.
func (h *Handler) replayable(ctx context.Context, queries []status.Query) (found []transfer.Transfer, more bool, err error) {
	listed, more, err := h.listAll(ctx, queries, MaxIDs, nil)
	if err != nil || !more {
		return listed, false, err
	}
	waiting, _, err := h.listAll(ctx, []status.Query{{Status: transfer.Pending, Limit: replayPage}}, 10*MaxIDs, nil)
	if err != nil {
		return nil, false, err
	}
	known := map[string]bool{}
	for _, t := range waiting {
		known[t.ID] = true
	}
	return h.listAll(ctx, queries, MaxIDs, known)
}

// listAll gathers the pages of the queries, without duplicates and without those
// in except, until most are there; more says that another one follows.
func (h *Handler) listAll(ctx context.Context, queries []status.Query, most int, except map[string]bool) (all []transfer.Transfer, more bool, err error) {
	seen := map[string]bool{}
	for _, q := range queries {
		for {
			page, err := h.cfg.Store.Transfers(ctx, q)
			if err != nil {
				return nil, false, err
			}
			for _, t := range page.Transfers {
				if seen[t.ID] || except[t.ID] {
					continue
				}
				if len(all) == most {
					return all, true, nil
				}
				seen[t.ID] = true
				all = append(all, t)
			}
			if q.Cursor = page.NextCursor; q.Cursor == "" {
				break
			}
		}
	}
	return all, false, nil
}

// queue stores the requests and answers which contacts wait now.
func (h *Handler) queue(ctx context.Context, waiting *requests, queued []string, more bool) reply {
	if err := h.store(ctx, waiting.all); err != nil {
		return unavailable("store the contacts that wait", err)
	}
	body := struct {
		Queued []string `json:"queued"`
		More   bool     `json:"more"`
	}{queued, more}
	return asJSON(http.StatusAccepted, body).with(slog.Int("queued", len(queued)), slog.Bool("more", more))
}
