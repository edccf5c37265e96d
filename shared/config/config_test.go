package config_test

import (
	"errors"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"contactsync/shared/config"
)

// required is the least that a function needs.
var required = []string{"TABLE_NAME=transfers", "SECRET_ID=contactsync", "BC_COMPANY=CRONUS", "IPAAS_SYSTEM_ID=1234"}

func TestDefaultsAreThoseOfTheContract(t *testing.T) {
	got, err := config.Load(required)
	if err != nil {
		t.Fatal(err)
	}
	want := config.Config{
		Connection:            "default",
		TableName:             "transfers",
		SecretID:              "contactsync",
		BCBaseURL:             "https://api.businesscentral.dynamics.com/v2.0",
		BCTokenURL:            "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
		BCEnvironment:         "Production",
		BCCompany:             "CRONUS",
		BCProfile:             config.ProfilePage,
		BCContactService:      "Contact_Card",
		BCCustomerService:     "Customers",
		BCCustomerCardService: "Customer_Card",
		IPaaSBaseURL:          "https://api.ipaas.com",
		IPaaSSystemID:         "1234",
		IPaaSRate:             config.Rate{Calls: 500, Window: time.Minute},
		CollisionMethod:       config.CollideWithError,
		CompanyNotFound:       config.CompanyRequired,
		PollOverlap:           15 * time.Minute,
		RetryUnit:             10 * time.Minute,
		Workers:               5,
		LogLevel:              slog.LevelInfo,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}

func TestEveryVariableIsRead(t *testing.T) {
	got, err := config.Load([]string{
		"CONNECTION=cronus-eu", "TABLE_NAME=arn:aws:dynamodb:eu-west-1:123456789012:table/transfers", "SECRET_ID=s",
		"BC_BASE_URL=https://bc.example.com:7048/BC/", "BC_TOKEN_URL=http://localhost:8081/{tenant}/token",
		"BC_ENVIRONMENT=Sandbox", "BC_COMPANY=My 'Company' & Sons", "BC_PROFILE=profiles/ours.yaml",
		"BC_CONTACT_SERVICE=Kontakte_Ä1", "BC_CUSTOMER_SERVICE=Debitoren", "BC_CUSTOMER_CARD_SERVICE=Debitor",
		"BC_API_PATH=contoso/sync/v1.0", "IPAAS_BASE_URL=http://host.docker.internal:8082/", "IPAAS_SYSTEM_ID=77",
		"IPAAS_RATE=auto", "COLLISION_METHOD=UPDATE_AND_LINK", "COMPANY_NOT_FOUND=TRANSFER_WITHOUT_COMPANY",
		"MAPPING_FILE=mappings/ours.yaml", "POLL_OVERLAP=1h", "RETRY_UNIT=1s", "WORKERS=50",
		"WEBHOOK_URL=https://hooks.example.com/notifications/business-central?a=b", "LOG_LEVEL=debug",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := config.Config{
		Connection: "cronus-eu", TableName: "arn:aws:dynamodb:eu-west-1:123456789012:table/transfers", SecretID: "s",
		BCBaseURL: "https://bc.example.com:7048/BC", BCTokenURL: "http://localhost:8081/{tenant}/token",
		BCEnvironment: "Sandbox", BCCompany: "My 'Company' & Sons", BCProfile: "profiles/ours.yaml",
		BCContactService: "Kontakte_Ä1", BCCustomerService: "Debitoren", BCCustomerCardService: "Debitor",
		BCAPIPath: "contoso/sync/v1.0", IPaaSBaseURL: "http://host.docker.internal:8082", IPaaSSystemID: "77",
		IPaaSRate: config.Rate{Auto: true}, CollisionMethod: config.UpdateAndLink,
		CompanyNotFound: config.TransferWithoutCompany, MappingFile: "mappings/ours.yaml", PollOverlap: time.Hour,
		RetryUnit: time.Second, Workers: 50,
		WebhookURL: "https://hooks.example.com/notifications/business-central?a=b", LogLevel: slog.LevelDebug,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	if file, found := got.ProfileFile(); !found || file != "profiles/ours.yaml" {
		t.Errorf("profile file: got %q, %v", file, found)
	}
	if p, g, v, found := got.APIPath(); !found || p != "contoso" || g != "sync" || v != "v1.0" {
		t.Errorf("API path: got %q, %q, %q, %v", p, g, v, found)
	}
	if got, want := got.TokenURL("a/b"), "http://localhost:8081/a%2Fb/token"; got != want {
		t.Errorf("token URL: got %s, want %s", got, want)
	}
}

func TestShippedProfileHasNoFile(t *testing.T) {
	cfg, err := config.Load(append([]string{"BC_PROFILE=api-v2"}, required...))
	if err != nil {
		t.Fatal(err)
	}
	if file, found := cfg.ProfileFile(); found {
		t.Errorf("profile file: got %q, want none", file)
	}
	if _, _, _, found := cfg.APIPath(); found {
		t.Error("an API path was found where none is set")
	}
}

func TestEmptyCountsAsUnset(t *testing.T) {
	got, err := config.Load(append([]string{"WORKERS=", "LOG_LEVEL= ", "WEBHOOK_URL=", "IPAAS_RATE="}, required...))
	if err != nil {
		t.Fatal(err)
	}
	if got.Workers != 5 || got.IPaaSRate.Calls != 500 {
		t.Errorf("got %d workers at %v, want the defaults", got.Workers, got.IPaaSRate)
	}
	_, err = config.Load(append(slices.Clone(required), "TABLE_NAME="))
	if names := problems(t, err); !slices.Equal(names, []string{"TABLE_NAME"}) {
		t.Errorf("an empty required variable: got problems %v", names)
	}
}

func TestOneErrorListsEveryProblem(t *testing.T) {
	_, err := config.Load([]string{"BC_COMPANY=CRONUS", "WORKERS=many", "RETRY_UNIT=0s", "BC_BASE_URL=http://hunter2.example.com",
		"IPAAS_SYSTEM_ID=x"})
	want := []string{"TABLE_NAME", "SECRET_ID", "BC_BASE_URL", "IPAAS_SYSTEM_ID", "RETRY_UNIT", "WORKERS"}
	if diff := cmp.Diff(want, problems(t, err)); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
	text := err.Error()
	if lines := strings.Split(text, "\n"); len(lines) != len(want) {
		t.Errorf("got %d lines, want one for each of %d problems:\n%s", len(lines), len(want), text)
	}
	if strings.Contains(text, "hunter2") || strings.Contains(text, "many") {
		t.Errorf("a value stands in the error:\n%s", text)
	}
	if want := "WORKERS: cannot be used; expected a whole number from 1 to 50"; !strings.Contains(text, want) {
		t.Errorf("error lacks %q:\n%s", want, text)
	}
	if want := "SECRET_ID: is not set; expected the ARN or name of the secret"; !strings.Contains(text, want) {
		t.Errorf("error lacks %q:\n%s", want, text)
	}
}

func TestFilesThatAreNotThereAreListedWithEverythingElse(t *testing.T) {
	there := config.Readable(func(path string) ([]byte, error) {
		if path == "files/ours.yaml" {
			return nil, nil
		}
		return nil, errors.New(path + " is not in the package")
	})
	_, err := config.Load(append(slices.Clone(required), "WORKERS=0", "BC_PROFILE=files/profile.yaml", "MAPPING_FILE=files/mapping.yaml"), there)
	want := "BC_PROFILE: files/profile.yaml is not in the package; expected "
	if err == nil || strings.Count(err.Error(), "\n") != 2 || !strings.Contains(err.Error(), want) ||
		!strings.Contains(err.Error(), "MAPPING_FILE: files/mapping.yaml is not in the package") || !strings.Contains(err.Error(), "WORKERS: cannot be used") {
		t.Errorf("got %v, want three lines with %q", err, want)
	}
	if _, err := config.Load(append(slices.Clone(required), "BC_PROFILE=model-names", "MAPPING_FILE=files/ours.yaml"), there); err != nil {
		t.Errorf("a shipped profile and a file that is there: %v", err)
	}
}

func TestWhatTheCallerSuppliesMayBeUnset(t *testing.T) {
	supplied := config.Supplied("TABLE_NAME", "SECRET_ID", "BC_COMPANY", "IPAAS_SYSTEM_ID")
	got, err := config.Load(nil, supplied)
	if err != nil {
		t.Fatal(err)
	}
	if got.BCCompany != "" || got.Workers != 5 {
		t.Errorf("got company %q and %d workers, want none and the default", got.BCCompany, got.Workers)
	}
	_, err = config.Load([]string{"IPAAS_SYSTEM_ID=abc"}, supplied)
	if names := problems(t, err); !slices.Equal(names, []string{"IPAAS_SYSTEM_ID"}) {
		t.Errorf("what is set is checked all the same: got problems %v", names)
	}
}

func TestValues(t *testing.T) {
	tests := []struct {
		variable string
		good     []string
		bad      []string
	}{
		{"CONNECTION", []string{"default", "a", "eu-1.b_c"}, []string{"a#b", "a b", "-a", "ä", strings.Repeat("a", 64)}},
		{"TABLE_NAME", []string{"abc", "stack-TransferTable-1A"}, []string{"ab", "a b c", "arn:aws:s3:::bucket"}},
		{"SECRET_ID", []string{"prod/contactsync", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:x-AbCdEf"}, []string{"a b"}},
		{"BC_BASE_URL",
			[]string{"https://bc.example.com", "http://localhost:1", "http://127.0.0.2/x", "http://[::1]:80", "http://sim.localhost", "http://HOST.docker.internal:9"},
			[]string{"http://bc.example.com", "ftp://localhost", "bc.example.com", "https://", "https://u:p@bc.example.com", "https://bc.example.com?x=1",
				"https://bc.example.com#x", "http://localhost.example.com", "http://10.0.0.1", "http://0.0.0.0", "https:bc.example.com", "::"}},
		{"BC_TOKEN_URL",
			[]string{"https://login.example.com/{tenant}/token", "http://localhost:8081/token"},
			[]string{"https://{tenant}.example.com/token", "http://{tenant}.localhost/token", "https://login.example.com/{tennant}/token", "http://login.example.com/{tenant}"}},
		{"BC_ENVIRONMENT", []string{"Production", "Sandbox-1"}, []string{"a/b", "..", "a%2Fb"}},
		{"BC_COMPANY", []string{"O'Brien & Co", "b18aed47-c385-49d2-b954-dbdf8ad71780"}, []string{strings.Repeat("x", 31), "a\tb"}},
		{"BC_PROFILE", []string{"page-5050-extended", "model-names", "api-v2", "p.yml"}, []string{"page-5050", "p.json"}},
		{"BC_CONTACT_SERVICE", []string{"Contact_Card", "Kontakt1"}, []string{"Contact Card", "1Contact", "a/b", "_a", strings.Repeat("a", 241)}},
		{"BC_CUSTOMER_SERVICE", []string{"Customers"}, []string{"Customer List"}},
		{"BC_CUSTOMER_CARD_SERVICE", []string{"CustomerCard"}, []string{"Customer-Card"}},
		{"BC_API_PATH", []string{"contoso/sync/v1.0", "a/b/beta"}, []string{"contoso/sync", "a/b/c/d", "/b/c", "a/../c", "a/b?/c"}},
		{"IPAAS_BASE_URL", []string{"https://api.ipaas.com/x"}, []string{"http://api.ipaas.com"}},
		{"IPAAS_SYSTEM_ID", []string{"1", "9223372036854775807"}, []string{"0", "-1", "1.5", "9223372036854775808", "sys"}},
		{"IPAAS_RATE", []string{"1/1s", "600/1m", "auto", "AUTO"},
			[]string{"500", "0/60s", "-1/60s", "500/0s", "500/60", "a/b", "/", "500/-1s", "99999999/1s", "1/9999h"}},
		{"COLLISION_METHOD", []string{"ERROR", "UPDATE_AND_LINK"}, []string{"error", "LINK"}},
		{"COMPANY_NOT_FOUND", []string{"ERROR", "TRANSFER_WITHOUT_COMPANY"}, []string{"IGNORE"}},
		{"MAPPING_FILE", []string{"mapping.yaml"}, []string{"mapping.json"}},
		{"POLL_OVERLAP", []string{"10m1s", "24h"}, []string{"10m", "-1h", "15", "soon"}},
		{"RETRY_UNIT", []string{"1ms", "720h"}, []string{"0s", "-1s", "721h", "10"}},
		{"WORKERS", []string{"1", "50"}, []string{"0", "51", "-1", "1.5"}},
		{"WEBHOOK_URL", []string{"https://hooks.example.com/x?code=y", "http://localhost/x"},
			[]string{"http://hooks.example.com", "https://u@hooks.example.com", "hooks"}},
		{"LOG_LEVEL", []string{"debug", "INFO", "warn", "error"}, []string{"verbose", "1"}},
	}
	var tested []string
	for _, tt := range tests {
		tested = append(tested, tt.variable)
		t.Run(tt.variable, func(t *testing.T) {
			for _, value := range tt.good {
				if _, err := config.Load(append(slices.Clone(required), tt.variable+"="+value)); err != nil {
					t.Errorf("%q is refused: %v", value, err)
				}
			}
			for _, value := range tt.bad {
				_, err := config.Load(append(slices.Clone(required), tt.variable+"="+value))
				if names := problems(t, err); !slices.Equal(names, []string{tt.variable}) {
					t.Errorf("%q: got problems %v, want one", value, names)
				}
			}
		})
	}
	var all []string
	for _, v := range config.Variables(config.Command) {
		all = append(all, v.Name)
	}
	if diff := cmp.Diff(all, tested); diff != "" {
		t.Errorf("variables that are tested (-all +tested):\n%s", diff)
	}
}

func TestVariablesDescribeWhatThePartsRead(t *testing.T) {
	fields := reflect.TypeFor[config.Config]().NumField()
	poll, webhook := config.Variables(config.Poll), config.Variables(config.Webhook)
	if len(poll) != fields {
		t.Errorf("the poll reads %d variables, the settings have %d fields", len(poll), fields)
	}
	name := func(v config.Variable) string { return v.Name }
	var only []string
	for _, v := range poll {
		if !slices.ContainsFunc(webhook, func(w config.Variable) bool { return name(w) == v.Name }) {
			only = append(only, v.Name)
		}
	}
	if !slices.Equal(only, []string{"WEBHOOK_URL"}) {
		t.Errorf("read by the poll and not by the webhook: %v, want WEBHOOK_URL alone", only)
	}
	i := slices.IndexFunc(poll, func(v config.Variable) bool { return v.Name == "POLL_OVERLAP" })
	if poll[i].Default != "15m" || poll[i].Required || poll[i].Expected == "" {
		t.Errorf("POLL_OVERLAP is described as %+v", poll[i])
	}
	if !poll[1].Required || poll[1].Name != "TABLE_NAME" {
		t.Errorf("TABLE_NAME is described as %+v", poll[1])
	}
}

func TestRateReadsWhatItPrints(t *testing.T) {
	for _, rate := range []config.Rate{{Auto: true}, {Calls: 500, Window: time.Minute}} {
		var back config.Rate
		if err := back.UnmarshalText([]byte(rate.String())); err != nil || back != rate {
			t.Errorf("%v came back as %v, error %v", rate, back, err)
		}
	}
}

func TestRateMakesALimiter(t *testing.T) {
	for _, rate := range []config.Rate{{Auto: true}, {Calls: 500, Window: time.Minute}} {
		limiter, err := rate.Limiter(5)
		if err != nil {
			t.Fatal(err)
		}
		if err := limiter.Wait(t.Context()); err != nil {
			t.Errorf("%v: the first call has to wait: %v", rate, err)
		}
	}
	if _, err := (config.Rate{}).Limiter(5); err == nil {
		t.Error("a rate that nobody set makes a limiter")
	}
}

// problems returns the variables that an error names, in its order.
func problems(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("error does not list problems: %v", err)
	}
	var names []string
	for _, one := range joined.Unwrap() {
		var p *config.Problem
		if !errors.As(one, &p) {
			t.Fatalf("not a problem of a setting: %v", one)
		}
		names = append(names, p.Variable)
	}
	return names
}
