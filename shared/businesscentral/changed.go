package businesscentral

import (
	"context"
	"errors"
	"iter"
	"time"

	"contactsync/shared/contact"
	"contactsync/shared/poll"
	"contactsync/shared/transfer"
)

// errStopped tells that the consumer wants no more.
var errStopped = errors.New("the consumer stopped")

// Changed yields the contacts of a window, oldest change first and equal times by
// number, page by page as they arrive, and after each page an Item that ends it.
// A zero From sends no lower bound, so that never-changed rows (0001-01-01) come
// too; times go out in UTC to the millisecond. A full scan comes by number. A row
// without number and internal id is no contact and is left out. See [poll.Source].
//
// An error ends it; what was yielded before stays valid. A link that Business
// Central refuses is [poll.ErrNextRefused], others are [transfer.SourceUnavailable]
// or [transfer.SourceUnauthorized].
//
// Source: business-central.md 4.2 (filter), 4.4 (paging), 4.7 and 4.8 (pitfalls).
func (c *Client) Changed(ctx context.Context, w poll.Window) iter.Seq2[poll.Item, error] {
	return func(yield func(poll.Item, error) bool) {
		s, err := c.offered(ctx)
		if err == nil {
			switch s.schema.Strategy {
			case poll.ByStandardAPI:
				err = c.changedByAPI(ctx, s, w, yield)
			default:
				err = c.changedByService(ctx, s, w, yield)
			}
		}
		if err != nil && !errors.Is(err, errStopped) {
			yield(poll.Item{}, err)
		}
	}
}

// changedByService reads the service itself, in the order of its time of change
// or, for a full scan, of the number.
func (c *Client) changedByService(ctx context.Context, s *service, w poll.Window, yield func(poll.Item, error) bool) error {
	at := c.contacts()
	path, err := c.path(ctx, at)
	if err != nil {
		return err
	}
	filter, order := timeFilter(s.schema.TimeProperty, w), s.schema.TimeProperty+","+s.no
	if s.schema.Strategy == poll.FullScan {
		filter, order = "", s.no
		if w.AfterNo != "" {
			filter = s.no + " gt " + quote(w.AfterNo)
		}
	}
	start := withOptions(path, option{"$select", s.selected}, option{"$filter", filter}, option{"$orderby", order})
	return c.pages(ctx, c.walk("read changed contacts", at.place, s.layout), start, w.Next, yield,
		func(rec *record) error {
			ct := rec.contact()
			if ct.No == "" && ct.ID == "" {
				c.cfg.Log.WarnContext(ctx, "a row without number and internal id is no contact and is left out")
				return nil
			}
			if !yield(poll.Item{Contact: ct}, nil) {
				return errStopped
			}
			return nil
		}, nil)
}

// pages goes from page to page: from next when there is one, else from the path
// start. row is called for each row, done (if any) for each page before its end
// is yielded.
func (c *Client) pages(ctx context.Context, w *walk, start, next string, yield func(poll.Item, error) bool, row func(*record) error, done func() error) error {
	r := request{path: start}
	if next != "" {
		// A link that was stored under other settings leads elsewhere: begin again.
		if _, ok := c.absolute("", next); !ok {
			return poll.ErrNextRefused
		}
		r = request{link: next}
	}
	for {
		size, began, rows := c.pageSize.Load(), time.Now(), int64(0)
		err := w.page(ctx, r, func(rec *record) error { rows++; return row(rec) })
		if err != nil {
			return err
		}
		c.suitPages(size, rows, time.Since(began))
		if done != nil {
			if err := done(); err != nil {
				return err
			}
		}
		if !yield(poll.Item{Next: w.next}, nil) {
			return errStopped
		}
		if w.next == "" {
			return nil
		}
		r = request{link: w.next}
	}
}

// timeFilter is the filter for a window. Business Central keeps milliseconds: the
// lower bound is cut to one, the upper bound rounded up.
func timeFilter(property string, w poll.Window) string {
	filter := ""
	if !w.From.IsZero() {
		filter = property + " ge " + timeLiteral(w.From)
	}
	if !w.To.IsZero() {
		if filter != "" {
			filter += " and "
		}
		filter += property + " lt " + timeLiteral(w.To.Add(time.Millisecond-time.Nanosecond))
	}
	return filter
}

func timeLiteral(t time.Time) string {
	return t.UTC().Truncate(time.Millisecond).Format("2006-01-02T15:04:05.000Z")
}

// A change is what API v2.0 says of a changed contact.
type change struct {
	id, no   string
	modified time.Time
}

// changedByAPI asks API v2.0 what changed and then reads the service by number.
// The service is read afterwards, so what it shows is at least as new as the time
// that goes with it.
func (c *Client) changedByAPI(ctx context.Context, s *service, w poll.Window, yield func(poll.Item, error) bool) error {
	path, err := c.path(ctx, standardContacts)
	if err != nil {
		return err
	}
	start := withOptions(path, option{"$select", apiSelect}, option{"$filter", timeFilter(apiModified, w)},
		option{"$orderby", apiModified + "," + apiNumber})
	var changes []change
	return c.pages(ctx, c.walk("read what changed", standardContacts.place, apiLayout()), start, w.Next, yield,
		func(rec *record) error {
			changes = append(changes, changeOf(rec))
			return nil
		},
		func() error {
			defer func() { changes = changes[:0] }()
			return c.readChanges(ctx, s, changes, yield)
		})
}

func changeOf(rec *record) change {
	return change{id: internalID(rec.text[fieldID]), no: present(rec.text[fieldNo]), modified: changeTime(rec.text[fieldModified])}
}

// readChanges reads the changed contacts in groups and yields them in the order
// of the changes. One that the service does not show is deleted meanwhile or
// filtered out by the page, and is left out.
func (c *Client) readChanges(ctx context.Context, s *service, changes []change, yield func(poll.Item, error) bool) error {
	at := c.contacts()
	path, err := c.path(ctx, at)
	if err != nil {
		return err
	}
	for len(changes) > 0 {
		n, query := group(path, s, changes)
		found := map[string]*contact.Contact{}
		w := c.walk("read changed contacts by number", at.place, s.layout)
		for r := (request{path: query}); ; r = (request{link: w.next}) {
			err := w.page(ctx, r, func(rec *record) error {
				ct := rec.contact()
				found[contact.Key(ct.No)] = ct
				return nil
			})
			if errors.Is(err, poll.ErrNextRefused) { // a link of this group is not the window's
				err = transfer.SourceUnavailable.Fail(w.op, "the next link of %s was refused", at.place)
			}
			if err != nil {
				return err
			}
			if w.next == "" || len(found) >= n {
				break
			}
		}
		hidden := 0
		for _, ch := range changes[:n] {
			ct := found[contact.Key(ch.no)]
			if ct == nil || ch.no == "" {
				hidden++
				continue
			}
			ct.ID, ct.Modified = ch.id, ch.modified
			if !yield(poll.Item{Contact: ct}, nil) {
				return errStopped
			}
		}
		if hidden > 0 {
			c.cfg.Log.WarnContext(ctx, "changed contacts that the service does not show are left out", "count", hidden)
		}
		changes = changes[n:]
	}
	return nil
}

// A query string has at most 8,099 characters (business-central.md 4.2); a group
// stays below, and is small enough for one page of any server.
const (
	maxQuery = 8000
	maxGroup = 50
)

// group returns how many of the changes fit into one request, at least one, and
// that request: one field's comparisons joined by or, for which Business Central
// allows it.
func group(path string, s *service, changes []change) (n int, query string) {
	clause := func(ch change) string { return s.no + " eq " + quote(ch.no) }
	build := func(filter string) string {
		return withOptions(path, option{"$select", s.selected}, option{"$filter", filter})
	}
	filter := clause(changes[0])
	length := len(build(filter)) - len(path)
	n = 1
	for n < len(changes) && n < maxGroup {
		more := " or " + clause(changes[n])
		length += len(escape(more))
		if length > maxQuery {
			break
		}
		filter += more
		n++
	}
	return n, build(filter)
}
