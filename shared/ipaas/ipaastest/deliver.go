package ipaastest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// deliver writes an answer with what the effect does to its body.
func deliver(w http.ResponseWriter, seen Request, a reply, e Effect) {
	if e.Cut && e.KeepBytes == 0 {
		panic(http.ErrAbortHandler)
	}
	if a.reason != "" && writeReason(w, a) {
		return
	}
	body := a.body
	if e.PadTo > len(body) {
		body = append(bytes.Clone(body), bytes.Repeat([]byte(" "), e.PadTo-len(body))...)
	}
	announced := len(body)
	if e.KeepBytes > 0 && e.KeepBytes < len(body) {
		body = body[:e.KeepBytes]
		if !e.Cut {
			announced = len(body)
		}
	}
	for name, values := range a.header {
		w.Header()[name] = values
	}
	if announced > 0 {
		w.Header().Set("Content-Length", strconv.Itoa(announced))
	}
	w.WriteHeader(a.status)
	if e.BodyGate != nil {
		half := len(body) / 2
		_, _ = w.Write(body[:half]) // a caller that is gone is no concern of ours
		_ = http.NewResponseController(w).Flush()
		e.BodyGate(seen)
		body = body[half:]
	}
	_, _ = w.Write(body)
	if e.Cut {
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// writeReason answers with a reason phrase of its own, which net/http has no way
// to set: over a socket the answer is written by hand.
func writeReason(w http.ResponseWriter, a reply) bool {
	if m, ok := w.(*memoryWriter); ok {
		m.reason = a.reason
		return false
	}
	conn, out, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return false
	}
	defer conn.Close()
	fmt.Fprintf(out, "HTTP/1.1 %d %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", a.status, a.reason)
	_ = out.Flush()
	return true
}

// inMemory carries requests to the simulator without a socket, so that
// testing/synctest can see every goroutine that takes part.
type inMemory struct{ sim *Simulator }

// RoundTrip implements [http.RoundTripper].
func (t inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r = r.Clone(r.Context())
		r.Body = http.NoBody
	}
	reader, writer := io.Pipe()
	m := &memoryWriter{header: http.Header{}, pipe: writer, head: make(chan *http.Response, 1), request: r, reader: reader}
	go func() {
		defer func() {
			cause := io.EOF
			if v := recover(); v != nil {
				if err, ok := v.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
					panic(v)
				}
				cause = io.ErrUnexpectedEOF
			}
			m.finish(cause)
		}()
		t.sim.ServeHTTP(m, r)
	}()
	select {
	case response := <-m.head:
		if response == nil {
			return nil, io.ErrUnexpectedEOF
		}
		return response, nil
	case <-r.Context().Done():
		// The call goes on behind its caller's back, as over a socket.
		_ = writer.CloseWithError(r.Context().Err())
		return nil, r.Context().Err()
	}
}

// memoryWriter is the ResponseWriter of inMemory.
type memoryWriter struct {
	header  http.Header
	reason  string
	pipe    *io.PipeWriter
	reader  *io.PipeReader
	head    chan *http.Response
	request *http.Request
	started bool
}

func (m *memoryWriter) Header() http.Header { return m.header }

func (m *memoryWriter) WriteHeader(status int) {
	if m.started {
		return
	}
	m.started = true
	length := int64(-1)
	if n, err := strconv.ParseInt(m.header.Get("Content-Length"), 10, 64); err == nil {
		length = n
	}
	reason := m.reason
	if reason == "" {
		reason = http.StatusText(status)
	}
	m.head <- &http.Response{
		Status: strconv.Itoa(status) + " " + reason, StatusCode: status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: m.header.Clone(), Body: m.body(), ContentLength: length, Request: m.request,
	}
}

func (m *memoryWriter) Write(p []byte) (int, error) {
	m.WriteHeader(http.StatusOK)
	return m.pipe.Write(p)
}

// Flush implements [http.Flusher]; a pipe has nothing to flush.
func (m *memoryWriter) Flush() {}

func (m *memoryWriter) finish(cause error) {
	if !m.started {
		if errors.Is(cause, io.EOF) {
			m.WriteHeader(http.StatusOK)
		} else {
			m.head <- nil
		}
	}
	_ = m.pipe.CloseWithError(cause)
}

// body ends with the caller's context, as a body from a socket does.
func (m *memoryWriter) body() io.ReadCloser {
	ctx := m.request.Context()
	stop := context.AfterFunc(ctx, func() { _ = m.pipe.CloseWithError(ctx.Err()) })
	return memoryBody{m.reader, stop}
}

type memoryBody struct {
	*io.PipeReader
	stop func() bool
}

// Close implements [io.Closer].
func (b memoryBody) Close() error {
	b.stop()
	return b.PipeReader.Close()
}
