package simtest_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/pgtest"
	"github.com/pg2db9/pg2db9/internal/ui/report"
)

// This file compares source and target by SQL of its own, on both PostgreSQL
// servers directly, and shares nothing with the verification under test.

// column is a column as a database has it.
type column struct {
	Schema, Table string
	Plain         bool   // the table holds rows itself, and what inherits from it holds others
	Name          string // quoted
	Type          string // as format_type has it, with its modifier
	Kind          string // typtype of the type, of an array's elements or of a domain's base
}

func (c column) table() string { return c.Schema + "." + c.Table }

// from is the table as a FROM item.
func (c column) from() string {
	name := pgx.Identifier{c.Schema, c.Table}.Sanitize()
	if c.Plain {
		return "ONLY " + name
	}
	return name
}

// columnsSQL lists the columns of all tables, one without a name for a table
// that has none. A domain counts as its base.
const columnsSQL = `
WITH RECURSIVE base AS (
	SELECT oid, oid AS top, typtype, typbasetype, typtypmod FROM pg_type
	UNION ALL SELECT t.oid, b.top, t.typtype, t.typbasetype, CASE WHEN b.typtypmod = -1 THEN t.typtypmod ELSE b.typtypmod END
	FROM base b JOIN pg_type t ON t.oid = b.typbasetype AND b.typtype = 'd'
)
SELECT n.nspname, c.relname, c.relkind = 'r', coalesce(quote_ident(a.attname), ''),
	coalesce(format_type(t.oid, CASE WHEN a.atttypid = t.oid THEN a.atttypmod ELSE (SELECT b.typtypmod FROM base b WHERE b.top = a.atttypid AND b.typtype = 'd' ORDER BY b.typtypmod DESC LIMIT 1) END), ''),
	coalesce(e.typtype, t.typtype, '')::text
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN base b ON b.top = a.atttypid AND b.typtype <> 'd'
LEFT JOIN pg_type t ON t.oid = b.oid
LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^(pg_|_pg2db9|_db9sim)' AND n.nspname <> 'information_schema'
ORDER BY 1, 2, a.attname`

// look connects past any stand-in, so that no text depends on the server.
func look(t *testing.T, db *pgtest.DB) (*pgx.Conn, map[string][]column) {
	t.Helper()
	conn := db.Conn(t)
	ctx := t.Context()
	_, err := conn.Exec(ctx, "SET search_path = ''; SET extra_float_digits = 3; SET TimeZone = 'UTC'; SET DateStyle = 'ISO, MDY'; SET IntervalStyle = 'postgres'; SET jit = off")
	require.NoError(t, err)
	rows, err := conn.Query(ctx, columnsSQL)
	require.NoError(t, err)
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[column])
	require.NoError(t, err)
	out := map[string][]column{}
	for _, c := range list {
		out[c.table()] = append(out[c.table()], c)
	}
	return conn, out
}

// requireContents compares all rows of what the report calls copied, column by
// column under the mapping of the notes on DB9, and the positions of sequences.
// It returns how many rows that were.
func requireContents(t *testing.T, c cloned, source, target *pgtest.DB) (rows int64) {
	t.Helper()
	src, from := look(t, source)
	dst, to := look(t, target)
	seen := map[string]bool{}
	for _, x := range c.rep.Tables {
		if x.Error != "" || x.Acked == report.Uncounted {
			continue
		}
		seen[x.Source] = true
		a, b := from[x.Source], to[x.Target]
		require.NotEmpty(t, a, "%s is in the report, but not on the source", x.Source)
		require.NotEmpty(t, b, "%s is in the report, but not on the target", x.Target)
		n := requireSame(t, c, src, dst, a, b)
		require.Equal(t, x.Counted, n, "the report's count of %s", x.Target)
		rows += n
	}
	for _, s := range c.rep.Sequences {
		require.Equal(t, position(t, src, s.Source), position(t, dst, s.Target), "position of sequence %s", s.Source)
	}
	return rows
}

// requireSame compares one table.
func requireSame(t *testing.T, c cloned, src, dst *pgx.Conn, a, b []column) int64 {
	t.Helper()
	name := a[0].table()
	var wants, gots, names []string
	for _, from := range a {
		if from.Name == "" {
			continue
		}
		i := slices.IndexFunc(b, func(x column) bool { return x.Name == from.Name })
		if i < 0 {
			require.True(t, c.names(a[0].Table, from.Name), "column %s of %s is not on the target, and no finding names it", from.Name, name)
			continue
		}
		want, got, ok := compared(from, b[i], c.rep.Profile.Settings)
		if c.accepted(a[0].Table, from.Name) {
			want, got, ok = from.Name+"::text", b[i].Name+"::text", b[i].Type == "text"
			switch b[i].Type {
			case "json":
				want, ok = "to_json("+from.Name+")::text", true
			case "text[]":
				want, ok = from.Name+"::text[]::text", true
			}
		}
		require.True(t, ok, "%s.%s: %s is %s on the target", name, from.Name, from.Type, b[i].Type)
		wants, gots, names = append(wants, want), append(gots, got), append(names, from.Name)
	}
	n, want := sums(t, src, a[0].from(), wants)
	m, got := sums(t, dst, b[0].from(), gots)
	require.Equal(t, n, m, "rows of %s", name)
	for i := range names {
		require.Equal(t, want[i], got[i], "contents of column %s of %s", names[i], name)
	}
	require.Equal(t, want[len(names)], got[len(names)], "rows of %s: each column is the same by itself", name)
	return n
}

// names reports whether a finding is about a column.
func (c cloned) names(table, column string) bool {
	column = strings.Trim(column, `"`)
	return slices.ContainsFunc(c.rep.Findings, func(f report.Finding) bool {
		return f.Object.Name == column && f.Object.Parent == table || strings.Contains(f.Object.String(), table+"."+column)
	})
}

// accepted reports whether a column's values blocked, and travel as json or text.
func (c cloned) accepted(table, column string) bool {
	return slices.ContainsFunc(c.rep.Findings, func(f report.Finding) bool {
		return f.Code == "value.refused" && f.Object.Parent == table && f.Object.Name == strings.Trim(column, `"`)
	})
}

// sums counts a table's rows and sums hashes of each column, and of all
// columns together.
func sums(t *testing.T, conn *pgx.Conn, from string, columns []string) (rows int64, out []string) {
	t.Helper()
	const sum = "coalesce(sum(('x' || left(md5(%s), 15))::bit(60)::bigint::numeric), 0)::text"
	parts := make([]string, 0, len(columns)+1)
	for _, c := range columns {
		parts = append(parts, fmt.Sprintf(sum, "coalesce("+c+", '\x01')"))
	}
	parts = append(parts, fmt.Sprintf(sum, "ROW("+strings.Join(columns, ", ")+")::text"))
	sql := fmt.Sprintf("SELECT count(*), ARRAY[%s] FROM %s", strings.Join(parts, ", "), from)
	require.NoError(t, conn.QueryRow(t.Context(), sql).Scan(&rows, &out), "%s", sql)
	return rows, out
}

// becomes says which type a type is on the target, where that is another.
var becomes = map[string]string{
	"smallint": "integer", "real": "double precision", "money": "numeric", "character": "character varying", `"char"`: "text",
	"time with time zone": "text", "xml": "text", "inet": "text", "cidr": "text", "macaddr": "text", "macaddr8": "text",
	"int4range": "text", "int8range": "text", "numrange": "text", "tsrange": "text", "tstzrange": "text", "daterange": "text",
	"int4multirange": "text", "nummultirange": "text", "tstzmultirange": "text",
	"point": "text", "line": "text", "lseg": "text", "box": "text", "path": "text", "polygon": "text", "circle": "text",
	"bit": "character varying", "bit varying": "character varying",
	"oid": "bigint", "xid": "bigint", "cid": "bigint", "xid8": "text", "tid": "text",
	"regclass": "text", "regtype": "text", "regproc": "text", "regnamespace": "text", "regrole": "text",
	"public.positive": "integer", // an array of the domain of everything.sql
	"pg_lsn":          "text", "pg_snapshot": "text", "txid_snapshot": "text", "jsonpath": "text",
}

var modifier = regexp.MustCompile(`\([^)]*\)`)

// bare is a type without its modifier and its array bounds.
func bare(typ string) (name string, array bool) {
	name = strings.TrimSuffix(modifier.ReplaceAllString(typ, ""), "[]")
	return name, strings.HasSuffix(typ, "[]")
}

// compared gives expressions for the values of a column as text, on the source
// as they must arrive and on the target as they are; or false where the
// target's type is not what the source's maps to.
func compared(from, to column, profile *ddlgen.Profile) (source, target string, ok bool) {
	name, array := bare(from.Type)
	toName, toArray := bare(to.Type)
	col := from.Name
	if toName == "json" && array {
		return "to_json(" + col + ")::text", to.Name + "::text", true
	}
	if toName == "jsonb" && (from.Kind == "c" || array) { // composites, and arrays that the target would misread
		return byValue("to_jsonb(" + col + ")::text"), byValue(to.Name + "::text"), true
	}
	want := name
	if other, mapped := becomes[name]; mapped {
		want = other
	}
	switch {
	case want != toName || array != toArray:
		return "", "", false
	case array && name == "interval":
		return "", "", false
	case name == "real":
		return col + "::text", to.Name + "::" + from.Type + "::text", true
	case array && (toName == "text" || name == "character"): // elements by themselves: box[] has other separators, char(n) loses its pad
		return col + "::text[]::text", to.Name + "::text", true
	case name == "jsonb":
		return byValue(col + "::text"), byValue(to.Name + "::text"), true
	case name == "interval" && profile.IntervalDigits < 6: // else as it is
		return months(col + "::interval(3)"), months(to.Name), true
	case name == "money":
		return col + "::" + strings.Replace(to.Type, "[]", "", 1) + arrays(array) + "::text", to.Name + "::text", true
	}
	text := col + "::text"
	if strings.HasPrefix(name, "timestamp") && profile.TimestampDigits < 6 { // rounded on the source, whatever the target calls its type
		brackets := arrays(array)
		zone := strings.TrimPrefix(name, "timestamp")
		text = col + "::timestamp(3)" + zone + brackets + "::text"
	}
	if name == "inet" { // whose cast writes another text than its output: 10.0.0.1/32
		text = "host(" + col + ") || CASE WHEN masklen(" + col + ") < CASE family(" + col + ") WHEN 4 THEN 32 ELSE 128 END THEN '/' || masklen(" + col + ") ELSE '' END"
	}
	return "(" + text + ")::" + to.Type + "::text", to.Name + "::text", true
}

func arrays(array bool) string {
	if array {
		return "[]"
	}
	return ""
}

// byValue writes a document's numbers by their value: DB9 may keep 1.50 as 1.5.
// (Texts in the document that look like such numbers change on both sides.)
func byValue(e string) string {
	return `regexp_replace(regexp_replace(` + e + `, '(\.[0-9]*[1-9])0+(?![0-9])', '\1', 'g'), '\.0+(?![0-9])', '', 'g')`
}

// months writes an interval as DB9 keeps it: months, and milliseconds.
func months(e string) string {
	m := "(extract(year FROM " + e + ") * 12 + extract(month FROM " + e + "))::int"
	return "(" + m + " || ' ' || round(1000 * extract(epoch FROM " + e + " - make_interval(months => " + m + "))))"
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
