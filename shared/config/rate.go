package config

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"contactsync/shared/outbound"
)

// A Rate says how many calls may go out in a window of time.
type Rate struct {
	Calls  int           // 0 when Auto
	Window time.Duration // 0 when Auto
	Auto   bool          // the rate is found by trying
}

// maxWindow is the longest window: a limiter remembers the calls of one.
const maxWindow = 24 * time.Hour

// UnmarshalText reads a rate such as 500/60s, or auto.
func (r *Rate) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	if strings.EqualFold(s, "auto") {
		*r = Rate{Auto: true}
		return nil
	}
	calls, window, err := outbound.ParseRate(s)
	if err != nil {
		return err
	}
	if window > maxWindow {
		return fmt.Errorf("the window of a rate is at most %s", maxWindow)
	}
	*r = Rate{Calls: calls, Window: window}
	return nil
}

// String returns the form that UnmarshalText reads.
func (r Rate) String() string {
	if r.Auto {
		return "auto"
	}
	return fmt.Sprintf("%d/%s", r.Calls, r.Window)
}

// Limiter returns a limiter that keeps the rate, for at most inFlight calls at
// once. The zero Rate, which no [Load] returns, is an error.
func (r Rate) Limiter(inFlight int) (outbound.Limiter, error) {
	switch {
	case r.Auto:
		return outbound.NewAuto(inFlight), nil
	case r.Calls < 1 || r.Window <= 0:
		return nil, errors.New("config: the rate of calls is not set")
	}
	return outbound.NewRate(r.Calls, r.Window), nil
}
