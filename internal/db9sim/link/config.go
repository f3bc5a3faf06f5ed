package link

import "time"

// Config says what a link is like. The zero value is no link at all: bytes go
// straight through.
type Config struct {
	// Delay is how long a byte travels, one way. A round trip is two of them.
	Delay time.Duration
	// Jitter is how much earlier or later than Delay a piece may arrive. It
	// never changes the order.
	Jitter time.Duration
	// Rate bounds each direction of each connection, in bytes a second; 0 does
	// not.
	Rate int64
	// TotalRate bounds each direction of all connections together, in bytes a
	// second; 0 does not.
	TotalRate int64
	// Setup is what a new connection costs on top of its round trips: nothing
	// of the client is heard before it has passed. It stands for what the
	// handshakes of TCP and TLS cost a far server.
	Setup time.Duration
	// IdleDrop drops a connection over which nothing has gone for so long; 0
	// never does. TCP keepalives count as traffic where the system tells of
	// them (Linux).
	IdleDrop time.Duration
	// IdleReset drops by a reset; otherwise nobody is told (a black hole).
	IdleReset bool
	// Seed makes the jitter of the n-th connection the same in every run.
	Seed uint64
}

// WAN is the link of a managed database far away: 150 ms a round trip, 0.6 MB/s
// a connection, 250 ms to set one up.
func WAN() Config {
	return Config{Delay: 75 * time.Millisecond, Rate: 600_000, Setup: 250 * time.Millisecond}
}

// shaped says that bytes have to wait for something.
func (c Config) shaped() bool {
	return c.Delay > 0 || c.Jitter > 0 || c.Rate > 0 || c.TotalRate > 0
}

const (
	queue      = 64 << 10              // bytes that may wait before a line
	queueTime  = 20 * time.Millisecond // or what a fast line sends in this time
	window     = 4 << 20               // bytes in flight where no rate bounds them
	largest    = 32 << 10              // bytes of a piece
	smallest   = 1 << 10               // bytes of a piece of a slow line
	pieces     = 40                    // of a line a second
	smallUntil = 8 << 20               // bytes a second up to which the system's buffers are kept small
)

// rate is the rate that one direction of one connection can reach, 0 if none
// bounds it.
func (c Config) rate() int64 {
	if c.Rate == 0 || c.TotalRate > 0 && c.TotalRate < c.Rate {
		return c.TotalRate
	}
	return c.Rate
}

// limit is how many bytes of a direction may be between sender and receiver.
func (c Config) limit() int {
	rate := c.rate()
	if rate == 0 {
		return window
	}
	return int(bytesIn(c.Delay+c.Jitter, rate)) + max(queue, int(bytesIn(queueTime, rate)))
}

// piece is how many bytes travel together: few enough that a slow line is
// smooth, and many enough that a fast one is cheap.
func (c Config) piece() int {
	rate := c.rate()
	if rate == 0 {
		return largest
	}
	return int(min(max(rate/pieces, smallest), largest))
}

func bytesIn(d time.Duration, rate int64) int64 {
	return int64(d.Seconds() * float64(rate))
}

func timeFor(bytes int, rate int64) time.Duration {
	return time.Duration(float64(bytes) / float64(rate) * float64(time.Second))
}
