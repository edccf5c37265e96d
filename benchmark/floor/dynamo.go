package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"contactsync/benchmark/stage"
)

// dynamo is the table in DynamoDB, called by AWS's own client: one read of a new
// contact, one conditional update for its claim and one for its outcome, one put for
// its number. The items are of the product's size.
type dynamo struct {
	client *dynamodb.Client
	name   *string
	writes atomic.Int64
}

type item = map[string]types.AttributeValue

func openDynamo(ctx context.Context, address string) (*dynamo, error) {
	name := fmt.Sprint("floor-", os.Getpid())
	if err := stage.NewTable(ctx, address, name); err != nil {
		return nil, err
	}
	return &dynamo{client: dynamodb.NewFromConfig(*stage.AWS(address)), name: &name}, nil
}

func (t *dynamo) prepare([]contact) error { return nil }

func (t *dynamo) count() int64 { return t.writes.Load() }

func (t *dynamo) close() error { return nil }

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func key(of []byte) item { return item{"pk": text("floor#" + string(of)), "sk": text("state")} }

func (t *dynamo) look(c *contact) error {
	if !c.isNew {
		return nil // the page's batch has brought it
	}
	_, err := t.client.GetItem(context.Background(), &dynamodb.GetItemInput{TableName: t.name, Key: key(c.number), ConsistentRead: aws.Bool(true)})
	return err
}

func (t *dynamo) update(c *contact, condition string, value []byte, claim string) error {
	t.writes.Add(1)
	_, err := t.client.UpdateItem(context.Background(), &dynamodb.UpdateItemInput{
		TableName: t.name, Key: key(c.key), ConditionExpression: &condition, UpdateExpression: aws.String("SET #value = :value, #claim = :claim"),
		ExpressionAttributeNames:  map[string]string{"#value": "value", "#claim": "claim"},
		ExpressionAttributeValues: item{":value": text(string(value)), ":claim": text(claim)},
		ReturnValues:              types.ReturnValueAllNew,
	})
	return err
}

func (t *dynamo) claim(c *contact) error {
	return t.update(c, "attribute_not_exists(#claim) OR #claim <> :claim", c.claimed, "owner")
}

func (t *dynamo) point(c *contact) error {
	t.writes.Add(1)
	it := key(c.number)
	it["leads_to"] = text(string(c.key))
	_, err := t.client.PutItem(context.Background(), &dynamodb.PutItemInput{TableName: t.name, Item: it})
	return err
}

func (t *dynamo) outcome(c *contact) error {
	t.writes.Add(1)
	condition := "#claim = :owner"
	out, err := t.client.UpdateItem(context.Background(), &dynamodb.UpdateItemInput{
		TableName: t.name, Key: key(c.key), ConditionExpression: &condition, UpdateExpression: aws.String("SET #value = :value, #index = :status, #sort = :sort REMOVE #claim"),
		ExpressionAttributeNames:  map[string]string{"#value": "value", "#claim": "claim", "#index": "status_key", "#sort": "sort_key"},
		ExpressionAttributeValues: item{":value": text(string(c.outcome)), ":owner": text("owner"), ":status": text("succeeded"), ":sort": text(string(c.index[10:]))},
	})
	if err == nil && out == nil {
		err = errors.New("no answer")
	}
	return err
}
