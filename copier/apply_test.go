package copier

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

func statement(id string, phase ddlgen.Phase, sql string, after ...string) ddlgen.Statement {
	return ddlgen.Statement{ID: id, Phase: phase, SQL: sql, After: after, Object: finding.Object{Kind: "test", Name: id}}
}

// Statements run in their phases and after what they need; one that fails takes
// only those with it that need it (C17, T20, T21).
func TestApplyGoesOnAfterAFailure(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, "CREATE TABLE public.p (id integer); INSERT INTO public.p VALUES (1), (1); CREATE TABLE public.c (id integer); INSERT INTO public.c VALUES (9)")
	anyway := statement("anyway", ddlgen.PhaseKeys, "SELECT 1", "pk")
	anyway.Anyway = true
	events := &recorder{}
	got, err := Apply(soon(t), ApplyParams{
		Target: parse(t, dial.Target, db.URL), Settings: dial.Writer(), Jobs: 3, Bus: event.NewBus(events),
		Statements: []ddlgen.Statement{
			statement("pk", ddlgen.PhaseKeys, "ALTER TABLE public.p ADD PRIMARY KEY (id)"),
			statement("on pk", ddlgen.PhaseKeys, "SELECT 1", "pk"),
			anyway,
			statement("ck", ddlgen.PhaseKeys, "ALTER TABLE public.c ADD PRIMARY KEY (id)"),
			statement("fk", ddlgen.PhaseForeignKeys, "ALTER TABLE public.c ADD FOREIGN KEY (id) REFERENCES public.p"),
			statement("skipped", ddlgen.PhaseComments, "SELECT 1"),
			statement("last", ddlgen.PhaseAnalyze, "ANALYZE public.p"),
		},
		Skip: func(s ddlgen.Statement) string {
			if s.ID == "skipped" {
				return "as asked"
			}
			return ""
		},
	})
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"anyway", "ck", "last"}, got.Done)
	require.Len(t, got.Failed, 2)
	require.Equal(t, "23505", dial.SQLState(got.Failed[0].Err))
	require.Equal(t, "fk", got.Failed[1].Statement.ID)
	reasons := map[string]string{}
	for _, s := range got.Skipped {
		reasons[s.Statement.ID] = s.Reason
	}
	require.Equal(t, map[string]string{"on pk": "it needs pk, which failed", "skipped": "as asked"}, reasons)
	failed := 0
	for _, e := range events.events {
		if f, ok := e.(event.StatementFailed); ok {
			failed++
			require.NotEmpty(t, f.SQL)
		}
	}
	require.Equal(t, 2, failed)
}

// All or nothing: a failure in the middle leaves nothing behind.
func TestApplyAtomic(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	statements := []ddlgen.Statement{
		statement("a", ddlgen.PhaseTables, "CREATE TABLE public.a (n integer)"),
		statement("b", ddlgen.PhaseTables, "CREATE TABLE public.b (n no_such_type)"),
	}
	got, err := Apply(soon(t), ApplyParams{Target: parse(t, dial.Target, db.URL), Settings: dial.Writer(), Statements: statements, Atomic: true})
	var failed *StatementError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, "b", failed.Statement.ID)
	require.True(t, got.RolledBack)
	require.Equal(t, "0", db.QueryString(t, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"))
	got, err = Apply(soon(t), ApplyParams{Target: parse(t, dial.Target, db.URL), Settings: dial.Writer(), Statements: statements[:1], Atomic: true})
	require.NoError(t, err)
	require.Equal(t, []string{"a"}, got.Done)
}

// A statement whose failure does not matter takes nothing with it, also inside
// of one transaction.
func TestApplyAtomicGoesOnAfterAnOptionalFailure(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	optional := statement("o", ddlgen.PhaseTables, "COMMENT ON TABLE public.nowhere IS 'x'")
	optional.Optional = true
	got, err := Apply(soon(t), ApplyParams{Target: parse(t, dial.Target, db.URL), Settings: dial.Writer(), Atomic: true, Statements: []ddlgen.Statement{
		statement("a", ddlgen.PhaseTables, "CREATE TABLE public.a (n integer)"), optional,
		statement("b", ddlgen.PhaseTables, "CREATE TABLE public.b (n integer)"),
	}})
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, got.Done)
	require.Len(t, got.Failed, 1)
	require.Equal(t, "2", db.QueryString(t, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"))
}

// The answer to COMMIT is lost: what stands on the target is unknown, and
// nobody says that it was rolled back.
func TestApplyAtomicCommitAnswerLost(t *testing.T) {
	t.Parallel()
	c := pgtest.Server(t)
	db := c.Database(t)
	proxy := pgtest.NewProxy(t, c)
	proxy.Add(pgtest.Rule{Action: pgtest.Cut, Dir: pgtest.ToClient, Match: pgtest.Tag("COMMIT")})
	got, err := Apply(soon(t), ApplyParams{Target: parse(t, dial.Target, proxy.URL(db.Name)), Settings: dial.Writer(), Atomic: true, Statements: []ddlgen.Statement{
		statement("a", ddlgen.PhaseTables, "CREATE TABLE public.a (n integer)"),
	}})
	require.Error(t, err)
	require.True(t, got.Unknown)
	require.False(t, got.RolledBack)
}

// Foreign keys that lock two tables each in both orders deadlock and are tried
// again.
func TestApplyOutlivesDeadlocks(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, "CREATE TABLE public.a (id integer PRIMARY KEY); CREATE TABLE public.b (id integer PRIMARY KEY)")
	var statements []ddlgen.Statement
	for i := range 10 {
		statements = append(statements,
			statement(fmt.Sprintf("ab%d", i), ddlgen.PhaseForeignKeys, "ALTER TABLE public.a ADD FOREIGN KEY (id) REFERENCES public.b"),
			statement(fmt.Sprintf("ba%d", i), ddlgen.PhaseForeignKeys, "ALTER TABLE public.b ADD FOREIGN KEY (id) REFERENCES public.a"))
	}
	got, err := Apply(soon(t), ApplyParams{Target: parse(t, dial.Target, db.URL), Settings: dial.Writer(), Jobs: 4, Statements: statements})
	require.NoError(t, err)
	require.Empty(t, got.Failed)
	require.Equal(t, "20", db.QueryString(t, "SELECT count(*) FROM pg_constraint WHERE contype = 'f'"))
}

// A connection that breaks in the middle: the statement is done once, and that
// it stands already is no failure then.
func TestApplyConnectionCut(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	for _, limit := range []int64{700, 900, 1100, 1300} {
		cut := &cutter{writeLimit: limit, cuts: 1}
		var statements []ddlgen.Statement
		for i := range 20 {
			statements = append(statements, statement(fmt.Sprintf("t%d", i), ddlgen.PhaseTables, fmt.Sprintf("CREATE TABLE public.t%d_%d (n integer)", limit, i)))
		}
		got, err := Apply(soon(t), ApplyParams{Target: cut.on(parse(t, dial.Target, db.URL)), Settings: dial.Writer(), Jobs: 1, Statements: statements})
		require.NoError(t, err)
		require.Empty(t, got.Failed)
		require.Len(t, got.Done, 20)
	}
}

// The heaviest tables come first, but nothing before what it needs.
func TestApplyOrder(t *testing.T) {
	t.Parallel()
	big, small := catalog.Name{Name: "big"}, catalog.Name{Name: "small"}
	on := func(s ddlgen.Statement, n *catalog.Name) ddlgen.Statement { s.Table = n; return s }
	a := &applier{ApplyParams: ApplyParams{Weight: map[catalog.Name]int64{big: 10, small: 1}}}
	var ids []string
	for _, s := range a.order([]ddlgen.Statement{
		on(statement("s1", ddlgen.PhaseKeys, ""), &small),
		on(statement("root", ddlgen.PhaseKeys, ""), &small),
		on(statement("attach", ddlgen.PhaseKeys, "", "root"), &big),
		on(statement("b1", ddlgen.PhaseKeys, ""), &big),
	}) {
		ids = append(ids, s.ID)
	}
	require.Equal(t, []string{"root", "attach", "b1", "s1"}, ids)
}

// Every kind of sequence position: never called, descending, at its maximum,
// of a table that is empty, with odd names; more than one batch (T30, N1).
func TestSetSequences(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.both(t, `CREATE SEQUENCE public.never; CREATE SEQUENCE public.down INCREMENT -1; CREATE SEQUENCE public.small AS smallint;
		CREATE SEQUENCE public."Odd ""name"" \ '" START 5; CREATE SEQUENCE public.cyc MAXVALUE 3 CYCLE`)
	p.source.Exec(t, `SELECT nextval('public.down'), nextval('public.down'), setval('public.small', 32767), setval('public.cyc', 3), setval('public."Odd ""name"" \ ''"', 77, false)`)
	names := []string{"never", "down", "small", `Odd "name" \ '`, "cyc"}
	var values []ddlgen.SequenceValue
	for _, n := range names {
		name := catalog.Name{Schema: "public", Name: n}
		values = append(values, ddlgen.SequenceValue{Source: name, Target: name})
	}
	var many string
	for i := range 250 {
		many += fmt.Sprintf("CREATE SEQUENCE public.m%d START %d;", i, i+1)
		name := catalog.Name{Schema: "public", Name: fmt.Sprintf("m%d", i)}
		values = append(values, ddlgen.SequenceValue{Source: name, Target: name})
	}
	p.both(t, many)
	missing := catalog.Name{Schema: "public", Name: "never"}
	values = append(values, ddlgen.SequenceValue{Source: missing, Target: catalog.Name{Schema: "public", Name: "nowhere"}})
	p.source.Exec(t, "DROP SEQUENCE public.m7") // since the plan was made: keeps the plan's value
	for i := range values {
		if values[i].Source.Name == "m7" {
			values[i].LastValue = 4711
		}
	}
	got, err := SetSequences(soon(t), SequenceParams{
		Source: parse(t, dial.Source, p.source.URL), Target: parse(t, dial.Target, p.target.URL), Settings: dial.Writer(), Values: values,
	})
	require.NoError(t, err)
	require.ErrorContains(t, got[len(got)-1].Err, "nowhere")
	const positions = `SELECT string_agg(r, ' ') FROM (
		SELECT last_value || ' ' || is_called AS r FROM public.never UNION ALL SELECT last_value || ' ' || is_called FROM public.down
		UNION ALL SELECT last_value || ' ' || is_called FROM public.small UNION ALL SELECT last_value || ' ' || is_called FROM public.cyc
		UNION ALL SELECT last_value || ' ' || is_called FROM public."Odd ""name"" \ '" UNION ALL SELECT last_value || ' ' || is_called FROM public.m249) x`
	require.Equal(t, p.source.QueryString(t, positions), p.target.QueryString(t, positions))
	require.Equal(t, "4711", p.target.QueryString(t, "SELECT last_value FROM public.m7"))
	require.Equal(t, []any{int64(77), false}, []any{got[3].LastValue, got[3].IsCalled})
}

// A source that went back since the snapshot (TRUNCATE ... RESTART IDENTITY) does
// not take the target back with it, where the snapshot's rows are; one that
// cycles may (T31).
func TestSetSequencesBehindTheSnapshot(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.both(t, "CREATE SEQUENCE up; CREATE SEQUENCE down INCREMENT -1; CREATE SEQUENCE same; CREATE SEQUENCE ahead; CREATE SEQUENCE round MAXVALUE 30 CYCLE")
	p.source.Exec(t, "SELECT setval('up', 3), setval('down', -3), setval('same', 7, false), setval('ahead', 900), setval('round', 2)")
	then := func(name string, increment, last int64) ddlgen.SequenceValue {
		n := catalog.Name{Schema: "public", Name: name}
		return ddlgen.SequenceValue{Source: n, Target: n, LastValue: last, IsCalled: true, Increment: increment, Cycle: name == "round"}
	}
	got, err := SetSequences(soon(t), SequenceParams{
		Source: parse(t, dial.Source, p.source.URL), Target: parse(t, dial.Target, p.target.URL), Settings: dial.Writer(),
		Values: []ddlgen.SequenceValue{then("up", 1, 12000), then("down", -1, -500), then("same", 1, 7), then("ahead", 1, 12), then("round", 1, 29)},
	})
	require.NoError(t, err)
	require.Equal(t, int64(12000), got[0].LastValue)
	require.Equal(t, "12000 true -500 true 7 true 900 true 2 true", p.target.QueryString(t, `SELECT concat_ws(' ', u.last_value, u.is_called::text, d.last_value,
		d.is_called::text, s.last_value, s.is_called::text, a.last_value, a.is_called::text, r.last_value, r.is_called::text) FROM up u, down d, same s, ahead a, round r`))
}

// Light statements share flights: each has its own outcome, in and out of a
// transaction, and one that fails takes none of its flight with it (C27).
func TestApplyFlights(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	var statements []ddlgen.Statement
	for i := range 40 {
		sql := fmt.Sprintf("CREATE TABLE public.t%d (n integer)", i)
		if i == 17 {
			sql = "CREATE TABLE public.t17 (n no_such_type)"
		}
		statements = append(statements, statement(fmt.Sprint("t", i), ddlgen.PhaseTables, sql))
	}
	statements = append(statements, statement("needs t17", ddlgen.PhaseTables, "SELECT 1", "t17"))
	params := ApplyParams{
		Target: parse(t, dial.Target, db.URL), Settings: dial.Writer(), Statements: statements, Jobs: 2, Window: 16,
	}
	atomic := params
	atomic.Atomic = true
	got, err := Apply(soon(t), atomic)
	var failed *StatementError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, "t17", failed.Statement.ID)
	require.True(t, got.RolledBack)
	require.Equal(t, "0", db.QueryString(t, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"))

	got, err = Apply(soon(t), params)
	require.NoError(t, err)
	require.Len(t, got.Done, 39)
	require.Len(t, got.Failed, 1)
	require.Equal(t, "42704", dial.SQLState(got.Failed[0].Err))
	require.Len(t, got.Skipped, 1)
	require.Equal(t, "39", db.QueryString(t, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"))
}

// What an earlier process may have done, and stands, is done in a flight too; what
// nobody has sent before is in the way.
func TestApplyFlightAgain(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, "CREATE TABLE public.t (n integer PRIMARY KEY); CREATE INDEX i0 ON public.t (n); CREATE INDEX i1 ON public.t (n)")
	statements := []ddlgen.Statement{statement("pk", ddlgen.PhaseKeys, "ALTER TABLE public.t ADD PRIMARY KEY (n)")}
	for i := range 9 {
		statements = append(statements, statement(fmt.Sprint("i", i), ddlgen.PhaseKeys, fmt.Sprintf("CREATE INDEX i%d ON public.t (n)", i)))
	}
	p := ApplyParams{Target: parse(t, dial.Target, db.URL), Settings: dial.Writer(), Statements: statements, Jobs: 1, Window: 16}
	p.Doubtful = map[string]bool{"pk": true, "i0": true}
	got, err := Apply(soon(t), p)
	require.NoError(t, err)
	require.Len(t, got.Done, 9)
	require.Len(t, got.Failed, 1)
	require.Equal(t, "i1", got.Failed[0].Statement.ID)
	p.Doubtful, p.Again = nil, true
	got, err = Apply(soon(t), p)
	require.NoError(t, err)
	require.Empty(t, got.Failed)
	require.Len(t, got.Done, 10)
}

// A connection that breaks in a flight: what was done is known as done, what
// was not is done on another.
func TestApplyFlightCut(t *testing.T) {
	t.Parallel()
	c := pgtest.Server(t)
	db := c.Database(t)
	proxy := pgtest.NewProxy(t, c)
	hit := proxy.Add(pgtest.Rule{Action: pgtest.Cut, Dir: pgtest.ToClient, After: 1000, Match: pgtest.Tag("CREATE TABLE")})
	var statements []ddlgen.Statement
	for i := range 40 {
		statements = append(statements, statement(fmt.Sprint("t", i), ddlgen.PhaseTables, fmt.Sprintf("CREATE TABLE public.t%d (n integer)", i)))
	}
	got, err := Apply(soon(t), ApplyParams{
		Target: parse(t, dial.Target, proxy.URL(db.Name)), Settings: dial.Writer(), Statements: statements, Jobs: 1, Window: 64,
	})
	require.NoError(t, err)
	<-hit.Fired()
	require.Empty(t, got.Failed)
	require.Len(t, got.Done, 40)
	require.Equal(t, "40", db.QueryString(t, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"))
}

// A flight that never left, since its connection could not be opened, has
// created nothing: what stands already is in the way, and is not its work.
func TestApplyFlightThatNeverLeft(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, "CREATE TABLE public.t1 (other text)")
	var statements []ddlgen.Statement
	for i := range 8 {
		statements = append(statements, statement(fmt.Sprint("t", i), ddlgen.PhaseTables, fmt.Sprintf("CREATE TABLE public.t%d (n integer)", i)))
	}
	cut := &cutter{writeLimit: 1, cuts: 1}
	got, err := Apply(soon(t), ApplyParams{
		Target: cut.on(parse(t, dial.Target, db.URL)), Settings: dial.Writer(), Statements: statements, Jobs: 1, Window: 64,
	})
	require.NoError(t, err)
	require.Len(t, got.Done, 7)
	require.Len(t, got.Failed, 1)
	require.Equal(t, "42P07", dial.SQLState(got.Failed[0].Err))
}

// After the first failure nothing more is begun, and what was not begun has not
// failed.
func TestApplyStopAtFirstBlamesOne(t *testing.T) {
	t.Parallel()
	for _, window := range []int{1, 64} {
		t.Run(fmt.Sprint(window), func(t *testing.T) {
			t.Parallel()
			db := pgtest.Server(t).Database(t)
			var statements []ddlgen.Statement
			for i := range 20 {
				sql := fmt.Sprintf("CREATE TABLE public.t%d (n integer)", i)
				if i == 0 {
					sql = "CREATE TABLE public.t0 (n no_such_type)"
				}
				statements = append(statements, statement(fmt.Sprint("t", i), ddlgen.PhaseTables, sql))
			}
			got, err := Apply(soon(t), ApplyParams{
				Target: parse(t, dial.Target, db.URL), Settings: dial.Writer(), Statements: statements, Jobs: 1, Window: window, StopAtFirst: true,
			})
			require.Equal(t, "42704", dial.SQLState(err))
			require.Len(t, got.Failed, 1)
		})
	}
}

// A target that stays away is waited for once, not once for every statement.
func TestApplyTargetGoneForGood(t *testing.T) {
	t.Parallel()
	c := pgtest.Server(t)
	proxy := pgtest.NewProxy(t, c)
	proxy.Refuse(true)
	var statements []ddlgen.Statement
	for i := range 12 {
		statements = append(statements, statement(fmt.Sprint("t", i), ddlgen.PhaseTables, fmt.Sprintf("CREATE TABLE public.t%d (n integer)", i)))
	}
	started := time.Now()
	got, err := Apply(soon(t), ApplyParams{
		Target: parse(t, dial.Target, proxy.URL(c.Database(t).Name)), Settings: dial.Writer(), Statements: statements, Jobs: 1, Window: 64, Patience: time.Second,
	})
	require.NoError(t, err)
	require.Len(t, got.Failed, 12)
	require.Less(t, time.Since(started), 6*time.Second)
}

// T26: a target that refuses the graph of many vectors says so in the report, and
// what comes after it is done.
func TestApplyVectorIndexRefusedT26(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, `CREATE TABLE public.items (id integer, e text); INSERT INTO public.items SELECT n, n::text FROM generate_series(1, 2000) n;
		CREATE FUNCTION public.refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
			RAISE EXCEPTION 'the graph of % rows does not fit into 8388608 bytes', (SELECT count(*) FROM public.items) USING ERRCODE = 'XX000'; END $$;
		CREATE EVENT TRIGGER refuse ON ddl_command_end WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION public.refuse()`)
	graph := statement("graph", ddlgen.PhaseVectorIndexes, "CREATE INDEX graph ON public.items (e)")
	graph.Optional = true
	got, err := Apply(soon(t), ApplyParams{
		Target: parse(t, dial.Target, db.URL), Settings: dial.Writer(), Jobs: 2, Bus: event.NewBus(), StopAtFirst: true,
		Statements: []ddlgen.Statement{
			statement("pk", ddlgen.PhaseKeys, "ALTER TABLE public.items ADD CHECK (id > 0)"), graph,
			statement("comment", ddlgen.PhaseComments, "COMMENT ON TABLE public.items IS 'x'"),
		},
	})
	require.NoError(t, err)
	require.Equal(t, []string{"pk", "comment"}, got.Done)
	require.Len(t, got.Failed, 1)
	require.ErrorContains(t, got.Failed[0].Err, "the graph of 2000 rows does not fit into 8388608 bytes")
}
