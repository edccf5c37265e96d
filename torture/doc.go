// Package torture tries to break the guarantees of the integration: every kind of
// fault at every call, a killed process at every call, changes behind its back,
// and random mixtures of all of them against a model of a perfect transfer.
//
// The tests play whole scenes: both simulators, one store, and processes that come
// and go. Time is a clock of the scene, so that leases, claims and retries pass at
// once.
//
// What is tried, and where:
//
//   - A process killed, or a call broken, at every call of a day: crash_test.go.
//   - Answers of both systems: 429 with seconds, a date, nothing and beyond the
//     deadline; 401 in mid-run; 400 that asks to try again; 500; 502 with HTML; an
//     error in XML; cut, slow, truncated and huge bodies; a skip token that comes
//     again or is refused; rows twice; a next link to another host; a redirect; a
//     create whose answer is lost; the secret down or rotated; clocks two minutes
//     apart; each call to the table failing: faults_test.go.
//   - Guarantee 9: the customer deleted, deactivated, linked elsewhere, its e-mail
//     address taken; the contact renumbered, deleted, turned into a company, edited
//     while its transfer runs; yesterday's table; another mapping: behind_test.go.
//   - Guarantee 2f, where outcomes are not recorded and transfers cross: swap_test.go,
//     number_test.go. What it may cost: budget_test.go.
//   - The retry schedule, and guarantee 3: retry_test.go.
//   - Random mixtures of all of it: property_test.go.
package torture
