package cli

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/ui/report"
	"github.com/pg2db9/pg2db9/verify"
)

func tableOf(t *testing.T, rep report.Report, name string) report.Table {
	t.Helper()
	for _, x := range rep.Tables {
		if x.Target == name {
			return x
		}
	}
	require.Failf(t, "no such table", "%s", name)
	return report.Table{}
}

// Rows that the target refused are excused, each by itself: by the sum of the
// rows, by key, and not one more than were refused (Y9).
func TestY9RefusedRowsAreExcused(t *testing.T) {
	t.Parallel()
	b := choosy(t)
	b.ok(t, "copy", "--on-row-error", "reject", "--rejects-ok", "--rejects-dir", t.TempDir())
	b.target.Exec(t, `ALTER TABLE people ALTER name TYPE text; ALTER TABLE notes DROP CONSTRAINT notes_t_check`)
	refused := func(n int64) []verify.Excused {
		return []verify.Excused{{Why: "refused by the target, and kept in _pg2db9.reject", Rows: n}}
	}
	for _, level := range []string{"counts", "digest", "rows", "deep"} {
		r, rep := b.reported(t, "verify", "--profile", "postgres", "--level", level)
		require.Equal(t, OK, r.code, "%s: %s\n%s", level, r.err, r.out)
		require.Contains(t, r.out, "3 rows differ as announced")
		require.Equal(t, refused(2), tableOf(t, rep, "public.people").Excused, level)
		require.Equal(t, refused(1), tableOf(t, rep, "public.notes").Excused, level)
	}
	b.source.Exec(t, "UPDATE people SET f = 0 WHERE id = 3") // still the row of that key
	b.target.Exec(t, "DELETE FROM people WHERE id = 5; DELETE FROM notes WHERE id = 6")
	r, rep := b.reported(t, "verify", "--profile", "postgres", "--level", "rows")
	require.Equal(t, Differences, r.code, "%s\n%s", r.err, r.out)
	people, notes := tableOf(t, rep, "public.people"), tableOf(t, rep, "public.notes")
	require.Equal(t, refused(2), people.Excused)
	require.Equal(t, refused(1), notes.Excused)
	require.EqualValues(t, 1, people.Found.Missing)
	require.Equal(t, "5", people.Found.Shown[0].Key[0].Value)
	require.EqualValues(t, 1, notes.Found.Missing)
	require.Equal(t, "6", notes.Found.Shown[0].Columns[0].Source.Text)
}

// What a transfer loses as announced is counted by row and column; the same
// column otherwise changed is a difference (Y9).
func TestY9AnnouncedLossesAreCounted(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE t (id int PRIMARY KEY, at timestamp, c char(5));
		INSERT INTO t SELECT n, '2020-01-01'::timestamp + n * '1.0005 s'::interval, CASE WHEN n % 3 = 0 THEN 'ab' ELSE 'abcde' END FROM generate_series(1, 10) n;
		INSERT INTO t VALUES (11, NULL, NULL), (12, '2020-01-01', 'abcde')`)
	b.ok(t, "clone", "--profile", "db9")
	_, rep := b.reported(t, "verify", "--profile", "db9", "--level", "rows")
	x := tableOf(t, rep, "public.t")
	require.Equal(t, "match", x.Verdict, x.Detail)
	losses := map[string]int64{}
	for _, e := range x.Excused {
		losses[e.Column+": "+e.Why] = e.Rows
	}
	require.Equal(t, map[string]int64{"at: digits of a second beyond 3": 5, "c: blanks of padding, which are not carried": 3}, losses)
	b.target.Exec(t, `UPDATE t SET at = at + '1 ms'::interval WHERE id IN (1, 3)`)
	r, rep := b.reported(t, "verify", "--profile", "db9", "--level", "rows")
	require.Equal(t, Differences, r.code)
	x = tableOf(t, rep, "public.t")
	require.EqualValues(t, 2, x.Found.Changed)
	require.Equal(t, []verify.ColumnTally{{Column: "at", Rows: 2, How: "by +1ms"}}, x.Found.Columns)
	require.Len(t, x.Excused, 2)
}
