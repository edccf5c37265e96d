package stage

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"contactsync/shared/status/dynamostore"
)

// AWS returns the settings of AWS's client for a stand-in at the given address.
func AWS(address string) *aws.Config {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	return &aws.Config{
		Region: "us-east-1", BaseEndpoint: &address, Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
		HTTPClient: &http.Client{Transport: transport},
	}
}

// NewTable makes an empty table with the keys and the index that the store needs. A
// stand-in may know neither streams nor expiry, which no measurement asks for.
func NewTable(ctx context.Context, address, name string) error {
	client, d := dynamodb.NewFromConfig(*AWS(address)), dynamostore.Definition
	in := &dynamodb.CreateTableInput{
		TableName: &name, BillingMode: types.BillingModePayPerRequest, KeySchema: keys(d.PartitionKey, d.SortKey),
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName: &d.Index, KeySchema: keys(d.IndexPartitionKey, d.IndexSortKey),
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: d.IndexAttributes},
		}},
	}
	for _, attribute := range []string{d.PartitionKey, d.SortKey, d.IndexPartitionKey, d.IndexSortKey} {
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: aws.String(attribute), AttributeType: types.ScalarAttributeTypeS})
	}
	if _, err := client.CreateTable(ctx, in); err != nil {
		return err
	}
	soon := func(o *dynamodb.TableExistsWaiterOptions) { o.MinDelay, o.MaxDelay = 50*time.Millisecond, time.Second }
	return dynamodb.NewTableExistsWaiter(client, soon).Wait(ctx, &dynamodb.DescribeTableInput{TableName: &name}, 10*time.Second)
}

func keys(partition, sort string) []types.KeySchemaElement {
	return []types.KeySchemaElement{
		{AttributeName: aws.String(partition), KeyType: types.KeyTypeHash}, {AttributeName: aws.String(sort), KeyType: types.KeyTypeRange},
	}
}
