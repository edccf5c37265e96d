package businesscentral

import (
	"context"
	"net/http"
)

// A PublishedService is one of the web services that the integration needs (seed,
// Microsoft Dynamics 365 Requirements).
type PublishedService struct {
	Name      string // as configured: Contact_Card
	Variable  string // where it is configured: BC_CONTACT_SERVICE
	Published bool
}

// Published tells which of the three web services are published: contacts,
// customers, customer card.
func (c *Client) Published(ctx context.Context) ([]PublishedService, error) {
	names, err := c.services.get(ctx, schemaLife, func(ctx context.Context) (map[string]bool, error) {
		doc, err := c.readMetadata(ctx, "ODataV4", place{kind: odataRoot, name: "ODataV4/$metadata"}, func(string) bool { return false })
		if err != nil {
			return nil, err
		}
		return setNames(doc), nil
	})
	if err != nil {
		return nil, err
	}
	services := []PublishedService{
		{Name: c.cfg.ContactService, Variable: "BC_CONTACT_SERVICE"},
		{Name: c.cfg.CustomerService, Variable: "BC_CUSTOMER_SERVICE"},
		{Name: c.cfg.CustomerCardService, Variable: "BC_CUSTOMER_CARD_SERVICE"},
	}
	for i, s := range services {
		services[i].Published = names[s.Name]
	}
	return services, nil
}

// remember keeps what a document says about the published services.
func (c *Client) remember(doc *metadataDocument) {
	c.services.kept.Store(&kept[map[string]bool]{value: setNames(doc), until: c.cfg.Now().Add(schemaLife)})
}

func setNames(doc *metadataDocument) map[string]bool {
	names := make(map[string]bool, len(doc.sets))
	for name := range doc.sets {
		names[name] = true
	}
	return names
}

// CheckCredentials makes sure that a token is given and that Business Central
// accepts it, by one call that every account may make. It is
// [transfer.SourceUnauthorized] when one of them refuses.
func (c *Client) CheckCredentials(ctx context.Context) error {
	const op = "check the credentials"
	answer, err := c.do(ctx, request{op: op, path: "ODataV4/Company"})
	if err != nil {
		return err
	}
	if answer.Status != http.StatusOK {
		return c.judge(op, place{kind: odataRoot, name: "ODataV4/Company"}, answer)
	}
	return nil
}
