// Package shape makes the rows of measurements: COPY TEXT of a shape that is
// known by name or read from a file, from a seed, faster than any server takes it.
package shape
