package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// Rows in COPY's binary format, where it means the same on both sides; others as
// text, which is said. What was sent has no digest: the source is read for it.
func TestFormatBinary(t *testing.T) {
	t.Parallel()
	b := setup(t, toResume, `CREATE TABLE named (id int PRIMARY KEY, r regclass); INSERT INTO named VALUES (1, 'big');
		CREATE DOMAIN cents AS bigint CHECK (VALUE >= 0); CREATE TYPE mood AS ENUM ('ok'); CREATE TYPE two AS (a int, b int); CREATE DOMAIN one AS regclass;
		CREATE TABLE own (id int PRIMARY KEY, c cents, m mood, a int[]); INSERT INTO own VALUES (1, 5, 'ok', '{1,2}');
		CREATE TABLE composed (id int PRIMARY KEY, t two); INSERT INTO composed VALUES (1, '(1,2)');
		CREATE TABLE domains (id int PRIMARY KEY, o one); INSERT INTO domains VALUES (1, 'big');
		CREATE TABLE moods (id int PRIMARY KEY, m mood[]); INSERT INTO moods VALUES (1, '{ok}');
		CREATE MATERIALIZED VIEW seen AS SELECT count(*) FROM big`)
	file := filepath.Join(t.TempDir(), "report.json")
	r := b.ok(t, "clone", "--format", "binary", "--report", file)
	require.Contains(t, r.err, "4 tables with columns whose binary form may mean something else on the target: the rows travel as text (public.composed, public.domains, public.moods, public.named)")
	var rep struct {
		Tables []struct {
			Target, Obtained, Verdict string
			SourceDigest              string `json:"source_digest"`
			TargetDigest              string `json:"target_digest"`
		}
	}
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &rep))
	from := map[string]string{}
	for _, x := range rep.Tables {
		require.Equal(t, "match", x.Verdict, x.Target)
		require.Equal(t, x.SourceDigest, x.TargetDigest, x.Target)
		require.NotEmpty(t, x.TargetDigest, x.Target)
		from[x.Target] = x.Obtained
	}
	require.Equal(t, map[string]string{
		"public.big": "source read", "public.small": "source read", "public.nokey": "source read", "public.own": "source read",
		"public.named": "copy stream", "public.composed": "copy stream", "public.domains": "copy stream", "public.moods": "copy stream",
	}, from)
	b.sameRows(t)

	b.ok(t, "clone", "--format", "binary", "--skip-verify", "--on-existing", "drop", "--report", file)
	text, err = os.ReadFile(file)
	require.NoError(t, err)
	rep.Tables = nil
	require.NoError(t, json.Unmarshal(text, &rep))
	for _, x := range rep.Tables {
		require.Equal(t, from[x.Target] == "source read", x.SourceDigest == "", "%s: what was sent in binary has no digest of text", x.Target)
	}
	eventually(t, "the snapshot's keeper is ended", func() bool {
		return b.source.QueryString(t, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()") == "0"
	})
}

// A run in binary is continued as one.
func TestFormatBinaryResumed(t *testing.T) {
	t.Parallel()
	for name, keep := range map[string]string{"kept": "60", "new snapshot": "0"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, toResume)
			killed(t, b, "--format", "binary", "--keep-snapshot", keep)
			r := b.run(t, "clone", "--resume")
			require.Equal(t, Usage, r.code, r.err)
			require.Contains(t, r.err, "cannot be continued with other options: it was begun with --format=binary")
			if keep == "0" {
				b.source.Exec(t, "INSERT INTO nokey VALUES (0, 'of later')")
			}
			r = b.ok(t, "clone", "--resume", "--format", "binary", "--on-changed", "reconcile")
			if keep == "0" {
				require.Contains(t, r.err, "1 tables were proved against the new snapshot")
			}
			b.sameRows(t)
		})
	}
}

// A column that somebody has altered since would take the bytes for another value:
// the run does not go on, until it is as it was made.
func TestFormatBinaryResumedAltered(t *testing.T) {
	t.Parallel()
	b := setup(t, toResume)
	killed(t, b, "--format", "binary")
	b.target.Exec(t, "ALTER TABLE nokey ALTER x TYPE real")
	r := b.run(t, "clone", "--resume", "--format", "binary")
	require.Equal(t, Blocked, r.code, r.err)
	require.Contains(t, r.err, "column x is real, and was made as integer")
	b.target.Exec(t, "ALTER TABLE nokey ALTER x TYPE integer")
	b.ok(t, "clone", "--resume", "--format", "binary")
	b.sameRows(t)
}

// What cannot be had with it is said before anything is written.
func TestFormatBinaryRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, toResume)
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"--on-row-error", "reject"}, "rows that are kept apart are kept as text"},
		{[]string{"--on-existing", "truncate"}, "tables that stand may be of other types"},
		{[]string{"--max-active", "9"}, "verification reads the source once more"},
		{[]string{"--profile", "db9", "--probe", "never"}, "profile db9 has rows travel as text alone"},
	} {
		r := b.run(t, "clone", append([]string{"--format", "binary"}, c.args...)...)
		require.Equal(t, Usage, r.code, r.err)
		require.Contains(t, r.err, c.says)
		b.untouched(t)
	}
	for _, major := range []int{13, 18} {
		other := pgtest.Major(t, major)
		if other.Major() == b.source.Cluster().Major() {
			continue
		}
		target := other.Database(t)
		r := b.run(t, "clone", "--format", "binary", "--target", target.URL)
		require.Equal(t, Usage, r.code, r.err)
		require.Contains(t, r.err, "only within one major the binary format is known to mean the same")
		return
	}
}

// All rows are there, and the run ends among what follows them. Goes on: in the
// snapshot that is kept, whose rows verification reads; or under a new one, which all
// tables are made to show.
func TestFormatBinaryResumedAfterTheRows(t *testing.T) {
	t.Parallel()
	for name, keep := range map[string]string{"kept": "60", "new snapshot": "0"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, toResume)
			proxy := pgtest.NewProxy(t, b.target.Cluster())
			hit := proxy.Add(pgtest.Rule{Action: pgtest.Stall, Dir: pgtest.ToClient, Match: pgtest.Tag("CREATE INDEX")})
			p := start(t, "clone", "--source", b.source.URL, "--target", proxy.URL(b.target.Name), "--jobs", "1", "--format", "binary", "--keep-snapshot", keep)
			<-hit.Fired()
			p.kill(t)
			hit.Release()
			b.source.Exec(t, "UPDATE nokey SET t = 'of later' WHERE x = 9; DELETE FROM small WHERE id = 7")
			r := b.ok(t, "clone", "--resume", "--format", "binary")
			if keep != "0" {
				require.Equal(t, "0 500", b.target.QueryString(t, "SELECT (SELECT count(*) FROM nokey WHERE t = 'of later') || ' ' || (SELECT count(*) FROM small)"), "the moment of the first try")
				return
			}
			require.Contains(t, r.err, "1 tables were proved against the new snapshot")
			b.sameRows(t)
			r = b.ok(t, "clone", "--resume", "--format", "binary", "--redo", "nokey")
			require.NotContains(t, r.err, "was reconciled", "what was, by text, is known as it is")
			b.sameRows(t)
		})
	}
}

// An interrupt among what follows the rows leaves the snapshot kept, in which they are
// still to be verified.
func TestFormatBinaryInterruptedKeepsTheSnapshot(t *testing.T) {
	t.Parallel()
	b := setup(t, slowIndex)
	b.slow(t, "0.005")
	p := start(t, "clone", "--source", b.source.URL, "--target", b.target.URL, "--jobs", "1", "--format", "binary")
	eventually(t, "the index is built", func() bool { return b.target.QueryString(t, building) == "t" })
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGINT))
	require.Equal(t, Partial, p.code(t), "%s", p.err)
	b.source.Exec(t, "INSERT INTO a VALUES (501)")
	b.slow(t, "0")
	r := b.ok(t, "clone", "--resume", "--format", "binary")
	require.NotContains(t, r.err, "a new snapshot is taken")
	require.Equal(t, "500", b.target.QueryString(t, "SELECT count(*) FROM a"), "the moment of the first try")
}
