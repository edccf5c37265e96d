package webhook_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"contactsync/shared/webhook"
)

// keyed are the routes that need a key.
var keyed = []call{
	{method: http.MethodPost, path: "/hooks"}, {method: http.MethodPost, path: "/transfers"}, {method: http.MethodGet, path: "/transfers"},
	{method: http.MethodGet, path: "/transfers/44552"}, {method: http.MethodPost, path: "/transfers/44552/replay"}, {method: http.MethodPost, path: "/replays"},
	{method: http.MethodGet, path: "/errors"}, {method: http.MethodGet, path: "/runs"}, {method: http.MethodGet, path: "/preflight"},
}

func TestOnlyAKeyOfTheSecretOpensTheOperatorsRoutes(t *testing.T) {
	for header, ok := range map[string]bool{
		"Bearer key-now": true, "Bearer key-before": true, "bearer key-now": true, "BEARER   key-now ": true,
		"": false, "Bearer": false, "Bearer ": false, "key-now": false, "Basic key-now": false, "Bearer key-no": false, "Bearer key-noww": false,
		"Bearer state-now": false, "Bearer key-now key-before": false, "Bearer " + strings.Repeat("x", 5000): false,
	} {
		for _, c := range keyed {
			s := open(t)
			c.nobody, c.header = true, map[string]string{"Authorization": header}
			a := s.do(c)
			if ok && a.status == 401 {
				t.Errorf("%.30q: %s %s is refused", header, c.method, c.path)
			}
			if !ok {
				a.fails(401, "UNAUTHORIZED")
				if !strings.HasPrefix(a.header["Www-Authenticate"], "Bearer") {
					t.Errorf("%s %s: WWW-Authenticate is %q", c.method, c.path, a.header["Www-Authenticate"])
				}
			}
			if key := strings.TrimSpace(strings.TrimPrefix(header, "Bearer ")); key != "" && strings.Contains(s.log.String(), key) && key != "Bearer" {
				t.Errorf("the log holds the key: %s", s.log)
			}
		}
	}
}

func TestASecretThatCannotBeReadIs503(t *testing.T) {
	s := open(t)
	s.secretDown = true
	for _, c := range keyed {
		s.do(c).fails(503, "UNAVAILABLE")
	}
}

func TestWhatIsWrongIsToldInOrder(t *testing.T) {
	large := `{"ids":["` + strings.Repeat("x", webhook.MaxBody) + `"]}`
	text := map[string]string{"Content-Type": "text/plain"}
	for name, tt := range map[string]struct {
		call   call
		status int
		code   string
	}{
		"an unknown route needs no key":   {call{method: "GET", path: "/admin", nobody: true}, 404, "NOT_FOUND"},
		"a route with something behind":   {call{method: "GET", path: "/errors/x"}, 404, "NOT_FOUND"},
		"a double slash":                  {call{method: "GET", path: "//errors"}, 404, "NOT_FOUND"},
		"no path":                         {call{method: "GET", path: ""}, 404, "NOT_FOUND"},
		"key before method":               {call{method: "PUT", path: "/transfers", nobody: true}, 401, "UNAUTHORIZED"},
		"method before type":              {call{method: "PUT", path: "/transfers", body: large, header: text}, 405, "METHOD_NOT_ALLOWED"},
		"no cross-origin answer":          {call{method: "OPTIONS", path: "/transfers"}, 405, "METHOD_NOT_ALLOWED"},
		"type before size":                {call{method: "POST", path: "/transfers", body: large, header: text}, 415, "UNSUPPORTED_MEDIA_TYPE"},
		"size before content":             {call{method: "POST", path: "/transfers", body: large}, 413, "TOO_LARGE"},
		"size of what base64 hides":       {call{method: "POST", path: "/hooks", body: large, base64: true}, 413, "TOO_LARGE"},
		"content":                         {call{method: "POST", path: "/replays", body: "x"}, 400, "BAD_REQUEST"},
		"a type that is no type":          {call{method: "POST", path: "/hooks", body: "{}", header: map[string]string{"Content-Type": ";;"}}, 415, "UNSUPPORTED_MEDIA_TYPE"},
		"another charset":                 {call{method: "POST", path: "/hooks", body: "{}", header: map[string]string{"Content-Type": "application/json; charset=utf-16"}}, 415, "UNSUPPORTED_MEDIA_TYPE"},
		"a compressed body":               {call{method: "POST", path: "/hooks", body: "{}", header: map[string]string{"Content-Encoding": "gzip"}}, 415, "UNSUPPORTED_MEDIA_TYPE"},
		"a form":                          {call{method: "POST", path: "/transfers", body: "ids=1", header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}}, 415, "UNSUPPORTED_MEDIA_TYPE"},
		"a method of another route":       {call{method: "POST", path: "/errors", body: "{}"}, 405, "METHOD_NOT_ALLOWED"},
		"an asset that there is not":      {call{method: "GET", path: "/assets/none.js", nobody: true}, 404, "NOT_FOUND"},
		"an asset outside of the folder":  {call{method: "GET", path: "/assets/../index.html", nobody: true}, 404, "NOT_FOUND"},
		"a folder for an asset":           {call{method: "GET", path: "/assets/", nobody: true}, 404, "NOT_FOUND"},
		"a method that the page has not":  {call{method: "POST", path: "/", nobody: true}, 405, "METHOD_NOT_ALLOWED"},
		"a lower-case method is the same": {call{method: "put", path: "/errors"}, 405, "METHOD_NOT_ALLOWED"},
	} {
		s := open(t)
		a := s.do(tt.call)
		if e := a.fails(tt.status, tt.code); e.Title == "" || e.Description == "" || e.Resolution == "" || e.Detail == "" {
			t.Errorf("%s: a text is empty: %+v", name, e)
		}
		if tt.status == 405 && a.header["Allow"] == "" {
			t.Errorf("%s: no Allow", name)
		}
	}
}

func TestContentTypesThatCountAsJSON(t *testing.T) {
	for _, contentType := range []string{"", "application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8", "application/vnd.api+json"} {
		open(t).do(call{method: http.MethodPost, path: "/transfers", body: ids("44552"), header: map[string]string{"Content-Type": contentType}}).is(200)
	}
}

func TestEveryAnswerForbidsCachingGuessingAndFraming(t *testing.T) {
	s := open(t)
	for _, c := range append([]call{{method: "GET", path: "/"}, {method: "GET", path: "/none"}, {method: "POST", path: "/notifications/business-central", query: "validationToken=x"}}, keyed...) {
		a := s.do(c)
		if a.header["Cache-Control"] != "no-store" || a.header["X-Content-Type-Options"] != "nosniff" || a.header["X-Frame-Options"] != "DENY" ||
			!strings.HasPrefix(a.header["Content-Security-Policy"], "default-src 'none'") || a.header["Access-Control-Allow-Origin"] != "" {
			t.Errorf("%s %s: %v", c.method, c.path, a.header)
		}
	}
}

func TestOneLogLineForEachRequestWithoutIDsKeysOrBodies(t *testing.T) {
	s := open(t)
	s.post("/transfers", ids("44552")).is(200)
	s.get("/transfers/secret-id-77").is(404)
	s.get("/transfers?run=secret-id-77").is(200)
	lines := bufio.NewScanner(strings.NewReader(s.log.String()))
	var routes []string
	for lines.Scan() {
		var line map[string]any
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		if line["msg"] != "request" || line["status"] == nil || line["took_ms"] == nil || line["method"] == nil {
			t.Errorf("line: %s", lines.Text())
		}
		routes = append(routes, line["route"].(string))
	}
	if got := strings.Join(routes, " "); got != "/transfers /transfers/{id} /transfers" {
		t.Errorf("logged: %s", got)
	}
	if strings.Contains(s.log.String(), "key-now") || strings.Contains(s.log.String(), "secret-id-77") {
		t.Errorf("the log holds a key or an id from a path: %s", s.log)
	}
}

func TestADefectIsA500ThatQuotesNothing(t *testing.T) {
	s := open(t)
	s.store.panics = true
	a := s.get("/errors")
	a.fails(500, "INTERNAL")
	if strings.Contains(a.body+s.log.String(), "Byron") {
		t.Errorf("a record is quoted: %s %s", a.body, s.log)
	}
	if !strings.Contains(s.log.String(), `"level":"ERROR"`) || !strings.Contains(s.log.String(), "stack") {
		t.Errorf("the log does not name the place: %s", s.log)
	}
	s.store.panics = false
	s.get("/errors").is(200)
}

func TestTheStageIsNoPartOfTheRoute(t *testing.T) {
	for stage, paths := range map[string][]string{
		"$default": {"/errors"}, "": {"/errors"}, "prod": {"/prod/errors", "/errors"},
	} {
		for _, path := range paths {
			s := open(t)
			s.stage = stage
			s.get(path).is(200)
		}
	}
	s := open(t)
	s.stage = "prod"
	s.get("/prod").is(200)
	s.get("/production/errors").fails(404, "NOT_FOUND")
	s.stage = "transfers"
	s.keep(failedState("44552", "", "INTERNAL"))
	s.get("/transfers/transfers/44552").is(200)
}

func TestHEADIsAGETWithoutBody(t *testing.T) {
	a := open(t).do(call{method: http.MethodHead, path: "/errors"}).is(200)
	if a.body != "" || a.header["Content-Type"] != "application/json" || a.header["Content-Length"] == "0" {
		t.Errorf("got %q, %v", a.body, a.header)
	}
}

func TestTheDeadlineOfTheInvocationReachesTheRoute(t *testing.T) {
	s := open(t)
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(time.Hour))
	defer cancel()
	want, _ := ctx.Deadline()
	h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if got, ok := r.Context().Deadline(); !ok || !got.Equal(want) {
			t.Errorf("deadline %v, want %v", got, want)
		}
		if r.Host != "abc123.execute-api.eu-central-1.amazonaws.com" || r.RemoteAddr != "192.0.2.1" || r.Header.Get("X-Forwarded-Proto") != "https" {
			t.Errorf("host %s, from %s, header %v", r.Host, r.RemoteAddr, r.Header)
		}
	})
	response, err := webhook.LambdaHandler(h)(ctx, s.event(call{method: "GET", path: "/x"}))
	if err != nil || response.StatusCode != 200 {
		t.Errorf("an answer without a status is %d, error %v; want 200", response.StatusCode, err)
	}
}

func TestBinaryAnswersTravelInBase64AndHeadersInOneText(t *testing.T) {
	for name, tt := range map[string]struct {
		contentType, body, want string
		base64                  bool
	}{
		"text":          {"text/plain", "ä", "ä", false},
		"json":          {"application/json", "{}", "{}", false},
		"svg":           {"image/svg+xml", "<svg/>", "<svg/>", false},
		"image":         {"image/png", "\x89PNG", "iVBORw==", true},
		"invalid UTF-8": {"text/plain", "\xff", "/w==", true},
		"unknown type":  {"", "x", "eA==", true},
		"nothing":       {"image/png", "", "", false},
	} {
		h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Vary"] = []string{"a", "b"}
			w.Header().Set("Content-Type", tt.contentType)
			w.WriteHeader(http.StatusTeapot)
			w.WriteHeader(http.StatusOK) // too late
			_, _ = w.Write([]byte(tt.body))
		})
		got, err := webhook.LambdaHandler(h)(t.Context(), open(t).event(call{method: "GET", path: "/x"}))
		if err != nil || got.StatusCode != http.StatusTeapot || got.Body != tt.want || got.IsBase64Encoded != tt.base64 || got.Headers["Vary"] != "a, b" {
			t.Errorf("%s: %+v, error %v", name, got, err)
		}
	}
}

func TestAnOrdinaryServerAnswersLikeTheFunction(t *testing.T) {
	s := open(t)
	s.keep(failedState("A/B", "", "MISSING_EMAIL"))
	server := httptest.NewServer(s.handler)
	defer server.Close()
	for path, want := range map[string]int{"/transfers/A%2FB%7Ccontact": 200, "/transfers/A/B": 200, "/transfers/none": 404, "/": 200, "/assets/page.js": 200} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer key-now")
		response, err := server.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s: got %d, want %d", path, response.StatusCode, want)
		}
	}
}

func TestNewNamesWhatItNeeds(t *testing.T) {
	if _, err := webhook.New(webhook.Config{}); err == nil || !strings.Contains(err.Error(), "NewSyncer, Store, Callers, Preflight and BodyOf") {
		t.Errorf("got %v", err)
	}
}
