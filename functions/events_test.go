package functions_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"contactsync/shared/status/dynamostore"
)

// The sample events are what people try first, so they are held to what AWS sends.

func TestSampleEventsOfTheAPIAreOfPayloadFormat2(t *testing.T) {
	seen := 0
	for _, path := range samples(t) {
		raw := read(t, path)
		var e events.APIGatewayV2HTTPRequest
		if err := json.Unmarshal(raw, &e); err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if e.RequestContext.HTTP.Method == "" {
			continue // an event of the poll function
		}
		seen++
		if e.Version != "2.0" || e.RouteKey != "$default" || e.RawPath != e.RequestContext.HTTP.Path || e.RequestContext.Stage != "$default" {
			t.Errorf("%s: version %s, route %s, path %s", path, e.Version, e.RouteKey, e.RawPath)
		}
		for name := range e.Headers {
			if name != strings.ToLower(name) {
				t.Errorf("%s: API Gateway sends header names in lower case, not %s", path, name)
			}
		}
		if e.Headers["content-length"] != strconv.Itoa(len(e.Body)) {
			t.Errorf("%s: content-length %s, the body has %d bytes", path, e.Headers["content-length"], len(e.Body))
		}
		if e.Body != "" && !json.Valid([]byte(e.Body)) {
			t.Errorf("%s: the body is not JSON", path)
		}
		open := e.RawPath == "/" || e.RawPath == "/notifications/business-central"
		if _, found := e.Headers["authorization"]; found == open {
			t.Errorf("%s: shows a key: %v, needs one: %v", path, found, !open)
		}
	}
	if seen < 12 {
		t.Errorf("only %d samples are of the API", seen)
	}
}

func TestSampleStreamEventHoldsAPendingRequest(t *testing.T) {
	var e events.DynamoDBEvent
	if err := json.Unmarshal(read(t, "../events/stream.json"), &e); err != nil {
		t.Fatal(err)
	}
	if len(e.Records) != 1 {
		t.Fatalf("got %d records, want 1", len(e.Records))
	}
	image := e.Records[0].Change.NewImage
	request, err := dynamostore.ParseRequestImage("default", image)
	if err != nil {
		t.Fatal(err)
	}
	if request.Ref.No != "44552" || request.RequestedAt.IsZero() || request.Token == "" {
		t.Errorf("request: %+v", request)
	}
	if image["status"].String() != "pending" {
		t.Error("the template's filter would not let the event through")
	}
}

func samples(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("../events/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no sample events: %v", err)
	}
	return paths
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
