package dial

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// stream is a gathered connection, and the server's end of it.
func stream(t *testing.T) (*gathered, net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	server, err := l.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { c.Close(); server.Close() })
	g, ok := gather(c).(*gathered)
	require.True(t, ok)
	return g, server
}

// lowWater is how many bytes the system keeps before it wakes the reader.
func (g *gathered) lowWater(t *testing.T) int {
	t.Helper()
	var n int
	var err error
	require.NoError(t, g.raw.Control(func(fd uintptr) { n, err = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVLOWAT) }))
	require.NoError(t, err)
	return n
}

// gathering returns a stream whose reader gathers: what was sent came fast.
func gathering(t *testing.T) (*gathered, net.Conn) {
	t.Helper()
	g, server := stream(t)
	g.fast(t, server)
	return g, server
}

// fast sends a table's pieces that wait for their reader, until it gathers.
func (g *gathered) fast(t *testing.T, server net.Conn) {
	t.Helper()
	piece := make([]byte, 8<<10)
	for range 100 {
		for range 4 {
			_, err := server.Write(piece)
			require.NoError(t, err)
		}
		for range 4 {
			_, err := io.ReadFull(g, piece)
			require.NoError(t, err)
		}
		if g.reads >= g.after {
			require.Equal(t, gatherBytes, g.lowWater(t))
			return
		}
	}
	require.Fail(t, "it does not begin")
}

// What is less than is waited for arrives all the same, and soon; answers to small
// questions are not waited with again until there is much again.
func TestGatheredGetsTheLastPiece(t *testing.T) {
	t.Parallel()
	g, server := gathering(t)
	for range 5 {
		go func() {
			time.Sleep(gatherWait / 2) // the reader waits by now
			_, _ = server.Write([]byte("last"))
		}()
		b := make([]byte, 1<<20)
		n, err := g.Read(b)
		require.NoError(t, err)
		require.Equal(t, "last", string(b[:n]))
	}
	require.Less(t, g.reads, g.after)
	require.Equal(t, 2*gatherAfter, g.after, "the next time takes more to begin")
	require.Equal(t, 1, g.lowWater(t))
	g.fast(t, server)
}

// Much is read at once, every byte in its place.
func TestGatheredStream(t *testing.T) {
	t.Parallel()
	g, server := stream(t)
	const size = 64 << 20
	done := make(chan error, 1)
	go func() {
		piece := make([]byte, 8<<10)
		for sent := 0; sent < size; sent += len(piece) {
			for i := range piece {
				piece[i] = byte((sent + i) * 7 >> 3)
			}
			if _, err := server.Write(piece); err != nil {
				done <- err
				return
			}
		}
		done <- server.Close()
	}()
	b := make([]byte, 128<<10)
	got := 0
	for {
		n, err := g.Read(b)
		for i, x := range b[:n] {
			if x != byte((got+i)*7>>3) {
				require.Fail(t, "another byte", "at %d", got+i)
			}
		}
		got += n
		if err != nil {
			require.ErrorIs(t, err, io.EOF)
			break
		}
	}
	require.NoError(t, <-done)
	require.Equal(t, size, got)
}

// The deadline of the connection's user holds while it gathers, set before or by
// another goroutine in the middle, and taken away.
func TestGatheredKeepsDeadlines(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(*gathered) error{
		"over":  func(g *gathered) error { return g.SetDeadline(time.Unix(1, 0)) },
		"soon":  func(g *gathered) error { return g.SetReadDeadline(time.Now().Add(gatherWait / 2)) },
		"later": func(g *gathered) error { return g.SetReadDeadline(time.Now().Add(20 * gatherWait)) },
		"replaced": func(g *gathered) error {
			return errors.Join(g.SetDeadline(time.Now().Add(time.Hour)), g.SetDeadline(time.Unix(1, 0)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, server := gathering(t)
			require.NoError(t, set(g))
			_, err := g.Read(make([]byte, 9))
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)

			require.NoError(t, g.SetDeadline(time.Time{}))
			_, err = server.Write([]byte("more"))
			require.NoError(t, err)
			b := make([]byte, 9)
			n, err := g.Read(b)
			require.NoError(t, err)
			require.Equal(t, "more", string(b[:n]))
		})
	}
	for range 50 { // in the middle: of gathering, and of the wait after it
		g, _ := gathering(t)
		go func() {
			time.Sleep(time.Duration(time.Now().UnixNano()%4) * gatherWait / 2)
			_ = g.SetDeadline(time.Unix(1, 0))
		}()
		_, err := g.Read(make([]byte, 9))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	}
}

// The other side's end wakes a reader that gathers.
func TestGatheredSeesTheEnd(t *testing.T) {
	t.Parallel()
	g, server := gathering(t)
	_, err := server.Write([]byte("bye"))
	require.NoError(t, err)
	require.NoError(t, server.Close())
	b, err := io.ReadAll(g)
	require.NoError(t, err)
	require.Equal(t, "bye", string(b))

	g, _ = gathering(t)
	require.NoError(t, g.Close())
	_, err = g.Read(b)
	require.ErrorIs(t, err, net.ErrClosed)
}

// A stream that comes slowly is not waited with.
func TestGatheredLeavesSlowStreams(t *testing.T) {
	t.Parallel()
	g, server := stream(t)
	piece := make([]byte, 8<<10)
	for range 3 * gatherAfter {
		time.Sleep(gatherWait)
		_, err := server.Write(piece)
		require.NoError(t, err)
		_, err = io.ReadFull(g, piece)
		require.NoError(t, err)
	}
	require.Less(t, g.reads, g.after)
}
