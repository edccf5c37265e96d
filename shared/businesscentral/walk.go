package businesscentral

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"contactsync/shared/outbound"
	"contactsync/shared/poll"
	"contactsync/shared/transfer"
)

// A walk reads the pages of one list, one after the other.
type walk struct {
	client *Client
	op     string
	where  place
	rows   *rowReader
	seen   map[string]bool // links followed so far
	next   string          // the link of the page after the last one read; "" after the last
}

func (c *Client) walk(op string, where place, l *layout) *walk {
	return &walk{client: c, op: op, where: where, rows: &rowReader{layout: l}, seen: map[string]bool{}}
}

// page reads one page and calls row for each of its rows as it arrives; the
// record is valid until row returns. Afterwards next holds the link of the page
// that follows. It ends early with the error of row. A link that Business Central
// refuses is [poll.ErrNextRefused].
func (w *walk) page(ctx context.Context, r request, row func(*record) error) error {
	w.next = ""
	if r.link != "" {
		w.seen[r.link] = true
	}
	answer, err := w.open(ctx, r)
	if err != nil {
		return err
	}
	defer answer.Stream.Close()
	reader := newPageReader(answer.Stream)
	var rec record
	for {
		raw, err := reader.row()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = w.rows.read(string(raw), &rec)
		}
		if err != nil {
			return w.broken(ctx, answer, err)
		}
		if err := row(&rec); err != nil {
			return err
		}
	}
	if reader.next == "" {
		return nil
	}
	w.next, err = w.follow(answer.URL, reader.next)
	return err
}

// broken makes an error of an answer that could not be read to its end.
func (w *walk) broken(ctx context.Context, answer *outbound.Answer, err error) error {
	if _, ok := errors.AsType[malformed](err); ok {
		return notUnderstood(w.op, "a JSON object with the list \"value\" from "+w.where.String(), answer, err)
	}
	return noAnswer(ctx, w.op, err)
}

// open asks for a page. A page that Business Central cannot make in its time is
// asked for again with half the rows (business-central.md 6.2).
func (w *walk) open(ctx context.Context, r request) (*outbound.Answer, error) {
	c := w.client
	r.op, r.stream = w.op, true
	for {
		size := c.pageSize.Load()
		r.prefer = fmt.Sprintf("odata.maxpagesize=%d", size) // holds for one request, not for its continuation
		answer, err := c.do(ctx, r)
		switch {
		case err == nil && answer.Status == http.StatusOK && answer.Stream != nil:
			return answer, nil
		case err == nil && !tooSlow(answer.Status):
			err = c.judge(w.op, w.where, answer)
			if r.link != "" && refusedLink(answer.Status) {
				err = fmt.Errorf("%s: %w: %w", w.op, poll.ErrNextRefused, err)
			}
			return nil, err
		case err != nil:
			if errors.Is(err, outbound.ErrMayHaveArrived) {
				c.smallerPages(size) // for the next one who asks
			}
			return nil, err
		case size <= smallestPage:
			return nil, c.judge(w.op, w.where, answer)
		}
		c.smallerPages(size)
	}
}

func tooSlow(status int) bool {
	return status == http.StatusRequestTimeout || status == http.StatusGatewayTimeout
}

func refusedLink(status int) bool {
	return status == http.StatusBadRequest || status == http.StatusNotFound || status == http.StatusGone
}

func (c *Client) smallerPages(than int64) {
	c.pageSize.CompareAndSwap(than, max(min(than, smallestPage), than/2))
}

// Between these a page's time is right, its consumer's work included. A page costs
// two calls, however many rows it has; but a run takes new requests only after each
// page, and its checkpoint lies at a page's end.
const (
	shortPage = time.Second
	longPage  = 4 * time.Second
)

// suitPages lets the next page have twice as many rows when one was over in no time,
// as where nothing has changed, and half as many when it took long. It never has
// fewer than Config.PageSize for that.
func (c *Client) suitPages(size, rows int64, took time.Duration) {
	switch {
	case took < shortPage && rows >= size:
		c.pageSize.CompareAndSwap(size, min(2*size, serverPage))
	case took > longPage && size > int64(c.cfg.PageSize):
		c.pageSize.CompareAndSwap(size, max(size/2, int64(c.cfg.PageSize)))
	}
}

// follow checks a next link: it gets our token, so it must lead to the configured
// host, and it must lead on. The link itself stays as it is (business-central.md 4.4).
func (w *walk) follow(from, link string) (string, error) {
	link = strings.ReplaceAll(link, " ", "%20")
	absolute, ok := w.client.absolute(from, link)
	if !ok {
		return "", transfer.SourceUnavailable.Fail(w.op, "the next link of %s does not lead to the configured host %s and was not followed", w.where, w.client.base.Host)
	}
	if w.seen[absolute] || absolute == from {
		e := transfer.SourceUnavailable.Fail(w.op, "the next link of %s leads to a page that was read already", w.where)
		e.Err = poll.ErrNextRepeated
		return "", e
	}
	return absolute, nil
}

// absolute returns the link as an address of the configured host; ok is false
// when it is none.
func (c *Client) absolute(from, link string) (absolute string, ok bool) {
	u, err := url.Parse(link)
	if err != nil || u.User != nil || u.Opaque != "" || strings.ContainsFunc(link, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' }) {
		return "", false
	}
	if !u.IsAbs() {
		base, err := url.Parse(from)
		if err != nil {
			return "", false
		}
		u = base.ResolveReference(u)
		link = u.String()
	}
	return link, strings.EqualFold(u.Scheme, c.base.Scheme) && strings.EqualFold(hostPort(u), hostPort(c.base))
}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[strings.ToLower(u.Scheme)]
	}
	return u.Hostname() + ":" + port
}
