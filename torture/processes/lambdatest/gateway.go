package lambdatest

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

// quiet drops what net/http says about connections that a test cut on purpose.
var quiet = log.New(io.Discard, "", 0)

// A Gateway is an API Gateway HTTP API in front of a function: an [http.Handler]
// that turns requests into events. A function that fails is answered 500, as API
// Gateway does.
type Gateway struct{ Function *Function }

// ServeHTTP has the function answer the request.
func (g Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 10<<20))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	event, err := json.Marshal(Event(r, body))
	if err != nil {
		http.Error(w, `{"message":"Bad Request"}`, http.StatusBadRequest)
		return
	}
	raw, err := g.Function.Invoke(r.Context(), event, 0)
	var answer events.APIGatewayV2HTTPResponse
	if err == nil {
		err = json.Unmarshal(raw, &answer)
	}
	text := []byte(answer.Body)
	if err == nil && answer.IsBase64Encoded {
		text, err = base64.StdEncoding.DecodeString(answer.Body)
	}
	if err != nil || answer.StatusCode == 0 {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, `{"message":"Internal Server Error"}`)
		return
	}
	for name, value := range answer.Headers {
		w.Header().Set(name, value)
	}
	w.WriteHeader(answer.StatusCode)
	_, _ = w.Write(text) // the caller may have gone
}

// Event returns the event that API Gateway makes of a request: payload format
// 2.0, lower-case header names, the path decoded, a body that is no text in base64.
func Event(r *http.Request, body []byte) events.APIGatewayV2HTTPRequest {
	e := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: "$default", RawPath: r.URL.Path, RawQueryString: r.URL.RawQuery, Headers: map[string]string{"host": r.Host},
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RouteKey: "$default", AccountID: "123456789012", Stage: "$default", RequestID: "XJm8sgYDDoEEPzQ=", APIID: "a1b2c3d4e5",
			DomainName: r.Host, TimeEpoch: time.Now().UnixMilli(),
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{
				Method: r.Method, Path: r.URL.Path, Protocol: "HTTP/1.1", SourceIP: "192.0.2.10", UserAgent: r.UserAgent(),
			},
		},
	}
	for name, values := range r.Header {
		e.Headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	for name, values := range r.URL.Query() {
		if e.QueryStringParameters == nil {
			e.QueryStringParameters = map[string]string{}
		}
		e.QueryStringParameters[name] = strings.Join(values, ",")
	}
	e.Body = string(body)
	if !utf8.Valid(body) {
		e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	return e
}
