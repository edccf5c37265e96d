package businesscentraltest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
)

// memoryTransport hands requests to a handler without a socket. The body of an
// answer is a stream, as over a socket: the handler waits for the reader.
type memoryTransport struct{ handler http.Handler }

// RoundTrip implements [http.RoundTripper].
func (t *memoryTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(r.Context())
	in := r.Clone(ctx)
	in.RequestURI = r.URL.RequestURI()
	in.RemoteAddr = "127.0.0.1:1"
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	reader, writer := io.Pipe()
	w := &memoryWriter{header: http.Header{}, body: bufio.NewWriterSize(writer, 32<<10), started: make(chan struct{})}
	broken := make(chan error, 1)
	go func() {
		defer func() {
			cause := recover()
			if cause == nil {
				w.WriteHeader(http.StatusOK)
				_ = w.body.Flush() // the reader may have gone
				_ = writer.Close()
				return
			}
			err := io.ErrUnexpectedEOF
			if thrown, _ := cause.(error); !errors.Is(thrown, http.ErrAbortHandler) {
				err = fmt.Errorf("the simulator panicked: %v", cause)
			}
			broken <- err
			_ = writer.CloseWithError(err)
		}()
		t.handler.ServeHTTP(w, in)
	}()
	answer := func() *http.Response {
		body := &memoryBody{ReadCloser: reader, ctx: ctx, cancel: cancel}
		body.stop = context.AfterFunc(ctx, func() { _ = reader.CloseWithError(ctx.Err()) })
		return &http.Response{Status: fmt.Sprintf("%d %s", w.status, http.StatusText(w.status)), StatusCode: w.status,
			Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: w.sent, Body: body, ContentLength: -1, Request: r}
	}
	select {
	case <-w.started:
		return answer(), nil
	case err := <-broken:
		select {
		case <-w.started: // it broke in the body
			return answer(), nil
		default:
		}
		cancel()
		return nil, err
	case <-ctx.Done():
		cancel()
		_ = reader.CloseWithError(r.Context().Err()) // nobody reads what is still written
		return nil, r.Context().Err()
	}
}

type memoryBody struct {
	io.ReadCloser
	ctx    context.Context
	cancel context.CancelFunc
	stop   func() bool
}

// Read tells a caller whose context ended so, as a transport does.
func (b *memoryBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) && b.ctx.Err() != nil {
		err = b.ctx.Err()
	}
	return n, err
}

func (b *memoryBody) Close() error {
	b.stop()
	b.cancel()
	return b.ReadCloser.Close()
}

type memoryWriter struct {
	header  http.Header
	sent    http.Header
	body    *bufio.Writer
	once    sync.Once
	started chan struct{}
	status  int
}

func (w *memoryWriter) Header() http.Header { return w.header }

func (w *memoryWriter) WriteHeader(status int) {
	w.once.Do(func() {
		w.status, w.sent = status, w.header.Clone()
		close(w.started)
	})
}

func (w *memoryWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}

// Flush implements [http.Flusher].
func (w *memoryWriter) Flush() {
	w.WriteHeader(http.StatusOK)
	_ = w.body.Flush() // the reader may have gone
}
