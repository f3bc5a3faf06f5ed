package pgtest

import (
	"errors"
	"net"

	"golang.org/x/sys/unix"
)

// swallow makes a connection a black hole for its other side: packets are
// dropped before TCP sees them, so that neither data nor probes are
// acknowledged, and no RST is sent, as when a host or a route is gone.
func swallow(c net.Conn) error {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return errors.New("only TCP connections can be black holes")
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return err
	}
	nothing := []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: 0}}
	var failed error
	if err := raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &nothing[0]})
	}); err != nil {
		return err
	}
	return failed
}
