package functions_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"contactsync/shared/config"
	"contactsync/shared/status/dynamostore"
)

// A template is template.yaml as written. A short tag (!Ref X) leaves its value.
type template struct {
	Parameters map[string]struct {
		Type, Description, AllowedPattern string
		Default                           any
		AllowedValues                     []any
		MinLength, MinValue, MaxValue     *int
	}
	Globals   struct{ Function functionProperties }
	Resources map[string]resource
	Outputs   map[string]struct {
		Description string
		Value       any
	}
}

type resource struct {
	Type           string
	DeletionPolicy string
	Metadata       map[string]any
	Properties     map[string]any
}

type functionProperties struct {
	Environment struct{ Variables map[string]any }
}

func load(t *testing.T) template {
	t.Helper()
	var tree any
	if err := yaml.Unmarshal(read(t, "../template.yaml"), &tree); err != nil {
		t.Fatal(err)
	}
	// Through JSON, whose decoder needs no tag for each name.
	text, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	var tpl template
	if err := json.Unmarshal(text, &tpl); err != nil {
		t.Fatal(err)
	}
	return tpl
}

// variables returns what a function's environment declares, by name.
func (tpl template) variables(t *testing.T, function string) map[string]any {
	t.Helper()
	all := maps.Clone(tpl.Globals.Function.Environment.Variables)
	own, ok := at(tpl.Resources[function].Properties, "Environment", "Variables").(map[string]any)
	if !ok {
		t.Fatalf("%s declares no variables", function)
	}
	maps.Copy(all, own)
	return all
}

// at follows names into nested maps; nil where one is missing.
func at(value any, names ...string) any {
	for _, name := range names {
		m, _ := value.(map[string]any)
		value = m[name]
	}
	return value
}

var functions = map[string]config.Part{"PollFunction": config.Poll, "WebhookFunction": config.Webhook}

func TestEachFunctionDeclaresTheVariablesItsCodeReads(t *testing.T) {
	tpl := load(t)
	for function, part := range functions {
		want := []string{"AWS_ENDPOINT_URL"}
		for _, v := range config.Variables(part) {
			want = append(want, v.Name)
		}
		slices.Sort(want)
		got := slices.Sorted(maps.Keys(tpl.variables(t, function)))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-code +template):\n%s", function, diff)
		}
	}
}

// What the template decides by itself: calls and transfers in flight are split
// between the functions, the table and the secret are made by the stack.
var decided = []string{"IPAAS_RATE", "WORKERS", "TABLE_NAME", "SECRET_ID", "WEBHOOK_URL"}

func TestDefaultsOfTheTemplateAreThoseOfTheCode(t *testing.T) {
	tpl := load(t)
	for function, part := range functions {
		declared := tpl.variables(t, function)
		for _, v := range config.Variables(part) {
			if slices.Contains(decided, v.Name) {
				continue
			}
			parameter, found := tpl.Parameters[fmt.Sprint(declared[v.Name])]
			if !found {
				t.Errorf("%s: %s comes from %v, which is no parameter", function, v.Name, declared[v.Name])
				continue
			}
			if v.Required != (parameter.Default == nil) {
				t.Errorf("%s: required %v, default %v", v.Name, v.Required, parameter.Default)
			}
			if got := fmt.Sprint(parameter.Default); !v.Required && got != v.Default {
				t.Errorf("%s: default %q in the template, %q in the code", v.Name, got, v.Default)
			}
		}
	}
}

func TestPollAndWebhookTogetherKeepTheLimits(t *testing.T) {
	tpl := load(t)
	// The poll does most of the work.
	if tpl.Parameters["PollRate"].Default != "400/60s" || fmt.Sprint(tpl.Parameters["PollWorkers"].Default) != "3" {
		t.Errorf("the poll gets %v and %v workers", tpl.Parameters["PollRate"].Default, tpl.Parameters["PollWorkers"].Default)
	}
	workers, calls := 0, 0
	for _, name := range []string{"PollWorkers", "WebhookWorkers"} {
		var n int
		if _, err := fmt.Sscan(fmt.Sprint(tpl.Parameters[name].Default), &n); err != nil {
			t.Fatal(err)
		}
		workers += n
	}
	for _, name := range []string{"PollRate", "WebhookRate"} {
		var rate config.Rate
		if err := rate.UnmarshalText([]byte(fmt.Sprint(tpl.Parameters[name].Default))); err != nil || rate.Window.Seconds() != 60 {
			t.Fatalf("%s: %v, error %v", name, rate, err)
		}
		calls += rate.Calls
	}
	if workers != 5 || calls != 500 {
		t.Errorf("%d workers and %d calls a minute, want 5 and 500 (design.md 1.2)", workers, calls)
	}
}

func TestParametersAreDescribedAndConstrained(t *testing.T) {
	for name, p := range load(t).Parameters {
		if len(p.Description) < 20 || !strings.HasSuffix(p.Description, ".") {
			t.Errorf("%s: description %q", name, p.Description)
		}
		if p.AllowedPattern == "" && p.AllowedValues == nil && p.MinLength == nil && p.MinValue == nil {
			t.Errorf("%s: any value is allowed", name)
		}
		if p.AllowedPattern != "" && p.Default != nil {
			if !regexp.MustCompile(p.AllowedPattern).MatchString(fmt.Sprint(p.Default)) {
				t.Errorf("%s: its own default %v is not allowed", name, p.Default)
			}
		}
	}
}

func TestTableIsWhatTheStoreNeeds(t *testing.T) {
	table := load(t).Resources["TransferTable"]
	d := dynamostore.Definition
	want := map[string]any{
		"keys":   []any{key(d.PartitionKey, "HASH"), key(d.SortKey, "RANGE")},
		"stream": d.StreamViewType, "ttl": d.TTLAttribute, "index": d.Index,
		"index keys": []any{key(d.IndexPartitionKey, "HASH"), key(d.IndexSortKey, "RANGE")},
		"projection": "INCLUDE", "attributes": strings.Join(d.IndexAttributes, " "),
	}
	indexes, _ := table.Properties["GlobalSecondaryIndexes"].([]any)
	if len(indexes) != 1 {
		t.Fatalf("the table has %d indexes, want 1", len(indexes))
	}
	var attributes []string
	for _, a := range at(indexes[0], "Projection", "NonKeyAttributes").([]any) {
		attributes = append(attributes, fmt.Sprint(a))
	}
	got := map[string]any{
		"keys":   table.Properties["KeySchema"],
		"stream": at(table.Properties, "StreamSpecification", "StreamViewType"), "ttl": at(table.Properties, "TimeToLiveSpecification", "AttributeName"),
		"index": at(indexes[0], "IndexName"), "index keys": at(indexes[0], "KeySchema"),
		"projection": at(indexes[0], "Projection", "ProjectionType"), "attributes": strings.Join(attributes, " "),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("table (-code +template):\n%s", diff)
	}
	if table.DeletionPolicy != "Retain" || at(table.Properties, "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled") != true {
		t.Error("the table can be lost")
	}
}

func key(name, kind string) map[string]any {
	return map[string]any{"AttributeName": name, "KeyType": kind}
}

func TestStreamStartsThePollForPendingItemsOnly(t *testing.T) {
	event := at(load(t).Resources["PollFunction"].Properties, "Events", "Pending", "Properties")
	want := `{"dynamodb":{"NewImage":{"status":{"S":["pending"]}}}}`
	if got := fmt.Sprint(at(event, "FilterCriteria", "Filters")); got != fmt.Sprint([]any{map[string]any{"Pattern": want}}) {
		t.Errorf("filter: got %s, want %s", got, want)
	}
	if got := fmt.Sprint(at(event, "FunctionResponseTypes")); got != "[ReportBatchItemFailures]" {
		t.Errorf("response types: got %s", got)
	}
}

func TestFunctionsAreBuiltInPlaceAndLogWithRetention(t *testing.T) {
	tpl := load(t)
	for function := range functions {
		r := tpl.Resources[function]
		if r.Metadata["BuildMethod"] != "go1.x" {
			t.Errorf("%s: build method %v", function, r.Metadata)
		}
		group := fmt.Sprint(at(r.Properties, "LoggingConfig", "LogGroup"))
		if at(tpl.Resources[group].Properties, "RetentionInDays") == nil {
			t.Errorf("%s: its log lines are kept for ever", function)
		}
	}
	if state := tpl.Parameters["ScheduleState"].Default; state != "DISABLED" {
		t.Errorf("a new stack's schedule is %v before anybody put in a secret", state)
	}
}
