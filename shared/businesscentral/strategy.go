package businesscentral

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"contactsync/shared/poll"
	"contactsync/shared/transfer"
)

// The properties of API v2.0 contacts that say what changed.
const (
	apiID       = "id"
	apiNumber   = "number"
	apiModified = "lastModifiedDateTime"
	apiSelect   = apiID + "," + apiNumber + "," + apiModified
)

// strategy chooses how changed contacts are found: by the service's own time of
// change, else by API v2.0, else by reading everything (design.md part 3).
func (c *Client) strategy(ctx context.Context, at surface, timeName string, hasID, hasTime bool) (poll.Schema, error) {
	if hasTime {
		s := poll.Schema{Strategy: poll.ByModifiedTime, TimeProperty: timeName, InternalID: hasID}
		s.Note = fmt.Sprintf("changed contacts are found by %s of %s", timeName, at.place)
		if !hasID {
			s.Note += "; it shows no internal id, so a contact that gets another number is not recognised"
		}
		s.Note += c.absentNote()
		return s, nil
	}
	reason := "it is what is read"
	if !c.standard() {
		var err error
		if reason, err = c.standardAPI(ctx); err != nil {
			return poll.Schema{}, err
		}
	}
	if reason == "" {
		return poll.Schema{
			Strategy: poll.ByStandardAPI, TimeProperty: apiModified, InternalID: true,
			Note: fmt.Sprintf("%s has no time of change: API v2.0 contacts says what changed, and %s is read by number%s", at.place, at.place, c.absentNote()),
		}, nil
	}
	return poll.Schema{
		Strategy: poll.FullScan, InternalID: hasID,
		Note: fmt.Sprintf("%s has no time of change and API v2.0 contacts cannot be used (%s): every run reads all contacts; put SystemModifiedAt on the page%s", at.place, reason, c.absentNote()),
	}, nil
}

// absentNote names what the mapping reads and the profile cannot have.
func (c *Client) absentNote() string {
	absent := c.needs.absent
	if c.standard() {
		absent = append(absent[:len(absent):len(absent)], c.needs.properties...)
	}
	if len(absent) == 0 {
		return ""
	}
	return fmt.Sprintf("; the profile %s has no %s, which stays empty", c.profile.name, strings.Join(absent, ", "))
}

// standardAPI finds out whether API v2.0 contacts can be read. reason is "" when
// it can, else why not. It is an error when that cannot be known now.
func (c *Client) standardAPI(ctx context.Context) (reason string, err error) {
	return c.apiReason.get(ctx, schemaLife, func(ctx context.Context) (string, error) {
		path, err := c.path(ctx, standardContacts)
		if err == nil {
			w := c.walk("ask API v2.0 for contacts", standardContacts.place, apiLayout())
			err = w.page(ctx, request{path: withOptions(path, option{"$select", apiSelect}, option{"$top", "1"})}, func(*record) error { return nil })
		}
		if err == nil {
			return "", nil
		}
		said, answered := saidBy(err)
		if !answered || said.code == "NoEnvironment" || said.code == "Internal_CompanyNotFound" {
			return "", err
		}
		switch said.status {
		case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone, http.StatusNotImplemented:
			return said.String(), nil
		}
		return "", err
	})
}

// apiLayout reads what says that a contact changed.
func apiLayout() *layout {
	return newLayout(map[string]field{apiID: fieldID, apiNumber: fieldNo, apiModified: fieldModified})
}

// cannotFind is the error for an internal id where neither the service nor API
// v2.0 can tell which contact it names.
func (c *Client) cannotFind(op, reason string) error {
	return transfer.SourceUnavailable.Fail(op, "%s shows no internal id and API v2.0 contacts cannot be used (%s); use the contact's number", c.contacts().place, reason)
}
