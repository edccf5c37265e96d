package businesscentraltest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	changeCreated = "created"
	changeUpdated = "updated"
	changeDeleted = "deleted"
)

// A change is one notification that waits.
type change struct {
	kind string
	id   guid
	at   int64
}

// pendingChanges are the notifications of one subscription.
type pendingChanges struct {
	changes    []change
	updates    map[guid]int // where the last update of a record stands
	first      int64        // when the first change was registered
	collection bool         // too many: one notification for all
	deletes    bool
}

// announce registers a change for each subscription of the table
// (business-central.md 8.5). The caller holds the lock.
func (s *Simulator) announce(t *table, kind string, r *row, at int64) {
	for _, one := range s.webhooks.subscriptions {
		if one.table == t {
			one.pending.add(change{kind, r.id, at}, s.cfg.MaxNotifications)
		}
	}
}

func (p *pendingChanges) add(c change, maximum int) {
	if len(p.changes) == 0 && !p.collection {
		*p = pendingChanges{first: c.at, updates: map[guid]int{}}
	}
	p.deletes = p.deletes || c.kind == changeDeleted
	if p.collection {
		p.changes[0].at = c.at
		return
	}
	if c.kind == changeUpdated {
		if i, merged := p.updates[c.id]; merged {
			p.changes[i].at = c.at // sequential updates of one record are one
			return
		}
		p.updates[c.id] = len(p.changes)
	} else {
		delete(p.updates, c.id)
	}
	if p.changes = append(p.changes, c); len(p.changes) > maximum {
		p.collection, p.changes, p.updates = true, p.changes[len(p.changes)-1:], nil
	}
}

// A delivery is the state of one notification URL: what is under way and how
// often it failed.
type delivery struct {
	attempts int
	next     time.Time
}

// retryDelays are the waits after failure 1 to 5; the sixth ends the subscription.
var retryDelays = []time.Duration{time.Minute, time.Minute, 10 * time.Minute, 100 * time.Minute, 1000 * time.Minute}

// A Notified says what [Simulator.DeliverNotifications] did.
type Notified struct {
	Posts         int       `json:"posts"`         // requests sent
	Notifications int       `json:"notifications"` // that were accepted
	Dropped       int       `json:"dropped"`       // subscriptions that ended because of the answer
	Next          time.Time `json:"next,omitzero"` // when the next delivery is due by the simulator's clock; zero if nothing waits
}

// DeliverNotifications sends what is due by the simulator's clock: 30 s after the
// first change, or when a retry's time has come. All notifications for one URL go
// in one POST. 2xx is done; 408, 429, 5xx and no answer are retried after 1, 1,
// 10, 100 and 1,000 minutes; any other answer, or the sixth failure, ends the
// subscriptions of that URL (business-central.md 8.6).
func (s *Simulator) DeliverNotifications(ctx context.Context) (Notified, error) {
	var report Notified
	var faults []error
	for _, batch := range s.dueBatches(&report) {
		report.Posts++
		status, err := s.post(ctx, batch)
		if ctx.Err() != nil {
			s.restore(batch)
			return report, ctx.Err()
		}
		if err != nil {
			faults = append(faults, err)
		}
		s.judge(batch, status, &report)
	}
	return report, errors.Join(faults...)
}

// A batch is one POST.
type batch struct {
	url           string
	body          []byte
	notifications int
	taken         map[*Subscription]pendingChanges
}

// dueBatches takes the due changes out of the subscriptions.
func (s *Simulator) dueBatches(report *Notified) []batch {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	if s.webhooks.deliveries == nil {
		s.webhooks.deliveries = map[string]*delivery{}
	}
	due := map[string]time.Time{}
	var urls []string
	for _, one := range s.webhooks.subscriptions {
		if len(one.pending.changes) == 0 {
			continue
		}
		at := fromStamp(one.pending.first).Add(s.cfg.NotificationDelay)
		if d := s.webhooks.deliveries[one.NotificationURL]; d != nil && d.attempts > 0 {
			at = d.next
		}
		old, known := due[one.NotificationURL]
		if !known {
			urls = append(urls, one.NotificationURL)
		}
		if !known || at.Before(old) {
			due[one.NotificationURL] = at
		}
	}
	var batches []batch
	for _, address := range urls {
		if at := due[address]; at.After(s.now()) {
			report.setNext(at)
			continue
		}
		batches = append(batches, s.take(address))
	}
	return batches
}

func (n *Notified) setNext(at time.Time) {
	if n.Next.IsZero() || at.Before(n.Next) {
		n.Next = at
	}
}

func (s *Simulator) take(address string) batch {
	b := batch{url: address, taken: map[*Subscription]pendingChanges{}}
	body := []byte(`{"value":[`)
	for _, one := range s.webhooks.subscriptions {
		if one.NotificationURL != address || len(one.pending.changes) == 0 {
			continue
		}
		for i := range one.pending.changes {
			if b.notifications > 0 {
				body = append(body, ',')
			}
			body = one.appendNotification(body, i)
			b.notifications++
		}
		b.taken[one] = one.pending
		one.pending = pendingChanges{}
	}
	b.body = append(body, "]}"...)
	return b
}

// appendNotification has the form of business-central.md 8.4.
func (one *Subscription) appendNotification(b []byte, i int) []byte {
	c := &one.pending.changes[i]
	resource := strings.TrimPrefix(one.Resource, "/") + "(" + c.id.String() + ")"
	kind := c.kind
	if one.pending.collection {
		kind = "collection"
		resource = one.Resource
		if !one.pending.deletes && one.timed && one.pending.first != never {
			since := fromStamp(one.pending.first - 50).Format(stampLayout)
			resource += "?$filter=lastModifiedDateTime%20gt%20" + since
		}
	}
	b = appendText(append(b, `{"subscriptionId":`...), one.ID)
	for _, member := range [][2]string{
		{"clientState", one.ClientState}, {"expirationDateTime", one.Expires.Format(time.RFC3339)}, {"resource", resource},
		{"changeType", kind}, {"lastModifiedDateTime", fromStamp(c.at).Format(stampLayout)},
	} {
		b = appendText(append(b, `,"`+member[0]+`":`...), member[1])
	}
	return append(b, '}')
}

// post sends a batch; no answer is status 0.
func (s *Simulator) post(ctx context.Context, b batch) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, b.url, bytes.NewReader(b.body))
	if err != nil {
		return 0, fmt.Errorf("notify subscriber: %w", err)
	}
	id := uuid()
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	request.Header.Set("clientRequestId", id)
	request.Header.Set("x-ms-correlation-id", id)
	response, err := s.cfg.NotificationClient.Do(request)
	if err != nil {
		return 0, nil // no answer: tried again
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<20)) // for the connection to be used again
	return response.StatusCode, response.Body.Close()
}

// restore puts the changes of a batch back in front of newer ones.
func (s *Simulator) restore(b batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for one, taken := range b.taken {
		newer := one.pending
		if one.pending = taken; newer.collection {
			one.pending.collection, one.pending.changes = true, newer.changes
			one.pending.deletes = taken.deletes || newer.deletes
			continue
		}
		for _, c := range newer.changes {
			one.pending.add(c, s.cfg.MaxNotifications)
		}
	}
}

func (s *Simulator) judge(b batch, status int, report *Notified) {
	retry := status == 0 || status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= 500
	s.mu.Lock()
	d := s.webhooks.deliveries[b.url]
	if d == nil {
		d = &delivery{}
		s.webhooks.deliveries[b.url] = d
	}
	if status >= 200 && status < 300 {
		delete(s.webhooks.deliveries, b.url)
		report.Notifications += b.notifications
		s.mu.Unlock()
		return
	}
	if retry && d.attempts < len(retryDelays) {
		d.next = s.now().Add(retryDelays[d.attempts])
		d.attempts++
		report.setNext(d.next)
		s.mu.Unlock()
		s.restore(b)
		return
	}
	for one := range b.taken {
		s.drop(one)
		report.Dropped++
	}
	delete(s.webhooks.deliveries, b.url)
	s.mu.Unlock()
}
