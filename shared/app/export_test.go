package app

import (
	"context"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// NewOver is New with a transport of the test's below the client that New has.
func NewOver(ctx context.Context, environ []string, transport func(*http.Transport)) (*App, error) {
	return newDeployed(ctx, environ, deployment{aws: func(ctx context.Context) (aws.Config, error) {
		cfg, err := lambdaAWS(ctx)
		if err == nil {
			cfg.HTTPClient = cfg.HTTPClient.(*awshttp.BuildableClient).WithTransportOptions(transport)
		}
		return cfg, err
	}})
}
