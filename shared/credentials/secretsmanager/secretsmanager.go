// Package secretsmanager reads the secret's document from AWS Secrets Manager.
package secretsmanager

import (
	"context"
	"errors"
	"fmt"

	aws "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/smithy-go"

	"contactsync/shared/credentials"
)

// Client is what a [Fetcher] needs of the AWS client.
type Client interface {
	GetSecretValue(ctx context.Context, in *aws.GetSecretValueInput, options ...func(*aws.Options)) (*aws.GetSecretValueOutput, error)
}

// A Fetcher reads the current version of one secret.
type Fetcher struct {
	client Client
	id     string
}

// New returns a Fetcher of the secret with that ARN or name. It makes no call.
func New(client Client, id string) *Fetcher { return &Fetcher{client: client, id: id} }

// Fetch returns the secret's text, or its bytes when it was stored as such. It is
// [credentials.ErrMissing] when there is no such secret, when it has no value yet
// or is about to be deleted, [credentials.ErrDenied] when a permission of the
// secret or its key is missing, and [credentials.ErrUnavailable] otherwise.
func (f *Fetcher) Fetch(ctx context.Context) ([]byte, error) {
	out, err := f.client.GetSecretValue(ctx, &aws.GetSecretValueInput{SecretId: &f.id})
	if err != nil {
		return nil, fmt.Errorf("read secret %s: %w: %w", f.id, conditionOf(err), err)
	}
	if out.SecretString != nil {
		return []byte(*out.SecretString), nil
	}
	return out.SecretBinary, nil
}

// conditionOf sorts the service's error codes.
func conditionOf(err error) error {
	var answer smithy.APIError
	if !errors.As(err, &answer) {
		return credentials.ErrUnavailable
	}
	switch answer.ErrorCode() {
	case "ResourceNotFoundException", "InvalidRequestException":
		return credentials.ErrMissing
	case "AccessDeniedException", "AccessDenied", "DecryptionFailure",
		"UnrecognizedClientException", "InvalidSignatureException":
		return credentials.ErrDenied
	}
	return credentials.ErrUnavailable
}
