// Command poll is the poll function: it transfers requested and changed contacts.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"contactsync/shared/app"
)

func main() {
	a, err := app.New(context.Background(), os.Environ())
	if err != nil {
		slog.New(slog.NewJSONHandler(os.Stdout, nil)).Error("the poll function cannot start", "error", err)
		os.Exit(1)
	}
	lambda.Start(a.Poll)
}
