package businesscentraltest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// adminRoutes are the sandbox's own surface, JSON in and out:
//
//	GET    /simulator/contacts?search=&limit=   contacts by number
//	POST   /simulator/contacts                  add one contact
//	GET    /simulator/contacts/{no}             one contact, by number or internal id
//	PATCH  /simulator/contacts/{no}             change the members in the body; "no" renames
//	DELETE /simulator/contacts/{no}
//	POST   /simulator/faults                    a Fault
//	DELETE /simulator/faults
//	GET    /simulator/calls                     calls by route
//	GET    /simulator/subscriptions
//	POST   /simulator/notifications             deliver what is due
//	POST   /simulator/reset                     remove all records; {"demo":true} fills in the demo data
func (s *Simulator) adminRoutes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /simulator/contacts", s.adminList)
	mux.HandleFunc("POST /simulator/contacts", s.adminAdd)
	mux.HandleFunc("GET /simulator/contacts/{no}", s.adminShow)
	mux.HandleFunc("PATCH /simulator/contacts/{no}", s.adminEdit)
	mux.HandleFunc("DELETE /simulator/contacts/{no}", func(w http.ResponseWriter, r *http.Request) {
		s.adminDone(w, http.StatusOK, map[string]bool{"deleted": true}, s.DeleteContact(r.PathValue("no")))
	})
	mux.HandleFunc("POST /simulator/faults", func(w http.ResponseWriter, r *http.Request) {
		var f Fault
		if err := readStrict(r, &f); err != nil {
			s.adminDone(w, 0, nil, err)
			return
		}
		if f.Status != 0 && f.Body == "" && f.BodySize == 0 {
			plain := failure(f.Status)
			f.Body = plain.Body
			f.Throttled = f.Throttled || plain.Throttled
		}
		s.Inject(f)
		s.adminDone(w, http.StatusCreated, f, nil)
	})
	mux.HandleFunc("DELETE /simulator/faults", func(w http.ResponseWriter, _ *http.Request) {
		s.ClearFaults()
		s.adminDone(w, http.StatusOK, map[string]bool{"cleared": true}, nil)
	})
	mux.HandleFunc("GET /simulator/calls", func(w http.ResponseWriter, _ *http.Request) {
		s.adminDone(w, http.StatusOK, s.callCounts(), nil)
	})
	mux.HandleFunc("GET /simulator/subscriptions", func(w http.ResponseWriter, _ *http.Request) {
		s.adminDone(w, http.StatusOK, map[string]any{"subscriptions": append([]Subscription{}, s.Subscriptions()...)}, nil)
	})
	mux.HandleFunc("POST /simulator/notifications", func(w http.ResponseWriter, r *http.Request) {
		report, err := s.DeliverNotifications(r.Context())
		s.adminDone(w, http.StatusOK, report, err)
	})
	mux.HandleFunc("POST /simulator/reset", s.adminReset)
	return mux
}

func (s *Simulator) serveAdmin(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	s.admin.ServeHTTP(w, r)
}

func (s *Simulator) adminDone(w http.ResponseWriter, status int, body any, err error) {
	switch {
	case errors.Is(err, ErrNoRecord):
		status, body = http.StatusNotFound, map[string]string{"error": err.Error()}
	case err != nil:
		status, body = http.StatusBadRequest, map[string]string{"error": err.Error()}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller may have gone
}

// readStrict refuses unknown members, so that a misspelt one is not silence.
func readStrict(r *http.Request, into any) error {
	if err := decodeStrict(r.Body, into); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// decodeStrict says of an unknown member which ones there are.
func decodeStrict(from io.Reader, into any) error {
	decoder := json.NewDecoder(from)
	decoder.DisallowUnknownFields()
	err := decoder.Decode(into)
	if err != nil && strings.Contains(err.Error(), "unknown field") {
		return fmt.Errorf("%w: expected %s", err, strings.Join(jsonNames(into), ", "))
	}
	return err
}

// jsonNames lists the JSON names of a structure.
func jsonNames(pointer any) []string {
	var names []string
	for field := range reflect.TypeOf(pointer).Elem().Fields() {
		if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" && name != "-" {
			names = append(names, name)
		}
	}
	return names
}

func (s *Simulator) adminList(w http.ResponseWriter, r *http.Request) {
	limit := 200
	if text := r.URL.Query().Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			s.adminDone(w, 0, nil, errors.New("limit is a number from 1"))
			return
		}
		limit = n
	}
	search := strings.ToUpper(r.URL.Query().Get("search"))
	contacts := []Contact{}
	rows := s.rows(s.contacts)
	for _, row := range rows {
		if len(contacts) == limit {
			break
		}
		if search == "" || strings.Contains(row.number, search) || strings.Contains(one(row.values, fieldSearchName), search) {
			contacts = append(contacts, contactOf(row))
		}
	}
	s.adminDone(w, http.StatusOK, map[string]any{"contacts": contacts, "total": len(rows)}, nil)
}

func (s *Simulator) adminAdd(w http.ResponseWriter, r *http.Request) {
	var c Contact
	err := readStrict(r, &c)
	if err == nil {
		err = s.AddContacts(c)
	}
	added, _ := s.Contact(c.No)
	s.adminDone(w, http.StatusCreated, added, err)
}

func (s *Simulator) adminShow(w http.ResponseWriter, r *http.Request) {
	c, found := s.Contact(r.PathValue("no"))
	var err error
	if !found {
		err = ErrNoRecord
	}
	s.adminDone(w, http.StatusOK, c, err)
}

func (s *Simulator) adminEdit(w http.ResponseWriter, r *http.Request) {
	ref := r.PathValue("no")
	before, found := s.Contact(ref)
	if !found {
		s.adminDone(w, 0, nil, ErrNoRecord)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err == nil {
		probe := before // a body that cannot be read changes nothing
		err = decodeStrict(bytes.NewReader(body), &probe)
		if err == nil && code(probe.No) != before.No {
			err = s.RenameContact(before.SystemID, probe.No)
		}
	}
	if err == nil {
		err = s.EditContact(before.SystemID, func(c *Contact) { _ = json.Unmarshal(body, c) }) // it was read before
	}
	after, _ := s.Contact(before.SystemID)
	s.adminDone(w, http.StatusOK, after, err)
}

func (s *Simulator) adminReset(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Demo bool `json:"demo"`
	}
	err := readStrict(r, &in)
	if err == nil {
		if s.Reset(); in.Demo {
			err = s.AddDemo()
		}
	}
	s.adminDone(w, http.StatusOK, map[string]int{"contacts": s.ContactCount()}, err)
}

func (s *Simulator) callCounts() any {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	type count struct {
		Route Route `json:"route"`
		Calls int   `json:"calls"`
	}
	counts := []count{}
	for route, n := range s.log.counts {
		counts = append(counts, count{route, n})
	}
	slices.SortFunc(counts, func(a, b count) int { return strings.Compare(string(a.Route), string(b.Route)) })
	return map[string]any{"calls": counts}
}
