package cli

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// C20: the sessions that hold the snapshot are gone, and nobody keeps it: what can
// only be read in it ends at once, the tables that are there are told from those
// that are not, and the command that is named brings the rest.
func TestC20SnapshotLost(t *testing.T) {
	t.Parallel()
	b := setup(t, toResume+"CREATE TABLE later (id int PRIMARY KEY); INSERT INTO later VALUES (1)")
	proxy := pgtest.NewProxy(t, b.target.Cluster())
	hit := proxy.Add(pgtest.Rule{Action: pgtest.Stall, Dir: pgtest.ToServer, After: 4 << 20})
	p := start(t, "clone", "--source", b.source.URL, "--target", proxy.URL(b.target.Name), "--jobs", "1", "--keep-snapshot", "0", "--retry-for", "600")
	select {
	case <-hit.Fired():
	case err := <-p.done:
		t.Fatalf("it ended: %v\n%s", err, p.err)
	}
	require.NotEqual(t, "0", b.source.QueryString(t, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"))
	hit.Release()
	require.Error(t, <-p.done)
	p.done <- nil
	require.Equal(t, int(Partial), p.cmd.ProcessState.ExitCode(), p.err)
	require.Regexp(t, `4 of 4 tables not copied: public\.big \(snapshot \S+ of the source is gone: .*public\.later \(snapshot \S+ of the source is gone: `, p.err.String())
	require.Regexp(t, `continue with: pg2db9 clone .*--resume --keep-snapshot 0\s*$`, p.err.String())
	r := b.ok(t, "clone", "--resume")
	require.Regexp(t, `^done and verified: 4 tables`, r.last())
	b.sameRows(t)
}

// C21: before the snapshot is as old as it may become there is a warning; then
// its keeper ends, though the copier is at work, which goes on. Nothing holds the
// source's clean-up back while indexes are built.
func TestC21SnapshotAge(t *testing.T) {
	t.Parallel()
	b := setup(t, toResume)
	proxy := pgtest.NewProxy(t, b.target.Cluster())
	rows := proxy.Add(pgtest.Rule{Action: pgtest.Stall, Dir: pgtest.ToServer, After: 4 << 20})
	index := proxy.Add(pgtest.Rule{Action: pgtest.Stall, Dir: pgtest.ToClient, Match: pgtest.Tag("CREATE INDEX")})
	p := start(t, "clone", "--source", b.source.URL, "--target", proxy.URL(b.target.Name), "--jobs", "2", "--max-snapshot-age", "1")
	reach := func(h pgtest.Hit) {
		select {
		case <-h.Fired():
		case err := <-p.done:
			t.Fatalf("it ended: %v\n%s", err, p.err)
		}
	}
	reach(rows)
	eventually(t, "the warning", func() bool {
		return regexp.MustCompile(`the snapshot is (800ms|[1-9]\d*s) old`).MatchString(p.err.String()) && contains(p.err, "--max-snapshot-age")
	})
	keeper := b.target.QueryString(t, "SELECT kept_pid FROM _pg2db9.run")
	require.NotEqual(t, "0", keeper)
	eventually(t, "the keeper's end", func() bool {
		return b.source.QueryString(t, "SELECT count(*) FROM pg_stat_activity WHERE pid = "+keeper) == "0"
	})
	const holding = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_xmin IS NOT NULL"
	require.NotEqual(t, "0", b.source.QueryString(t, holding), "the run itself goes on in it")
	rows.Release()
	reach(index)
	eventually(t, "the snapshot's end", func() bool { return b.source.QueryString(t, holding) == "0" })
	index.Release()
	require.NoError(t, <-p.done, p.err)
	p.done <- nil
	b.sameRows(t)
}

// T21: a unique index that the rows break is told with its table, the values and
// the SQLSTATE; the other tables finish, and mended rows are enough to go on.
func TestT21DuplicatesUnderAUniqueIndex(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE dup (id int PRIMARY KEY, code text); INSERT INTO dup VALUES (1, 'same'), (2, 'other');
		CREATE UNIQUE INDEX dup_code ON dup (code); CREATE TABLE fine (id int PRIMARY KEY, code text UNIQUE); INSERT INTO fine VALUES (1, 'x')`)
	// An index that is broken on the source, as after a change of its collation.
	b.source.Exec(t, "UPDATE pg_index SET indisready = false, indislive = true WHERE indexrelid = 'dup_code'::regclass; UPDATE dup SET code = code || ''")
	b.source.Exec(t, "INSERT INTO dup VALUES (3, 'same'); UPDATE pg_index SET indisready = true WHERE indexrelid = 'dup_code'::regclass")
	r := b.run(t, "clone")
	require.Equal(t, Partial, r.code, "%s\n%s", r.err, r.out)
	for _, want := range []string{"dup_code", "(code)=(same)", "23505"} {
		require.Contains(t, r.out, want)
	}
	require.Contains(t, r.last(), "1 statement failed")
	b.same(t, "dup", "fine")
	const indexes = "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relkind = 'i' AND relnamespace = 'public'::regnamespace"
	require.Equal(t, "dup_pkey fine_code_key fine_pkey", b.target.QueryString(t, indexes))
	b.target.Exec(t, "UPDATE dup SET code = 'third' WHERE id = 3")
	r = b.run(t, "clone", "--resume", "--retry-failed", "--skip-verify")
	require.Equal(t, OK, r.code, "%s\n%s", r.err, r.out)
	require.Equal(t, "dup_code dup_pkey fine_code_key fine_pkey", b.target.QueryString(t, indexes))
}

func contains(b *buffer, text string) bool { return strings.Contains(b.String(), text) }
