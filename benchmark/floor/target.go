package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync/atomic"

	"contactsync/benchmark/people"
	"contactsync/benchmark/stage"
	"contactsync/shared/mapping"
)

// contact is one contact, ready to go.
type contact struct {
	key, number, index []byte
	claimed, outcome   []byte
	indexed            []byte // its present row in the index
	isNew              bool
	requests           []request
}

type request struct {
	method, url string
	body        []byte
}

// How large a stored state is, measured at the product's: in the file and in the
// table, which names every member.
const fileItem, tableItem = 950, 2500

// prepare makes everything that is sent or stored.
func prepare(ctx context.Context, where stage.Addresses, count, itemSize int, isNew bool) ([]contact, error) {
	m, err := mapping.Embedded()
	if err != nil {
		return nil, err
	}
	item := bytes.Repeat([]byte("x"), itemSize)
	work := make([]contact, count)
	for i := range work {
		body, err := people.Body(ctx, m, i, where.SystemID, isNew)
		if err != nil {
			return nil, err
		}
		c := contact{
			key: []byte("i" + people.ID(i)), number: []byte(people.No(i)), index: fmt.Appendf(nil, "succeeded\x002026-01-31T10:00:00.%09dZ#%s", i, people.No(i)),
			claimed: item[:200], outcome: item, isNew: isNew,
		}
		customer := where.IPaaS + "/customers/v2/Customer"
		if !isNew {
			c.claimed = item
			c.requests = []request{{http.MethodPut, fmt.Sprint(customer, "/", i+1), body}}
		} else {
			special, err := json.Marshal(map[string]any{"table_name": "customer", "system_id": json.Number(where.SystemID), "external_id": people.No(i) + "|contact"})
			if err != nil {
				return nil, err
			}
			c.requests = []request{
				{http.MethodPost, where.IPaaS + "/customers/v2/External/LookupSpecial", special},
				{http.MethodGet, customer + "s?action=equals&EmailAddress=" + url.QueryEscape(people.EMail(i)), nil},
				{http.MethodPost, customer, body},
			}
		}
		work[i] = c
	}
	return work, nil
}

type target struct {
	client *http.Client
	header http.Header
	calls  atomic.Int64
}

func newTarget(where stage.Addresses, workers int) *target {
	return &target{
		client: &http.Client{Transport: &http.Transport{MaxIdleConns: workers, MaxIdleConnsPerHost: workers}},
		header: http.Header{"Authorization": {"Bearer " + where.APIKey}, "Content-Type": {"application/json"}, "Accept": {"application/json"}},
	}
}

func (t *target) send(r *request) error {
	t.calls.Add(1)
	req, err := http.NewRequestWithContext(context.Background(), r.method, r.url, bytes.NewReader(r.body))
	if err != nil {
		return err
	}
	req.Header = t.header
	resp, err := t.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusNotFound {
		err = fmt.Errorf("%s %s: %s %s", r.method, r.url, resp.Status, body)
	}
	return err
}
