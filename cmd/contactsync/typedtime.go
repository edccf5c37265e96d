package main

import (
	"errors"
	"time"
)

// A typedTime is a time as people type it: a date, a date with time, or how long ago.
type typedTime struct{ time.Time }

// UnmarshalText reads 2026-01-31, 2026-01-31T10:00:00Z (RFC 3339) and 24h.
func (m *typedTime) UnmarshalText(typed []byte) error {
	text := string(typed)
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			m.Time = t.UTC()
			return nil
		}
	}
	if ago, err := time.ParseDuration(text); err == nil && ago > 0 {
		m.Time = time.Now().UTC().Add(-ago).Truncate(time.Millisecond)
		return nil
	}
	return errors.New("expected a date (2026-01-31), a time (2026-01-31T10:00:00Z) or how long ago (24h)")
}
