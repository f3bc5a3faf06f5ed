//go:build !linux

package dial

import "net"

// gather leaves it to the system when it wakes a reader.
func gather(c net.Conn) net.Conn { return c }
