// Package stats is the statistics of measurements: medians and quantiles, where a
// series becomes steady, and whether two samples differ.
package stats
