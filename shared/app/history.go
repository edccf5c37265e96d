package app

import (
	"context"
	"time"

	"contactsync/shared/status"
	"contactsync/shared/transfer"
)

// history is what earlier transfers tell of prerequisites that no read can show:
// the custom fields and the permission to write (design.md 1.5).
type history struct {
	written time.Time          // when a customer was last written; zero if none is among the latest
	unknown *transfer.Transfer // the latest contact whose custom field iPaaS.com does not know
	refused time.Time          // when iPaaS.com last refused a write for lack of permission
}

// recent is how many of the latest successes are looked at: of replays and manual
// syncs many may be unchanged, which writes nothing.
const recent = 200

func (a *App) history(ctx context.Context) (history, error) {
	var h history
	done, err := a.Store.Transfers(ctx, status.Query{Status: transfer.Succeeded, Limit: recent})
	if err != nil {
		return h, err
	}
	for _, t := range done.Transfers {
		switch t.Action {
		case transfer.Created, transfer.Updated, transfer.Linked:
			if t.FinishedAt.After(h.written) {
				h.written = t.FinishedAt
			}
		}
	}
	unknown, err := a.Store.Transfers(ctx, status.Query{Code: transfer.CustomFieldNotFound.Code, Limit: 1})
	if err != nil {
		return h, err
	}
	if len(unknown.Transfers) > 0 {
		h.unknown = &unknown.Transfers[0]
	}
	refused, err := a.Store.Transfers(ctx, status.Query{Code: transfer.DestinationUnauthorized.Code, Limit: 1})
	if err != nil {
		return h, err
	}
	for _, t := range refused.Transfers {
		h.refused = t.FinishedAt
	}
	runs, err := a.Store.Runs(ctx, 1)
	for _, r := range runs {
		if r.Problem != nil && r.Problem.Code == transfer.DestinationUnauthorized.Code && r.FinishedAt.After(h.refused) {
			h.refused = r.FinishedAt
		}
	}
	return h, err
}

// learned judges what only a transfer can show, by what became of the latest ones.
func (p *preflight) learned(ctx context.Context) {
	const permission, fields = "ipaas.com write permission", "custom fields"
	names := p.customFields()
	h, err := p.app.history(ctx)
	if err != nil {
		p.add(permission, false, err.Error())
		p.add(fields, false, err.Error())
		return
	}
	switch {
	case h.refused.After(h.written):
		p.add(permission, false, "iPaaS.com refused a transfer at "+clock(h.refused)+". "+transfer.DestinationUnauthorized.Resolution)
	case !h.written.IsZero():
		p.add(permission, true, "a customer was written at "+clock(h.written))
	default:
		p.unknown(permission, "is known after the first transfer: the API key needs create and update permission for the Customer API")
	}
	switch {
	case names == "":
	case h.unknown != nil && h.unknown.FinishedAt.After(h.written):
		p.add(fields, false, h.unknown.ID+": "+h.unknown.Problem.Detail+". "+transfer.CustomFieldNotFound.Resolution)
	case !h.written.IsZero():
		p.add(fields, true, "iPaaS.com took them with the customer that was written at "+clock(h.written))
	default:
		p.unknown(fields, "are known after the first transfer; these must exist for customers: "+names)
	}
}
