package embedded

import (
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"contactsync/shared/status"
	"contactsync/shared/transfer"
)

func sample() *record {
	attempt := transfer.Attempt{
		Status: transfer.Retrying, Action: transfer.None, Trigger: transfer.ByPoll, RunID: "run-1", Number: 2,
		StartedAt: time.UnixMilli(1769853600123).UTC(), FinishedAt: time.UnixMilli(-1).UTC(), Warnings: []string{"Company is empty"},
		Problem: &transfer.Problem{Code: "COMPANY_NOT_FOUND", Detail: "detail"}, Sent: []string{"first_name"},
	}
	hashes := map[string]string{}
	for _, name := range []string{"customer_number", "first_name", "last_name", "email_address", "company", "custom_fields.Customer Type",
		"custom_fields.Record Type", "custom_fields.Role", "custom_fields.Active", "custom_fields.iPaaS.com Company ID",
		"addresses.address_1", "addresses.city", "addresses.region", "addresses.country", "addresses.postal_code"} {
		hashes[name] = "0123456789abcdef"
	}
	return &record{
		State: transfer.State{
			Attempt: attempt, No: "44552", ContactID: "3f2504e0-4f89-11d3-9a0c-0305e82c3301", CustomerID: "912",
			ExternalID: "44552|contact", AddressExternalID: "44552|contact|address", Version: time.UnixMilli(1769853600000).UTC(),
			Fingerprint: "0123456789abcdef0123456789abcdef", SentHashes: hashes,
			Attempts:    []transfer.Attempt{attempt, attempt},
			Interrupted: true, // three claims, and nobody has it
		},
		openClaims: 3,
	}
}

func TestAStateCutAnywhereIsDamagedAndNeverAPanic(t *testing.T) {
	whole := encode(sample())
	for n := range whole {
		var r record
		if err := decode([]byte("n44552"), whole[:n], &r); !errors.Is(err, status.ErrDamaged) {
			t.Fatalf("cut to %d of %d bytes: got %v, want ErrDamaged", n, len(whole), err)
		}
	}
	var r record
	if err := decode([]byte("n44552"), whole, &r); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sample(), &r, cmp.AllowUnexported(record{})); diff != "" {
		t.Errorf("whole (-want +got):\n%s", diff)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encode(sample()))
	f.Add([]byte{codecVersion, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Add([]byte{9})
	f.Fuzz(func(t *testing.T, value []byte) {
		var r record
		if err := decode([]byte("key"), value, &r); err != nil {
			if !errors.Is(err, status.ErrDamaged) {
				t.Fatalf("got %v, want ErrDamaged", err)
			}
			return
		}
		var again record
		if err := decode([]byte("key"), encode(&r), &again); err != nil {
			t.Fatalf("what was understood cannot be stored: %v", err)
		}
	})
}

// What the writer writes comes back, whatever the texts and numbers are.
func TestCodecRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, moment := rapid.String(), rapid.Custom(func(t *rapid.T) time.Time {
			return time.UnixMilli(rapid.Int64Range(-62135596799999, 253402300799999).Draw(t, "ms")).UTC()
		})
		texts := rapid.SliceOfN(text, 1, 4)
		attempt := rapid.Custom(func(t *rapid.T) transfer.Attempt {
			return transfer.Attempt{
				Status: rapid.SampledFrom([]transfer.Status{"", transfer.Succeeded, transfer.Retrying}).Draw(t, "status"),
				RunID:  text.Draw(t, "run"), Number: rapid.Int().Draw(t, "number"), FinishedAt: moment.Draw(t, "finished"),
				Warnings: texts.Draw(t, "warnings"), Problem: &transfer.Problem{Code: text.Draw(t, "code")}, Changed: texts.Draw(t, "changed"),
			}
		})
		want := record{State: transfer.State{
			Attempt: attempt.Draw(t, "attempt"), No: text.Draw(t, "no"), Version: moment.Draw(t, "version"),
			SentHashes: rapid.MapOfN(text, text, 1, 5).Draw(t, "hashes"),
			Attempts:   rapid.SliceOfN(attempt, 1, transfer.MaxAttempts).Draw(t, "attempts"),
		}, openClaims: rapid.IntRange(0, 9).Draw(t, "open")}
		want.Interrupted = want.openClaims > 0 // nobody has the claim
		var got record
		if err := decode([]byte("key"), encode(&want), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(record{})); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}

func BenchmarkDecodeHead(b *testing.B) {
	value := encode(sample())
	b.ReportAllocs()
	for b.Loop() {
		var r record
		if err := decodeHead(nil, value, &r); err != nil {
			b.Fatal(err)
		}
	}
}

// A sandbox that an earlier version left behind still opens.
func TestAStateOfVersion2IsRead(t *testing.T) {
	want := sample()
	attempt := func(w *writer, a *transfer.Attempt) {
		w.attempt(a)
		*w = (*w)[:len(*w)-2] // that the changed fields are others, and that there are none
		w.texts(a.Changed)
	}
	var head writer
	attempt(&head, &want.Attempt)
	for _, text := range []string{want.No, want.ContactID, want.CustomerID, want.ExternalID, want.AddressExternalID} {
		head.text(text)
	}
	head.moment(want.Version)
	head.text(want.Fingerprint)
	head.text("")
	head.moment(time.Time{})
	head.text("")
	head.texts(want.Begun)
	head.number(want.openClaims)
	head = binary.AppendUvarint(head, uint64(len(want.SentHashes)))
	for name, hash := range want.SentHashes {
		head.text(name)
		head.text(hash)
	}
	value := append(writer{2}, binary.AppendUvarint(nil, uint64(len(head)))...)
	value = append(value, head...)
	value.number(len(want.Attempts))
	for i := range want.Attempts {
		attempt(&value, &want.Attempts[i])
	}
	var got record
	if err := decode([]byte("n44552"), value, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, &got, cmp.AllowUnexported(record{})); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
}
