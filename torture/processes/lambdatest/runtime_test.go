package lambdatest

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// The test binary is the function as well: started under a Runtime API it runs
// this handler with AWS's own client of that API.
func TestMain(m *testing.M) {
	if environment("AWS_LAMBDA_RUNTIME_API") != "" {
		lambda.Start(handle)
		return
	}
	m.Run()
}

func environment(name string) string {
	return os.Getenv(name) //nolint:forbidigo // how Lambda tells a function where its Runtime API is
}

type wish struct {
	Do string `json:"do"`
}

func handle(ctx context.Context, raw json.RawMessage) (any, error) {
	var w wish
	var e events.APIGatewayV2HTTPRequest
	if err := errors.Join(json.Unmarshal(raw, &w), json.Unmarshal(raw, &e)); err != nil {
		return nil, err
	}
	w.Do += e.Headers["x-wish"]
	switch w.Do {
	case "fail":
		return nil, errors.New("as was wished")
	case "die":
		os.Exit(3) //nolint:forbidigo // a process that ends is what is tested
	case "sleep":
		time.Sleep(time.Minute)
	case "rendezvous":
		time.Sleep(300 * time.Millisecond)
	case "echo":
		return events.APIGatewayV2HTTPResponse{StatusCode: 201, Headers: map[string]string{"X-Path": e.RawPath}, Body: e.Body}, nil
	}
	deadline, _ := ctx.Deadline()
	context, _ := lambdacontext.FromContext(ctx)
	return map[string]any{
		"left": time.Until(deadline).Seconds(), "request_id": context.AwsRequestID, "arn": context.InvokedFunctionArn,
		"trace": environment("_X_AMZN_TRACE_ID"), "process": os.Getpid(),
	}, nil
}

func newFunction(t *testing.T) *Function {
	t.Helper()
	f := New(Config{Name: "wishes", Path: os.Args[0]})
	t.Cleanup(f.Close)
	return f
}

type told struct {
	Left      float64 `json:"left"`
	RequestID string  `json:"request_id"`
	ARN       string  `json:"arn"`
	Trace     string  `json:"trace"`
	Process   int     `json:"process"`
}

func ask(t *testing.T, f *Function, do string) told {
	t.Helper()
	raw, err := f.Invoke(t.Context(), []byte(`{"do":"`+do+`"}`), 7*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	var got told
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	return got
}

func TestAFunctionLearnsItsDeadlineAndItsIds(t *testing.T) {
	f := newFunction(t)
	first, second := ask(t, f, "tell"), ask(t, f, "tell")
	if first.Left <= 0 || first.Left > 7 {
		t.Errorf("%.1f s were left, want up to 7", first.Left)
	}
	if len(first.RequestID) != 36 || first.RequestID == second.RequestID || !strings.HasPrefix(first.Trace, "Root=1-") || !strings.HasSuffix(first.ARN, ":function:wishes") {
		t.Errorf("got %+v, then %+v; want ids of their own", first, second)
	}
	if first.Process != second.Process || f.ColdStarts() != 1 {
		t.Errorf("%d cold starts, want the process to be used again", f.ColdStarts())
	}
}

func TestInvocationsAtOnceGetProcessesOfTheirOwn(t *testing.T) {
	f := newFunction(t)
	var all sync.WaitGroup
	var mu sync.Mutex
	processes := map[int]bool{}
	for range 4 {
		all.Go(func() {
			raw, err := f.Invoke(t.Context(), []byte(`{"do":"rendezvous"}`), 0)
			var got told
			if err == nil {
				err = json.Unmarshal(raw, &got)
			}
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			processes[got.Process] = true
		})
	}
	all.Wait()
	if len(processes) != 4 || f.ColdStarts() != 4 {
		t.Errorf("%d processes after %d cold starts, want 4", len(processes), f.ColdStarts())
	}
}

func TestAnInvocationThatFails(t *testing.T) {
	f := newFunction(t)
	_, err := f.Invoke(t.Context(), []byte(`{"do":"fail"}`), 0)
	if e, ok := errors.AsType[*FunctionError](err); !ok || e.Message != "as was wished" {
		t.Errorf("a function's error: got %v", err)
	}
	if _, err := f.Invoke(t.Context(), []byte(`{"do":"die"}`), 0); !errors.Is(err, ErrExited) || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("a process that ends: got %v", err)
	}
	if _, err := f.Invoke(t.Context(), []byte(`{"do":"sleep"}`), 500*time.Millisecond); !errors.Is(err, ErrTimeout) {
		t.Errorf("a function beyond its deadline: got %v", err)
	}
	if got := ask(t, f, "tell"); got.Process == 0 || f.ColdStarts() != 3 {
		t.Errorf("%d cold starts, want a new process after each that ended", f.ColdStarts())
	}
	f.Kill()
	if got := ask(t, f, "tell"); got.Process == 0 || f.ColdStarts() != 4 {
		t.Errorf("%d cold starts, want a new process after a kill", f.ColdStarts())
	}
}

func TestAnAnswerThatIsNotTaken(t *testing.T) {
	var f *Function
	f = New(Config{Name: "wishes", Path: os.Args[0], Answer: func(*Invocation) bool { f.Kill(); return false }})
	t.Cleanup(f.Close)
	if _, err := f.Invoke(t.Context(), []byte(`{"do":"tell"}`), 0); !errors.Is(err, ErrExited) {
		t.Errorf("killed before its answer was taken: got %v", err)
	}
}

func TestTheRuntimeAPIRefusesWhatItDoesNotKnow(t *testing.T) {
	server := httptest.NewServer(NewRuntime("arn"))
	defer server.Close()
	for path, want := range map[string]int{
		"/2018-06-01/runtime/invocation/unknown/response": http.StatusBadRequest,
		"/2018-06-01/runtime/invocation/unknown/error":    http.StatusBadRequest,
		"/2018-06-01/runtime/init/error":                  http.StatusAccepted,
		"/2018-06-01/runtime/invocation/next":             http.StatusNotFound, // by GET only
		"/2019-01-01/anything":                            http.StatusNotFound,
	} {
		resp, err := http.Post(server.URL+path, "application/json", strings.NewReader(`{"errorType":"T","errorMessage":"m"}`))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("POST %s: %d, want %d", path, resp.StatusCode, want)
		}
	}
}

func TestAGatewayTurnsRequestsIntoEventsAndAnswersBack(t *testing.T) {
	server := httptest.NewServer(Gateway{newFunction(t)})
	defer server.Close()
	post := func(header string) (*http.Response, string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/transfers/a%7Cb", strings.NewReader(`{"ids":[]}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Wish", header)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		return resp, string(body)
	}
	if resp, body := post("echo"); resp.StatusCode != http.StatusCreated || resp.Header.Get("X-Path") != "/transfers/a|b" || body != `{"ids":[]}` {
		t.Errorf("got %d %v %s, want what the function answered", resp.StatusCode, resp.Header, body)
	}
	if resp, _ := post("fail"); resp.StatusCode != http.StatusInternalServerError {
		t.Errorf("a function that fails: %d, want 500", resp.StatusCode)
	}
	e := Event(httptest.NewRequest(http.MethodPost, "/a?x=1", nil), []byte("\xff"))
	if e.RawQueryString != "x=1" || e.QueryStringParameters["x"] != "1" || !e.IsBase64Encoded || e.Body != "/w==" {
		t.Errorf("got %+v, want the query and a body in base64", e)
	}
}
