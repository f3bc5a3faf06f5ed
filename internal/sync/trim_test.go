package sync

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/db9sim"
)

// Runs of long ago are forgotten, but for the last good one of each table and what
// came behind it.
func TestHistoryIsTrimmed(t *testing.T) {
	t.Parallel()
	b := setup(t, "tables: [{table: public.t, mode: mirror}]", "CREATE TABLE t (id int PRIMARY KEY)")
	b.run(t)
	b.target.Exec(t, `
		INSERT INTO _pg2db9.sync_history (run, target_schema, target_name, source_schema, source_name, grp, mode, began, ended, verdict)
		SELECT 'old' || i, 'public', name, 'public', name, '', 'mirror', now() - (i - 0.5) * interval '1 hour', now() - (i - 0.5) * interval '1 hour', CASE WHEN i % 2 = 0 THEN 'match' ELSE 'failed' END
		FROM generate_series(1, 3500) i, (VALUES ('t'), ('u')) AS names (name)
		WHERE name = 't' OR i > 2200`)
	// What is asked of the ledger is within the limits that DB9 is documented to have (simulated).
	sim, err := db9sim.Start(t.Context(), db9sim.Config{Backend: b.target.URL, Rules: db9sim.Strict()})
	require.NoError(t, err)
	t.Cleanup(sim.Close)
	conn, err := pgx.Connect(t.Context(), sim.URL())
	require.NoError(t, err)
	defer conn.Close(t.Context())
	status, err := ReadStatus(t.Context(), conn)
	require.NoError(t, err)
	require.Len(t, status, 1)
	require.Equal(t, Match, status[0].Last.Verdict)
	history, err := History(t.Context(), conn, &status[0].Table, 2)
	require.NoError(t, err)
	require.Len(t, history, 2)
	require.NoError(t, trimHistory(t.Context(), conn))
	count := func(condition string) string {
		return b.target.QueryString(t, "SELECT count(*) FROM _pg2db9.sync_history WHERE run LIKE 'old%' AND "+condition)
	}
	require.Equal(t, "2160", count("target_name = 't'"), "90 days")
	require.Equal(t, "2", count("target_name = 'u'"))
	require.Equal(t, "2201 failed, 2202 match", b.target.QueryString(t, "SELECT string_agg(substr(run, 4) || ' ' || verdict, ', ' ORDER BY run) FROM _pg2db9.sync_history WHERE target_name = 'u'"))
}
