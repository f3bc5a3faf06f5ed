package sync

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/db9sim"
)

// Every mode keeps a table current on a target with the limits that DB9 is documented
// to have (simulated): tables are made there, rows arrive in small transactions, and a
// table that is loaded anew is emptied first, which is said.
func TestSyncThroughStandIn(t *testing.T) {
	t.Parallel()
	b := setup(t, `tables:
- {table: public.m, mode: mirror}
- {table: public.bag, mode: mirror}
- {table: public.a, mode: append, cursor: id, verify: digest}
- {table: public.u, mode: upsert, cursor: at, deletes: digest, verify: digest}
- {table: public.f, mode: full}
`)
	config := db9sim.Config{Backend: b.target.URL, Rules: db9sim.Strict()}
	if long(t, "PG2DB9_SYNC_WAN", 0) > 0 { // as far away as DB9 is
		config.Link = db9sim.WAN()
	}
	sim, err := db9sim.Start(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(sim.Close)
	b.profile, b.targetURL = ddlgen.DB9(), sim.URL()
	b.source.Exec(t, `CREATE TABLE m (id bigint PRIMARY KEY, j jsonb, f float8, t text); CREATE TABLE bag (a int, b text); CREATE TABLE a (id bigserial PRIMARY KEY, v text);
		CREATE TABLE u (id int PRIMARY KEY, v numeric(10,2), at timestamptz); CREATE TABLE f (id int PRIMARY KEY, v text);
		INSERT INTO m SELECT i, '{"b": 1, "a": [1.50]}', i / 3.0, 'tab' || chr(9) FROM generate_series(1, 300) i; INSERT INTO bag SELECT i % 3, 'x' FROM generate_series(1, 50) i;
		INSERT INTO a (v) SELECT 'v' FROM generate_series(1, 6000) i; INSERT INTO u SELECT i, i / 8.0, '2020-01-01'::timestamptz + i * '1 s'::interval FROM generate_series(1, 500) i; INSERT INTO f SELECT i, 'f' FROM generate_series(1, 100) i`)
	b.run(t)
	b.source.Exec(t, `INSERT INTO m VALUES (900, NULL, 'NaN', ''); UPDATE m SET j = '{"a": 2}' WHERE id = 5; DELETE FROM m WHERE id = 6; INSERT INTO bag VALUES (7, 'new');
		INSERT INTO a (v) SELECT 'late' FROM generate_series(1, 10); UPDATE u SET v = v + 1 WHERE id = 3; INSERT INTO u VALUES (900, 1, now()); DELETE FROM u WHERE id = 4; UPDATE f SET v = 'g'`)
	rep := b.run(t)
	m, u := entry(t, rep, "m"), entry(t, rep, "u")
	require.Equal(t, []int64{1, 1, 1, 1, 1, 1}, []int64{m.Inserted, m.Updated, m.Deleted, u.Inserted, u.Updated, u.Deleted})
	require.Equal(t, int64(10), entry(t, rep, "a").Inserted)
	require.Equal(t, "g 100", b.target.QueryString(t, "SELECT max(v) || ' ' || count(*) FROM f"))
	require.Contains(t, b.notes.all(), "public.f: it is emptied and loaded in steps, since this target does not swap tables")
	for _, e := range b.run(t).Tables {
		if e.Mode != "full" {
			require.Zero(t, e.Sent, "%s", e.Table)
		}
		require.Equal(t, Match, e.Verdict)
	}
}
