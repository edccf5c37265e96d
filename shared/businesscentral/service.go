package businesscentral

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"contactsync/shared/contact"
	"contactsync/shared/poll"
	"contactsync/shared/transfer"
)

// A service is how contacts are read, once it is known what the service offers.
type service struct {
	schema   poll.Schema
	layout   *layout
	selected string // of $select; "" is everything
	no, id   string // wire names for filters; id is "" when there is none
	known    bool   // from $metadata; else presumed from the profile
}

// A surface is where contacts are read: the published page, API v2.0, or a custom API.
type surface struct {
	place place
	root  string // before $metadata
	set   string
	api   bool // below companies({id})
}

const contactsSet = "contacts"

var standardContacts = surface{
	place: place{kind: apiRoute, name: "v2.0/contacts"}, root: apiV2Root, set: contactsSet, api: true,
}

// standard reports whether contacts are read from API v2.0, which never has
// fields of an extension (business-central.md 2.3).
func (c *Client) standard() bool { return c.profile.name == ProfileAPIv2 && c.cfg.APIPath == "" }

func (c *Client) contacts() surface {
	switch {
	case c.cfg.APIPath != "":
		return surface{
			place: place{kind: apiRoute, name: c.cfg.APIPath + "/contacts", variable: "BC_API_PATH"},
			root:  "api/" + c.cfg.APIPath, set: contactsSet, api: true,
		}
	case c.standard():
		return standardContacts
	}
	return c.webService(c.cfg.ContactService, "BC_CONTACT_SERVICE")
}

func (c *Client) webService(name, variable string) surface {
	return surface{place: place{kind: webService, name: name, variable: variable}, root: "ODataV4", set: name}
}

// path returns the path of a surface's records.
func (c *Client) path(ctx context.Context, s surface) (string, error) {
	if !s.api {
		return s.root + "/" + c.companySegment() + "/" + escape(s.set), nil
	}
	id, err := c.companyID(ctx)
	if err != nil {
		return "", err
	}
	return s.root + "/companies(" + id + ")/" + s.set, nil
}

// Schema finds out what the published service offers, once an hour at most. It is
// a [transfer.Error] that stops the run when the service is not published or
// lacks a property that the mapping reads; its detail names all of them and what
// to do. See [poll.Source].
//
// Source: design.md part 3, Which time; business-central.md 4.7, 11 no. 1.
func (c *Client) Schema(ctx context.Context) (poll.Schema, error) {
	s, err := c.offered(ctx)
	if err != nil {
		return poll.Schema{}, err
	}
	return s.schema, nil
}

func (c *Client) offered(ctx context.Context) (*service, error) {
	return c.service.get(ctx, schemaLife, c.look)
}

// presumed is the service as the profile has it, for a single read that is not
// worth $metadata: everything is asked for, and the record shows what is there.
func (c *Client) presumed() *service {
	return &service{
		schema: poll.Schema{Strategy: poll.ByModifiedTime, InternalID: c.profile.wireName(fieldID) != ""},
		layout: layoutOf(c.profile, "", nil),
		no:     c.profile.wireName(fieldNo),
		id:     c.profile.wireName(fieldID),
	}
}

// look reads $metadata and decides how contacts are read.
func (c *Client) look(ctx context.Context) (*service, error) {
	at := c.contacts()
	doc, err := c.metadata(ctx, at)
	if err != nil {
		return nil, err
	}
	if !at.api {
		c.remember(doc)
	}
	e := doc.entities[doc.sets[at.set]]
	if e == nil {
		return nil, c.notPublished(at, doc)
	}
	columns, missing := c.resolve(e)
	if len(missing) > 0 {
		return nil, c.lacks(at, e, missing)
	}
	s := &service{known: true}
	id, hasID := c.columnOf(e, fieldID)
	no, _ := c.columnOf(e, fieldNo)
	s.no, s.id = no.name, id.name
	changed, hasTime := c.timeColumn(e)
	s.schema, err = c.strategy(ctx, at, changed.name, hasID, hasTime)
	if err != nil {
		return nil, err
	}
	s.layout = layoutOf(c.profile, changed.name, e.navigation)
	if !c.needs.all {
		if hasTime {
			columns = append(columns, changed.name)
		}
		s.selected = strings.Join(columns, ",")
	}
	c.pageSize.Store(int64(c.cfg.PageSize))
	return s, nil
}

// columnOf returns the column that a field is read from.
func (c *Client) columnOf(e *entity, f field) (column, bool) {
	for _, name := range c.profile.wire[f] {
		if found, ok := e.find(name); ok {
			return found, true
		}
	}
	return column{}, false
}

// timeColumn returns the column with the time of change. A bare date is not
// precise enough to order by (business-central.md 4.7).
func (c *Client) timeColumn(e *entity) (column, bool) {
	for _, name := range c.profile.wire[fieldModified] {
		if found, ok := e.find(name); ok && found.edm == "Edm.DateTimeOffset" {
			return found, true
		}
	}
	return column{}, false
}

// resolve returns the columns to select, without the time of change, and what is
// missing of those that must be there.
func (c *Client) resolve(e *entity) (columns, missing []string) {
	add := func(name string) {
		if !slices.Contains(columns, name) {
			columns = append(columns, name)
		}
	}
	for _, f := range c.needs.fields {
		if found, ok := c.columnOf(e, f); ok {
			add(found.name)
			continue
		}
		missing = append(missing, fmt.Sprintf("%s (%s)", c.profile.wireName(f), fieldNames[f]))
	}
	for _, f := range c.needs.optional {
		if found, ok := c.columnOf(e, f); ok && f != fieldModified {
			add(found.name)
		}
	}
	for _, name := range c.needs.properties {
		if found, ok := findProperty(e, name); ok {
			add(found.name)
		} else if !c.standard() {
			missing = append(missing, strings.ReplaceAll(name, " ", "_"))
		}
	}
	return columns, missing
}

func findProperty(e *entity, name string) (column, bool) {
	for _, spelling := range contact.Spellings(name) {
		if found, ok := e.find(spelling); ok {
			return found, true
		}
	}
	return column{}, false
}

func (c *Client) notPublished(at surface, doc *metadataDocument) error {
	detail := at.place.missing(apiError{})
	if !at.api {
		var similar []string
		for name := range doc.sets {
			if strings.Contains(strings.ToLower(name), "contact") {
				similar = append(similar, name)
			}
		}
		slices.Sort(similar)
		if len(similar) > 0 {
			detail += "; published with a similar name: " + shown(similar)
		}
	}
	return &transfer.Error{Fault: transfer.SourceUnavailable, Op: "read $metadata", Detail: detail, Stop: true}
}

// lacks is the error for missing properties. If another shipped profile fits, it
// says so.
func (c *Client) lacks(at surface, e *entity, missing []string) error {
	detail := fmt.Sprintf("%s lacks %s that the mapping reads by the profile %s: %s; put what is missing on the page, choose another BC_PROFILE, or take its rows out of the mapping",
		at.place, count(len(missing), "property", "properties"), c.profile.name, strings.Join(missing, ", "))
	for _, other := range shippedProfiles() {
		if other.name != c.profile.name && fits(other, e) {
			detail += "; its names look like those of the profile " + other.name
		}
	}
	return &transfer.Error{Fault: transfer.SourceUnavailable, Op: "read $metadata", Detail: detail, Stop: true}
}

// fits reports whether the service has the names by which a profile differs from
// the others.
func fits(p *profile, e *entity) bool {
	for _, f := range []field{fieldNo, fieldType, fieldEMail, fieldCompanyID, fieldPostCode} {
		if _, ok := e.find(p.wireName(f)); !ok {
			return false
		}
	}
	return true
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
