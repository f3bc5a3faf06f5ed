// Package verify proves what the target holds: counts, digests, sequence
// positions and the shape of tables, all read from the target itself.
//
// The rows of a table are equal when the same number of them, with the same
// order-free 128-bit sum over their canonical text (package digest), left the
// source and come back from the target. The source's side is what the copier
// accounted while it sent the rows, so that a clone never reads its source
// twice, or, without an account, a read of the source in one snapshot.
//
// Where rows are looked for (LevelRows), the first read also keeps a sum for each
// bucket of about two hundred rows: a range of the key where both sides order it
// alike, else of the key's hash, without a key of the row's. The buckets that
// differ are read again, the source's rows held, the target's passed by them; what
// was found must make up for the difference of the whole, or more differs.
//
// What nobody looked at is Unknown, what could not be looked at is Errored, and
// a report is good only when every table and sequence of the plan has a Match
// or a skip that the user asked for. No error turns into a Match.
package verify
