package cli

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// F8: a condition on the rows of a large table that no index serves is told, since
// all of the table is read for it; where one does, nothing is said.
func TestConditionWithoutIndexF8(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE large (id integer PRIMARY KEY, day date, filler text);
		ALTER TABLE large ALTER filler SET STORAGE PLAIN;
		INSERT INTO large SELECT n, '2020-01-01'::date + n % 1000, repeat('x', 4000) FROM generate_series(1, 20000) n;
		CREATE TABLE small (id integer PRIMARY KEY, day date); INSERT INTO small VALUES (1, '2020-01-01'); ANALYZE large`)
	const unserved = "[filter.no-index] table public.large"
	r := run(t, "schema", "--source", b.source.URL, "--where", "large=day = '2020-01-05'", "--where", "small=day = '2020-01-05'")
	require.Equal(t, OK, r.code, r.err)
	require.Contains(t, r.out, unserved)
	require.NotContains(t, r.out, "[filter.no-index] table public.small")
	b.source.Exec(t, "CREATE INDEX ON large (day); ANALYZE large")
	r = run(t, "schema", "--source", b.source.URL, "--where", "large=day = '2020-01-05'")
	require.Equal(t, OK, r.code, r.err)
	require.NotContains(t, r.out, "[filter.no-index]")
}
