package embedded_test

import (
	"path/filepath"
	"testing"
	"time"

	"contactsync/shared/status"
	"contactsync/shared/status/embedded"
	"contactsync/shared/status/statustest"
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
