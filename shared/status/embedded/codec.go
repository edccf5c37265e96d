package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"contactsync/shared/status"
	"contactsync/shared/status/internal/listing"
	"contactsync/shared/transfer"
)

// A state is stored as
//
//	version byte | length of the head | head | attempts
//
// with every text as its length and bytes, every time in milliseconds. The head is
// all that the states of a page need; the attempts behind it are then not decoded.
// The texts of a decoded head share one allocation. What is there already is not
// written again: the first attempt when it is the head's, the changed fields when
// they are the sent ones. Together that is more than half of a state. Version 2 did
// not know that.
const (
	codecVersion    = 3
	codecRepetitive = 2
)

// record is a state with what only the store knows of it.
type record struct {
	transfer.State
	openClaims int // claims taken since the last outcome and not given back
}

type writer []byte

func (w *writer) number(n int) { *w = binary.AppendVarint(*w, int64(n)) }

func (w *writer) text(s string) {
	*w = binary.AppendUvarint(*w, uint64(len(s)))
	*w = append(*w, s...)
}

func (w *writer) moment(t time.Time) {
	if t.IsZero() {
		*w = append(*w, 0)
		return
	}
	*w = append(*w, 1)
	*w = binary.AppendVarint(*w, t.UnixMilli())
}

func (w *writer) texts(list []string) {
	*w = binary.AppendUvarint(*w, uint64(len(list)))
	for _, s := range list {
		w.text(s)
	}
}

func (w *writer) attempt(a *transfer.Attempt) {
	w.text(string(a.Status))
	w.text(string(a.Action))
	w.text(string(a.Trigger))
	w.text(a.RunID)
	w.number(a.Number)
	w.moment(a.StartedAt)
	w.moment(a.FinishedAt)
	w.moment(a.NextAttemptAt)
	w.texts(a.Warnings)
	w.text(a.Reason)
	if a.Problem == nil {
		w.number(0)
	} else {
		w.number(1)
		w.text(a.Problem.Code)
		w.text(a.Problem.Detail)
	}
	w.texts(a.Sent)
	if slices.Equal(a.Sent, a.Changed) {
		w.number(1)
		return
	}
	w.number(0)
	w.texts(a.Changed)
}

// same reports whether two attempts are stored alike.
func same(a, b *transfer.Attempt) bool {
	problems := a.Problem == b.Problem || a.Problem != nil && b.Problem != nil && *a.Problem == *b.Problem
	return problems && a.Status == b.Status && a.Action == b.Action && a.Trigger == b.Trigger && a.RunID == b.RunID && a.Number == b.Number &&
		a.Reason == b.Reason && a.StartedAt.Equal(b.StartedAt) && a.FinishedAt.Equal(b.FinishedAt) && a.NextAttemptAt.Equal(b.NextAttemptAt) &&
		slices.Equal(a.Warnings, b.Warnings) && slices.Equal(a.Sent, b.Sent) && slices.Equal(a.Changed, b.Changed)
}

func encode(r *record) []byte {
	head := make(writer, 0, 1024)
	head.attempt(&r.Attempt)
	head.text(r.No)
	head.text(r.ContactID)
	head.text(r.CustomerID)
	head.text(r.ExternalID)
	head.text(r.AddressExternalID)
	head.moment(r.Version)
	head.text(r.Fingerprint)
	head.text(r.Claim.Owner)
	head.moment(r.Claim.Until)
	head.text(r.Claim.ExternalID)
	head.texts(r.Begun)
	head.number(r.openClaims)
	head = binary.AppendUvarint(head, uint64(len(r.SentHashes)))
	for name, hash := range r.SentHashes {
		head.text(name)
		head.text(hash)
	}

	out := make(writer, 0, len(head)+16+256*len(r.Attempts))
	out = append(out, codecVersion)
	out = binary.AppendUvarint(out, uint64(len(head)))
	out = append(out, head...)
	newest := listing.NewestAttempts(r.Attempts)
	out.number(len(newest))
	if len(newest) > 0 && same(&newest[0], &r.Attempt) {
		out.number(1)
		newest = newest[1:]
	} else {
		out.number(0)
	}
	for i := range newest {
		out.attempt(&newest[i])
	}
	return out
}

var (
	errCut     = errors.New("it ends too early")
	errVersion = errors.New("it is of an unknown version")
	errNumber  = errors.New("a number or a length in it makes no sense")
	errStatus  = errors.New("it has an unknown status")
)

// scanner reads what a writer wrote. The first mistake is kept; what is read after
// it is zero.
type scanner struct {
	rest       string
	err        error
	repetitive bool // version 2
	brief      bool // lists and hashes are passed over
}

func (s *scanner) fail(err error) {
	if s.err == nil {
		s.err = err
	}
	s.rest = ""
}

func (s *scanner) byte() byte {
	if len(s.rest) == 0 {
		s.fail(errCut)
		return 0
	}
	b := s.rest[0]
	s.rest = s.rest[1:]
	return b
}

func (s *scanner) uvarint() uint64 {
	var n uint64
	for i := 0; i < len(s.rest) && i < binary.MaxVarintLen64; i++ {
		b := s.rest[i]
		n |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			s.rest = s.rest[i+1:]
			return n
		}
	}
	s.fail(errCut)
	return 0
}

func (s *scanner) varint() int64 {
	u := s.uvarint()
	n := int64(u >> 1)
	if u&1 != 0 {
		n = ^n
	}
	return n
}

// length reads the length of what follows, which takes at least a byte an element.
func (s *scanner) length() int {
	n := s.uvarint()
	if n > uint64(len(s.rest)) {
		s.fail(errNumber)
		return 0
	}
	return int(n)
}

func (s *scanner) text() string {
	n := s.length()
	t := s.rest[:n]
	s.rest = s.rest[n:]
	return t
}

func (s *scanner) moment() time.Time {
	switch s.byte() {
	case 0:
		return time.Time{}
	case 1:
		return time.UnixMilli(s.varint()).UTC()
	}
	s.fail(errNumber)
	return time.Time{}
}

func (s *scanner) texts() []string {
	n := s.length()
	if n == 0 {
		return nil
	}
	if s.brief {
		for range n {
			s.text()
		}
		return nil
	}
	list := make([]string, n)
	for i := range list {
		list[i] = s.text()
	}
	return list
}

func (s *scanner) status() transfer.Status {
	text := s.text()
	if !listing.KnownStatus(text) {
		s.fail(errStatus)
	}
	return transfer.Status(text)
}

func (s *scanner) attempt(a *transfer.Attempt) {
	a.Status = s.status()
	a.Action = transfer.Action(s.text())
	a.Trigger = transfer.Trigger(s.text())
	a.RunID = s.text()
	a.Number = int(s.varint())
	a.StartedAt = s.moment()
	a.FinishedAt = s.moment()
	a.NextAttemptAt = s.moment()
	a.Warnings = s.texts()
	a.Reason = s.text()
	if s.varint() != 0 {
		a.Problem = &transfer.Problem{Code: s.text(), Detail: s.text()}
	}
	a.Sent = s.texts()
	if !s.repetitive && s.varint() != 0 {
		a.Changed = a.Sent
		return
	}
	a.Changed = s.texts()
}

// split returns head and attempts of a stored value.
func split(value []byte) (head, attempts []byte, err error) {
	if len(value) == 0 {
		return nil, nil, errCut
	}
	if value[0] != codecVersion && value[0] != codecRepetitive {
		return nil, nil, errVersion
	}
	n, width := binary.Uvarint(value[1:])
	if width <= 0 || n > uint64(len(value)-1-width) {
		return nil, nil, errCut
	}
	body := value[1+width:]
	return body[:n], body[n:], nil
}

// decodeHead reads a state without its attempts.
func decodeHead(key, value []byte, r *record) error { return readHead(key, value, r, false) }

// decodeBrief reads a state without its attempts, lists and hashes: what is needed
// to replace it.
func decodeBrief(key, value []byte, r *record) error { return readHead(key, value, r, true) }

func readHead(key, value []byte, r *record, brief bool) error {
	head, _, err := split(value)
	if err != nil {
		return damagedRow(key, err)
	}
	s := scanner{rest: string(head), repetitive: value[0] == codecRepetitive, brief: brief}
	s.attempt(&r.Attempt)
	r.No = s.text()
	r.ContactID = s.text()
	r.CustomerID = s.text()
	r.ExternalID = s.text()
	r.AddressExternalID = s.text()
	r.Version = s.moment()
	r.Fingerprint = s.text()
	r.Claim = transfer.Claim{Owner: s.text(), Until: s.moment(), ExternalID: s.text()}
	r.Begun = s.texts()
	r.openClaims = int(s.varint())
	r.Interrupted = r.openClaims > 0 && r.Claim.Owner == ""
	if n := s.length(); brief {
		for range n {
			s.text()
			s.text()
		}
	} else if n > 0 {
		r.SentHashes = make(map[string]string, n)
		for range n {
			name := s.text()
			r.SentHashes[name] = s.text()
		}
	}
	if s.err == nil && s.rest != "" {
		s.fail(errNumber)
	}
	if s.err != nil {
		return damagedRow(key, s.err)
	}
	return nil
}

// decode reads a state with its attempts.
func decode(key, value []byte, r *record) error {
	if err := decodeHead(key, value, r); err != nil {
		return err
	}
	_, attempts, _ := split(value)
	s := scanner{rest: string(attempts), repetitive: value[0] == codecRepetitive}
	n := s.varint()
	if n < 0 || n > transfer.MaxAttempts {
		return damagedRow(key, errNumber)
	}
	r.Attempts = slices.Grow(r.Attempts, int(n))
	if !s.repetitive && s.varint() != 0 && n > 0 {
		r.Attempts = append(r.Attempts, r.Attempt)
		n--
	}
	for range n {
		var a transfer.Attempt
		s.attempt(&a)
		r.Attempts = append(r.Attempts, a)
	}
	if s.err != nil {
		return damagedRow(key, s.err)
	}
	return nil
}

func damagedRow(key []byte, err error) error {
	return fmt.Errorf("%w: row %q: %w", status.ErrDamaged, key, err)
}
