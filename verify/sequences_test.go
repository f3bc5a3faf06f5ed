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
func TestRunComparesSequences(t *testing.T) {
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
