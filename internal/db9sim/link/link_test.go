package link_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pg2db9/pg2db9/internal/db9sim/link"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// late is how much later than it should a busy machine may do something.
const late = 700 * time.Millisecond

// pair is a client and the server's end of its connection.
func pair(t *testing.T, cfg link.Config) (client *net.TCPConn, server *link.Conn) {
	t.Helper()
	l, err := link.Listen(t.Context(), "tcp", "127.0.0.1:0", cfg)
	require.NoError(t, err)
	t.Cleanup(l.Shutdown)
	return connect(t, l)
}

func connect(t *testing.T, l *link.Listener) (client *net.TCPConn, server *link.Conn) {
	t.Helper()
	c, err := (&net.Dialer{KeepAlive: -1}).DialContext(t.Context(), "tcp", l.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	s, err := l.Accept()
	require.NoError(t, err)
	// No test waits for ever.
	require.NoError(t, c.SetDeadline(time.Now().Add(20*time.Second)))
	return c.(*net.TCPConn), s.(*link.Conn)
}

// took says how long fn needs, and that this is between two bounds.
func took(t *testing.T, least, most time.Duration, fn func()) {
	t.Helper()
	start := time.Now()
	fn()
	d := time.Since(start)
	require.GreaterOrEqual(t, d, least)
	require.Less(t, d, most+late)
}

func write(t *testing.T, c net.Conn, n int) {
	t.Helper()
	_, err := c.Write(make([]byte, n))
	require.NoError(t, err)
}

func read(t *testing.T, c net.Conn, n int) {
	t.Helper()
	_, err := io.ReadFull(c, make([]byte, n))
	require.NoError(t, err)
}

func TestDelayIsOfEachWay(t *testing.T) {
	t.Parallel()
	client, server := pair(t, link.Config{Delay: 60 * time.Millisecond})
	for range 3 {
		took(t, 120*time.Millisecond, 120*time.Millisecond, func() {
			write(t, client, 10)
			read(t, server, 10)
			write(t, server, 10)
			read(t, client, 10)
		})
	}
}

// A delay per write would take 40 of them.
func TestDelayIsOfPropagation(t *testing.T) {
	t.Parallel()
	for name, ends := range map[string]func(c, s net.Conn) (from, to net.Conn){
		"up":   func(c, s net.Conn) (from, to net.Conn) { return c, s },
		"down": func(c, s net.Conn) (from, to net.Conn) { return s, c },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const delay = 300 * time.Millisecond
			from, to := ends(pair(t, link.Config{Delay: delay}))
			took(t, delay, 2*delay, func() {
				go func() {
					for range 40 {
						_, _ = from.Write(make([]byte, 1000))
						<-time.After(time.Millisecond) // so that each goes by itself
					}
				}()
				read(t, to, 40*1000)
			})
		})
	}
}

func TestRateOfAConnection(t *testing.T) {
	t.Parallel()
	for name, ends := range map[string]func(c, s net.Conn) (from, to net.Conn){
		"up":   func(c, s net.Conn) (from, to net.Conn) { return c, s },
		"down": func(c, s net.Conn) (from, to net.Conn) { return s, c },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from, to := ends(pair(t, link.Config{Rate: 600_000, Delay: 75 * time.Millisecond}))
			took(t, 2075*time.Millisecond, 2100*time.Millisecond, func() {
				go func() { _, _ = from.Write(make([]byte, 1_200_000)) }()
				read(t, to, 1_200_000)
			})
		})
	}
}

// What a connection did not use of its rate is no credit for later.
func TestRateAfterIdling(t *testing.T) {
	t.Parallel()
	client, server := pair(t, link.Config{Rate: 200_000})
	write(t, client, 100)
	read(t, server, 100)
	<-time.After(300 * time.Millisecond)
	took(t, 500*time.Millisecond, 500*time.Millisecond, func() {
		write(t, client, 100_000)
		read(t, server, 100_000)
	})
}

func TestRateOfAllConnections(t *testing.T) {
	t.Parallel()
	l, err := link.Listen(t.Context(), "tcp", "127.0.0.1:0", link.Config{Rate: 500_000, TotalRate: 1_000_000})
	require.NoError(t, err)
	t.Cleanup(l.Shutdown)
	done := make(chan time.Duration, 4)
	start := time.Now()
	for range cap(done) { // 2 MB/s if the total did not bound them
		client, server := connect(t, l)
		go func() { _, _ = client.Write(make([]byte, 300_000)) }()
		go func() {
			_, _ = io.ReadFull(server, make([]byte, 300_000))
			done <- time.Since(start)
		}()
	}
	first := <-done
	var last time.Duration
	for range cap(done) - 1 {
		last = <-done
	}
	require.Greater(t, last, 1150*time.Millisecond)
	require.Less(t, last, 1200*time.Millisecond+late)
	require.Greater(t, first, last/2, "one connection had more than its part")
}

// One busy connection does not take the line's future from another.
func TestTotalIsNotReservedAhead(t *testing.T) {
	t.Parallel()
	l, err := link.Listen(t.Context(), "tcp", "127.0.0.1:0", link.Config{Rate: 50_000, TotalRate: 10_000_000})
	require.NoError(t, err)
	t.Cleanup(l.Shutdown)
	busy, _ := connect(t, l)
	go func() { _, _ = busy.Write(make([]byte, 200_000)) }() // of which 1.3 s are queued
	client, server := connect(t, l)
	<-time.After(50 * time.Millisecond)
	start := time.Now()
	write(t, client, 1000)
	read(t, server, 1000)
	require.Less(t, time.Since(start), late)
}

func TestJitterKeepsTheOrder(t *testing.T) {
	t.Parallel()
	client, server := pair(t, link.Config{Delay: 30 * time.Millisecond, Jitter: 30 * time.Millisecond, Rate: 2_000_000, Seed: 7})
	sent := make([]byte, 400_000)
	for i := range len(sent) / 4 {
		binary.BigEndian.PutUint32(sent[4*i:], uint32(i))
	}
	go func() {
		for rest := sent; len(rest) > 0; {
			n := min(777, len(rest))
			_, _ = client.Write(rest[:n])
			rest = rest[n:]
		}
	}()
	got := make([]byte, len(sent))
	_, err := io.ReadFull(server, got)
	require.NoError(t, err)
	require.True(t, bytes.Equal(sent, got))
}

func TestJitterVaries(t *testing.T) {
	t.Parallel()
	client, server := pair(t, link.Config{Delay: 80 * time.Millisecond, Jitter: 80 * time.Millisecond, Seed: 1})
	var least, most time.Duration = time.Hour, 0
	for range 12 {
		start := time.Now()
		write(t, client, 1)
		read(t, server, 1)
		d := time.Since(start)
		least, most = min(least, d), max(most, d)
	}
	require.Less(t, least, 70*time.Millisecond)
	require.Greater(t, most, 90*time.Millisecond)
}

// A writer feels that nobody reads at the other end before it has written
// much more than what the line holds.
func TestBackPressure(t *testing.T) {
	t.Parallel()
	cfg := link.Config{Rate: 600_000, Delay: 75 * time.Millisecond} // 45 kB and 64 KiB
	t.Run("up", func(t *testing.T) {
		t.Parallel()
		client, _ := pair(t, cfg)
		require.NoError(t, client.SetWriteBuffer(32<<10)) // the client's own affair
		require.NoError(t, client.SetWriteDeadline(time.Now().Add(time.Second)))
		n, err := client.Write(make([]byte, 16<<20))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.Less(t, n, 500<<10, "with the buffers of the system")
	})
	t.Run("down", func(t *testing.T) {
		t.Parallel()
		_, server := pair(t, cfg)
		require.NoError(t, server.SetWriteDeadline(time.Now().Add(100*time.Millisecond)))
		n, err := server.Write(make([]byte, 16<<20))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.Less(t, n, 400<<10)
	})
}

func TestSetup(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]link.Config{
		"far":  {Setup: 300 * time.Millisecond, Delay: 50 * time.Millisecond},
		"near": {Setup: 400 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, server := pair(t, cfg)
			echo := func() {
				write(t, client, 1)
				read(t, server, 1)
				write(t, server, 1)
				read(t, client, 1)
			}
			took(t, 380*time.Millisecond, 400*time.Millisecond, echo)
			start := time.Now()
			for range 2 {
				echo()
			}
			require.Less(t, time.Since(start), 200*time.Millisecond+late, "it is charged once")
		})
	}
}

// modes are a link that shapes and one that only passes on.
var modes = map[string]link.Config{
	"shaped":  {Delay: 20 * time.Millisecond, Rate: 1 << 20},
	"through": {},
}

func TestIdleDrop(t *testing.T) {
	t.Parallel()
	for name, cfg := range modes {
		t.Run("black hole, "+name, func(t *testing.T) {
			t.Parallel()
			cfg := cfg
			cfg.IdleDrop = 800 * time.Millisecond
			client, server := pair(t, cfg)
			for range 10 { // it does not idle yet
				<-time.After(100 * time.Millisecond)
				write(t, client, 1)
				read(t, server, 1)
			}
			<-time.After(cfg.IdleDrop + late)
			write(t, client, 1) // nobody tells
			require.NoError(t, client.SetReadDeadline(time.Now().Add(100*time.Millisecond)))
			require.NoError(t, server.SetReadDeadline(time.Now().Add(100*time.Millisecond)))
			_, err := server.Read(make([]byte, 1))
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
			_, err = client.Read(make([]byte, 1))
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		})
		t.Run("reset, "+name, func(t *testing.T) {
			t.Parallel()
			cfg := cfg
			cfg.IdleDrop, cfg.IdleReset = 200*time.Millisecond, true
			client, server := pair(t, cfg)
			took(t, 190*time.Millisecond, 200*time.Millisecond, func() {
				_, err := client.Read(make([]byte, 1))
				require.ErrorIs(t, err, syscall.ECONNRESET)
			})
			_, err := server.Read(make([]byte, 1))
			require.Error(t, err)
		})
	}
}

func TestReset(t *testing.T) {
	t.Parallel()
	for name, cfg := range modes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, server := pair(t, cfg)
			server.Reset()
			_, err := client.Read(make([]byte, 1))
			require.ErrorIs(t, err, syscall.ECONNRESET)
			_, err = server.Read(make([]byte, 1))
			require.ErrorIs(t, err, net.ErrClosed)
			_, err = server.Write(make([]byte, 1))
			require.Error(t, err)
		})
	}
}

func TestBlackHole(t *testing.T) {
	t.Parallel()
	for name, cfg := range modes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, server := pair(t, cfg)
			write(t, client, 1)
			read(t, server, 1)
			server.BlackHole()
			write(t, client, 1)
			write(t, server, 1)
			require.NoError(t, server.SetReadDeadline(time.Now().Add(200*time.Millisecond)))
			_, err := server.Read(make([]byte, 1))
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
			require.NoError(t, server.Close()) // not even this arrives
			require.NoError(t, client.SetReadDeadline(time.Now().Add(200*time.Millisecond)))
			_, err = client.Read(make([]byte, 1))
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		})
	}
}

func TestStall(t *testing.T) {
	t.Parallel()
	for name, cfg := range modes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, server := pair(t, cfg)
			const d = 300 * time.Millisecond
			server.Stall(d)
			took(t, d-time.Millisecond, d, func() {
				write(t, client, 1)
				read(t, server, 1)
			})
			server.Stall(d)
			took(t, d-time.Millisecond, d, func() {
				write(t, server, 1)
				read(t, client, 1)
			})
		})
	}
}

// The last words of a server arrive, at the link's pace.
func TestCloseDelivers(t *testing.T) {
	t.Parallel()
	for name, cfg := range modes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, server := pair(t, cfg)
			write(t, client, 100_000) // that the server never reads
			read(t, server, 1)
			write(t, server, 50_000)
			require.NoError(t, server.Close())
			n, _ := io.Copy(io.Discard, client)
			if name == "shaped" {
				require.EqualValues(t, 50_000, n)
			}
			require.ErrorIs(t, server.Close(), net.ErrClosed)
		})
	}
}

func TestClientsEndArrivesBehindItsBytes(t *testing.T) {
	t.Parallel()
	for name, cfg := range modes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, server := pair(t, cfg)
			write(t, client, 50_000)
			require.NoError(t, client.Close())
			got, err := io.ReadAll(server)
			require.NoError(t, err)
			require.Len(t, got, 50_000)
		})
	}
}

func TestForward(t *testing.T) {
	t.Parallel()
	echo, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = echo.Close() })
	go func() {
		for {
			c, err := echo.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); _ = c.Close() }()
		}
	}()
	f, err := link.Forward(t.Context(), "127.0.0.1:0", echo.Addr().String(), link.Config{Delay: 50 * time.Millisecond})
	require.NoError(t, err)
	t.Cleanup(f.Close)
	client, err := new(net.Dialer).DialContext(t.Context(), "tcp", f.Addr())
	require.NoError(t, err)
	defer func() { _ = client.Close() }()
	took(t, 100*time.Millisecond, 100*time.Millisecond, func() {
		write(t, client, 100)
		read(t, client, 100)
	})
}

// Links must not be what a measurement over them measures.
func TestCheapWithoutShape(t *testing.T) {
	t.Parallel()
	client, server := pair(t, link.Config{})
	const n = 256 << 20
	start := time.Now()
	go func() {
		buf := make([]byte, 256<<10)
		for range n / len(buf) {
			if _, err := client.Write(buf); err != nil {
				return
			}
		}
		_ = client.CloseWrite()
	}()
	got, err := io.Copy(io.Discard, struct{ io.Reader }{server})
	require.NoError(t, err)
	require.EqualValues(t, n, got)
	t.Logf("%.0f MB/s", n/1e6/time.Since(start).Seconds())
}
