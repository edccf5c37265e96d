package businesscentraltest

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// A view is a row with its values unpacked, used again for row after row.
type view struct {
	row    *row
	values values
	extra  map[string]any
	filled bool // extra belongs to this row
}

func (v *view) set(r *row) {
	v.row, v.filled = r, false
	v.values.unpack(r.values)
}

// text returns the plain text of a property: what a filter compares.
func (v *view) text(p *property) string {
	switch p.field {
	case fieldNo:
		return v.row.number
	case fieldSystemID:
		return v.row.id.String()
	case fieldConstant:
		return p.text
	case fieldModified, fieldCreated:
		layout := stampLayout
		if p.kind == kindDate {
			layout = time.DateOnly
		}
		return fromStamp(v.stamp(p)).Format(layout)
	case fieldRecordType:
		return v.recordType()
	}
	return v.values[p.field]
}

// recordType is derived where the extension has no value of its own.
func (v *view) recordType() string {
	switch {
	case v.values[fieldRecordType] != "":
		return v.values[fieldRecordType]
	case v.values[fieldBusinessRelation] == "Customer":
		return "Customer"
	}
	return "Contact"
}

func (v *view) stamp(p *property) int64 {
	if p.field == fieldCreated {
		return v.row.created
	}
	return v.row.modified
}

func (v *view) extraValue(name string) any {
	if !v.filled {
		v.extra, v.filled = nil, true
		if packed := v.values[fieldExtra]; packed != "" {
			_ = json.Unmarshal([]byte(packed), &v.extra) // it was encoded by pack
		}
	}
	return v.extra[name]
}

// stampLayout is how Business Central writes a time: up to three decimals,
// trailing zeros cut (business-central.md 3.8).
const stampLayout = "2006-01-02T15:04:05.999Z07:00"

// An encoder writes rows of one entity set with the selected properties.
type encoder struct {
	set      *entitySet
	selected []*property
	keys     []string // ,"Name": for each of selected
	active   ActiveForm
	view     view
}

func newEncoder(set *entitySet, selected []*property, active ActiveForm) *encoder {
	e := &encoder{set: set, selected: selected, active: active}
	for _, p := range selected {
		e.keys = append(e.keys, ","+strconv.Quote(p.name)+":")
	}
	return e
}

// appendMembers appends the members of a row, without the braces.
func (e *encoder) appendMembers(b []byte, r *row) []byte {
	e.view.set(r)
	b = append(b, `"@odata.etag":`...)
	b = appendText(b, r.etag())
	for i, p := range e.selected {
		b = append(b, e.keys[i]...)
		b = e.appendValue(b, p)
	}
	return b
}

func (e *encoder) appendValue(b []byte, p *property) []byte {
	v := &e.view
	switch p.kind {
	case kindBoolean, kindNumber:
		if text := v.text(p); text != "" {
			return append(b, text...)
		}
		return append(b, "false"...)
	case kindActive:
		return e.active.append(b, v.values[fieldActiveWebUser] == "true")
	case kindExtra:
		return appendExtra(b, p, v.extraValue(p.name))
	case kindGUID:
		if p.field == fieldSystemID {
			return append(v.row.id.append(append(b, '"')), '"')
		}
		return appendText(b, v.text(p))
	case kindDateTime:
		b = fromStamp(v.stamp(p)).AppendFormat(append(b, '"'), stampLayout)
		return append(b, '"')
	case kindOption:
		return appendText(b, optionName(v.text(p), e.set.api))
	}
	return appendText(b, v.text(p))
}

// optionName is how a page and an API write an option; the blank one is " " on a
// page and _x0020_ on an API.
func optionName(text string, api bool) string {
	if strings.TrimSpace(text) == "" {
		text = " "
	}
	if !api {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if r == '_' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			b.WriteRune(r)
			continue
		}
		hex := strconv.FormatInt(int64(r), 16)
		b.WriteString("_x" + strings.Repeat("0", max(0, 4-len(hex))) + strings.ToUpper(hex) + "_")
	}
	return b.String()
}

// appendExtra writes a value of an extra property, or the blank of its type: text
// is never null.
func appendExtra(b []byte, p *property, value any) []byte {
	if value != nil {
		text, err := json.Marshal(value)
		if err == nil {
			return append(b, text...)
		}
	}
	switch p.text {
	case "Edm.Boolean":
		return append(b, "false"...)
	case "Edm.Int32", "Edm.Decimal":
		return append(b, '0')
	}
	return append(b, `""`...)
}

// appendText appends a JSON string. Plain text, nearly all of a page, is copied.
func appendText(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, `\u00`...)
			b = append(b, "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
		}
	}
	b = append(b, s[start:]...)
	if !utf8.ValidString(s) {
		return append(b[:0:0], []byte(strings.ToValidUTF8(string(b), "�")+`"`)...)
	}
	return append(b, '"')
}
