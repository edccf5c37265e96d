package dynamostore

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"contactsync/shared/transfer"
)

// What a stream image is, when it is no request that waits.
var (
	// ErrNotPending: nothing waits in the item: it is a state, a run, control data,
	// or its status is another one.
	ErrNotPending = errors.New("the item is no pending request")
	// ErrOtherConnection: the item belongs to another connection of the same table.
	ErrOtherConnection = errors.New("the item belongs to another connection")
)

// ParseRequestImage reads the new image of an event of the table's stream. It is
// [ErrNotPending] or [ErrOtherConnection] when the image asks nothing of this
// connection, and [contactsync/shared/status.ErrDamaged] when it cannot be
// understood. What it returns is what was stored when the event was made; the
// request may be replaced or done by now.
func ParseRequestImage(connection string, image map[string]events.DynamoDBAttributeValue) (transfer.Request, error) {
	it := make(item, len(image))
	for name, value := range image {
		switch value.DataType() {
		case events.DataTypeString:
			it[name] = text(value.String())
		case events.DataTypeBoolean:
			it[name] = boolean(value.Boolean())
		case events.DataTypeNumber:
			it[name] = &types.AttributeValueMemberN{Value: value.Number()}
		default: // no attribute of a request; a wrong type in place of one is noticed below
			it[name] = &types.AttributeValueMemberNULL{Value: true}
		}
	}
	pk, _ := it[attrPK].(*types.AttributeValueMemberS)
	sk, _ := it[attrSK].(*types.AttributeValueMemberS)
	waits, _ := it[attrStatus].(*types.AttributeValueMemberS)
	prefix := connectionPrefix(connection)
	switch {
	case pk == nil || sk == nil || waits == nil || waits.Value != string(transfer.Pending) || sk.Value != skRequest:
		return transfer.Request{}, fmt.Errorf("item %s: %w", itemName(it), ErrNotPending)
	case !strings.HasPrefix(pk.Value, prefix):
		return transfer.Request{}, fmt.Errorf("item %s: %w", itemName(it), ErrOtherConnection)
	}
	return parseRequest(it, prefix)
}
