package businesscentral

import (
	"context"
	"fmt"
	"strings"

	"contactsync/shared/transfer"
)

// companySegment is the company in the path of a published page. The id is
// preferred, for a name may be changed (business-central.md 2.1, 11 no. 7).
func (c *Client) companySegment() string {
	if c.companyIsID() {
		return "Company(Id=" + strings.ToLower(c.cfg.Company) + ")"
	}
	return "Company(" + escape(quote(c.cfg.Company)) + ")"
}

// companyID returns the company's id, which every API route needs. A name is
// looked up once in the list of companies.
func (c *Client) companyID(ctx context.Context) (string, error) {
	if c.companyIsID() {
		return strings.ToLower(c.cfg.Company), nil
	}
	return c.company.get(ctx, schemaLife, c.findCompany)
}

const apiV2Root = "api/v2.0"

var companiesPlace = place{kind: apiRoute, name: "v2.0/companies"}

// maxCompanies bounds how many companies are looked at, and maxShown how many an
// error names.
const (
	maxCompanies = 10_000
	maxShown     = 10
)

// A company is a row of the list of companies.
type company struct{ id, name, displayName string }

func (c *Client) findCompany(ctx context.Context) (string, error) {
	const op = "find the company"
	companies, err := c.companies(ctx, op)
	if err != nil {
		return "", err
	}
	var names []string
	for _, co := range companies {
		if co.name == c.cfg.Company {
			return co.id, nil
		}
		names = append(names, co.name)
	}
	detail := fmt.Sprintf("there is no company %s; the companies are: %s", c.cfg.Company, shown(names))
	for _, co := range companies {
		switch {
		case strings.EqualFold(co.name, c.cfg.Company):
			detail = fmt.Sprintf("there is no company %s; its name is spelled %s", c.cfg.Company, co.name)
		case co.displayName == c.cfg.Company:
			detail = fmt.Sprintf("%s is the display name of the company %s; BC_COMPANY wants its name or id", c.cfg.Company, co.name)
		}
	}
	return "", &transfer.Error{Fault: transfer.SourceUnavailable, Op: op, Detail: detail + " (BC_COMPANY)", Stop: true}
}

func shown(names []string) string {
	if len(names) == 0 {
		return "none that the account may see"
	}
	if len(names) > maxShown {
		return strings.Join(names[:maxShown], ", ") + fmt.Sprintf(" and %d more", len(names)-maxShown)
	}
	return strings.Join(names, ", ")
}

// companies reads the list of companies.
func (c *Client) companies(ctx context.Context, op string) ([]company, error) {
	var companies []company
	w := c.walk(op, companiesPlace, newLayout(map[string]field{"id": fieldID, "name": fieldNo, "displayName": fieldDisplayName}))
	link := request{path: apiV2Root + "/companies"}
	for {
		err := w.page(ctx, link, func(rec *record) error {
			id := internalID(rec.text[fieldID])
			if id != "" && len(companies) < maxCompanies {
				companies = append(companies, company{id: id, name: rec.text[fieldNo], displayName: rec.text[fieldDisplayName]})
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		if w.next == "" || len(companies) >= maxCompanies {
			return companies, nil
		}
		link = request{link: w.next}
	}
}
