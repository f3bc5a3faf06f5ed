package verify

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
)

// Rows larger than any buffer, keys behind other columns, other collations on
// the two sides, keys that stand twice or are NULL where they must not, columns
// with a canonical form, tables of no columns: what differs is named, and nothing
// else.
func TestRowsOfHostileForms(t *testing.T) {
	t.Parallel()
	b := setup(t, `
		CREATE TABLE large (a text, id integer PRIMARY KEY, b text);
		INSERT INTO large SELECT repeat('x' || i, 200000), i, repeat(E'é\t', i) FROM generate_series(1, 6) i;
		CREATE TABLE words (id text PRIMARY KEY, a text);
		INSERT INTO words SELECT w || i, repeat('v', 100) || i FROM generate_series(1, 700) i, unnest(ARRAY['a', 'B', 'é', 'Z_', '-', ' ', 'A']) w;
		CREATE TABLE twice (id integer PRIMARY KEY, a text);
		INSERT INTO twice SELECT i, 'a' || i FROM generate_series(1, 10) i;
		CREATE TABLE nothing (); INSERT INTO nothing DEFAULT VALUES; INSERT INTO nothing DEFAULT VALUES;
		CREATE TABLE escapes (id text PRIMARY KEY, a text);
		INSERT INTO escapes VALUES (E'a\tb', E'\\'), (E'\\N', NULL), ('', E'\n');`)
	p := b.withKeys(t, LevelRows)
	report, lines := found(t, p)
	require.Equal(t, Match, report.Verdict())
	require.Empty(t, lines)
	b.target.Exec(t, `
		UPDATE large SET a = left(a, -1) || 'y' WHERE id = 2;
		UPDATE large SET b = 'short' WHERE id = 3;
		UPDATE large SET a = NULL WHERE id = 6;
		UPDATE words SET a = left(a, 90) || 'w' || substr(a, 92) WHERE id = 'é7';
		ALTER TABLE twice DROP CONSTRAINT twice_pkey; ALTER TABLE twice ALTER id DROP NOT NULL;
		INSERT INTO twice VALUES (1, 'a1'), (2, 'other'), (NULL, 'nobody');
		UPDATE twice SET a = 'changed' WHERE id = 3;
		INSERT INTO nothing DEFAULT VALUES;
		UPDATE escapes SET a = E'\\N' WHERE id = E'\\N';
		DELETE FROM escapes WHERE id = E'a\tb'`)
	if b.target.QueryString(t, "SELECT count(*) FROM pg_collation WHERE collname = 'und-x-icu'") != "0" {
		b.target.Exec(t, `ALTER TABLE words ALTER id TYPE text COLLATE "und-x-icu"`)
	}
	want := []string{
		`escapes: changed id=\N a NULL->'\N'`,
		"escapes: missing id=a\tb",
		"large: changed id=2 a '" + strings.Repeat("x2", 30) + "…'(400000)->'" + strings.Repeat("x2", 30) + "…'(400000)",
		"large: changed id=3 b '" + strings.Repeat("é\t", 3) + "'->'short'",
		"large: changed id=6 a '" + strings.Repeat("x6", 30) + "…'(400000)->NULL",
		"nothing: extra",
		"twice: changed id=3 a 'a3'->'changed'",
		"twice: extra id=1",
		"twice: extra id=2",
		"twice: extra id=NULL",
		"words: changed id=é7 a '…vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv7'",
	}
	for _, level := range []Level{LevelRows, LevelDeep} {
		p.Level = level
		report, lines = found(t, p)
		require.Len(t, lines, len(want), "%s: %q", level, lines)
		for i, line := range lines {
			require.True(t, strings.HasPrefix(line, strings.TrimSuffix(want[i], "7'")), "%q\n%q", line, want[i])
		}
		for i := range report.Tables {
			require.Zero(t, report.Tables[i].Data.Found.Unlocalised, report.Tables[i].Target)
		}
	}
	p.ShowValues = true
	_, lines = found(t, p)
	require.Contains(t, strings.Join(lines, "\n"), "escapes: missing id=a\tb a '\\'->-", "whole, with what is missing")
}

// What cannot be read a second time is said, and nothing of it is called equal:
// neither a connection that breaks nor a difference that cannot be written down.
func TestLocalisingFails(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE t (id integer PRIMARY KEY, a text); INSERT INTO t SELECT i, 'a' FROM generate_series(1, 100) i`)
	p := b.withKeys(t, LevelRows)
	b.target.Exec(t, "UPDATE t SET a = 'b' WHERE id < 4")
	p.Differences = func(RowDifference) error { return errors.New("the disk is full") }
	report, err := Run(t.Context(), p)
	require.NoError(t, err)
	x := table(t, report, "t")
	require.Equal(t, Mismatch, x.Verdict)
	require.Contains(t, x.Detail, "the disk is full")
	require.Positive(t, x.Data.Found.Unlocalised)

	p.Differences, p.Jobs = nil, 1
	for _, level := range []Level{LevelRows, LevelDeep} {
		p.Level = level
		if level == LevelDeep {
			b.target.Exec(t, "UPDATE t SET a = 'a' WHERE id < 4")
		}
		var total int64
		healthy := endpoint(t, dial.Target, b.target)
		p.Target = faulty(healthy, nil, func(_ int, read int64) error { total = max(total, read); return nil })
		whole, err := Run(t.Context(), p)
		require.NoError(t, err)
		for i := range int64(30) {
			limit := total * i / 30
			p.Target = faulty(healthy, func(number int) error {
				if number > 0 {
					return errCut
				}
				return nil
			}, func(_ int, read int64) error {
				if read >= limit {
					return errCut
				}
				return nil
			})
			report, _ := Run(t.Context(), p)
			require.False(t, report.Good(), "%s: after %d of %d bytes", level, limit, total)
			if whole.Good() {
				require.Equal(t, Errored, report.Verdict(), "%s: after %d of %d bytes", level, limit, total)
			}
		}
		p.Target = healthy
	}
}

// The rate holds on either side (Y11): what a second may read takes a second.
func TestVerificationHoldsItsRateY11(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE t (id integer PRIMARY KEY, a text); INSERT INTO t SELECT i, repeat('x', 1000) FROM generate_series(1, 1000) i`)
	p := b.withKeys(t, LevelRows)
	p.MaxRate, p.Progress = 2_000_000, &event.Progress{}
	for _, byKey := range []bool{false, true} {
		p.Profile.ReadByKey = byKey
		started := time.Now()
		report := matches(t, p)
		bytes := table(t, report, "t").Data.Bytes / 2
		require.GreaterOrEqual(t, time.Since(started).Seconds(), float64(bytes)/2_000_000*0.7)
	}
}

// Each table is looked at as closely as was asked for, and says so; none calls
// equal what it did not look at.
func TestLevels(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE t (id integer PRIMARY KEY, a text); INSERT INTO t SELECT i, 'a' FROM generate_series(1, 100) i;
		CREATE TABLE u (a text); INSERT INTO u VALUES ('x');`)
	p := b.withKeys(t, LevelRows)
	b.target.Exec(t, "UPDATE t SET a = 'b' WHERE id = 7; INSERT INTO u VALUES ('y')")
	for level, want := range map[Level][2]Verdict{
		LevelSchema: {Skipped, Skipped}, LevelCounts: {Match, Mismatch}, LevelDigest: {Mismatch, Mismatch},
		LevelRows: {Mismatch, Mismatch}, LevelDeep: {Mismatch, Mismatch}, "": {Mismatch, Mismatch},
	} {
		p.Level = level
		report, err := Run(t.Context(), p)
		require.NoError(t, err)
		if level == "" {
			level = LevelDigest
		}
		require.Equal(t, level, report.Level)
		for i, name := range []string{"t", "u"} {
			d := table(t, report, name).Data
			require.Equal(t, want[i], d.Verdict, "%s of %s", level, name)
			if level != LevelSchema {
				require.Equal(t, level, d.Level)
			}
			require.Equal(t, level.has(LevelRows), d.Found != nil)
			require.Equal(t, level.has(LevelDigest), d.SourceDigest != "")
		}
	}
	p.Level = LevelCounts
	p.Plan.Transfers = append(p.Plan.Transfers[:0:0], p.Plan.Transfers...)
	p.Plan.Transfers[0].Relations = []catalog.Name{{Schema: "public", Name: "gone"}}
	report, err := Run(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, Errored, report.Verdict())
}
