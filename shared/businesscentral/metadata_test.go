package businesscentral

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

const pageMetadata = `<?xml version="1.0" encoding="utf-8"?>
<edmx:Edmx xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx" Version="4.0"><edmx:DataServices>
<Schema xmlns="http://docs.oasis-open.org/odata/ns/edm" Namespace="NAV">
 <EntityType Name="Other"><Property Name="Secret" Type="Edm.String"/></EntityType>
 <EntityType Name="Contact_Card">
  <Key><PropertyRef Name="No"/></Key>
  <Property Name="No" Type="Edm.String" Nullable="false" MaxLength="20">
   <Annotation Term="NAV.NavType"><EnumMember>NAV.NavType/String</EnumMember></Annotation>
  </Property>
  <Property Name="SystemModifiedAt" Type="Edm.DateTimeOffset"/>
  <NavigationProperty Name="Company_No_Link" Type="Collection(NAV.Contact_List)" ContainsTarget="true"/>
 </EntityType>
 <EntityContainer Name="NAV"><EntitySet Name="Company" EntityType="NAV.Company"/><EntitySet Name="Contact_Card" EntityType="NAV.Contact_Card"/></EntityContainer>
</Schema></edmx:DataServices></edmx:Edmx>`

const apiMetadata = `<edmx:Edmx xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx" Version="4.0"><edmx:DataServices>
<Schema xmlns="http://docs.oasis-open.org/odata/ns/edm" Namespace="Microsoft.NAV" Alias="NAV">
 <EntityType Name="contact"><Key><PropertyRef Name="id"/></Key>
  <Property Name="id" Type="Edm.Guid" Nullable="false"/><Property Name="number" Type="Edm.String" MaxLength="20"/>
  <NavigationProperty Name="picture" Type="NAV.picture" ContainsTarget="true"/></EntityType>
 <EntityType Name="company"><NavigationProperty Name="contacts" Type="Collection(NAV.contact)" ContainsTarget="true"/></EntityType>
</Schema></edmx:DataServices></edmx:Edmx>`

func TestMetadataOfAPublishedPage(t *testing.T) {
	doc, err := parseMetadata(iotest.OneByteReader(strings.NewReader(pageMetadata)), likelyType("Contact_Card"))
	if err != nil {
		t.Fatal(err)
	}
	want := &entity{
		columns:    []column{{"No", "Edm.String"}, {"SystemModifiedAt", "Edm.DateTimeOffset"}},
		navigation: []string{"Company_No_Link"},
	}
	if diff := cmp.Diff(want, doc.entities[doc.sets["Contact_Card"]], cmp.AllowUnexported(entity{}, column{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(doc.entities) != 1 {
		t.Errorf("%d entity types are kept, want 1", len(doc.entities))
	}
}

func TestMetadataOfAnAPIFindsWhatACompanyContains(t *testing.T) {
	doc, err := parseMetadata(strings.NewReader(apiMetadata), likelyType(contactsSet))
	if err != nil {
		t.Fatal(err)
	}
	e := doc.entities[doc.sets[contactsSet]]
	if e == nil || len(e.columns) != 2 {
		t.Errorf("got %+v", e)
	}
}

func TestMetadataThatCannotBeRead(t *testing.T) {
	for _, tt := range []struct {
		name, doc string
		want      error
	}{
		{"nothing", "", errNoMetadata},
		{"HTML", "<html><body>Sign in</body></html>", errNoMetadata},
		{"cut between tags", pageMetadata[:strings.Index(pageMetadata, "<NavigationProperty")], errCut},
		{"cut in a tag", pageMetadata[:len(pageMetadata)-3], errXML},
		{"JSON", `{"value":[]}`, errNoMetadata},
		{"an end too many", "</a>", errXML},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := parseMetadata(strings.NewReader(tt.doc), likelyType("x")); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestMetadataKeepsTheConnectionsError(t *testing.T) {
	broken := errors.New("connection reset")
	src := io.MultiReader(strings.NewReader(pageMetadata[:200]), iotest.ErrReader(broken))
	if _, err := parseMetadata(src, likelyType("x")); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func FuzzMetadata(f *testing.F) {
	f.Add(pageMetadata)
	f.Add(apiMetadata)
	f.Add(`<?xml version="0"?>`)
	f.Add("<!DOCTYPE x [<!ENTITY a 'b'>]><Schema>&a;</Schema>")
	f.Fuzz(func(t *testing.T, text string) {
		doc, err := parseMetadata(strings.NewReader(text), likelyType("Contact_Card"))
		if err == nil && doc == nil {
			t.Error("neither document nor error")
		}
		if _, ok := errors.AsType[malformed](err); err != nil && !ok {
			t.Errorf("%T is no malformed answer: %v", err, err)
		}
	})
}

// A real tenant's document has about 8 MB.
func BenchmarkMetadata(b *testing.B) {
	var doc strings.Builder
	doc.WriteString(pageMetadata[:strings.Index(pageMetadata, "<EntityType")])
	for i := 0; doc.Len() < 8<<20; i++ {
		fmt.Fprintf(&doc, `<EntityType Name="Other%d">`, i)
		for p := range 40 {
			fmt.Fprintf(&doc, `<Property Name="Property_%d" Type="Edm.String" MaxLength="20"><Annotation Term="NAV.LabelId" String="No"/></Property>`, p)
		}
		doc.WriteString("</EntityType>")
	}
	doc.WriteString(pageMetadata[strings.Index(pageMetadata, "<EntityType"):])
	text := doc.String()
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := parseMetadata(strings.NewReader(text), likelyType("Contact_Card")); err != nil {
			b.Fatal(err)
		}
	}
}
