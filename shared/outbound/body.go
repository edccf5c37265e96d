package outbound

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// readBody reads the body of an answer and closes it. Only a success must be
// complete: of any other answer the status is what counts, so that its body may
// be cut short by a broken connection or by limit.
func readBody(resp *http.Response, limit int64) ([]byte, error) {
	defer resp.Body.Close()
	success := resp.StatusCode >= 200 && resp.StatusCode < 300
	reader, err := decompress(resp)
	if err != nil {
		if success {
			return nil, err
		}
		return nil, nil
	}
	var body bytes.Buffer
	if resp.ContentLength > 0 {
		body.Grow(int(min(resp.ContentLength, limit) + bytes.MinRead))
	}
	_, err = body.ReadFrom(io.LimitReader(reader, limit+1))
	switch {
	case int64(body.Len()) > limit && success:
		return nil, ErrTooLarge
	case int64(body.Len()) > limit:
		body.Truncate(int(limit))
	case err != nil && success:
		return nil, err
	}
	return body.Bytes(), nil
}

// decompress returns the body as it was before its Content-Encoding. net/http
// does that by itself unless the caller asked for a certain encoding.
func decompress(resp *http.Response) (io.Reader, error) {
	if !strings.EqualFold(strings.TrimSpace(resp.Header.Get("Content-Encoding")), "gzip") {
		return resp.Body, nil
	}
	reader, err := gzip.NewReader(resp.Body)
	if errors.Is(err, io.EOF) { // no body at all: a 204, the answer to a HEAD
		return http.NoBody, nil
	}
	return reader, err
}

// drainTime and drainSize bound what closing a stream spends on keeping its
// connection for the next call.
const (
	drainTime = 100 * time.Millisecond
	drainSize = 64 << 10
)

// A stream is the body of a streamed answer. Each read has the time of one
// attempt; between reads its consumer may take its time.
type stream struct {
	body    io.Closer
	reader  io.Reader
	stall   *time.Timer // cancels the request
	timeout time.Duration
	fail    func(error) error // puts a broken read into words
	release context.CancelFunc
	once    sync.Once
	err     error // of the last read
}

// Read reads on. An error but io.EOF is one of Do's.
func (s *stream) Read(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	s.stall.Reset(s.timeout)
	n, err := s.reader.Read(p)
	s.stall.Stop()
	if err == nil {
		return n, nil
	}
	s.err = err
	if err != io.EOF {
		s.err = s.fail(err)
	}
	s.end()
	return n, s.err
}

// Close ends the stream. A small rest is read, so that the connection lives on.
func (s *stream) Close() error {
	if s.err == nil {
		s.stall.Reset(drainTime)
		_, _ = io.CopyN(io.Discard, s.reader, drainSize)
		s.err = http.ErrBodyReadAfterClose
	}
	s.end()
	return nil
}

// end gives the connection and the place among the calls in flight back.
func (s *stream) end() {
	s.once.Do(func() {
		s.stall.Stop()
		_ = s.body.Close()
		s.release()
	})
}
