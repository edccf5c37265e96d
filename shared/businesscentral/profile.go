package businesscentral

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// The shipped profiles (design.md 1.7).
const (
	ProfilePage5050   = "page-5050-extended"
	ProfileModelNames = "model-names"
	ProfileAPIv2      = "api-v2"
)

// A profile says under which properties the fields of a contact stand on the
// wire: for each field the names that may carry it, the preferred one first. A
// field without names is not on the wire.
type profile struct {
	name string
	wire [fieldCount][]string
}

// wireName returns the preferred property of a field, "" when it has none.
func (p *profile) wireName(f field) string {
	if len(p.wire[f]) == 0 {
		return ""
	}
	return p.wire[f][0]
}

func shippedProfiles() []*profile {
	return []*profile{page5050(), modelNames(), apiV2()}
}

func shippedProfile(name string) *profile {
	for _, p := range shippedProfiles() {
		if p.name == name {
			return p
		}
	}
	return nil
}

func page5050() *profile {
	return named(ProfilePage5050, map[field]string{
		fieldID: "SystemId", fieldNo: "No", fieldType: "Type",
		fieldCustomerType: "Customer_Type", fieldWebUserRole: "Web_User_Role",
		fieldCompanyID: "Company_No", fieldCompanyName: "Company_Name",
		fieldFirstName: "First_Name", fieldLastName: "Surname", fieldEMail: "E_Mail",
		fieldAddress: "Address", fieldAddress2: "Address_2", fieldCity: "City", fieldCounty: "County",
		fieldPostCode: "Post_Code", fieldCountry: "Country_Region_Code", fieldPhone: "Phone_No",
		fieldModified: "SystemModifiedAt",
	})
}

func modelNames() *profile {
	names := map[field]string{fieldModified: "SystemModifiedAt"}
	for f := fieldID; f <= fieldPhone; f++ {
		names[f] = fieldNames[f]
	}
	return named(ProfileModelNames, names)
}

func apiV2() *profile {
	return named(ProfileAPIv2, map[field]string{
		fieldID: "id", fieldNo: "number", fieldType: "type",
		fieldCompanyID: "companyNumber", fieldCompanyName: "companyName", fieldEMail: "email",
		fieldAddress: "addressLine1", fieldAddress2: "addressLine2", fieldCity: "city", fieldCounty: "state",
		fieldPostCode: "postalCode", fieldCountry: "country", fieldPhone: "phoneNumber",
		fieldModified: "lastModifiedDateTime", fieldBusinessRelation: "contactBusinessRelation",
		fieldDisplayName: "displayName",
	})
}

// named adds the names that every profile accepts for what is taken from the
// record where it is there: RecordType, the business relation and the time of
// change (design.md 1.7 and part 3, Which time).
func named(name string, wire map[field]string) *profile {
	p := &profile{name: name}
	for f, w := range wire {
		p.wire[f] = []string{w}
	}
	also := map[field][]string{
		fieldRecordType:       {"RecordType", "Record_Type"},
		fieldBusinessRelation: {"Contact_Business_Relation", "ContactBusinessRelation"},
		fieldModified:         {"SystemModifiedAt", "LastModifiedDateTime"},
	}
	for f, names := range also {
		for _, w := range names {
			if !p.names(w) {
				p.wire[f] = append(p.wire[f], w)
			}
		}
	}
	return p
}

// names reports whether any field stands under the property already.
func (p *profile) names(property string) bool {
	for _, wires := range p.wire {
		if slices.ContainsFunc(wires, func(w string) bool { return strings.EqualFold(w, property) }) {
			return true
		}
	}
	return false
}

// maxProfileBytes bounds a profile file; the longest sensible one is below 4 kB.
const maxProfileBytes = 64 << 10

var propertyName = regexp.MustCompile(`^[\pL_][\pL\pN_]*$`)

// parseProfile reads a profile file: YAML, one line "model name: wire property"
// for each value that the published service has. Besides the model names of
// design.md 1.7 it knows Modified (the time of change), BusinessRelation (what
// RecordType is derived from) and DisplayName (what first and last name are split
// from when they have no properties of their own). Its error lists every mistake.
func parseProfile(file string, data []byte) (*profile, error) {
	if len(data) > maxProfileBytes {
		return nil, fmt.Errorf("profile %s: %d bytes; a profile has at most %d", file, len(data), maxProfileBytes)
	}
	parsed, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, fmt.Errorf("profile %s: no YAML: %s", file, firstLine(err))
	}
	entries, err := profileEntries(parsed)
	if err != nil {
		return nil, fmt.Errorf("profile %s: %w", file, err)
	}

	wire := map[field]string{}
	used := map[string]string{}
	var faults []error
	fault := func(line int, format string, args ...any) {
		faults = append(faults, fmt.Errorf("profile %s, line %d: %s", file, line, fmt.Sprintf(format, args...)))
	}
	for _, e := range entries {
		f := fieldOf(e.model)
		switch other := used[strings.ToLower(e.property)]; {
		case f == noField:
			fault(e.line, "unknown model name %q; expected one of %s", e.model, strings.Join(fieldNames[:], ", "))
		case wire[f] != "":
			fault(e.line, "%s is given twice", e.model)
		case !propertyName.MatchString(e.property) || utf8.RuneCountInString(e.property) > maxPropertyName:
			fault(e.line, "%s: expected the name of a property (letters, digits and _)", e.model)
		case other != "":
			fault(e.line, "%s and %s name the same property %s", other, e.model, e.property)
		default:
			wire[f] = e.property
			used[strings.ToLower(e.property)] = e.model
		}
	}
	for _, f := range []field{fieldNo, fieldType} {
		if wire[f] == "" {
			faults = append(faults, fmt.Errorf("profile %s: %s is missing; every profile names it", file, fieldNames[f]))
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return named(file, wire), nil
}

type profileEntry struct {
	model, property string
	line            int
}

func profileEntries(parsed *ast.File) ([]profileEntry, error) {
	if len(parsed.Docs) != 1 || parsed.Docs[0].Body == nil {
		return nil, errors.New("expected one document with lines \"model name: wire property\"")
	}
	var nodes []*ast.MappingValueNode
	switch body := parsed.Docs[0].Body.(type) {
	case *ast.MappingNode:
		nodes = body.Values
	case *ast.MappingValueNode:
		nodes = []*ast.MappingValueNode{body}
	default:
		return nil, errors.New("expected lines \"model name: wire property\"")
	}
	entries := make([]profileEntry, 0, len(nodes))
	for _, n := range nodes {
		e := profileEntry{model: scalarText(n.Key), line: n.Key.GetToken().Position.Line}
		e.property = scalarText(n.Value)
		entries = append(entries, e)
	}
	return entries, nil
}

// scalarText returns what was written. A bare No is the key No, never a boolean.
func scalarText(n ast.Node) string {
	switch s := n.(type) {
	case *ast.StringNode:
		return s.Value
	case ast.ScalarNode:
		return strings.TrimSpace(s.GetToken().Value)
	}
	return ""
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
