package verify

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// Each damage is found, whether the source's side is the copier's account or a
// read of the source; each form without damage is a Match (Y1, Y2, Y6, V12).
func TestRunFindsDamageY1Y2Y6(t *testing.T) {
	t.Parallel()
	const keyed = `CREATE TABLE t (id integer PRIMARY KEY, a text, b text); INSERT INTO t SELECT i, 'a' || i, 'b' || i FROM generate_series(1, 100) i;`
	const bag = `CREATE TABLE t (a integer); INSERT INTO t SELECT i / 2 FROM generate_series(1, 100) i;`
	const one = `CREATE TABLE t (a text); INSERT INTO t VALUES (''), ('x');`
	for _, c := range []struct {
		name   string
		sql    string
		damage string // on the target
		want   Verdict
		detail string
	}{
		{"none", keyed, "", Match, "100 rows equal"},
		{"missing row", keyed, "DELETE FROM t WHERE id = 7", Mismatch, "100 rows left the source, the target holds 99: 1 missing"},
		{"extra row", keyed, "INSERT INTO t VALUES (101, 'x', 'y')", Mismatch, "the target holds 101: 1 too many"},
		{"changed row", keyed, "UPDATE t SET a = 'A7' WHERE id = 7", Mismatch, "100 rows on both sides, but their contents differ"},
		{"trailing blank", keyed, "UPDATE t SET a = a || ' ' WHERE id = 7", Mismatch, "contents differ"},
		{"values swapped between rows", keyed, "UPDATE t SET a = CASE id WHEN 7 THEN 'a8' ELSE 'a7' END WHERE id IN (7, 8)", Mismatch, "contents differ"},
		{"values swapped between columns", keyed, "UPDATE t SET a = b, b = a WHERE id = 7", Mismatch, "contents differ"},
		{"columns swapped", keyed, "UPDATE t SET a = b, b = a", Mismatch, "contents differ"},
		{"two changes that cancel in a sum", keyed, "UPDATE t SET id = CASE id WHEN 7 THEN 207 ELSE 108 END WHERE id IN (7, 8)", Mismatch, "contents differ"},
		{"empty", keyed, "TRUNCATE t", Mismatch, "100 missing"},
		{"NULL for empty", one, "UPDATE t SET a = NULL WHERE a = ''", Mismatch, "contents differ"},
		{`the text \N for empty`, one, `UPDATE t SET a = '\N' WHERE a = ''`, Mismatch, "contents differ"},
		{"the text NULL for empty", one, `UPDATE t SET a = 'NULL' WHERE a = ''`, Mismatch, "contents differ"},
		{"empty row missing", one, `DELETE FROM t WHERE a = ''`, Mismatch, "1 missing"},
		{"empty rows", "CREATE TABLE t (a text); INSERT INTO t VALUES (''), (''), ('');", "", Match, "3 rows equal"},
		{"another order", keyed, "CREATE TABLE u AS SELECT * FROM t ORDER BY id DESC; DELETE FROM t; INSERT INTO t SELECT * FROM u", Match, "100 rows equal"},
		{"duplicates", bag, "", Match, "100 rows equal"},
		{"duplicate for another row", bag, "UPDATE t SET a = 3 WHERE ctid = (SELECT min(ctid) FROM t WHERE a = 4)", Mismatch, "contents differ"},
		{"duplicated and missing pair", bag, "DELETE FROM t WHERE a = 3; INSERT INTO t VALUES (4), (4)", Mismatch, "contents differ"},
		{"no rows", "CREATE TABLE t (a integer)", "", Match, "0 rows equal"},
		{"a row where there is none", "CREATE TABLE t (a integer)", "INSERT INTO t VALUES (NULL)", Mismatch, "1 too many"},
		{"no columns", "CREATE TABLE t (); INSERT INTO t DEFAULT VALUES; INSERT INTO t DEFAULT VALUES", "", Match, "2 rows equal"},
		{"no columns, another row", "CREATE TABLE t (); INSERT INTO t DEFAULT VALUES", "INSERT INTO t DEFAULT VALUES", Mismatch, "1 too many"},
		{"generated column alone", "CREATE TABLE t (g integer GENERATED ALWAYS AS (1) STORED); INSERT INTO t DEFAULT VALUES", "", Match, "1 row equal"},
		{"table missing", keyed, "DROP TABLE t", Mismatch, "the table is not on the target"},
		{"view for table", keyed, "ALTER TABLE t RENAME TO u; CREATE VIEW t AS SELECT * FROM u", Mismatch, "it is a view, not a table"},
		{"silent text", keyed, "ALTER TABLE t ALTER id TYPE text", Mismatch, "type of column id: expected integer, found text"},
		{"NOT NULL missing", keyed, "ALTER TABLE t DROP CONSTRAINT t_pkey; ALTER TABLE t ALTER id DROP NOT NULL", Mismatch, "not null of column id: expected yes, found no"},
		{"column missing", keyed, "ALTER TABLE t DROP b", Mismatch, "column b (text) is not on the target; its rows on the target lack column b"},
		{"column too many", keyed, "ALTER TABLE t ADD c integer", Mismatch, "column c (integer) was not expected"},
		{"columns in another order", keyed, "ALTER TABLE t RENAME a TO x; ALTER TABLE t RENAME b TO a; ALTER TABLE t RENAME x TO b; UPDATE t SET a = b, b = a", Match, "100 rows equal"},
		{
			"hostile defaults of the database", "CREATE TABLE t (a timestamptz, b interval, c bytea, d float8, e money); INSERT INTO t VALUES ('2020-02-03 04:05:06.789012', '1 mon 2 days', '\\x00ff', 0.1::float8 * 3, '12.34');",
			`DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' SET datestyle = ''German''';
			 EXECUTE 'ALTER DATABASE ' || current_database() || ' SET timezone = ''Asia/Kathmandu''';
			 EXECUTE 'ALTER DATABASE ' || current_database() || ' SET intervalstyle = ''iso_8601''';
			 EXECUTE 'ALTER DATABASE ' || current_database() || ' SET bytea_output = ''escape''';
			 EXECUTE 'ALTER DATABASE ' || current_database() || ' SET extra_float_digits = 0'; END $$`, Match, "1 row equal",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, c.sql)
			if c.damage != "" {
				b.target.Exec(t, c.damage)
			}
			for _, p := range []Params{b.params, b.alone(t), b.inBinary(t)} {
				report, err := Run(t.Context(), p)
				require.NoError(t, err)
				got := table(t, report, "t")
				require.Equal(t, c.want, got.Verdict, got.Detail)
				require.Contains(t, got.Detail, c.detail)
				require.Equal(t, c.want, report.Verdict())
				require.Equal(t, c.want == Match, report.Good())
			}
		})
	}
}

// The numbers of a Match, and what is told of it.
func TestRunReports(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE t (a integer); INSERT INTO t SELECT generate_series(1, 10);`)
	report, err := Run(t.Context(), b.params)
	require.NoError(t, err)
	hex := b.copied[0].Digest.Hex()
	got := *table(t, report, "t").Data
	got.Elapsed = 0
	require.Empty(t, cmp.Diff(Data{
		Verdict: Match, Obtained: CopyStream, Level: LevelDigest, Read: 10, Framed: 10, Acked: 10, Ledger: 10, Counted: 10,
		SourceDigest: hex, TargetDigest: hex, Bytes: 21,
	}, got))
	require.EqualValues(t, 10, report.Rows())
	require.Equal(t, Counts{Match: 1}, report.TableCounts())

	require.Equal(t, []event.PhaseStarted{{Phase: "verify", Items: 1}}, of[event.PhaseStarted](b.events))
	require.Equal(t, []event.TableVerified{{Table: "public.t", Verdict: "match", Rows: 10, Detail: "10 rows equal (copy stream)"}}, of[event.TableVerified](b.events))
	require.Len(t, of[event.PhaseDone](b.events), 1)
	s := b.params.Progress.Snapshot()
	require.Equal(t, []int64{1, 1, 10, 21}, []int64{int64(s.DoneParts), int64(s.TotalParts), s.Rows, s.Bytes})

	report, err = Run(t.Context(), b.alone(t))
	require.NoError(t, err)
	got = *table(t, report, "t").Data
	got.Elapsed = 0
	require.Empty(t, cmp.Diff(Data{
		Verdict: Match, Obtained: SourceRead, Level: LevelDigest, Read: 10, Framed: 10, Acked: Uncounted, Ledger: Uncounted, Counted: 10,
		SourceDigest: hex, TargetDigest: hex, Bytes: 42,
	}, got))
}

// Each number of the account counts (U2): one that is off makes a Mismatch even
// where the target holds the right rows.
func TestRunHoldsCopiersCountsTogetherU2(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE t (a integer); INSERT INTO t SELECT generate_series(1, 10);`)
	for name, change := range map[string]func(*SourceSide){
		"read":         func(s *SourceSide) { s.Read++ },
		"framed":       func(s *SourceSide) { s.Framed-- },
		"acknowledged": func(s *SourceSide) { s.Acked-- },
		"ledger":       func(s *SourceSide) { s.Ledger = 0 },
		"all":          func(s *SourceSide) { s.Read, s.Framed, s.Acked, s.Ledger = 9, 9, 9, 9 },
		"digest rows":  func(s *SourceSide) { s.Digest.Rows++ },
		"digest low":   func(s *SourceSide) { s.Digest.Lo++ },
		"digest high":  func(s *SourceSide) { s.Digest.Hi++ },
		"negative":     func(s *SourceSide) { s.Read, s.Framed, s.Acked, s.Ledger = -1, -1, -1, -1 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := b.params
			side := b.copied[0]
			change(&side)
			p.Copied = []SourceSide{side}
			report, err := Run(t.Context(), p)
			require.NoError(t, err)
			require.Equal(t, Mismatch, report.Verdict(), table(t, report, "t").Detail)
			require.NotEmpty(t, table(t, report, "t").Detail)
		})
	}
}

// What the copier could not do, or does not speak of, is not a Match, even where
// the target looks right (Y16).
func TestRunMistrustsMissingAccountsY16(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE t (a integer); CREATE TABLE u (a integer);`)
	p := b.params
	p.Copied = b.copied[:1]
	report, err := Run(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, Match, table(t, report, "t").Verdict)
	require.Equal(t, Unknown, table(t, report, "u").Verdict)
	require.Contains(t, table(t, report, "u").Detail, "nobody says that its rows were copied")
	require.False(t, report.Good())

	p.Copied = []SourceSide{}
	report, err = Run(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, Counts{Unknown: 2}, report.TableCounts())

	p.Copied = []SourceSide{b.copied[0], {Target: b.copied[1].Target, Err: errors.New("the disk is full")}}
	report, err = Run(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, Errored, table(t, report, "u").Verdict)
	require.Contains(t, table(t, report, "u").Detail, "its rows were not all copied: the disk is full")

	p.Copied = slices.Concat(b.copied, b.copied[:1])
	report, err = Run(t.Context(), p)
	require.ErrorContains(t, err, "accounted for twice")
	require.False(t, report.Good())

	p.Copied = nil // and no source
	report, err = Run(t.Context(), p)
	require.ErrorContains(t, err, "neither a source")
	require.Equal(t, Counts{Errored: 2}, report.TableCounts())
}

func TestRunOfNothing(t *testing.T) {
	t.Parallel()
	report, err := Run(t.Context(), Params{Plan: &ddlgen.Plan{}})
	require.NoError(t, err)
	require.True(t, report.Good())
}

// With an account the source is not connected to, let alone read; without one
// it is read once.
func TestRunReadsSourceOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE t (a integer); INSERT INTO t SELECT generate_series(1, 10);`)
	scans := func() string {
		return b.source.QueryString(t, "SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 't'")
	}
	const byAccount = "1" // setup's own
	require.Eventually(t, func() bool { return scans() == byAccount }, eventually, tick)

	p := b.params
	p.Source = faulty(endpoint(t, dial.Source, b.source), func(int) error { return errCut }, nil)
	report, err := Run(t.Context(), p)
	require.NoError(t, err)
	require.True(t, report.Good())

	// With sequences it is asked where they stand, no more.
	b.plan.Sequences = []ddlgen.SequenceValue{{Source: catalog.Name{Schema: "public", Name: "q"}, Target: catalog.Name{Schema: "public", Name: "q"}, LastValue: 1}}
	for _, db := range []*pgtest.DB{b.source, b.target} {
		db.Exec(t, "CREATE SEQUENCE q")
	}
	p.Source = endpoint(t, dial.Source, b.source)
	report, err = Run(t.Context(), p)
	require.NoError(t, err)
	require.True(t, report.Good())
	require.NotNil(t, report.Sequences[0].Now)

	report, err = Run(t.Context(), b.alone(t))
	require.NoError(t, err)
	require.True(t, report.Good())
	require.Eventually(t, func() bool { return scans() == "2" }, eventually, tick)
}

// All of the source is read as of one moment, that of the snapshot given.
func TestRunReadsSourceInSnapshot(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE t (a integer); INSERT INTO t SELECT generate_series(1, 10);`)
	holder := b.source.Conn(t)
	_, err := holder.Exec(t.Context(), "BEGIN ISOLATION LEVEL REPEATABLE READ")
	require.NoError(t, err)
	p := b.alone(t)
	require.NoError(t, holder.QueryRow(t.Context(), "SELECT pg_export_snapshot()").Scan(&p.Snapshot))
	b.source.Exec(t, "INSERT INTO t VALUES (11)")
	report, err := Run(t.Context(), p)
	require.NoError(t, err)
	require.True(t, report.Good())

	p.Snapshot = ""
	report, err = Run(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, Mismatch, report.Verdict())

	p.Snapshot = "00000000-00000000-1"
	report, err = Run(t.Context(), p)
	require.ErrorContains(t, err, "cannot be read as of the moment of the copy")
	require.Equal(t, Errored, report.Verdict())
}

func TestRunSkipsRowsByLeave(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE t (a integer); INSERT INTO t VALUES (1)`)
	b.target.Exec(t, "TRUNCATE t")
	p := b.params
	p.SkipData = true
	report, err := Run(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, Skipped, report.Verdict())
	require.True(t, report.Good())
	require.Equal(t, "rows not compared, as asked", report.Tables[0].Detail)

	b.target.Exec(t, "ALTER TABLE t ALTER a TYPE bigint")
	report, err = Run(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, Mismatch, report.Verdict())
}
