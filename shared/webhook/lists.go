package webhook

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"contactsync/shared/status"
	"contactsync/shared/transfer"
	"contactsync/shared/wire"
)

var statuses = []transfer.Status{transfer.Pending, transfer.Succeeded, transfer.Skipped, transfer.Failed, transfer.Retrying}

// list answers GET /transfers, newest first.
func (h *Handler) list(r *http.Request) reply {
	query, problem := transferQuery(r.URL.RawQuery)
	if problem != "" {
		return badRequest(problem)
	}
	page, err := h.cfg.Store.Transfers(r.Context(), query)
	if errors.Is(err, status.ErrBadCursor) {
		return badRequest("cursor is not a next_cursor of this list with these filters")
	}
	if err != nil {
		return unavailable("list the transfers", err)
	}
	body := struct {
		Transfers  []wire.TransferJSON `json:"transfers"`
		NextCursor *string             `json:"next_cursor"`
	}{Transfers: make([]wire.TransferJSON, 0, len(page.Transfers))}
	for _, t := range page.Transfers {
		body.Transfers = append(body.Transfers, wire.Transfer(t))
	}
	if page.NextCursor != "" {
		body.NextCursor = &page.NextCursor
	}
	return asJSON(http.StatusOK, body).with(slog.Int("rows", len(page.Transfers)))
}

// transferQuery reads the parameters of GET /transfers. An empty one does not
// filter; one that we do not know is let pass; one that makes no sense is named.
func transferQuery(rawQuery string) (q status.Query, problem string) {
	values, problem := parameters(rawQuery, "status", "code", "run", "since", "limit", "cursor")
	if problem != "" {
		return q, problem
	}
	q = status.Query{Status: transfer.Status(values["status"]), Code: values["code"], RunID: values["run"], Cursor: values["cursor"]}
	if q.Status != "" && !slices.Contains(statuses, q.Status) {
		return q, fmt.Sprintf("status is %q, expected pending, succeeded, skipped, failed or retrying", shorten(string(q.Status)))
	}
	if q.Code != "" && transfer.Lookup(q.Code) == nil {
		return q, fmt.Sprintf("code is %q, expected a code of the error catalogue such as MISSING_EMAIL", shorten(q.Code))
	}
	if q.Since, problem = sinceOf(values["since"]); problem != "" {
		return q, problem
	}
	q.Limit, problem = limitOf(values["limit"])
	return q, problem
}

// parameters reads the named parameters, each at most once.
func parameters(rawQuery string, names ...string) (values map[string]string, problem string) {
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return nil, "the query string cannot be decoded"
	}
	values = map[string]string{}
	for _, name := range names {
		if len(query[name]) > 1 {
			return nil, name + " stands there twice"
		}
		values[name] = query.Get(name)
	}
	return values, ""
}

func limitOf(text string) (limit int, problem string) {
	if text == "" {
		return DefaultList, ""
	}
	limit, err := strconv.Atoi(text)
	if err != nil || limit < 1 || limit > MaxList {
		return 0, fmt.Sprintf("limit is %q, expected a whole number from 1 to %d", shorten(text), MaxList)
	}
	return limit, ""
}

// sinceOf reads a time of RFC 3339 or a date, which begins at midnight UTC.
func sinceOf(text string) (since time.Time, problem string) {
	if text == "" {
		return time.Time{}, ""
	}
	// An unencoded + in a query is a blank: 2026-01-31T10:00:00+01:00.
	text = strings.ReplaceAll(text, " ", "+")
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if since, err := time.Parse(layout, text); err == nil {
			return since, ""
		}
	}
	return time.Time{}, fmt.Sprintf("since is %q, expected a time such as 2026-01-31T10:00:00Z or a date such as 2026-01-31", shorten(text))
}

// errorCounts answers GET /errors: what stands failed or retrying, by code.
func (h *Handler) errorCounts(r *http.Request) reply {
	counts, err := h.cfg.Store.ErrorCounts(r.Context())
	if err != nil {
		return unavailable("count the errors", err)
	}
	body := struct {
		Errors []wire.ErrorCountJSON `json:"errors"`
	}{make([]wire.ErrorCountJSON, 0, len(counts))}
	for _, c := range counts {
		body.Errors = append(body.Errors, wire.ErrorCount(c))
	}
	return asJSON(http.StatusOK, body).with(slog.Int("rows", len(counts)))
}

// runs answers GET /runs, newest first; limit as in GET /transfers.
func (h *Handler) runs(r *http.Request) reply {
	values, problem := parameters(r.URL.RawQuery, "limit")
	if problem != "" {
		return badRequest(problem)
	}
	limit, problem := limitOf(values["limit"])
	if problem != "" {
		return badRequest(problem)
	}
	runs, err := h.cfg.Store.Runs(r.Context(), limit)
	if err != nil {
		return unavailable("list the runs", err)
	}
	body := struct {
		Runs []wire.RunJSON `json:"runs"`
	}{make([]wire.RunJSON, 0, len(runs))}
	for _, run := range runs {
		body.Runs = append(body.Runs, wire.Run(run))
	}
	return asJSON(http.StatusOK, body).with(slog.Int("rows", len(runs)))
}

// preflight answers GET /preflight.
func (h *Handler) preflight(r *http.Request) reply {
	checks, err := h.cfg.Preflight.Preflight(r.Context())
	if err != nil {
		return unavailable("run the preflight", err)
	}
	refused := 0
	for _, c := range checks {
		if c.OK != nil && !*c.OK {
			refused++
		}
	}
	body := struct {
		Checks []Check `json:"checks"`
	}{append([]Check{}, checks...)}
	return asJSON(http.StatusOK, body).with(slog.Int("checks", len(checks)), slog.Int("not_ok", refused))
}
