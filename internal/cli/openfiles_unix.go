//go:build unix

package cli

import "syscall"

// mostOpenFiles is how many files the process may have open. Go has raised it to
// what the system allows already.
func mostOpenFiles() (uint64, bool) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, false
	}
	return uint64(limit.Cur), true //nolint:unconvert // signed on some systems
}
