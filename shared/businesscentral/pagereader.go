package businesscentral

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// Bounds of one answer. A page of 20,000 rows with every property is some 60 MB;
// it streams through a buffer that grows to the largest row.
const (
	maxRow  = 1 << 20
	maxPage = 256 << 20
)

// What may be wrong with an answer besides its JSON.
const (
	errCut     malformed = "an answer that ends in the middle"
	errRowSize malformed = "a row larger than 1 MiB"
	errPage    malformed = "a page larger than 256 MiB"
	errInside  malformed = "an error of Business Central in the middle of the page"
	errNotList malformed = "no JSON object"
	errNoValue malformed = "a JSON object without one list \"value\""
)

var byteOrderMark = []byte("\xef\xbb\xbf")

// A pageReader reads the answer of a list, {"value":[...], "@odata.nextLink":"..."},
// as it arrives: one row at a time, members in any order. Its errors quote nothing
// of the answer; those of the connection are returned as they are.
type pageReader struct {
	src        io.Reader
	buf        []byte
	start, end int // what of buf is not consumed yet
	total      int64

	inside  bool // between the brackets of value
	begun   bool
	value   bool   // value was there
	another bool   // a row has come
	next    string // the next link, once it was read
}

func newPageReader(src io.Reader) *pageReader {
	return &pageReader{src: src, buf: make([]byte, 32<<10)}
}

// row returns the next row, raw; io.EOF after the whole answer was read and
// understood. The bytes are valid until the next call.
func (p *pageReader) row() ([]byte, error) {
	if !p.begun {
		if err := p.open(); err != nil {
			return nil, err
		}
	}
	if !p.inside {
		return nil, p.rest()
	}
	c, err := p.peek()
	if err != nil {
		return nil, err
	}
	if c == ']' {
		p.start++
		p.inside = false
		return nil, p.rest()
	}
	if p.another {
		if c != ',' {
			return nil, errJSON
		}
		p.start++
		if c, err = p.peek(); err != nil {
			return nil, err
		}
	}
	if c != '{' {
		return nil, errNotObject
	}
	p.another = true
	return p.raw()
}

// open reads up to the first row.
func (p *pageReader) open() error {
	p.begun = true
	if err := p.fill(len(byteOrderMark)); err == nil && bytes.HasPrefix(p.buf[p.start:p.end], byteOrderMark) {
		p.start += len(byteOrderMark)
	}
	c, err := p.peek()
	if err != nil {
		return err
	}
	if c != '{' {
		return errNotList
	}
	p.start++
	if c, err = p.peek(); err != nil {
		return err
	}
	if c == '}' {
		return nil
	}
	return p.members()
}

// members reads members of the answer until value begins or the object ends.
func (p *pageReader) members() error {
	for {
		if c, err := p.peek(); err != nil || c != '"' {
			return or(err, errJSON)
		}
		raw, err := p.raw()
		if err != nil {
			return err
		}
		key, err := (&scanner{s: string(raw)}).text()
		if err != nil {
			return err
		}
		if c, err := p.peek(); err != nil || c != ':' {
			return or(err, errJSON)
		}
		p.start++
		began, err := p.member(key)
		if err != nil || began {
			return err
		}
		switch c, err := p.peek(); {
		case err != nil:
			return err
		case c == '}':
			return nil
		case c != ',':
			return errJSON
		}
		p.start++
	}
}

// member reads one member's value; began tells that it is the list of rows.
func (p *pageReader) member(key string) (began bool, err error) {
	c, err := p.peek()
	if err != nil {
		return false, err
	}
	if key == "value" {
		if p.value || c != '[' {
			return false, errNoValue
		}
		p.start++
		p.value, p.inside = true, true
		return true, nil
	}
	raw, err := p.raw()
	if err != nil {
		return false, err
	}
	if !json.Valid(raw) {
		return false, errJSON
	}
	switch key {
	case "@odata.nextLink", "odata.nextLink", "@nextLink":
		link, ok, err := (&scanner{s: string(raw)}).scalar()
		if err != nil || !ok {
			return false, errJSON
		}
		p.next = link
	case "error":
		return false, errInside
	}
	return false, nil
}

// rest reads what follows the rows up to the end of the answer.
func (p *pageReader) rest() error {
	c, err := p.peek()
	if err != nil {
		return err
	}
	if c == ',' && p.value {
		p.start++
		if err := p.members(); err != nil {
			return err
		}
		if p.inside {
			return errJSON
		}
		if c, err = p.peek(); err != nil {
			return err
		}
	}
	if c != '}' {
		return errJSON
	}
	p.start++
	switch _, err := p.peek(); {
	case err == nil:
		return errJSON
	case !errors.Is(err, errCut):
		return err
	case !p.value:
		return errNoValue
	}
	p.start-- // stay at the end: asking again gives the same answer
	return io.EOF
}

// peek returns the next byte that is no blank, without consuming it.
func (p *pageReader) peek() (byte, error) {
	for {
		for ; p.start < p.end; p.start++ {
			switch c := p.buf[p.start]; c {
			case ' ', '\t', '\n', '\r':
			default:
				return c, nil
			}
		}
		if err := p.fill(1); err != nil {
			return 0, err
		}
	}
}

// raw consumes one value and returns its bytes. Only its extent is checked.
func (p *pageReader) raw() ([]byte, error) {
	var s extent
	for at := 0; ; {
		n, done := s.scan(p.buf[p.start+at : p.end])
		at += n
		if done {
			value := p.buf[p.start : p.start+at]
			p.start += at
			return value, nil
		}
		if at >= maxRow {
			return nil, errRowSize
		}
		if err := p.fill(at + 1); err != nil {
			return nil, err
		}
	}
}

// fill makes at least n unconsumed bytes available.
func (p *pageReader) fill(n int) error {
	for p.end-p.start < n {
		if p.start > 0 && (p.start == p.end || p.end == len(p.buf)) {
			copy(p.buf, p.buf[p.start:p.end])
			p.end -= p.start
			p.start = 0
		}
		if p.end == len(p.buf) {
			p.buf = append(p.buf, make([]byte, len(p.buf))...)
		}
		read, err := p.src.Read(p.buf[p.end:])
		p.end += read
		p.total += int64(read)
		switch {
		case p.total > maxPage:
			return errPage
		case read > 0:
		case errors.Is(err, io.EOF):
			return errCut
		case err != nil:
			return err
		}
	}
	return nil
}

// An extent finds where a JSON value ends, piece by piece.
type extent struct {
	depth   int
	quoted  bool
	escaped bool
	bare    bool // inside a number or a literal at depth 0
}

// scan returns how many bytes of b belong to the value and whether it is over.
func (s *extent) scan(b []byte) (n int, done bool) {
	for i, c := range b {
		switch {
		case s.escaped:
			s.escaped = false
		case s.quoted:
			switch c {
			case '\\':
				s.escaped = true
			case '"':
				s.quoted = false
				if s.depth == 0 {
					return i + 1, true
				}
			}
		case s.bare:
			switch c {
			case ',', '}', ']', ' ', '\t', '\n', '\r':
				return i, true
			}
		default:
			switch c {
			case '"':
				s.quoted = true
			case '{', '[':
				s.depth++
			case '}', ']':
				s.depth--
				if s.depth <= 0 {
					return i + 1, true
				}
			default:
				s.bare = s.depth == 0
			}
		}
	}
	return len(b), false
}

func or(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}
