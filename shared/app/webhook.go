package app

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/aws/aws-lambda-go/events"

	"contactsync/shared/contact"
	"contactsync/shared/customer"
	"contactsync/shared/ipaas"
	"contactsync/shared/webhook"
)

// Handler returns the handler of every route of the webhook function.
func (a *App) Handler() (http.Handler, error) {
	return webhook.New(webhook.Config{
		NewSyncer: func() (webhook.Syncer, error) { return a.Runner() },
		Store:     a.Store,
		Callers:   a.secrets,
		Preflight: a,
		BodyOf:    func(c customer.Customer) (json.RawMessage, error) { return a.Body(&c) },
		Dispatch:  a.parts.Dispatch,
		CompanyID: a.companyID(),
		Workers:   a.Config.Workers,
		Now:       a.now,
		Log:       a.log,
	})
}

// companyID is our company's id, "" where BC_COMPANY is its name: the id behind a
// name is known to Business Central only.
func (a *App) companyID() string {
	if contact.IsGUID(a.Config.BCCompany) {
		return a.Config.BCCompany
	}
	return ""
}

// Webhook returns the webhook function's handler of API Gateway events. After an
// invocation in which a system refused calls it writes their metrics.
func (a *App) Webhook() (func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error), error) {
	h, err := a.Handler()
	if err != nil {
		return nil, err
	}
	handle := webhook.LambdaHandler(h)
	return func(ctx context.Context, e events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		defer a.reportCalls(ctx)
		return handle(ctx, e)
	}, nil
}

// Body returns the body of a create or update as it is sent to iPaaS.com; nil for nil.
func (a *App) Body(c *customer.Customer) (json.RawMessage, error) {
	if c == nil {
		return nil, nil
	}
	return ipaas.AppendBody(nil, *c, a.Config.IPaaSSystemID), nil
}
