//go:build !linux

package pgserver

// dataDir leaves the data directory to initdb: on the disk.
func dataDir(string, bool, *account) error { return nil }
