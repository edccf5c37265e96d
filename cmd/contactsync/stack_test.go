package main

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"contactsync/shared/app/apptest"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/ipaas/ipaastest"
	"contactsync/shared/status/dynamostore"
)

// A stack is what sam deploy makes, as far as the command sees it: a table, a secret
// and the variables of the functions, on a stand-in for AWS.
type stack struct {
	source  *businesscentraltest.Simulator
	envFile string
}

func newStack(t *testing.T) *stack {
	t.Helper()
	endpoint := os.Getenv("AWS_ENDPOINT_URL_DYNAMODB") //nolint:forbidigo // whether a stand-in runs is known from the environment only
	if endpoint == "" {
		t.Skip("AWS_ENDPOINT_URL_DYNAMODB is not set: run it with make conformance")
	}
	t.Setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", endpoint)
	name := fmt.Sprintf("command-%d", time.Now().UnixNano())
	shared, err := awsconfig.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	store, err := dynamostore.New(dynamostore.Config{Connection: "default", Table: name, AWS: &shared})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}

	source := businesscentraltest.New(businesscentraltest.Config{})
	served := httptest.NewServer(source)
	t.Cleanup(served.Close)
	source.SetOrigin(served.URL)
	target := ipaastest.New(ipaastest.Config{})
	servedTarget := httptest.NewServer(target)
	t.Cleanup(servedTarget.Close)

	c := source.Config()
	secret := fmt.Sprintf(`{"business_central":{"tenant_id":%q,"client_id":%q,"client_secret":%q},"ipaas":{"api_key":%q},"webhook":{"client_states":["s"],"api_keys":["k"]}}`,
		c.Tenant, c.ClientID, c.ClientSecret, target.APIKey())
	if _, err := secretsmanager.NewFromConfig(shared).CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: &name, SecretString: aws.String(secret)}); err != nil {
		t.Fatal(err)
	}
	s := &stack{source: source, envFile: filepath.Join(t.TempDir(), "stack.env")}
	write(t, s.envFile, strings.Join([]string{
		"# outputs of the stack", "TABLE_NAME=" + name, "export SECRET_ID=" + name, `BC_COMPANY="` + source.CompanyName() + `"`,
		"BC_BASE_URL=" + source.BaseURL(), "BC_TOKEN_URL=" + source.TokenURL(), "IPAAS_BASE_URL=" + servedTarget.URL,
		fmt.Sprintf("IPAAS_SYSTEM_ID=%d", target.SystemID()), "IPAAS_RATE=10000/1s", "",
	}, "\n"))
	return s
}

func TestEveryVerbWorksOnAStack(t *testing.T) {
	s := newStack(t)
	s.source.Add(apptest.Person("44552", "ada@contoso.com"), apptest.Person("44553", ""))
	d := newDesk(t)
	for _, tt := range []struct {
		verb   string
		status int
		says   string
	}{
		{"preflight", exitSomeFailed, "of the first 2 contacts that pass the filter 1 would be transferred"},
		{"poll --dry-run", exitSomeFailed, "created 1 + failed 1"},
		{"poll", exitSomeFailed, "created 1 + failed 1"},
		{"errors", exitWell, "MISSING_EMAIL"},
		{"show 44553", exitWell, "44553|contact did not arrive"},
		{"show 44552 --values", exitWell, "ada@contoso.com"},
		{"transfers --status failed", exitWell, "44553|contact"},
		{"preview 44552", exitWell, "nothing would change"},
		{"reconcile", exitSomeFailed, "1 equal, 0 left out by the mapping, 1 missing"},
		{"pause", exitWell, "Paused"},
		{"sync 44552", exitWell, "pending"},
		{"resume", exitWell, "Resumed"},
		{"replay --code MISSING_EMAIL --yes", exitWell, "1 contact waits"},
		{"poll", exitSomeFailed, "failed"},
		{"sync 44552", exitWell, "unchanged"},
		{"backfill --from 2020-01-01", exitSomeFailed, "backfill run"},
		{"runs", exitWell, "backfill"},
		{"subscriptions", exitWell, "no subscription"},
		{"forget 44553 --yes", exitWell, "is forgotten"},
		{"show 44553", exitCouldNot, ""},
	} {
		d.run(append([]string{"--env-file", s.envFile}, strings.Fields(tt.verb)...)...).must(tt.status).says(tt.says)
	}
	if _, err := os.Stat(d.folder); err == nil {
		t.Error("a verb on a stack made a sandbox")
	}
}

func TestTheEnvironmentNamesAStackAsAnEnvFileDoes(t *testing.T) {
	s := newStack(t)
	s.source.Add(apptest.Person("44552", "ada@contoso.com"))
	d := newDesk(t)
	environ, err := readEnvFile(s.envFile)
	if err != nil {
		t.Fatal(err)
	}
	d.environ = append(d.environ, environ...)
	d.run("poll").must(exitWell).says("created 1")
	d.run("--env-file", s.envFile, "show", "44552").must(exitWell).says("created")
	if _, err := os.Stat(d.folder); err == nil {
		t.Error("a verb on a stack made a sandbox")
	}
}

func TestAStackThatCannotBeReachedIsStatus2(t *testing.T) {
	s := newStack(t)
	d := newDesk(t)
	env, err := os.ReadFile(s.envFile)
	if err != nil {
		t.Fatal(err)
	}
	write(t, s.envFile, string(env)+"TABLE_NAME=nowhere\n")
	d.run("--env-file", s.envFile, "errors").must(exitCouldNot).complains("nowhere")
	write(t, s.envFile, string(env)+"SECRET_ID=nowhere\n")
	d.run("--env-file", s.envFile, "poll").must(exitCouldNot).complains("secret")
}
