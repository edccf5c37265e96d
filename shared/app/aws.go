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

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	aws "github.com/aws/aws-sdk-go-v2/service/secretsmanager"

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
	return newDeployed(ctx, environ, os.Stdout, nil, nil)
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
	return newDeployed(ctx, environ, nil, log, progress)
}

// attemptTime is how long one attempt of a call to AWS may take. Table and secret
// answer in milliseconds; the SDK sets no limit of its own, so that one answer that
// never comes would take the invocation to its deadline. It repeats the call instead.
const attemptTime = 3 * time.Second

func newDeployed(ctx context.Context, environ []string, metrics io.Writer, log *slog.Logger, progress func(status.Counts)) (*App, error) {
	cfg, err := config.Load(environ, config.Readable(files.Read))
	if err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	if log == nil {
		log = observe.NewLogger(os.Stdout, cfg.LogLevel, cfg.Connection)
	}
	shared, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(attemptTime)))
	if err != nil {
		return nil, fmt.Errorf("AWS settings: %w", err)
	}
	secrets, secretErr := credentials.NewProvider(credentials.Config{
		Fetcher: secretsmanager.New(aws.NewFromConfig(shared), cfg.SecretID), Log: log,
	})
	store, storeErr := dynamostore.New(ctx, dynamostore.Config{Connection: cfg.Connection, Table: cfg.TableName, AWS: &shared, Log: log})
	if err := errors.Join(secretErr, storeErr); err != nil {
		return nil, err
	}
	parts := Parts{Config: cfg, Secrets: secrets, Store: store, Log: log, Progress: progress}
	if metrics != nil {
		parts.Meter = observe.NewMeter(metrics, cfg.Connection, nil)
	}
	return Assemble(parts)
}
