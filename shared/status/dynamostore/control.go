package dynamostore

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"contactsync/shared/status"
	"contactsync/shared/status/internal/listing"
)

func (s *Store) controlPK() string { return s.prefix + kindControl }

// PutRun stores a run; see [status.Store].
func (s *Store) PutRun(ctx context.Context, r status.Run) error {
	op := "store the run " + r.ID
	if r.ID == "" {
		return fmt.Errorf("store a run: it has no id")
	}
	return s.put(ctx, op, s.runItem(&r))
}

// Runs lists runs, newest first; see [status.Store]. DynamoDB removes expired
// items within days; they are left out before that.
func (s *Store) Runs(ctx context.Context, limit int) ([]status.Run, error) {
	const op = "list runs"
	limit = listing.Limit(limit)
	oldest := s.cfg.Now().Add(-status.RunsKept)
	condition := "#pk = :run AND #sk > :oldest"
	in := &dynamodb.QueryInput{
		TableName: &s.cfg.Table, KeyConditionExpression: &condition, ExpressionAttributeNames: namesIn(condition),
		ExpressionAttributeValues: item{":run": text(s.prefix + kindRun), ":oldest": moment(oldest)},
		ScanIndexForward:          aws.Bool(false), ConsistentRead: aws.Bool(true), Limit: aws.Int32(int32(min(limit, maxPage))),
	}
	runs := make([]status.Run, 0, limit)
	for {
		out, err := s.client.Query(ctx, in)
		if err != nil {
			return nil, s.fail(ctx, op, err)
		}
		for _, it := range out.Items {
			run, err := runOf(it)
			if err != nil {
				s.damaged(ctx, op, err)
				continue
			}
			if runs = append(runs, run); len(runs) == limit {
				return runs, nil
			}
		}
		if len(out.LastEvaluatedKey) == 0 {
			return runs, nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// AcquireLease takes the right to run; see [status.Store].
func (s *Store) AcquireLease(ctx context.Context, owner string, now, until time.Time) error {
	const op = "take the lease"
	f := fields(primaryKey(s.controlPK(), skLease))
	f["owner"], f["until"] = text(owner), moment(until)
	condition := "attribute_not_exists(#pk) OR #until <= :now OR #owner = :owner"
	_, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.cfg.Table, Item: f, ConditionExpression: &condition, ExpressionAttributeNames: namesIn(condition),
		ExpressionAttributeValues: item{":now": moment(now), ":owner": text(owner)},
	})
	if _, busy := refused(err); busy {
		return fmt.Errorf("%s: %w", op, status.ErrBusy)
	}
	return s.fail(ctx, op, err)
}

// RenewLease prolongs the lease; see [status.Store].
func (s *Store) RenewLease(ctx context.Context, owner string, until time.Time) error {
	const op = "prolong the lease"
	update, condition := "SET #until = :until", "#owner = :owner"
	_, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.cfg.Table, Key: primaryKey(s.controlPK(), skLease),
		UpdateExpression: &update, ConditionExpression: &condition, ExpressionAttributeNames: namesIn(update, condition),
		ExpressionAttributeValues: item{":until": moment(until), ":owner": text(owner)},
	})
	if _, lost := refused(err); lost {
		return fmt.Errorf("%s: %w", op, status.ErrLeaseLost)
	}
	return s.fail(ctx, op, err)
}

// ReleaseLease gives the lease back; see [status.Store].
func (s *Store) ReleaseLease(ctx context.Context, owner string) error {
	return s.deleteIf(ctx, "give the lease back", s.controlPK(), skLease,
		condition{"#owner = :owner", item{":owner": text(owner)}})
}

// Cursor returns how far a flow has come; see [status.Store].
func (s *Store) Cursor(ctx context.Context, flow status.Flow) (status.Cursor, error) {
	op := fmt.Sprintf("read the cursor %s", flow)
	if err := listing.CheckFlow(flow); err != nil {
		return status.Cursor{}, fmt.Errorf("%s: %w", op, err)
	}
	it, err := s.get(ctx, op, s.controlPK(), string(flow))
	if err != nil || len(it) == 0 {
		return status.Cursor{}, err
	}
	c, err := cursorOf(it)
	if err != nil {
		return status.Cursor{}, fmt.Errorf("%s: %w", op, err)
	}
	return c, nil
}

// PutCursor stores how far a flow has come; see [status.Store].
func (s *Store) PutCursor(ctx context.Context, flow status.Flow, c status.Cursor) error {
	op := fmt.Sprintf("store the cursor %s", flow)
	if err := listing.CheckFlow(flow); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	f := fields(primaryKey(s.controlPK(), string(flow)))
	cursorFields(f, &c)
	return s.put(ctx, op, item(f))
}

// Paused reports whether transfers are paused; see [status.Store].
func (s *Store) Paused(ctx context.Context) (bool, error) {
	const op = "read whether transfers are paused"
	it, err := s.get(ctx, op, s.controlPK(), skPause)
	if err != nil {
		return false, err
	}
	r := newReader(it)
	paused := r.boolean("paused")
	if err := r.done(); err != nil {
		return false, fmt.Errorf("%s: %w", op, err)
	}
	return paused, nil
}

// SetPaused pauses or resumes; see [status.Store].
func (s *Store) SetPaused(ctx context.Context, paused bool) error {
	it := primaryKey(s.controlPK(), skPause)
	it["paused"] = boolean(paused)
	return s.put(ctx, "store whether transfers are paused", it)
}

// Subscription returns what is known of the subscription; see [status.Store].
func (s *Store) Subscription(ctx context.Context) (status.Subscription, error) {
	const op = "read the subscription"
	it, err := s.get(ctx, op, s.controlPK(), skSubscription)
	if err != nil || len(it) == 0 {
		return status.Subscription{}, err
	}
	sub, err := subscriptionOf(it)
	if err != nil {
		return status.Subscription{}, fmt.Errorf("%s: %w", op, err)
	}
	return sub, nil
}

// PutSubscription stores what is known of the subscription; see [status.Store].
func (s *Store) PutSubscription(ctx context.Context, sub status.Subscription) error {
	f := fields(primaryKey(s.controlPK(), skSubscription))
	subscriptionFields(f, &sub)
	return s.put(ctx, "store the subscription", item(f))
}
