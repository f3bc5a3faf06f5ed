package catalog

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

const routinesSQL = `
CREATE SCHEMA app; CREATE TYPE app.mood AS ENUM ('a'); CREATE TABLE app.t (id integer, m app.mood); CREATE SEQUENCE app.s;
CREATE FUNCTION app.f(a integer, VARIADIC more text[]) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF
	SECURITY DEFINER SET search_path = app, pg_temp SET work_mem = '1MB' AS $$SELECT a -- 'quoted' $q$ $$;
CREATE FUNCTION app.f(a app.mood, b integer DEFAULT 7, OUT c text, INOUT d app.t DEFAULT NULL) LANGUAGE plpgsql STABLE AS 'BEGIN END';
CREATE FUNCTION app."F(x)"(integer) RETURNS TABLE (n integer, "M" app.mood[]) LANGUAGE sql ROWS 5 COST 3 AS 'SELECT 1, NULL::app.mood[]';
CREATE FUNCTION app.row_in(app.t) RETURNS SETOF app.t LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION app.tr() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE PROCEDURE app.p(a integer, INOUT b integer DEFAULT nextval('app.s')) LANGUAGE plpgsql AS 'BEGIN COMMIT; END';
CREATE FUNCTION app.w() RETURNS bigint LANGUAGE internal WINDOW AS 'window_row_number';
`

// The routines of every kind, with what is said of each, on every major.
func TestRoutines(t *testing.T) {
	t.Parallel()
	eachMajor(t, func(t *testing.T, db *pgtest.DB) {
		db.Exec(t, routinesSQL)
		got := load(t, db)
		mood := Type{Name: in("mood"), Kind: KindEnum, Mod: -1, Text: "app.mood"}
		row := Type{Name: in("t"), Kind: KindComposite, Mod: -1, Text: "app.t"}
		integer, text := base("int4", "integer", -1), base("text", "text", -1)
		array := func(typ Type) Type { typ.Array, typ.Text = true, typ.Text+"[]"; return typ }
		pseudo := func(name string) Type {
			return Type{Name: builtIn(name), Kind: KindPseudo, Mod: -1, Text: name}
		}
		usesMood, usesRow := Ref{Kind: "type", Name: in("mood")}, Ref{Kind: "table", Name: in("t")}
		want := []Routine{
			{
				Name: in("F(x)(integer)"), Plain: "F(x)", Kind: Function, IdentityArgs: "integer",
				Args:    []Argument{{Mode: "in", Type: integer}, {Name: "n", Mode: "table", Type: integer}, {Name: "M", Mode: "table", Type: array(mood)}},
				Returns: `TABLE(n integer, "M" app.mood[])`, ReturnsType: pseudo("record"), ReturnsSet: true, Language: "sql",
				Def: "CREATE OR REPLACE FUNCTION app.\"F(x)\"(integer)\n RETURNS TABLE(n integer, \"M\" app.mood[])\n LANGUAGE sql\n COST 3 ROWS 5\n" +
					"AS $function$SELECT 1, NULL::app.mood[]$function$",
				Body: "SELECT 1, NULL::app.mood[]", Volatility: "volatile", Parallel: "unsafe", Uses: []Ref{usesMood},
			},
			{
				Name: in("f(app.mood,integer,app.t)"), Plain: "f", Kind: Function, IdentityArgs: "a app.mood, b integer, OUT c text, INOUT d app.t",
				Args: []Argument{
					{Name: "a", Mode: "in", Type: mood},
					{Name: "b", Mode: "in", Type: integer, Default: true},
					{Name: "c", Mode: "out", Type: text},
					{Name: "d", Mode: "inout", Type: row, Default: true},
				},
				Returns: "record", ReturnsType: pseudo("record"), Language: "plpgsql",
				Def: "CREATE OR REPLACE FUNCTION app.f(a app.mood, b integer DEFAULT 7, OUT c text, INOUT d app.t DEFAULT NULL::app.t)\n RETURNS record\n" +
					" LANGUAGE plpgsql\n STABLE\nAS $function$BEGIN END$function$",
				Body: "BEGIN END", Volatility: "stable", Parallel: "unsafe", Uses: []Ref{usesRow, usesMood},
			},
			{
				Name: in("f(integer,text[])"), Plain: "f", Kind: Function, IdentityArgs: "a integer, VARIADIC more text[]",
				Args:    []Argument{{Name: "a", Mode: "in", Type: integer}, {Name: "more", Mode: "variadic", Type: array(text)}},
				Returns: "integer", ReturnsType: integer, Language: "sql",
				Def: "CREATE OR REPLACE FUNCTION app.f(a integer, VARIADIC more text[])\n RETURNS integer\n LANGUAGE sql\n IMMUTABLE PARALLEL SAFE STRICT SECURITY DEFINER LEAKPROOF\n" +
					" SET search_path TO 'app', 'pg_temp'\n SET work_mem TO '1MB'\nAS $function$SELECT a -- 'quoted' $q$ $function$",
				Body: "SELECT a -- 'quoted' $q$ ", Volatility: "immutable", Parallel: "safe", Strict: true, SecurityDefiner: true, Leakproof: true,
				Settings: []string{"search_path=app, pg_temp", "work_mem=1MB"},
			},
			{
				Name: in("p(integer,integer)"), Plain: "p", Kind: Procedure, IdentityArgs: "IN a integer, INOUT b integer",
				Args: []Argument{{Name: "a", Mode: "in", Type: integer}, {Name: "b", Mode: "inout", Type: integer, Default: true}}, Language: "plpgsql",
				Def: "CREATE OR REPLACE PROCEDURE app.p(IN a integer, INOUT b integer DEFAULT nextval('app.s'::regclass))\n LANGUAGE plpgsql\n" +
					"AS $procedure$BEGIN COMMIT; END$procedure$",
				Body: "BEGIN COMMIT; END", Volatility: "volatile", Parallel: "unsafe", Uses: []Ref{{Kind: "sequence", Name: in("s")}},
			},
			{
				Name: in("row_in(app.t)"), Plain: "row_in", Kind: Function, IdentityArgs: "app.t", Args: []Argument{{Mode: "in", Type: row}},
				Returns: "SETOF app.t", ReturnsType: row, ReturnsSet: true, Language: "sql",
				Def:  "CREATE OR REPLACE FUNCTION app.row_in(app.t)\n RETURNS SETOF app.t\n LANGUAGE sql\nAS $function$SELECT $1$function$",
				Body: "SELECT $1", Volatility: "volatile", Parallel: "unsafe", Uses: []Ref{usesRow},
			},
			{
				Name: in("tr()"), Plain: "tr", Kind: Function, Returns: "trigger", ReturnsType: pseudo("trigger"), Language: "plpgsql",
				Def:  "CREATE OR REPLACE FUNCTION app.tr()\n RETURNS trigger\n LANGUAGE plpgsql\nAS $function$BEGIN RETURN NULL; END$function$",
				Body: "BEGIN RETURN NULL; END", Volatility: "volatile", Parallel: "unsafe",
			},
			{
				Name: in("w()"), Plain: "w", Kind: WindowFunction, Returns: "bigint", ReturnsType: base("int8", "bigint", -1), Language: "internal",
				Def:  "CREATE OR REPLACE FUNCTION app.w()\n RETURNS bigint\n LANGUAGE internal\n WINDOW\nAS $function$window_row_number$function$",
				Body: "window_row_number", Volatility: "volatile", Parallel: "unsafe",
			},
		}
		if db.Cluster().Major() == 13 { // it names no IN
			p := &want[3]
			p.IdentityArgs = strings.Replace(p.IdentityArgs, "IN a", "a", 1)
			p.Def = RoutineDef(strings.Replace(string(p.Def), "IN a", "a", 1))
		}
		same(t, want, got.Routines)
	})
}

// A body in SQL has its text in the definition alone, and says what it needs.
func TestSQLBodies(t *testing.T) {
	t.Parallel()
	got := loadSQL(t, pgtest.Server(t), `CREATE SCHEMA app; CREATE TABLE app.t (id integer, other text); CREATE VIEW app.v AS SELECT id FROM app.t;
		CREATE FUNCTION app.one() RETURNS integer LANGUAGE sql RETURN 1;
		CREATE FUNCTION app.two() RETURNS SETOF app.v LANGUAGE sql BEGIN ATOMIC SELECT id FROM app.t WHERE id = app.one(); END`)
	two := find(t, got.Routines, in("two()"), func(r Routine) Name { return r.Name })
	require.True(t, two.SQLBody)
	require.Empty(t, two.Body)
	require.Contains(t, string(two.Def), "BEGIN ATOMIC")
	same(t, []Ref{
		{Kind: "routine", Name: in("one()")}, {Kind: "table", Name: in("t"), Column: "id"}, {Kind: "view", Name: in("v")},
	}, two.Uses)
}

const aggregatesSQL = `
CREATE SCHEMA app; CREATE TYPE app.mood AS ENUM ('a');
CREATE FUNCTION app.step(integer, integer) RETURNS integer LANGUAGE sql AS 'SELECT $1 + $2';
CREATE FUNCTION app.back(integer, integer) RETURNS integer LANGUAGE sql AS 'SELECT $1 - $2';
CREATE FUNCTION app.done(integer) RETURNS text LANGUAGE sql AS 'SELECT $1::text';
CREATE FUNCTION app.done(integer, integer) RETURNS text LANGUAGE sql AS 'SELECT $1::text';
CREATE FUNCTION app.set_done(internal, float8) RETURNS float8 LANGUAGE internal AS 'percentile_disc_final';
CREATE OPERATOR app.<<< (LEFTARG = integer, RIGHTARG = integer, FUNCTION = int4lt);
CREATE AGGREGATE app.plain(integer) (SFUNC = app.step, STYPE = integer);
CREATE AGGREGATE app."All"(n integer) (SFUNC = app.step, STYPE = integer, SSPACE = 12, FINALFUNC = app.done, FINALFUNC_EXTRA, FINALFUNC_MODIFY = SHAREABLE,
	COMBINEFUNC = app.step, INITCOND = '0', MSFUNC = app.step, MINVFUNC = app.back, MSTYPE = integer, MSSPACE = 8, MFINALFUNC = app.done,
	MFINALFUNC_EXTRA, MFINALFUNC_MODIFY = READ_WRITE, MINITCOND = '7', PARALLEL = SAFE);
CREATE AGGREGATE app.least(integer) (SFUNC = int4smaller, STYPE = integer, SORTOP = OPERATOR(app.<<<), PARALLEL = RESTRICTED);
CREATE FUNCTION app.add(bigint) RETURNS bigint LANGUAGE sql AS 'SELECT $1 + 1';
CREATE AGGREGATE app.star(*) (SFUNC = app.add, STYPE = bigint, INITCOND = '0');
CREATE AGGREGATE app.disc(fraction float8 ORDER BY v anyelement) (SFUNC = ordered_set_transition, STYPE = internal, FINALFUNC = percentile_disc_final, FINALFUNC_EXTRA);
CREATE AGGREGATE app.rank_of(VARIADIC "any" ORDER BY VARIADIC "any") (SFUNC = ordered_set_transition_multi, STYPE = internal, FINALFUNC = rank_final, FINALFUNC_EXTRA, HYPOTHETICAL);
CREATE AGGREGATE app.summed(numeric) (SFUNC = numeric_avg_accum, STYPE = internal, FINALFUNC = numeric_sum, COMBINEFUNC = numeric_avg_combine,
	SERIALFUNC = numeric_avg_serialize, DESERIALFUNC = numeric_avg_deserialize, PARALLEL = SAFE);
CREATE AGGREGATE app.moods(app.mood) (SFUNC = enum_larger, STYPE = app.mood);
CREATE AGGREGATE app.joined(text) (SFUNC = textcat, STYPE = text, INITCOND = E'a\\b''c');
COMMENT ON AGGREGATE app.disc(float8 ORDER BY anyelement) IS 'ordered';
COMMENT ON AGGREGATE app.star(*) IS 'star';
`

// Aggregates of every form: what the reader makes of pg_aggregate makes the same
// aggregate again, all of its columns compared.
func TestAggregates(t *testing.T) {
	t.Parallel()
	const rows = `SELECT p.proname || '(' || pg_catalog.pg_get_function_arguments(p.oid) || ') ' || p.proparallel::text || ' ' ||
		(pg_catalog.to_jsonb(a) - 'aggfnoid' - 'aggsortop' || pg_catalog.jsonb_build_object('sort', a.aggsortop::pg_catalog.regoperator))::text
		FROM pg_catalog.pg_aggregate a JOIN pg_catalog.pg_proc p ON p.oid = a.aggfnoid WHERE p.oid >= 16384 ORDER BY 1`
	eachMajor(t, func(t *testing.T, db *pgtest.DB) {
		db.Exec(t, aggregatesSQL)
		got := load(t, db)
		conn := db.Conn(t)
		all := func() []string {
			r, err := conn.Query(t.Context(), rows)
			require.NoError(t, err)
			out, err := pgx.CollectRows(r, pgx.RowTo[string])
			require.NoError(t, err)
			return out
		}
		want := all()
		require.Len(t, want, 9)
		var defs []string
		for _, r := range got.Routines {
			if r.Kind == Aggregate {
				defs = append(defs, string(r.Def))
				_, err := conn.Exec(t.Context(), "DROP AGGREGATE app."+fmt.Sprintf("%q", r.Plain)+aggregateArgs(r))
				require.NoError(t, err)
			}
		}
		require.Empty(t, all())
		_, err := conn.Exec(t.Context(), "SET search_path = ''") // N15
		require.NoError(t, err)
		for _, def := range defs {
			_, err := conn.Exec(t.Context(), def)
			require.NoError(t, err, def)
		}
		same(t, want, all())
	})
}

func aggregateArgs(r Routine) string {
	if len(r.Args) == 0 {
		return "(*)"
	}
	return "(" + r.IdentityArgs + ")"
}

// N7: a body of more than a mebibyte, and a list of a hundred long arguments, are
// not cut.
func TestLongRoutines(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	body := "BEGIN /* " + strings.Repeat("long ", 300_000) + "*/ RETURN 1; END"
	args := make([]string, 100)
	for i := range args {
		args[i] = fmt.Sprintf("an_argument_with_a_name_of_fifty_nine_bytes_in_this_list_%d integer", i)
	}
	list := strings.Join(args, ", ")
	db.Exec(t, "CREATE FUNCTION long("+list+") RETURNS integer LANGUAGE plpgsql AS $x$"+body+"$x$")
	got := load(t, db).Routines
	require.Len(t, got, 1)
	require.Equal(t, body, got[0].Body)
	require.Contains(t, string(got[0].Def), body)
	require.Equal(t, list, got[0].IdentityArgs)
	require.Len(t, got[0].Args, 100)
}

// N1: names that only quotes make names.
func TestOddRoutineNames(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, `CREATE SCHEMA "a.b;c"; CREATE FUNCTION "a.b;c"."f(""x"") %, $1:"("a b" integer, "select" text DEFAULT 'x,y') RETURNS integer LANGUAGE sql AS 'SELECT 1'`)
	got := load(t, db).Routines
	require.Len(t, got, 1)
	require.Equal(t, `f("x") %, $1:`, got[0].Plain)
	require.Equal(t, Name{"a.b;c", `f("x") %, $1:(integer,text)`}, got[0].Name)
	require.Equal(t, `"a b" integer, "select" text`, got[0].IdentityArgs)
	require.True(t, strings.HasPrefix(string(got[0].Def), `CREATE OR REPLACE FUNCTION "a.b;c"."f(""x"") %, $1:"("a b" integer, "select" text DEFAULT 'x,y'::text)`), got[0].Def)
}
