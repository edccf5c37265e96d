package dynamostore

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"contactsync/shared/contact"
	"contactsync/shared/status"
	"contactsync/shared/status/internal/listing"
	"contactsync/shared/transfer"
)

const (
	isFree = "(attribute_not_exists(#claim_owner) OR #claim_until <= :now)"
	isOurs = "#claim_owner = :owner"
)

// Claim takes the claim with one conditional write; see [transfer.Ledger]. Open
// claims are counted, so that one which ended without an outcome is still known
// after a later one was given back.
func (s *Store) Claim(ctx context.Context, key transfer.Key, claim transfer.Claim, now time.Time, seed transfer.State) (transfer.State, error) {
	op := "claim " + status.Ref(key).String()
	if err := listing.CheckKey(key); err != nil {
		return transfer.State{}, fmt.Errorf("%s: %w", op, err)
	}
	seed = listing.SeedFor(key, seed)
	if err := listing.CheckState(&seed); err != nil {
		return transfer.State{}, fmt.Errorf("%s: seed: %w", op, err)
	}
	if seed.Status != "" {
		// A seed with an outcome belongs into the index, and only if it is stored.
		state, isNew, err := s.claimNew(ctx, op, key, claim, seed)
		if err != nil || isNew {
			return state, err
		}
	}
	values := item{
		":owner": text(claim.Owner), ":until": moment(claim.Until), ":now": moment(now), ":one": number(1),
		":transfer": transferOf(&seed), ":known": knownOf(&seed), ":attempts": attemptsOf(&seed),
		":names": names(claim.ExternalID), ":none": names(), ":begun": names(seed.Begun...),
	}
	// What stands on the right of a SET is the item as it was: the names are those of the claim before.
	update := "SET #claim_owner = :owner, #claim_until = :until, #transfer = if_not_exists(#transfer, :transfer), " +
		"#known = if_not_exists(#known, :known), #attempts = if_not_exists(#attempts, :attempts), #claim_names = :names, " +
		"#begun = list_append(if_not_exists(#begun, :begun), if_not_exists(#claim_names, :none)) ADD #open_claims :one"
	condition := isFree
	out, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.cfg.Table, Key: primaryKey(s.keyPK(key), skState),
		UpdateExpression: &update, ConditionExpression: &condition,
		ExpressionAttributeNames: namesIn(update, condition), ExpressionAttributeValues: values,
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if held, no := refused(err); no {
		if !isClaim(held, claim) {
			return transfer.State{}, fmt.Errorf("%s: %w", op, transfer.ErrClaimed)
		}
		return claimed(op, held) // our own write, repeated because its answer was lost
	}
	if err != nil {
		return transfer.State{}, s.fail(ctx, op, err)
	}
	return claimed(op, out.Attributes)
}

// claimNew stores the seed under the claim where there is no item at all.
func (s *Store) claimNew(ctx context.Context, op string, key transfer.Key, claim transfer.Claim, seed transfer.State) (_ transfer.State, isNew bool, _ error) {
	f := fields(primaryKey(s.keyPK(key), skState))
	f[attrTransfer], f[attrKnown], f[attrAttempts] = transferOf(&seed), knownOf(&seed), attemptsOf(&seed)
	f[attrClaimOwner], f[attrClaimUntil], f[attrOpenClaims] = text(claim.Owner), moment(claim.Until), number(1)
	f[attrClaimNames], f[attrBegun] = names(claim.ExternalID), names(seed.Begun...)
	s.index(f, &seed)
	condition := "attribute_not_exists(#pk)"
	_, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.cfg.Table, Item: f, ConditionExpression: &condition, ExpressionAttributeNames: namesIn(condition),
	})
	if _, exists := refused(err); exists {
		return transfer.State{}, false, nil
	}
	if err != nil {
		return transfer.State{}, false, s.fail(ctx, op, err)
	}
	state, err := claimed(op, item(f))
	return state, true, err
}

func claimed(op string, it item) (transfer.State, error) {
	state, err := stateOf(it)
	if err != nil {
		return transfer.State{}, fmt.Errorf("%s: %w", op, err)
	}
	r := newReader(it)
	state.Interrupted = r.number(attrOpenClaims) > 1
	return state, r.done()
}

func isClaim(it item, claim transfer.Claim) bool {
	owner, _ := it[attrClaimOwner].(*types.AttributeValueMemberS)
	until, _ := it[attrClaimUntil].(*types.AttributeValueMemberS)
	return owner != nil && until != nil && owner.Value == claim.Owner && until.Value == listing.FormatTime(claim.Until) && newReader(it).claimName() == claim.ExternalID
}

// Save stores the outcome with one conditional write; see [transfer.Ledger]. At
// most [transfer.MaxAttempts] attempts are kept.
func (s *Store) Save(ctx context.Context, state transfer.State, owner string) error {
	op := "store the outcome of " + state.Ref().String()
	if err := listing.CheckState(&state); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	set := fields{attrTransfer: transferOf(&state), attrKnown: knownOf(&state), attrAttempts: attemptsOf(&state), attrSavedBy: text(owner)}
	set[attrBegun] = names(state.Begun...) // an empty list too: the seed's must not come back
	s.index(set, &state)
	values := item{":owner": text(owner)}
	assignments := make([]string, 0, len(set))
	for name, value := range set {
		assignments = append(assignments, "#"+name+" = :"+name)
		values[":"+name] = value
	}
	update := "SET " + strings.Join(assignments, ", ") + " REMOVE #claim_owner, #claim_until, #claim_names, #open_claims"
	if state.Status == "" {
		update += ", #status, #status_key, #sort_key"
	}
	if state.No != "" {
		update += " ADD #numbers :numbers"
		values[":numbers"] = setOf(contact.Key(state.No))
	}
	condition := isOurs
	_, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.cfg.Table, Key: primaryKey(s.keyPK(state.Key()), skState),
		UpdateExpression: &update, ConditionExpression: &condition,
		ExpressionAttributeNames: namesIn(update, condition), ExpressionAttributeValues: values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if stored, no := refused(err); no {
		if by, ok := stored[attrSavedBy].(*types.AttributeValueMemberS); ok && by.Value == owner {
			return nil // our own write, repeated because its answer was lost; another may have the claim by now
		}
		return fmt.Errorf("%s: %w", op, transfer.ErrClaimLost)
	}
	return s.fail(ctx, op, err)
}

// Release gives the claim back; see [transfer.Ledger].
func (s *Store) Release(ctx context.Context, key transfer.Key, owner string) error {
	op := "release " + status.Ref(key).String()
	if err := listing.CheckKey(key); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	update := "REMOVE #claim_owner, #claim_until, #claim_names ADD #open_claims :less"
	condition := isOurs
	_, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.cfg.Table, Key: primaryKey(s.keyPK(key), skState),
		UpdateExpression: &update, ConditionExpression: &condition,
		ExpressionAttributeNames:  namesIn(update, condition),
		ExpressionAttributeValues: item{":owner": text(owner), ":less": number(-1)},
	})
	if _, lost := refused(err); lost {
		return nil
	}
	return s.fail(ctx, op, err)
}

// State returns a state with its attempts; see [transfer.Ledger].
func (s *Store) State(ctx context.Context, key transfer.Key) (transfer.State, error) {
	op := "read the state of " + status.Ref(key).String()
	if err := listing.CheckKey(key); err != nil {
		return transfer.State{}, fmt.Errorf("%s: %w", op, err)
	}
	it, err := s.get(ctx, op, s.keyPK(key), skState)
	if err != nil {
		return transfer.State{}, err
	}
	if !hasState(it) {
		return transfer.State{}, fmt.Errorf("%s: %w", op, transfer.ErrNoState)
	}
	state, err := stateOf(it)
	if err != nil {
		return transfer.State{}, fmt.Errorf("%s: %w", op, err)
	}
	return state, nil
}

// KeyOf follows the pointer from a number to an internal id; see
// [transfer.Ledger]. A pointer goes before a state under the same number.
func (s *Store) KeyOf(ctx context.Context, ref contact.Ref) (transfer.Key, bool, error) {
	n, err := s.find(ctx, ref)
	return n.Key, n.Found, err
}

// Number returns what is known of a number; see [transfer.Ledger].
func (s *Store) Number(ctx context.Context, no string) (transfer.Number, error) {
	return s.find(ctx, contact.Ref{No: no})
}

func (s *Store) find(ctx context.Context, ref contact.Ref) (transfer.Number, error) {
	op := "find the state of " + ref.String()
	n := transfer.Number{Key: transfer.Key{ID: ref.ID, No: contact.Key(ref.No)}}
	if err := listing.CheckKey(n.Key); err != nil {
		return transfer.Number{}, fmt.Errorf("%s: %w", op, err)
	}
	it, err := s.get(ctx, op, s.keyPK(n.Key), skState)
	if err != nil || len(it) == 0 {
		return n, err
	}
	if it[attrLeadsTo] == nil {
		n.Found = true
		return n, nil
	}
	return numberOf(op, it)
}

// numberOf reads a pointer.
func numberOf(op string, it item) (transfer.Number, error) {
	r := newReader(it)
	id := r.text(attrLeadsTo)
	n := transfer.Number{Key: transfer.Key{ID: id}, Found: true, First: cmp.Or(r.text(attrFirst), id), LedTo: r.set(attrLedTo)}
	if n.LedTo == nil {
		n.LedTo = []string{id} // see rememberFirst
	}
	if err := r.done(); err != nil {
		return transfer.Number{}, fmt.Errorf("%s: %w", op, err)
	}
	return n, nil
}

// stateAttributes are all attributes of a state, which a pointer takes the place of.
var stateAttributes = []string{
	attrStatus, attrStatusKey, attrSortKey, attrTransfer, attrKnown, attrAttempts, attrNumbers, attrClaimOwner, attrClaimUntil,
	attrClaimNames, attrBegun, attrOpenClaims, attrSavedBy,
}

// Point makes a number lead to an internal id; see [transfer.Ledger].
func (s *Store) Point(ctx context.Context, no, id string) (transfer.Number, error) {
	op := "make the number " + contact.ExternalID(no) + " lead to its internal id"
	if contact.Key(no) == "" || id == "" {
		return transfer.Number{}, fmt.Errorf("%s: both number and internal id are needed, got %q and %q", op, no, id)
	}
	update := "SET #leads_to = :id, #first_led_to = if_not_exists(#first_led_to, :id) ADD #led_to :ids REMOVE #" + strings.Join(stateAttributes, ", #")
	condition := "attribute_exists(#led_to) OR attribute_not_exists(#leads_to)"
	for again := false; ; again = true {
		out, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: &s.cfg.Table, Key: primaryKey(s.numberPK(no), skState),
			UpdateExpression: &update, ConditionExpression: &condition, ExpressionAttributeNames: namesIn(update, condition),
			ExpressionAttributeValues: item{":id": text(id), ":ids": setOf(id)}, ReturnValues: types.ReturnValueAllNew,
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		})
		if err == nil {
			return numberOf(op, out.Attributes)
		}
		old, bare := refused(err)
		if !bare || again {
			return transfer.Number{}, s.fail(ctx, op, err)
		}
		if err := s.rememberFirst(ctx, op, no, old); err != nil {
			return transfer.Number{}, err
		}
	}
}

// rememberFirst completes a pointer of a version that knew only where it leads: that
// contact must stay known when the number leads to another one.
func (s *Store) rememberFirst(ctx context.Context, op, no string, old item) error {
	r := newReader(old)
	id := r.text(attrLeadsTo)
	if err := r.done(); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	update := "SET #first_led_to = :id ADD #led_to :ids"
	condition := "#leads_to = :id AND attribute_not_exists(#led_to)"
	_, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.cfg.Table, Key: primaryKey(s.numberPK(no), skState),
		UpdateExpression: &update, ConditionExpression: &condition, ExpressionAttributeNames: namesIn(update, condition),
		ExpressionAttributeValues: item{":id": text(id), ":ids": setOf(id)},
	})
	if _, done := refused(err); done {
		return nil // by another execution
	}
	return s.fail(ctx, op, err)
}

// Forget removes every row of a contact, under each number that it ever had here;
// see [status.Store].
func (s *Store) Forget(ctx context.Context, key transfer.Key) error {
	op := "forget " + status.Ref(key).String()
	if err := listing.CheckKey(key); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	it, err := s.get(ctx, op, s.keyPK(key), skState)
	if err != nil {
		return err
	}
	if id, ok := it[attrLeadsTo].(*types.AttributeValueMemberS); ok {
		if err := s.forgetRows(ctx, op, s.keyPK(key)); err != nil {
			return err
		}
		return s.Forget(ctx, transfer.Key{ID: id.Value})
	}
	if numbers, ok := it[attrNumbers].(*types.AttributeValueMemberSS); ok && key.ID != "" {
		for _, no := range numbers.Value {
			if err := s.forgetNumber(ctx, op, no, key.ID); err != nil {
				return err
			}
		}
	}
	return s.forgetRows(ctx, op, s.keyPK(key))
}

// forgetNumber removes the pointer and the request under a number, unless the
// number belongs to another contact by now.
func (s *Store) forgetNumber(ctx context.Context, op, no, id string) error {
	it, err := s.get(ctx, op, s.numberPK(no), skState)
	if err != nil {
		return err
	}
	if leadsTo, ok := it[attrLeadsTo].(*types.AttributeValueMemberS); !ok || leadsTo.Value != id {
		return nil
	}
	return s.forgetRows(ctx, op, s.numberPK(no))
}

func (s *Store) forgetRows(ctx context.Context, op, pk string) error {
	return s.fail(ctx, op, s.write(ctx, []types.WriteRequest{
		{DeleteRequest: &types.DeleteRequest{Key: primaryKey(pk, skRequest)}},
		{DeleteRequest: &types.DeleteRequest{Key: primaryKey(pk, skState)}},
	}))
}
