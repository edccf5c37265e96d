package observe

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"sync"
	"time"
)

// Namespace is where CloudWatch files the metrics.
const Namespace = "ContactSync"

// Dimension is the one dimension of every metric: the connection's name.
const Dimension = "Connection"

// A Metric is a number that CloudWatch keeps. Each costs money per connection, so
// that the list is closed: ten, as many as CloudWatch gives for free. Counts by
// error code are fields of log lines instead.
type Metric string

// The metrics. One that does not apply to a run is left out of its line.
const (
	Transferred       Metric = "Transferred"           // contacts created, updated or linked
	Skipped           Metric = "Skipped"               // contacts that a filter left out
	Failed            Metric = "Failed"                // contacts that wait for somebody
	Retrying          Metric = "Retrying"              // contacts that are tried again by themselves
	RunFailed         Metric = "RunFailed"             // 1 when a run could not work
	RunComplete       Metric = "RunComplete"           // 1 when a poll came to its end, 0 when its time ran out
	WatermarkAge      Metric = "WatermarkAge"          // how far the poll is behind Business Central
	Throttled         Metric = "Throttled"             // calls that a system refused for their rate
	SubscriptionHours Metric = "SubscriptionHoursLeft" // until the Business Central subscription ends
	SecretRejected    Metric = "SecretRejected"        // times that a system refused the credentials
)

var units = map[Metric]string{
	Transferred: "Count", Skipped: "Count", Failed: "Count", Retrying: "Count",
	RunFailed: "Count", RunComplete: "Count",
	WatermarkAge: "Seconds", Throttled: "Count", SubscriptionHours: "None", SecretRejected: "Count",
}

// Metrics returns every metric, sorted.
func Metrics() []Metric { return slices.Sorted(maps.Keys(units)) }

// Unit returns the metric's unit as CloudWatch names it; "" for an unknown metric.
func (m Metric) Unit() string { return units[m] }

// A Meter writes metrics of one connection as lines of CloudWatch's embedded
// metric format. Lambda's standard output is where CloudWatch looks for them; no
// call is made and no permission needed. It is safe for concurrent use.
type Meter struct {
	connection string
	now        func() time.Time

	mu sync.Mutex
	w  io.Writer
}

// NewMeter returns a Meter that writes to w. now is time.Now if nil.
func NewMeter(w io.Writer, connection string, now func() time.Time) *Meter {
	if now == nil {
		now = time.Now
	}
	return &Meter{connection: connection, now: now, w: w}
}

// Put writes one line with the values and, beside them, fields that are no
// metrics but can be searched for: the run's id, counts by code. Nothing is written
// when there are no values. It is an error to put an unknown metric, a value that is
// no finite number, or a field that has the name of a metric or of the dimension.
func (m *Meter) Put(values map[Metric]float64, fields map[string]any) error {
	if len(values) == 0 {
		return nil
	}
	line, err := m.line(values, fields)
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	_, err = m.w.Write(append(line, '\n'))
	return err
}

// The metadata of a line, by the specification of the embedded metric format.
type (
	metadata struct {
		Timestamp         int64 // milliseconds since 1970
		CloudWatchMetrics []directive
	}
	directive struct {
		Namespace  string
		Dimensions [][]string
		Metrics    []definition
	}
	definition struct{ Name, Unit string }
)

func (m *Meter) line(values map[Metric]float64, fields map[string]any) ([]byte, error) {
	root := map[string]any{}
	for name, value := range fields {
		if _, taken := units[Metric(name)]; taken || name == Dimension || name == "_aws" {
			return nil, fmt.Errorf("field %s has the name of something else", name)
		}
		root[name] = redactAny(value).Any()
	}
	var definitions []definition
	for _, name := range slices.Sorted(maps.Keys(values)) {
		value := values[name]
		if name.Unit() == "" {
			return nil, fmt.Errorf("%s is no metric of ours", name)
		}
		if math.IsNaN(value) || math.IsInf(value, 0) {
			return nil, fmt.Errorf("%s is no finite number", name)
		}
		definitions = append(definitions, definition{Name: string(name), Unit: name.Unit()})
		root[string(name)] = value
	}
	root[Dimension] = m.connection
	root["_aws"] = metadata{
		Timestamp:         m.now().UnixMilli(),
		CloudWatchMetrics: []directive{{Namespace: Namespace, Dimensions: [][]string{{Dimension}}, Metrics: definitions}},
	}
	return json.Marshal(root)
}
