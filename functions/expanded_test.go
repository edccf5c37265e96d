package functions_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"contactsync/shared/config"
	"contactsync/shared/observe"
)

// An expanded template is what AWS makes of template.yaml: scripts/expand writes it.
type expanded struct {
	Parameters map[string]any
	Resources  map[string]struct {
		Type, Condition, DeletionPolicy, UpdateReplacePolicy string
		Properties                                           map[string]any
	}
}

// eachExpansion runs a test for the template without and with gradual deployment.
func eachExpansion(t *testing.T, check func(t *testing.T, tpl expanded)) {
	for _, name := range []string{"expanded", "expanded-gradual"} {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile("../build/" + name + ".json")
			if errors.Is(err, fs.ErrNotExist) {
				t.Skip("the template was not expanded; make verify does it")
			}
			if err != nil {
				t.Fatal(err)
			}
			var tpl expanded
			if err := json.Unmarshal(text, &tpl); err != nil {
				t.Fatal(err)
			}
			check(t, tpl)
		})
	}
}

// statements returns a role's statements by Sid, conditional ones as they are when
// their condition holds.
func statements(t *testing.T, role map[string]any) map[string]map[string]any {
	t.Helper()
	found := map[string]map[string]any{}
	policies, _ := role["Policies"].([]any)
	for _, policy := range policies {
		list, _ := at(policy, "PolicyDocument", "Statement").([]any)
		for i, one := range list {
			if choice, isChoice := at(one, "Fn::If").([]any); isChoice {
				one = choice[1]
			}
			statement, ok := one.(map[string]any)
			if !ok {
				t.Fatalf("no statement: %v", one)
			}
			sid, named := statement["Sid"].(string)
			if !named {
				sid = fmt.Sprint(i)
			}
			found[sid] = statement
		}
	}
	return found
}

// The one wildcard: ListStreams is decided on all streams of the table, whose ARNs
// end in the time at which the stream was switched on.
const streamsOfTable = "${TransferTable.Arn}/stream/*"

func TestNoPermissionIsWiderThanItsResource(t *testing.T) {
	eachExpansion(t, func(t *testing.T, tpl expanded) {
		for name, r := range tpl.Resources {
			if r.Type != "AWS::IAM::Role" {
				continue
			}
			for sid, statement := range statements(t, r.Properties) {
				text, err := json.Marshal([]any{statement["Action"], statement["Resource"]})
				if err != nil {
					t.Fatal(err)
				}
				if statement["Resource"] == nil || strings.Contains(strings.ReplaceAll(string(text), streamsOfTable, ""), "*") {
					t.Errorf("%s: statement %s is wider than one resource: %s", name, sid, text)
				}
			}
		}
	})
}

func TestEachRoleMayDoWhatItsFunctionDoesAndNoMore(t *testing.T) {
	common := []string{"Credentials", "Key", "Log", "TransferLists", "TransferStatus"}
	want := map[string][]string{
		"PollRole":    append([]string{"Failures", "Stream", "Streams"}, common...),
		"WebhookRole": common,
	}
	eachExpansion(t, func(t *testing.T, tpl expanded) {
		for role, sids := range want {
			got := slices.Sorted(maps.Keys(statements(t, tpl.Resources[role].Properties)))
			slices.Sort(sids)
			if diff := cmp.Diff(sids, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", role, diff)
			}
		}
		for function, role := range map[string]string{"PollFunction": "PollRole", "WebhookFunction": "WebhookRole"} {
			if got := at(tpl.Resources[function].Properties, "Role", "Fn::GetAtt"); fmt.Sprint(got) != "["+role+" Arn]" {
				t.Errorf("%s has the role %v, want %s", function, got, role)
			}
		}
		schedule := statements(t, tpl.Resources["PollFunctionScheduleRole"].Properties)
		for sid, statement := range schedule {
			if action := fmt.Sprint(statement["Action"]); action != "lambda:InvokeFunction" && action != "[sqs:SendMessage]" && action != "sqs:SendMessage" {
				t.Errorf("the schedule's role may %s (%s)", action, sid)
			}
		}
	})
}

// ofServices are the metrics of AWS that alarms watch; the others are ours.
var ofServices = []string{"AWS/Lambda Duration", "AWS/Lambda Errors", "AWS/SQS ApproximateNumberOfMessagesVisible"}

func TestEveryAlarmWatchesAMetricThatIsEmitted(t *testing.T) {
	eachExpansion(t, func(t *testing.T, tpl expanded) {
		alarms := 0
		for name, r := range tpl.Resources {
			if r.Type != "AWS::CloudWatch::Alarm" {
				continue
			}
			alarms++
			metric := fmt.Sprint(r.Properties["MetricName"])
			if namespace := fmt.Sprint(r.Properties["Namespace"]); namespace != observe.Namespace {
				if !slices.Contains(ofServices, namespace+" "+metric) {
					t.Errorf("%s watches %s %s", name, namespace, metric)
				}
				continue
			}
			if !slices.Contains(observe.Metrics(), observe.Metric(metric)) {
				t.Errorf("%s watches %s, which the code does not emit", name, metric)
			}
			dimension := []any{map[string]any{"Name": observe.Dimension, "Value": map[string]any{"Ref": "Connection"}}}
			if diff := cmp.Diff(any(dimension), r.Properties["Dimensions"]); diff != "" {
				t.Errorf("%s: dimensions (-want +got):\n%s", name, diff)
			}
		}
		if alarms != 10 {
			t.Errorf("%d alarms; ten are free, and ten things are watched", alarms)
		}
	})
}

func TestDashboardShowsEveryMetric(t *testing.T) {
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
		var shown []observe.Metric
		for _, widget := range body.Widgets {
			for _, metric := range widget.Properties.Metrics {
				if metric[0] == observe.Namespace {
					shown = append(shown, observe.Metric(metric[1]))
				}
			}
		}
		slices.Sort(shown)
		if diff := cmp.Diff(observe.Metrics(), shown); diff != "" {
			t.Errorf("metrics (-code +dashboard):\n%s", diff)
		}
	})
}

func TestExpandedFunctionsHaveTheVariablesTheirCodeReads(t *testing.T) {
	eachExpansion(t, func(t *testing.T, tpl expanded) {
		for function, part := range functions {
			want := []string{"AWS_ENDPOINT_URL"}
			for _, v := range config.Variables(part) {
				want = append(want, v.Name)
			}
			slices.Sort(want)
			variables, _ := at(tpl.Resources[function].Properties, "Environment", "Variables").(map[string]any)
			if diff := cmp.Diff(want, slices.Sorted(maps.Keys(variables))); diff != "" {
				t.Errorf("%s (-code +template):\n%s", function, diff)
			}
		}
	})
}

func TestTableAndSecretOutliveTheStack(t *testing.T) {
	eachExpansion(t, func(t *testing.T, tpl expanded) {
		for _, name := range []string{"TransferTable", "Secret"} {
			if r := tpl.Resources[name]; r.DeletionPolicy != "Retain" || r.UpdateReplacePolicy != "Retain" {
				t.Errorf("%s: deletion %q, replacement %q, want Retain", name, r.DeletionPolicy, r.UpdateReplacePolicy)
			}
		}
	})
}

func TestOnlyTheWebhookIsDeployedGradually(t *testing.T) {
	eachExpansion(t, func(t *testing.T, tpl expanded) {
		var aliases, groups []string
		for name, r := range tpl.Resources {
			switch r.Type {
			case "AWS::Lambda::Alias":
				aliases = append(aliases, name)
			case "AWS::CodeDeploy::DeploymentGroup":
				groups = append(groups, name)
				if at(r.Properties, "AutoRollbackConfiguration", "Enabled") != true || at(r.Properties, "AlarmConfiguration", "Enabled") != true {
					t.Errorf("%s does not go back when its alarm rings", name)
				}
			}
		}
		if fmt.Sprint(aliases) != "[WebhookFunctionAliaslive]" {
			t.Errorf("aliases: got %v", aliases)
		}
		if want := strings.HasSuffix(t.Name(), "gradual"); want != (fmt.Sprint(groups) == "[WebhookFunctionDeploymentGroup]") {
			t.Errorf("deployment groups: got %v", groups)
		}
	})
}
