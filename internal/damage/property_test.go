package damage_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/pgtest"
	"github.com/pg2db9/pg2db9/verify"
)

func itoa(i int) string { return strconv.Itoa(i) }

// tablesAtOnce are verified by one run.
const tablesAtOnce = 200

// TestProperty makes random tables of every type with random rows, a copy of
// each with random edits, some of which change nothing, and holds what verify
// says against PostgreSQL's own comparison of the stored values, typed, where
// both copies stand in one database: Match exactly where that finds nothing, else
// as many missing, extra and changed rows as it counts (Y1, Y2, Y3, Y5, Y6, V29).
// Under profile db9 the copy has DB9's types, and is read through the strict
// stand-in; the typed comparison is of the values that the transfer sends.
// DAMAGE_CASES is how many tables of each profile; 200 are in every run.
func TestPropertyY1Y2Y3Y5Y6V29(t *testing.T) {
	t.Parallel()
	cases := tablesAtOnce
	if text := os.Getenv("DAMAGE_CASES"); text != "" {
		var err error
		cases, err = strconv.Atoi(text)
		require.NoError(t, err, "DAMAGE_CASES")
	}
	for _, side := range []*propertySide{postgresSide(), db9Side()} {
		t.Run(side.profile.Name, func(t *testing.T) {
			t.Parallel()
			equal, differ := 0, 0
			for first := 0; first < cases; first += tablesAtOnce {
				t.Run(fmt.Sprintf("from %d", first), func(t *testing.T) {
					r := rand.New(rand.NewPCG(seed(t), uint64(first)))
					e, d := propertyOf(t, side, r, min(tablesAtOnce, cases-first))
					equal, differ = equal+e, differ+d
				})
			}
			t.Logf("%d random tables: %d equal, %d different, each as the typed comparison says", cases, equal, differ)
			require.Greater(t, equal, cases/10)
			require.Greater(t, differ, cases/10)
		})
	}
}

// propertySide is what is not the same under every profile.
type propertySide struct {
	profile ddlgen.Profile
	pools   map[string][]string
	keys    []keyOf
	// make makes the plan's tables on the target, and copy brings x.t to its s.t.
	make func(t *testing.T, target *pgtest.DB, plan *ddlgen.Plan, list []edited)
	copy func(t *testing.T, from, to *pgx.Conn, transfer *ddlgen.Transfer)
	// compare counts what differs between s.t and x.t.
	compare func(t *testing.T, conn *pgx.Conn, e edited, transfer *ddlgen.Transfer) verify.RowsFound
	// reach is how verify reaches the target.
	reach func(t *testing.T, target *pgtest.DB) *dial.Endpoint
}

// postgresSide is a target that has the source's own types.
func postgresSide() *propertySide {
	return &propertySide{
		profile: ddlgen.Postgres(), pools: pools, keys: keys,
		make: func(t *testing.T, target *pgtest.DB, _ *ddlgen.Plan, list []edited) {
			t.Helper()
			sql := propertyTypes
			for _, e := range list {
				sql += fmt.Sprintf("CREATE TABLE s.%s %s;", e.name, e.ddl)
			}
			target.Exec(t, sql)
		},
		copy: func(t *testing.T, from, to *pgx.Conn, transfer *ddlgen.Transfer) {
			t.Helper()
			copyBinary(t, from, to, transfer.Source.Name)
		},
		compare: func(t *testing.T, conn *pgx.Conn, e edited, _ *ddlgen.Transfer) verify.RowsFound {
			t.Helper()
			return typedComparison(t, conn, e)
		},
		reach: func(t *testing.T, target *pgtest.DB) *dial.Endpoint {
			t.Helper()
			return sideOf(t, dial.Target, target)
		},
	}
}

// edited is a random table.
type edited struct {
	name, ddl string // the text behind the name
	key       string
	fill      string // rows, of schema s
	edits     string // of schema x
}

// propertyTypes are what the tables' columns need.
const propertyTypes = `CREATE SCHEMA s; CREATE TYPE s.mood AS ENUM ('sad', 'ok', 'it''s'); CREATE DOMAIN s.whole AS integer; CREATE TYPE s.both AS (a integer, b text);`

func propertyOf(t *testing.T, side *propertySide, r *rand.Rand, n int) (equal, differ int) {
	t.Helper()
	server := pgtest.Server(t)
	source, target := server.Database(t), server.Database(t)
	list := make([]edited, n)
	var sql strings.Builder
	sql.WriteString(propertyTypes + "CREATE SCHEMA x;")
	for i := range list {
		list[i] = side.randomTable(r, fmt.Sprintf("t%d", i))
		e := &list[i]
		fmt.Fprintf(&sql, "CREATE TABLE s.%[1]s %[2]s; CREATE TABLE x.%[1]s %[2]s; %[3]s INSERT INTO x.%[1]s SELECT * FROM s.%[1]s; %[4]s", e.name, e.ddl, e.fill, e.edits)
	}
	source.Exec(t, sql.String())
	from := source.Conn(t)
	plan := planOf(t, from, side.profile)
	side.make(t, target, plan, list)
	to := target.Conn(t)
	want := map[string]verify.RowsFound{}
	for _, e := range list {
		transfer := &plan.Transfers[slices.IndexFunc(plan.Transfers, func(tr ddlgen.Transfer) bool { return tr.Source.Name == e.name })]
		want[e.name] = side.compare(t, from, e, transfer)
		side.copy(t, from, to, transfer)
	}

	report, err := verify.Run(t.Context(), verify.Params{
		Source: sideOf(t, dial.Source, source), Target: side.reach(t, target), Plan: plan, Profile: side.profile, Jobs: 2, Level: verify.LevelRows,
	})
	require.NoError(t, err)
	require.Len(t, report.Tables, n)
	for i := range report.Tables {
		x := &report.Tables[i]
		w := want[x.Target.Name]
		at := slices.IndexFunc(list, func(e edited) bool { return e.name == x.Target.Name })
		about := fmt.Sprintf("%s\n%s\n%s\n%s", x.Detail, list[at].ddl, list[at].fill, list[at].edits)
		if w.Missing+w.Extra+w.Changed == 0 {
			equal++
			require.Equal(t, verify.Match, x.Verdict, about)
			continue
		}
		differ++
		require.Equal(t, verify.Mismatch, x.Verdict, about)
		require.NotNil(t, x.Data.Found, about)
		found := x.Data.Found
		require.Equal(t, [4]int64{w.Missing, w.Extra, w.Changed}, [4]int64{found.Missing, found.Extra, found.Changed, found.Unlocalised}, about)
	}
	return equal, differ
}

// randomTable is a table with up to five columns beside its key, up to 12 rows
// or, of one in 20, 600, and up to three edits.
func (s *propertySide) randomTable(r *rand.Rand, name string) edited {
	key := s.keys[r.IntN(len(s.keys))]
	types := make([]string, 1+r.IntN(5))
	for i := range types {
		types[i] = typeNames[r.IntN(len(typeNames))]
	}
	columns := []string{}
	if key.columns != "" {
		columns = append(columns, key.columns, "PRIMARY KEY ("+key.key+")")
	}
	for i, typ := range types {
		columns = append(columns, fmt.Sprintf("c%d %s", i, typ))
	}
	e := edited{name: name, ddl: "(" + strings.Join(columns, ", ") + ")", key: key.key}
	rows := r.IntN(13)
	if r.IntN(20) == 0 {
		rows = 600
	}
	row := func(i int) string {
		var values []string
		if key.value != nil {
			values = append(values, key.value(i))
		}
		for _, typ := range types {
			values = append(values, s.literal(r, typ))
		}
		return "(" + strings.Join(values, ", ") + ")"
	}
	if rows > 0 {
		list := make([]string, rows)
		for i := range list {
			list[i] = row(i)
		}
		e.fill = fmt.Sprintf("INSERT INTO s.%s VALUES %s;", name, strings.Join(list, ", "))
	}
	for range r.IntN(4) {
		column := r.IntN(len(types))
		which := fmt.Sprintf("ctid = (SELECT ctid FROM x.%s ORDER BY ctid OFFSET %d LIMIT 1)", name, r.IntN(max(rows, 1)))
		switch r.IntN(6) {
		case 0:
			e.edits += fmt.Sprintf("DELETE FROM x.%s WHERE %s;", name, which)
		case 1:
			rows++
			e.edits += fmt.Sprintf("INSERT INTO x.%s VALUES %s;", name, row(rows+1000))
		case 2, 3:
			e.edits += fmt.Sprintf("UPDATE x.%s SET c%d = %s WHERE %s;", name, column, s.literal(r, types[column]), which)
		case 4: // the same row, elsewhere
			e.edits += fmt.Sprintf("WITH d AS (DELETE FROM x.%[1]s WHERE %[2]s RETURNING *) SELECT * INTO TEMP d FROM d; INSERT INTO x.%[1]s SELECT * FROM d; DROP TABLE d;", name, which)
		default:
			e.edits += fmt.Sprintf("UPDATE x.%s SET c%d = c%d;", name, column, column)
		}
	}
	return e
}

var typeNames = func() (names []string) {
	for name := range pools {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}()

// literal is NULL, or a value out of the type's pool.
func (s *propertySide) literal(r *rand.Rand, typ string) string {
	if r.IntN(6) == 0 {
		return "NULL"
	}
	pool := s.pools[typ]
	return "'" + strings.ReplaceAll(pool[r.IntN(len(pool))], "'", "''") + "'"
}

// typedComparison counts what differs between s.t and x.t by *=, which compares
// rows value by value as they are stored: minus zero is not zero, nor 1.50 1.5,
// nor 30 days a month.
func typedComparison(t *testing.T, conn *pgx.Conn, e edited) (w verify.RowsFound) {
	t.Helper()
	sql := fmt.Sprintf(`SELECT count(*) FILTER (WHERE NOT in_x), count(*) FILTER (WHERE NOT in_s), count(*) FILTER (WHERE in_s AND in_x AND NOT same)
		FROM (SELECT a.here IS NOT NULL AS in_s, b.here IS NOT NULL AS in_x, a.r OPERATOR(pg_catalog.*=) b.r AS same
			FROM (SELECT true AS here, q AS r, q.* FROM s.%[1]s q) a FULL JOIN (SELECT true AS here, q AS r, q.* FROM x.%[1]s q) b USING (%[2]s)) d`, e.name, e.key)
	if e.key == "" { // each row of a class counts for its share of those missing or extra
		share := `SELECT coalesce(round(sum(greatest(mine - others, 0)::numeric / mine)), 0)::bigint FROM (SELECT
			(SELECT count(*) FROM %[2]s.%[1]s o WHERE o OPERATOR(pg_catalog.*=) q) AS mine, (SELECT count(*) FROM %[3]s.%[1]s o WHERE o OPERATOR(pg_catalog.*=) q) AS others FROM %[2]s.%[1]s q) d`
		sql = "SELECT (" + fmt.Sprintf(share, e.name, "s", "x") + "), (" + fmt.Sprintf(share, e.name, "x", "s") + "), 0::bigint"
	}
	require.NoError(t, conn.QueryRow(t.Context(), sql).Scan(&w.Missing, &w.Extra, &w.Changed), sql)
	return w
}

// copyBinary brings x.t to the target's s.t in another form than verify reads.
func copyBinary(t *testing.T, from, to *pgx.Conn, name string) {
	t.Helper()
	var rows bytes.Buffer
	_, err := from.PgConn().CopyTo(t.Context(), &rows, "COPY x."+name+" TO STDOUT (FORMAT binary)")
	require.NoError(t, err)
	_, err = to.PgConn().CopyFrom(t.Context(), &rows, "COPY s."+name+" FROM STDIN (FORMAT binary)")
	require.NoError(t, err)
}

func sideOf(t *testing.T, side dial.Side, db *pgtest.DB) *dial.Endpoint {
	t.Helper()
	e, err := dial.Parse(side, db.URL)
	require.NoError(t, err)
	return e
}

// planOf is the plan of schema s.
func planOf(t *testing.T, conn *pgx.Conn, profile ddlgen.Profile) *ddlgen.Plan {
	t.Helper()
	_, err := conn.Exec(t.Context(), "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
	require.NoError(t, err)
	defer func() {
		_, err := conn.Exec(context.WithoutCancel(t.Context()), "ROLLBACK")
		require.NoError(t, err)
	}()
	all, err := catalog.Load(t.Context(), conn, catalog.LoadOptions{})
	require.NoError(t, err)
	db, _, err := all.Select(catalog.Filter{IncludeSchemas: []string{"s"}})
	require.NoError(t, err)
	plan, err := ddlgen.Generate(db, profile, ddlgen.Options{})
	require.NoError(t, err)
	return plan
}
