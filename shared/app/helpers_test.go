package app_test

import (
	"testing"

	"contactsync/shared/contact"
)

func refOf(t *testing.T, id string) contact.Ref {
	t.Helper()
	ref, err := contact.ParseRef(id)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}
