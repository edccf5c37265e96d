package dynamostore

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// A TableDefinition is what a template must declare for the store's table. All key
// attributes are strings.
type TableDefinition struct {
	PartitionKey string
	SortKey      string

	Index             string
	IndexPartitionKey string
	IndexSortKey      string
	IndexAttributes   []string // projected besides the keys (projection type INCLUDE)

	TTLAttribute   string // epoch seconds
	StreamViewType string
}

// Definition is the table that the store needs. A claim changes no attribute of
// the index, so that it costs one write; the last attempts and hashes stay out of
// the index because no list shows them.
var Definition = TableDefinition{
	PartitionKey: attrPK,
	SortKey:      attrSK,

	Index:             "by_status",
	IndexPartitionKey: attrStatusKey,
	IndexSortKey:      attrSortKey,
	IndexAttributes: []string{
		attrStatus, attrTransfer, // of a state
		attrNo, attrContactID, attrWake, attrDeleted, attrTrigger, attrRequestedAt, attrToken, // of a request
	},

	TTLAttribute:   attrExpiresAt,
	StreamViewType: string(types.StreamViewTypeNewImage),
}

// CreateTable makes the table where no template does: in tests and in a local
// stand-in for DynamoDB. It returns when the table can be used.
func (s *Store) CreateTable(ctx context.Context) error {
	name := aws.String(s.cfg.Table)
	_, err := s.client.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName:            name,
		BillingMode:          types.BillingModePayPerRequest,
		KeySchema:            keySchema(Definition.PartitionKey, Definition.SortKey),
		AttributeDefinitions: textAttributes(Definition.PartitionKey, Definition.SortKey, Definition.IndexPartitionKey, Definition.IndexSortKey),
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName:  aws.String(Definition.Index),
			KeySchema:  keySchema(Definition.IndexPartitionKey, Definition.IndexSortKey),
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: Definition.IndexAttributes},
		}},
		StreamSpecification: &types.StreamSpecification{
			StreamEnabled:  aws.Bool(true),
			StreamViewType: types.StreamViewType(Definition.StreamViewType),
		},
	})
	if err != nil {
		return s.fail(ctx, fmt.Sprintf("create the table %s", s.cfg.Table), err)
	}
	waiter := dynamodb.NewTableExistsWaiter(s.client)
	if err := waiter.Wait(ctx, &dynamodb.DescribeTableInput{TableName: name}, maxTableWait); err != nil {
		return s.fail(ctx, fmt.Sprintf("wait for the table %s", s.cfg.Table), err)
	}
	_, err = s.client.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
		TableName: name,
		TimeToLiveSpecification: &types.TimeToLiveSpecification{
			AttributeName: aws.String(Definition.TTLAttribute), Enabled: aws.Bool(true),
		},
	})
	return s.fail(ctx, fmt.Sprintf("let runs expire in the table %s", s.cfg.Table), err)
}

// DeleteTable removes the table that CreateTable made, with everything in it. A table
// that is gone already is no error: the client repeats a call whose answer was lost.
func (s *Store) DeleteTable(ctx context.Context) error {
	_, err := s.client.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: aws.String(s.cfg.Table)})
	if _, gone := errors.AsType[*types.ResourceNotFoundException](err); gone {
		return nil
	}
	return s.fail(ctx, fmt.Sprintf("delete the table %s", s.cfg.Table), err)
}

func keySchema(partition, sort string) []types.KeySchemaElement {
	return []types.KeySchemaElement{
		{AttributeName: aws.String(partition), KeyType: types.KeyTypeHash},
		{AttributeName: aws.String(sort), KeyType: types.KeyTypeRange},
	}
}

func textAttributes(names ...string) []types.AttributeDefinition {
	var definitions []types.AttributeDefinition
	for _, name := range names {
		definitions = append(definitions, types.AttributeDefinition{AttributeName: aws.String(name), AttributeType: types.ScalarAttributeTypeS})
	}
	return definitions
}
