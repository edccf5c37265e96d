// Package dynamostore keeps the transfer status in a DynamoDB table: the driver of
// [status.Store] for deployed stacks.
//
// One table holds everything (see [Definition]); several connections can share it,
// because every key starts with the connection's name:
//
//	pk                          sk                      what
//	<connection>#id#<id>        state                   state of a contact, by internal id
//	<connection>#contact#<NO>   state                   leads_to: the internal id whose state it is; or
//	                                                    the state itself where no internal id is known
//	<connection>#contact#<NO>   request                 the contact waits for its transfer
//	<connection>#id#<id>        request                 the same, known by internal id
//	<connection>#wake           request                 the poll is asked to read from its watermark
//	<connection>#run            <started_at>#<run id>   a run; expires
//	<connection>#control        watermark, backfill, lease, subscription, pause
//
// A request is the only item whose attribute status is "pending": the table's
// stream is filtered by it. The index by_status sorts by time and number. Its
// partition for retrying transfers is cut by how long they wait, so that it
// answers both for the ones that are due and for the ones that ended last; see
// [waitBands].
package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"contactsync/shared/status"
)

// Config says which table to use. Connection, Table and AWS are required.
type Config struct {
	Connection string
	Table      string

	AWS *aws.Config      // region, credentials, endpoints
	Now func() time.Time // time.Now if nil
	Log *slog.Logger     // slog.Default() if nil; told of rows that cannot be understood
}

// attempts of one call, the first included: with DynamoDB's own back-off that is
// about 10 s of patience when the table throttles, never past the context's end.
const (
	callAttempts = 8
	maxBackOff   = 3 * time.Second
)

// Store is a [status.Store] in DynamoDB. It is safe for concurrent use.
type Store struct {
	cfg    Config
	client *dynamodb.Client
	prefix string // of every key
}

var _ status.Store = (*Store)(nil)

// New returns a Store. It makes no call to DynamoDB.
func New(cfg Config) (*Store, error) {
	var problems []error
	if cfg.Connection == "" {
		problems = append(problems, errors.New("no connection is named"))
	}
	if cfg.Table == "" {
		problems = append(problems, errors.New("no table is named"))
	}
	if cfg.AWS == nil {
		problems = append(problems, errors.New("no AWS configuration is given"))
	}
	if len(problems) > 0 {
		return nil, fmt.Errorf("open the transfer status store: %w", errors.Join(problems...))
	}
	client := newClient(cfg.AWS)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	return &Store{cfg: cfg, client: client, prefix: connectionPrefix(cfg.Connection)}, nil
}

func newClient(shared *aws.Config) *dynamodb.Client {
	return dynamodb.NewFromConfig(*shared, func(o *dynamodb.Options) {
		o.Retryer = retry.NewStandard(func(r *retry.StandardOptions) {
			r.MaxAttempts = callAttempts
			r.MaxBackoff = maxBackOff
			r.Retryables = append(r.Retryables[:len(r.Retryables):len(r.Retryables)], retry.IsErrorRetryableFunc(isBrokenAnswer))
		})
	})
}

// isBrokenAnswer says of an answer that began and cannot be read to its end that
// the call is made again, which the SDK does not do by itself. Each of our writes
// may be repeated: it is the same again, or its condition tells that it was ours.
func isBrokenAnswer(err error) aws.Ternary {
	if _, broken := errors.AsType[*smithy.DeserializationError](err); broken {
		return aws.TrueTernary
	}
	return aws.UnknownTernary
}

// fail returns the error of an operation on the table: a context that ended as it
// is, everything else as [status.ErrUnavailable] with what to do about it.
func (s *Store) fail(ctx context.Context, op string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, status.ErrUnavailable) || errors.Is(err, status.ErrDamaged) {
		return fmt.Errorf("%s: %w", op, err)
	}
	if ended := ctx.Err(); ended != nil {
		return fmt.Errorf("%s: %w", op, ended)
	}
	hint := ""
	if apiErr, ok := errors.AsType[smithy.APIError](err); ok {
		switch code := apiErr.ErrorCode(); {
		case code == "ResourceNotFoundException":
			hint = fmt.Sprintf("the table %s or its index %s does not exist in this account and region: ", s.cfg.Table, Definition.Index)
		case strings.Contains(code, "AccessDenied"):
			hint = fmt.Sprintf("the role lacks a permission on the table %s or its index: ", s.cfg.Table)
		case code == "UnrecognizedClientException", code == "ExpiredTokenException", code == "InvalidSignatureException":
			hint = "AWS rejects the credentials: "
		case code == "ProvisionedThroughputExceededException", code == "ThrottlingException", code == "RequestLimitExceeded":
			hint = fmt.Sprintf("the table %s is throttled beyond patience: ", s.cfg.Table)
		}
	}
	return fmt.Errorf("%s: %w: %s%w", op, status.ErrUnavailable, hint, err)
}

// refused reports whether a conditional write was refused by its condition, and
// returns the item as it stood (nil when there was none).
func refused(err error) (item map[string]types.AttributeValue, yes bool) {
	if c, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return c.Item, true
	}
	return nil, false
}
