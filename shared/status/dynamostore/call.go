package dynamostore

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// get reads one item as it is now; nil when there is none.
func (s *Store) get(ctx context.Context, op, pk, sk string) (item, error) {
	out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &s.cfg.Table, Key: primaryKey(pk, sk), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return nil, s.fail(ctx, op, err)
	}
	return out.Item, nil
}

func (s *Store) put(ctx context.Context, op string, it item) error {
	_, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.cfg.Table, Item: it})
	return s.fail(ctx, op, err)
}

// condition is what must hold for a write, with the values it compares.
type condition struct {
	expression string
	values     item
}

func (s *Store) deleteIf(ctx context.Context, op, pk, sk string, c condition) error {
	in := &dynamodb.DeleteItemInput{TableName: &s.cfg.Table, Key: primaryKey(pk, sk)}
	if c.expression != "" {
		in.ConditionExpression = &c.expression
		in.ExpressionAttributeValues = c.values
		in.ExpressionAttributeNames = namesIn(c.expression)
	}
	_, err := s.client.DeleteItem(ctx, in)
	if _, gone := refused(err); gone {
		return nil
	}
	return s.fail(ctx, op, err)
}

// namesIn returns the attribute names that an expression uses. In our expressions
// every name is written as #name, because many are reserved words of DynamoDB.
func namesIn(expressions ...string) map[string]string {
	names := map[string]string{}
	for _, e := range expressions {
		for i := 0; i < len(e); i++ {
			if e[i] != '#' {
				continue
			}
			j := i + 1
			for j < len(e) && (e[j] == '_' || e[j] >= 'a' && e[j] <= 'z') {
				j++
			}
			names[e[i:j]] = e[i+1 : j]
			i = j - 1
		}
	}
	if len(names) == 0 {
		return nil
	}
	return names
}

// Back-off between the repetitions of a batch that DynamoDB carried out in part.
const (
	firstPause = 25 * time.Millisecond
	lastPause  = 2 * time.Second
)

// pause waits before the n-th repetition, with jitter, and not past the context's end.
func pause(ctx context.Context, n int) error {
	d := min(firstPause<<min(n, 10), lastPause)
	timer := time.NewTimer(d/2 + rand.N(d/2))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// damaged reports a row that a list or a page leaves out.
func (s *Store) damaged(ctx context.Context, op string, err error) {
	s.cfg.Log.ErrorContext(ctx, "a stored row is left out", "operation", op, "connection", s.cfg.Connection, "error", err)
}

// batchesInFlight is how many batch calls run at once.
const batchesInFlight = 8

// writeBatch is BatchWriteItem's limit, readBatch BatchGetItem's.
const (
	writeBatch = 25
	readBatch  = 100
)

// write carries out up to writeBatch writes, however often DynamoDB does a part of them only.
func (s *Store) write(ctx context.Context, writes []types.WriteRequest) error {
	for n := 0; ; n++ {
		out, err := s.client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
			RequestItems: map[string][]types.WriteRequest{s.cfg.Table: writes},
		})
		if err != nil {
			return err
		}
		// One table was asked, so all that is left over is of it, whatever it is called.
		if writes = slices.Concat(slices.Collect(maps.Values(out.UnprocessedItems))...); len(writes) == 0 {
			return nil
		}
		if err := pause(ctx, n); err != nil {
			return err
		}
	}
}

// read fetches up to readBatch items as they are now.
func (s *Store) read(ctx context.Context, keys []item, projection string) ([]item, error) {
	var found []item
	for n := 0; ; n++ {
		out, err := s.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
			RequestItems: map[string]types.KeysAndAttributes{s.cfg.Table: {
				Keys: keys, ConsistentRead: aws.Bool(true),
				ProjectionExpression: &projection, ExpressionAttributeNames: namesIn(projection),
			}},
		})
		if err != nil {
			return nil, err
		}
		for _, items := range out.Responses {
			found = append(found, items...)
		}
		keys = nil
		for _, left := range out.UnprocessedKeys {
			keys = append(keys, left.Keys...)
		}
		if len(keys) == 0 {
			return found, nil
		}
		if err := pause(ctx, n); err != nil {
			return nil, err
		}
	}
}
