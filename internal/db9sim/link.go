package db9sim

import (
	"net"
	"time"
)

// LinkConfig says how slow the way to a client is. The zero value costs nothing.
type LinkConfig struct {
	Delay     time.Duration // one way
	Jitter    time.Duration // at most, on top of Delay
	Rate      int64         // bytes a second for one connection, each way; 0 is unbounded
	TotalRate int64         // bytes a second for all connections, each way
	Setup     time.Duration // until a new connection is answered
	IdleDrop  time.Duration // a connection silent for so long is dropped; 0 is never
}

// WAN is the link that DB9's users see: 150 ms round trip, 0.6 MB/s a
// connection, 250 ms to connect.
func WAN() LinkConfig {
	return LinkConfig{Delay: 75 * time.Millisecond, Rate: 600_000, Setup: 250 * time.Millisecond}
}

// sharedLink is what all connections share of a link.
type sharedLink struct{}

func newSharedLink(LinkConfig) *sharedLink { return &sharedLink{} }

func (l LinkConfig) wrap(c net.Conn, _ *sharedLink) net.Conn { return c }
