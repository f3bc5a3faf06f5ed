package db9sim

import "github.com/pg2db9/pg2db9/internal/db9sim/link"

// LinkConfig says how slow the way to a client is. The zero value costs nothing.
type LinkConfig = link.Config

// WAN is the link that DB9's users see: 150 ms round trip, 0.6 MB/s a
// connection, 250 ms to connect.
func WAN() LinkConfig { return link.WAN() }
