package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"syscall"
)

// callError is the error of one call: what was called, without its query, and
// what happened. Its text quotes nothing that the system sent.
type callError struct {
	call       string // method and path
	conditions []error
	cause      error // for the text; may be nil
}

func (e *callError) Error() string {
	var b strings.Builder
	b.WriteString(e.call)
	for _, condition := range e.conditions {
		if errors.Is(condition, context.DeadlineExceeded) && errors.Is(e.conditions[0], ErrDeadline) {
			continue // said already
		}
		fmt.Fprintf(&b, ": %v", condition)
	}
	if e.cause != nil {
		fmt.Fprintf(&b, " (%s)", describe(e.cause))
	}
	return b.String()
}

// Unwrap makes the conditions reachable. The cause is not: that of a dial that
// took too long, say, would pass for the end of the context.
func (e *callError) Unwrap() []error { return e.conditions }

// describe puts a transport's error into words that cannot hold anything from a
// query or an answer: net/http quotes URLs, and malformed answers as they came.
func describe(err error) string {
	var (
		dns         *net.DNSError
		operation   *net.OpError
		certificate *tls.CertificateVerificationError
		authority   x509.UnknownAuthorityError
		record      tls.RecordHeaderError
		number      syscall.Errno
	)
	switch {
	case errors.As(err, &dns):
		return "the host name " + dns.Name + " cannot be resolved"
	case errors.As(err, &certificate), errors.As(err, &authority):
		return "the certificate of the host is not trusted"
	case errors.As(err, &record):
		return "the host does not speak TLS"
	case errors.As(err, &number):
		if errors.As(err, &operation) {
			return operation.Op + ": " + number.Error()
		}
		return number.Error()
	case errors.Is(err, errAttempt):
		return errAttempt.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed before the answer was complete"
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return "timeout"
	case errors.As(err, &operation):
		return "the connection failed: " + operation.Op
	}
	return fmt.Sprintf("the connection failed or the answer is not HTTP: %T", err)
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// withoutURL takes the layers off that quote the whole URL.
func withoutURL(err error) error {
	for {
		layer, ok := errors.AsType[*url.Error](err)
		if !ok {
			return err
		}
		err = layer.Err
	}
}

// neverLeft reports whether the error proves that no request was sent.
func neverLeft(err error) bool {
	var (
		dns       *net.DNSError
		operation *net.OpError
	)
	return errors.As(err, &dns) || errors.As(err, &operation) && operation.Op == "dial"
}
