package processes_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/ipaas/ipaastest"
	"contactsync/shared/status"
	"contactsync/shared/status/dynamostore"
	"contactsync/shared/wire"
	"contactsync/torture/calls"
	"contactsync/torture/processes/front"
	"contactsync/torture/processes/lambdatest"
	"contactsync/torture/tally"
)

// A scene is one connection: both systems, its own table, and the functions,
// with a front before everything that they call.
type scene struct {
	t      testing.TB
	count  *tally.Count
	cloud  *cloud
	table  string
	store  *dynamostore.Store // of the test itself, past the front
	source *businesscentraltest.Simulator
	target *ipaastest.Simulator
	front  *front.Front
	poll   *lambdatest.Function
	hooks  *lambdatest.Function
	log    *journal

	clockMu sync.Mutex
	clock   time.Time // of both systems; the functions have the machine's

	judge  atomic.Pointer[func(front.Call) front.Verdict]
	lastly atomic.Bool // the process dies once its answer is taken
	killed atomic.Bool
}

// settings of a scene. The zero value is one worker.
type settings struct {
	workers int
	timeout time.Duration // of an invocation; a long one if zero
	source  businesscentraltest.Config
	environ []string
}

func (s *scene) now() time.Time {
	s.clockMu.Lock()
	defer s.clockMu.Unlock()
	return s.clock
}

// at moves the clock of both systems, also back.
func (s *scene) at(t time.Time) {
	s.clockMu.Lock()
	defer s.clockMu.Unlock()
	s.clock = t
}

func (s *scene) pass(d time.Duration) { s.at(s.now().Add(d)) }

// begin is a day far from now: no process may take its own clock for theirs.
var begin = time.Date(2025, 3, 3, 8, 0, 0, 0, time.UTC)

func (s *stand) scene(t testing.TB, cloud *cloud, set settings) *scene {
	t.Helper()
	w := &scene{t: t, cloud: cloud, table: "contactsync-" + rand.Text(), log: &journal{}, clock: begin}
	set.source.Now, set.source.MaxPageSize = w.now, 4
	w.source = businesscentraltest.StartServer(t, set.source)
	w.target = ipaastest.Start(t, ipaastest.Config{Now: w.now})
	var err error
	w.store, err = dynamostore.New(dynamostore.Config{Connection: "default", Table: w.table, AWS: &cloud.config})
	w.must(err)
	w.must(w.store.CreateTable(t.Context()))
	t.Cleanup(func() { _ = w.store.DeleteTable(context.Background()) })
	w.functions(s, set)
	return w
}

// functions sets the front before everything and the functions behind it.
func (s *scene) functions(stand *stand, set settings) {
	s.t.Helper()
	s.front = front.New(s.decide, func() {
		s.killed.Store(true)
		s.poll.Kill()
		s.hooks.Kill()
	})
	s.t.Cleanup(s.front.Close)
	serve := func(side, address string) string {
		origin, err := s.front.Serve(side, address)
		s.must(err)
		return origin
	}
	bc, ipaas, aws := serve("Business Central", s.source.BaseURL()), serve("iPaaS.com", s.target.BaseURL()), serve("AWS", s.cloud.endpoint)
	env := environ(append([]string{
		"TABLE_NAME=" + s.table, "SECRET_ID=" + s.cloud.secret, "AWS_ENDPOINT_URL=" + aws,
		"BC_BASE_URL=" + bc + "/v2.0", "BC_TOKEN_URL=" + bc + "/{tenant}/oauth2/v2.0/token", "BC_COMPANY=" + s.source.CompanyName(),
		"IPAAS_BASE_URL=" + ipaas, fmt.Sprintf("IPAAS_SYSTEM_ID=%d", s.target.SystemID()), "IPAAS_RATE=5000/1s",
		"RETRY_UNIT=" + retryUnit.String(), fmt.Sprintf("WORKERS=%d", max(1, set.workers)),
	}, set.environ...)...)
	function := func(name, path string) *lambdatest.Function {
		f := lambdatest.New(lambdatest.Config{Name: name, Path: path, Environ: env, Timeout: set.timeout, Output: s.log, Answer: s.answering, Answered: s.answered})
		s.t.Cleanup(f.Close)
		return f
	}
	s.poll, s.hooks = function("poll", stand.poll), function("webhook", stand.webhook)
}

// retryUnit lets a retry come due within the scene: 2 units after the first failure.
const retryUnit = 50 * time.Millisecond

// decide is the front's judge.
func (s *scene) decide(c front.Call) front.Verdict {
	if judge := s.judge.Load(); judge != nil {
		return (*judge)(c)
	}
	return front.Pass
}

// killAt kills the processes once, at the n-th call from now on.
func (s *scene) killAt(n int, how front.Verdict) {
	s.front.Reset()
	s.killed.Store(false)
	judge := func(c front.Call) front.Verdict {
		if c.N == n {
			return how
		}
		return front.Pass
	}
	s.judge.Store(&judge)
}

// answering counts the answer to the Runtime API as a call like any other.
func (s *scene) answering(*lambdatest.Invocation) (take bool) {
	verdict := s.front.Count("Runtime API", "answer")
	s.lastly.Store(verdict == front.KillAfter)
	return verdict != front.KillBefore
}

func (s *scene) answered(*lambdatest.Invocation) {
	if s.lastly.Swap(false) {
		s.front.Kill()
	}
}

func (s *scene) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// run invokes the poll function. The zero timeout is a long one.
func (s *scene) run(event string, timeout time.Duration) (run wire.RunJSON, err error) {
	raw, err := s.poll.Invoke(s.t.Context(), []byte(event), timeout)
	if err == nil {
		err = json.Unmarshal(raw, &run)
	}
	return run, err
}

// call sends a request to the webhook function, as API Gateway does.
func (s *scene) call(path, body string, timeout time.Duration) (status int, answer string, err error) {
	r := httptest.NewRequestWithContext(s.t.Context(), http.MethodPost, "https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com"+path, nil)
	r.Header.Set("Authorization", "Bearer "+callerKey)
	r.Header.Set("Content-Type", "application/json")
	event, err := json.Marshal(lambdatest.Event(r, []byte(body)))
	if err != nil {
		return 0, "", err
	}
	raw, err := s.hooks.Invoke(s.t.Context(), event, timeout)
	var out events.APIGatewayV2HTTPResponse
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	return out.StatusCode, out.Body, err
}

// settle polls until nothing is left to do.
func (s *scene) settle() {
	s.t.Helper()
	for range 12 {
		run, err := s.run(`{}`, 0)
		if err != nil {
			s.t.Logf("a poll after the storm: %v", err) // the next one goes on
			continue
		}
		waiting, retrying, err := calls.Open(s.t.Context(), s.store)
		s.must(err)
		if run.Complete && run.Created+run.Updated+run.Linked+waiting+len(retrying) == 0 {
			return
		}
		for _, r := range retrying {
			time.Sleep(time.Until(r.NextAttemptAt))
		}
	}
	s.t.Fatalf("work is left for ever\n%s", s.log.tail())
}

// customers describes every customer of iPaaS.com, one line each, without ids that
// depend on the order of creation.
func (s *scene) customers() []string {
	var lines []string
	for _, c := range s.target.Customers() {
		line := fmt.Sprintf("%s: number %s, %s %s, %s, company %q, inactive %t", c.ExternalID(s.target.SystemID()), c.CustomerNumber, c.FirstName, c.LastName,
			c.EmailAddress, c.Company, c.Inactive)
		slices.SortFunc(c.CustomFields, func(a, b ipaastest.CustomField) int { return strings.Compare(a.Name, b.Name) })
		for _, f := range c.CustomFields {
			line += fmt.Sprintf(", %s=%s", f.Name, f.Value)
		}
		for _, a := range c.Addresses {
			line += fmt.Sprintf(", address %+v", a.Fields)
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}

// outcomes describes the latest outcome of every contact, one line each.
func (s *scene) outcomes() []string {
	s.t.Helper()
	page, err := s.store.Transfers(s.t.Context(), status.Query{Limit: 200})
	s.must(err)
	lines := make([]string, 0, len(page.Transfers))
	for _, t := range page.Transfers {
		line := fmt.Sprintf("%s %s, customer %t", t.ID, t.Status, t.CustomerID != "")
		if t.Problem != nil {
			line += " " + t.Problem.Code
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}

// A moment is everything that lasts: the table and both systems.
type moment struct {
	items          []map[string]types.AttributeValue
	source, target []byte
	clock          time.Time
}

// keep takes the present moment down.
func (s *scene) keep() moment {
	s.t.Helper()
	var source, target bytes.Buffer
	s.must(s.source.Save(&source))
	s.must(s.target.Save(&target))
	out, err := s.cloud.tables.Scan(s.t.Context(), &dynamodb.ScanInput{TableName: &s.table})
	s.must(err)
	if len(out.LastEvaluatedKey) > 0 {
		s.t.Fatal("the table is larger than a page: keep more of it")
	}
	return moment{out.Items, source.Bytes(), target.Bytes(), s.now()}
}

// goTo goes to a moment. The table is empty before.
func (s *scene) goTo(m moment) {
	s.t.Helper()
	s.at(m.clock)
	s.must(s.source.Load(bytes.NewReader(m.source)))
	s.must(s.target.Load(bytes.NewReader(m.target)))
	for chunk := range slices.Chunk(m.items, 25) {
		writes := make([]types.WriteRequest, len(chunk))
		for i, it := range chunk {
			writes[i].PutRequest = &types.PutRequest{Item: it}
		}
		_, err := s.cloud.tables.BatchWriteItem(s.t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{s.table: writes}})
		s.must(err)
	}
}

// discreet holds what the processes wrote to guarantee 7.
func (s *scene) discreet() {
	s.t.Helper()
	text := s.log.String()
	for what, canary := range map[string]string{
		"an e-mail address": "@example.com", "a name": "Townes", "a phone number": "555 01", "a street": "Market Square",
		"the client secret": `client-secret`, "the API key": ipaastest.DefaultAPIKey, "a caller's key": callerKey, "a client state": clientState,
	} {
		if strings.Contains(text, canary) {
			s.t.Errorf("a log holds %s", what)
		}
	}
}

// same compares what stands at the end with what an undisturbed day leaves.
func (s *scene) same(what string, got, want []string) {
	s.t.Helper()
	missing := slices.DeleteFunc(slices.Clone(want), func(line string) bool { return slices.Contains(got, line) })
	extra := slices.DeleteFunc(slices.Clone(got), func(line string) bool { return slices.Contains(want, line) })
	if len(missing)+len(extra) > 0 || len(got) != len(want) {
		if s.count != nil {
			s.count.Add(tally.Row{Lost: len(missing), Doubled: max(0, len(got)-len(want))})
		}
		s.t.Errorf("%s, missing:\n%s\ntoo much:\n%s\n%s", what, strings.Join(missing, "\n"), strings.Join(extra, "\n"), s.log.tail())
	}
}
