package verify

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
)

// withKeys gives the plan's tables the keys that they have on the source, and
// their columns the types, and returns a run that reads both sides.
func (b *bundle) withKeys(t *testing.T, level Level) Params {
	t.Helper()
	b.byKey(t)
	for i := range b.plan.Transfers {
		for j := range b.plan.Transfers[i].Columns {
			c := &b.plan.Transfers[i].Columns[j]
			c.SourceType = &catalog.Type{Text: c.TargetType, Kind: catalog.KindBase, Mod: -1}
		}
	}
	p := b.alone(t)
	p.Level = level
	return p
}

// found runs, and returns every difference as one line, sorted.
func found(t *testing.T, p Params) (*Report, []string) {
	t.Helper()
	var mu sync.Mutex
	var lines []string
	p.Differences = func(d RowDifference) error {
		mu.Lock()
		defer mu.Unlock()
		lines = append(lines, lineOf(d))
		return nil
	}
	report, err := Run(t.Context(), p)
	require.NoError(t, err)
	slices.Sort(lines)
	return report, lines
}

// lineOf is a difference as "t: changed id=7 a 'x'->'y'".
func lineOf(d RowDifference) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", d.Table.Name, d.Kind)
	if d.Copies != 1 {
		fmt.Fprintf(&b, " x%d", d.Copies)
	}
	for _, k := range d.Key {
		if k.Null {
			k.Value = "NULL"
		}
		fmt.Fprintf(&b, " %s=%s", k.Column, k.Value)
	}
	text := func(v *Value) string {
		switch {
		case v == nil:
			return "-"
		case v.Null:
			return "NULL"
		case v.Bytes > 0:
			return fmt.Sprintf("'%s'(%d)", v.Text, v.Bytes)
		}
		return "'" + v.Text + "'"
	}
	for _, c := range d.Columns {
		fmt.Fprintf(&b, " %s %s->%s", c.Column, text(c.Source), text(c.Target))
	}
	return b.String()
}

// keyedTables is a table for each kind of key, large enough for several buckets.
const keyedTables = `
	CREATE TABLE ints (id integer PRIMARY KEY, a text, n numeric);
	INSERT INTO ints SELECT i * 3 - 9000, 'a' || i, i / 7.0 FROM generate_series(1, 9000) i;
	CREATE TABLE uuids (id uuid PRIMARY KEY, a text);
	INSERT INTO uuids SELECT md5(i::text)::uuid, 'some text that is longer ' || i FROM generate_series(1, 4000) i;
	CREATE TABLE texts (id text COLLATE "C" PRIMARY KEY, a text);
	INSERT INTO texts SELECT chr(65 + i % 50) || i, 'some text that is longer ' || i FROM generate_series(1, 5000) i;
	CREATE TABLE bytes (id bytea PRIMARY KEY, a text);
	INSERT INTO bytes SELECT decode(repeat('00', i % 3) || to_hex(i + 4096), 'hex'), 'some text that is longer ' || i FROM generate_series(1, 8000, 2) i WHERE length(to_hex(i + 4096)) % 2 = 0;
	CREATE TABLE moments (at timestamptz, b integer, a text, PRIMARY KEY (at, b));
	INSERT INTO moments SELECT '2020-01-01'::timestamptz + i * '1 min 1 us'::interval, i, 'some text that is longer ' || i FROM generate_series(1, 5000) i;
	CREATE TABLE pairs (v text, b integer, a integer, PRIMARY KEY (a, b));
	INSERT INTO pairs SELECT 'some text that is longer ' || i, i, i % 5 FROM generate_series(1, 6000) i;
	CREATE TABLE bag (a integer, b text);
	INSERT INTO bag SELECT i / 3, 'some text that is longer' FROM generate_series(1, 9000) i;`

// Rows that are missing, extra or changed are named by key and column, whatever
// the key is: the first, the last and those between, each once (Y1, Y5, Y6, Y14).
func TestRowsAreLocalisedY1Y5Y6Y14(t *testing.T) {
	t.Parallel()
	b := setup(t, keyedTables)
	p := b.withKeys(t, LevelRows)
	report, lines := found(t, p)
	require.Equal(t, Match, report.Verdict())
	require.Empty(t, lines)
	b.target.Exec(t, `
		DELETE FROM ints WHERE id IN (-8997, 3, 18000);
		INSERT INTO ints VALUES (-2147483648, 'least', NULL), (4, 'between', 1), (2147483647, 'greatest', 2);
		UPDATE ints SET a = upper(a), n = round(n, 2) WHERE id IN (-6, 6000);
		UPDATE ints SET a = NULL WHERE id = 9;
		UPDATE uuids SET a = a || ' ' WHERE id = md5('77')::uuid;
		DELETE FROM uuids WHERE id = md5('78')::uuid;
		UPDATE texts SET a = 'x' WHERE id = 'B1';
		INSERT INTO texts VALUES ('nothing', 'y');
		DELETE FROM bytes WHERE id = '\x001001';
		INSERT INTO bytes VALUES ('\x', 'empty'), ('\x00', 'zero'), ('\xffff', 'high');
		UPDATE moments SET a = 'x' WHERE b IN (1, 5000);
		INSERT INTO moments VALUES ('infinity', 1, 'late'), ('0044-03-15 BC', 1, 'early');
		UPDATE pairs SET v = 'x' WHERE b = 17;
		DELETE FROM pairs WHERE b = 18;
		DELETE FROM bag WHERE a = 100;
		INSERT INTO bag VALUES (200, 'some text that is longer'), (NULL, ''), (NULL, '');`)
	want := []string{
		"bag: extra a -->'200' b -->'some text that is longer'",
		"bag: extra x2 a -->NULL b -->''",
		"bag: missing x3 a '100'->- b 'some text that is longer'->-",
		`bytes: extra id=\x`,
		`bytes: extra id=\x00`,
		`bytes: extra id=\xffff`,
		`bytes: missing id=\x001001`,
		"ints: changed id=-6 a 'a2998'->'A2998' n '428.2857142857142857'->'428.29'",
		"ints: changed id=6000 a 'a5000'->'A5000' n '714.2857142857142857'->'714.29'",
		"ints: changed id=9 a 'a3003'->NULL",
		"ints: extra id=-2147483648",
		"ints: extra id=2147483647",
		"ints: extra id=4",
		"ints: missing id=-8997",
		"ints: missing id=18000",
		"ints: missing id=3",
		"moments: changed at=2020-01-01 00:01:00.000001+00 b=1 a 'some text that is longer 1'->'x'",
		"moments: changed at=2020-01-04 11:20:00.005+00 b=5000 a 'some text that is longer 5000'->'x'",
		"moments: extra at=0044-03-15 00:00:00+00 BC b=1",
		"moments: extra at=infinity b=1",
		"pairs: changed a=2 b=17 v 'some text that is longer 17'->'x'",
		"pairs: missing a=3 b=18",
		"texts: changed id=B1 a 'some text that is longer 1'->'x'",
		"texts: extra id=nothing",
		"uuids: changed id=28dd2c79-55ce-9264-5624-0b2ff0100bde a 'some text that is longer 77'->'some text that is longer 77 '",
		"uuids: missing id=35f4a8d4-65e6-e1ed-c05f-3d8ab658c551",
	}
	slices.Sort(want)
	for _, jobs := range []int{1, 4} {
		p.Jobs = jobs
		report, lines = found(t, p)
		for _, x := range report.Tables {
			require.Equal(t, Mismatch, x.Verdict, "%s: %s", x.Target, x.Detail)
		}
		require.Equal(t, want, lines)
		require.Equal(t, Mismatch, report.Verdict())
	}
	ints := table(t, report, "ints").Data
	require.Equal(t, []int64{3, 3, 3, 0}, []int64{ints.Found.Missing, ints.Found.Extra, ints.Found.Changed, ints.Found.Unlocalised})
	require.Equal(t, []ColumnTally{{Column: "a", Rows: 3}, {Column: "n", Rows: 2, How: "rounded"}}, ints.Found.Columns)
	require.Less(t, ints.ReadAgain, int64(9000))
	var ids []string
	for _, d := range ints.Found.Shown {
		ids = append(ids, d.Key[0].Value)
	}
	require.Equal(t, []string{"-2147483648", "-8997", "-6", "3", "4", "9", "6000", "18000", "2147483647"}, ids, "in the order of the key")

	p.Level = LevelDeep
	_, lines = found(t, p)
	require.Equal(t, want, lines, "deep finds the same")

	p.Level, p.Profile.ReadByKey = LevelRows, true
	p.Jobs = 2
	_, lines = found(t, p)
	require.Equal(t, want, lines, "by pages of the key")
	p.Level = LevelDeep
	_, lines = found(t, p)
	require.Equal(t, want, lines, "deep, by pages of the key")
}
