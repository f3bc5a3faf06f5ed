package corpora_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
	"github.com/pg2db9/pg2db9/internal/sample"
)

// TestSample clones the project's own sample, which is always there. It is
// compared as the corpora are, as far as that needs no script of theirs.
func TestSample(t *testing.T) {
	t.Parallel()
	source := pgtest.Server(t).Database(t)
	require.NoError(t, sample.Load(t.Context(), source.Conn(t), sample.Options{Scale: 0.1}))
	for _, profile := range []string{"postgres", "db9"} {
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			target := pgtest.Server(t).Database(t)
			c := clone(t, source, target, profile)
			require.Equal(t, done, c.code, "exit %d: %s\n%s", c.code, c.stderr, c.blocking())
			require.Positive(t, requireContents(t, c, source, target))
		})
	}
}

// TestContentsSeeDamage proves that the comparison compares: it notices one
// changed value, and a row that stands in for another.
func TestContentsSeeDamage(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, `CREATE TABLE a (id int, "B" text); INSERT INTO a SELECT i, 'x' || i FROM generate_series(1, 100) i`)
	conn := connect(t, db)
	a := tables(t, conn)["public.a"]
	require.Equal(t, []string{`"B"`, "id"}, a.Columns)
	rows, whole := contents(t, conn, a, a.Columns)
	require.EqualValues(t, 100, rows)
	for _, damage := range []string{
		`UPDATE public.a SET "B" = 'y' WHERE id = 7`,
		`UPDATE public.a SET "B" = NULL WHERE id = 7`,
		`UPDATE public.a SET (id, "B") = (SELECT id, "B" FROM public.a WHERE id = 8) WHERE id = 7`,
	} {
		tx, err := conn.Begin(t.Context())
		require.NoError(t, err)
		_, err = conn.Exec(t.Context(), damage)
		require.NoError(t, err)
		_, damaged := contents(t, conn, a, a.Columns)
		require.NotEqual(t, whole, damaged, damage)
		require.NoError(t, tx.Rollback(t.Context()))
	}
	require.Equal(t, []string{"s.a", `x"y.z`, "c"}, parts(`"s.a"."x""y.z".c`))
}
