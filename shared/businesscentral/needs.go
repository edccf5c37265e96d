package businesscentral

import (
	"errors"
	"fmt"
	"slices"

	"contactsync/shared/mapping"
)

// needs is what has to be read of a contact for a mapping.
type needs struct {
	fields     []field  // that the service must have
	optional   []field  // that are read where the service has them
	properties []string // further properties by the mapping's name for them
	absent     []string // what the mapping reads and the profile never has; stays empty
	all        bool     // the mapping reads the further properties as a whole
}

// needsOf finds out what the mapping reads, in terms of the profile. No and Type
// are always needed; Id and the time of change are taken where they are there;
// RecordType can be derived (design.md 1.7).
func needsOf(s mapping.Sources, p *profile) (needs, error) {
	n := needs{all: s.AllProperties, optional: []field{fieldID, fieldModified, fieldRecordType, fieldBusinessRelation}}
	var faults []error
	need := func(f field) {
		if !slices.Contains(n.fields, f) {
			n.fields = append(n.fields, f)
		}
	}
	model := func(f field) {
		switch {
		case f == fieldID || f == fieldModified || f == fieldRecordType:
		case p.wireName(f) != "":
			need(f)
		case (f == fieldFirstName || f == fieldLastName) && p.wireName(fieldDisplayName) != "":
			need(fieldDisplayName)
		case shippedProfile(p.name) != nil:
			n.absent = append(n.absent, fieldNames[f])
		default:
			faults = append(faults, fmt.Errorf("profile %s: it has no property for %s, which the mapping reads", p.name, fieldNames[f]))
		}
	}
	need(fieldNo)
	need(fieldType)
	for _, name := range s.Model {
		switch f := fieldOf(name); {
		case f != noField && f <= fieldPhone:
			model(f)
		case name == "SourceTypeName": // tells whether there is an address
			n.optional = append(n.optional, addressFields...)
		case name == "AdditionalProperties" || f == fieldModified:
		default:
			faults = append(faults, fmt.Errorf("the mapping reads %s, which is no value of a contact", name))
		}
	}
	for _, name := range s.Properties {
		if f := fieldOfProperty(name); f != noField && p.wireName(f) != "" {
			model(f)
			continue
		}
		n.properties = append(n.properties, name)
	}
	slices.Sort(n.properties)
	n.absent = slices.Compact(n.absent)
	return n, errors.Join(faults...)
}
