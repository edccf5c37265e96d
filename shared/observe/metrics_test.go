package observe_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"contactsync/shared/observe"
	"contactsync/shared/status"
	"contactsync/shared/transfer"
)

var at = time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC)

func TestMetricsAreTenAtMost(t *testing.T) {
	if n := len(observe.Metrics()); n != 10 {
		t.Errorf("there are %d metrics; CloudWatch gives ten for free", n)
	}
}

func TestLineFollowsTheEmbeddedMetricFormat(t *testing.T) {
	var out bytes.Buffer
	meter := observe.NewMeter(&out, "cronus", func() time.Time { return at })
	values := map[observe.Metric]float64{}
	for i, metric := range observe.Metrics() {
		values[metric] = float64(i)
	}
	fields := map[string]any{"run_id": "run-1", "codes": map[string]int{"MISSING_EMAIL": 2}, "note": "ada@example.com"}
	if err := meter.Put(values, fields); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "\n"); n != 1 || !strings.HasSuffix(out.String(), "}\n") {
		t.Fatalf("got %d lines, want 1:\n%s", n, out.String())
	}
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	checkFormat(t, line)
	got := map[observe.Metric]float64{}
	for metric := range values {
		got[metric], _ = line[string(metric)].(float64)
	}
	if diff := cmp.Diff(values, got); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	if line["Connection"] != "cronus" || line["run_id"] != "run-1" || line["note"] != "[e-mail]" {
		t.Errorf("fields: %v", line)
	}
	if codes, _ := line["codes"].(map[string]any); codes["MISSING_EMAIL"] != 2.0 {
		t.Errorf("counts by code: got %v", line["codes"])
	}
}

// unit is the enumeration of the specification's schema, less the sizes and rates.
var unit = regexp.MustCompile(`^(Seconds|Microseconds|Milliseconds|Percent|Count|Count/Second|None)$`)

// checkFormat holds a line to the published specification of the embedded metric
// format: the members of _aws, and their targets on the root node.
func checkFormat(t *testing.T, line map[string]any) {
	t.Helper()
	aws, _ := line["_aws"].(map[string]any)
	if stamp, _ := aws["Timestamp"].(float64); stamp != float64(at.UnixMilli()) {
		t.Errorf("Timestamp: got %v, want %d", aws["Timestamp"], at.UnixMilli())
	}
	directives, _ := aws["CloudWatchMetrics"].([]any)
	if len(aws) != 2 || len(directives) != 1 {
		t.Fatalf("_aws has %d members and %d directives", len(aws), len(directives))
	}
	d := directives[0].(map[string]any)
	if d["Namespace"] != "ContactSync" || len(d) != 3 {
		t.Errorf("directive: got %v", d)
	}
	sets, _ := d["Dimensions"].([]any)
	if len(sets) != 1 {
		t.Fatalf("dimension sets: got %v", d["Dimensions"])
	}
	for _, name := range sets[0].([]any) {
		if value, _ := line[name.(string)].(string); value == "" || len(value) > 1024 {
			t.Errorf("dimension %v has no text on the root node", name)
		}
	}
	metrics, _ := d["Metrics"].([]any)
	if len(metrics) == 0 || len(metrics) > 100 {
		t.Fatalf("a directive has 1 to 100 metrics, this one %d", len(metrics))
	}
	for _, m := range metrics {
		definition := m.(map[string]any)
		if _, isNumber := line[definition["Name"].(string)].(float64); !isNumber {
			t.Errorf("metric %v has no number on the root node", definition["Name"])
		}
		if !unit.MatchString(definition["Unit"].(string)) || len(definition) != 2 {
			t.Errorf("metric definition %v is not of the specification", definition)
		}
	}
}

func TestWhatIsNoMetricIsRefused(t *testing.T) {
	tests := []struct {
		name   string
		values map[observe.Metric]float64
		fields map[string]any
	}{
		{"an unknown metric", map[observe.Metric]float64{"Contacts": 1}, nil},
		{"no number", map[observe.Metric]float64{observe.Failed: math.NaN()}, nil},
		{"infinity", map[observe.Metric]float64{observe.Failed: math.Inf(1)}, nil},
		{"a field in place of a metric", map[observe.Metric]float64{observe.Failed: 1}, map[string]any{"Failed": 2}},
		{"a field in place of the dimension", map[observe.Metric]float64{observe.Failed: 1}, map[string]any{"Connection": "x"}},
		{"a field in place of the metadata", map[observe.Metric]float64{observe.Failed: 1}, map[string]any{"_aws": "x"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			if err := observe.NewMeter(&out, "c", nil).Put(tt.values, tt.fields); err == nil || out.Len() > 0 {
				t.Errorf("error %v, written: %q", err, out.String())
			}
		})
	}
	var out bytes.Buffer
	if err := observe.NewMeter(&out, "c", nil).Put(nil, map[string]any{"run_id": "r"}); err != nil || out.Len() > 0 {
		t.Errorf("no values: error %v, written: %q", err, out.String())
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestStreamThatCannotBeWrittenIsAnError(t *testing.T) {
	if err := observe.NewMeter(broken{}, "c", nil).Put(map[observe.Metric]float64{observe.Failed: 1}, nil); err == nil {
		t.Error("the error is lost")
	}
}

func TestMetricsOfARun(t *testing.T) {
	counts := status.Counts{Read: 15, Created: 1, Updated: 2, Linked: 3, Skipped: 4, Failed: 2, Retrying: 3}
	finished := at.Add(90 * time.Second)
	tests := []struct {
		name string
		run  status.Run
		up   observe.Upstream
		want map[observe.Metric]float64
	}{
		{
			name: "a poll that came to its end is as far behind as it took",
			run:  status.Run{Mode: "poll", Complete: true, StartedAt: at, FinishedAt: finished, Counts: counts, Watermark: at.AddDate(0, 0, -1)},
			up:   observe.Upstream{Throttled: 7, SecretRejected: 1, Subscription: finished.Add(36 * time.Hour)},
			want: map[observe.Metric]float64{observe.Transferred: 6, observe.Skipped: 4, observe.Failed: 2, observe.Retrying: 3,
				observe.RunFailed: 0, observe.RunComplete: 1, observe.WatermarkAge: 90, observe.Throttled: 7,
				observe.SubscriptionHours: 36, observe.SecretRejected: 1},
		},
		{
			name: "a poll whose time ran out is behind since its watermark",
			run:  status.Run{Mode: "poll", StartedAt: at, FinishedAt: finished, Watermark: at.Add(-time.Hour)},
			want: map[observe.Metric]float64{observe.Transferred: 0, observe.Skipped: 0, observe.Failed: 0, observe.Retrying: 0,
				observe.RunFailed: 0, observe.RunComplete: 0, observe.WatermarkAge: 3690, observe.Throttled: 0, observe.SecretRejected: 0},
		},
		{
			name: "a first poll without a watermark has no age, an ended subscription no hours",
			run:  status.Run{Mode: "poll", StartedAt: at, FinishedAt: finished, Problem: &transfer.Problem{Code: "SOURCE_UNAVAILABLE"}},
			up:   observe.Upstream{Subscription: at.Add(-time.Hour)},
			want: map[observe.Metric]float64{observe.Transferred: 0, observe.Skipped: 0, observe.Failed: 0, observe.Retrying: 0,
				observe.RunFailed: 1, observe.RunComplete: 0, observe.Throttled: 0, observe.SecretRejected: 0, observe.SubscriptionHours: 0},
		},
		{
			name: "a backfill says nothing of the poll",
			run:  status.Run{Mode: "backfill", Complete: true, StartedAt: at, FinishedAt: finished, Watermark: at},
			want: map[observe.Metric]float64{observe.Transferred: 0, observe.Skipped: 0, observe.Failed: 0, observe.Retrying: 0,
				observe.RunFailed: 0, observe.Throttled: 0, observe.SecretRejected: 0},
		},
		{name: "who met a live run did nothing", run: status.Run{Mode: "poll", Busy: true}},
		{name: "a dry run did nothing", run: status.Run{Mode: "poll", DryRun: true, Counts: counts}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := observe.OfRun(tt.run, tt.up)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("metrics (-want +got):\n%s", diff)
			}
			for metric := range got {
				if !slices.Contains(observe.Metrics(), metric) {
					t.Errorf("%s is not in the list", metric)
				}
			}
		})
	}
}

func TestMetricsOfCallsThatBelongToNoRun(t *testing.T) {
	for _, tt := range []struct {
		name string
		up   observe.Upstream
		want map[observe.Metric]float64
	}{
		{"nothing was refused", observe.Upstream{Subscription: at}, nil},
		{"throttled", observe.Upstream{Throttled: 3}, map[observe.Metric]float64{observe.Throttled: 3, observe.SecretRejected: 0}},
		{"credentials refused", observe.Upstream{SecretRejected: 2}, map[observe.Metric]float64{observe.Throttled: 0, observe.SecretRejected: 2}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, observe.OfCalls(tt.up)); diff != "" {
				t.Errorf("metrics (-want +got):\n%s", diff)
			}
		})
	}
}
