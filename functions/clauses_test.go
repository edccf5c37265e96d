package functions_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"contactsync/shared/config"
)

// What the expanded template says in the places where it matters, as JSON. Each row
// is one decision; architecture and prices that depend on it stand in
// docs/operations.md.
var decisions = []struct{ why, resource, path, want string }{
	{"a failed run is not repeated: the next one does its work", "PollFunctionEventInvokeConfig", "MaximumRetryAttempts", `0`},
	{"it is seen in the queue", "PollFunctionEventInvokeConfig", "DestinationConfig.OnFailure.Destination", `{"Fn::GetAtt":["FailureQueue","Arn"]}`},
	{"an invocation that could not start is given up before the next one", "PollFunctionSchedule", "Target.RetryPolicy.MaximumEventAgeInSeconds", `{"Fn::FindInMap":["Interval",{"Ref":"PollMinutes"},"EventAge"]}`},
	{"what the schedule cannot deliver is seen too", "PollFunctionSchedule", "Target.DeadLetterConfig.Arn", `{"Fn::GetAtt":["FailureQueue","Arn"]}`},
	{"the schedule is off until somebody turns it on", "PollFunctionSchedule", "State", `{"Ref":"ScheduleState"}`},
	{"it polls", "PollFunctionSchedule", "Target.Input", `"{\"mode\":\"poll\"}"`},
	{"every so many minutes", "PollFunctionSchedule", "ScheduleExpression", `{"Fn::Sub":"rate(${PollMinutes} minutes)"}`},
	{"the stream starts few retries", "PollFunctionPending", "MaximumRetryAttempts", `2`},
	{"of young records, but of all that one call may ask for", "PollFunctionPending", "MaximumRecordAgeInSeconds", `3600`},
	{"whose failure is seen", "PollFunctionPending", "DestinationConfig.OnFailure.Destination", `{"Fn::GetAtt":["FailureQueue","Arn"]}`},
	{"single items can fail", "PollFunctionPending", "FunctionResponseTypes", `["ReportBatchItemFailures"]`},
	{"only pending items start it", "PollFunctionPending", "FilterCriteria.Filters", `[{"Pattern":"{\"dynamodb\":{\"NewImage\":{\"status\":{\"S\":[\"pending\"]}}}}"}]`},
	{"at once", "PollFunctionPending", "MaximumBatchingWindowInSeconds", `1`},
	{"and none that was there before the stack", "PollFunctionPending", "StartingPosition", `"LATEST"`},
	{"of the stack's table", "PollFunctionPending", "EventSourceArn", `{"Fn::GetAtt":["TransferTable","StreamArn"]}`},
	{"failures are kept two weeks", "FailureQueue", "MessageRetentionPeriod", `1209600`},
	{"and encrypted", "FailureQueue", "SqsManagedSseEnabled", `{"Fn::If":["OwnKey",{"Ref":"AWS::NoValue"},true]}`},
	{"the table can be put back to any second", "TransferTable", "PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled", `true`},
	{"is encrypted", "TransferTable", "SSESpecification", `{"Fn::If":["OwnKey",{"KMSMasterKeyId":{"Ref":"KmsKeyArn"},"SSEEnabled":true,"SSEType":"KMS"},{"SSEEnabled":false}]}`},
	{"forgets old runs", "TransferTable", "TimeToLiveSpecification.Enabled", `true`},
	{"is protected by parameter", "TransferTable", "DeletionProtectionEnabled", `{"Ref":"TableDeletionProtection"}`},
	{"costs by use", "TransferTable", "BillingMode", `"PAY_PER_REQUEST"`},
	{"callers cannot flood the function", "ApiApiGatewayDefaultStage", "DefaultRouteSettings.ThrottlingRateLimit", `50`},
	{"nor in one moment", "ApiApiGatewayDefaultStage", "DefaultRouteSettings.ThrottlingBurstLimit", `100`},
	{"metrics by route would cost", "ApiApiGatewayDefaultStage", "DefaultRouteSettings.DetailedMetricsEnabled", `false`},
	{"every call is logged", "ApiApiGatewayDefaultStage", "AccessLogSettings.DestinationArn", `{"Fn::GetAtt":["ApiLogGroup","Arn"]}`},
	{"no page of another origin calls: CORS is off", "Api", "CorsConfiguration", `null`},
	{"in the definition as well", "Api", "Body.x-amazon-apigateway-cors", `null`},
	{"the alias gets a version for settings too", "WebhookFunction", "Description", `"Manual sync, hooks, Business Central notifications and transfer status. 0123456789abcdef"`},
	{"the API calls the alias", "WebhookFunctionAnyPermission", "FunctionName", `{"Ref":"WebhookFunctionAliaslive"}`},
	{"the poll has its full time", "PollFunction", "Timeout", `300`},
	{"the webhook less than the API waits", "WebhookFunction", "Timeout", `29`},
	{"a new account can reserve nothing", "PollFunction", "ReservedConcurrentExecutions", `{"Fn::If":["ReservePoll",{"Ref":"PollConcurrency"},{"Ref":"AWS::NoValue"}]}`},
	{"nor here", "WebhookFunction", "ReservedConcurrentExecutions", `{"Fn::If":["ReserveWebhook",{"Ref":"WebhookConcurrency"},{"Ref":"AWS::NoValue"}]}`},
	{"a secret of the stack has no value: nobody's credentials stand in a template", "Secret", "SecretString", `null`},
	{"nor a made up one", "Secret", "GenerateSecretString", `null`},
	{"the schedule serves this account only", "ScheduleRole", "AssumeRolePolicyDocument.Statement", `[{"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:SourceAccount":{"Ref":"AWS::AccountId"}}},"Effect":"Allow","Principal":{"Service":"scheduler.amazonaws.com"}}]`},
}

func TestTheTemplateDecidesAsItSays(t *testing.T) {
	eachExpansion(t, func(t *testing.T, tpl expanded) {
		for _, d := range decisions {
			r, found := tpl.Resources[d.resource]
			got, err := json.Marshal(at(r.Properties, strings.Split(d.path, ".")...))
			if err != nil || !found || string(got) != d.want {
				t.Errorf("%s: %s %s is %s, want %s (error %v)", d.why, d.resource, d.path, got, d.want, err)
			}
		}
		var age any = "no map" // SAM puts in the chosen value
		if find, _ := at(tpl.Resources["PollFunctionEventInvokeConfig"].Properties, "MaximumEventAgeInSeconds", "Fn::FindInMap").([]any); len(find) == 3 {
			age = fmt.Sprint(find[0], " ", find[2])
		}
		if age != "Interval EventAge" {
			t.Errorf("the age of the poll's events comes from %v", age)
		}
	})
}

func TestEveryIntervalHasItsEventAgeAndItsAlarm(t *testing.T) {
	eachExpansion(t, func(t *testing.T, tpl expanded) {
		offered := tpl.Parameters["PollMinutes"].AllowedValues
		if len(offered) != len(tpl.Mappings["Interval"]) {
			t.Errorf("%d intervals are offered, %d are known", len(offered), len(tpl.Mappings["Interval"]))
		}
		for _, minutes := range offered {
			var seconds float64
			if _, err := fmt.Sscan(fmt.Sprint(minutes), &seconds); err != nil {
				t.Fatal(err)
			}
			seconds *= 60
			row := tpl.Mappings["Interval"][fmt.Sprint(minutes)]
			if row["EventAge"] < 60 || row["EventAge"] >= seconds || row["ThreeIntervals"] != 3*seconds {
				t.Errorf("every %v minutes: %v", minutes, row)
			}
		}
	})
}

// taggable are the kinds that this template makes and CloudFormation can tag.
var taggable = []string{
	"AWS::IAM::Role", "AWS::Logs::LogGroup", "AWS::SQS::Queue", "AWS::DynamoDB::Table", "AWS::SecretsManager::Secret",
	"AWS::CloudWatch::Alarm", "AWS::Lambda::Function", "AWS::ApiGatewayV2::Stage",
}

func TestEverythingIsTaggedLogsEndAndNoNameIsFixed(t *testing.T) {
	eachExpansion(t, func(t *testing.T, tpl expanded) {
		for name, r := range tpl.Resources {
			tags, err := json.Marshal(r.Properties["Tags"])
			if err != nil {
				t.Fatal(err)
			}
			ours := strings.Contains(string(tags), `"contactsync:connection"`)
			if slices.Contains(taggable, r.Type) && !ours && name != "CodeDeployServiceRole" {
				t.Errorf("%s has no tag that names the connection", name)
			}
			if r.Type == "AWS::Logs::LogGroup" && fmt.Sprint(at(r.Properties, "RetentionInDays", "Ref")) != "LogRetentionDays" {
				t.Errorf("%s keeps lines for ever", name)
			}
			for _, property := range []string{"Name", "LogGroupName", "QueueName", "TableName", "RoleName", "FunctionName", "AlarmName", "DashboardName"} {
				text, isText := r.Properties[property].(string)
				if isText && r.Type != "AWS::Lambda::Alias" { // the name of an alias belongs to its function
					t.Errorf("%s is called %s: a second stack in the region could not be made", name, text)
				}
				if given, isSub := at(r.Properties, property, "Fn::Sub").(string); isSub && !strings.Contains(given, "${AWS::StackName}") {
					t.Errorf("%s is called %s in every stack", name, given)
				}
			}
			if r.Type == "AWS::Lambda::Function" {
				if mode := fmt.Sprint(at(r.Properties, "TracingConfig", "Mode")); mode != "map[Ref:Tracing]" {
					t.Errorf("%s is traced: %s", name, mode)
				}
				if group := fmt.Sprint(at(r.Properties, "LoggingConfig", "LogGroup")); group != fmt.Sprintf("map[Ref:%sLogGroup]", strings.TrimSuffix(name, "Function")) {
					t.Errorf("%s writes to %s", name, group)
				}
			}
		}
	})
}

// A rule of the template: under a condition its assertions must hold.
type rule struct {
	RuleCondition any
	Assertions    []struct {
		Assert            any
		AssertDescription string
	}
}

// holds evaluates the functions that rules may use, for chosen parameters.
func holds(t *testing.T, expression any, chosen map[string]string) bool {
	t.Helper()
	object, isObject := expression.(map[string]any)
	if !isObject || len(object) != 1 {
		t.Fatalf("no rule function: %v", expression)
	}
	text := func(value any) string {
		if name, isRef := at(value, "Ref").(string); isRef {
			return chosen[name]
		}
		return fmt.Sprint(value)
	}
	for function, raw := range object {
		list, _ := raw.([]any)
		switch function {
		case "Fn::Not":
			return !holds(t, list[0], chosen)
		case "Fn::Equals":
			return text(list[0]) == text(list[1])
		case "Fn::And", "Fn::Or":
			some, all := false, true
			for _, one := range list {
				ok := holds(t, one, chosen)
				some, all = some || ok, all && ok
			}
			return function == "Fn::And" && all || function == "Fn::Or" && some
		case "Fn::Contains":
			values, _ := list[0].([]any)
			return slices.ContainsFunc(values, func(v any) bool { return text(v) == text(list[1]) })
		default:
			t.Fatalf("%s may not stand in a rule", function)
		}
	}
	return false
}

// refused returns the names of the rules that a choice of parameters breaks.
func (tpl expanded) refused(t *testing.T, changed map[string]string) []string {
	t.Helper()
	chosen := map[string]string{}
	for name, p := range tpl.Parameters {
		chosen[name] = fmt.Sprint(p.Default)
	}
	maps.Copy(chosen, changed)
	var broken []string
	for name, r := range tpl.Rules {
		if r.RuleCondition != nil && !holds(t, r.RuleCondition, chosen) {
			continue
		}
		for _, a := range r.Assertions {
			if !strings.HasSuffix(a.AssertDescription, ".") {
				t.Errorf("%s does not say what to do: %q", name, a.AssertDescription)
			}
			if !holds(t, a.Assert, chosen) {
				broken = append(broken, name)
			}
		}
	}
	slices.Sort(broken)
	return slices.Compact(broken)
}

func TestRulesRefuseWhatCannotWork(t *testing.T) {
	const key = "arn:aws:kms:eu-central-1:123456789012:key/1234"
	tests := []struct {
		name   string
		chosen map[string]string
		want   string
	}{
		{"the defaults", nil, ""},
		{"a first deployment with everything that costs", map[string]string{"KmsKeyArn": key, "PollConcurrency": "1", "GradualDeployment": "true"}, ""},
		{"live with a subscription", map[string]string{"NotificationUrl": "this-api", "ScheduleState": "ENABLED"}, ""},
		{"live with linear steps", map[string]string{"GradualDeployment": "true", "DeploymentType": "Linear10PercentEvery1Minute"}, ""},
		{"a secret with its key", map[string]string{"SecretArn": "arn", "SecretKeyArn": key}, ""},
		{"a subscription that no poll keeps alive", map[string]string{"NotificationUrl": "this-api"}, "SubscriptionNeedsSchedule"},
		{"steps without a gradual deployment", map[string]string{"DeploymentType": "AllAtOnce"}, "StepsNeedGradualDeployment"},
		{"a live stack that speaks to a stand-in for AWS", map[string]string{"AwsEndpointUrl": "http://127.0.0.1:5000", "ScheduleState": "ENABLED"}, "StandInHasNoSchedule"},
		{"the key of a secret that the stack makes", map[string]string{"SecretKeyArn": key}, "KeyBelongsToYourSecret"},
		{"our API page with its names", map[string]string{"BcApiPath": "contactsync/transfer/v1.0", "BcProfile": "files/profile-contact-api.yaml"}, ""},
		{"an API page with names that no API page can have", map[string]string{"BcApiPath": "contoso/sync/v1.0"}, "ApiHasNamesOfItsOwn"},
		{"another contact page beside a custom API that is read in its place", map[string]string{"BcApiPath": "contoso/sync/v1.0", "BcProfile": "files/ours.yaml", "BcContactService": "Kontakt"}, "OneContactSource"},
	}
	eachExpansion(t, func(t *testing.T, tpl expanded) {
		tested := map[string]bool{}
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				if got := strings.Join(tpl.refused(t, tt.chosen), " "); got != tt.want {
					t.Errorf("refused by %q, want %q", got, tt.want)
				}
			})
			tested[tt.want] = true
		}
		for name := range tpl.Rules {
			if !tested[name] {
				t.Errorf("no test breaks the rule %s", name)
			}
		}
	})
}

// What a pattern lets through starts the functions, and what the functions would
// refuse is refused before anything is deployed.
func TestPatternsOfParametersAgreeWithTheCode(t *testing.T) {
	tpl := load(t)
	good := map[string]string{"TABLE_NAME": "table", "SECRET_ID": "secret", "BC_COMPANY": "CRONUS", "IPAAS_SYSTEM_ID": "77"}
	type values struct {
		variable         string
		allowed, refused []string
	}
	address := func(variable string) values {
		return values{
			variable, []string{"https://server:7048/BC", "http://127.0.0.1:8080/v2.0", "http://localhost", "http://host.docker.internal:8080/x"},
			[]string{
				"http://server:7048/BC", "ftp://x", "https://x?y=1", "https://", "https:///x", "https:// x", "https://a b", "https://user:key@x", "https://x:port",
				"https://x/%zz", "https://x#y", "http://127.1", "http://localhost.evil.com/", "http://127.0.0.1.evil.com/", "https://x/{other}",
			},
		}
	}
	service := func(variable string) values {
		return values{
			variable, []string{"Contact_Card", "Kontakt", "Kontakte_Ä1", strings.Repeat("a", 240)},
			[]string{"Contact Card", "1st", "_a", "a/b", "a'b", "a&b", "a;b", "a(b)", "-a", "a$", "a.b", "a%b", strings.Repeat("a", 241)},
		}
	}
	rate := values{
		"IPAAS_RATE", []string{"400/60s", "auto", "10/1m", "999999/24h", "1/999m", "1/9999s"},
		[]string{"400", "0/60s", "400/60", "400/s", "x/60s", "1/25h", "1/99999h", "1/9999m"},
	}
	token := address("BC_TOKEN_URL")
	token.allowed = append(token.allowed, "https://login.example.com/{tenant}/token")
	token.refused = append(token.refused, "https://{tenant}/token")
	tests := map[string]values{
		"Connection":       {"CONNECTION", []string{"default", "a.b-c_1"}, []string{" ", "-a", "a#b", "a b"}},
		"BcCompany":        {"BC_COMPANY", []string{"CRONUS USA, Inc.", "O'Brien & Søn", "70c0c603-f4f9-ef11-9344-6045bdc8c234"}, []string{"a company with a name of 31 char", "a\tb", " "}},
		"BcEnvironment":    {"BC_ENVIRONMENT", []string{"Production", "Sandbox-2"}, []string{"a/b", "..", "a?b"}},
		"BcProfile":        {"BC_PROFILE", []string{"api-v2", "model-names", "files/ours.yaml", "ours.yml"}, []string{"page-5051", "files/ours.json"}},
		"BcContactService": service("BC_CONTACT_SERVICE"), "BcCustomerService": service("BC_CUSTOMER_SERVICE"), "BcCustomerCardService": service("BC_CUSTOMER_CARD_SERVICE"),
		"BcApiPath": {"BC_API_PATH", []string{"", "contoso/sync/v1.0"}, []string{"contoso/sync", "a/../b", "/a/b"}},
		"BcBaseUrl": address("BC_BASE_URL"), "IpaasBaseUrl": address("IPAAS_BASE_URL"), "BcTokenUrl": token,
		"NotificationUrl": {"WEBHOOK_URL", []string{"", "https://x", "https://x/y?z=1"}, []string{"http://x", "https:// x", "https:///x", "https://a b/", "https://u:p@x/", "https://x/%zz", "https://x#y"}},
		"IpaasSystemId":   {"IPAAS_SYSTEM_ID", []string{"1", "123456789012345678"}, []string{"0", "-1", "x", "12345678901234567890"}},
		"PollRate":        rate, "WebhookRate": rate,
		"MappingFile":     {"MAPPING_FILE", []string{"", "files/ours.yaml"}, []string{"ours.json", "ours"}},
		"PollOverlap":     {"POLL_OVERLAP", []string{"11m", "15m", "1h"}, []string{"10m", "5m", "0h", "15", "900"}},
		"RetryUnit":       {"RETRY_UNIT", []string{"10m", "30s", "1h"}, []string{"0m", "10", "m", "-1m"}},
		"LogLevel":        {"LOG_LEVEL", []string{"debug", "warn"}, []string{"loud"}},
		"CollisionMethod": {"COLLISION_METHOD", []string{"ERROR", "UPDATE_AND_LINK"}, []string{"UPDATE"}},
		"PollWorkers":     {"WORKERS", []string{"1", "50"}, []string{"0", "51", "x"}},
	}
	for parameter, tt := range tests {
		p := tpl.Parameters[parameter]
		accepts := func(value string) bool {
			switch {
			case p.AllowedValues != nil:
				return slices.Contains(p.AllowedValues, any(value))
			case p.AllowedPattern != "":
				return regexp.MustCompile("^(?:" + p.AllowedPattern + ")$").MatchString(value)
			}
			var n int
			_, err := fmt.Sscan(value, &n)
			return err == nil && n >= *p.MinValue && n <= *p.MaxValue
		}
		starts := func(value string) bool {
			environ := []string{}
			for name, text := range good {
				environ = append(environ, name+"="+text)
			}
			_, err := config.Load(append(environ, tt.variable+"="+value))
			return err == nil
		}
		for _, value := range tt.allowed {
			if !accepts(value) || !starts(value) {
				t.Errorf("%s %q: the template accepts it %v, the code %v", parameter, value, accepts(value), starts(value))
			}
		}
		for _, value := range tt.refused {
			if accepts(value) {
				t.Errorf("%s %q: the template accepts it, the code %v", parameter, value, starts(value))
			}
		}
	}
}

func TestWhatCostsMoreSaysItsPrice(t *testing.T) {
	for _, name := range []string{"SecretArn", "Tracing", "Architecture", "GradualDeployment", "PollConcurrency", "WebhookConcurrency", "KmsKeyArn"} {
		description := load(t).Parameters[name].Description
		if !regexp.MustCompile(`dollar|[Cc]osts (nothing|a quarter more)|free`).MatchString(description) {
			t.Errorf("%s does not say what it costs: %s", name, description)
		}
	}
}

func TestEveryParameterIsUsedAndStandsInAGroup(t *testing.T) {
	source := string(read(t, "../template.yaml"))
	_, after, _ := strings.Cut(source, "\nParameters:\n")
	groups := strings.TrimSuffix(source, after)
	for name := range load(t).Parameters {
		if !regexp.MustCompile(`\b` + name + `\b`).MatchString(groups) {
			t.Errorf("%s stands in no group", name)
		}
		if !regexp.MustCompile(`(!Ref |\$\{)` + name + `\b`).MatchString(after) {
			t.Errorf("%s changes nothing", name)
		}
	}
}

func TestEverySuppressedFindingHasItsReasonBesideIt(t *testing.T) {
	seen := 0
	for name, r := range load(t).Resources {
		skips, _ := at(r.Metadata, "checkov", "skip").([]any)
		for _, skip := range skips {
			seen++
			if reason, _ := at(skip, "comment").(string); len(reason) < 40 {
				t.Errorf("%s: %v is suppressed without a reason", name, at(skip, "id"))
			}
		}
		if linter := at(r.Metadata, "cfn-lint"); linter != nil {
			t.Errorf("%s: cfn-lint is told to overlook something", name)
		}
	}
	if seen < 8 {
		t.Errorf("only %d suppressions were found; the test looks in the wrong place", seen)
	}
}

func TestOutputsSayWhatAPersonNeedsNext(t *testing.T) {
	want := []string{"ApiUrl", "DashboardUrl", "FailureQueueUrl", "NextSteps", "NotificationRoute", "PollFunctionName", "PollLogs", "SecretArn", "TableName", "WebhookFunctionName", "WebhookLogs"}
	outputs := load(t).Outputs
	if got := slices.Sorted(maps.Keys(outputs)); !reflect.DeepEqual(want, got) {
		t.Errorf("outputs: %v, want %v", got, want)
	}
	for name, output := range outputs {
		if !strings.HasSuffix(output.Description, ".") || output.Value == nil {
			t.Errorf("%s: %q %v", name, output.Description, output.Value)
		}
	}
}
