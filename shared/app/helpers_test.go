package app_test

import (
	"testing"

	"contactsync/shared/app"
	"contactsync/shared/contact"
	"contactsync/shared/status"
	"contactsync/shared/transfer"
)

func refOf(t *testing.T, id string) contact.Ref {
	t.Helper()
	ref, err := contact.ParseRef(id)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

var errEvent = app.ErrEvent

func statusQuery(s transfer.Status) status.Query { return status.Query{Status: s} }
