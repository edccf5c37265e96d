package statustest

import (
	"errors"
	"slices"
	"testing"

	"contactsync/shared/contact"
	"contactsync/shared/status"
	"contactsync/shared/transfer"
)

var numberChecks = []check{
	{"a contact never seen belongs under the id it is named by", func(t *testing.T, s status.Store) {
		for _, tt := range []struct {
			ref  contact.Ref
			want transfer.Key
		}{{ref("ab1"), transfer.Key{No: "AB1"}}, {contact.Ref{ID: idA}, keyA}} {
			key, found, err := s.KeyOf(t.Context(), tt.ref)
			ok(t, "key", err)
			if key != tt.want || found {
				t.Errorf("%v: got %v, found %t; want %v, not found", tt.ref, key, found, tt.want)
			}
		}
	}},
	{"a number leads to the state of its internal id", func(t *testing.T, s status.Store) {
		save(t, s, full("AB1", idA))
		point(t, s, "AB1", idA)
		for _, r := range []contact.Ref{ref("AB1"), ref("ab1"), {ID: idA}} {
			wantKey(t, s, r, keyA)
		}
	}},
	{"a state without internal id is found by its number in any case", func(t *testing.T, s status.Store) {
		save(t, s, full("Ab1", ""))
		wantKey(t, s, ref("aB1"), transfer.Key{No: "AB1"})
		got, err := s.State(t.Context(), transfer.Key{No: "AB1"})
		ok(t, "state", err)
		if got.No != "Ab1" {
			t.Errorf("the number is shown as %q, want Business Central's spelling Ab1", got.No)
		}
	}},
	{"pointing replaces what stood under the number", func(t *testing.T, s status.Store) {
		save(t, s, full("1", ""))
		point(t, s, "1", idA)
		if _, err := s.State(t.Context(), transfer.Key{No: "1"}); !errors.Is(err, transfer.ErrNoState) {
			t.Errorf("the state under the number: got %v, want ErrNoState", err)
		}
		page, err := s.Transfers(t.Context(), status.Query{})
		ok(t, "list", err)
		same(t, "listed", 0, len(page.Transfers))
		point(t, s, "1", idB)
		wantKey(t, s, ref("1"), keyB)
	}},
	{"a number knows all that it ever led to", func(t *testing.T, s status.Store) {
		var ledTo []string
		wantNumber := func(want transfer.Number) {
			t.Helper()
			got, err := s.Number(t.Context(), "ab1")
			ok(t, "number", err)
			slices.Sort(got.LedTo)
			same(t, "number", want, got)
		}
		wantNumber(transfer.Number{Key: transfer.Key{No: "AB1"}})
		save(t, s, full("AB1", ""))
		wantNumber(transfer.Number{Key: transfer.Key{No: "AB1"}, Found: true})
		for _, id := range []string{idA, idB, idA} {
			pointed, err := s.Point(t.Context(), "Ab1", id)
			ok(t, "point", err)
			if !slices.Contains(ledTo, id) {
				ledTo = append(ledTo, id)
			}
			want := transfer.Number{Key: transfer.Key{ID: id}, Found: true, First: idA, LedTo: ledTo}
			slices.Sort(pointed.LedTo)
			same(t, "pointed", want, pointed)
			wantNumber(want)
		}
	}},
	{"numbers are not mixed up whatever they hold", func(t *testing.T, s status.Store) {
		numbers := []string{"1", "01", "1#REQUEST", "1/2", "A B", "A&B", "%23", "#", "Ü", "1#STATE"}
		for i, no := range numbers {
			save(t, s, full(no, guid(i)))
			point(t, s, no, guid(i))
		}
		for i, no := range numbers {
			wantKey(t, s, ref(no), transfer.Key{ID: guid(i)})
		}
	}},
	{"a contact that is forgotten leaves nothing, under any number", func(t *testing.T, s status.Store) {
		for _, by := range []transfer.Key{keyA, {No: "OLD"}, {No: "NEW"}} {
			save(t, s, full("OLD", idA))
			point(t, s, "OLD", idA)
			save(t, s, full("NEW", idA), full("OTHER", idB))
			point(t, s, "NEW", idA)
			point(t, s, "OTHER", idB)
			ok(t, "request", s.Request(t.Context(),
				transfer.Request{Ref: ref("OLD"), RequestedAt: Now}, transfer.Request{Ref: ref("NEW"), RequestedAt: Now},
				transfer.Request{Ref: contact.Ref{ID: idA}, RequestedAt: Now}, transfer.Request{Ref: ref("OTHER"), RequestedAt: Now}))

			ok(t, "forget", s.Forget(t.Context(), by))
			for _, r := range []contact.Ref{ref("OLD"), ref("NEW"), {ID: idA}} {
				if key, found, err := s.KeyOf(t.Context(), r); err != nil || found {
					t.Errorf("forgotten by %v: %v leads to %v (found %t, error %v)", by, r, key, found, err)
				}
			}
			waiting, _, err := s.Requests(t.Context(), 10)
			ok(t, "requests", err)
			if len(waiting) != 1 || waiting[0].Ref != ref("OTHER") {
				t.Errorf("forgotten by %v: waiting are %v, want OTHER only", by, waiting)
			}
			wantKey(t, s, ref("OTHER"), keyB)
		}
	}},
	{"forgetting leaves a number alone that another contact has by now", func(t *testing.T, s status.Store) {
		save(t, s, full("1", idA), full("1", idB))
		point(t, s, "1", idB)
		ok(t, "forget", s.Forget(t.Context(), keyA))
		wantKey(t, s, ref("1"), keyB)
		if _, err := s.State(t.Context(), keyB); err != nil {
			t.Errorf("the other contact: %v", err)
		}
	}},
	{"forgetting a contact never seen is no error", func(t *testing.T, s status.Store) {
		ok(t, "forget", s.Forget(t.Context(), keyA))
		ok(t, "forget", s.Forget(t.Context(), transfer.Key{No: "1"}))
	}},
}

func point(t *testing.T, s status.Store, no, id string) {
	t.Helper()
	_, err := s.Point(t.Context(), no, id)
	ok(t, "point", err)
}

func wantKey(t *testing.T, s status.Store, r contact.Ref, want transfer.Key) {
	t.Helper()
	key, found, err := s.KeyOf(t.Context(), r)
	if err != nil || key != want || !found {
		t.Errorf("%v leads to %v (found %t, error %v), want %v", r, key, found, err, want)
	}
}
