package config

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// A Rate says how many calls may go out in a window of time.
type Rate struct {
	Calls  int           // 0 when Auto
	Window time.Duration // 0 when Auto
	Auto   bool          // the rate is found by trying
}

// Bounds of a rate: far above what any subscription allows, and small enough
// that no arithmetic over it overflows.
const (
	maxCalls  = 1_000_000
	maxWindow = 24 * time.Hour
)

var errRate = errors.New("not a rate")

// UnmarshalText reads a rate such as 500/60s, or auto.
func (r *Rate) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	if strings.EqualFold(s, "auto") {
		*r = Rate{Auto: true}
		return nil
	}
	before, after, found := strings.Cut(s, "/")
	calls, err := strconv.Atoi(before)
	if !found || err != nil || calls < 1 || calls > maxCalls {
		return errRate
	}
	window, err := time.ParseDuration(after)
	if err != nil || window <= 0 || window > maxWindow {
		return errRate
	}
	*r = Rate{Calls: calls, Window: window}
	return nil
}

// String returns the form that UnmarshalText reads.
func (r Rate) String() string {
	if r.Auto {
		return "auto"
	}
	return strconv.Itoa(r.Calls) + "/" + r.Window.String()
}
