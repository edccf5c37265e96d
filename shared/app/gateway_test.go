package app_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"contactsync/shared/app/apptest"
	"contactsync/shared/wire"
)

// A gateway calls the webhook function as API Gateway does: with an event in JSON,
// payload format 2.0, whose path is decoded.
type gateway struct{ w *apptest.World }

// An answer is what API Gateway would hand back.
type answer struct {
	t      testing.TB
	status int
	header map[string]string
	body   []byte
}

func (g gateway) get(path string) answer {
	return g.call(http.MethodGet, path, "", apptest.APIKey, nil)
}

func (g gateway) post(path string, body any) answer {
	raw, err := json.Marshal(body)
	if err != nil {
		g.w.T.Fatal(err)
	}
	return g.call(http.MethodPost, path, "", apptest.APIKey, raw)
}

// sync asks for a manual sync and returns its transfers.
func (g gateway) sync(ids ...string) []wire.TransferJSON {
	g.w.T.Helper()
	a := g.post("/transfers", map[string]any{"ids": ids})
	a.must(http.StatusOK)
	return a.transfers()
}

func (g gateway) call(method, path, query, key string, body []byte) answer {
	g.w.T.Helper()
	header := map[string]string{"host": "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com", "content-type": "application/json", "x-forwarded-proto": "https"}
	if key != "" {
		header["authorization"] = "Bearer " + key
	}
	raw, err := json.Marshal(map[string]any{
		"version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query, "headers": header,
		"requestContext": map[string]any{
			"accountId": "123456789012", "apiId": "a1b2c3d4e5", "domainName": header["host"], "stage": "$default", "requestId": "XJm8sgYDDoEEPzQ=",
			"http": map[string]any{"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.10", "userAgent": "curl/8.5.0"},
		},
		"body": string(body), "isBase64Encoded": false,
	})
	if err != nil {
		g.w.T.Fatal(err)
	}
	var event events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(raw, &event); err != nil {
		g.w.T.Fatal(err)
	}
	handler, err := g.w.App.Webhook()
	if err != nil {
		g.w.T.Fatal(err)
	}
	got, err := handler(g.w.Context(), event)
	if err != nil {
		g.w.T.Errorf("%s %s: the function failed instead of answering: %v", method, path, err)
	}
	return answer{t: g.w.T, status: got.StatusCode, header: got.Headers, body: []byte(got.Body)}
}

// RoundTrip lets Business Central's notifications arrive through the gateway.
func (g gateway) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	a := g.call(r.Method, r.URL.Path, r.URL.RawQuery, "", body)
	header := http.Header{}
	for name, value := range a.header {
		header.Set(name, value)
	}
	return &http.Response{
		StatusCode: a.status, Header: header, Body: io.NopCloser(bytes.NewReader(a.body)), ContentLength: int64(len(a.body)),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
	}, nil
}

func (a answer) must(status int) {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("got %d, want %d: %s", a.status, status, a.body)
	}
}

// into reads the body, whose members must all be known to v.
func (a answer) into(v any) {
	a.t.Helper()
	if err := json.Unmarshal(a.body, v); err != nil {
		a.t.Fatalf("%v in %s", err, a.body)
	}
}

func (a answer) transfers() []wire.TransferJSON {
	a.t.Helper()
	var body struct {
		Transfers []wire.TransferJSON `json:"transfers"`
	}
	a.into(&body)
	return body.Transfers
}

// code returns the code of an error answer.
func (a answer) code() string {
	var body struct {
		Error wire.ErrorJSON `json:"error"`
	}
	a.into(&body)
	return body.Error.Code
}
