package embedded_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"contactsync/shared/status/statustest"
	"contactsync/shared/transfer"
)

func stateOf(i int) transfer.State {
	hashes := map[string]string{}
	for n := range 15 {
		hashes[fmt.Sprint("custom_fields.field-", n)] = "0123456789abcdef"
	}
	return transfer.State{
		Attempt: transfer.Attempt{Status: transfer.Succeeded, Action: transfer.Created, Trigger: transfer.ByPoll, RunID: "run", Number: 1,
			StartedAt: statustest.Now, FinishedAt: statustest.Now},
		No: fmt.Sprintf("CT%06d", i), ContactID: fmt.Sprintf("3f2504e0-4f89-11d3-9a0c-%012d", i), CustomerID: fmt.Sprint(i),
		Version: statustest.Now, Fingerprint: "0123456789abcdef0123456789abcdef", SentHashes: hashes,
	}
}

func BenchmarkStatesOfAPage(b *testing.B) {
	s := openFile(b, filepath.Join(b.TempDir(), "status.db"))
	keys := make([]transfer.Key, 500)
	for i := range keys {
		state := stateOf(i)
		keys[i] = state.Key()
		if _, err := s.Claim(b.Context(), keys[i], transfer.Claim{Owner: "b", Until: statustest.Now.Add(time.Minute)}, statustest.Now, transfer.State{}); err != nil {
			b.Fatal(err)
		}
		if err := s.Save(b.Context(), state, "b"); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if states, err := s.States(b.Context(), keys); err != nil || len(states) != len(keys) {
			b.Fatal(len(states), err)
		}
	}
	b.ReportMetric(float64(b.N)*float64(len(keys))/b.Elapsed().Seconds(), "states/s")
}

func BenchmarkClaimAndSave(b *testing.B) {
	s := openFile(b, filepath.Join(b.TempDir(), "status.db"))
	i := 0
	for b.Loop() {
		state := stateOf(i % 10000)
		i++
		if _, err := s.Claim(b.Context(), state.Key(), transfer.Claim{Owner: "b", Until: statustest.Now.Add(time.Minute)}, statustest.Now, transfer.State{}); err != nil {
			b.Fatal(err)
		}
		if err := s.Save(b.Context(), state, "b"); err != nil {
			b.Fatal(err)
		}
	}
}
