package copier

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/dial"
)

// A process that has lost its run takes nothing away any more: neither rows nor
// what the ledger knows of them. One that holds it does.
func TestOnlyTheOwnerTakesAway(t *testing.T) {
	t.Parallel()
	for _, whole := range []bool{true, false} { // TRUNCATE in a transaction with others, or by itself
		p := newPair(t)
		p.target.Exec(t, "CREATE TABLE t (id int); INSERT INTO t SELECT generate_series(1, 5)")
		table := catalog.Name{Schema: "public", Name: "t"}
		target := parse(t, dial.Target, p.target.URL)
		lease, err := BeginRun(t.Context(), RunParams{Target: target, Settings: ControlSettings(p.profile), Run: Run{ID: "run", Options: "{}"}})
		require.NoError(t, err)
		defer func() { require.NoError(t, lease.End(t.Context(), "")) }()
		l := newLedger(target, ControlSettings(p.profile), "run")
		defer l.close(t.Context())
		l.whole = whole
		require.NoError(t, l.begin(t.Context(), runInfo{}, []Part{{ID: 1, Target: table, Relation: table}}, nil, ""))
		const state = "SELECT (SELECT count(*) FROM t) || ' ' || (SELECT string_agg(part::text, ',') FROM _pg2db9.part) || ' ' || (SELECT state FROM _pg2db9.run)"
		steps := map[string]func() error{
			"empty": func() error { return l.empty(t.Context(), table) },
			"again": func() error {
				return l.again(t.Context(), runInfo{}, []int64{1}, nil, nil, []Part{{ID: 2, Target: table, Relation: table}}, nil)
			},
			"supersede": func() error { return l.supersede(t.Context(), Part{ID: 3, Target: table, Relation: wholeTable}, "") },
			"settle":    func() error { return l.settle(t.Context(), StateLoaded) },
		}
		l.owner = "one that stood still"
		for name, step := range steps {
			var taken *TakenOverError
			require.ErrorAs(t, step(), &taken, name)
			require.Equal(t, lease.Owner(), taken.Owner, name)
			require.Equal(t, "5 1 loading", p.target.QueryString(t, state), name)
		}
		var taken *TakenOverError
		require.ErrorAs(t, l.judgeOwner(t.Context(), &pgconn.PgError{Code: "23502", Message: "NULL-Wert in Spalte »owner«", ColumnName: "owner"}), &taken, "in any language")
		l.owner = lease.Owner()
		for _, name := range []string{"again", "supersede", "settle", "empty"} {
			require.NoError(t, steps[name](), name)
		}
		require.Equal(t, "0 3 loaded", p.target.QueryString(t, state))
	}
}

// A lease can be renewed while a table that is to be emptied is locked by somebody
// else: else it would run out, and another process take the run.
func TestEmptyingDoesNotHoldTheLease(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.target.Exec(t, "CREATE TABLE t (id int); INSERT INTO t VALUES (1)")
	target := parse(t, dial.Target, p.target.URL)
	lease, err := BeginRun(t.Context(), RunParams{Target: target, Settings: ControlSettings(p.profile), Run: Run{ID: "run", Options: "{}"}})
	require.NoError(t, err)
	defer func() { require.NoError(t, lease.End(t.Context(), "")) }()
	l := newLedger(target, ControlSettings(p.profile), "run")
	defer l.close(t.Context())
	l.whole, l.owner = true, lease.Owner()
	holder := p.target.Conn(t)
	_, err = holder.Exec(t.Context(), "BEGIN; LOCK TABLE public.t IN ACCESS SHARE MODE")
	require.NoError(t, err)
	emptied := inBackground(func() error { return l.empty(soon(t), catalog.Name{Schema: "public", Name: "t"}) })
	require.Eventually(t, func() bool {
		return p.target.QueryString(t, "SELECT count(*) FROM pg_locks WHERE relation = 'public.t'::regclass AND NOT granted") == "1"
	}, 30*time.Second, 5*time.Millisecond)
	p.target.Exec(t, "BEGIN; SELECT FROM _pg2db9.run FOR UPDATE NOWAIT; COMMIT")
	_, err = holder.Exec(t.Context(), "ROLLBACK")
	require.NoError(t, err)
	require.NoError(t, emptied())
	require.Equal(t, "0", p.target.QueryString(t, "SELECT count(*) FROM t"))
}
