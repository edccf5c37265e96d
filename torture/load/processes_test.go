package load_test

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"contactsync/shared/app"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/ipaas/ipaastest"
	"contactsync/shared/status/dynamostore"
	"contactsync/torture/calls"
	"contactsync/torture/tally"
)

var role = flag.String("role", "", "what this process does, when the test has started itself once more: poll, stream or webhook")

// The stand-in for DynamoDB does a few hundred conditional writes a second.
var among = flag.Int("among", 2_000, "contacts of the three processes")

// Three processes with the wiring of the functions share one table: two of them
// poll, by the clock and by the table's stream, and one is called by hand.
func TestThreeProcessesOverOneTableLoseAndDoubleNothing(t *testing.T) {
	endpoint := os.Getenv("AWS_ENDPOINT_URL_DYNAMODB") //nolint:forbidigo // whether a stand-in runs is known from the environment only
	if endpoint == "" {
		t.Skip("AWS_ENDPOINT_URL_DYNAMODB is not set: run it with scripts/moto run go test")
	}
	shared := *among
	count := tally.Begin(t, fmt.Sprintf("load: %d contacts, three processes over DynamoDB", shared))
	w := &world{t: t, tick: 5 * time.Millisecond}
	w.source = businesscentraltest.StartServer(t, businesscentraltest.Config{RequestLimit: -1, RetryAfter: businesscentraltest.RetryAfter{Delay: time.Second}})
	w.target = ipaastest.Start(t, ipaastest.Config{RecordLimit: -1})
	w.populate(shared)
	environ := w.deploy(endpoint)
	faults := &troubles{}
	faults.overSockets(w)
	r := mathrand.New(mathrand.NewPCG(1, 1))
	for range 3 {
		for range shared / 20 {
			w.edit(r, shared)
		}
		begin := time.Now()
		left := shared / 20 // more would keep a slow stand-in busy for ever
		w.processes(environ, func() {
			if left--; left >= 0 {
				w.edit(r, shared)
			}
		})
		t.Logf("%.0f s until a run was complete", time.Since(begin).Seconds())
	}
	faults.end(w)
	w.comeToRest(environ)
	v := w.judge()
	hit := int(faults.sum())
	row := tally.Row{Tried: hit, Survived: hit, Lost: v.lost, Doubled: v.doubled}
	if v.lost+v.doubled+v.wrong > 0 {
		row.Survived = max(0, hit-v.lost-v.doubled-v.wrong)
		t.Errorf("%d lost, %d doubled, %d otherwise wrong:\n%s\n%s", v.lost, v.doubled, v.wrong, strings.Join(v.text, "\n"), w.tail())
	}
	count.Add(row)
	t.Logf("calls that went wrong:\n%s", faults)
}

// deploy makes table and secret and returns the environment of the functions.
func (w *world) deploy(endpoint string) []string {
	w.t.Helper()
	ctx, name := w.t.Context(), "contactsync-"+rand.Text()
	settings, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	store, err := dynamostore.New(dynamostore.Config{Connection: "default", Table: name, AWS: &settings, Log: w.logger()})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := store.CreateTable(ctx); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := store.DeleteTable(context.Background()); err != nil {
			w.t.Error(err)
		}
	})
	w.disk = store
	secrets := secretsmanager.NewFromConfig(settings, func(o *secretsmanager.Options) { o.BaseEndpoint = &endpoint })
	if _, err := secrets.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: &name, SecretString: aws.String(secretOf(w.source, w.target))}); err != nil {
		w.t.Fatal(err)
	}
	environ := os.Environ() //nolint:forbidigo // handed on to the processes, which are mains
	return append(environ, "AWS_ENDPOINT_URL="+endpoint, "TABLE_NAME="+name, "SECRET_ID="+name, "IPAAS_RATE=100000/1s", "RETRY_UNIT=1s",
		"BC_BASE_URL="+w.source.BaseURL(), "BC_TOKEN_URL="+w.source.TokenURL(), "BC_COMPANY="+w.source.CompanyName(),
		"IPAAS_BASE_URL="+w.target.BaseURL(), "IPAAS_SYSTEM_ID="+fmt.Sprint(w.target.SystemID()), "LOG_LEVEL=warn")
}

// overSockets are the faults that cost no time to speak of.
func (f *troubles) overSockets(w *world) {
	kinds := []struct {
		name string
		ipaastest.Effect
	}{
		{"429", ipaastest.Throttled("1")},
		{"500", ipaastest.Effect{Status: 500}},
		{"500 although it was carried out", ipaastest.Effect{Status: 500, Process: true}},
		{"cut, not carried out", ipaastest.Effect{Cut: true}},
		{"carried out, the answer lost", ipaastest.LostAnswer()},
		{"carried out, cut within the answer", ipaastest.Effect{Cut: true, Process: true, KeepBytes: 20}},
		{"carried out, broken JSON", ipaastest.Effect{KeepBytes: 20}},
	}
	for i, k := range kinds {
		hit := f.every("iPaaS.com: "+k.name, int64(10+20*i), targetCalls*int64(len(kinds)))
		w.target.Fail(ipaastest.Script{Times: -1, When: func(ipaastest.Request) bool { return hit() }, Effect: k.Effect})
	}
	f.source(w.source)
}

// processes runs the three once, with edits meanwhile, until a run is complete.
func (w *world) processes(environ []string, edit func()) {
	w.t.Helper()
	var all sync.WaitGroup
	stop := make(chan struct{})
	for i, name := range []string{"poll", "stream", "webhook"} {
		cmd := exec.CommandContext(w.t.Context(), os.Args[0], "-test.run=^TestProcess$", "-role="+name, fmt.Sprintf("-among=%d", *among))
		cmd.Env, cmd.Stdout, cmd.Stderr = environ, w, w
		input, err := cmd.StdinPipe() // its end tells the process to stop
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			w.t.Fatal(err)
		}
		all.Go(func() {
			if err := cmd.Wait(); err != nil {
				w.t.Errorf("process %s: %v\n%s", name, err, w.tail())
			}
			if i == 0 {
				close(stop)
			}
		})
		all.Go(func() {
			<-stop
			_ = input.Close()
		})
	}
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for ended := false; !ended; {
		select {
		case <-stop:
			ended = true
		case <-ticker.C:
			edit()
		}
	}
	all.Wait()
}

// comeToRest polls until nothing is left to do.
func (w *world) comeToRest(environ []string) {
	w.t.Helper()
	for range 10 {
		w.processes(environ, func() {})
		waiting, retrying, err := calls.Open(w.t.Context(), w.disk)
		if err != nil {
			w.t.Fatal(err)
		}
		if waiting+len(retrying) == 0 {
			return
		}
	}
	w.t.Errorf("work is left for ever\n%s", w.tail())
}

// TestProcess is what the three processes do.
func TestProcess(t *testing.T) {
	if *role == "" {
		t.Skip("TestThreeProcessesOverOneTable starts it")
	}
	a, err := app.New(t.Context(), os.Environ()) //nolint:forbidigo // this is what a main does
	if err != nil {
		t.Fatal(err)
	}
	p := &process{app: a, world: &world{t: t, app: a, disk: a.Store}, stopped: make(chan struct{})}
	if p.handler, err = a.Handler(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.stopped)
		_, _ = io.Copy(io.Discard, os.Stdin)
	}()
	switch *role {
	case "poll":
		p.pollUntilComplete()
	case "stream":
		p.untilStopped(func() {
			p.stream(25)
			p.invoke(`{}`)
			time.Sleep(500 * time.Millisecond)
		})
	case "webhook":
		r := mathrand.New(mathrand.NewPCG(uint64(time.Now().UnixNano()), 1))
		p.untilStopped(func() {
			p.sync(r, *among, 20, http.StatusOK)
			p.hook(r, *among, 10)
			time.Sleep(time.Second)
		})
	}
}

type process struct {
	*world
	app     *app.App
	stopped chan struct{}
}

func (p *process) untilStopped(do func()) {
	for {
		select {
		case <-p.stopped:
			return
		default:
			do()
		}
	}
}

// invoke polls with the deadline of a function that has little time.
func (p *process) invoke(event string) (complete bool) {
	ctx, cancel := context.WithTimeout(p.t.Context(), 30*time.Second)
	defer cancel()
	answer, err := p.app.Poll(ctx, []byte(event))
	return err == nil && answer.Complete
}

// pollUntilComplete polls until a run of this process was complete.
func (p *process) pollUntilComplete() {
	for end := time.Now().Add(15 * time.Minute); !p.invoke(`{}`); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatal("no run is complete")
		}
	}
}
