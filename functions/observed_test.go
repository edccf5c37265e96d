package functions_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"contactsync/shared/app"
	"contactsync/shared/app/apptest"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/config"
	"contactsync/shared/credentials"
	"contactsync/shared/ipaas/ipaastest"
	"contactsync/shared/observe"
)

// What alarms, dashboard and queries name is held to what the code writes: the
// functions' own handlers run here, and their output is read as CloudWatch reads it.

// written is what the functions wrote.
type written struct {
	metrics map[string]bool // "ContactSync Failed [Connection]"
	fields  map[string]bool // of log lines, members of objects by dots: run.failed
}

// handshakes answers Business Central's handshake as the webhook function does.
type handshakes struct{}

func (handshakes) RoundTrip(r *http.Request) (*http.Response, error) {
	token := r.URL.Query().Get("validationToken")
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/plain"}}, Body: io.NopCloser(strings.NewReader(token)), Request: r}, nil
}

// run lets both functions work through a good day and a bad one.
func run(t *testing.T) written {
	t.Helper()
	w := apptest.New(t, apptest.Options{
		Source: businesscentraltest.Config{NotificationClient: &http.Client{Transport: handshakes{}}},
		Config: func(c *config.Config) { c.WebhookURL = "https://api.example.com/notifications/business-central" },
	})
	var out bytes.Buffer
	secrets, err := credentials.NewProvider(credentials.Config{Fetcher: credentials.Static([]byte(w.Secret())), Now: w.Clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.Assemble(app.Parts{
		Config: w.App.Config, Secrets: secrets, Store: w.Store, Now: w.Clock.Now, RetryBackOff: time.Millisecond,
		SourceHTTP: w.Source.HTTPClient(), TargetHTTP: w.Target.HTTPClient(),
		Log: observe.NewLogger(&out, w.App.Config.LogLevel, "default"), Meter: observe.NewMeter(&out, "default", w.Clock.Now),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Add(apptest.Person("44552", "robert.townes@contoso.com"), apptest.Person("44553", "no e-mail"), businesscentraltest.Contact{No: "C1", Type: "Company", Name: "Contoso"})
	if _, err := a.Poll(t.Context(), json.RawMessage(`{}`)); err != nil {
		t.Fatal(err)
	}
	w.Target.Fail(ipaastest.Script{Times: 20, Effect: ipaastest.Effect{Status: http.StatusUnauthorized}})
	w.Edit("44552", func(c *businesscentraltest.Contact) { c.City = "Boston" })
	if _, err := a.Poll(t.Context(), json.RawMessage(`{}`)); err == nil {
		t.Fatal("a poll whose key is refused worked")
	}
	handle, err := a.Webhook()
	if err != nil {
		t.Fatal(err)
	}
	var event events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(bytes.ReplaceAll(read(t, "../events/manual-sync.json"), []byte("sandbox-key"), []byte(apptest.APIKey)), &event); err != nil {
		t.Fatal(err)
	}
	if answer, err := handle(t.Context(), event); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("manual sync: %d, error %v", answer.StatusCode, err)
	}
	return parse(t, out.String())
}

func parse(t *testing.T, output string) written {
	t.Helper()
	w := written{map[string]bool{}, map[string]bool{}}
	for text := range strings.Lines(output) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		var embedded struct {
			AWS struct {
				CloudWatchMetrics []struct {
					Namespace  string
					Dimensions [][]string
					Metrics    []struct{ Name string }
				}
			} `json:"_aws"`
		}
		if err := json.Unmarshal([]byte(text), &embedded); err != nil {
			t.Fatal(err)
		}
		for _, directive := range embedded.AWS.CloudWatchMetrics {
			for _, metric := range directive.Metrics {
				for _, dimensions := range directive.Dimensions {
					w.metrics[fmt.Sprint(directive.Namespace, " ", metric.Name, " ", dimensions)] = true
				}
			}
		}
		note(w.fields, "", line)
	}
	return w
}

func note(fields map[string]bool, prefix string, object map[string]any) {
	for name, value := range object {
		fields[prefix+name] = true
		if members, isObject := value.(map[string]any); isObject {
			note(fields, prefix+name+".", members)
		}
	}
}

// What AWS's own services emit for our resources, as far as it is watched.
var ofServices = []string{
	"AWS/Lambda Duration [FunctionName]", "AWS/Lambda Errors [FunctionName]", "AWS/Lambda Throttles [FunctionName]",
	"AWS/SQS ApproximateNumberOfMessagesVisible [QueueName]", "AWS/ApiGateway 5xx [ApiId]",
}

func TestCustomMetricsStayWithinTheTenThatAreFree(t *testing.T) {
	metrics := run(t).metrics
	if len(metrics) != len(observe.Metrics()) || len(metrics) > 10 {
		t.Errorf("the functions emitted %d metrics (name x dimension), %d are declared, ten are free:\n%s",
			len(metrics), len(observe.Metrics()), strings.Join(slices.Sorted(maps.Keys(metrics)), "\n"))
	}
}

// What each alarm watches: the list of things that somebody must hear of. What every
// poll measures is watched over three intervals, whatever the interval is: a shorter
// period would lack data more often than not.
var watched = map[string]string{
	"RunFailedAlarm":        "ContactSync RunFailed of Connection, Sum of 1 x 300 GreaterThanThreshold 0",
	"NoRunAlarm":            "ContactSync RunComplete of Connection, Sum of 1 x three intervals, silence is 0 LessThanThreshold 1",
	"FailedTransfersAlarm":  "ContactSync Failed of Connection, Sum of 1 x 300 GreaterThanThreshold 0",
	"BehindAlarm":           "ContactSync WatermarkAge of Connection, Minimum of 1 x three intervals GreaterThanThreshold map[Ref:BehindSeconds]",
	"ThrottledAlarm":        "ContactSync Throttled of Connection, Sum of 2 x three intervals GreaterThanThreshold 100",
	"SubscriptionEndsAlarm": "ContactSync SubscriptionHoursLeft of Connection, Minimum of 1 x three intervals LessThanThreshold 12",
	"SecretRejectedAlarm":   "ContactSync SecretRejected of Connection, Sum of 1 x 300 GreaterThanThreshold 0",
	"DurationAlarm":         "AWS/Lambda Duration of PollFunction, Maximum of 1 x 300 GreaterThanThreshold 299000",
	"FailureQueueAlarm":     "AWS/SQS ApproximateNumberOfMessagesVisible of FailureQueue, Maximum of 1 x 300 GreaterThanThreshold 0",
	"WebhookErrorsAlarm":    "AWS/Lambda Errors of WebhookFunction, Sum of 1 x 60 GreaterThanThreshold 0",
}

// measured returns the metric of an alarm with its dimension's name, and whose it is,
// over which time. An alarm over an expression is taken apart: it has one metric.
func measured(p map[string]any) (metric, over string) {
	period, statistic, silence := p["Period"], p["Statistic"], ""
	if queries, _ := p["Metrics"].([]any); len(queries) == 2 {
		silence = ", " + fmt.Sprint(at(queries[0], "Expression"))
		if fmt.Sprint(at(queries[0], "Expression")) == fmt.Sprintf("FILL(%v, 0)", at(queries[1], "Id")) && at(queries[1], "ReturnData") == false {
			silence = ", silence is 0"
		}
		period, statistic = at(queries[1], "MetricStat", "Period"), at(queries[1], "MetricStat", "Stat")
		p, _ = at(queries[1], "MetricStat", "Metric").(map[string]any)
	}
	if fmt.Sprint(at(period, "Fn::FindInMap")) == "[Interval map[Ref:PollMinutes] ThreeIntervals]" {
		period = "three intervals"
	}
	dimensions, _ := p["Dimensions"].([]any)
	var names, values []string
	for _, d := range dimensions {
		names = append(names, fmt.Sprint(at(d, "Name")))
		value := fmt.Sprint(at(d, "Value", "Ref"))
		if attribute, isAttribute := at(d, "Value", "Fn::GetAtt").([]any); isAttribute {
			value = fmt.Sprint(attribute[0])
		}
		values = append(values, value)
	}
	metric = fmt.Sprint(p["Namespace"], " ", p["MetricName"], " ", names)
	return metric, fmt.Sprintf("%v %v of %s, %v of %%v x %v%s", p["Namespace"], p["MetricName"], strings.Join(values, " "), statistic, period, silence)
}

func TestEveryAlarmWatchesAMetricThatIsEmitted(t *testing.T) {
	emitted := run(t).metrics
	eachExpansion(t, func(t *testing.T, tpl expanded) {
		got := map[string]string{}
		for name, r := range tpl.Resources {
			if r.Type != "AWS::CloudWatch::Alarm" {
				continue
			}
			p := r.Properties
			metric, over := measured(p)
			if !emitted[metric] && !slices.Contains(ofServices, metric) {
				t.Errorf("%s watches %s, which nothing emits", name, metric)
			}
			got[name] = fmt.Sprint(fmt.Sprintf(over, p["EvaluationPeriods"]), " ", p["ComparisonOperator"], " ", p["Threshold"])
			missing := "notBreaching"
			if name == "NoRunAlarm" {
				missing = "breaching" // silence is what it rings for
			}
			if p["TreatMissingData"] != missing || p["AlarmDescription"] == nil {
				t.Errorf("%s: missing data is %v, want %s; description %v", name, p["TreatMissingData"], missing, p["AlarmDescription"])
			}
			for _, end := range []string{"AlarmActions", "OKActions"} {
				if fmt.Sprint(at(p[end], "Fn::If")) != "[Notify [map[Ref:AlarmTopicArn]] map[Ref:AWS::NoValue]]" {
					t.Errorf("%s: %s tell nobody: %v", name, end, p[end])
				}
			}
		}
		if diff := cmp.Diff(watched, got); diff != "" {
			t.Errorf("alarms (-want +got):\n%s", diff)
		}
		if len(got) > 10 {
			t.Errorf("%d alarms; ten are free", len(got))
		}
	})
}

func TestDashboardShowsEveryMetricAndNoOther(t *testing.T) {
	emitted := run(t).metrics
	eachExpansion(t, func(t *testing.T, tpl expanded) {
		text, _ := at(tpl.Resources["Dashboard"].Properties, "DashboardBody", "Fn::Sub").(string)
		var body struct {
			Widgets []struct {
				Properties struct{ Metrics [][]string }
			}
		}
		if err := json.Unmarshal([]byte(text), &body); err != nil {
			t.Fatalf("the dashboard is no JSON: %v", err)
		}
		ours := map[string]bool{}
		for _, widget := range body.Widgets {
			for _, m := range widget.Properties.Metrics {
				metric := fmt.Sprint(m[0], " ", m[1], " ", m[2:3])
				if m[0] == observe.Namespace {
					ours[metric] = true
				} else if !slices.Contains(ofServices, metric) {
					t.Errorf("the dashboard shows %s, which nothing emits", metric)
				}
			}
		}
		if diff := cmp.Diff(emitted, ours); diff != "" {
			t.Errorf("metrics (-emitted +dashboard):\n%s", diff)
		}
	})
}

var (
	quoted    = regexp.MustCompile(`"[^"]*"`)
	aliases   = regexp.MustCompile(` as [a-z_]+`)
	fieldName = regexp.MustCompile(`@?[a-z_]+(\.[a-z_]+)*`)
	number    = regexp.MustCompile(`\b[0-9]+\b`)
)

// Words of the query language, and the fields that CloudWatch adds to each line.
var queryWords = strings.Fields("fields filter stats sort limit by in and or asc desc ispresent count count_distinct latest @timestamp")

func TestEveryQueryNamesFieldsThatAreLogged(t *testing.T) {
	logged := run(t).fields
	eachExpansion(t, func(t *testing.T, tpl expanded) {
		var access map[string]any
		format, _ := at(tpl.Resources["ApiApiGatewayDefaultStage"].Properties, "AccessLogSettings", "Format").(string)
		if err := json.Unmarshal([]byte(format), &access); err != nil {
			t.Fatalf("access log: %v", err)
		}
		ofAccess := map[string]bool{}
		note(ofAccess, "", access)
		queries := 0
		for name, r := range tpl.Resources {
			if r.Type != "AWS::Logs::QueryDefinition" {
				continue
			}
			queries++
			known := logged
			if fmt.Sprint(r.Properties["LogGroupNames"]) == "[map[Ref:ApiLogGroup]]" {
				known = ofAccess
			}
			text := fmt.Sprint(r.Properties["QueryString"])
			text = number.ReplaceAllString(quoted.ReplaceAllString(text, ""), "")
			named := aliases.FindAllString(text, -1)
			text = aliases.ReplaceAllString(text, "")
			for _, word := range fieldName.FindAllString(text, -1) {
				if !known[word] && !slices.Contains(queryWords, word) && !slices.Contains(named, " as "+word) {
					t.Errorf("%s asks for %s, which is never logged", name, word)
				}
			}
		}
		if queries != 4 {
			t.Errorf("%d queries, want 4", queries)
		}
	})
}
