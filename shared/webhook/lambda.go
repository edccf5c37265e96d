package webhook

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

// LambdaHandler feeds h with the events of an API Gateway HTTP API, payload
// format 2.0. It never returns an error: whatever a caller sends, h answers. The
// request's context is the invocation's, with its deadline.
//
// The path of the event goes to h as it came, decoded or not: see idForms.
func LambdaHandler(h http.Handler) func(ctx context.Context, event events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	return func(ctx context.Context, event events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		answer := &recorder{header: http.Header{}}
		h.ServeHTTP(answer, requestOf(ctx, &event))
		return answer.response(), nil
	}
}

func requestOf(ctx context.Context, event *events.APIGatewayV2HTTPRequest) *http.Request {
	header := http.Header{}
	for name, value := range event.Headers {
		header.Set(name, value)
	}
	path := withoutStage(event.RawPath, event.RequestContext.Stage)
	request := &http.Request{
		Method:     strings.ToUpper(event.RequestContext.HTTP.Method),
		URL:        &url.URL{Path: path, RawQuery: event.RawQueryString},
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: 1,
		Header:     header,
		Host:       event.RequestContext.DomainName,
		RemoteAddr: event.RequestContext.HTTP.SourceIP,
		RequestURI: path,
	}
	request.Body, request.ContentLength = bodyOf(event)
	return request.WithContext(ctx)
}

// withoutStage takes the stage's name off the path, where it stands unless the
// stage is $default.
func withoutStage(path, stage string) string {
	if stage == "" || stage == "$default" {
		return path
	}
	rest, ok := strings.CutPrefix(path, "/"+stage)
	switch {
	case !ok || rest != "" && rest[0] != '/':
		return path
	case rest == "":
		return "/"
	}
	return rest
}

// bodyOf returns the body of the event. One that cannot be decoded fails when it
// is read, so that the route decides what that means.
func bodyOf(event *events.APIGatewayV2HTTPRequest) (io.ReadCloser, int64) {
	if !event.IsBase64Encoded {
		return io.NopCloser(strings.NewReader(event.Body)), int64(len(event.Body))
	}
	body, err := base64.StdEncoding.DecodeString(event.Body)
	if err != nil {
		return io.NopCloser(brokenBody{}), -1
	}
	return io.NopCloser(bytes.NewReader(body)), int64(len(body))
}

type brokenBody struct{}

func (brokenBody) Read([]byte) (int, error) {
	return 0, errors.New("the body of the event is not base64")
}

// recorder keeps what a handler answers.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

func (r *recorder) Write(p []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(p)
}

// response puts the answer into the form of payload 2.0, which has one text for
// each header and knows no list.
func (r *recorder) response() events.APIGatewayV2HTTPResponse {
	r.WriteHeader(http.StatusOK)
	response := events.APIGatewayV2HTTPResponse{StatusCode: r.status, Headers: map[string]string{}}
	for name, values := range r.header {
		if name == "Set-Cookie" {
			response.Cookies = values
			continue
		}
		response.Headers[name] = strings.Join(values, ", ")
	}
	if isText(r.header.Get("Content-Type"), r.body.Bytes()) {
		response.Body = r.body.String()
		return response
	}
	response.Body = base64.StdEncoding.EncodeToString(r.body.Bytes())
	response.IsBase64Encoded = true
	return response
}

// isText reports whether a body may travel as it is. All others go in base64.
func isText(contentType string, body []byte) bool {
	if len(body) == 0 {
		return true
	}
	mediaType, _, err := mime.ParseMediaType(contentType)
	if err != nil || !utf8.Valid(body) {
		return false
	}
	switch {
	case strings.HasPrefix(mediaType, "text/"), strings.HasSuffix(mediaType, "+json"), strings.HasSuffix(mediaType, "+xml"):
		return true
	}
	return mediaType == jsonType || mediaType == "application/javascript"
}
