package front_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"contactsync/torture/processes/front"
)

func TestAFrontNumbersCallsAndKillsAtTheOneThatIsChosen(t *testing.T) {
	tests := []struct {
		name    string
		verdict front.Verdict
		killed  bool
		carried int32 // calls that the other side saw
	}{
		{name: "every call passes", verdict: front.Pass, carried: 3},
		{name: "killed before the second call", verdict: front.KillBefore, killed: true, carried: 1},
		{name: "killed after the second call", verdict: front.KillAfter, killed: true, carried: 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var carried, kills atomic.Int32
			other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				carried.Add(1)
				_, _ = io.WriteString(w, r.Host)
			}))
			defer other.Close()
			f := front.New(func(c front.Call) front.Verdict {
				if c.N == 2 {
					return tt.verdict
				}
				return front.Pass
			}, func() { kills.Add(1) })
			defer f.Close()
			origin, err := f.Serve("other", other.URL)
			if err != nil {
				t.Fatal(err)
			}
			client := &http.Client{}
			defer client.CloseIdleConnections()
			for n := range 3 {
				r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, origin+"/v2.0/Company('X')/Contacts?$skiptoken=1", nil)
				resp, err := client.Do(r)
				if died := tt.killed && n >= 1; died {
					if err == nil {
						t.Fatalf("call %d was answered %s, want the caller dead", n+1, resp.Status)
					}
					break // a dead caller calls no more
				}
				if err != nil {
					t.Fatal(err)
				}
				host, _ := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				if string(host) != strings.TrimPrefix(origin, "http://") {
					t.Errorf("the other side saw the host %s, want the front's", host)
				}
			}
			f.Still()
			if carried.Load() != tt.carried || (kills.Load() == 1) != tt.killed {
				t.Errorf("%d calls were carried out and %d kills made, want %d and killed %t", carried.Load(), kills.Load(), tt.carried, tt.killed)
			}
			if c := f.Calls()[0]; c != (front.Call{N: 1, Side: "other", Name: "POST /Contacts next"}) {
				t.Errorf("the first call is %+v", c)
			}
		})
	}
}

func TestAConnectionOfADeadProcessCarriesNothingAnyMore(t *testing.T) {
	var carried atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { carried.Add(1) }))
	defer other.Close()
	f := front.New(nil, func() {})
	defer f.Close()
	origin, err := f.Serve("other", other.URL)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{}
	call := func() error {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, origin, strings.NewReader("x")) // is not repeated by net/http
		resp, err := client.Do(r)
		if err == nil {
			_ = resp.Body.Close()
		}
		return err
	}
	if err := call(); err != nil {
		t.Fatal(err)
	}
	f.Kill()
	if err := call(); err == nil || carried.Load() != 1 {
		t.Errorf("got %v after %d calls, want the call of before the kill dropped", err, carried.Load())
	}
	client.CloseIdleConnections()
	if err := call(); err != nil || carried.Load() != 2 {
		t.Errorf("got %v after %d calls, want a new process served", err, carried.Load())
	}
}
