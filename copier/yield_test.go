package copier

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
)

// openYielding takes a snapshot whose locks are given back.
func (p *pair) openYielding(t *testing.T, after time.Duration, lockers int) *Snapshot {
	t.Helper()
	s, err := OpenSnapshot(t.Context(), SnapshotParams{
		Source: parse(t, dial.Source, p.source.URL), Settings: ReaderSettings(p.profile), Match: allTables,
		Bus: event.NewBus(p.events), Yield: after, Lockers: lockers,
	})
	require.NoError(t, err)
	t.Cleanup(func() { s.Close(context.Background()) })
	return s
}

// altering runs DDL on the source, which has to wait, and gives its outcome.
func (p *pair) altering(t *testing.T, sql string) <-chan error {
	t.Helper()
	conn, done := p.source.Conn(t), make(chan error, 1)
	go func() {
		_, err := conn.Exec(t.Context(), sql)
		done <- err
	}()
	return done
}

// waits is how many sessions wait for a table's lock.
func (p *pair) waits(t *testing.T, table string) int {
	t.Helper()
	var n int
	_, err := fmt.Sscan(p.source.QueryString(t, "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = '"+table+"'::regclass"), &n)
	require.NoError(t, err)
	return n
}

// With --yield-locks an ALTER TABLE that waits for our lock has it when the limit
// is over. What it altered fails as "schema changed", and so does what others
// alter once the group is given back; what is as it was is copied (T15, C23).
func TestYieldLocks(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	names, transfers := p.manyTables(t, 5, 100)
	params := p.params(t, transfers...)
	params.Snapshot.Close(t.Context())
	const after = 600 * time.Millisecond
	params.Snapshot = p.openYielding(t, after, 0)
	started := time.Now()
	require.NoError(t, <-p.altering(t, "ALTER TABLE public.t0 ADD c integer"))
	require.Greater(t, time.Since(started), after/2, "the lock was held")
	require.Less(t, time.Since(started), after+10*time.Second)
	require.Eventually(t, func() bool { return len(p.events.notes()) == 1 }, 10*time.Second, time.Millisecond)
	require.Contains(t, p.events.notes()[0], "for ACCESS EXCLUSIVE on public.t0: the locks on public.t0 and 4 other tables are given back")
	p.source.Exec(t, "TRUNCATE public.t1; ALTER TABLE public.t2 ALTER v SET DEFAULT 'x'; ALTER TABLE public.t3 ALTER n TYPE bigint")
	res, err := Copy(soon(t), params)
	require.Error(t, err)
	for i, bad := range []bool{true, true, false, true, false} {
		var changed *SchemaChangedError
		if !bad {
			require.NoError(t, res.Tables[i].Err)
			continue
		}
		require.ErrorAs(t, res.Tables[i].Err, &changed)
		require.Equal(t, catalog.Name{Schema: "public", Name: names[i]}, changed.Table)
		require.Equal(t, "0", p.target.QueryString(t, "SELECT count(*) FROM public."+names[i]))
	}
	p.same(t, "t2", "t4")
}

// A table's own lock is kept while a part of it is read, and gone with the part:
// who waits for a table that is read already does not wait for the others.
func TestYieldLocksWhileReading(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.both(t, "CREATE TABLE public.a (n integer, v text); CREATE TABLE public.b (n integer, v text)")
	p.source.Exec(t, "INSERT INTO public.a SELECT n, repeat('x', 50) FROM generate_series(1, 2000) n; INSERT INTO public.b SELECT n, 'b' FROM generate_series(1, 100) n")
	before := fingerprint(t, p.source, "a")
	params := p.params(t, transfer("a", "n", "v"), transfer("b", "n", "v"))
	params.Snapshot.Close(t.Context())
	params.Snapshot, params.Jobs = p.openYielding(t, 200*time.Millisecond, 0), 1
	var altered <-chan error
	params.faults = &faults{at: func(ctx context.Context, at point, b *batch) error {
		if at != pointCopied {
			return nil
		}
		switch b.part.Relation.Name {
		case "a": // read to its end, and its transaction is open
			altered = p.altering(t, "TRUNCATE public.a")
			for p.waits(t, "public.a") == 0 {
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
			}
			for !strings.Contains(strings.Join(p.events.notes(), ""), "given back") {
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
			}
			require.Equal(t, 1, p.waits(t, "public.a"), "the group's lock is given back, and the reader's own is not")
		case "b":
			select {
			case err := <-altered:
				return err
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		return nil
	}}
	res, err := Copy(soon(t), params)
	complete(t, res, err)
	require.Equal(t, before, fingerprint(t, p.target, "a"))
	p.same(t, "b")
	require.Equal(t, "0", p.source.QueryString(t, "SELECT count(*) FROM public.a"), "truncated in mid-run")
}

// Where locks are not given back, nothing hangs behind somebody who waits for
// them: that would be for as long as both live. Before the parts are planned that
// is the run's end, later the table's.
func TestNothingHangsBehindAWaiter(t *testing.T) {
	t.Parallel()
	for _, planned := range []bool{false, true} {
		t.Run(fmt.Sprintf("planned %t", planned), func(t *testing.T) {
			t.Parallel()
			p := newPair(t)
			_, transfers := p.manyTables(t, 3, 100)
			params := p.params(t, transfers...)
			params.Snapshot.Close(t.Context())
			s, err := OpenSnapshot(t.Context(), SnapshotParams{
				Source: params.Source, Settings: ReaderSettings(p.profile), Match: allTables, lockTimeout: 300 * time.Millisecond,
			})
			require.NoError(t, err)
			t.Cleanup(func() { s.Close(context.Background()) })
			params.Snapshot = s
			var waiting <-chan error
			wait := func() {
				waiting = p.altering(t, "ALTER TABLE public.t1 ADD c integer")
				require.Eventually(t, func() bool { return p.waits(t, "public.t1") == 1 }, 10*time.Second, 10*time.Millisecond)
			}
			if params.faults = (&faults{beforeParts: wait}); !planned {
				params.faults = nil
				wait()
			}
			res, err := Copy(soon(t), params)
			require.Equal(t, "55P03", dial.SQLState(err))
			require.ErrorContains(t, err, "another session holds")
			if planned {
				require.ErrorContains(t, res.Tables[1].Err, "--yield-locks would give way")
				require.NoError(t, res.Tables[0].Err)
				require.NoError(t, res.Tables[2].Err)
			}
			s.Close(t.Context())
			require.NoError(t, <-waiting)
		})
	}
}

// With a bound on the connections that hold locks, the groups are larger, and
// every table is locked all the same.
func TestSnapshotMergesGroups(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	var sql strings.Builder
	for i := range 250 {
		fmt.Fprintf(&sql, "CREATE TABLE public.t%d (n integer);", i)
	}
	p.source.Exec(t, sql.String())
	s := p.openYielding(t, time.Hour, 2)
	require.Len(t, s.lockers, 2)
	require.Len(t, s.locked, 250)
	require.Equal(t, "250", p.source.QueryString(t, `SELECT count(DISTINCT l.relation) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
		WHERE l.mode = 'AccessShareLock' AND l.granted AND c.relkind = 'r' AND c.relname ~ '^t[0-9]+$'
		  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`))
}
