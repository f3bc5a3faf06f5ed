// Package result is what a measurement found, as JSON that keeps its form
// (docs/bench.md), CSV, a text and a page; and how two of them compare.
package result
