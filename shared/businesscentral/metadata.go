package businesscentral

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
)

// A column is a property of an entity type.
type column struct{ name, edm string }

// An entity is what $metadata says of one entity type.
type entity struct {
	columns    []column
	navigation []string
}

// find returns the column of a name, whose casing may differ (business-central.md 4.2).
func (e *entity) find(name string) (column, bool) {
	for _, same := range []func(column) bool{
		func(c column) bool { return c.name == name },
		func(c column) bool { return strings.EqualFold(c.name, name) },
	} {
		if i := slices.IndexFunc(e.columns, same); i >= 0 {
			return e.columns[i], true
		}
	}
	return column{}, false
}

// A metadataDocument is what of $metadata matters here.
type metadataDocument struct {
	sets     map[string]string // entity sets and what a company contains: name to type
	entities map[string]*entity
}

// Bounds of a document, beside its size.
const (
	maxSets    = 20_000
	maxColumns = 5_000
)

const (
	errNoMetadata malformed = "a document without schemas"
	errXML        malformed = "malformed XML"
	errMetadata   malformed = "a document larger than 64 MiB or with more names than Business Central can have"
)

// parseMetadata reads $metadata as a stream (about 8 MB on a real tenant). It
// keeps the names of all entity sets, and the properties of those entity types
// that wanted names. Errors of the connection are returned as they are.
func parseMetadata(src io.Reader, wanted func(entityType string) bool) (*metadataDocument, error) {
	source := &faultKeeper{src: src}
	limited := &io.LimitedReader{R: source, N: maxMetadata + 1}
	decoder := xml.NewDecoder(limited)
	m := &metadataReader{doc: &metadataDocument{sets: map[string]string{}, entities: map[string]*entity{}}, wanted: wanted}
	for {
		token, err := decoder.RawToken()
		switch {
		case limited.N == 0:
			return nil, errMetadata
		case errors.Is(err, io.EOF) && m.schemas > 0 && m.open == 0:
			return m.doc, nil
		case errors.Is(err, io.EOF) && m.open > 0:
			return nil, errCut
		case errors.Is(err, io.EOF):
			return nil, errNoMetadata
		case err != nil && source.fault != nil:
			return nil, source.fault
		case err != nil:
			return nil, errXML
		}
		switch t := token.(type) {
		case xml.StartElement:
			m.open++
			err = m.start(t)
		case xml.EndElement:
			m.open--
			m.end(t)
		}
		if err != nil {
			return nil, err
		}
		if m.open < 0 {
			return nil, errXML
		}
	}
}

// A faultKeeper remembers the error of the connection, so that it is not taken for
// one of the document.
type faultKeeper struct {
	src   io.Reader
	fault error
}

func (k *faultKeeper) Read(p []byte) (int, error) {
	n, err := k.src.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		k.fault = err
	}
	return n, err
}

type metadataReader struct {
	doc       *metadataDocument
	wanted    func(string) bool
	current   *entity // inside a wanted entity type
	inCompany bool    // inside the type company, which contains the API's sets
	schemas   int
	open      int
}

func (m *metadataReader) start(t xml.StartElement) error {
	switch t.Name.Local {
	case "Schema":
		m.schemas++
	case "EntityType":
		name := attribute(t, "Name")
		m.inCompany = strings.EqualFold(name, "company")
		m.current = nil
		if m.wanted(name) {
			m.current = &entity{}
			m.doc.entities[name] = m.current
		}
	case "Property":
		if m.current != nil {
			m.current.columns = append(m.current.columns, column{strings.Clone(attribute(t, "Name")), strings.Clone(attribute(t, "Type"))})
		}
	case "NavigationProperty":
		name := attribute(t, "Name")
		if m.current != nil {
			m.current.navigation = append(m.current.navigation, name)
		}
		if m.inCompany {
			m.set(name, attribute(t, "Type"))
		}
	case "EntitySet":
		m.set(attribute(t, "Name"), attribute(t, "EntityType"))
	}
	if len(m.doc.sets) > maxSets || m.current != nil && len(m.current.columns) > maxColumns {
		return errMetadata
	}
	return nil
}

func (m *metadataReader) end(t xml.EndElement) {
	if t.Name.Local == "EntityType" {
		m.current, m.inCompany = nil, false
	}
}

func (m *metadataReader) set(name, entityType string) {
	entityType = strings.TrimSuffix(strings.TrimPrefix(entityType, "Collection("), ")")
	m.doc.sets[name] = entityType[strings.LastIndexByte(entityType, '.')+1:]
}

func attribute(t xml.StartElement, name string) string {
	for _, a := range t.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// likelyType reports whether an entity type may be the one of an entity set: of
// a published page it has the service's name, in an API it is the singular.
func likelyType(set string) func(string) bool {
	names := []string{set, strings.TrimSuffix(set, "s")}
	return func(entityType string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, entityType) })
	}
}

// metadata reads the $metadata of a surface and makes sure that the entity type
// of its set is among what is kept, where there is such a set.
func (c *Client) metadata(ctx context.Context, at surface) (*metadataDocument, error) {
	where := place{kind: odataRoot, name: at.root + "/$metadata"}
	if at.api {
		where = at.place // a route that is not there has no $metadata either
	}
	doc, err := c.readMetadata(ctx, at.root, where, likelyType(at.set))
	if err != nil {
		return nil, err
	}
	entityType, ok := doc.sets[at.set]
	if !ok || doc.entities[entityType] != nil {
		return doc, nil
	}
	// The type has a name of its own, which stood behind its properties.
	return c.readMetadata(ctx, at.root, where, func(name string) bool { return name == entityType })
}

func (c *Client) readMetadata(ctx context.Context, root string, where place, wanted func(string) bool) (*metadataDocument, error) {
	const op = "read $metadata"
	answer, err := c.do(ctx, request{op: op, path: root + "/$metadata", accept: "application/xml", stream: true})
	if err != nil {
		return nil, err
	}
	if answer.Status != http.StatusOK || answer.Stream == nil {
		return nil, c.judge(op, where, answer)
	}
	defer answer.Stream.Close()
	doc, err := parseMetadata(answer.Stream, wanted)
	if _, ok := errors.AsType[malformed](err); ok {
		return nil, notUnderstood(op, "an EDMX document at "+root+"/$metadata", answer, err)
	}
	if err != nil {
		return nil, noAnswer(ctx, op, err)
	}
	return doc, nil
}
