package link

import (
	"errors"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	farSegment = 1448     // bytes of a segment over Ethernet
	farBuffer  = 64 << 10 // bytes of a socket's buffer
)

// control makes the loopback of a slow link like one: its segments of 64 kB
// would let a client's system take megabytes before a write waits.
func (c Config) control(network, _ string, raw syscall.RawConn) error {
	rate := c.rate()
	if rate == 0 || rate > smallUntil || network == "unix" {
		return nil
	}
	var err error
	outer := raw.Control(func(fd uintptr) {
		err = errors.Join(
			unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG, farSegment),
			unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, farBuffer),
			unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUF, farBuffer))
	})
	return errors.Join(outer, err)
}

// segmentsIn is how many segments the system has had from the other side, its
// keepalives among them.
func segmentsIn(c net.Conn) (n uint32, ok bool) {
	tcp, is := c.(*net.TCPConn)
	if !is {
		return 0, false
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return 0, false
	}
	_ = raw.Control(func(fd uintptr) {
		if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			n, ok = info.Segs_in, true
		}
	})
	return n, ok
}
