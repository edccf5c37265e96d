package dynamostore_test

import (
	"crypto/rand"
	"testing"

	"contactsync/shared/contact"
	"contactsync/shared/status/dynamostore"
	"contactsync/shared/transfer"
)

// Connections share a table without seeing each other, whatever their names hold.
func TestConnectionsShareATable(t *testing.T) {
	table := "contactsync-" + rand.Text()
	first := openConnection(t, "a", table)
	settings := fromEnvironment(t)
	second, err := dynamostore.New(dynamostore.Config{Connection: "a#contact#1", Table: table, AWS: &settings})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	if err := second.Request(ctx, transfer.Request{Ref: contact.Ref{No: "2"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := second.Point(ctx, "3", "3f2504e0"); err != nil {
		t.Fatal(err)
	}
	if waiting, _, err := first.Requests(ctx, 10); err != nil || len(waiting) != 0 {
		t.Errorf("the other connection's request shows: %v, error %v", waiting, err)
	}
	for _, no := range []string{"2", "3", "1#CONTACT#3"} {
		if _, found, err := first.KeyOf(ctx, contact.Ref{No: no}); err != nil || found {
			t.Errorf("number %s: found %t, error %v", no, found, err)
		}
	}
	if waiting, _, err := second.Requests(ctx, 10); err != nil || len(waiting) != 1 {
		t.Errorf("its own request: %v, error %v", waiting, err)
	}
}
