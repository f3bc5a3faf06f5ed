// Package simtest has the tests that clone whole databases by the real command
// line through the stand-in: from a real PostgreSQL, through db9sim, to another
// real PostgreSQL, which is then asked directly, past the stand-in and past
// pg2db9's own verification, what it holds.
//
// A clone ends with 0, or with 4 before anything is written; every verdict is a
// match. `make test` takes a few databases and some of the rules, `make
// test-simulated` (PG2DB9_SIMULATED_ALL=1) all databases under both sets of
// rules, and each rule alone and each rule left out.
//
// What passes here is simulated, never verified on DB9.
package simtest
