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
)

// An expanded template is what AWS makes of template.yaml: scripts/expand writes it.
type expanded struct {
	Parameters map[string]struct {
		Type, Description string
		Default           any
		AllowedValues     []any
	}
	Mappings map[string]map[string]map[string]float64
	Rules    map[string]rule
	// Conditions and outputs as they are; what they must be stands in wiring_test.go.
	Conditions map[string]any
	Outputs    map[string]struct{ Value any }
	Resources  map[string]struct {
		Type, Condition, DeletionPolicy, UpdateReplacePolicy string
		Properties                                           map[string]any
	}
}

// older reports whether a file was written before another one.
func older(t *testing.T, name, than string) bool {
	t.Helper()
	file, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.Stat(than)
	if err != nil {
		t.Fatal(err)
	}
	return file.ModTime().Before(other.ModTime())
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
			if older(t, "../build/"+name+".json", "../template.yaml") {
				t.Skip("the template was not expanded since it changed; make verify does it")
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
				if statement["Resource"] == nil || statement["NotAction"] != nil || strings.Contains(string(text), "*") {
					t.Errorf("%s: statement %s is wider than one resource: %s", name, sid, text)
				}
			}
		}
	})
}

// A permission is one statement of a role: what is allowed, and on what, as JSON.
type permission struct {
	Sid      string
	Actions  []string
	Resource string
}

func permissionsOf(t *testing.T, role map[string]any) []permission {
	t.Helper()
	var all []permission
	for sid, statement := range statements(t, role) {
		p := permission{Sid: sid}
		actions, isList := statement["Action"].([]any)
		if !isList {
			actions = []any{statement["Action"]}
		}
		for _, action := range actions {
			p.Actions = append(p.Actions, fmt.Sprint(action))
		}
		slices.Sort(p.Actions)
		resource, err := json.Marshal(statement["Resource"])
		if err != nil || statement["Effect"] != "Allow" {
			t.Fatalf("%s: effect %v, error %v", sid, statement["Effect"], err)
		}
		p.Resource = string(resource)
		if strings.HasPrefix(p.Actions[0], "kms:") && at(statement, "Condition", "StringEquals", "kms:ViaService") == nil {
			t.Errorf("%s: the key may be used by anything", sid)
		}
		all = append(all, p)
	}
	return sorted(all)
}

func sorted(all []permission) []permission {
	return slices.SortedFunc(slices.Values(all), func(a, b permission) int { return strings.Compare(a.Sid, b.Sid) })
}

func TestEachRoleMayDoWhatItsFunctionDoesAndNoMore(t *testing.T) {
	table := []string{"dynamodb:BatchGetItem", "dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"}
	key := []string{"kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"}
	log := []string{"logs:CreateLogStream", "logs:PutLogEvents"}
	secret := `{"Fn::If":["MakeSecret",{"Ref":"Secret"},{"Ref":"SecretArn"}]}`
	webhook := []permission{
		{"Credentials", []string{"secretsmanager:GetSecretValue"}, secret},
		{"Key", key, `{"Ref":"KmsKeyArn"}`},
		{"Log", log, `{"Fn::GetAtt":["WebhookLogGroup","Arn"]}`},
		{"SecretKey", []string{"kms:Decrypt"}, `{"Ref":"SecretKeyArn"}`},
		{"TransferLists", []string{"dynamodb:Query"}, `{"Fn::Sub":"${TransferTable.Arn}/index/by_status"}`},
		{"TransferStatus", table, `{"Fn::GetAtt":["TransferTable","Arn"]}`},
	}
	poll := append([]permission{
		{"Failures", []string{"sqs:SendMessage"}, `{"Fn::GetAtt":["FailureQueue","Arn"]}`},
		{"Stream", []string{"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"}, `{"Fn::GetAtt":["TransferTable","StreamArn"]}`},
	}, webhook...)
	poll[slices.IndexFunc(poll, func(p permission) bool { return p.Sid == "Log" })].Resource = `{"Fn::GetAtt":["PollLogGroup","Arn"]}`
	want := map[string][]permission{
		"PollRole": poll, "WebhookRole": webhook,
		"ScheduleRole": {
			{"Failures", []string{"sqs:SendMessage"}, `{"Fn::GetAtt":["FailureQueue","Arn"]}`},
			{"Invoke", []string{"lambda:InvokeFunction"}, `{"Fn::GetAtt":["PollFunction","Arn"]}`},
			{"Key", []string{"kms:Decrypt", "kms:GenerateDataKey"}, `{"Ref":"KmsKeyArn"}`},
		},
	}
	eachExpansion(t, func(t *testing.T, tpl expanded) {
		var roles []string
		for name, r := range tpl.Resources {
			if r.Type == "AWS::IAM::Role" && name != "CodeDeployServiceRole" { // SAM's own, with AWS's policy for it
				roles = append(roles, name)
			}
		}
		slices.Sort(roles)
		if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), roles); diff != "" {
			t.Errorf("roles (-want +got):\n%s", diff)
		}
		for role, permissions := range want {
			if diff := cmp.Diff(sorted(permissions), permissionsOf(t, tpl.Resources[role].Properties)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", role, diff)
			}
		}
		for function, role := range map[string]string{"PollFunction": "PollRole", "WebhookFunction": "WebhookRole"} {
			if got := at(tpl.Resources[function].Properties, "Role", "Fn::GetAtt"); fmt.Sprint(got) != "["+role+" Arn]" {
				t.Errorf("%s has the role %v, want %s", function, got, role)
			}
		}
		if got := fmt.Sprint(at(tpl.Resources["PollFunctionSchedule"].Properties, "Target", "RoleArn", "Fn::GetAtt")); got != "[ScheduleRole Arn]" {
			t.Errorf("the schedule has the role %s", got)
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
		// A first deployment that fails takes its empty secret back; a protected table could not be.
		for name, want := range map[string]string{"TransferTable": "Retain", "Secret": "RetainExceptOnCreate"} {
			if r := tpl.Resources[name]; r.DeletionPolicy != want || r.UpdateReplacePolicy != "Retain" {
				t.Errorf("%s: deletion %q, replacement %q, want %s and Retain", name, r.DeletionPolicy, r.UpdateReplacePolicy, want)
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
