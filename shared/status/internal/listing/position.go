// Package listing is what both drivers of the transfer status store share about
// order: the text that rows are sorted by, the cursors of a list, and the merge of
// several sorted partitions into one list.
package listing

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"contactsync/shared/contact"
	"contactsync/shared/status"
)

// timeLayout has a fixed width, so that text order is time order.
const timeLayout = "2006-01-02T15:04:05.000Z"

// FormatTime returns t as it is stored and sorted: RFC 3339 in UTC with exactly
// three decimals; what is finer is cut off.
func FormatTime(t time.Time) string { return t.UTC().Format(timeLayout) }

// ParseTime reads what FormatTime wrote, and any other RFC 3339 time, cut to milliseconds.
func ParseTime(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}, err
	}
	return t.UTC().Truncate(time.Millisecond), nil
}

// SortKey returns the text that a row is sorted by: its time, then the contact's
// number as Business Central compares it, then the internal id. It is unique
// among the rows of one status, because no two rows share number and internal id.
func SortKey(t time.Time, no, id string) string {
	return FormatTime(t) + "#" + contact.Key(no) + "#" + id
}

// TimeOf returns the time that a sort key begins with.
func TimeOf(sortKey string) (time.Time, error) {
	stamp, _, _ := strings.Cut(sortKey, "#")
	return time.Parse(timeLayout, stamp)
}

// A Position is a place in a list that is made of several partitions.
type Position struct {
	SortKey   string
	Partition int
}

// Before reports whether p comes before q in a list with the newest first.
func (p Position) Before(q Position) bool {
	if p.SortKey != q.SortKey {
		return p.SortKey > q.SortKey
	}
	return p.Partition < q.Partition
}

const (
	cursorVersion = 'a'
	// maxCursor bounds what is decoded: a time, a number of 20 characters and a
	// GUID take about 150 bytes.
	maxCursor = 1024
)

// Cursor returns the position as opaque text that fits into a URL.
func (p Position) Cursor() string {
	b := make([]byte, 0, 2+len(p.SortKey))
	b = append(b, cursorVersion, byte('0'+p.Partition))
	return base64.RawURLEncoding.EncodeToString(append(b, p.SortKey...))
}

// ParseCursor reads a cursor of a list with the given number of partitions. Its
// errors are [status.ErrBadCursor].
func ParseCursor(s string, partitions int) (Position, error) {
	if len(s) > maxCursor {
		return Position{}, fmt.Errorf("%w: it is too long", status.ErrBadCursor)
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) < 2+len(timeLayout) || b[0] != cursorVersion || !utf8.Valid(b) {
		return Position{}, status.ErrBadCursor
	}
	p := Position{SortKey: string(b[2:]), Partition: int(b[1]) - '0'}
	if p.Partition < 0 || p.Partition >= partitions {
		return Position{}, status.ErrBadCursor
	}
	if _, err := TimeOf(p.SortKey); err != nil {
		return Position{}, status.ErrBadCursor
	}
	return p, nil
}
