// Package sync keeps tables of a target current, run by run, as a job file says:
// loaded anew, by a cursor, or by what differs. A run reads the tables of a group
// in one snapshot, writes under the copier's ledger, and verifies what it wrote.
//
// Rows travel by the copier and are compared by verify; this package decides which
// of them, in which order, and keeps what is known from one run to the next in the
// tables _pg2db9.sync_… on the target.
package sync
