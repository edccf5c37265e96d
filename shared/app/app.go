// Package app wires the parts together: for both functions, for the operator's
// command with its sandbox, and for end-to-end tests. It decides nothing.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"contactsync/files"
	"contactsync/shared/businesscentral"
	"contactsync/shared/config"
	"contactsync/shared/credentials"
	"contactsync/shared/ipaas"
	"contactsync/shared/mapping"
	"contactsync/shared/observe"
	"contactsync/shared/outbound"
	"contactsync/shared/poll"
	"contactsync/shared/status"
	"contactsync/shared/transfer"
)

// Parts are what differs between a Lambda function, the sandbox and a test.
type Parts struct {
	Config  config.Config
	Secrets *credentials.Provider
	Store   status.Store
	Mapping *mapping.Collection // read as Config says if nil

	SourceHTTP, TargetHTTP *http.Client // clients of their own if nil
	Now                    func() time.Time
	Log                    *slog.Logger
	Progress               func(status.Counts)               // see poll.Config
	Meter                  *observe.Meter                    // nil: no metrics
	Dispatch               func(requests []transfer.Request) // see webhook.Config
	RetryBackOff           time.Duration                     // of the clients' calls; their default if zero
}

// An App is one connection, ready to run. It is safe for concurrent use.
type App struct {
	Config  config.Config
	Mapping *mapping.Collection
	Store   status.Store
	Source  *businesscentral.Client
	Target  *ipaas.Client

	parts   Parts
	secrets *credentials.Provider
	pace    pace
	calls   tally
	log     *slog.Logger
	now     func() time.Time
}

// Assemble makes an App of its parts. It makes no call; the error lists every
// problem of settings, mapping and profile.
func Assemble(p Parts) (*App, error) {
	a := &App{Config: p.Config, Mapping: p.Mapping, Store: p.Store, parts: p, secrets: p.Secrets, log: p.Log, now: p.Now}
	if a.log == nil {
		a.log = slog.Default()
	}
	if a.now == nil {
		a.now = time.Now
	}
	var problems []error
	if a.Mapping == nil {
		var err error
		if a.Mapping, err = LoadMapping(p.Config.MappingFile); err != nil {
			problems = append(problems, err)
		}
	}
	if err := a.connectTarget(); err != nil {
		problems = append(problems, err)
	}
	if err := a.connectSource(); err != nil {
		problems = append(problems, err)
	}
	return a, errors.Join(problems...)
}

// LoadMapping reads a mapping file, the one that is built in for an empty path. The
// path is looked for on disk, then among package files.
func LoadMapping(path string) (*mapping.Collection, error) {
	if path == "" {
		return mapping.Embedded()
	}
	data, err := files.Read(path)
	if err != nil {
		return nil, fmt.Errorf("MAPPING_FILE: %w", err)
	}
	return mapping.Load(path, data)
}

// sourceRate is Business Central's limit per user (business-central.md 6.1).
const sourceRate, sourceWindow = 6000, 5 * time.Minute

func (a *App) connectSource() error {
	calls := outbound.Config{
		HTTP: a.parts.SourceHTTP, InFlight: 5, Limiter: outbound.NewRate(sourceRate, sourceWindow), BackOff: a.parts.RetryBackOff, OnCall: a.calls.count,
	}
	c := a.Config
	var sources mapping.Sources // of a mapping that cannot be used: the other settings are checked all the same
	if a.Mapping != nil {
		sources = a.Mapping.Sources()
	}
	source, err := businesscentral.New(businesscentral.Config{
		BaseURL: c.BCBaseURL, TokenURL: c.BCTokenURL, Environment: c.BCEnvironment, Company: c.BCCompany, Profile: c.BCProfile,
		ContactService: c.BCContactService, CustomerService: c.BCCustomerService, CustomerCardService: c.BCCustomerCardService,
		APIPath: c.BCAPIPath, Sources: sources, Credentials: sourceAccount{a.secrets}, Outbound: calls,
		Now: a.now, Log: a.log, ReadFile: files.Read,
	})
	if err != nil {
		return err
	}
	a.Source = source
	a.pace.source = source
	return nil
}

func (a *App) connectTarget() error {
	limiter, err := a.Config.IPaaSRate.Limiter(a.Config.Workers)
	if err != nil {
		return err
	}
	calls := outbound.New(outbound.Config{
		HTTP: a.parts.TargetHTTP, InFlight: a.Config.Workers, Limiter: limiter, BackOff: a.parts.RetryBackOff, OnCall: a.calls.count,
	})
	a.pace.target = calls
	a.Target, err = ipaas.New(ipaas.Config{
		BaseURL: a.Config.IPaaSBaseURL, SystemID: a.Config.IPaaSSystemID, Credentials: targetAccount{a.secrets}, Outbound: calls,
	})
	return err
}

// pace tells until when one of the two systems asks for patience.
type pace struct {
	source, target interface{ HeldUntil() time.Time }
}

func (p *pace) HeldUntil() time.Time {
	until := p.target.HeldUntil()
	if other := p.source.HeldUntil(); other.After(until) {
		return other
	}
	return until
}

// Runner returns a Runner for one run or one manual sync: it remembers companies
// for its life.
func (a *App) Runner() (*transfer.Runner, error) {
	return transfer.New(transfer.Config{
		Source: a.Source, Target: a.Target.Session(), Ledger: a.Store, Mapping: a.Mapping, HashKey: a.HashKey,
		SystemID: a.Config.IPaaSSystemID,
		Policy: transfer.Policy{
			UpdateAndLink:          a.Config.CollisionMethod == config.UpdateAndLink,
			TransferWithoutCompany: a.Config.CompanyNotFound == config.TransferWithoutCompany,
		},
		RetryUnit: a.Config.RetryUnit, Now: a.now, Log: a.log,
	})
}

// Run does one run of the poll; see [poll.Poller.Run].
func (a *App) Run(ctx context.Context, e poll.Event) (status.Run, error) {
	runner, err := a.Runner()
	if err != nil {
		return status.Run{}, err
	}
	var keep poll.Upkeep
	if a.Config.WebhookURL != "" {
		keep = &upkeep{a}
	}
	p, err := poll.New(poll.Config{
		Connection: a.Config.Connection, Source: a.Source, Store: a.Store, Transfers: runner, Mapping: a.Mapping, Pace: &a.pace, Upkeep: keep,
		Overlap: a.Config.PollOverlap, Workers: a.Config.Workers, Now: a.now, Log: a.log, Progress: a.parts.Progress,
	})
	if err != nil {
		return status.Run{}, err
	}
	run, err := p.Run(ctx, e)
	a.report(ctx, run)
	return run, err
}
