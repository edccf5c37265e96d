package businesscentraltest

import (
	"errors"
	"time"
)

// A Transaction collects writes that nobody else sees before [Transaction.Commit].
// They then appear with the time at which they were written, not the time of the
// commit: the late commit of business-central.md 4.8 no. 3. It is for one goroutine.
type Transaction struct {
	simulator *Simulator
	writes    []func() error
}

// Begin starts a transaction.
func (s *Simulator) Begin() *Transaction { return &Transaction{simulator: s} }

func (t *Transaction) write(do func(s *Simulator, at time.Time) error) {
	s, at := t.simulator, t.simulator.now()
	t.writes = append(t.writes, func() error { return do(s, at) })
}

// Add writes a new contact; see [Simulator.AddContacts].
func (t *Transaction) Add(c Contact) {
	t.write(func(s *Simulator, at time.Time) error { return s.addContact(c, at) })
}

// Edit writes a change; see [Simulator.EditContact].
func (t *Transaction) Edit(ref string, change func(*Contact)) {
	t.write(func(s *Simulator, at time.Time) error { return s.editContact(ref, change, at) })
}

// Rename writes another number; see [Simulator.RenameContact].
func (t *Transaction) Rename(ref, number string) {
	t.write(func(s *Simulator, at time.Time) error { return s.renameContact(ref, number, at) })
}

// Delete removes a contact; see [Simulator.DeleteContact].
func (t *Transaction) Delete(ref string) {
	t.write(func(s *Simulator, at time.Time) error { return s.deleteContact(ref, at) })
}

// Commit makes all writes visible at once, in their order. Its error joins those
// of the writes that could not be done.
func (t *Transaction) Commit() error {
	s := t.simulator
	s.mu.Lock()
	defer s.mu.Unlock()
	var faults []error
	for _, write := range t.writes {
		faults = append(faults, write())
	}
	t.writes = nil
	return errors.Join(faults...)
}
