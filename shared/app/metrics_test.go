package app_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"contactsync/shared/app"
	"contactsync/shared/app/apptest"
	"contactsync/shared/credentials"
	"contactsync/shared/ipaas/ipaastest"
	"contactsync/shared/observe"
	"contactsync/shared/poll"
)

// metered makes the World's App anew with metrics, which go to the returned buffer.
func metered(t *testing.T, w *apptest.World) *bytes.Buffer {
	t.Helper()
	secrets, err := credentials.NewProvider(credentials.Config{Fetcher: credentials.Static([]byte(w.Secret())), Now: w.Clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	silent := slog.New(slog.DiscardHandler)
	w.App, err = app.Assemble(app.Parts{
		Config: w.App.Config, Secrets: secrets, Store: w.Store, Mapping: w.App.Mapping,
		SourceHTTP: w.Source.HTTPClient(), TargetHTTP: w.Target.HTTPClient(), RetryBackOff: time.Millisecond,
		Now: w.Clock.Now, Log: silent, Meter: observe.NewMeter(&out, "default", w.Clock.Now),
	})
	if err != nil {
		t.Fatal(err)
	}
	return &out
}

// metrics returns the values of each line and empties the buffer.
func metrics(t *testing.T, out *bytes.Buffer) []map[observe.Metric]float64 {
	t.Helper()
	var lines []map[observe.Metric]float64
	for text := range strings.Lines(out.String()) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		values := map[observe.Metric]float64{}
		for _, metric := range observe.Metrics() {
			if value, found := line[string(metric)].(float64); found {
				values[metric] = value
			}
		}
		lines = append(lines, values)
	}
	out.Reset()
	return lines
}

func TestAnInvocationOfTheWebhookReportsTheCallsThatWereRefused(t *testing.T) {
	for _, tt := range []struct {
		name   string
		script ipaastest.Script
		want   map[observe.Metric]float64
	}{
		{"throttled twice", ipaastest.Script{Times: 2, Effect: ipaastest.Throttled("")},
			map[observe.Metric]float64{observe.Throttled: 2, observe.SecretRejected: 0}},
		{"the key refused once", ipaastest.Script{Effect: ipaastest.Effect{Status: http.StatusUnauthorized}},
			map[observe.Metric]float64{observe.Throttled: 0, observe.SecretRejected: 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := apptest.New(t)
			out := metered(t, w)
			w.Add(apptest.Person("44552", "one@example.com"), apptest.Person("44553", "two@example.com"))
			w.Target.Fail(tt.script)

			gateway{w}.sync("44552")
			if diff := cmp.Diff([]map[observe.Metric]float64{tt.want}, metrics(t, out)); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
			// The next invocation is not charged with them, and has nothing to say.
			gateway{w}.sync("44553")
			if lines := metrics(t, out); len(lines) > 0 {
				t.Errorf("an ordinary invocation wrote %v", lines)
			}
		})
	}
}

func TestADryRunReportsItsCallsOnly(t *testing.T) {
	w := apptest.New(t)
	out := metered(t, w)
	w.Add(apptest.Person("44552", "one@example.com"))
	w.Target.Fail(ipaastest.Script{Effect: ipaastest.Throttled("")})

	w.Run(poll.Event{Mode: poll.Poll, DryRun: true})
	want := []map[observe.Metric]float64{{observe.Throttled: 1, observe.SecretRejected: 0}}
	if diff := cmp.Diff(want, metrics(t, out)); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	w.Poll()
	lines := metrics(t, out)
	if len(lines) != 1 || lines[0][observe.Transferred] != 1 || lines[0][observe.Throttled] != 0 {
		t.Errorf("the poll after it: %v, want one line with one transferred", lines)
	}
}
