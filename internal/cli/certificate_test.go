package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/certificate"
)

// recheck compares the target with a certificate, beside a source that nobody
// could reach.
func (b *bundle) recheck(t *testing.T, path string) result {
	t.Helper()
	c := &call{args: []string{"verify", "--certificate", path, "--recheck", "--target", withPassword(b.target.URL)}}
	c.env = map[string]string{"PG2DB9_SOURCE": "postgres://nobody@127.0.0.1:1/gone?sslmode=disable"}
	return c.run(t)
}

// A certificate of a copy or a verification is enough to read the target again:
// equal as long as nothing was changed, and what was is named; a file that was
// changed is not compared with, and a target that is as a certificate says is not
// equal where that says that it is not.
func TestCertificate(t *testing.T) {
	t.Parallel()
	for _, profile := range []string{"postgres", "db9"} {
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			b := setup(t, shop)
			dir := t.TempDir()
			copied, verified, page := filepath.Join(dir, "c.json"), filepath.Join(dir, "v.json"), filepath.Join(dir, "v.html")
			first := "4 tables, 3,703 rows, all equal"
			r := b.ok(t, "clone", "--profile", profile, "--certificate", copied)
			require.Contains(t, r.out, "certificate "+copied+", seal ")
			b.ok(t, "verify", "--profile", profile, "--certificate", verified, "--certificate", page)
			for _, path := range []string{copied, verified, page} {
				c, err := certificate.ReadFile(path, version())
				require.NoError(t, err)
				require.True(t, strings.HasPrefix(c.Summary, first), c.Summary)
				require.NotNil(t, c.Run().Snapshot)
				text, err := os.ReadFile(path)
				require.NoError(t, err)
				require.NotContains(t, string(text), password)
				r := b.recheck(t, path)
				require.Equal(t, OK, r.code, "%s\n%s", r.err, r.out)
				require.Contains(t, r.out, "the target holds what the certificate of ")
				require.Contains(t, r.out, "4 tables, 3,703 rows, 3 sequences; seal "+c.Seal)
			}
			for _, x := range []struct{ do, undo, says string }{
				{"UPDATE orders SET total = total + 1 WHERE id = 77", "UPDATE orders SET total = total - 1 WHERE id = 77", "public.orders (as many rows as the certificate says (3000), but with other contents"},
				{"DELETE FROM customers WHERE id = (SELECT max(id) FROM customers) AND false; CREATE TABLE kept AS SELECT * FROM log; TRUNCATE log", "INSERT INTO log SELECT * FROM kept; DROP TABLE kept", "public.log (500 rows stand in the certificate, the target holds 0: 500 missing"},
				{"SELECT setval('alone', 995)", "SELECT setval('alone', 100)", "sequence public.alone (it was set to 100 (called), and the target says 995 (called))"},
				{"ALTER TABLE log RENAME TO gone", "ALTER TABLE gone RENAME TO log", "public.log (the table is not on the target"},
			} {
				b.target.Exec(t, x.do)
				r := b.recheck(t, copied)
				require.Equal(t, Differences, r.code, "%s\n%s\n%s", x.do, r.err, r.out)
				require.Contains(t, r.err, x.says)
				require.NotContains(t, r.err, "--level rows", "the source is not asked for")
				b.target.Exec(t, x.undo)
			}
			require.Equal(t, OK, b.recheck(t, verified).code)
		})
	}
}

// What a certificate says of its own: broken, or of a target that was not equal.
func TestCertificateThatIsNotGood(t *testing.T) {
	t.Parallel()
	b := setup(t, "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a'), (2, 'b'); CREATE TABLE u (id int PRIMARY KEY)")
	dir := t.TempDir()
	path := filepath.Join(dir, "c.json")
	b.ok(t, "clone", "--profile", "postgres", "--certificate", path)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	changed := filepath.Join(dir, "changed.json")
	require.NoError(t, os.WriteFile(changed, bytes.Replace(text, []byte(`"target": 2`), []byte(`"target": 3`), 1), 0o600))
	r := b.recheck(t, changed)
	require.Equal(t, Failed, r.code)
	require.Contains(t, r.err, "is not as it was written: entry 2 (table public.t) was changed")
	require.Equal(t, Failed, b.recheck(t, filepath.Join(dir, "none.json")).code)

	counted := filepath.Join(dir, "counts.json")
	b.ok(t, "verify", "--profile", "postgres", "--level", "counts", "--certificate", counted)
	b.target.Exec(t, "UPDATE t SET v = 'x' WHERE id = 2")
	r = b.recheck(t, counted)
	require.Equal(t, OK, r.code, "%s\n%s", r.err, r.out)
	require.Contains(t, r.out, "rows were counted, not compared")
	b.target.Exec(t, "INSERT INTO u VALUES (1)")
	r = b.recheck(t, counted)
	require.Equal(t, Differences, r.code)
	require.Contains(t, r.err, "public.u (0 rows stand in the certificate, the target holds 1: 1 too many)")

	bad := filepath.Join(dir, "bad.html")
	r = b.run(t, "verify", "--profile", "postgres", "--level", "rows", "--certificate", bad)
	require.Equal(t, Differences, r.code)
	r = b.recheck(t, bad)
	require.Equal(t, Differences, r.code, "%s\n%s", r.err, r.out)
	require.Contains(t, r.err, "the target is as the certificate says, and that says: NOT EQUAL: of 2 tables, 3 rows, 2 differ: table public.t, table public.u")

	for _, args := range [][]string{
		{"--certificate", filepath.Join(dir, "c.txt")},
		{"--certificate", filepath.Join(dir, "no", "c.json")},
		{"--certificate", path, "--certificate", path},
		{"--recheck"},
		{"--recheck", "--certificate", path, "--certificate", bad},
		{"--recheck", "--certificate", path, "--level", "rows"},
		{"--recheck", "--certificate", path, "--live"},
		{"--recheck", "--certificate", path, "--deadline", "5m"},
	} {
		require.Equal(t, Usage, b.run(t, "verify", args...).code, "%v", args)
	}
	require.Equal(t, Usage, b.run(t, "clone", "--skip-verify", "--certificate", path).code)
	require.NoError(t, os.Remove(path))
	require.Equal(t, Usage, b.run(t, "clone", "--dry-run", "--certificate", path).code)
	require.NoFileExists(t, path)
}

// A file that cannot be written any more at the end is a failure, in the report too,
// which names what makes up for it; without a list of
// differences that can be written nothing is compared.
func TestFilesThatCannotBeWrittenAtTheEnd(t *testing.T) {
	t.Parallel()
	b := setup(t, "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a'), (2, 'b')")
	gone := filepath.Join(t.TempDir(), "gone")
	path := filepath.Join(gone, "c.json")
	require.NoError(t, os.Mkdir(gone, 0o700))
	remove := []string{"--profile", "postgres", "--source-password-command", "rm -rf '" + gone + "'; echo secret"}
	r, rep := b.reported(t, "clone", append(remove, "--certificate", path)...)
	require.Equal(t, Failed, r.code, "%s\n%s", r.err, r.out)
	require.Contains(t, r.last(), "without a certificate: ")
	require.Equal(t, int(Failed), rep.ExitCode)
	require.Len(t, rep.Next, 1)
	require.Contains(t, rep.Message, "without a certificate: ")
	b.same(t, "t")
	require.NoError(t, os.Mkdir(gone, 0o700))
	b.followNext(t, strings.ReplaceAll(r.last(), "rm -rf", "ls"))
	require.FileExists(t, path)

	b.target.Exec(t, "UPDATE t SET v = 'x' WHERE id = 2")
	list := filepath.Join(gone, "d.jsonl")
	r, rep = b.reported(t, "verify", append(remove, "--level", "rows", "--differences", list)...)
	require.Equal(t, Failed, r.code, "%s\n%s", r.err, r.out)
	require.Contains(t, r.err, list)
	require.Empty(t, rep.Tables)
	require.NoFileExists(t, list)
}
