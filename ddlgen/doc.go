// Package ddlgen turns the model of a source database into a plan for a
// target: the statements that create its objects, the transfers that carry its
// rows, and the findings that say what is changed or left behind.
//
// It is a pure function: no I/O, no clock, no randomness; the same model,
// profile and options give the same bytes. Every object of the source is
// carried by a statement or named by a finding: nothing vanishes.
package ddlgen
