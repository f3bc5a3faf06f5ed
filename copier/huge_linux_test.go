package copier

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/internal/pgtest"
	"github.com/pg2db9/pg2db9/verify/digest"
)

// What the client of 16 jobs may use beside one huge row, in KiB: its buffers and
// connections, the program, and the garbage in between.
const memoryBesideRow = 48 << 10

const (
	hugeTables = 14 // ordinary ones, beside the two with a huge row
	hugeJobs   = 16
)

// Invariant 6: two huge rows among ordinary tables, 16 jobs, and a target that
// stalls while both are on their way: the client's memory is bounded by its
// buffers and one such row, and no goroutine is left (TestMain looks, in the other
// process too). HUGE_ROW_MB says how large (make huge-rows: 500).
func TestC18HugeRows(t *testing.T) {
	if p, ok := apartPair(); ok {
		hugeChild(t, p)
		return
	}
	t.Parallel()
	mb := hugeMB(t, 40)
	p := newPair(t)
	for i := range hugeTables {
		p.both(t, fmt.Sprintf("CREATE TABLE public.t%d (n integer, v text)", i))
		p.source.Exec(t, fmt.Sprintf("INSERT INTO public.t%d SELECT n, repeat('x', 90) FROM generate_series(1, 2000) n", i))
	}
	for i, typ := range []string{"text", "real"} {
		p.both(t, fmt.Sprintf("CREATE TABLE public.huge%d (n %s, v text); ALTER TABLE public.huge%[1]d ALTER v SET STORAGE EXTERNAL", i, typ))
		p.source.Exec(t, fmt.Sprintf("INSERT INTO public.huge%d VALUES ('1.5', repeat('0123456789abcdef', %d))", i, mb<<16))
	}
	used := apart(t, p)
	t.Logf("%d MiB resident at most, with rows of %d MiB", used>>10, mb)
	if !raceEnabled { // the race detector multiplies memory
		require.LessOrEqual(t, used, memoryBesideRow+mb<<10)
	}
	for i := range 2 {
		require.Equal(t, fmt.Sprintf("1|%d", mb<<20), p.target.QueryString(t, fmt.Sprintf("SELECT count(*), sum(length(v)) FROM public.huge%d WHERE md5(v) = md5(repeat('0123456789abcdef', %d))", i, mb<<16)))
	}
}

// hugeChild is the other process: it copies, by way of connections to the target
// that stall in the middle of a huge row until nothing else is to be done.
func hugeChild(t *testing.T, p *pair) {
	t.Helper()
	var transfers []ddlgen.Transfer
	for i := range hugeTables {
		transfers = append(transfers, transfer(fmt.Sprintf("t%d", i), "n", "v"))
	}
	verbatim, held := transfer("huge0", "n", "v"), transfer("huge1", "n", "v")
	held.Columns[0].Canon = digest.Float4
	params := p.params(t, append(transfers, verbatim, held)...)
	params.Jobs = hugeJobs
	dialer := pgtest.NewFaultDialer(t)
	stalled := &stalls{dialer: dialer, progress: params.Progress, ended: make(chan struct{})}
	for range 3 * hugeJobs {
		dialer.Next(pgtest.Fault{Action: pgtest.Stall, Dir: pgtest.ToServer, After: 4 << 20})
	}
	params.Target = parse(t, dial.Target, p.target.URL).WithDial(func(ctx context.Context, network, addr string) (net.Conn, error) {
		return dialer.Dial(ctx, network, addr)
	})
	params.Bus = event.NewBus(p.events)
	var wg sync.WaitGroup
	wg.Go(stalled.release)
	ctx, cancel := context.WithTimeout(t.Context(), 9*time.Minute)
	defer cancel()
	res, err := Copy(ctx, params)
	close(stalled.ended)
	wg.Wait()
	complete(t, res, err)
	require.Equal(t, 2, stalled.seen)
	tellPeak(t)
}

// stalls ends the stalls of connections, each when all is done that does not wait
// for it.
type stalls struct {
	dialer   *pgtest.FaultDialer
	progress *event.Progress
	ended    chan struct{}
	seen     int
}

func (s *stalls) release() {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	released := map[*pgtest.FaultConn]bool{}
	for {
		select {
		case <-s.ended:
			return
		case <-tick.C:
		}
		if s.progress.Snapshot().DoneParts < hugeTables {
			continue
		}
		fired := 0
		for _, c := range s.dialer.Conns() {
			if isClosed(c.Fired()) && !released[c] {
				fired++
			}
		}
		if fired+s.seen < 2 {
			continue
		}
		for _, c := range s.dialer.Conns() {
			if isClosed(c.Fired()) && !released[c] {
				released[c] = true
				s.seen++
				c.Release()
			}
		}
	}
}
