// Package load transfers many contacts with everything at once: runs, events of the
// table's stream, manual syncs, hooks and edits, while calls of every kind go wrong.
//
//	go test ./torture/load                                     2,000 contacts
//	go test ./torture/load -contacts 100000                    what make torture does
//	scripts/moto run go test ./torture/load -run Processes     three processes over one table
package load
