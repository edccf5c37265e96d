package functions_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What decides which of two things the stack takes, who may take a role, and which
// value a function gets: mistakes here deploy without a word and fail afterwards.

func text(t *testing.T, value any) string {
	t.Helper()
	raw, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestConditionsMeanWhatTheirNamesSay(t *testing.T) {
	isEmpty := func(parameter string) string { return `{"Fn::Equals":[{"Ref":"` + parameter + `"},""]}` }
	isNot := func(condition string) string { return `{"Fn::Not":[` + condition + `]}` }
	want := map[string]string{
		"MakeSecret":     isEmpty("SecretArn"),
		"Notify":         isNot(isEmpty("AlarmTopicArn")),
		"OwnKey":         isNot(isEmpty("KmsKeyArn")),
		"OwnSecretKey":   isNot(isEmpty("SecretKeyArn")),
		"NotifyThisApi":  `{"Fn::Equals":[{"Ref":"NotificationUrl"},"this-api"]}`,
		"Scheduled":      `{"Fn::Equals":[{"Ref":"ScheduleState"},"ENABLED"]}`,
		"Trace":          `{"Fn::Equals":[{"Ref":"Tracing"},"Active"]}`,
		"ReservePoll":    isNot(`{"Fn::Equals":[{"Ref":"PollConcurrency"},0]}`),
		"ReserveWebhook": isNot(`{"Fn::Equals":[{"Ref":"WebhookConcurrency"},0]}`),
	}
	eachExpansion(t, func(t *testing.T, tpl expanded) {
		got := map[string]string{}
		for name, condition := range tpl.Conditions {
			got[name] = text(t, condition)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("conditions (-want +got):\n%s", diff)
		}
		for name, r := range tpl.Resources {
			want := map[string]string{"Secret": "MakeSecret", "NoRunAlarm": "Scheduled"}[name]
			if r.Condition != want {
				t.Errorf("%s is made under the condition %q, want %q", name, r.Condition, want)
			}
		}
	})
}

func TestRolesAreTakenByTheirServiceOnlyAndHaveNoOtherPolicies(t *testing.T) {
	const lambda = `[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"}}]`
	const tracing = `{"Fn::If":["Trace",[{"Fn::Sub":"arn:${AWS::Partition}:iam::aws:policy/AWSXRayDaemonWriteAccess"}],{"Ref":"AWS::NoValue"}]}`
	const anyOfThree = `{"StringEquals":{"kms:ViaService":[{"Fn::Sub":"dynamodb.${AWS::Region}.${AWS::URLSuffix}"},` +
		`{"Fn::Sub":"secretsmanager.${AWS::Region}.${AWS::URLSuffix}"},{"Fn::Sub":"sqs.${AWS::Region}.${AWS::URLSuffix}"}]}}`
	const secretsOnly = `{"StringEquals":{"kms:ViaService":{"Fn::Sub":"secretsmanager.${AWS::Region}.${AWS::URLSuffix}"}}}`
	eachExpansion(t, func(t *testing.T, tpl expanded) {
		for _, role := range []string{"PollRole", "WebhookRole", "ScheduleRole"} {
			p := tpl.Resources[role].Properties
			managed := "null"
			if role != "ScheduleRole" { // who may take it is a row of the decisions
				managed = tracing
				if got := text(t, at(p, "AssumeRolePolicyDocument", "Statement")); got != lambda {
					t.Errorf("%s may be taken by %s", role, got)
				}
			}
			policies, _ := p["Policies"].([]any)
			if got := text(t, p["ManagedPolicyArns"]); got != managed || len(policies) != 1 || p["PermissionsBoundary"] != nil {
				t.Errorf("%s has the policies %s and %d of its own, want %s and 1; boundary %v", role, got, len(policies), managed, p["PermissionsBoundary"])
			}
			for sid, statement := range statements(t, p) {
				want := map[string]string{"Key": anyOfThree, "SecretKey": secretsOnly}[sid]
				if want == "" {
					want = "null"
				}
				if got := text(t, statement["Condition"]); got != want {
					t.Errorf("%s: statement %s holds under %s, want %s", role, sid, got, want)
				}
			}
		}
	})
}

// One more resource is one more thing to pay, to grant or to remove: a queue's policy
// for example opens it beside all roles.
func TestTheStackMakesNothingElse(t *testing.T) {
	want := map[string]int{
		"AWS::IAM::Role": 3, "AWS::Logs::LogGroup": 3, "AWS::SQS::Queue": 1, "AWS::DynamoDB::Table": 1, "AWS::SecretsManager::Secret": 1,
		"AWS::CloudWatch::Alarm": 10, "AWS::CloudWatch::Dashboard": 1, "AWS::Logs::QueryDefinition": 4,
		"AWS::Lambda::Function": 2, "AWS::Lambda::EventInvokeConfig": 1, "AWS::Lambda::EventSourceMapping": 1, "AWS::Scheduler::Schedule": 1,
		"AWS::Lambda::Version": 1, "AWS::Lambda::Alias": 1, "AWS::Lambda::Permission": 1, "AWS::ApiGatewayV2::Api": 1, "AWS::ApiGatewayV2::Stage": 1,
	}
	eachExpansion(t, func(t *testing.T, tpl expanded) {
		want := maps.Clone(want)
		if strings.HasSuffix(t.Name(), "gradual") {
			want["AWS::IAM::Role"]++ // SAM's, for CodeDeploy
			want["AWS::CodeDeploy::Application"], want["AWS::CodeDeploy::DeploymentGroup"] = 1, 1
			if got := text(t, at(tpl.Resources["WebhookFunctionDeploymentGroup"].Properties, "AlarmConfiguration", "Alarms")); got != `[{"Name":{"Ref":"WebhookErrorsAlarm"}}]` {
				t.Errorf("a deployment goes back for %s", got)
			}
		}
		got := map[string]int{}
		for _, r := range tpl.Resources {
			got[r.Type]++
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("resources (-want +got):\n%s", diff)
		}
	})
}

func TestFunctionsGetTheStacksOwnThings(t *testing.T) {
	const notifications = "https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}/notifications/business-central"
	const secret = `{"Fn::If":["MakeSecret",{"Ref":"Secret"},{"Ref":"SecretArn"}]}`
	both := map[string]string{"TABLE_NAME": `{"Ref":"TransferTable"}`, "SECRET_ID": secret}
	own := map[string]map[string]string{
		"PollFunction": {
			"IPAAS_RATE": `{"Ref":"PollRate"}`, "WORKERS": `{"Ref":"PollWorkers"}`,
			"WEBHOOK_URL": `{"Fn::If":["NotifyThisApi",{"Fn::Sub":"` + notifications + `"},{"Ref":"NotificationUrl"}]}`,
		},
		"WebhookFunction": {"IPAAS_RATE": `{"Ref":"WebhookRate"}`, "WORKERS": `{"Ref":"WebhookWorkers"}`},
	}
	eachExpansion(t, func(t *testing.T, tpl expanded) {
		for function, wanted := range own {
			p := tpl.Resources[function].Properties
			wanted := maps.Clone(wanted)
			maps.Copy(wanted, both)
			for name, want := range wanted {
				if got := text(t, at(p, "Environment", "Variables", name)); got != want {
					t.Errorf("%s: %s is %s, want %s", function, name, got, want)
				}
			}
			if got := fmt.Sprint(p["Runtime"], " ", p["Handler"], " ", p["MemorySize"]); got != "provided.al2023 bootstrap 256" {
				t.Errorf("%s: runtime, handler and memory are %s", function, got)
			}
		}
		for output, want := range map[string]string{"SecretArn": secret, "NotificationRoute": `{"Fn::Sub":"` + notifications + `"}`} {
			if got := text(t, tpl.Outputs[output].Value); got != want {
				t.Errorf("the output %s is %s, want %s", output, got, want)
			}
		}
		route := at(tpl.Resources["Api"].Properties, "Body", "paths", "/$default", "x-amazon-apigateway-any-method", "x-amazon-apigateway-integration")
		uri, _ := at(route, "uri", "Fn::Sub").(string)
		if !strings.HasSuffix(uri, "/functions/${WebhookFunctionAliaslive}/invocations") || fmt.Sprint(at(route, "timeoutInMillis"), " ", at(route, "payloadFormatVersion")) != "30000 2.0" {
			t.Errorf("the API calls %s: %v", uri, route)
		}
	})
}

// The access log holds neither a query nor a header: they may hold keys and tokens.
func TestTheAccessLogHoldsWhatItMay(t *testing.T) {
	want := []string{
		"$context.httpMethod", "$context.identity.sourceIp", "$context.integrationErrorMessage", "$context.path", "$context.requestId",
		"$context.requestTime", "$context.responseLatency", "$context.responseLength", "$context.status",
	}
	eachExpansion(t, func(t *testing.T, tpl expanded) {
		format, _ := at(tpl.Resources["ApiApiGatewayDefaultStage"].Properties, "AccessLogSettings", "Format").(string)
		var line map[string]string
		if err := json.Unmarshal([]byte(format), &line); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, slices.Sorted(maps.Values(line))); diff != "" {
			t.Errorf("access log (-want +got):\n%s", diff)
		}
	})
}
