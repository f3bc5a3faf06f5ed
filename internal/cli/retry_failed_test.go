package cli

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// U14: --retry-failed takes up what failed and leaves what was broken off. What
// failed is in the ledger while the run is at work, so that one that was killed is
// known too (R12); a run of which nothing failed is left as it is.
func TestU14RetryFailed(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE big (id int PRIMARY KEY, t text NOT NULL); INSERT INTO big SELECT i, repeat(md5(i::text), 8) FROM generate_series(1, 60000) i;
		CREATE TABLE bad (id int PRIMARY KEY, v int); INSERT INTO bad SELECT i, i FROM generate_series(0, 999) i; CREATE INDEX bad_v ON bad (v);
		CREATE TABLE good (id int PRIMARY KEY, bad_id int REFERENCES bad); INSERT INTO good SELECT i, i FROM generate_series(0, 99) i; CREATE INDEX good_bad ON good (bad_id)`)
	b.target.Exec(t, `CREATE FUNCTION no() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN
		IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE object_identity = 'public.bad' AND command_tag = 'CREATE TABLE') THEN
			EXECUTE 'ALTER TABLE public.bad ADD CONSTRAINT positive CHECK (v > 0)'; END IF; END$$;
		CREATE EVENT TRIGGER positive ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION no()`)
	proxy := pgtest.NewProxy(t, b.target.Cluster())
	hit := proxy.Add(pgtest.Rule{Action: pgtest.Stall, Dir: pgtest.ToServer, After: 4 << 20})
	p := start(t, "clone", "--source", b.source.URL, "--target", proxy.URL(b.target.Name), "--jobs", "2")
	select {
	case <-hit.Fired():
	case err := <-p.done:
		t.Fatalf("it ended: %v\n%s", err, p.err)
	}
	const failed = "SELECT coalesce(string_agg(target_name || ': ' || failed, '|'), '') FROM _pg2db9.part WHERE failed <> ''"
	eventually(t, "a failure, and a table that is there", func() bool {
		return b.target.QueryString(t, failed) != "" && b.target.QueryString(t, "SELECT bool_or(final) FROM _pg2db9.span JOIN _pg2db9.part USING (run, part) WHERE target_name = 'good'") == "t"
	})
	p.kill(t)
	hit.Release()
	require.Regexp(t, `^bad: .*"positive"`, b.target.QueryString(t, failed))
	require.Regexp(t, `public.bad \(part \d+\).*"positive"`, run(t, "status", "--target", withPassword(b.target.URL)).out)

	b.target.Exec(t, "DROP EVENT TRIGGER positive; ALTER TABLE bad DROP CONSTRAINT positive")
	r := b.run(t, "clone", "--resume", "--retry-failed")
	require.Equal(t, Partial, r.code, "%s\n%s", r.err, r.out)
	require.Contains(t, r.last(), "1 of 3 tables not copied: public.big (it was broken off and did not fail")
	require.Contains(t, r.last(), `continue with: pg2db9 clone --source "$PG2DB9_SOURCE" --target "$PG2DB9_TARGET" --resume`)
	require.NotContains(t, r.last()[len("pg2db9: partly done"):], "--resume --retry-failed")
	require.Contains(t, r.out, "it did not fail: --retry-failed leaves it")
	b.same(t, "bad", "good")
	const indexes = "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relkind = 'i' AND relnamespace = 'public'::regnamespace"
	require.Equal(t, "bad_pkey bad_v", b.target.QueryString(t, indexes), "what follows the rows of the table that failed, and nothing else")
	require.Equal(t, "0", b.target.QueryString(t, "SELECT count(*) FROM big"))
	require.Empty(t, b.target.QueryString(t, failed), "nothing is a failure any more")

	const ledger = "SELECT (SELECT string_agg(p::text, '|' ORDER BY part) FROM _pg2db9.part p) || (SELECT string_agg(s::text, '|' ORDER BY step) FROM _pg2db9.step s)"
	before := b.target.QueryString(t, ledger)
	again := b.run(t, "clone", "--resume", "--retry-failed")
	require.Equal(t, Partial, again.code, again.err)
	require.Regexp(t, `nothing of run \S+ failed.*2 of 3 parts are done.*continue with: pg2db9 clone .* --resume$`, again.last())
	require.Equal(t, before, b.target.QueryString(t, ledger), "nothing was written")

	b.followNext(t, r.last())
	b.same(t, "big", "bad", "good")
	require.Equal(t, "bad_pkey bad_v big_pkey good_bad good_pkey", b.target.QueryString(t, indexes))
	require.Equal(t, "1", b.target.QueryString(t, "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated"))
}
