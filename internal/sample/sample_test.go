package sample_test

import (
	"context"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
	"github.com/pg2db9/pg2db9/internal/pgtest/pgserver"
	"github.com/pg2db9/pg2db9/internal/sample"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// tables lists every table with rows of its own, and an expression that sums
// up its rows whatever their order.
const tables = `
SELECT format('%I.%I', n.nspname, c.relname)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND n.nspname IN ('shop', 'Odd Names')
 ORDER BY 1`

// content is the rows and the digest of each table.
func content(ctx context.Context, t *testing.T, conn *pgx.Conn) (digests map[string]string, rows int) {
	t.Helper()
	for _, set := range []string{"TimeZone = UTC", "DateStyle = ISO", "IntervalStyle = postgres", "extra_float_digits = 1"} {
		_, err := conn.Exec(ctx, "SET "+set)
		require.NoError(t, err)
	}
	r, err := conn.Query(ctx, tables)
	require.NoError(t, err)
	names, err := pgx.CollectRows(r, pgx.RowTo[string])
	require.NoError(t, err)
	digests = map[string]string{}
	for _, name := range names {
		var n int
		var digest string
		err := conn.QueryRow(ctx, `SELECT count(*), coalesce(sum(('x' || substr(md5(to_jsonb(t)::text), 1, 15))::bit(60)::bigint), 0)::text FROM `+name+` t`).Scan(&n, &digest)
		require.NoError(t, err, name)
		digests[name] = strconv.Itoa(n) + " " + digest
		rows += n
	}
	return digests, rows
}

func load(t *testing.T, major int, opts sample.Options) (*pgx.Conn, map[string]string, int) {
	t.Helper()
	conn := pgtest.Major(t, major).Database(t).Conn(t)
	require.NoError(t, sample.Load(t.Context(), conn, opts))
	digests, rows := content(t.Context(), t, conn)
	return conn, digests, rows
}

// A load of scale 1 makes as many rows as are stated, on the newest major.
func TestLoad(t *testing.T) {
	t.Parallel()
	conn, newest, rows := load(t, pgserver.MaxMajor, sample.Options{})
	require.Equal(t, sample.Rows, rows)

	// Each leaf of the partition trees has rows, but the one left empty.
	var empty []string
	r, err := conn.Query(t.Context(), `SELECT c.oid::regclass::text FROM pg_class c WHERE c.relispartition AND c.relkind = 'r'`)
	require.NoError(t, err)
	leaves, err := pgx.CollectRows(r, pgx.RowTo[string])
	require.NoError(t, err)
	for _, leaf := range leaves {
		if newest[leaf] == "0 0" {
			empty = append(empty, leaf)
		}
	}
	require.Equal(t, []string{"shop.orders_2030"}, empty)
}

// The oldest and the newest major hold the same rows.
func TestLoadMajors(t *testing.T) {
	t.Parallel()
	_, oldest, _ := load(t, pgserver.MinMajor, sample.Options{Scale: 0.1})
	_, newest, _ := load(t, pgserver.MaxMajor, sample.Options{Scale: 0.1})
	require.Equal(t, oldest, newest)
}

// A second load gives the same, whatever the session was set to.
func TestLoadTwice(t *testing.T) {
	t.Parallel()
	c := pgtest.Server(t)
	var got [2]map[string]string
	for i := range got {
		conn := c.Database(t).Conn(t)
		if i == 1 {
			_, err := conn.Exec(t.Context(), `SET TimeZone = 'Asia/Kathmandu'; SET DateStyle = 'SQL, DMY'; SET IntervalStyle = 'iso_8601'; SET search_path = shop`)
			require.NoError(t, err)
		}
		require.NoError(t, sample.Load(t.Context(), conn, sample.Options{Scale: 0.05}))
		got[i], _ = content(t.Context(), t, conn)
	}
	require.Equal(t, got[0], got[1])
	require.NotEmpty(t, got[0])
}

// Nothing is left of a load that fails, nor of the helpers of one that does not.
func TestLoadWholeOrNothing(t *testing.T) {
	t.Parallel()
	conn := pgtest.Server(t).Database(t).Conn(t)
	count := func(sql string) (n int) {
		t.Helper()
		require.NoError(t, conn.QueryRow(t.Context(), sql).Scan(&n))
		return n
	}
	_, err := conn.Exec(t.Context(), `CREATE SCHEMA "Odd Names"`)
	require.NoError(t, err)
	require.ErrorContains(t, sample.Load(t.Context(), conn, sample.Options{Scale: 0.01}), "1_types.sql")
	require.Zero(t, count(`SELECT count(*) FROM pg_namespace WHERE nspname = 'shop'`))
	require.ErrorContains(t, sample.Load(t.Context(), conn, sample.Options{Scale: -1}), "negative")

	_, err = conn.Exec(t.Context(), `DROP SCHEMA "Odd Names"`)
	require.NoError(t, err)
	require.NoError(t, sample.Load(t.Context(), conn, sample.Options{Scale: 0.01}))
	require.Zero(t, count(`SELECT count(*) FROM pg_proc WHERE proname IN ('scaled', 'pick')`))
}
