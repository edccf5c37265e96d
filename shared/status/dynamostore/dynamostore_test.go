package dynamostore_test

import (
	"context"
	"crypto/rand"
	"flag"
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"pgregory.net/rapid"

	"contactsync/shared/status"
	"contactsync/shared/status/dynamostore"
	"contactsync/shared/status/statustest"
)

func TestStore(t *testing.T) { statustest.Run(t, open) }

// open returns a store in a table of its own, in the DynamoDB stand-in that
// scripts/moto starts.
func open(t *testing.T) status.Store { return openConnection(t, "default", "contactsync-"+rand.Text()) }

func openConnection(t *testing.T, connection, table string) *dynamostore.Store {
	t.Helper()
	return openOver(t, connection, table, nil)
}

// fromEnvironment returns the AWS configuration that leads to the stand-in.
func fromEnvironment(t *testing.T) aws.Config {
	t.Helper()
	settings, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return settings
}

// openOver is openConnection with calls through a client of the test's own.
func openOver(t *testing.T, connection, table string, client aws.HTTPClient) *dynamostore.Store {
	t.Helper()
	if os.Getenv("AWS_ENDPOINT_URL_DYNAMODB") == "" { //nolint:forbidigo // whether a stand-in runs is known from the environment only
		t.Skip("AWS_ENDPOINT_URL_DYNAMODB is not set: run it with scripts/moto run go test")
	}
	settings := fromEnvironment(t)
	if client != nil {
		settings.HTTPClient = client
	}
	s, err := dynamostore.New(dynamostore.Config{
		Connection: connection, Table: table, AWS: &settings, Now: func() time.Time { return statustest.Now },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.DeleteTable(context.Background()); err != nil {
			t.Errorf("clean up: %v", err)
		}
	})
	return s
}

// lossy carries every call out and loses the answer of every thirtieth, which the SDK
// then repeats.
type lossy struct{ calls atomic.Int64 }

func (l *lossy) Do(r *http.Request) (*http.Response, error) {
	answer, err := http.DefaultClient.Do(r)
	if err != nil || l.calls.Add(1)%30 != 0 || strings.HasSuffix(r.Header.Get("X-Amz-Target"), "Table") {
		return answer, err
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	return nil, syscall.ECONNRESET
}

// A store whose answers get lost keeps the same promises.
func TestStoreWhoseAnswersGetLost(t *testing.T) {
	client := &lossy{}
	statustest.Run(t, func(t *testing.T) status.Store { return openOver(t, "default", "contactsync-"+rand.Text(), client) })
	t.Logf("%d answers of %d were lost", client.calls.Load()/30, client.calls.Load())
}

// The model of all stores, with a connection of one table for each sequence of calls.
func TestStoreBehavesLikeItsModel(t *testing.T) {
	table := "contactsync-" + rand.Text()
	openConnection(t, "default", table)
	// The stand-in answers a few hundred calls a second: ten sequences, unless the command says more.
	if checks := flag.Lookup("rapid.checks"); checks.Value.String() == checks.DefValue {
		if err := flag.Set("rapid.checks", "10"); err != nil {
			t.Fatal(err)
		}
	}
	settings := fromEnvironment(t)
	statustest.Model(t, func(rt *rapid.T) status.Store {
		s, err := dynamostore.New(dynamostore.Config{Connection: rand.Text(), Table: table, AWS: &settings, Now: func() time.Time { return statustest.Now }})
		if err != nil {
			rt.Fatal(err)
		}
		return s
	})
}
