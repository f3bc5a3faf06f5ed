package copier

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/dial"
)

// slowConn returns late from every write, as on a loaded machine: long enough
// for pgx to begin reading in the background, and for the answer to be there
// when it is told to stop. The next answer is then read by a goroutine of pgx's.
// Every other write is slow: pgx pings to find out whether a connection is quiet.
type slowConn struct {
	net.Conn
	writes int
}

func (c *slowConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if c.writes++; c.writes%2 == 0 {
		return n, err
	}
	t := time.NewTimer(30 * time.Millisecond)
	defer t.Stop()
	<-t.C
	return n, err
}

func slow(e *dial.Endpoint) *dial.Endpoint {
	return e.WithDial(func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		return &slowConn{Conn: conn}, err
	})
}

// Connections whose writes are slow are taken over whole: no byte of what comes
// first is lost to a reader of pgx's that is still under way.
func TestCopyOverSlowConnections(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.both(t, "CREATE TABLE public.t (n integer)")
	p.source.Exec(t, "INSERT INTO public.t SELECT generate_series(1, 1000)")
	params := p.params(t, transfer("t", "n"))
	params.Source, params.Target = slow(params.Source), slow(params.Target)
	params.Patience = time.Millisecond
	res, err := Copy(soon(t), params)
	complete(t, res, err)
	require.Empty(t, p.events.retries())
	p.same(t, "t")
}
