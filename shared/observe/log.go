// Package observe makes the logs and the metrics of the functions: JSON lines by
// log/slog, and CloudWatch's embedded metric format on the same stream. What it
// writes holds no secret and no personal data.
package observe

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"regexp"
	"strings"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// Keys of log attributes that mean the same thing everywhere.
const (
	ContactNo  = "contact_no"
	CustomerID = "customer_id"
	RunID      = "run_id"
	Code       = "code"
	Attempt    = "attempt"
	Connection = "connection"
	Error      = "error"
	RequestID  = "request_id" // of the invocation, as Lambda's own lines call it
)

// NewLogger returns a logger that writes one JSON object a line, each with the
// connection's name and, in an invocation of a Lambda function, its request id.
//
// Contacts are named by number or id, secrets have a type that prints as [secret].
// Should an e-mail address come along in a message or a value all the same (in an
// error of a library, say), [e-mail] is written in its place.
func NewLogger(w io.Writer, level slog.Leveler, connection string) *slog.Logger {
	handler := slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: redactAttr})
	return slog.New(invocationHandler{handler}).With(Connection, connection)
}

// invocationHandler adds the request id of the invocation that a record's context
// belongs to.
type invocationHandler struct{ slog.Handler }

func (h invocationHandler) Handle(ctx context.Context, r slog.Record) error {
	if invocation, found := lambdacontext.FromContext(ctx); found && invocation.AwsRequestID != "" {
		r.AddAttrs(slog.String(RequestID, invocation.AwsRequestID))
	}
	return h.Handler.Handle(ctx, r)
}

func (h invocationHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return invocationHandler{h.Handler.WithAttrs(attrs)}
}

func (h invocationHandler) WithGroup(name string) slog.Handler {
	return invocationHandler{h.Handler.WithGroup(name)}
}

// email is what looks like an e-mail address: generous on both sides of the @, but
// with a dot in the domain, so that module@v1 and x@odata stay.
var email = regexp.MustCompile("[\\p{L}\\p{M}\\p{N}.!#$%&'*+/=?^_`{|}~-]+@[\\p{L}\\p{M}\\p{N}-]+(\\.[\\p{L}\\p{M}\\p{N}-]+)+")

const redactedEmail = "[e-mail]"

func redact(s string) string {
	if !strings.Contains(s, "@") {
		return s
	}
	return email.ReplaceAllLiteralString(s, redactedEmail)
}

// redactAttr is asked for every attribute that is written, the message included.
func redactAttr(_ []string, a slog.Attr) slog.Attr {
	switch a.Value.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(redact(a.Value.String()))
	case slog.KindAny:
		a.Value = redactAny(a.Value.Any())
	}
	return a
}

func redactAny(value any) slog.Value {
	if err, ok := value.(error); ok {
		return slog.StringValue(redact(err.Error()))
	}
	text, err := json.Marshal(value)
	if err != nil {
		return slog.StringValue("[cannot be written: " + redact(err.Error()) + "]")
	}
	if !strings.Contains(string(text), "@") {
		return slog.AnyValue(json.RawMessage(text))
	}
	var tree any
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	if err := decoder.Decode(&tree); err != nil {
		return slog.StringValue("[cannot be written]")
	}
	return slog.AnyValue(redactTree(tree))
}

// redactTree redacts the texts and names of a decoded JSON value.
func redactTree(value any) any {
	switch v := value.(type) {
	case string:
		return redact(v)
	case []any:
		for i := range v {
			v[i] = redactTree(v[i])
		}
		return v
	case map[string]any:
		clean := make(map[string]any, len(v))
		for name, member := range v {
			clean[redact(name)] = redactTree(member)
		}
		return clean
	}
	return value
}
