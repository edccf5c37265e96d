package webhook

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"

	"contactsync/shared/wire"
)

// A reply is what a route answers, and what the log says about it.
type reply struct {
	status      int
	contentType string
	body        []byte
	header      map[string]string // besides those that every answer has
	log         []slog.Attr       // counts; no personal data
	loud        bool              // the log line is an error although the status is none
}

// with returns the reply with more to say in the log.
func (a reply) with(attrs ...slog.Attr) reply {
	a.log = append(a.log, attrs...)
	return a
}

// headers of every answer. Nothing may be kept by caches, guessed as another
// type, framed, or allowed to load anything (the page loosens the last one).
var securityHeaders = map[string]string{
	"Cache-Control":           "no-store",
	"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
	"Referrer-Policy":         "no-referrer",
	"X-Content-Type-Options":  "nosniff",
	"X-Frame-Options":         "DENY",
}

func (a reply) write(w http.ResponseWriter, headOnly bool) {
	header := w.Header()
	for name, value := range securityHeaders {
		header.Set(name, value)
	}
	for name, value := range a.header {
		header.Set(name, value)
	}
	if a.contentType != "" {
		header.Set("Content-Type", a.contentType)
	}
	header.Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	if !headOnly {
		_, _ = w.Write(a.body) // a caller that went away needs no answer
	}
}

const jsonType = "application/json"

// asJSON answers with a body in JSON. Numbers such as A&B stand there as they are.
func asJSON(status int, body any) reply {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(body); err != nil {
		panic(err) // our own types always encode
	}
	return reply{status: status, contentType: jsonType, body: buffer.Bytes()}
}

// failure answers with an error of the catalogue or of the request codes.
func failure(status int, code, detail string) reply {
	body := struct {
		Error wire.ErrorJSON `json:"error"`
	}{wire.Error(code, detail)}
	return asJSON(status, body).with(slog.String("code", code))
}

func badRequest(detail string) reply {
	return failure(http.StatusBadRequest, wire.BadRequest, detail).with(slog.Bool("caller_mistake", true))
}

func notFound(detail string) reply { return failure(http.StatusNotFound, wire.NotFound, detail) }

// unavailable answers 503. The cause goes to the log only; errors of our ports
// hold no personal data and no secret.
func unavailable(doing string, cause error) reply {
	a := failure(http.StatusServiceUnavailable, wire.Unavailable, doing)
	a.header = map[string]string{"Retry-After": "5"}
	return a.with(slog.String("doing", doing), slog.String("error", cause.Error()))
}
