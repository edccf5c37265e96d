package wire

import (
	"fmt"
	"time"
)

// TimeFormat is how every interface shows a time, once it is in UTC: RFC 3339
// with exactly three decimals (design.md 1.8).
const TimeFormat = "2006-01-02T15:04:05.000Z"

// A Time is a time as every interface shows it; the zero time is null. What is
// finer than a millisecond is cut off.
type Time struct{ time.Time }

// MarshalJSON writes the time in UTC with exactly three decimals, or null.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return t.UTC().AppendFormat(make([]byte, 0, len(TimeFormat)+2), `"`+TimeFormat+`"`), nil
}

// UnmarshalJSON reads any RFC 3339 time, whatever its decimals, or null.
func (t *Time) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		t.Time = time.Time{}
		return nil
	}
	parsed, err := time.Parse(`"`+time.RFC3339Nano+`"`, string(data))
	if err != nil {
		return fmt.Errorf("not a time of RFC 3339 in quotes, nor null: %.40q", data)
	}
	t.Time = parsed
	return nil
}
