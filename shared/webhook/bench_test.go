package webhook_test

import (
	"net/http"
	"testing"
)

// Own time of the routes that Business Central waits for: through the adapter,
// storing included for notifications.

func BenchmarkHandshake(b *testing.B) {
	s := open(b)
	event := s.event(call{method: http.MethodPost, path: "/notifications/business-central", query: "validationToken=abc", nobody: true})
	for b.Loop() {
		s.log.Reset()
		if response, err := s.lambda(b.Context(), event); err != nil || response.StatusCode != 200 {
			b.Fatal(response.StatusCode, err)
		}
	}
}

func BenchmarkNotification(b *testing.B) { benchmarkNotifications(b, 1) }

func BenchmarkNotificationsThousand(b *testing.B) { benchmarkNotifications(b, 1000) }

func benchmarkNotifications(b *testing.B, count int) {
	s := open(b)
	entries := make([]string, count)
	for i := range entries {
		entries[i] = notification("state-now", "updated", contactResource(ada))
	}
	event := s.event(call{method: http.MethodPost, path: "/notifications/business-central", body: batch(entries...), nobody: true})
	for b.Loop() {
		s.log.Reset()
		s.dispatched = s.dispatched[:0]
		if response, err := s.lambda(b.Context(), event); err != nil || response.StatusCode != 202 {
			b.Fatal(response.StatusCode, err)
		}
	}
}
