package copier

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// changes are what somebody may do to a table between the snapshot and its lock.
// Without the check each reads as an empty table, as NULLs, or not at all,
// without an error (T15).
var changes = map[string]string{
	"truncated":            "TRUNCATE public.t",
	"rewritten":            "ALTER TABLE public.t ALTER n TYPE bigint",
	"column added":         "ALTER TABLE public.t ADD c integer",
	"column dropped again": "ALTER TABLE public.t DROP v; ALTER TABLE public.t ADD v text",
	"column renamed":       "ALTER TABLE public.t RENAME v TO w",
	"dropped":              "DROP TABLE public.t",
	"renamed":              "ALTER TABLE public.t RENAME TO u",
	"replaced":             "ALTER TABLE public.t RENAME TO u; CREATE TABLE public.t (n integer, v text)",
	"vacuumed":             "VACUUM FULL public.t",
}

// What changed between snapshot and lock makes a new snapshot, which sees it.
func TestSnapshotIsTakenAnewWhenATableChanged(t *testing.T) {
	t.Parallel()
	for name, sql := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t)
			p.source.Exec(t, "CREATE TABLE public.t (n integer, v text); INSERT INTO public.t VALUES (1, 'x'); CREATE TABLE public.other (n integer)")
			once := true
			params := SnapshotParams{
				Source: parse(t, dial.Source, p.source.URL), Settings: ReaderSettings(p.profile), Match: allTables, Bus: event.NewBus(p.events),
				faults: &snapshotFaults{beforeLock: func() {
					if once {
						once = false
						p.source.Exec(t, sql)
					}
				}},
			}
			s, err := OpenSnapshot(soon(t), params)
			require.NoError(t, err)
			defer s.Close(context.Background())
			require.Len(t, p.events.notes(), 1)
			require.Contains(t, p.events.notes()[0], "a new snapshot is taken")
		})
	}
}

// A schema that changes at every try is given up, naming the table.
func TestSnapshotGivesUpOnARestlessSchema(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.source.Exec(t, "CREATE TABLE public.t (n integer)")
	params := SnapshotParams{
		Source: parse(t, dial.Source, p.source.URL), Settings: ReaderSettings(p.profile), Match: allTables,
		faults: &snapshotFaults{beforeLock: func() { p.source.Exec(t, "TRUNCATE public.t") }},
	}
	_, err := OpenSnapshot(soon(t), params)
	var changed *SchemaChangedError
	require.ErrorAs(t, err, &changed)
	require.Equal(t, catalog.Name{Schema: "public", Name: "t"}, changed.Table)
}

// A table beyond the locks taken at the start is locked and checked by its
// worker; there the table fails as "schema changed" and the others are copied.
func TestT15WorkerChecksItsTable(t *testing.T) {
	t.Parallel()
	for name, sql := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t)
			p.both(t, "CREATE TABLE public.t (n integer, v text); CREATE TABLE public.other (n integer)")
			p.source.Exec(t, "INSERT INTO public.t VALUES (1, 'x'); INSERT INTO public.other VALUES (1)")
			params := p.params(t, transfer("other", "n"), transfer("t", "n", "v"))
			params.Snapshot.Close(t.Context())
			s, err := OpenSnapshot(t.Context(), SnapshotParams{
				Source: params.Source, Settings: ReaderSettings(p.profile),
				Match: func([]catalog.TableRef) ([]catalog.Name, error) {
					return []catalog.Name{{Schema: "public", Name: "other"}}, nil
				},
			})
			require.NoError(t, err)
			t.Cleanup(func() { s.Close(context.Background()) })
			params.Snapshot = s
			planned := false
			params.faults = &faults{beforeParts: func() { planned = true; p.source.Exec(t, sql) }}
			res, err := Copy(soon(t), params)
			require.True(t, planned)
			require.Error(t, err)
			var changed *SchemaChangedError
			require.ErrorAs(t, res.Tables[1].Err, &changed)
			require.NoError(t, res.Tables[0].Err)
			require.Equal(t, "0", p.target.QueryString(t, "SELECT count(*) FROM public.t"))
		})
	}
}

// Somebody holds a table exclusively: the wait ends after lock_timeout with a
// message, and leaves no queue behind (C23).
func TestC23SnapshotWaitsForALockOnlySoLong(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.source.Exec(t, "CREATE TABLE public.t (n integer)")
	holder := p.source.Conn(t)
	mustExec(t, holder, "BEGIN; LOCK TABLE public.t IN ACCESS EXCLUSIVE MODE")
	_, err := OpenSnapshot(soon(t), SnapshotParams{
		Source: parse(t, dial.Source, p.source.URL), Settings: ReaderSettings(p.profile), Match: allTables, lockTimeout: 200 * time.Millisecond,
	})
	require.ErrorContains(t, err, "another session holds")
	require.ErrorContains(t, err, "public.t")
	require.Equal(t, "0", p.source.QueryString(t, "SELECT count(*) FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"))
	mustExec(t, holder, "ROLLBACK")
}

// Hundreds of tables are locked in groups, on connections that leave with the
// snapshot; while it lives nobody can alter them.
func TestSnapshotLocksInGroups(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.source.Exec(t, "SELECT FROM (SELECT 1) x") // warm
	for i := range 3 {
		sql := ""
		for j := range 80 {
			sql += fmt.Sprintf("CREATE TABLE public.t%d_%d (n integer);", i, j)
		}
		p.source.Exec(t, sql)
	}
	s, err := OpenSnapshot(soon(t), SnapshotParams{
		Source: parse(t, dial.Source, p.source.URL), Settings: ReaderSettings(p.profile), Match: allTables,
	})
	require.NoError(t, err)
	require.Len(t, s.lockers, 3)
	require.Len(t, s.locked, 240)
	conn := p.source.Conn(t)
	mustExec(t, conn, "SET lock_timeout = '100ms'")
	_, err = conn.Exec(t.Context(), "ALTER TABLE public.t2_79 ADD c integer")
	require.Equal(t, "55P03", dial.SQLState(err))
	s.Close(t.Context())
	mustExec(t, conn, "SET lock_timeout = 0; ALTER TABLE public.t2_79 ADD c integer")
}

// The holder idles in its transaction for the whole run: settings of the source
// that would end it are cleared (C9), and it takes no table lock itself.
func TestSnapshotOutlivesIdleTimeouts(t *testing.T) {
	t.Parallel()
	for _, major := range []int{13, 18} {
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			t.Parallel()
			p := newPair(t)
			p.source = pgtest.Major(t, major).Database(t)
			p.source.Exec(t, "CREATE TABLE public.t (n integer)")
			p.source.Exec(t, fmt.Sprintf("ALTER DATABASE %s SET idle_in_transaction_session_timeout = '200ms'", p.source.Name))
			if major >= 17 {
				p.source.Exec(t, fmt.Sprintf("ALTER DATABASE %[1]s SET transaction_timeout = '1s'", p.source.Name))
			}
			s := p.open(t)
			p.target.QueryString(t, "SELECT pg_sleep(1.2)::text")
			var n int
			require.NoError(t, s.Conn().QueryRow(t.Context(), "SELECT count(*) FROM public.t").Scan(&n))
		})
	}
}
