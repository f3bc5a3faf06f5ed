//go:build !linux

package dial

import (
	"syscall"
	"time"
)

// userTimeout leaves unacknowledged data to the system's own patience.
func userTimeout(syscall.RawConn, time.Duration) error { return nil }
