package mapping_test

import (
	"testing"

	"contactsync/shared/mapping"
	"contactsync/shared/transfer"
)

// The cases beside the mapping file are judged by the catalogue that transfers use.
func TestCasesOfTheEmbeddedMapping(t *testing.T) {
	collection, err := mapping.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	cases, err := mapping.EmbeddedCases()
	if err != nil {
		t.Fatal(err)
	}
	for _, result := range mapping.RunCases(collection, cases, transfer.Judge) {
		t.Run(result.Name, func(t *testing.T) {
			for _, difference := range result.Differences {
				t.Errorf("%s:%d: %s", mapping.EmbeddedCasesFile, result.Line, difference)
			}
			if result.Passed != (len(result.Differences) == 0) {
				t.Errorf("passed is %t with %d differences", result.Passed, len(result.Differences))
			}
		})
	}
}
