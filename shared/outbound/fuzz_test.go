package outbound

import (
	"net/http"
	"testing"
)

// Whatever Retry-After and Date say: a wait is positive and not longer than we are
// willing to believe.
func FuzzRetryAfter(f *testing.F) {
	for _, value := range []string{"", "0", "-1", "120", "1.5", "1e300", "NaN", "Inf", "0x10", "Sat, 31 Jan 2026 10:00:00 GMT", "Saturday, 31-Jan-26 10:00:00 GMT", "99999999999999999999", " 7 ", "7, 9"} {
		f.Add(value, "Sat, 31 Jan 2026 09:59:00 GMT")
	}
	f.Add("Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT")
	f.Fuzz(func(t *testing.T, value, date string) {
		wait, ok := retryAfter(http.Header{"Retry-After": {value}, "Date": {date}})
		if ok && (wait <= 0 || wait > maxRetryAfter) {
			t.Fatalf("Retry-After %q with Date %q is a wait of %s", value, date, wait)
		}
	})
}

func FuzzRate(f *testing.F) {
	for _, value := range []string{"500/60s", "auto", "1/1ns", "1000000/2562047h", " 5 / 1m ", "-1/1s", "1/0s", "1/", "/", "9999999999999999999/1s"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		calls, per, err := ParseRate(value)
		if err == nil && (calls < 1 || per <= 0) {
			t.Fatalf("%q is %d calls in %s", value, calls, per)
		}
		if limiter, err := ParseLimiter(value, 5); err == nil && limiter == nil {
			t.Fatalf("%q gives no limiter", value)
		}
	})
}
