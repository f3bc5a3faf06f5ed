package cli

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	benchresult "github.com/pg2db9/pg2db9/internal/bench/result"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// Rows like a table's are made and sent, the table's own are not read; what it is like
// and what not is in the result. Nothing is measured where there is nothing to go by.
func TestBenchLikeTable(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	source, target := server.Database(t), server.Database(t)
	source.Exec(t, `CREATE SCHEMA app; CREATE DOMAIN app.email AS varchar(40) CHECK (VALUE LIKE '%@%'); CREATE TYPE app.mood AS ENUM ('good', 'bad');
		CREATE TABLE app."Orders" (id bigint PRIMARY KEY, who app.email, m app.mood, at timestamptz);
		INSERT INTO app."Orders" SELECT n, 'user' || n || '@example.org', 'bad', now() FROM generate_series(1, 500) n;
		CREATE TABLE app.fresh (a int); CREATE TABLE app.odd (a int, price money, place box); INSERT INTO app.odd VALUES (1, 2, '(1,1),(0,0)'); CREATE VIEW app.v AS SELECT 1 AS a;
		ANALYZE app."Orders"; ANALYZE app.odd`)
	lock := source.Conn(t)
	_, err := lock.Exec(t.Context(), `BEGIN; LOCK TABLE app."Orders"`) // who reads it waits
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "a.json")
	base := []string{"bench", "--source", withPassword(source.URL), "--target", withPassword(target.URL), "--size", "300kB", "--jobs", "2", "--repeat", "1"}
	base = base[:len(base):len(base)]
	r := run(t, append(base, "--like-table", `app."Orders"`, "--result", file)...)
	require.Equal(t, OK, r.code, r.err)
	require.Contains(t, r.out, "column who has the domain app.email in the table")
	res, err := benchresult.Read(file)
	require.NoError(t, err)
	require.Equal(t, benchresult.KindTarget, res.Kind)
	require.Equal(t, "like app.Orders", res.Cells[0].Settings.Shape)
	require.Greater(t, res.Cells[0].Runs[0].Rows, int64(2000))
	require.Equal(t, "0", target.QueryString(t, leftOfBench))

	for want, c := range map[string]struct {
		code Code
		args []string
	}{
		"there is no --source that the table is on":                        {Usage, []string{"bench", "--like-table", "app.fresh"}},
		"leave --shape out":                                                {Usage, append(base, "--like-table", "app.fresh", "--shape", "text")},
		"leave --include-table out":                                        {Usage, append(base, "--like-table", "app.fresh", "--include-table", "x")},
		"there is no table app.gone on the source":                         {Failed, append(base, "--like-table", "app.gone")},
		"app.v is no table":                                                {Failed, append(base, "--like-table", "app.v")},
		"no statistics of app.fresh: run ANALYZE on it":                    {Failed, append(base, "--like-table", "app.fresh")},
		"there are no values for price (money), place (box); describe the": {Failed, append(base, "--like-table", "app.odd")},
	} {
		r := run(t, c.args...)
		require.Equal(t, c.code, r.code, "%s: %s", want, r.err)
		require.Contains(t, strings.ReplaceAll(r.err, "\n", " "), want)
	}
	require.Equal(t, "0", target.QueryString(t, leftOfBench))
}
