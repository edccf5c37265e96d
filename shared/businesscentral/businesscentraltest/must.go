package businesscentraltest

import "fmt"

// Add is [Simulator.AddContacts] for tests: what cannot be added ends the test.
func (s *Simulator) Add(contacts ...Contact) { s.must(s.AddContacts(contacts...)) }

// Edit is [Simulator.EditContact] for tests.
func (s *Simulator) Edit(ref string, change func(*Contact)) { s.must(s.EditContact(ref, change)) }

// Rename is [Simulator.RenameContact] for tests.
func (s *Simulator) Rename(ref, number string) { s.must(s.RenameContact(ref, number)) }

// Swap is [Simulator.SwapNumbers] for tests.
func (s *Simulator) Swap(one, other string) { s.must(s.SwapNumbers(one, other)) }

// Delete is [Simulator.DeleteContact] for tests.
func (s *Simulator) Delete(ref string) { s.must(s.DeleteContact(ref)) }

// must ends the test, or panics where none runs. It is called by the test's own
// goroutine.
func (s *Simulator) must(err error) {
	if err == nil {
		return
	}
	s.testMu.Lock()
	test := s.test
	s.testMu.Unlock()
	if test == nil {
		panic(fmt.Sprintf("businesscentraltest: %v", err))
	}
	test.Helper()
	test.Fatal(err)
}
