package outbound

import (
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxRetryAfter bounds the patience a system can ask for, so that a warm process
// is not kept silent for days by one odd answer.
const maxRetryAfter = 15 * time.Minute

// repeat decides whether the last attempt is worth another one. It also fixes the
// wait before it, because a wait that ends after the deadline is a reason not to
// repeat.
func (t *try) repeat() bool {
	switch {
	case t.answer == nil:
		return t.repeatUnanswered()
	case refused(t.answer):
		return t.repeatRefused()
	case t.client.cfg.RetryAnswer != nil && t.answer.Stream == nil && t.client.cfg.RetryAnswer(t.answer.Status, t.answer.Body):
		return t.fits(t.jitter())
	case worthRepeating(t.answer.Status):
		t.arrived = true
		return !t.call.Once && t.fits(t.jitter())
	}
	return false
}

// repeatUnanswered decides about an attempt without an answer.
func (t *try) repeatUnanswered() bool {
	if !errors.Is(t.err, ErrNoAnswer) {
		return false // our own deadline, the caller's end, too large
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](t.cause); ok {
		return false // stays wrong
	}
	if t.call.Once && t.arrived {
		return false
	}
	return t.fits(t.jitter())
}

// repeatRefused decides about an answer that asks for patience, and holds all
// callers of the client for as long.
func (t *try) repeatRefused() bool {
	wait, ok := retryAfter(t.answer.Header)
	if !ok {
		wait = t.jitter()
	}
	t.client.hold.extend(time.Now().Add(wait))
	if t.client.cfg.Limiter != nil {
		t.client.cfg.Limiter.Slower()
	}
	if t.fits(wait) {
		return true
	}
	t.err, t.answer = t.fail(ErrThrottled, nil), nil
	return false
}

// fits sets the wait before the next attempt and reports whether it ends before
// the time for the whole call does.
func (t *try) fits(wait time.Duration) bool {
	t.wait = wait
	deadline, ok := t.run.Deadline()
	return !ok || time.Until(deadline) > wait
}

// jitter returns the exponential back-off after the attempts made so far: half
// of it fixed, half of it random, so that workers do not march in step.
func (t *try) jitter() time.Duration {
	wait := t.client.cfg.BackOff
	for range t.attempts - 1 {
		if wait >= t.client.cfg.MaxBackOff {
			break
		}
		wait *= 2
	}
	wait = min(wait, t.client.cfg.MaxBackOff)
	return wait/2 + rand.N(wait/2+1)
}

// refused reports whether the answer asks for patience, which proves that the
// call was not carried out.
func refused(a *Answer) bool {
	if a.Status == http.StatusServiceUnavailable {
		_, ok := retryAfter(a.Header)
		return ok
	}
	return a.Status == http.StatusTooManyRequests
}

// worthRepeating reports whether the same call may well succeed later.
func worthRepeating(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// retryAfter reads the header Retry-After: seconds, or a date, which is compared
// with the answer's own Date where there is one, for clocks differ. ok is false
// when it is missing, unreadable or not in the future.
func retryAfter(header http.Header) (wait time.Duration, ok bool) {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if seconds, err := strconv.ParseFloat(value, 64); err == nil {
		if !(seconds > 0) { // NaN as well
			return 0, false
		}
		return time.Duration(min(seconds, maxRetryAfter.Seconds()) * float64(time.Second)), true
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0, false
	}
	now := time.Now()
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		now = date
	}
	wait = at.Sub(now)
	return min(wait, maxRetryAfter), wait > 0
}
