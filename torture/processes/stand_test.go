package processes_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/ipaas/ipaastest"
)

var second = flag.String("second", "", "endpoint of a second stand-in for AWS, which takes half of the scenes")

// A stand is what all scenes share: the compiled functions and the stand-ins for
// DynamoDB and Secrets Manager.
type stand struct {
	poll, webhook string // paths of the binaries
	clouds        []*cloud
}

// A cloud is one stand-in for AWS.
type cloud struct {
	endpoint string
	secret   string // its id
	config   aws.Config
	tables   *dynamodb.Client
}

const (
	region      = "eu-central-1"
	awsKey      = "local"
	callerKey   = "operator-key-5d1f"
	clientState = "client-state-8c2a"
)

// built is the directory of the compiled functions; empty before they are needed.
var built string

// build compiles the functions once.
var build = sync.OnceValues(func() (dir string, err error) {
	dir, err = os.MkdirTemp("", "contactsync-functions-")
	if err != nil {
		return "", err
	}
	built = dir
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		return "", err
	}
	flags := regexp.MustCompile(`(?m)^FUNCTION_GOFLAGS := (.+)$`).FindSubmatch(makefile)
	if flags == nil {
		return "", errors.New("the Makefile does not say how functions are built")
	}
	c := exec.Command("go", "build", "-o", dir+string(filepath.Separator), "./functions/poll", "./functions/webhook")
	c.Dir = "../.."
	c.Env = append(c.Environ(), "CGO_ENABLED=0", "GOFLAGS="+string(flags[1]))
	if out, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the functions: %w\n%s", err, out)
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	m.Run()
	if built != "" {
		_ = os.RemoveAll(built)
	}
}

// newStand skips the test where no stand-in for AWS runs.
func newStand(t *testing.T) *stand {
	t.Helper()
	first := os.Getenv("AWS_ENDPOINT_URL_DYNAMODB") //nolint:forbidigo // whether a stand-in runs is known from the environment only
	if first == "" {
		t.Skip("AWS_ENDPOINT_URL_DYNAMODB is not set: run it with make torture, or scripts/moto run go test ./torture/processes")
	}
	dir, err := build()
	if err != nil {
		t.Fatal(err)
	}
	s := &stand{poll: filepath.Join(dir, "poll"), webhook: filepath.Join(dir, "webhook")}
	for _, endpoint := range []string{first, *second} {
		if endpoint != "" {
			s.clouds = append(s.clouds, newCloud(t, endpoint))
		}
	}
	return s
}

func newCloud(t *testing.T, endpoint string) *cloud {
	t.Helper()
	c := &cloud{endpoint: endpoint, secret: "contactsync-torture-" + rand.Text(), config: aws.Config{
		Region: region, BaseEndpoint: aws.String(endpoint), Credentials: credentials.NewStaticCredentialsProvider(awsKey, awsKey, ""),
	}}
	c.tables = dynamodb.NewFromConfig(c.config)
	secrets := secretsmanager.NewFromConfig(c.config)
	_, err := secrets.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: &c.secret, SecretString: aws.String(document())})
	if err != nil {
		t.Fatalf("make the secret: %v", err)
	}
	return c
}

// document is the secret of every scene: the simulators' own credentials.
func document() string {
	bc := businesscentraltest.New(businesscentraltest.Config{}).Config()
	return fmt.Sprintf(`{"business_central":{"tenant_id":%q,"client_id":%q,"client_secret":%q},"ipaas":{"api_key":%q},"webhook":{"client_states":[%q],"api_keys":[%q]}}`,
		bc.Tenant, bc.ClientID, bc.ClientSecret, ipaastest.DefaultAPIKey, clientState, callerKey)
}

// environ is what a function's process gets. Nothing comes from this machine.
func environ(settings ...string) []string {
	return append([]string{
		"AWS_REGION=" + region, "AWS_ACCESS_KEY_ID=" + awsKey, "AWS_SECRET_ACCESS_KEY=" + awsKey, "AWS_EC2_METADATA_DISABLED=true",
		"AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull,
	}, settings...)
}

// A journal keeps what processes write.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// tail is the end of it.
func (j *journal) tail() string {
	lines := strings.Split(j.String(), "\n")
	return strings.Join(lines[max(0, len(lines)-25):], "\n")
}
