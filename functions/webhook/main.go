// Command webhook is the webhook function: manual sync, hooks, Business Central
// notifications and the transfer status behind an API Gateway HTTP API.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"contactsync/shared/app"
)

func main() {
	handle, err := start()
	if err != nil {
		slog.New(slog.NewJSONHandler(os.Stdout, nil)).Error("the webhook function cannot start", "error", err)
		os.Exit(1)
	}
	lambda.Start(handle)
}

func start() (any, error) {
	a, err := app.New(context.Background(), os.Environ())
	if err != nil {
		return nil, err
	}
	return a.Webhook()
}
