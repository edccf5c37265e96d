package dynamostore_test

import (
	"crypto/rand"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

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

// A pointer that an earlier version wrote knows one contact only. That one must
// still be asked about its customer when the number leads to another contact.
func TestANumberOfAnEarlierVersionKeepsItsContact(t *testing.T) {
	const first, second = "3f2504e0", "9c6b1a20"
	table := "contactsync-" + rand.Text()
	s := openConnection(t, "default", table)
	settings, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	text := func(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }
	_, err = dynamodb.NewFromConfig(settings).PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: map[string]types.AttributeValue{
		"pk": text("default#contact#44552"), "sk": text("state"), "leads_to": text(first),
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := func(n transfer.Number, err error, key string, ledTo ...string) {
		t.Helper()
		slices.Sort(n.LedTo)
		if err != nil || n.Key.ID != key || n.First != first || !slices.Equal(n.LedTo, ledTo) {
			t.Errorf("got %+v, %v; want that it leads to %s and led to %v", n, err, key, ledTo)
		}
	}
	n, err := s.Number(t.Context(), "44552")
	want(n, err, first, first)
	n, err = s.Point(t.Context(), "44552", second)
	want(n, err, second, first, second)
	n, err = s.Number(t.Context(), "44552")
	want(n, err, second, first, second)
}
