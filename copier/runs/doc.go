// Package runs reads what the ledger on a target says of its runs, and what the
// servers say of the sessions that work on them. It writes nothing, so that any
// machine may ask at any time; removing is in remove.go, and asks first.
package runs
