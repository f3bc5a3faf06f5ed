package corpora_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// This file looks at rows and sequences in its own way, which shares nothing
// with the verification under test: md5 of rows as composite values.

// table is a table as a database has it.
type table struct {
	Name      string   // as reports name it
	Last      string   // without its schema
	SQL       string   // as SQL names it
	Plain     bool     // holds rows itself
	Partition string   // its root, for partitions
	Columns   []string // quoted
	Types     []string
}

const tablesSQL = `
SELECT n.nspname || '.' || c.relname, c.relname, format('%I.%I', n.nspname, c.relname), c.relkind = 'r',
	coalesce((SELECT rn.nspname || '.' || r.relname FROM pg_class r JOIN pg_namespace rn ON rn.oid = r.relnamespace
		WHERE c.relispartition AND r.oid = pg_partition_root(c.oid)), ''),
	coalesce(array_agg(quote_ident(a.attname) ORDER BY a.attname) FILTER (WHERE a.attname IS NOT NULL), '{}'),
	coalesce(array_agg(format_type(a.atttypid, a.atttypmod) ORDER BY a.attname) FILTER (WHERE a.attname IS NOT NULL), '{}')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^(pg_|_pg2db9)' AND n.nspname <> 'information_schema'
	AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
GROUP BY c.oid, n.nspname, c.relname, c.relkind, c.relispartition`

// connect opens a connection whose text does not depend on the server.
func connect(t *testing.T, db *pgtest.DB) *pgx.Conn {
	t.Helper()
	conn := db.Conn(t)
	_, err := conn.Exec(t.Context(), "SET search_path = ''; SET extra_float_digits = 3; SET TimeZone = 'UTC'; SET DateStyle = 'ISO, MDY'; SET IntervalStyle = 'postgres'")
	require.NoError(t, err)
	return conn
}

// tables lists all tables of a database by the name that reports use.
func tables(t *testing.T, conn *pgx.Conn) map[string]table {
	t.Helper()
	rows, err := conn.Query(t.Context(), tablesSQL)
	require.NoError(t, err)
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[table])
	require.NoError(t, err)
	out := map[string]table{}
	for _, x := range list {
		out[x.Name] = x
	}
	return out
}

// requireContents compares what the report calls copied: row counts, the
// contents of all columns whose type is the same on both sides, and the
// positions of sequences. It returns how many rows that were.
func requireContents(t *testing.T, c cloned, source, target *pgtest.DB) (rows int64) {
	t.Helper()
	src, dst := connect(t, source), connect(t, target)
	from, to := tables(t, src), tables(t, dst)
	seen := map[string]bool{}
	for _, x := range c.copied() {
		name := x.Source
		if from[x.Target].Partition == x.Source { // a partition tree that stays one: by the root's name, leaf by leaf
			name = x.Target
		}
		seen[name] = true
		a, b := from[name], to[x.Target]
		require.NotEmpty(t, a.SQL, "%s is in the report, but not on the source", name)
		require.NotEmpty(t, b.SQL, "%s is in the report, but not on the target", x.Target)
		columns := sameColumns(a, b)
		n, want := contents(t, src, a, columns)
		m, got := contents(t, dst, b, columns)
		require.Equal(t, n, m, "rows of %s", name)
		require.Equal(t, want, got, "contents of %s", name)
		rows += n
	}
	named := c.named()
	for name, x := range from {
		if x.Plain && !seen[name] && !seen[x.Partition] {
			require.True(t, named[x.Last], "%s was neither copied nor named by a finding", name)
		}
	}
	for _, s := range c.rep.Sequences {
		require.Empty(t, s.ErrorMsg, s.Source)
		require.Equal(t, position(t, src, s.Source), position(t, dst, s.Target), "position of sequence %s", s.Source)
	}
	return rows
}

// sameColumns are the columns that travel as they are.
func sameColumns(a, b table) []string {
	types := map[string]string{}
	for i, name := range b.Columns {
		types[name] = b.Types[i]
	}
	var out []string
	for i, name := range a.Columns {
		if types[name] == a.Types[i] {
			out = append(out, name)
		}
	}
	return out
}

// contents counts a table's rows and sums hashes of them.
func contents(t *testing.T, conn *pgx.Conn, x table, columns []string) (rows int64, sum string) {
	t.Helper()
	only := ""
	if x.Plain { // what inherits from it is compared by itself
		only = "ONLY "
	}
	sql := fmt.Sprintf(`SELECT count(*), coalesce(sum(('x' || left(md5(ROW(%s)::text), 15))::bit(60)::bigint::numeric), 0)::text FROM %s%s`,
		strings.Join(columns, ", "), only, x.SQL)
	require.NoError(t, conn.QueryRow(t.Context(), sql).Scan(&rows, &sum), "%s", x.SQL)
	return rows, sum
}

// position reads where a sequence stands.
func position(t *testing.T, conn *pgx.Conn, name string) string {
	t.Helper()
	var quoted, at string
	const find = `SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'S' AND n.nspname || '.' || c.relname = $1`
	ctx := t.Context()
	require.NoError(t, conn.QueryRow(ctx, find, name).Scan(&quoted), "find sequence %s", name)
	require.NoError(t, conn.QueryRow(ctx, "SELECT last_value || ' ' || is_called FROM "+quoted).Scan(&at))
	return at
}
