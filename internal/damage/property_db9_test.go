package damage_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/db9sim"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
	"github.com/pg2db9/pg2db9/internal/pgtest"
	"github.com/pg2db9/pg2db9/verify"
	"github.com/pg2db9/pg2db9/verify/digest"
)

// db9Side is a target of DB9's types, read in pages through the strict stand-in.
// What it shows is simulated: no DB9 has a part in it.
func db9Side() *propertySide {
	s := &propertySide{profile: ddlgen.DB9(), pools: maps.Clone(pools), keys: slices.Clone(keys)}
	// A moment that no longer is one when it is rounded is no row's to carry: the
	// plan finds those (far-date) before anything is copied.
	s.pools["timestamp"] = slices.DeleteFunc(slices.Clone(pools["timestamp"]), func(v string) bool { return strings.HasPrefix(v, "294276") })
	for i, k := range s.keys {
		if k.columns == "id timestamptz" { // microseconds would fall together
			s.keys[i].value = func(i int) string { return "timestamptz '2020-01-01' + " + itoa(i) + " * interval '1 ms'" }
		}
	}
	s.make = func(t *testing.T, target *pgtest.DB, plan *ddlgen.Plan, _ []edited) {
		t.Helper()
		for _, statement := range plan.Statements {
			target.Exec(t, statement.SQL)
		}
	}
	s.copy, s.compare = copyTransfer, transferComparison
	s.reach = func(t *testing.T, target *pgtest.DB) *dial.Endpoint {
		t.Helper()
		sim, err := db9sim.Start(t.Context(), db9sim.Config{Backend: target.URL, Rules: db9sim.Strict()})
		require.NoError(t, err)
		t.Cleanup(sim.Close)
		e, err := dial.Parse(dial.Target, sim.URL())
		require.NoError(t, err)
		return e
	}
	return s
}

// copyTransfer brings x.t to the target as a copy does: what the transfer selects.
func copyTransfer(t *testing.T, from, to *pgx.Conn, transfer *ddlgen.Transfer) {
	t.Helper()
	var exprs, names []string
	for _, c := range transfer.Columns {
		exprs, names = append(exprs, c.Select), append(names, c.Target)
	}
	for _, conn := range []*pgx.Conn{from, to} {
		_, err := conn.Exec(t.Context(), "SET TimeZone = 'UTC'; SET extra_float_digits = 3; SET IntervalStyle = postgres; SET DateStyle = 'ISO, MDY'")
		require.NoError(t, err)
	}
	var rows bytes.Buffer
	_, err := from.PgConn().CopyTo(t.Context(), &rows, "COPY (SELECT "+strings.Join(exprs, ", ")+" FROM x."+transfer.Source.Name+") TO STDOUT")
	require.NoError(t, err)
	_, err = to.PgConn().CopyFrom(t.Context(), &rows, "COPY "+quote.Name(transfer.Target.Schema, transfer.Target.Name)+" ("+quote.Idents(names)+") FROM STDIN")
	require.NoError(t, err, transfer.Target)
}

// transferComparison counts what differs between what the transfer selects of s.t
// and of x.t: values as they are stored, but for types of which DB9 keeps the
// value and not the form. Of those, PostgreSQL's own equality decides: 1.50 is
// 1.5, also within jsonb, and a day of an interval is 24 hours.
func transferComparison(t *testing.T, conn *pgx.Conn, e edited, transfer *ddlgen.Transfer) (w verify.RowsFound) {
	t.Helper()
	var values, same []string
	for i, c := range transfer.Columns {
		value := c.Select
		equal := "a.v%[1]d OPERATOR(pg_catalog.*=) b.v%[1]d" // of records
		switch c.Canon {
		case digest.Numeric, digest.JSONB:
			equal = "a.v%[1]d IS NOT DISTINCT FROM b.v%[1]d"
		case digest.Interval: // months, and all else as seconds
			months := fmt.Sprintf("(extract(year FROM %[1]s) * 12 + extract(month FROM %[1]s))::integer", value)
			value = fmt.Sprintf("%[1]s::text || ' ' || extract(epoch FROM %[2]s - make_interval(months => %[1]s))::numeric::text", months, "("+value+")")
		default:
			require.Contains(t, []digest.Canon{digest.Text, digest.Bool, digest.Float4, digest.Float8, digest.Time, digest.Timestamp, digest.TimestampTZ}, c.Canon,
				"how values of %s are compared is not known here", c.TargetType)
		}
		if strings.Contains(equal, "*=") {
			value = "ROW(" + value + ")"
		}
		values = append(values, fmt.Sprintf("%s AS v%d", value, i))
		same = append(same, fmt.Sprintf(equal, i))
	}
	list, equal := strings.Join(values, ", "), strings.Join(same, " AND ")
	sql := fmt.Sprintf(`SELECT count(*) FILTER (WHERE NOT in_x), count(*) FILTER (WHERE NOT in_s), count(*) FILTER (WHERE in_s AND in_x AND NOT same)
		FROM (SELECT a.here IS NOT NULL AS in_s, b.here IS NOT NULL AS in_x, %[3]s AS same
			FROM (SELECT true AS here, %[2]s, %[4]s FROM s.%[1]s) a FULL JOIN (SELECT true AS here, %[2]s, %[4]s FROM x.%[1]s) b USING (%[4]s)) d`, e.name, list, equal, e.key)
	if e.key == "" { // each row of a class counts for its share of those missing or extra
		share := `SELECT coalesce(round(sum(greatest(mine - others, 0)::numeric / mine)), 0)::bigint FROM (SELECT
			(SELECT count(*) FROM %[1]s b WHERE %[3]s) AS mine, (SELECT count(*) FROM %[2]s b WHERE %[3]s) AS others FROM %[1]s a) d`
		sql = fmt.Sprintf("WITH s AS MATERIALIZED (SELECT %[2]s FROM s.%[1]s), x AS MATERIALIZED (SELECT %[2]s FROM x.%[1]s) SELECT (", e.name, list) +
			fmt.Sprintf(share, "s", "x", equal) + "), (" + fmt.Sprintf(share, "x", "s", equal) + "), 0::bigint"
	}
	tx, err := conn.Begin(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, tx.Rollback(context.WithoutCancel(t.Context()))) }()
	_, err = tx.Exec(t.Context(), "SET LOCAL TimeZone = 'UTC'") // moments within documents have it
	require.NoError(t, err)
	require.NoError(t, tx.QueryRow(t.Context(), sql).Scan(&w.Missing, &w.Extra, &w.Changed), sql)
	return w
}
