package ipaas_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"contactsync/shared/ipaas"
	"contactsync/shared/ipaas/ipaastest"
	"contactsync/shared/outbound"
	"contactsync/shared/transfer"
)

func simulated(t *testing.T, cfg ipaastest.Config) (*ipaas.Client, *ipaastest.Simulator) {
	t.Helper()
	sim := ipaastest.Start(t, cfg)
	client, err := ipaas.New(ipaas.Config{
		BaseURL: sim.BaseURL(), SystemID: strconv.FormatInt(sim.SystemID(), 10), CompanyTable: cfg.Switches.CompanyTable,
		Credentials: &secret{accounts: []ipaas.Account{{APIKey: sim.APIKey(), ClientID: "client-1"}}},
		Outbound:    outbound.New(outbound.Config{HTTP: sim.HTTPClient(), BackOff: time.Millisecond, Attempts: 2}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return client, sim
}

// TestTheWayOfACustomer takes one customer through every call, once for each way
// in which a real account may differ from what the references assume.
func TestTheWayOfACustomer(t *testing.T) {
	switches := map[string]ipaastest.Switches{
		"as assumed":                         {},
		"creates answer 201":                 {CreateStatus: 201},
		"writes answer only the id":          {EmptyAnswers: true},
		"ids are text":                       {StringIDs: true, BareLookups: true},
		"409 and errors in the title":        {Status: map[string]int{"BIZL": 409}, ErrorForm: ipaastest.ErrorInTitle},
		"errors are nested":                  {ErrorForm: ipaastest.ErrorNested},
		"errors are plain text":              {ErrorForm: ipaastest.ErrorText},
		"errors stand in the reason phrase":  {ErrorForm: ipaastest.ErrorReasonPhrase},
		"no pagination":                      {NoPagination: true},
		"searches match too much":            {EmailSearch: ipaastest.EmailPrefix},
		"no match is 404":                    {NoMatchIs404: true},
		"another code for a taken e-mail":    {DuplicateEmailCode: "BIZL-1004"},
		"another code for an unknown field":  {UndefinedFieldCode: "NFND-1005"},
		"companies have another table":       {CompanyTable: "company"},
		"deleted records answer 404":         {DeletedIs404: true},
		"searches show the inactive as such": {SearchShowsInactive: true, ActiveMember: "is_active"},
	}
	for name, sw := range switches {
		t.Run(name, func(t *testing.T) {
			client, sim := simulated(t, ipaastest.Config{Switches: sw, RequireClientID: true, ClientIDs: []string{"client-1"}})
			company := sim.AddCompany("Analytical Engines", "C100")
			ctx := t.Context()

			check(t, "ping", client.Ping(ctx), nil)
			id, err := client.SpaceportID(ctx, "C100", "Customer Company", "")
			check(t, "look up the company", err, nil)
			if id != strconv.FormatInt(company, 10) {
				t.Errorf("company: got %q, want %d", id, company)
			}
			if id, err := client.SpaceportID(ctx, "C|?", "Customer Company", ""); id != "" || err != nil {
				t.Errorf("an unlinked company: got %q, error %v", id, err)
			}

			made, err := client.Create(ctx, ada())
			check(t, "create", err, nil)
			if id, err := client.CustomerByExternalID(ctx, "44552|contact"); id != made.ID || err != nil {
				t.Errorf("look-up: got %q, error %v; want %s", id, err, made.ID)
			}
			shown, err := client.Customer(ctx, made.ID)
			check(t, "read", err, nil)
			if shown.ExternalID != "44552|contact" || len(shown.Customer.Addresses) != 1 || shown.Customer.Addresses[0].ExternalID != "44552|contact|address" {
				t.Errorf("read: got %+v", shown)
			}
			found, err := client.CustomersByEmail(ctx, "ADA.byron@example.com")
			if err != nil || len(found) != 1 || found[0].ID != made.ID {
				t.Errorf("search: got %v, error %v", found, err)
			}
			if external, err := client.ExternalIDOf(ctx, made.ID); external != "44552|contact" || err != nil {
				t.Errorf("external id: got %q, error %v", external, err)
			}

			other := ada()
			other.ExternalID, other.Addresses = "44553|contact", nil
			_, err = client.Create(ctx, other)
			check(t, "create with the same e-mail", err, transfer.ErrTaken)
			unknown := ada()
			unknown.ExternalID = ""
			unknown.CustomFields[0].Name = "Unheard Of"
			_, err = client.Update(ctx, made.ID, unknown)
			check(t, "update with an unknown custom field", err, transfer.CustomFieldNotFound)

			check(t, "link", client.Link(ctx, made.ID, "44554|contact"), nil)
			if id, err := client.CustomerByExternalID(ctx, "44552|contact"); id != "" || err != nil {
				t.Errorf("the number it had: got %q, error %v", id, err)
			}
			number, _ := strconv.ParseInt(made.ID, 10, 64)
			sim.Deactivate(number)
			body := ada()
			body.ExternalID = ""
			_, err = client.Update(ctx, made.ID, body)
			check(t, "update while inactive", err, transfer.ErrInactive)
			sim.Delete(number)
			_, err = client.Update(ctx, made.ID, body)
			check(t, "update when it is gone", err, transfer.ErrGone)
			_, err = client.Customer(ctx, made.ID)
			check(t, "read when it is gone", err, transfer.ErrGone)
			if id, err := client.CustomerByExternalID(ctx, "44554|contact"); id != "" || err != nil {
				t.Errorf("look-up when it is gone: got %q, error %v", id, err)
			}
		})
	}
}

func check(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) || want == nil && err != nil {
		t.Errorf("%s: got %v, want %v", what, err, want)
	}
}

func TestACreateWhoseAnswerIsLostIsFoundByItsExternalID(t *testing.T) {
	for name, effect := range map[string]ipaastest.Effect{
		"cut before the answer":           ipaastest.LostAnswer(),
		"cut within the answer":           {Cut: true, Process: true, KeepBytes: 20},
		"carried out and answered as 500": {Status: 500, Process: true},
	} {
		t.Run(name, func(t *testing.T) {
			client, sim := simulated(t, ipaastest.Config{})
			sim.Fail(ipaastest.Script{Route: ipaastest.CustomerCreate, Effect: effect})
			_, err := client.Create(t.Context(), ada())
			check(t, "create", err, transfer.ErrUnknownOutcome)
			if n := sim.Calls(ipaastest.CustomerCreate); n != 1 {
				t.Errorf("%d creates were sent, want 1", n)
			}
			if id, err := client.CustomerByExternalID(t.Context(), "44552|contact"); id == "" || err != nil {
				t.Errorf("look-up: got %q, error %v", id, err)
			}
		})
	}
}

func TestACreateThatWasTurnedAwayIsSentAgain(t *testing.T) {
	client, sim := simulated(t, ipaastest.Config{})
	sim.Fail(ipaastest.Script{Route: ipaastest.CustomerCreate, Effect: ipaastest.Throttled("0.01")})
	if _, err := client.Create(t.Context(), ada()); err != nil || sim.CountCustomers() != 1 {
		t.Errorf("got %d customers, error %v", sim.CountCustomers(), err)
	}
}

func TestACreateThatOurDeadlineCutsIsUnknownAndNoFault(t *testing.T) {
	client, sim := simulated(t, ipaastest.Config{})
	gate := sim.HoldAnswer(ipaastest.CustomerCreate)
	defer gate.Open()
	ctx, cancel := context.WithTimeout(t.Context(), 1100*time.Millisecond)
	defer cancel()
	_, err := client.Create(ctx, ada())
	check(t, "create", err, transfer.ErrUnknownOutcome)
	check(t, "create", err, context.DeadlineExceeded)
	if fault := transfer.FaultOf(err); fault != transfer.Internal {
		t.Errorf("a call that our own deadline cuts has the fault %s, which spends an attempt", fault.Code)
	}
}

func TestAReadOnlyKeyStopsTheRun(t *testing.T) {
	client, _ := simulated(t, ipaastest.Config{APIKeys: []ipaastest.APIKey{{Value: "k", ReadOnly: true}}})
	check(t, "ping", client.Ping(t.Context()), nil)
	_, err := client.Create(t.Context(), ada())
	check(t, "create", err, transfer.DestinationUnauthorized)
}
