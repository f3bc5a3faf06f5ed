// Package assess says what a move of a database will cost, before a byte of it
// is written: what is carried, changed and left, what the user must decide or
// change, how long it lasts, and how it is taken back.
//
// Build is pure: it makes a Database section of what the reader, the planner
// and the checks have found. Collect asks the source for the few facts that
// neither the model nor the plan holds. The report is written as text, JSON,
// Markdown and one HTML page; docs/assess.md documents the JSON.
package assess
