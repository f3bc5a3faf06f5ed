package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// How long a test waits for what a server says late, and how often it looks.
const (
	eventually = 10 * time.Second
	tick       = 20 * time.Millisecond
)

const manyRows = `CREATE TABLE t (a integer, b text); INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(1, 10000) i;
	CREATE TABLE u (a integer); INSERT INTO u SELECT generate_series(1, 100);`

// The server is gone after any number of bytes: never a Match of what was not
// read (Y4).
func TestRunNeverMatchesOnLostServerY4(t *testing.T) {
	t.Parallel()
	b := setup(t, manyRows)
	p := b.params
	p.Jobs = 1
	var total int64
	healthy := endpoint(t, dial.Target, b.target)
	p.Target = faulty(healthy, nil, func(_ int, read int64) error { total = max(total, read); return nil })
	report, err := Run(t.Context(), p)
	require.NoError(t, err)
	require.True(t, report.Good())

	for i := range int64(40) {
		limit := total * i / 40
		p.Target = faulty(healthy, func(number int) error {
			if number > 0 {
				return errCut
			}
			return nil
		}, func(_ int, read int64) error {
			if read >= limit {
				return errCut
			}
			return nil
		})
		report, err := Run(t.Context(), p)
		require.False(t, report.Good(), "after %d of %d bytes", limit, total)
		require.Equal(t, Errored, report.Verdict())
		if err != nil {
			require.Zero(t, report.TableCounts().Match)
		}
	}
}

// A target that goes away while it is asked for what it has, wherever in that,
// is asked again from the beginning, and nothing is said twice.
func TestRunAsksAgainOnLostConnection(t *testing.T) {
	t.Parallel()
	b := setup(t, "CREATE TABLE t (a integer PRIMARY KEY); CREATE TABLE u (a integer, b text UNIQUE)")
	p := b.params
	p.Jobs, p.Patience = 1, eventually
	var asked int64
	p.Target = faulty(endpoint(t, dial.Target, b.target), nil, func(number int, read int64) error {
		if number == 0 {
			asked = max(asked, read)
		}
		return nil
	})
	want, err := Run(t.Context(), p)
	require.NoError(t, err)
	require.True(t, want.Good(), "%+v", want)
	for i := range int64(12) {
		p.Target = faulty(endpoint(t, dial.Target, b.target), nil, func(number int, read int64) error {
			if number == 0 && read >= asked*i/12 {
				return errCut
			}
			return nil
		})
		report, err := Run(t.Context(), p)
		require.NoError(t, err, "after %d of %d bytes", asked*i/12, asked)
		require.True(t, report.Good(), "after %d of %d bytes: %+v", asked*i/12, asked, report)
		require.Len(t, report.Tables, len(want.Tables))
		require.Equal(t, want.Notes, report.Notes)
	}
}

// One broken connection costs a second read, not the verdict.
func TestRunReadsAgainOnLostConnection(t *testing.T) {
	t.Parallel()
	b := setup(t, manyRows)
	p := b.params
	p.Jobs = 1
	p.Target = faulty(endpoint(t, dial.Target, b.target), nil, func(number int, read int64) error {
		if number == 0 && read > 500_000 {
			return errCut
		}
		return nil
	})
	report, err := Run(t.Context(), p)
	require.NoError(t, err)
	require.True(t, report.Good())
	notes := of[event.Note](b.events)
	require.Len(t, notes, 1)
	require.Contains(t, notes[0].Text, "public.t is read again on the target")

	// Every connection breaks at that place.
	p.Target = faulty(endpoint(t, dial.Target, b.target), nil, func(_ int, read int64) error {
		if read > 500_000 {
			return errCut
		}
		return nil
	})
	report, err = Run(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, Errored, table(t, report, "t").Verdict)
	require.Contains(t, table(t, report, "t").Detail, "reading public.t on the target (whole)")
	require.Equal(t, Match, table(t, report, "u").Verdict, "one table's failure is its own")
}

// The source that breaks is no more a Match than the target.
func TestRunNeverMatchesOnLostSource(t *testing.T) {
	t.Parallel()
	b := setup(t, manyRows)
	p := b.alone(t)
	p.Source = faulty(p.Source, nil, func(_ int, read int64) error {
		if read > 500_000 {
			return errCut
		}
		return nil
	})
	report, err := Run(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, Errored, table(t, report, "t").Verdict)
	require.Contains(t, table(t, report, "t").Detail, "reading public.t on the source")
}

// An error in the midst of the rows is the table's, with the server's words.
func TestRunReportsServersErrors(t *testing.T) {
	t.Parallel()
	b := setup(t, manyRows)
	b.plan.Transfers[0].Columns[0].ReadBack = "1 / (a - 9000)"
	report, err := Run(t.Context(), b.params)
	require.NoError(t, err)
	require.Equal(t, Errored, table(t, report, "t").Verdict)
	require.Contains(t, table(t, report, "t").Detail, "division by zero (SQLSTATE 22012)")
	require.Equal(t, Match, table(t, report, "u").Verdict)
	require.Empty(t, of[event.Note](b.events), "an error that will come again is not tried again")
}

func TestRunCannotBegin(t *testing.T) {
	t.Parallel()
	b := setup(t, manyRows)
	p := b.params
	p.Target = faulty(p.Target, func(int) error { return errCut }, nil)
	report, err := Run(t.Context(), p)
	require.ErrorContains(t, err, "connecting to the target")
	require.False(t, report.Good())
	require.Equal(t, Counts{Errored: 2}, report.TableCounts())
	require.Len(t, of[event.TableVerified](b.events), 2)
	require.Equal(t, Errored, report.Tables[0].Shape.Verdict)
	require.False(t, report.Complete)

	p = b.alone(t)
	p.Source = faulty(p.Source, func(int) error { return errCut }, nil)
	report, err = Run(t.Context(), p)
	require.ErrorContains(t, err, "connecting to the source")
	require.Equal(t, Counts{Errored: 2}, report.TableCounts())
}

// A server that grants fewer connections than there are jobs is read by those
// it grants.
func TestRunGoesOnWithFewerConnections(t *testing.T) {
	t.Parallel()
	var sql strings.Builder
	for i := range 20 {
		fmt.Fprintf(&sql, "CREATE TABLE t%d AS SELECT generate_series(1, 1000) AS a;", i)
	}
	b := setup(t, sql.String())
	p := b.params
	p.Jobs = 8
	p.Target = faulty(p.Target, func(number int) error {
		if number >= 2 {
			return errors.New("too many connections")
		}
		return nil
	}, nil)
	report, err := Run(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, Counts{Match: 20}, report.TableCounts())
}

func TestRunCancelled(t *testing.T) {
	t.Parallel()
	b := setup(t, manyRows)
	stop := errors.New("the user said stop")

	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stop)
	report, err := Run(ctx, b.params)
	require.Error(t, err)
	require.False(t, report.Good())
	require.Zero(t, report.TableCounts().Match)

	ctx, cancel = context.WithCancelCause(t.Context())
	defer cancel(nil)
	p := b.params
	p.Jobs = 1
	p.Target = faulty(p.Target, nil, func(_ int, read int64) error {
		if read > 500_000 {
			cancel(stop)
		}
		return nil
	})
	report, err = Run(ctx, p)
	require.ErrorIs(t, err, stop)
	require.False(t, report.Good())
	require.False(t, report.Complete)
	require.Equal(t, Errored, table(t, report, "t").Verdict)
	require.Contains(t, table(t, report, "t").Detail, stop.Error())
	require.Equal(t, Errored, table(t, report, "u").Verdict, "not begun")
}

// editedConn replaces a piece of what the server says.
type editedConn struct {
	net.Conn
	from, to string
}

func (c *editedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	return copy(p, bytes.ReplaceAll(p[:n], []byte(c.from), []byte(c.to))), err
}

// Rows that vanish between server and digest are noticed by the server's own
// count, a row without its end by that.
func TestRunHoldsStreamAgainstTag(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE t (a integer); INSERT INTO t VALUES (1), (2);`)
	for detail, c := range map[string]*editedConn{
		"the server says that it sent 3 rows, and 2 arrived": {from: "COPY 2\x00", to: "COPY 3\x00"},
		"the stream ended inside a row":                      {from: "d\x00\x00\x00\x062\n", to: "d\x00\x00\x00\x0622"},
	} {
		p := b.params
		p.Target = p.Target.WithDial(func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
			return &editedConn{conn, c.from, c.to}, err
		})
		report, err := Run(t.Context(), p)
		require.NoError(t, err)
		require.Equal(t, Errored, report.Verdict())
		require.Contains(t, report.Tables[0].Detail, detail)
	}
}

// A read that waits for a lock ends with its context.
func TestRunCancelledWhileWaiting(t *testing.T) {
	t.Parallel()
	b := setup(t, manyRows)
	locker := b.target.Conn(t)
	_, err := locker.Exec(t.Context(), "BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var watch sync.WaitGroup
	watch.Go(func() {
		for ctx.Err() == nil {
			if b.target.QueryString(t, "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 't'::regclass") == "1" {
				cancel()
			}
		}
	})
	report, err := Run(ctx, b.params)
	cancel()
	watch.Wait()
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, Errored, table(t, report, "t").Verdict)
}

// A row of any size passes through the session's buffer (V26).
func TestRunHoldsNoRowY12(t *testing.T) { //nolint:paralleltest // it counts the process's allocations
	if testing.Short() {
		t.Skip("64 MB rows")
	}
	server := pgtest.Server(t)
	source, target := server.Database(t), server.Database(t)
	const sql = `CREATE TABLE t (a text); INSERT INTO t SELECT repeat('0123456789abcdef', 4 << 20) FROM generate_series(1, 2);`
	source.Exec(t, sql)
	target.Exec(t, sql)
	p := Params{
		Source: endpoint(t, dial.Source, source), Target: endpoint(t, dial.Target, target),
		Plan: planOf(t, source), Profile: ddlgen.Postgres(), Jobs: 2,
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	report, err := Run(t.Context(), p)
	runtime.ReadMemStats(&after)
	require.NoError(t, err)
	require.True(t, report.Good(), report.Tables[0].Detail)
	require.EqualValues(t, 2*2*(64<<20+1), report.Tables[0].Data.Bytes)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(4<<20))
}
