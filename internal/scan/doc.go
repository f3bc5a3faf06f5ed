// Package scan looks through a source's rows for what would change or fail on
// the way: values that a transfer reduces or that the target refuses, keys that
// collide, rows and keys that are too large, rows that break a foreign key or a
// check which was never validated, sequences behind their columns.
//
// All conditions of a table are asked in one SELECT a piece, so that the data are
// read once; pieces are ranges of blocks, short and throttled, under one
// snapshot. What was not looked at is Unknown in the result, never clean.
package scan
