package app

import (
	"context"
	"fmt"
	"strings"

	"contactsync/shared/poll"
	"contactsync/shared/transfer"
	"contactsync/shared/webhook"
)

// sampleSize is how many contacts the preflight previews.
const sampleSize = 20

// Preflight checks the seed's prerequisites and validation checklist (seed, Before
// You Begin; Validation Checklist) with reads only. Each check stands for itself:
// one that fails does not hide the others.
func (a *App) Preflight(ctx context.Context) ([]webhook.Check, error) {
	p := &preflight{app: a}
	p.secret(ctx)
	p.verdict("business central credentials", a.Source.CheckCredentials(ctx), "a token is given and accepted")
	p.services(ctx)
	usable := p.schema(ctx)
	p.verdict("ipaas.com credentials", a.Target.Ping(ctx), "the API key is accepted")
	p.learned(ctx)
	if usable {
		p.sample(ctx)
	} else {
		p.unknown("sample of contacts", "contacts cannot be read yet; see the checks above")
	}
	p.transfers(ctx)
	p.subscription(ctx)
	return p.checks, nil
}

type preflight struct {
	app    *App
	checks []webhook.Check
}

func (p *preflight) add(name string, ok bool, detail string) {
	p.checks = append(p.checks, webhook.Check{Name: name, OK: &ok, Detail: detail})
}

func (p *preflight) unknown(name, detail string) {
	p.checks = append(p.checks, webhook.Check{Name: name, Detail: detail})
}

// verdict is ok without an error, and otherwise says what to do.
func (p *preflight) verdict(name string, err error, fine string) {
	if err == nil {
		p.add(name, true, fine)
		return
	}
	p.add(name, false, reason(err))
}

// reason words an error for a person who sets things up.
func reason(err error) string {
	f := transfer.FaultOf(err)
	text := f.Code
	if detail := transfer.DetailOf(err); detail != "" {
		text += ": " + detail
	}
	return text + ". " + f.Resolution
}

func (p *preflight) secret(ctx context.Context) {
	secret, err := p.app.secrets.Secret(ctx)
	if err != nil {
		p.add("secret", false, err.Error())
		return
	}
	var remarks []string
	if len(secret.Webhook.APIKeys) == 0 {
		remarks = append(remarks, "webhook.api_keys is empty: nobody can call the operator's routes")
	}
	if len(secret.Webhook.ClientStates) == 0 {
		remarks = append(remarks, "webhook.client_states is empty: no notification of Business Central is accepted")
	}
	if len(secret.Unknown) > 0 {
		remarks = append(remarks, "members without a meaning: "+strings.Join(secret.Unknown, ", "))
	}
	if len(remarks) == 0 {
		remarks = []string{"readable and complete"}
	}
	p.add("secret", len(secret.Webhook.APIKeys) > 0 && len(secret.Webhook.ClientStates) > 0, strings.Join(remarks, "; "))
}

// services checks that the three web services are published (seed, Microsoft
// Dynamics 365 Requirements).
func (p *preflight) services(ctx context.Context) {
	services, err := p.app.Source.Published(ctx)
	if err != nil {
		p.add("web services", false, reason(err))
		return
	}
	for _, s := range services {
		detail := "published"
		if !s.Published {
			detail = fmt.Sprintf("%s is not published: publish the page in Business Central (Web Services), or set %s to its name", s.Name, s.Variable)
		}
		p.add("web service "+s.Name, s.Published, detail)
	}
}

// schema checks the mapped properties, the time of change and the internal id. It
// reports whether contacts can be read.
func (p *preflight) schema(ctx context.Context) bool {
	schema, err := p.app.Source.Schema(ctx)
	if err != nil {
		p.add("mapped properties", false, reason(err))
		return false
	}
	p.add("mapped properties", true, "the service offers every property that the mapping reads")
	detail := schema.Note
	if detail == "" {
		detail = "changed contacts are found by " + schema.TimeProperty
	}
	p.add("time of change", schema.Strategy != poll.FullScan, detail)
	if schema.InternalID {
		p.add("internal id", true, "contacts carry their internal id: a contact that gets another number keeps its customer")
	} else {
		p.add("internal id", false, "contacts carry no internal id: a contact that gets another number looks like a new one. Add SystemId to the page")
	}
	return true
}

// customFields names the custom fields that the mapping fills.
func (p *preflight) customFields() string {
	var names []string
	for _, table := range p.app.Mapping.Rows() {
		for _, row := range table.Rows {
			if name, ok := strings.CutSuffix(row.Destination, " (Custom Field)"); ok {
				names = append(names, name)
			}
		}
	}
	return strings.Join(names, ", ")
}

// sample previews the first contacts and says how many would fail and why
// (seed, Validation Checklist).
func (p *preflight) sample(ctx context.Context) {
	runner, err := p.app.Runner()
	if err != nil {
		p.add("sample of contacts", false, err.Error())
		return
	}
	var persons, skipped, fine int
	codes := map[string]int{}
	company := ""
	for item, err := range p.app.Source.Changed(ctx, poll.Window{}) {
		if err != nil {
			p.add("sample of contacts", false, reason(err))
			return
		}
		if item.Contact == nil || persons+skipped >= 5*sampleSize || persons >= sampleSize {
			break
		}
		got, err := runner.Preview(ctx, transfer.Job{Contact: item.Contact, Trigger: transfer.ByPoll})
		switch {
		case err != nil:
			p.add("sample of contacts", false, reason(err))
			return
		case got.Status == transfer.Skipped:
			skipped++
			continue
		case got.Problem != nil:
			codes[got.Problem.Code]++
		default:
			fine++
		}
		persons++
		if company == "" {
			company = item.Contact.CompanyID
		}
	}
	p.sampled(persons, skipped, fine, codes)
	p.company(ctx, company)
}

func (p *preflight) sampled(persons, skipped, fine int, codes map[string]int) {
	texts := []string{fmt.Sprintf("of the first %d contacts that pass the filter %d would be transferred", persons, fine)}
	for _, f := range transfer.Catalogue() {
		if n := codes[f.Code]; n > 0 {
			texts = append(texts, fmt.Sprintf("%d would end with %s", n, f.Code))
		}
	}
	texts = append(texts, fmt.Sprintf("%d others are left out by the filter", skipped))
	if persons == 0 {
		p.unknown("sample of contacts", strings.Join(texts, "; "))
		return
	}
	p.add("sample of contacts", fine == persons, strings.Join(texts, "; "))
}

// company checks that the company of a sample contact is linked (seed, Validation
// Checklist, 1).
func (p *preflight) company(ctx context.Context, no string) {
	if no == "" {
		p.unknown("company link", "no contact of the sample has a company")
		return
	}
	id, err := p.app.Target.SpaceportID(ctx, no, "Customer Company", p.app.Config.IPaaSSystemID)
	switch {
	case err != nil:
		p.add("company link", false, reason(err))
	case id == "":
		p.add("company link", false, fmt.Sprintf("company %s is not linked in iPaaS.com: sync companies before contacts", no))
	default:
		p.add("company link", true, fmt.Sprintf("company %s is linked", no))
	}
}

// transfers says whether work is held up on purpose.
func (p *preflight) transfers(ctx context.Context) {
	paused, err := p.app.Store.Paused(ctx)
	switch {
	case err != nil:
		p.add("transfers", false, err.Error())
	case paused:
		p.add("transfers", false, "paused: accepted work waits until contactsync resume")
	case !p.app.Mapping.Enabled():
		p.add("transfers", false, "the mapping is disabled: nothing is transferred until its file says status: enabled")
	default:
		p.add("transfers", true, "neither paused nor disabled")
	}
}

func (p *preflight) subscription(ctx context.Context) {
	if p.app.Config.WebhookURL == "" {
		p.subscriptionElsewhere(ctx)
		return
	}
	s, err := p.app.Store.Subscription(ctx)
	switch {
	case err != nil:
		p.add("subscription", false, err.Error())
	case s.Problem != nil:
		p.add("subscription", false, s.Problem.Code+": "+s.Problem.Detail)
	case s.ID == "":
		p.unknown("subscription", "the next poll creates it")
	case s.ExpiresAt.Before(p.app.now()):
		p.add("subscription", false, "it ended at "+clock(s.ExpiresAt)+"; the next poll creates it again")
	default:
		p.add("subscription", true, "lasts until "+clock(s.ExpiresAt)+"; the poll renews it")
	}
}

// subscriptionElsewhere speaks of the subscription where this process does not know
// the URL: the webhook function leaves it to the poll.
func (p *preflight) subscriptionElsewhere(ctx context.Context) {
	s, err := p.app.Store.Subscription(ctx)
	if err == nil && s.ID != "" {
		p.add("subscription", s.ExpiresAt.After(p.app.now()), "lasts until "+clock(s.ExpiresAt)+"; the poll renews it")
		return
	}
	p.unknown("subscription", "none is kept: polling finds every change; with WEBHOOK_URL changes arrive within about a minute")
}
