package businesscentraltest

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

type guid [16]byte

func parseGUID(s string) (guid, bool) {
	var g guid
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return g, false
	}
	_, err := hex.Decode(g[:], []byte(s[:8]+s[9:13]+s[14:18]+s[19:23]+s[24:]))
	return g, err == nil
}

func (g guid) String() string { return string(g.append(nil)) }

func (g guid) append(b []byte) []byte {
	b = hex.AppendEncode(b, g[:4])
	for _, part := range [][2]int{{4, 6}, {6, 8}, {8, 10}, {10, 16}} {
		b = hex.AppendEncode(append(b, '-'), g[part[0]:part[1]])
	}
	return b
}

// never is the stamp of 0001-01-01T00:00:00Z.
var never = time.Time{}.UnixMilli()

func stampOf(t time.Time) int64 { return t.UnixMilli() }

func fromStamp(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// A row is one version of a record. It is never changed after it is in a table,
// so a page is encoded without holding a lock.
type row struct {
	id       guid
	number   string
	created  int64 // milliseconds since 1970
	modified int64
	version  uint64
	values   string // packed
}

// etag has the form seen online (business-central.md 4.6): base64 of '19;<19 digits>1;00;'.
func (r *row) etag() string {
	value := fmt.Sprintf("'19;%019d1;00;'", 5_000_000_000_000_000_000+r.version)
	return `W/"` + base64.StdEncoding.EncodeToString([]byte(value)) + `"`
}

func compareNumbers(a, b *row) int { return strings.Compare(a.number, b.number) }

func compareModified(a, b *row) int {
	return cmp.Or(cmp.Compare(a.modified, b.modified), strings.Compare(a.number, b.number))
}

// A table keeps rows under two orders. Single writes keep both; after a bulk
// load they are sorted once, by the next reader.
type table struct {
	byID       map[guid]*row
	numbers    map[string]*row
	byNumber   []*row
	byModified []*row
	unsorted   bool
}

func newTable() *table {
	return &table{byID: map[guid]*row{}, numbers: map[string]*row{}}
}

// sort restores both orders.
func (t *table) sort() {
	if !t.unsorted {
		return
	}
	t.byNumber = slices.Clip(slices.DeleteFunc(t.byNumber, t.gone))
	t.byModified = slices.Clip(slices.DeleteFunc(t.byModified, t.gone))
	slices.SortFunc(t.byNumber, compareNumbers)
	slices.SortFunc(t.byModified, compareModified)
	t.unsorted = false
}

func (t *table) gone(r *row) bool { return t.byID[r.id] != r }

func (t *table) insert(r *row) {
	t.byID[r.id], t.numbers[r.number] = r, r
	if n := len(t.byNumber); t.unsorted || n == 0 || compareNumbers(t.byNumber[n-1], r) < 0 {
		t.byNumber = append(t.byNumber, r)
	} else {
		i, _ := slices.BinarySearchFunc(t.byNumber, r, compareNumbers)
		t.byNumber = slices.Insert(t.byNumber, i, r)
	}
	if n := len(t.byModified); t.unsorted || n == 0 || compareModified(t.byModified[n-1], r) < 0 {
		t.byModified = append(t.byModified, r)
	} else {
		i, _ := slices.BinarySearchFunc(t.byModified, r, compareModified)
		t.byModified = slices.Insert(t.byModified, i, r)
	}
}

func (t *table) remove(r *row) {
	delete(t.byID, r.id)
	delete(t.numbers, r.number)
	if t.unsorted {
		return // sort drops it
	}
	if i, found := slices.BinarySearchFunc(t.byNumber, r, compareNumbers); found {
		t.byNumber = slices.Delete(t.byNumber, i, i+1)
	}
	if i, found := slices.BinarySearchFunc(t.byModified, r, compareModified); found {
		t.byModified = slices.Delete(t.byModified, i, i+1)
	}
}

func (t *table) replace(old, new *row) {
	t.remove(old)
	t.insert(new)
}

// find returns the row with this number or internal id.
func (t *table) find(ref string) *row {
	if id, ok := parseGUID(ref); ok {
		if r := t.byID[id]; r != nil {
			return r
		}
	}
	return t.numbers[code(ref)]
}
