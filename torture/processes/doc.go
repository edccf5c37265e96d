// Package processes tries to break the guarantees with the functions as they are
// deployed: compiled, run as processes under a Runtime API, killed by kill -9. Its
// tests need a stand-in for DynamoDB and Secrets Manager and run with make torture;
// docs/torture.md says what they try.
package processes
