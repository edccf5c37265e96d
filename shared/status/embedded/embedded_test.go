package embedded_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"contactsync/shared/contact"
	"contactsync/shared/status"
	"contactsync/shared/status/embedded"
	"contactsync/shared/status/statustest"
	"contactsync/shared/transfer"
)

func TestStore(t *testing.T) { statustest.Run(t, open) }

func open(t *testing.T) status.Store { return openFile(t, filepath.Join(t.TempDir(), "status.db")) }

func openFile(t testing.TB, path string) *embedded.Store {
	t.Helper()
	s, err := embedded.Open(embedded.Config{
		Connection: "default", Path: path, NoSync: true, Now: func() time.Time { return statustest.Now },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestWhatWasStoredIsThereAfterOpeningAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "status.db")
	first := openFile(t, path)
	if _, err := first.Point(t.Context(), "1", "3f2504e0"); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if _, found, err := openFile(t, path).KeyOf(t.Context(), contact.Ref{No: "1"}); err != nil || !found {
		t.Errorf("found %t, error %v", found, err)
	}
}

func TestAFileThatAnotherProcessHasIsLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "status.db")
	openFile(t, path)
	_, err := embedded.Open(embedded.Config{Connection: "default", Path: path})
	if !errors.Is(err, embedded.ErrLocked) || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, want ErrLocked with the path", err)
	}
}

func TestAFileThatIsNoStoreIsRefused(t *testing.T) {
	tests := []struct {
		name, content string
	}{
		{"text", "these are not the rows you are looking for"},
		{"a page of zeros", strings.Repeat("\x00", 16384)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "status.db")
			if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := embedded.Open(embedded.Config{Connection: "default", Path: path})
			if !errors.Is(err, status.ErrUnavailable) || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v, want ErrUnavailable with the path", err)
			}
		})
	}
}

func TestConnectionsShareAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "status.db")
	first := openFile(t, path)
	if err := first.Request(t.Context(), transfer.Request{Ref: contact.Ref{No: "1"}}); err != nil {
		t.Fatal(err)
	}
	first.Close()
	other, err := embedded.Open(embedded.Config{Connection: "other", Path: path, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if waiting, _, err := other.Requests(t.Context(), 10); err != nil || len(waiting) != 0 {
		t.Errorf("waiting %v, error %v; want none", waiting, err)
	}
}
