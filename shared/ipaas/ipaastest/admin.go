package ipaastest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// adminHandler is the surface for whoever runs a sandbox. It stands under
// /simulator/, outside the product's paths, asks for no key and answers JSON:
//
//	GET    /simulator/customers              all customers; ?email= or ?external_id= for some
//	POST   /simulator/customers              adds one as it is given, without the API's rules
//	GET    /simulator/customers/{id}
//	PATCH  /simulator/customers/{id}         changes the members that are given, by hand
//	DELETE /simulator/customers/{id}         deletes for good; ?deactivate=true as the API does
//	PUT    /simulator/customers/{id}/link    {"external_id"}: relinks; empty unlinks
//	GET    /simulator/companies
//	POST   /simulator/companies              {"name","external_id"}
//	GET    /simulator/custom-fields
//	POST   /simulator/custom-fields          {"name","collection","data_type"}
//	DELETE /simulator/custom-fields/{name}   deletes the definition and every value
//	POST   /simulator/faults                 see adminFault
//	DELETE /simulator/faults
//	GET    /simulator/requests               counters by route and the last requests
//	DELETE /simulator/requests
//	POST   /simulator/reset                  empties the simulator
//
// A browser's page of another origin is refused.
func (s *Simulator) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /simulator/customers", s.adminCustomers)
	mux.HandleFunc("POST /simulator/customers", s.adminAddCustomer)
	mux.HandleFunc("GET /simulator/customers/{id}", s.onCustomer(func(w http.ResponseWriter, _ *http.Request, id int64) error {
		return s.showCustomer(w, id)
	}))
	mux.HandleFunc("PATCH /simulator/customers/{id}", s.onCustomer(s.adminEditCustomer))
	mux.HandleFunc("DELETE /simulator/customers/{id}", s.onCustomer(s.adminDeleteCustomer))
	mux.HandleFunc("PUT /simulator/customers/{id}/link", s.onCustomer(s.adminLink))
	mux.HandleFunc("GET /simulator/companies", func(w http.ResponseWriter, _ *http.Request) { show(w, s.Companies()) })
	mux.HandleFunc("POST /simulator/companies", s.adminAddCompany)
	mux.HandleFunc("GET /simulator/custom-fields", func(w http.ResponseWriter, _ *http.Request) { show(w, s.CustomFields()) })
	mux.HandleFunc("POST /simulator/custom-fields", s.adminDefine)
	mux.HandleFunc("DELETE /simulator/custom-fields/{name}", func(w http.ResponseWriter, r *http.Request) {
		s.DeleteCustomField(r.PathValue("name"))
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /simulator/faults", s.adminFault)
	mux.HandleFunc("DELETE /simulator/faults", func(w http.ResponseWriter, _ *http.Request) {
		s.ResetFaults()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /simulator/requests", s.adminRequests)
	mux.HandleFunc("DELETE /simulator/requests", func(w http.ResponseWriter, _ *http.Request) {
		s.ResetRequests()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /simulator/reset", func(w http.ResponseWriter, _ *http.Request) {
		s.Reset()
		w.WriteHeader(http.StatusNoContent)
	})
	return http.NewCrossOriginProtection().Handler(mux)
}

func show(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(v) // a caller that is gone is no concern of ours
}

func refuseAdmin(w http.ResponseWriter, status int, err error) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": err.Error()})
}

// read decodes a body strictly into v, whose present members stay where the body
// does not name them.
func read(r *http.Request, v any) error {
	decoder := json.NewDecoder(io.LimitReader(r.Body, maxRequestBody))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		return fmt.Errorf("body: %w", err)
	}
	return nil
}

func (s *Simulator) adminCustomers(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	all := []Customer{}
	switch {
	case q.Has("email"):
		all = append(all, s.CustomersByEmail(q.Get("email"))...)
	case q.Has("external_id"):
		if c, found := s.CustomerByExternalID(q.Get("external_id")); found {
			all = append(all, c)
		}
	default:
		all = s.Customers()
	}
	show(w, all)
}

func (s *Simulator) adminAddCustomer(w http.ResponseWriter, r *http.Request) {
	var c Customer
	if err := read(r, &c); err != nil {
		refuseAdmin(w, http.StatusBadRequest, err)
		return
	}
	if _, found := s.Customer(c.ID); found || c.ID < 0 {
		refuseAdmin(w, http.StatusConflict, fmt.Errorf("customer %d exists already or is no id", c.ID))
		return
	}
	id := s.AddCustomer(c)
	w.WriteHeader(http.StatusCreated)
	_ = s.showCustomer(w, id)
}

var errNoCustomer = errors.New("no such customer")

func (s *Simulator) showCustomer(w http.ResponseWriter, id int64) error {
	c, found := s.Customer(id)
	if !found {
		return errNoCustomer
	}
	show(w, c)
	return nil
}

func (s *Simulator) onCustomer(do func(http.ResponseWriter, *http.Request, int64) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, p := recordID(r.PathValue("id"))
		if p != nil {
			refuseAdmin(w, http.StatusBadRequest, errors.New(p.text))
			return
		}
		switch err := do(w, r, id); {
		case errors.Is(err, errNoCustomer):
			refuseAdmin(w, http.StatusNotFound, err)
		case err != nil:
			refuseAdmin(w, http.StatusBadRequest, err)
		}
	}
}

func (s *Simulator) adminEditCustomer(w http.ResponseWriter, r *http.Request, id int64) error {
	present, found := s.Customer(id)
	if !found {
		return errNoCustomer
	}
	edited := present
	if err := read(r, &edited); err != nil {
		return err
	}
	if err := s.edit(id, func(c *Customer) { *c = edited }); err != nil {
		return err
	}
	return s.showCustomer(w, id)
}

func (s *Simulator) adminDeleteCustomer(w http.ResponseWriter, r *http.Request, id int64) error {
	var err error
	if r.URL.Query().Get("deactivate") == "true" {
		err = s.edit(id, func(c *Customer) { c.Inactive = true })
	} else {
		err = s.delete(id)
	}
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

func (s *Simulator) adminLink(w http.ResponseWriter, r *http.Request, id int64) error {
	var body struct {
		ExternalID string `json:"external_id"`
	}
	if err := read(r, &body); err != nil {
		return err
	}
	if err := s.relink(id, body.ExternalID); err != nil {
		return err
	}
	return s.showCustomer(w, id)
}

func (s *Simulator) adminAddCompany(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Name       string `json:"name"`
		ExternalID string `json:"external_id"`
	}
	if err := read(r, &body); err != nil {
		refuseAdmin(w, http.StatusBadRequest, err)
		return
	}
	w.WriteHeader(http.StatusCreated)
	show(w, map[string]int64{"id": s.AddCompany(body.Name, body.ExternalID)})
}

func (s *Simulator) adminDefine(w http.ResponseWriter, r *http.Request) {
	var f CustomFieldDefinition
	err := read(r, &f)
	if err == nil && f.Name == "" {
		err = errors.New("body: name is empty")
	}
	if err != nil {
		refuseAdmin(w, http.StatusBadRequest, err)
		return
	}
	s.DefineCustomField(f)
	w.WriteHeader(http.StatusNoContent)
}

// adminFault scripts a fault, the members meaning what those of [Script] and
// [Effect] do. {"route":"customer create","cut":true,"process":true} loses the
// answer of the next create.
func (s *Simulator) adminFault(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Route     Route             `json:"route"`
		Method    string            `json:"method"`
		Skip      int               `json:"skip"`
		Times     int               `json:"times"`
		Status    int               `json:"status"`
		Header    map[string]string `json:"header"`
		Body      string            `json:"body"`
		Process   bool              `json:"process"`
		Cut       bool              `json:"cut"`
		KeepBytes int               `json:"keep_bytes"`
		DelayMS   int64             `json:"delay_ms"` // before the call is carried out
	}
	err := read(r, &body)
	if err == nil && (body.Status != 0 && (body.Status < 200 || body.Status > 599) || body.Skip < 0 || body.DelayMS < 0 || body.KeepBytes < 0) {
		err = errors.New("body: status must be 200 to 599; skip, keep_bytes and delay_ms not negative")
	}
	if err != nil {
		refuseAdmin(w, http.StatusBadRequest, err)
		return
	}
	script := Script{Route: body.Route, Method: body.Method, Skip: body.Skip, Times: body.Times, Effect: Effect{
		Status: body.Status, Header: http.Header{}, Body: body.Body, Process: body.Process, Cut: body.Cut, KeepBytes: body.KeepBytes,
	}}
	for name, value := range body.Header {
		script.Header.Set(name, value)
	}
	if body.DelayMS > 0 {
		script.Before = func(Request) { time.Sleep(time.Duration(body.DelayMS) * time.Millisecond) }
	}
	s.Fail(script)
	w.WriteHeader(http.StatusNoContent)
}

func (s *Simulator) adminRequests(w http.ResponseWriter, _ *http.Request) {
	type shown struct {
		Time   time.Time       `json:"time"`
		Route  Route           `json:"route"`
		Method string          `json:"method"`
		Path   string          `json:"path"`
		Query  string          `json:"query,omitempty"`
		Body   json.RawMessage `json:"body,omitempty"`
		Status int             `json:"status"`
	}
	last := s.Requests()
	last = last[max(0, len(last)-100):]
	answer := struct {
		Calls    map[Route]int `json:"calls"`
		Requests []shown       `json:"requests"`
	}{s.callsByRoute(), []shown{}}
	for _, seen := range last {
		one := shown{Time: seen.Time, Route: seen.Route, Method: seen.Method, Path: seen.Path, Query: seen.Query.Encode(), Status: seen.Status}
		if json.Valid(seen.Body) {
			one.Body = seen.Body
		}
		answer.Requests = append(answer.Requests, one)
	}
	show(w, answer)
}
