package transfer

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"strconv"
	"sync"

	"contactsync/shared/contact"
	"contactsync/shared/customer"
)

// A hasher makes the keyed hashes that stand for values in the store, so that no
// personal data is kept there (guarantee 7).
type hasher struct {
	pool   sync.Pool
	prefix []byte // what every fingerprint depends on besides the contact
	buffer sync.Pool
}

func onceHasher(cfg Config) func(context.Context) (*hasher, error) {
	var mu sync.Mutex
	var made *hasher
	return func(ctx context.Context) (*hasher, error) {
		mu.Lock()
		defer mu.Unlock()
		if made != nil {
			return made, nil
		}
		key, err := cfg.HashKey(ctx)
		if err != nil {
			return nil, err
		}
		made = newHasher(key, cfg)
		return made, nil
	}
}

func newHasher(key []byte, cfg Config) *hasher {
	h := &hasher{}
	h.pool.New = func() any { return hmac.New(sha256.New, key) }
	h.buffer.New = func() any { b := make([]byte, 0, 1024); return &b }
	h.prefix = append(h.prefix, "fingerprint 1\x00"...)
	h.prefix = append(h.prefix, cfg.Mapping.Digest()...)
	h.prefix = strconv.AppendBool(append(h.prefix, 0), cfg.Policy.UpdateAndLink)
	h.prefix = strconv.AppendBool(append(h.prefix, 0), cfg.Policy.TransferWithoutCompany)
	h.prefix = append(append(append(h.prefix, 0), cfg.SystemID...), 0)
	return h
}

// sum returns the first n bytes of the keyed hash as text.
func (h *hasher) sum(data []byte, n int) string {
	mac := h.pool.Get().(hash.Hash)
	mac.Reset()
	mac.Write(data)
	var out [sha256.Size]byte
	text := base64.RawURLEncoding.EncodeToString(mac.Sum(out[:0])[:n])
	h.pool.Put(mac)
	return text
}

// fingerprint stands for everything that the outcome of a transfer depends on:
// the values that the mapping reads, the mapping's digest and the policy.
func (h *hasher) fingerprint(appendSources func([]byte) []byte) string {
	buffer := h.buffer.Get().(*[]byte)
	data := appendSources(append((*buffer)[:0], h.prefix...))
	text := h.sum(data, 16)
	*buffer = data
	h.buffer.Put(buffer)
	return text
}

// fields returns a keyed hash for each member of a body, and the members' names in
// order.
func (h *hasher) fields(c *customer.Customer) (hashes map[string]string, names []string) {
	flat := flatten(c)
	hashes = make(map[string]string, len(flat))
	names = make([]string, 0, len(flat))
	buffer := h.buffer.Get().(*[]byte)
	data := *buffer
	for _, f := range flat {
		data = append(append(append(data[:0], f.name...), 0), f.value...)
		hashes[f.name] = h.sum(data, 8)
		names = append(names, f.name)
	}
	*buffer = data
	h.buffer.Put(buffer)
	return hashes, names
}

type flatField struct{ name, value string }

// flatten lists the members of a body under the names that people see:
// email_address, custom_fields.Role, addresses.city.
func flatten(c *customer.Customer) []flatField {
	flat := make([]flatField, 0, len(c.Fields)+len(c.CustomFields)+12)
	for _, v := range c.Fields {
		flat = append(flat, flatField{v.Field, plainText(v.Value)})
	}
	for _, v := range c.CustomFields {
		flat = append(flat, flatField{"custom_fields." + v.Name, v.Value})
	}
	for i, a := range c.Addresses {
		prefix := "addresses."
		if i > 0 {
			prefix = "addresses[" + strconv.Itoa(i) + "]."
		}
		for _, v := range a.Fields {
			flat = append(flat, flatField{prefix + v.Field, plainText(v.Value)})
		}
	}
	return flat
}

func plainText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	}
	return ""
}

func (w *work) takeFingerprint(ctx context.Context) error {
	h, err := w.hasher(ctx)
	if err != nil {
		return &Error{Fault: Internal, Op: "read the secret", Detail: "the secret cannot be read", Stop: true, Err: err}
	}
	w.hash = h
	w.fingerprint = w.fingerprintOf(h, &w.contact)
	if w.settledMeanwhile() {
		w.settle(ctx)
	}
	return nil
}

// settle ends our claim: the stored outcome stands.
func (w *work) settle(ctx context.Context) {
	t := w.row.Transfer()
	if t.Status == Succeeded {
		t.Action = Unchanged // it was somebody else who did it
	}
	w.settled = &t
	w.giveUp(ctx)
}

func (r *Runner) fingerprintOf(h *hasher, c *contact.Contact) string {
	return h.fingerprint(func(dst []byte) []byte { return r.cfg.Mapping.AppendSources(dst, c) })
}

// Settled reports whether the outcome of this version of a contact is stored
// already, so that a run counts it without a call and without a write: the same
// version with the same mapping and policy, or another version whose mapped
// values are the ones that were transferred.
func (r *Runner) Settled(ctx context.Context, c *contact.Contact, known *State) (Status, bool, error) {
	if known == nil || known.Status == "" || known.Claim.Owner != "" || known.Interrupted {
		return "", false, nil
	}
	h, err := r.hasher(ctx)
	if err != nil {
		return "", false, err
	}
	if !settled(c, known, r.fingerprintOf(h, c)) {
		return "", false, nil
	}
	return known.Status, true, nil
}

func settled(c *contact.Contact, known *State, fingerprint string) bool {
	if known.Fingerprint != fingerprint || (c.ID != "" && known.No != c.No) {
		return false
	}
	if known.Status == Succeeded {
		// A customer that gave its external id away waits for it, also when its contact is as it was before.
		return known.carries(contact.ExternalID(c.No))
	}
	return known.Version.Equal(c.Modified)
}

// settledMeanwhile reports whether another execution stored the outcome between
// our look at the page and our claim. Whoever asked for this very contact gets a
// transfer of his own.
func (w *work) settledMeanwhile() bool {
	if w.job.Trigger != ByPoll && w.job.Trigger != ByBackfill {
		return false
	}
	return w.row.Status != "" && !w.row.Interrupted && settled(&w.contact, &w.row, w.fingerprint)
}

// unchangedSource reports whether the customer holds what this version of the
// contact says, known before any look-up. A replay does the work again.
func (w *work) unchangedSource() bool {
	return w.row.Status == Succeeded && w.row.Fingerprint == w.fingerprint && w.certain()
}

// unchangedBody reports whether the body equals the one last sent although the
// source differs.
func (w *work) unchangedBody() bool {
	if len(w.row.SentHashes) == 0 || len(w.row.SentHashes) != len(w.sentHashes) || !w.certain() {
		return false
	}
	for name, sum := range w.sentHashes {
		if w.row.SentHashes[name] != sum {
			return false
		}
	}
	return true
}

// certain reports whether the store knows what the customer holds, under which
// external id.
func (w *work) certain() bool {
	return w.row.carries(w.wanted()) && !w.row.Interrupted && w.job.Trigger != ByReplay
}

func newOwner() string { return rand.Text() }
