// Package ipaastest simulates the part of iPaaS.com's public API that our
// clients call: customers with their addresses, companies, external ids and
// custom fields (ipaas.md 4 to 8). It speaks HTTP, keeps state, enforces what
// the reference calls confirmed, and has a named switch for each assumption of
// ipaas.md 14 ([Switches]). A request that nothing is known about (path, method,
// parameter, body member) is refused and reported: it fails the test that made
// it, and is logged in the sandbox.
//
// It is the test double of the client, the destination of the sandbox and the
// target of load runs at once. All of it is safe for concurrent use.
package ipaastest
