// Package run measures: copies of made or of a source's rows to a target or to
// nothing, under each of several settings, in turn.
package run
