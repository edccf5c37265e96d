package listing

import (
	"errors"
	"testing"
	"time"

	"contactsync/shared/status"
)

// Whatever a cursor is: a position that gives the same cursor, or a bad cursor.
func FuzzCursor(f *testing.F) {
	good := Position{SortKey: SortKey(time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC), "44552", "3f2504e0"), Partition: 3}
	f.Add(good.Cursor())
	for _, seed := range []string{"", "a", "YTk", "YTAyMDI2LTAxLTMxVDEwOjAwOjAwLjEyM1o", "=", "YTAyMDI2LTAxLTMxVDEwOjAwOjAwLjEyM1ojMSMx\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		const partitions = 9
		p, err := ParseCursor(cursor, partitions)
		if err != nil {
			if !errors.Is(err, status.ErrBadCursor) {
				t.Fatalf("got %v, want ErrBadCursor", err)
			}
			return
		}
		if p.Partition < 0 || p.Partition >= partitions {
			t.Fatalf("partition %d", p.Partition)
		}
		if again, err := ParseCursor(p.Cursor(), partitions); err != nil || again != p {
			t.Fatalf("%q is %+v, and its own cursor is %+v, %v", cursor, p, again, err)
		}
		if _, err := TimeOf(p.SortKey); err != nil {
			t.Fatalf("%q: %v", p.SortKey, err)
		}
	})
}
