package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	awssecrets "github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"contactsync/files"
	"contactsync/shared/config"
	"contactsync/shared/credentials"
	"contactsync/shared/credentials/secretsmanager"
	"contactsync/shared/observe"
	"contactsync/shared/status"
	"contactsync/shared/status/dynamostore"
)

// New makes the App of a Lambda function from its environment: secret in Secrets
// Manager, store in DynamoDB, JSON logs and metrics on standard output. It makes
// no call. The error lists every problem of the settings at once.
func New(ctx context.Context, environ []string) (*App, error) {
	TuneMemory(environ)
	return newDeployed(ctx, environ, deployment{aws: lambdaAWS, metrics: os.Stdout})
}

// TuneMemory lets the garbage collector work less often than a Go program's default
// has it. What a run keeps is some five megabytes whatever the number of contacts,
// and collecting each time that it doubles took a tenth of the processor time, of
// which a small function has little. The heap stays below 128 MB as long as what is
// kept allows it. GOGC and GOMEMLIMIT in the environment go before.
func TuneMemory(environ []string) {
	set := func(name string) bool {
		return slices.ContainsFunc(environ, func(pair string) bool { return strings.HasPrefix(pair, name+"=") })
	}
	if !set("GOGC") {
		debug.SetGCPercent(400)
	}
	if !set("GOMEMLIMIT") {
		debug.SetMemoryLimit(128 << 20)
	}
}

// Deployed is New for the operator's command: the same systems, with a logger of
// the caller's and without metrics. progress, if any, is told how far a run is.
func Deployed(ctx context.Context, environ []string, log *slog.Logger, progress func(status.Counts)) (*App, error) {
	return newDeployed(ctx, environ, deployment{aws: commandAWS, log: log, progress: progress})
}

// attemptTime is how long one attempt of a call to AWS may take. Table and secret
// answer in milliseconds; the SDK sets no limit of its own, so that one answer that
// never comes would take the invocation to its deadline. It repeats the call instead.
const attemptTime = 3 * time.Second

// lambdaAWS reads what Lambda and sam local give a function: region, the role's
// credentials and other endpoints, all in the environment. The SDK's own search for
// them (profiles, single sign-on, roles, instances) would make the binary two
// megabytes larger and the start longer, and finds nothing there.
func lambdaAWS(context.Context) (aws.Config, error) {
	env, err := awsconfig.NewEnvConfig()
	if err != nil {
		return aws.Config{}, err
	}
	var missing []error
	if env.Region == "" {
		missing = append(missing, errors.New("AWS_REGION is not set; Lambda sets it"))
	}
	if !env.Credentials.HasKeys() {
		missing = append(missing, errors.New("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set; Lambda sets them from the function's role"))
	}
	cfg := aws.Config{
		Region: env.Region, HTTPClient: httpClient(), ConfigSources: []any{env},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return env.Credentials, nil }),
	}
	if ignore := env.IgnoreConfiguredEndpoints; env.BaseEndpoint != "" && (ignore == nil || !*ignore) {
		cfg.BaseEndpoint = &env.BaseEndpoint
	}
	return cfg, errors.Join(missing...)
}

// commandAWS finds region and credentials as AWS's own command does.
func commandAWS(ctx context.Context) (aws.Config, error) {
	return awsconfig.LoadDefaultConfig(ctx, awsconfig.WithHTTPClient(httpClient()))
}

func httpClient() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().WithTimeout(attemptTime)
}

// deployment is what differs between a function and the operator's command.
type deployment struct {
	aws      func(context.Context) (aws.Config, error)
	metrics  io.Writer           // nil: none
	log      *slog.Logger        // nil: JSON on standard output
	progress func(status.Counts) // see Parts
}

func newDeployed(ctx context.Context, environ []string, d deployment) (*App, error) {
	cfg, err := config.Load(environ, config.Readable(files.Read))
	if err != nil {
		err = fmt.Errorf("settings: %w", err)
	}
	shared, awsErr := d.aws(ctx)
	if awsErr != nil {
		awsErr = fmt.Errorf("AWS settings: %w", awsErr)
	}
	if err := errors.Join(err, awsErr); err != nil {
		return nil, err
	}
	log := d.log
	if log == nil {
		log = observe.NewLogger(os.Stdout, cfg.LogLevel, cfg.Connection)
	}
	secrets, secretErr := credentials.NewProvider(credentials.Config{
		Fetcher: secretsmanager.New(awssecrets.NewFromConfig(shared), cfg.SecretID), Log: log,
	})
	store, storeErr := dynamostore.New(dynamostore.Config{Connection: cfg.Connection, Table: cfg.TableName, AWS: &shared, Log: log})
	if err := errors.Join(secretErr, storeErr); err != nil {
		return nil, err
	}
	parts := Parts{Config: cfg, Secrets: secrets, Store: store, Log: log, Progress: d.progress}
	if d.metrics != nil {
		parts.Meter = observe.NewMeter(d.metrics, cfg.Connection, nil)
	}
	return Assemble(parts)
}
