package verify

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
)

func public(name string) catalog.Name { return catalog.Name{Schema: "public", Name: name} }

// Positions are those that were set; both parts of one count (T30).
func TestRunComparesSequencesT30(t *testing.T) {
	t.Parallel()
	b := setup(t, `
		CREATE SEQUENCE called; SELECT setval('called', 42);
		CREATE SEQUENCE fresh;
		CREATE SEQUENCE down INCREMENT -1 MINVALUE -9223372036854775808; SELECT setval('down', -9223372036854775808);
		CREATE SEQUENCE "at Max"; SELECT setval('"at Max"', 9223372036854775807);
		CREATE TABLE i (id smallint GENERATED ALWAYS AS IDENTITY, s serial);
		INSERT INTO i DEFAULT VALUES; INSERT INTO i DEFAULT VALUES;`)
	set := []SequenceSet{
		{Target: public("called"), LastValue: 42, IsCalled: true},
		{Target: public("fresh"), LastValue: 1},
		{Target: public("down"), LastValue: -9223372036854775808, IsCalled: true},
		{Target: public("at Max"), LastValue: 9223372036854775807, IsCalled: true},
		{Target: public("i_id_seq"), LastValue: 2, IsCalled: true},
		{Target: public("i_s_seq"), LastValue: 2, IsCalled: true},
	}
	for i := range set {
		set[i].Source = set[i].Target
		b.plan.Sequences = append(b.plan.Sequences, ddlgen.SequenceValue{Source: set[i].Source, Target: set[i].Target, LastValue: set[i].LastValue, IsCalled: set[i].IsCalled})
	}
	p := b.params
	report, err := Run(t.Context(), p) // as the plan says
	require.NoError(t, err)
	require.Equal(t, Counts{Match: 6}, report.SequenceCounts())
	require.True(t, report.Good())

	p.Sequences = set // as they were set
	b.source.Exec(t, "SELECT setval('called', 50)")
	p.Source = endpoint(t, dial.Source, b.source)
	report, err = Run(t.Context(), p)
	require.NoError(t, err)
	require.True(t, report.Good(), "the source's lead is no difference")
	require.Equal(t, &Position{50, true}, report.Sequences[0].Now)
	require.Equal(t, &Position{42, true}, report.Sequences[0].Found)

	p.Source = faulty(p.Source, func(int) error { return errCut }, nil)
	report, err = Run(t.Context(), p)
	require.NoError(t, err)
	require.True(t, report.Good())
	require.Len(t, report.Notes, 1, "and not to know it is none either")
	p.Source = nil

	b.target.Exec(t, "SELECT setval('called', 41); SELECT setval('fresh', 1, true); DROP SEQUENCE down; ")
	report, err = Run(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, Counts{Match: 3, Mismatch: 3}, report.SequenceCounts())
	require.Equal(t, Mismatch, report.Verdict())
	require.Equal(t, "it was set to 42 (called), and the target says 41 (called)", report.Sequences[0].Detail)
	require.Equal(t, "it was set to 1 (not called), and the target says 1 (called)", report.Sequences[1].Detail)
	require.Equal(t, "it is not on the target", report.Sequences[2].Detail)

	p.Sequences = []SequenceSet{{Target: public("called"), Err: errors.New("permission denied")}}
	report, err = Run(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, Counts{Errored: 1, Unknown: 5}, report.SequenceCounts())
	require.Contains(t, report.Sequences[0].Detail, "it could not be set: permission denied")
	require.False(t, report.Good())
}

// Thousands of sequences need few queries, and one that is missing is named.
func TestRunReadsManySequences(t *testing.T) {
	t.Parallel()
	const many = 2*sequencesAtOnce + 1
	var sql strings.Builder
	for i := range many {
		fmt.Fprintf(&sql, "CREATE SEQUENCE q%d START %d;", i, i+1)
	}
	b := setup(t, sql.String())
	for i := range many {
		name := public(fmt.Sprintf("q%d", i))
		b.plan.Sequences = append(b.plan.Sequences, ddlgen.SequenceValue{Source: name, Target: name, LastValue: int64(i + 1)})
	}
	report, err := Run(t.Context(), b.params)
	require.NoError(t, err)
	require.Equal(t, Counts{Match: many}, report.SequenceCounts())

	b.target.Exec(t, "DROP SEQUENCE q7")
	report, err = Run(t.Context(), b.params)
	require.NoError(t, err)
	require.Equal(t, Counts{Match: many - 1, Mismatch: 1}, report.SequenceCounts())
	require.Equal(t, Mismatch, report.Sequences[7].Verdict)
}

// A server that breaks while sequences are read leaves them Errored.
func TestRunNeverMatchesUnreadSequences(t *testing.T) {
	t.Parallel()
	b := setup(t, "CREATE SEQUENCE q")
	b.plan.Sequences = []ddlgen.SequenceValue{{Source: public("q"), Target: public("q"), LastValue: 1}}
	p := b.params
	var reads []int64 // the bytes before each
	healthy := p.Target
	p.Target = faulty(healthy, nil, func(_ int, read int64) error {
		if len(reads) == 0 || reads[len(reads)-1] != read {
			reads = append(reads, read)
		}
		return nil
	})
	report, err := Run(t.Context(), p)
	require.NoError(t, err)
	require.True(t, report.Good())
	// The last is that of the goodbye, the one before it is the positions'.
	last := reads[len(reads)-2]
	p.Target = faulty(healthy, nil, func(_ int, read int64) error {
		if read >= last {
			return errCut
		}
		return nil
	})
	report, err = Run(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, Counts{Errored: 1}, report.SequenceCounts())
	require.False(t, report.Good())
}

// What counts otherwise, or is behind a column that it feeds, is found whether
// its position is as it was set or not; what is so on the source is told (T31).
func TestRunFindsSequencesBehind(t *testing.T) {
	t.Parallel()
	b := setup(t, `
		CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY, s serial, shared bigint, down int, owned numeric, cyc int, none int);
		CREATE SEQUENCE down INCREMENT -2 START -1; CREATE SEQUENCE own OWNED BY t.owned; CREATE SEQUENCE cyc CYCLE MAXVALUE 9; CREATE SEQUENCE none;
		INSERT INTO t (shared, down, owned, cyc) SELECT 10, -i, i + 0.5, 9 FROM generate_series(1, 5) i;
		SELECT setval('down', -5), setval('own', 6), setval('cyc', 1), setval('none', 1, false);`)
	feed := func(name, column string, increment int64) {
		v := ddlgen.SequenceValue{Source: public(name), Target: public(name), Increment: increment, Min: 1, Max: 1<<63 - 1, IsCalled: true, LastValue: 5}
		for _, c := range []string{column} {
			ref := catalog.ColumnRef{Table: public("t"), Column: c}
			v.Feeds = append(v.Feeds, ddlgen.Feed{Target: ref, Source: ref})
		}
		b.plan.Sequences = append(b.plan.Sequences, v)
	}
	feed("cyc", "cyc", 1)
	feed("down", "down", -2)
	feed("none", "none", 1)
	feed("own", "owned", 1)
	feed("t_id_seq", "id", 1)
	feed("t_s_seq", "s", 1)
	q := b.plan.Sequences
	q[0].Cycle, q[0].Max, q[0].LastValue = true, 9, 1
	q[1].Min, q[1].Max, q[1].LastValue = -1<<63, -1, -5
	q[2].IsCalled, q[2].LastValue = false, 1
	q[3].LastValue = 6
	q[4].Max, q[5].Max = 1<<31-1, 1<<31-1

	p := b.alone(t)
	verdicts := func() (out []string) {
		t.Helper()
		report, err := Run(t.Context(), p)
		require.NoError(t, err)
		for _, s := range report.Sequences {
			out = append(out, s.Verdict.String()+" "+s.Detail)
		}
		return out
	}
	good := []string{"match ", "match ", "match ", "match ", "match ", "match "}
	require.Equal(t, good, verdicts())

	// On the target alone, at the position that was recorded when it was set.
	b.target.Exec(t, "SELECT setval('t_s_seq', 4); SELECT setval('down', -3); ALTER SEQUENCE own INCREMENT 3 MAXVALUE 100 CYCLE; SELECT setval('own', 5); SELECT setval('t_id_seq', 5, false)")
	p.Sequences = []SequenceSet{
		{Target: public("t_s_seq"), LastValue: 4, IsCalled: true},
		{Target: public("down"), LastValue: -3, IsCalled: true},
		{Target: public("own"), LastValue: 5, IsCalled: true},
		{Target: public("cyc"), LastValue: 1, IsCalled: true},
		{Target: public("none"), LastValue: 1},
		{Target: public("t_id_seq"), LastValue: 5},
	}
	behind := func(at, column, end string) string {
		return "mismatch it stands at " + at + ", and column public.t." + column + ", which it feeds, reaches " + end + " already: set it by pg2db9 sequences --set, or by setval"
	}
	bad := verdicts()
	require.Equal(t, []string{
		"match ", behind("-3 (called)", "down", "-5"), "match ",
		"mismatch increment: expected 1, found 3; maximum: expected 9223372036854775807, found 100; cycle: expected false, found true",
		behind("5 (not called)", "id", "5"), behind("4 (called)", "s", "5"),
	}, bad)

	// So on the source too: no difference of the copy's, but for who cuts over.
	b.source.Exec(t, "SELECT setval('t_s_seq', 3)")
	got := verdicts()
	require.Equal(t, "match behind a column that it feeds, as on the source", got[5])
	require.Equal(t, bad[:5], got[:5])
	p.StrictSequences = true
	require.Equal(t, bad[5]+"; it is behind on the source too: set it there first", verdicts()[5])

	// A column that is gone is told.
	b.target.Exec(t, "ALTER TABLE t DROP none")
	p.StrictSequences = false
	report, err := Run(t.Context(), p)
	require.NoError(t, err)
	require.Contains(t, strings.Join(report.Notes, "\n"), "column public.t.none, which sequence public.none feeds, is not on the target")
	require.Equal(t, "it is not on the target", report.Sequences[2].Feeds[0].Note)
}
