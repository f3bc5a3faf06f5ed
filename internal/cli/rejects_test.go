package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/internal/db9sim"
	"github.com/pg2db9/pg2db9/internal/pgtest"
	"github.com/pg2db9/pg2db9/internal/ui/report"
)

// choosy is a pair whose target refuses rows 3 and 40 of people and row 7 of notes.
func choosy(t *testing.T) *bundle {
	t.Helper()
	b := setup(t, `CREATE TABLE people (id int PRIMARY KEY, name text, f real); INSERT INTO people SELECT n, CASE WHEN n IN (3, 40) THEN 'tab' || chr(9) || 'long' ELSE 'ok' END, n / 3.0 FROM generate_series(1, 100) n;
		CREATE TABLE notes (id int, t text); INSERT INTO notes SELECT n, CASE n WHEN 7 THEN 'bad' ELSE 'good' END FROM generate_series(1, 50) n;
		CREATE TABLE plain (id int); INSERT INTO plain VALUES (1)`)
	b.target.Exec(t, `CREATE TABLE people (id int PRIMARY KEY, name varchar(6), f real); CREATE TABLE notes (id int, t text CHECK (t <> 'bad')); CREATE TABLE plain (id int)`)
	return b
}

// lines reads a file of refused rows.
func rejectLines(t *testing.T, path string) []copier.Reject {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	var out []copier.Reject
	for line := range strings.Lines(string(data)) {
		var r copier.Reject
		require.NoError(t, json.Unmarshal([]byte(line), &r))
		out = append(out, r)
	}
	return out
}

// ledgerAgrees requires that every batch's digest has as many rows as stand on
// the target: what the ledger says, and what is there.
func ledgerAgrees(t *testing.T, db *pgtest.DB, tables ...string) {
	t.Helper()
	for _, table := range tables {
		require.Equal(t, db.QueryString(t, "SELECT count(*) FROM "+table), db.QueryString(t, fmt.Sprintf(`SELECT
			(SELECT sum(last - first) FROM _pg2db9.span s JOIN _pg2db9.part p USING (run, part) WHERE p.target_name = '%[1]s')
			- (SELECT count(*) FROM _pg2db9.reject WHERE target_name = '%[1]s')`, table)), table)
	}
}

// The whole round: refused rows go to files and are listed, the run ends with 5
// and names the command that sends them mended; what is mended is loaded, once,
// what is refused again stays, and the ledger holds what the target does.
func TestRejectsRoundTrip(t *testing.T) {
	t.Parallel()
	for _, simulated := range []bool{false, true} {
		t.Run(fmt.Sprint("stand-in ", simulated), func(t *testing.T) {
			t.Parallel()
			b := choosy(t)
			target := withPassword(b.target.URL)
			if simulated {
				sim, err := db9sim.Start(t.Context(), db9sim.Config{Backend: b.target.URL, Rules: db9sim.Strict()})
				require.NoError(t, err)
				t.Cleanup(sim.Close)
				target = sim.URL()
			}
			dir := t.TempDir()
			rejects, js, md := filepath.Join(dir, "rejects"), filepath.Join(dir, "r.json"), filepath.Join(dir, "r.md")
			r := run(t, "copy", "--source", withPassword(b.source.URL), "--target", target, "--probe", "never", "--on-row-error", "reject", "--rejects-dir", rejects, "--report", js, "--report", md)
			require.Equal(t, Partial, r.code, "%s\n%s", r.err, r.out)
			people, notes := filepath.Join(rejects, "public.people.jsonl"), filepath.Join(rejects, "public.notes.jsonl")
			require.Contains(t, r.last(), "partly done: all other rows were copied, 3 rows refused by the target, in "+rejects)
			require.Contains(t, r.last(), fmt.Sprintf(`continue with: pg2db9 rejects load --target "$PG2DB9_TARGET" %s %s`, notes, people))
			require.Regexp(t, `public\.people +2 +`+people, r.out)
			data, err := os.ReadFile(js)
			require.NoError(t, err)
			var rep report.Report
			require.NoError(t, json.Unmarshal(data, &rep))
			require.EqualValues(t, 3, rep.Counts.Rejected)
			for _, x := range rep.Tables {
				require.Equal(t, "match", x.Verdict, "%s: what was loaded is verified: %s", x.Target, x.Detail)
				require.Equal(t, []int64{x.Read, x.Read - x.Rejected, x.Read - x.Rejected, x.Read - x.Rejected}, []int64{x.Framed, x.Acked, x.Ledger, x.Counted})
			}
			markdown, err := os.ReadFile(md)
			require.NoError(t, err)
			require.Contains(t, string(markdown), "Rows that the target refused")

			lines := rejectLines(t, people)
			require.Len(t, lines, 2)
			require.Equal(t, []any{"public.people", "22001", "3\ttab\\tlong\t1", []string{"id", "name", "f"}}, []any{lines[0].Table, lines[0].SQLState, *lines[0].Text, lines[0].Columns})
			require.Contains(t, lines[0].Message, "too long")

			// rejects export gives the same files.
			again := filepath.Join(dir, "again")
			r = run(t, "rejects", "export", "--target", target, "--dir", again)
			require.Equal(t, OK, r.code, r.err)
			require.Contains(t, r.last(), "3 refused rows of run ")
			for _, name := range []string{"public.people.jsonl", "public.notes.jsonl"} {
				one, err := os.ReadFile(filepath.Join(rejects, name))
				require.NoError(t, err)
				other, err := os.ReadFile(filepath.Join(again, name))
				require.NoError(t, err)
				require.Equal(t, string(one), string(other))
			}

			// One row is mended, one is not, one is left out.
			require.NoError(t, os.WriteFile(people, []byte(strings.Replace(readFile(t, people), `3\ttab\\tlong`, `3\tshort`, 1)), 0o600))
			r = run(t, "rejects", "load", "--target", target, people)
			require.Equal(t, Partial, r.code, r.err)
			require.Contains(t, r.last(), "1 mended row loaded, 1 refused again, the first at "+people+":2 (22001")
			require.Equal(t, "short 0.99", b.target.QueryString(t, "SELECT name || ' ' || round((f * 0.99)::numeric, 2) FROM people WHERE id = 3"))
			require.Equal(t, "2", b.target.QueryString(t, "SELECT count(*) FROM _pg2db9.reject"))
			ledgerAgrees(t, b.target, "people", "notes", "plain")

			// Sent again, what is loaded is known; the rest goes through when it is mended.
			require.NoError(t, os.WriteFile(people, []byte(strings.Replace(readFile(t, people), `40\ttab\\tlong`, `40\tmended`, 1)), 0o600))
			require.NoError(t, os.WriteFile(notes, []byte(strings.Replace(readFile(t, notes), `7\tbad`, `7\t\\N`, 1)), 0o600))
			r = run(t, "rejects", "load", "--target", target, people, notes)
			require.Equal(t, OK, r.code, r.err)
			require.Contains(t, r.last(), "2 mended rows loaded, 1 loaded before")
			require.Equal(t, "100 50 1 true", b.target.QueryString(t, "SELECT (SELECT count(*) FROM people) || ' ' || (SELECT count(*) FROM notes) || ' ' || (SELECT count(*) FROM notes WHERE id = 7) || ' ' || (SELECT t IS NULL FROM notes WHERE id = 7)"))
			require.Equal(t, "0", b.target.QueryString(t, "SELECT count(*) FROM _pg2db9.reject"))
			ledgerAgrees(t, b.target, "people", "notes", "plain")
			r = run(t, "rejects", "export", "--target", target, "--dir", again)
			require.Contains(t, r.last(), "holds no refused rows")
		})
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(data)
}

// Rows are no secret of the ledger's, but files of rows are for their owner alone;
// --rejects-ok makes refused rows no failure, and the last line names them.
func TestRejectsOK(t *testing.T) {
	t.Parallel()
	b := choosy(t)
	dir := filepath.Join(t.TempDir(), "deep", "rejects")
	r := b.ok(t, "copy", "--on-row-error", "reject", "--rejects-ok", "--rejects-dir", dir)
	require.Contains(t, r.last(), "done and verified: 3 tables, 148 rows")
	require.Contains(t, r.last(), "3 rows refused by the target, in "+dir)
	for _, path := range []string{dir, filepath.Join(dir, "public.notes.jsonl")} {
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Zero(t, info.Mode().Perm()&0o077, path)
	}
}

// A folder that cannot be written loses no row: the ledger has them, and the
// command that writes the files is named.
func TestRejectsDirCannotBeMade(t *testing.T) {
	t.Parallel()
	b := choosy(t)
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	r := b.run(t, "copy", "--on-row-error", "reject", "--rejects-dir", filepath.Join(file, "x"))
	require.Equal(t, Partial, r.code)
	require.Contains(t, r.last(), "in _pg2db9.reject")
	require.Contains(t, r.last(), `continue with: pg2db9 rejects export --target "$PG2DB9_TARGET" --run `)
}

// --on-row-error stop ends the run: nothing is done after the row.
func TestRowErrorStopsTheRun(t *testing.T) {
	t.Parallel()
	b := choosy(t)
	r := b.run(t, "copy", "--on-row-error", "stop", "--jobs", "1")
	require.Equal(t, Partial, r.code, r.err)
	require.Contains(t, r.last(), "tables not copied")
	require.Contains(t, r.last(), "--on-row-error stop --resume")
	require.NotContains(t, r.out, "match", "nothing is verified")
}

// What cannot be a row of the table is an error that names its line, and nothing
// is sent, not the lines before it either.
func TestRejectsLoadRefusesLines(t *testing.T) {
	t.Parallel()
	b := choosy(t)
	dir := t.TempDir()
	b.ok(t, "copy", "--on-row-error", "reject", "--rejects-ok", "--rejects-dir", dir)
	good := readFile(t, filepath.Join(dir, "public.people.jsonl"))
	first, second, _ := strings.Cut(strings.Replace(good, `3\ttab\\tlong`, `3\tshort`, 1), "\n")
	for name, c := range map[string]struct{ from, to, want string }{
		"columns":    {`40\ttab\\tlong`, `40\tx\ty`, "has 4 columns where 3 are expected (id, name, f)"},
		"line end":   {`40\ttab\\tlong`, `40\ta\nb`, "holds a line end"},
		"no text":    {`"text":"40\ttab\\tlong\t13.333333"`, `"text":null`, `has no "text"`},
		"unknown":    {`"text"`, `"test"`, "is no refused row"},
		"twice":      {second, first, "the same refused row as"},
		"not a JSON": {`{"run"`, `{run`, "is no refused row"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, second, c.from)
			path := filepath.Join(dir, "mended.jsonl")
			require.NoError(t, os.WriteFile(path, []byte(first+"\n"+strings.Replace(second, c.from, c.to, 1)), 0o600))
			r := run(t, "rejects", "load", "--target", withPassword(b.target.URL), path)
			require.NotEqual(t, OK, r.code)
			require.Contains(t, r.last()+r.err, c.want)
			require.Contains(t, r.err, path+":2")
			require.Equal(t, "98 3", b.target.QueryString(t, "SELECT (SELECT count(*) FROM people) || ' ' || (SELECT count(*) FROM _pg2db9.reject)"))
		})
	}
}

// A run that is interrupted with refused rows is resumed: those that stand in the
// ledger are proved and stay, and every other row is there once.
func TestRejectsResume(t *testing.T) {
	t.Parallel()
	b := choosy(t)
	dir := t.TempDir()
	b.target.Exec(t, "ALTER TABLE notes ADD CHECK (id <> 30)")
	r := b.run(t, "copy", "--on-row-error", "reject", "--max-rejects", "3", "--rejects-dir", dir, "--jobs", "1")
	require.Equal(t, Partial, r.code, r.err)
	require.Contains(t, r.last(), "refuses more than 3 rows")
	require.Contains(t, r.last(), "--on-row-error reject --max-rejects 3 --rejects-dir "+dir+" --resume")
	r = b.run(t, "copy", "--on-row-error", "reject", "--max-rejects", "4", "--rejects-dir", dir, "--jobs", "1", "--resume")
	require.Equal(t, Partial, r.code, r.err)
	require.Contains(t, r.last(), "4 rows refused by the target")
	require.Equal(t, "98 48 4", b.target.QueryString(t, "SELECT (SELECT count(DISTINCT id) FROM people) || ' ' || (SELECT count(*) FROM notes) || ' ' || (SELECT count(*) FROM _pg2db9.reject)"))
	ledgerAgrees(t, b.target, "people", "notes", "plain")
}
