package dynamostore_test

import (
	"context"
	"crypto/rand"
	"os"
	"testing"
	"time"

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
	if os.Getenv("AWS_ENDPOINT_URL_DYNAMODB") == "" { //nolint:forbidigo // whether a stand-in runs is known from the environment only
		t.Skip("AWS_ENDPOINT_URL_DYNAMODB is not set: run it with scripts/moto run go test")
	}
	s, err := dynamostore.New(t.Context(), dynamostore.Config{
		Connection: connection, Table: table, Now: func() time.Time { return statustest.Now },
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
