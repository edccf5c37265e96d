package embedded

import (
	"errors"
	"testing"

	"contactsync/shared/status"
)

// Whatever stands in a row of a request: it is understood,
// or it is damage that is named.
func FuzzRows(f *testing.F) {
	for _, seed := range []string{``, `null`, `{}`, `{"no":"44552","trigger":"hook","requested_at":"2026-01-31T10:00:00Z","token":"t"}`, `{"wake":true}`, `{"no":"1","id":"2"}`, `{"requested_at":"0000"}`, `[]`, `{"owner":1}`,
		`{"Watermark":"2026-01-31T10:00:00Z","Open":true,"Next":"https://x"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		r, err := decodeRequest([]byte("key"), value)
		if err != nil && !errors.Is(err, status.ErrDamaged) {
			t.Fatalf("got %v, want ErrDamaged", err)
		}
		if err == nil && !r.Wake && r.Ref.No == "" && r.Ref.ID == "" {
			t.Fatalf("a request of no contact: %s", value)
		}
	})
}
