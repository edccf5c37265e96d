package embedded_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"contactsync/shared/status"
	"contactsync/shared/status/statustest"
)

func TestStoreBehavesLikeItsModel(t *testing.T) {
	folder, files := t.TempDir(), 0
	statustest.Model(t, func(rt *rapid.T) status.Store {
		files++
		s := openFile(t, filepath.Join(folder, fmt.Sprint(files)))
		rt.Cleanup(func() { _ = s.Close() })
		return s
	})
}
