package sync

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// S19: an insert, an update and a delete on the source arrive, and no other row is
// sent; nothing is sent by the next run.
func TestS19MirrorSendsWhatDiffers(t *testing.T) {
	t.Parallel()
	b := setup(t, `tables: [{table: public.t, mode: mirror}, {table: public.bag, mode: mirror}, {table: public.big, mode: mirror}]`,
		`CREATE TABLE t (id int PRIMARY KEY, v text, j json); CREATE TABLE bag (a int, b text); CREATE TABLE big (id bigint PRIMARY KEY, v text)`)
	b.source.Exec(t, `INSERT INTO t SELECT i, 'v' || i, '{"a":  1}' FROM generate_series(1, 1000) i; INSERT INTO bag SELECT i % 5, 'x' FROM generate_series(1, 100) i`)
	rep := b.run(t)
	b.same(t, "t", "bag", "big")
	require.Equal(t, []int64{1000, 100}, []int64{entry(t, rep, "t").Inserted, entry(t, rep, "bag").Inserted})

	b.source.Exec(t, `INSERT INTO t VALUES (5000, E'tab\t', NULL); UPDATE t SET v = 'changed' WHERE id = 7; DELETE FROM t WHERE id = 9;
		DELETE FROM bag WHERE ctid IN (SELECT ctid FROM bag WHERE a = 1 LIMIT 2); INSERT INTO bag VALUES (9, 'new'), (9, 'new')`)
	rep = b.run(t)
	b.same(t, "t", "bag")
	e := entry(t, rep, "t")
	require.Equal(t, Counts{Read: e.Read, Sent: 3, Inserted: 1, Updated: 1, Deleted: 1, Bytes: e.Bytes}, e.Counts)
	require.Positive(t, e.Bytes)
	require.Less(t, e.Bytes, int64(1000))
	require.Equal(t, []int64{2, 2}, []int64{entry(t, rep, "bag").Inserted, entry(t, rep, "bag").Deleted})

	rep = b.run(t)
	for _, e := range rep.Tables {
		require.Zero(t, e.Sent+e.Bytes, "%s", e.Table)
		require.Equal(t, Match, e.Verdict)
	}
	require.Equal(t, "0 0 9", b.target.QueryString(t, `SELECT (SELECT count(*) FROM _pg2db9.run) || ' ' || (SELECT count(*) FROM _pg2db9.part) || ' ' || (SELECT count(*) FROM _pg2db9.sync_history WHERE verdict = 'match')`))
}
