// Package verify proves what the target holds: counts, digests, sequence
// positions and the shape of tables, all read from the target itself.
//
// The rows of a table are equal when the same number of them, with the same
// order-free 128-bit sum over their canonical text (package digest), left the
// source and come back from the target. The source's side is what the copier
// accounted while it sent the rows, so that a clone never reads its source
// twice, or, without an account, a read of the source in one snapshot.
//
// What nobody looked at is Unknown, what could not be looked at is Errored, and
// a report is good only when every table and sequence of the plan has a Match
// or a skip that the user asked for. No error turns into a Match.
package verify
