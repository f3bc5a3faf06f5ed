//go:build !linux

package link

import (
	"net"
	"syscall"
)

// control leaves the system's buffers as they are: a client's writes wait
// later than they would on Linux.
func (c Config) control(_, _ string, _ syscall.RawConn) error { return nil }

// segmentsIn cannot be told here, so keepalives do not keep a connection.
func segmentsIn(net.Conn) (uint32, bool) { return 0, false }
