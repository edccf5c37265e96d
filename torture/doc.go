// Package torture tries to break the guarantees of the integration: every kind of
// fault at every call, a killed process at every call, changes behind its back,
// and random mixtures of all of them against a model of a perfect transfer.
//
// The tests play whole scenes: both simulators, one store, and processes that come
// and go. Time is a clock of the scene, so that leases, claims and retries pass at
// once.
package torture
