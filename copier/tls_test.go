package copier

import (
	"context"
	"net"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/db9sim"
	"github.com/pg2db9/pg2db9/internal/dial"
)

// spoiled is a connection below TLS that breaks once, after so many bytes that
// were read or written.
type spoiled struct {
	net.Conn
	in, out *atomic.Int64 // bytes until it breaks; of all connections together
	cut     bool          // it ends there; else a byte is changed
}

func (s *spoiled) spoil(left *atomic.Int64, p []byte, n int) (broken bool) {
	before := left.Load()
	if before < 0 {
		return false
	}
	if left.Add(int64(-n)) >= 0 {
		return false
	}
	left.Store(-1)
	if s.cut {
		_ = s.Close()
		return true
	}
	if n > 0 {
		p[n-1] ^= 0xff
	}
	return false
}

func (s *spoiled) Read(p []byte) (int, error) {
	n, err := s.Conn.Read(p)
	if s.spoil(s.in, p, n) {
		return 0, net.ErrClosed
	}
	return n, err
}

func (s *spoiled) Write(p []byte) (int, error) {
	q := append([]byte(nil), p...)
	if s.spoil(s.out, q, len(q)) {
		return 0, net.ErrClosed
	}
	return s.Conn.Write(q)
}

// C6: a TLS connection that ends in the middle of a record, and one whose
// records do not decrypt, on the way in and out: a lost connection, and the
// part goes on.
func TestC6BrokenTLS(t *testing.T) {
	t.Parallel()
	const never = -1
	for name, c := range map[string]struct {
		in, out int64
		cut     bool
	}{
		"ends while answers come":   {2500, never, true},
		"ends while rows go":        {never, 40_000, true},
		"changed answers":           {2500, never, false},
		"changed rows":              {never, 40_000, false},
		"changed at the first word": {1, never, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t)
			p.profile = ddlgen.DB9()
			p.profile.BatchRows = 500
			p.both(t, "CREATE TABLE public.t (id bigint, v text)")
			p.source.Exec(t, "INSERT INTO public.t SELECT n % 700, repeat('x', 50) FROM generate_series(1, 5000) n")
			sim := standIn(t, p.target, db9sim.Config{TLS: db9sim.TLSRequired})
			params := p.params(t, transfer("t", "id", "v"))
			params.Jobs = 1
			var in, out atomic.Int64
			in.Store(never)
			out.Store(never)
			params.Target = parse(t, dial.Target, sim.URL()).WithDial(func(ctx context.Context, network, addr string) (net.Conn, error) {
				conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
				if err != nil {
					return nil, err
				}
				return &spoiled{Conn: conn, in: &in, out: &out, cut: c.cut}, nil
			})
			params.faults = &faults{beforeParts: func() { // the sessions are set up, or nearly
				in.Store(c.in)
				out.Store(c.out)
			}}
			res, err := Copy(soon(t), params)
			complete(t, res, err)
			p.same(t, "t")
			require.True(t, in.Load() == never && out.Load() == never, "nothing was broken")
		})
	}
}
