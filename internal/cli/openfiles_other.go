//go:build !unix

package cli

// mostOpenFiles is how many files the process may have open: not known here.
func mostOpenFiles() (uint64, bool) { return 0, false }
