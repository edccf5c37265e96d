package ipaastest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"contactsync/shared/ipaas/ipaastest"
)

func TestScriptedFaults(t *testing.T) {
	tests := []struct {
		name   string
		effect ipaastest.Effect
		status int // 0: the connection ends
		text   string
		stored bool
	}{
		{"an answer in another format", ipaastest.Effect{Status: 503, Body: "<html>", Header: http.Header{"Content-Type": {"text/html"}}}, 503, "<html>", false},
		{"an empty answer", ipaastest.Effect{Status: 500}, 500, "", false},
		{"an error of the API", ipaastest.Refused(500, "INTL-1002", "Unable to connect"), 500, `"code":"INTL-1002"`, false},
		{"an error although the call was carried out", ipaastest.Effect{Status: 500, Process: true}, 500, "", true},
		{"a connection that ends before", ipaastest.Effect{Cut: true}, 0, "", false},
		{"a connection that ends after", ipaastest.LostAnswer(), 0, "", true},
		{"a connection that ends within the body", ipaastest.Effect{Cut: true, Process: true, KeepBytes: 10}, 0, `{"id":901,`, true},
		{"broken JSON", ipaastest.Effect{KeepBytes: 10}, 200, `{"id":901,`, true},
		{"a huge answer", ipaastest.Effect{PadTo: 1 << 20}, 200, strings.Repeat(" ", 1<<19), true},
	}
	for _, tt := range tests {
		for transport, begin := range map[string]func(testing.TB, ...ipaastest.Config) *ipaastest.Simulator{"socket": ipaastest.Start, "memory": ipaastest.InMemory} {
			t.Run(tt.name+", "+transport, func(t *testing.T) {
				sim := begin(t)
				sim.Fail(ipaastest.Script{Effect: tt.effect})
				a, err := caller{t, sim, sim.APIKey()}.try(http.MethodPost, "/customers/v2/Customer", ada)
				if cut := err != nil; cut != (tt.status == 0) {
					t.Fatalf("error %v, want a cut connection: %v", err, tt.status == 0)
				}
				if err == nil && a.status != tt.status || !strings.Contains(a.text, tt.text) {
					t.Errorf("got %d %.100s, want %d with %.100s", a.status, a.text, tt.status, tt.text)
				}
				if stored := sim.CountCustomers() == 1; stored != tt.stored {
					t.Errorf("stored: %v, want %v", stored, tt.stored)
				}
				if n := sim.PendingFaults(); n != 0 {
					t.Errorf("%d faults are pending", n)
				}
			})
		}
	}
}

func TestAScriptMatchesTheCallItNames(t *testing.T) {
	sim, api := start(t)
	id := api.create(ada)
	sim.Fail(
		ipaastest.Script{Route: ipaastest.CustomerUpdate, Skip: 1, Times: 2, Effect: ipaastest.Effect{Status: 503}},
		ipaastest.Script{Route: ipaastest.CustomerCreate, When: func(r ipaastest.Request) bool { return r.JSON()["last_name"] == "B" }, Times: -1, Effect: ipaastest.Effect{Status: 500}},
		ipaastest.Script{Method: http.MethodDelete, Effect: ipaastest.Throttled("7")},
	)
	for i, want := range []int{200, 503, 503, 200} {
		if a := api.put(path(id), `{"last_name":"King"}`); a.status != want {
			t.Errorf("update %d: got %d, want %d", i+1, a.status, want)
		}
	}
	for range 3 {
		wantStatus(t, api.post("/customers/v2/Customer", `{"last_name":"B","email_address":"b@example.com"}`), 500)
	}
	wantStatus(t, api.post("/customers/v2/Customer", `{"last_name":"C","email_address":"c@example.com"}`), 200)
	if a := api.do(http.MethodDelete, path(id), ""); a.status != 429 || a.header.Get("Retry-After") != "7" {
		t.Errorf("got %d, Retry-After %q", a.status, a.header.Get("Retry-After"))
	}
	sim.FailNext(500, 502)
	sim.ResetFaults()
	wantStatus(t, api.get(path(id)), 200)
}

func TestACallIsHeldInMidFlight(t *testing.T) {
	sim, api := start(t)
	before := sim.Hold(ipaastest.CustomerCreate)
	answers := make(chan answer)
	send := func() {
		a, _ := api.try(http.MethodPost, "/customers/v2/Customer", ada)
		answers <- a
	}
	go send()
	<-before.Arrived()
	if n := sim.CountCustomers(); n != 0 {
		t.Errorf("%d customers while the call is held", n)
	}
	before.Open()
	wantStatus(t, <-answers, 200)

	after := sim.HoldAnswer(ipaastest.CustomerCreate)
	go send()
	<-after.Arrived()
	wantStatus(t, api.get("/customers/v2/Customers"), 200) // others go on
	after.Open()
	wantStatus(t, <-answers, 400)
}

func TestAHeldCallIsCarriedOutAlthoughItsCallerIsGone(t *testing.T) {
	sim := ipaastest.Start(t)
	gate := ipaastest.NewGate()
	done := make(chan struct{})
	sim.Fail(ipaastest.Script{Effect: ipaastest.Effect{Before: gate.Wait, After: func(ipaastest.Request) { close(done) }}})
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error)
	go func() { failed <- create(ctx, sim, ada) }()
	<-gate.Arrived()
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	gate.Open()
	<-done
	if n := sim.CountCustomers(); n != 1 {
		t.Errorf("%d customers", n)
	}
}

func create(ctx context.Context, sim *ipaastest.Simulator, body string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, sim.BaseURL()+"/customers/v2/Customer", strings.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+sim.APIKey())
	request.Header.Set("Content-Type", "application/json")
	response, err := sim.HTTPClient().Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", response.StatusCode)
	}
	return nil
}

func TestASlowBodyEndsWithItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := ipaastest.InMemory(t)
		sim.Fail(ipaastest.Script{Effect: ipaastest.Effect{BodyGate: func(ipaastest.Request) { time.Sleep(time.Hour) }}})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		begin := time.Now()
		if err := create(ctx, sim, ada); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if took := time.Since(begin); took != 10*time.Second {
			t.Errorf("took %s", took)
		}
		time.Sleep(time.Hour) // until the simulator's side is over
	})
}

func TestLatencyIsFakedInMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := ipaastest.InMemory(t, ipaastest.Config{Latency: func(ipaastest.Route) time.Duration { return time.Minute }})
		begin := time.Now()
		if err := create(t.Context(), sim, ada); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took != time.Minute {
			t.Errorf("took %s", took)
		}
	})
}

func TestOnCall(t *testing.T) {
	sim, api := start(t)
	var seen []string
	note := func(word string) func(ipaastest.Request) {
		return func(r ipaastest.Request) {
			seen = append(seen, fmt.Sprint(word, " ", r.Route, " ", sim.CountCustomers()))
		}
	}
	sim.OnCall(ipaastest.CustomerCreate, 2, note("before"), note("after"))
	api.create(`{"last_name":"A","email_address":"a@example.com"}`)
	api.create(`{"last_name":"B","email_address":"b@example.com"}`)
	api.create(`{"last_name":"C","email_address":"c@example.com"}`)
	if got, want := strings.Join(seen, ", "), "before customer create 1, after customer create 2"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestWhatArrivedIsRecordedAndCounted(t *testing.T) {
	now := time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC)
	sim, api := start(t, ipaastest.Config{RecordLimit: 3, Now: func() time.Time { return now }})
	sim.AddCompany("Adatum Corporation", "C100")
	api.byEmail("ada@example.com")
	api.lookup("customer", "44552|contact")
	api.lookup("Customer Company", "C100")
	api.create(ada)
	sim.Fail(ipaastest.Script{Effect: ipaastest.LostAnswer()})
	_, _ = api.try(http.MethodPut, path(901), `{}`)

	for route, want := range map[ipaastest.Route]int{
		ipaastest.CustomerSearch: 1, ipaastest.LookupCustomer: 1, ipaastest.LookupCompany: 1, ipaastest.CustomerCreate: 1, ipaastest.CustomerUpdate: 1, ipaastest.CustomerGet: 0,
	} {
		if got := sim.Calls(route); got != want {
			t.Errorf("%s: %d calls, want %d", route, got, want)
		}
	}
	if got := sim.Calls(ipaastest.LookupCustomer, ipaastest.LookupCompany); got != 2 {
		t.Errorf("%d look-ups, want 2", got)
	}
	last := sim.Requests()
	if len(last) != 3 || last[0].Route != ipaastest.LookupCompany || last[1].Status != 200 || last[1].JSON()["last_name"] != "Byron" || !last[1].Time.Equal(now) || last[2].Status != 0 {
		t.Errorf("recorded %+v", last)
	}
	if len(sim.Requests(ipaastest.CustomerCreate)) != 1 {
		t.Error("requests of one route")
	}
	sim.ResetRequests()
	if sim.Calls() != 0 || len(sim.Requests()) != 0 {
		t.Error("not forgotten")
	}
}

func TestALoadRunRecordsNothingAndCountsAll(t *testing.T) {
	sim, api := start(t, ipaastest.Config{RecordLimit: -1})
	api.byEmail("ada@example.com")
	if sim.Calls() != 1 || len(sim.Requests()) != 0 {
		t.Errorf("%d calls, %d requests", sim.Calls(), len(sim.Requests()))
	}
}

func TestOfManyCreatesWithOneEmailOneWins(t *testing.T) {
	sim := ipaastest.InMemory(t)
	won := make(chan error)
	const all = 50
	for range all {
		go func() { won <- create(context.Background(), sim, whole) }()
	}
	winners := 0
	for range all {
		if <-won == nil {
			winners++
		}
	}
	if winners != 1 || sim.CountCustomers() != 1 {
		t.Errorf("%d winners, %d customers", winners, sim.CountCustomers())
	}
}

func TestMaxInFlight(t *testing.T) {
	sim := ipaastest.Start(t)
	var gates []*ipaastest.Gate
	var wg sync.WaitGroup
	for i := range 3 {
		gate := sim.Hold(ipaastest.CustomerCreate)
		gates = append(gates, gate)
		wg.Go(func() {
			_ = create(context.Background(), sim, fmt.Sprintf(`{"last_name":"A","email_address":"a%d@example.com"}`, i))
		})
	}
	for _, g := range gates {
		<-g.Arrived()
	}
	for _, g := range gates {
		g.Open()
	}
	wg.Wait()
	if got := sim.MaxInFlight(); got != 3 {
		t.Errorf("got %d, want 3", got)
	}
}

func BenchmarkCreate(b *testing.B) {
	sim := ipaastest.New(ipaastest.Config{RecordLimit: -1})
	var n int
	for b.Loop() {
		n++
		body, err := json.Marshal(map[string]any{
			"last_name": "A", "email_address": fmt.Sprintf("a%d@example.com", n),
			"external_ids": []any{map[string]any{"system_id": 313, "external_id": fmt.Sprintf("%d|contact", n)}},
		})
		if err != nil {
			b.Fatal(err)
		}
		if err := create(b.Context(), sim, string(body)); err != nil {
			b.Fatal(err)
		}
	}
}
