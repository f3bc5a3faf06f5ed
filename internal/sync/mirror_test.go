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

// More rows differ than are held at once: a table that nothing refers to is merged in
// one pass, one with foreign keys is mended in several, one without a key is loaded
// anew beside; all of them without a reader that sees a row of neither side.
func TestMirrorOfMoreThanIsHeld(t *testing.T) {
	t.Parallel()
	b := setup(t, `tables: [{table: public.plain, mode: mirror}, {table: public.child, mode: mirror}, {table: public.bag, mode: mirror}, {table: public.words, mode: upsert, cursor: id, deletes: digest, verify: digest}]`,
		`CREATE TABLE plain (id int PRIMARY KEY, v text); CREATE TABLE parent (id int PRIMARY KEY); INSERT INTO parent VALUES (1);
		CREATE TABLE child (id int PRIMARY KEY, p int REFERENCES parent); CREATE TABLE bag (a int); CREATE TABLE words (id int PRIMARY KEY);
		INSERT INTO plain SELECT i, 'v' FROM generate_series(1, 900) i; INSERT INTO child SELECT i, 1 FROM generate_series(1, 900) i; INSERT INTO bag SELECT i FROM generate_series(1, 500) i`)
	b.held = 100
	b.source.Exec(t, `UPDATE plain SET v = 'w' WHERE id <= 400; DELETE FROM plain WHERE id > 800; INSERT INTO plain SELECT i, 'n' FROM generate_series(2000, 2200) i;
		UPDATE child SET p = NULL WHERE id <= 250; INSERT INTO child SELECT i, 1 FROM generate_series(2000, 2100) i; UPDATE bag SET a = a + 1000 WHERE a <= 300; INSERT INTO words SELECT i FROM generate_series(1, 50) i`)
	b.target.Exec(t, `INSERT INTO words SELECT i FROM generate_series(100, 700) i`)
	rep := b.run(t)
	b.same(t, "plain", "child", "bag", "words")
	p, c := entry(t, rep, "plain"), entry(t, rep, "child")
	require.Equal(t, []int64{201, 400, 100}, []int64{p.Inserted, p.Updated, p.Deleted})
	require.Equal(t, []int64{101, 250, 0}, []int64{c.Inserted, c.Updated, c.Deleted})
	require.Equal(t, []int64{50, 601}, []int64{entry(t, rep, "words").Inserted, entry(t, rep, "words").Deleted})
	require.Equal(t, "0", b.target.QueryString(t, "SELECT count(*) FROM _pg2db9.part"))
}
