package main

import (
	"encoding/json"
	"net/http"
	"testing"

	"contactsync/shared/transfer"
)

// ask calls a route of the served sandbox.
func ask(t *testing.T, s *served, path string, into any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+sandboxKey)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(into); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s, %v", path, answer.Status, err)
	}
}

func TestANewServedSandboxShowsEveryStateEveryTriggerAndTheSeedsErrors(t *testing.T) {
	s := serve(t)
	triggers := map[transfer.Trigger]bool{}
	for _, status := range []transfer.Status{transfer.Pending, transfer.Succeeded, transfer.Skipped, transfer.Failed, transfer.Retrying} {
		var page struct {
			Transfers []struct{ Trigger transfer.Trigger }
		}
		ask(t, s, "/transfers?limit=200&status="+string(status), &page)
		if len(page.Transfers) == 0 {
			t.Errorf("no transfer is %s", status)
		}
		for _, one := range page.Transfers {
			triggers[one.Trigger] = true
		}
	}
	for _, trigger := range []transfer.Trigger{transfer.ByPoll, transfer.ByBackfill, transfer.ByManual, transfer.ByNotification, transfer.ByHook, transfer.ByRetry, transfer.ByReplay} {
		if !triggers[trigger] {
			t.Errorf("no transfer was triggered by %s", trigger)
		}
	}
	var page struct {
		Errors []struct {
			Code              string
			Title, Resolution string
		}
	}
	ask(t, s, "/errors", &page)
	found := map[string]bool{}
	for _, one := range page.Errors {
		found[one.Code] = one.Title != "" && one.Resolution != ""
	}
	for _, seeds := range []*transfer.Fault{transfer.InvalidEmail, transfer.DuplicateContact, transfer.MissingEmail, transfer.CompanyNotFound} {
		if !found[seeds.Code] {
			t.Errorf("no contact stands with %s", seeds.Code)
		}
	}
}

func TestTheHistoryOfANewSandboxHasRunsOfEveryKind(t *testing.T) {
	s := serve(t)
	var page struct {
		Runs []struct {
			Mode     string
			Complete bool
			Paused   bool
			Error    *struct{ Code string }
		}
	}
	ask(t, s, "/runs?limit=200", &page)
	kinds := map[string]bool{}
	for _, run := range page.Runs {
		kinds[run.Mode] = true
		kinds["paused"] = kinds["paused"] || run.Paused
		if run.Error != nil {
			kinds[run.Error.Code] = true
		}
	}
	for _, kind := range []string{"poll", "backfill", "stream", "paused", transfer.SourceUnauthorized.Code} {
		if !kinds[kind] {
			t.Errorf("no run is %s", kind)
		}
	}
	if len(page.Runs) < 15 {
		t.Errorf("%d runs make a poor chart", len(page.Runs))
	}
}
