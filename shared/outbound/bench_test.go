package outbound

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"testing"
	"time"
)

// instant answers every request at once.
type instant struct{ body []byte }

func (i instant) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(i.body)), ContentLength: int64(len(i.body)), Request: r}, nil
}

// BenchmarkDo is what the care costs that a call is made with: everything but the
// transport.
func BenchmarkDo(b *testing.B) {
	c := New(Config{HTTP: &http.Client{Transport: instant{bytes.Repeat([]byte("x"), 1000)}}, Limiter: NewRate(1_000_000, time.Second)})
	ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
	defer cancel()
	call := Call{Method: http.MethodPost, URL: "https://api.example.com/customers/v2/Customer", Header: http.Header{"Authorization": {"Bearer key"}}, Body: []byte(`{"a":1}`), Once: true}
	b.ReportAllocs()
	for b.Loop() {
		if answer, err := c.Do(ctx, call); err != nil || len(answer.Body) != 1000 {
			b.Fatal(answer, err)
		}
	}
}
