package businesscentral_test

import (
	"testing"

	"contactsync/shared/businesscentral"
	"contactsync/shared/mapping"
	"contactsync/shared/poll"
)

// The embedded mapping reads what the default profile of the standard services has.
func TestTheEmbeddedMappingFitsThePublishedPage(t *testing.T) {
	collection, err := mapping.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	c := clientOf(t, company(t), func(cfg *businesscentral.Config) { cfg.Sources = collection.Sources() })
	got, _, err := read(t, c, poll.Window{})
	if err != nil || len(got) != 6 {
		t.Errorf("%d contacts, %v", len(got), err)
	}
}
