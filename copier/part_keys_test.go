package copier

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// fine are parts as small as they can be, of tables that tests can fill.
func fine(by SplitBy) Split { return Split{By: by, largest: 1000, smallest: 1} }

// keyKind is a kind of key, with what its columns may hold.
type keyKind struct {
	name    string
	types   []string
	columns []*rapid.Generator[string] // of SQL literals
}

func literal(values ...string) *rapid.Generator[string] {
	return rapid.Map(rapid.SampledFrom(values), func(v string) string { return "'" + v + "'" })
}

func number(least, greatest int64) *rapid.Generator[string] {
	return rapid.Map(rapid.OneOf(
		rapid.Int64Range(least, greatest), // anywhere, with gaps
		rapid.Int64Range(-3, 40),          // near each other, some negative
		rapid.SampledFrom([]int64{least, least + 1, greatest - 1, greatest}),
	), func(n int64) string { return fmt.Sprintf("'%d'", n) })
}

// kinds are the kinds of key that are tried, with the collations of the server.
func kinds(collations []string) []keyKind {
	text := rapid.Map(rapid.StringOfN(rapid.SampledFrom([]rune(`aAäÄbBzZß_- '"\eéè1ñ`)), 1, 5, -1), func(s string) string {
		return "E'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(s) + "'"
	})
	uuid := rapid.Map(rapid.StringMatching(`[0-9a-f]{32}`), func(s string) string { return "'" + s + "'" })
	day := rapid.OneOf(rapid.Map(rapid.IntRange(-9000, 9000), func(n int) string { return fmt.Sprintf("date '2000-01-01' + %d", n) }), literal("infinity", "-infinity", "4713-01-01 BC"))
	instant := rapid.OneOf(rapid.Map(rapid.Int64Range(-1e15, 1e15), func(n int64) string {
		return fmt.Sprintf("timestamp '2000-01-01' + %d * interval '1 microsecond'", n)
	}), literal("infinity", "-infinity", "0044-03-15 BC"))
	decimal := rapid.OneOf(rapid.Map(rapid.Float64(), func(f float64) string { return fmt.Sprintf("'%g'", f) }), literal("NaN", "0", "0.10", "-1e-30", "1e40"))
	list := []keyKind{
		{"smallint", []string{"smallint"}, []*rapid.Generator[string]{number(-32768, 32767)}},
		{"integer", []string{"integer"}, []*rapid.Generator[string]{number(-2147483648, 2147483647)}},
		{"bigint", []string{"bigint"}, []*rapid.Generator[string]{number(-9223372036854775808, 9223372036854775807)}},
		{"uuid", []string{"uuid"}, []*rapid.Generator[string]{uuid}},
		{"date", []string{"date"}, []*rapid.Generator[string]{day}},
		{"timestamp", []string{"timestamp"}, []*rapid.Generator[string]{instant}},
		{"timestamptz", []string{"timestamptz"}, []*rapid.Generator[string]{instant}},
		{"numeric", []string{"numeric"}, []*rapid.Generator[string]{decimal}},
		{"float8", []string{"float8"}, []*rapid.Generator[string]{rapid.OneOf(decimal, literal("Infinity", "-Infinity", "-0"))}},
		{"bytea", []string{"bytea"}, []*rapid.Generator[string]{rapid.Map(rapid.StringMatching(`([0-9a-f]{2}){0,6}`), func(s string) string { return `'\x` + s + `'` })}},
		{"smallint and bigint", []string{"smallint", "bigint"}, []*rapid.Generator[string]{literal("1", "1", "2"), number(-9223372036854775808, 9223372036854775807)}},
	}
	for _, c := range collations {
		in := func(typ string) string { return typ + " COLLATE " + c }
		list = append(list,
			keyKind{"text " + c, []string{in("text")}, []*rapid.Generator[string]{text}},
			keyKind{"varchar " + c, []string{in("varchar(9)")}, []*rapid.Generator[string]{text}},
			keyKind{"character " + c, []string{in("character(7)")}, []*rapid.Generator[string]{text}},
			keyKind{"integer and text " + c, []string{"integer", in("text")}, []*rapid.Generator[string]{literal("-7", "7", "7", "8"), text}},
			keyKind{"text, date and integer " + c, []string{in("text"), "date", "integer"}, []*rapid.Generator[string]{literal("a", "A", "b", "ä"), day, number(-3, 3)}},
		)
	}
	return list
}

// collations are those of the test's server that a key can be in, with one that
// calls different texts equal, and a domain's.
func collations(t *testing.T, db *pgtest.DB) []string {
	t.Helper()
	list := []string{`"default"`, `"C"`}
	found := db.QueryString(t, `SELECT string_agg(quote_ident(collname), ' ' ORDER BY collname) FROM pg_collation
		WHERE collname IN ('en_US.utf8', 'en_US', 'und-x-icu', 'sv-x-icu', 'de-x-icu') AND collencoding IN (-1, pg_char_to_encoding('UTF8'))`)
	list = append(list, strings.Fields(found)...)
	if strings.Contains(found, "und-x-icu") {
		db.Exec(t, `CREATE COLLATION public."no Case" (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`)
		list = append(list, `public."no Case"`)
	}
	return list
}

// rangesOf are the queries of the parts, each giving the places of its rows.
func rangesOf(p Part) string {
	tr := ddlgen.Transfer{Target: p.Target, Relations: []catalog.Name{p.Relation}, Columns: []ddlgen.ColumnTransfer{{Source: "k0", Target: "k0", Select: "ctid AS place"}}}
	return strings.TrimSuffix(strings.TrimPrefix(copyOutSQL(&tr, p), "COPY "), " TO STDOUT")
}

// requireOnce requires, by SQL, that the parts hold every row once.
func requireOnce(ctx context.Context, t require.TestingT, conn *pgx.Conn, table string, parts []Part) {
	queries := make([]string, len(parts))
	for i, p := range parts {
		queries[i] = "SELECT place FROM " + rangesOf(p) + fmt.Sprintf(" AS p%d", i)
	}
	var missing, twice int
	var example string
	err := conn.QueryRow(ctx, fmt.Sprintf(`WITH read AS (SELECT place, count(*) AS reads FROM (%s) x GROUP BY place)
		SELECT count(*) FILTER (WHERE read.reads IS NULL), count(*) FILTER (WHERE read.reads > 1), coalesce(min(t::text) FILTER (WHERE read.reads IS DISTINCT FROM 1), '')
		  FROM ONLY %s t FULL JOIN read ON t.ctid = read.place`, strings.Join(queries, " UNION ALL "), table)).Scan(&missing, &twice, &example)
	require.NoError(t, err)
	require.Zero(t, missing+twice, "%d rows are in no part, %d in several (%s): %v", missing, twice, example, ranges(parts))
}

func ranges(parts []Part) []string {
	out := make([]string, len(parts))
	for i, p := range parts {
		out[i] = p.Range()
	}
	return out
}

// Parts that are ranges of a key hold every row once, whatever the key's type,
// collation and values, and whatever stands in the heap beside them: dead rows,
// bloat, statistics of before most of the rows; also when they are cut further
// (T5, T11). And so they do with borders that nothing was sampled for.
func TestT8KeyRangesHoldEveryRowOnce(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	all := kinds(collations(t, db))
	conn, ctx := db.Conn(t), t.Context()
	cutApart := 0
	rapid.Check(t, func(rt *rapid.T) {
		exec := func(sql string) {
			_, err := conn.PgConn().Exec(ctx, sql).ReadAll()
			require.NoError(rt, err, sql)
		}
		kind := rapid.SampledFrom(all).Draw(rt, "kind")
		columns, names := make([]string, len(kind.types)), make([]string, len(kind.types))
		row := rapid.Custom(func(rt *rapid.T) string {
			values := make([]string, len(kind.columns))
			for i, c := range kind.columns {
				values[i] = c.Draw(rt, fmt.Sprint("k", i))
			}
			return strings.Join(values, ", ")
		})
		for i, typ := range kind.types {
			names[i] = fmt.Sprint("k", i)
			columns[i] = names[i] + " " + typ
		}
		insert := func(label string, most int) {
			rows := rapid.SliceOfN(row, 0, most).Draw(rt, label)
			if len(rows) > 0 {
				exec("INSERT INTO public.t VALUES (" + strings.Join(rows, "), (") + ") ON CONFLICT DO NOTHING")
			}
		}
		exec(fmt.Sprintf("DROP TABLE IF EXISTS public.t; CREATE TABLE public.t (%s, filler text DEFAULT repeat('x', 300), PRIMARY KEY (%s)); ALTER TABLE public.t SET (autovacuum_enabled = off)",
			strings.Join(columns, ", "), strings.Join(names, ", ")))
		insert("first", 60)
		if rapid.Bool().Draw(rt, "bloat") {
			exec("DELETE FROM public.t")
			insert("again", 20)
		}
		if rapid.Bool().Draw(rt, "stale statistics") {
			exec("ANALYZE public.t")
		}
		insert("most", 120)

		exec("BEGIN ISOLATION LEVEL REPEATABLE READ")
		defer exec("ROLLBACK")
		plan := &ddlgen.Plan{Transfers: []ddlgen.Transfer{transfer("t", append(names, "filler")...)}}
		parts, err := PlanParts(ctx, conn, plan, ddlgen.Postgres(), 2, fine(SplitKeys))
		require.NoError(rt, err)
		requireOnce(ctx, rt, conn, "public.t", parts)
		if len(parts) > 2 {
			cutApart++
		}
		further := slices.Clone(parts)
		if i := rapid.IntRange(0, len(parts)-1).Draw(rt, "cut further"); len(parts) > 0 {
			further = slices.Concat(parts[:i], parts[i].pieces(3), parts[i+1:])
		}
		requireOnce(ctx, rt, conn, "public.t", further)

		// Borders that come from nowhere: of any number of columns, in any order.
		var sizes []relationSize
		keys, err := readKeys(ctx, conn, []sample{{relation: plan.Transfers[0].Relations[0]}})
		require.NoError(rt, err)
		along := &sampledKeys{key: keys[plan.Transfers[0].Relations[0]].uniqueKey}
		require.Equal(rt, names, along.key.columns)
		wide := rapid.IntRange(1, len(names)).Draw(rt, "columns of a border")
		for range rapid.IntRange(1, 8).Draw(rt, "borders") {
			var values []string
			require.NoError(rt, conn.QueryRow(ctx, fmt.Sprintf("SELECT ARRAY[%s] FROM (VALUES (%s)) v (%s)", asText(along.key, wide), row.Draw(rt, "border"), strings.Join(names, ", "))).Scan(&values))
			along.add(rapid.Float64Range(0, 1).Draw(rt, "share"), values)
		}
		slices.Sort(along.shares)
		require.NoError(rt, along.prove(ctx, conn))
		sizes = append(sizes, relationSize{Kind: "r", Heap: 30_000})
		requireOnce(ctx, rt, conn, "public.t", cutParts(plan, sizes, newCut(sizes, 0, 2, 13, fine(SplitKeys)), map[int]scale{0: along}))
	})
	require.Positive(t, cutApart, "no table was ever cut: the test shows nothing")
}

// asText are the first columns of a key as text, of whatever they are given as.
func asText(k *uniqueKey, columns int) string {
	out := make([]string, columns)
	for i := range out {
		out[i] = fmt.Sprintf("k%d::%s::text", i, k.types[i])
	}
	return strings.Join(out, ", ")
}

// The SQL of key ranges (golden): every name is quoted, every column stands with
// its table, for a bare name in ORDER BY would be the expression that goes out.
func TestKeyRangeSQL(t *testing.T) {
	t.Parallel()
	n := catalog.Name{Schema: `s"x`, Name: "t;"}
	tr := ddlgen.Transfer{
		Target: n, Relations: []catalog.Name{n}, Where: []string{"id > 0 OR true"},
		Columns: []ddlgen.ColumnTransfer{{Source: "id", Target: "id", Select: `("id")::text`}},
	}
	key := []string{"id", `na"me`}
	for _, c := range []struct {
		r     KeyRange
		where string
	}{
		{KeyRange{Columns: key[:1], Upper: []string{"-5"}}, `"t;"."id" < '-5' AND (id > 0 OR true) ORDER BY "t;"."id"`},
		{KeyRange{Columns: key[:1], Lower: []string{"-5"}, Upper: []string{`a\'b`}}, `"t;"."id" >= '-5' AND "t;"."id" < E'a\\''b' AND (id > 0 OR true) ORDER BY "t;"."id"`},
		{KeyRange{Columns: key, Lower: []string{"7", "x"}}, `ROW("t;"."id", "t;"."na""me") >= ROW('7', 'x') AND (id > 0 OR true) ORDER BY "t;"."id", "t;"."na""me"`},
		{KeyRange{Columns: key, Lower: []string{"7"}, Upper: []string{"8", ""}}, `"t;"."id" >= '7' AND ROW("t;"."id", "t;"."na""me") < ROW('8', '') AND (id > 0 OR true) ORDER BY "t;"."id", "t;"."na""me"`},
	} {
		require.Equal(t, `COPY (SELECT ("id")::text FROM ONLY "s""x"."t;" WHERE `+c.where+`) TO STDOUT`, copyOutSQL(&tr, Part{Relation: n, Keys: &c.r}))
	}
	require.Equal(t, "keys (id) from (3) below (9)", Part{Keys: &KeyRange{Columns: key[:1], Lower: []string{"3"}, Upper: []string{"9"}}}.Range())
}

// What the ledger keeps of a range is all of it.
func TestKeyRangeSurvivesTheLedger(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		columns := rapid.SliceOfN(rapid.String(), 1, 4).Draw(t, "columns")
		bound := func(label string) (values []string, text *string) {
			if rapid.Bool().Draw(t, label+" open") {
				return nil, nil
			}
			values = rapid.SliceOfN(rapid.String(), 1, len(columns)).Draw(t, label)
			s, ok := boundText(columns, values)
			require.True(t, ok)
			return values, &s
		}
		r := &KeyRange{Columns: columns}
		var lower, upper *string
		r.Lower, lower = bound("lower")
		r.Upper, upper = bound("upper")
		got, err := readRange(lower, upper)
		require.NoError(t, err)
		if lower == nil && upper == nil {
			require.Nil(t, got)
			return
		}
		require.Equal(t, r, got)
	})
	for _, bad := range []string{"", "[]", "{}", `[["a",null]]`, `[[null,"1"]]`, `[["a","1"],["b",null],["c","2"]]`} {
		_, err := readRange(nil, &bad)
		require.ErrorContains(t, err, "_pg2db9.part", bad)
	}
}

// A key that may hold NULL, or that is in another order or collation than its
// column's, is none that ranges can go by; a table without one is read whole.
func TestKeysThatRangesCannotGoBy(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, `CREATE DOMAIN code AS varchar(20);
		CREATE TABLE nullable (a integer UNIQUE, b integer NOT NULL);
		CREATE TABLE partial (a integer NOT NULL); CREATE UNIQUE INDEX ON partial (a) WHERE a > 5;
		CREATE TABLE expression (a integer NOT NULL); CREATE UNIQUE INDEX ON expression ((a + 1));
		CREATE TABLE collated (a text NOT NULL); CREATE UNIQUE INDEX ON collated (a COLLATE "C");
		CREATE TABLE pattern (a text NOT NULL); CREATE UNIQUE INDEX ON pattern (a text_pattern_ops);
		CREATE TABLE mixed (a integer NOT NULL, b integer NOT NULL); CREATE UNIQUE INDEX ON mixed (a, b DESC);
		CREATE TABLE deferred (a integer NOT NULL UNIQUE DEFERRABLE);
		CREATE TABLE odd (a inet PRIMARY KEY);
		CREATE TABLE downward (a integer NOT NULL, b integer NOT NULL); CREATE UNIQUE INDEX ON downward (a DESC, b DESC);
		CREATE TABLE second (a integer UNIQUE, b code NOT NULL UNIQUE, c uuid NOT NULL, d integer NOT NULL, UNIQUE (c, d));
		CREATE TABLE covering (a bigint PRIMARY KEY, b integer NOT NULL, UNIQUE (b) INCLUDE (a))`)
	var of []sample
	for _, name := range strings.Fields("nullable partial expression collated pattern mixed deferred odd downward second covering") {
		of = append(of, sample{relation: catalog.Name{Schema: "public", Name: name}})
	}
	found, err := readKeys(t.Context(), db.Conn(t), of)
	require.NoError(t, err)
	got := map[string][]string{}
	for name, k := range found {
		got[name.Name] = slices.Concat(k.columns, k.types)
	}
	require.Equal(t, map[string][]string{
		"downward": {"a", "b", "integer", "integer"}, "second": {"b", "character varying"}, "covering": {"a", "bigint"},
	}, got)
}

// Borders that are in order in one collation and not in the key's own are not
// gone by: the source says which they are.
func TestBordersAreOrderedByTheSource(t *testing.T) {
	t.Parallel()
	conn := pgtest.Server(t).Database(t).Conn(t)
	for collation, want := range map[string][][]string{
		`"C"`:                    {{"B"}, {"a"}, {"ä"}},
		`pg_catalog."und-x-icu"`: {{"B"}, {"c"}}, // a and ä are not greater than what stands before them
	} {
		along := &sampledKeys{key: &uniqueKey{columns: []string{"k"}, types: []string{"text"}, collations: []string{collation}}}
		for _, v := range []string{"B", "a", "ä", "B", "c"} {
			along.add(0.5, []string{v})
		}
		require.NoError(t, along.prove(t.Context(), conn))
		require.Equal(t, want, along.values, collation)
	}
}

// A part that is a range of a key is read along the key's index: no scan of the
// rest of the table, and no sort on the source's disk (the reader's settings).
func TestKeyRangesAreReadByTheIndex(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.source.Exec(t, `CREATE TABLE public.t (a integer, b varchar(20) COLLATE "C", c timestamptz, filler text, PRIMARY KEY (a, b, c));
		INSERT INTO public.t SELECT n % 7, left(md5(n::text), 20), now(), repeat('x', 100) FROM generate_series(1, 5000) n; ANALYZE public.t`)
	tr := transfer("t", "b", "filler")
	for _, c := range []struct {
		by       SplitBy
		filter   string
		arranged bool
		want     string
	}{
		{by: SplitKeys, arranged: true, want: "Index Scan using t_pkey on t"},
		{by: SplitKeys, arranged: true, filter: "a % 3 = 1", want: "Index Scan using t_pkey on t"},
		{by: SplitBlocks, want: "Tid Range Scan on t"},
		{by: SplitBlocks, filter: "a = 1", want: "Tid Range Scan on t"},
	} {
		params := p.params(t, tr)
		params.Plan.Transfers[0].Where = []string{c.filter}
		settings := ReaderSettings(p.profile)
		if c.filter != "" {
			settings = settings.With("enable_indexscan", "off").With("enable_indexonlyscan", "off")
		}
		parts, err := PlanParts(t.Context(), params.Snapshot.Conn(), params.Plan, p.profile, 2, Split{By: c.by, largest: 100_000, smallest: 1})
		require.NoError(t, err)
		require.Greater(t, len(parts), 3)
		from, err := openSource(t.Context(), params.Source, settings, params.Snapshot)
		require.NoError(t, err)
		require.NoError(t, from.arrange(c.arranged, c.filter != ""))
		sql := strings.TrimSuffix(strings.TrimPrefix(copyOutSQL(&params.Plan.Transfers[0], parts[1]), "COPY ("), ") TO STDOUT")
		plan := explain(t, from, sql)
		require.Contains(t, plan, c.want)
		require.NotContains(t, plan, "Sort")
		from.close()
	}
}

// explain is the plan of a statement in a source connection's own session.
func explain(t *testing.T, s *sourceConn, sql string) string {
	t.Helper()
	require.NoError(t, s.wire.send(&pgproto3.Query{String: "EXPLAIN (COSTS OFF) " + sql}))
	var lines []string
	for {
		typ, _, err := s.in.next()
		require.NoError(t, err)
		switch typ {
		case 'D':
			line, err := s.in.body()
			require.NoError(t, err)
			lines = append(lines, string(line))
		case 'E':
			require.NoError(t, s.in.serverError())
		case 'Z':
			return strings.Join(lines, "\n")
		}
	}
}
