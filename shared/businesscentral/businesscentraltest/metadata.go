package businesscentraltest

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

func edmType(p *property, set *entitySet) string {
	switch p.kind {
	case kindBoolean:
		return "Edm.Boolean"
	case kindDate:
		return "Edm.Date"
	case kindDateTime:
		return "Edm.DateTimeOffset"
	case kindGUID:
		return "Edm.Guid"
	case kindNumber:
		return "Edm.Decimal"
	case kindExtra, kindActive:
		return p.text
	case kindOption:
		if set.api {
			return set.typeName + strings.ToUpper(p.name[:1]) + p.name[1:]
		}
	}
	return "Edm.String"
}

// members are the values of the enumerations of an API.
var members = map[field][]string{
	fieldType:             {"Company", "Person"},
	fieldBusinessRelation: {" ", "Customer", "Vendor", "Bank Account", "Employee", "None", "Other", "Multiple"},
	fieldBlocked:          {" ", "Ship", "Invoice", "All"},
}

// serveMetadata writes the EDMX of business-central.md 9.10, streamed: it may be large.
func (s *Simulator) serveMetadata(w http.ResponseWriter, r *http.Request, c *call) *apiError {
	s.mu.RLock()
	api := c.route == RouteAPIMetadata
	sets := slices.Clone(s.sets)
	if api {
		sets = s.standard
		if c.prefix != "v2.0" {
			sets = s.custom
		}
	}
	s.mu.RUnlock()
	w.Header().Set("Content-Type", "application/xml")
	body, end := s.compressed(w, r, c)
	defer end()
	out := &countingWriter{Writer: bufio.NewWriterSize(body, 64<<10)}
	defer func() { _ = out.Flush() }() // the caller may have gone
	namespace := "NAV"
	alias := ""
	if api {
		namespace, alias = "Microsoft.NAV", ` Alias="NAV"`
	}
	out.printf(`<?xml version="1.0" encoding="utf-8"?><edmx:Edmx xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx" Version="4.0"><edmx:DataServices>`+
		"\n"+`<Schema xmlns="http://docs.oasis-open.org/odata/ns/edm" Namespace="%s"%s>`+"\n", namespace, alias)
	out.padding(s.cfg.MetadataPadding / 2)
	for _, set := range sets {
		out.entityType(set)
	}
	out.padding(s.cfg.MetadataPadding)
	out.companyType(sets, api)
	out.printf("</Schema></edmx:DataServices></edmx:Edmx>\n")
	return nil
}

type countingWriter struct {
	*bufio.Writer
	written int
	padded  int
}

func (w *countingWriter) printf(format string, args ...any) {
	n, _ := fmt.Fprintf(w.Writer, format, args...) // the caller may have gone
	w.written += n
}

// padding writes entity types of other pages until so many bytes are out.
func (w *countingWriter) padding(size int) {
	for w.written < size {
		w.padded++
		w.printf(" <EntityType Name=\"Other_Page_%05d\">\n  <Key><PropertyRef Name=\"No\"/></Key>\n", w.padded)
		for i := range 40 {
			w.printf("  <Property Name=\"Other_Field_%d\" Type=\"Edm.String\" MaxLength=\"100\">\n   <Annotation Term=\"NAV.LabelId\" String=\"Other_Field_%d\"/>\n  </Property>\n", i, i)
		}
		w.printf(" </EntityType>\n")
	}
}

func (w *countingWriter) entityType(set *entitySet) {
	name := set.typeName[strings.LastIndex(set.typeName, ".")+1:]
	key := ""
	for _, p := range set.properties {
		if p.field == set.key && !p.computed {
			key = p.name
		}
	}
	w.printf(" <EntityType Name=\"%s\">\n  <Key><PropertyRef Name=\"%s\"/></Key>\n", escape(name), escape(key))
	for i := range set.properties {
		p := &set.properties[i]
		attributes := ""
		if p.name == key {
			attributes += ` Nullable="false"`
		}
		kind := edmType(p, set)
		if n := columns[p.field].length; n > 0 && kind == "Edm.String" && p.field != fieldConstant {
			attributes += fmt.Sprintf(` MaxLength="%d"`, n)
		}
		w.printf(`  <Property Name="%s" Type="%s"%s`, escape(p.name), strings.Replace(kind, "Microsoft.NAV.", "NAV.", 1), attributes)
		if set.api {
			w.printf("/>\n")
			continue
		}
		w.printf(">\n   <Annotation Term=\"NAV.LabelId\" String=\"%s\"/>\n   <Annotation Term=\"NAV.NavType\"><EnumMember>NAV.NavType/String</EnumMember></Annotation>\n   <Annotation Term=\"NAV.AllowEdit\" Bool=\"true\"/>\n  </Property>\n", escape(p.name))
	}
	if set.api {
		w.printf(" </EntityType>\n")
		w.enumTypes(set)
		return
	}
	w.printf("  <Annotation Term=\"NAV.LabelId\" String=\"%s\"/>\n </EntityType>\n", escape(name))
}

func (w *countingWriter) enumTypes(set *entitySet) {
	for i := range set.properties {
		p := &set.properties[i]
		if p.kind != kindOption {
			continue
		}
		name := edmType(p, set)
		w.printf(` <EnumType Name="%s">`, escape(name[strings.LastIndex(name, ".")+1:]))
		for value, member := range members[p.field] {
			w.printf(`<Member Name="%s" Value="%d"/>`, optionName(member, true), value)
		}
		w.printf("</EnumType>\n")
	}
}

func (w *countingWriter) companyType(sets []*entitySet, api bool) {
	if api {
		w.printf(" <EntityType Name=\"company\">\n  <Key><PropertyRef Name=\"id\"/></Key>\n  <Property Name=\"id\" Type=\"Edm.Guid\" Nullable=\"false\"/>\n  <Property Name=\"name\" Type=\"Edm.String\"/>\n  <Property Name=\"displayName\" Type=\"Edm.String\"/>\n")
		for _, set := range sets {
			w.printf("  <NavigationProperty Name=\"%s\" Type=\"Collection(%s)\" ContainsTarget=\"true\"/>\n", set.name, strings.Replace(set.typeName, "Microsoft.NAV.", "NAV.", 1))
		}
		w.printf(" </EntityType>\n <EntityContainer Name=\"NAV\"><EntitySet Name=\"companies\" EntityType=\"Microsoft.NAV.company\"/></EntityContainer>\n")
		return
	}
	w.printf(" <EntityType Name=\"Company\">\n  <Key><PropertyRef Name=\"Name\"/></Key>\n  <Property Name=\"Name\" Type=\"Edm.String\" Nullable=\"false\" MaxLength=\"30\"/>\n  <Property Name=\"Evaluation_Company\" Type=\"Edm.Boolean\"/>\n  <Property Name=\"Display_Name\" Type=\"Edm.String\" MaxLength=\"250\"/>\n  <Property Name=\"Id\" Type=\"Edm.Guid\"/>\n </EntityType>\n")
	w.printf(" <EntityContainer Name=\"NAV\"><EntitySet Name=\"Company\" EntityType=\"NAV.Company\"/>")
	for _, set := range sets {
		w.printf("<EntitySet Name=\"%s\" EntityType=\"%s\"/>", escape(set.name), escape(set.typeName))
	}
	w.printf("</EntityContainer>\n")
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder never fails
	return b.String()
}
