package verify

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/verify/digest"
)

// Runs that go on with one another cut a table anew when it was written to in
// between. Both cuts may have the same parts in the same order, with other rows in
// them: what was read of one is never taken for what the other would read, however
// late the run is that goes on (Y11). No server has a part in it: the journal is a
// file, and the states of the table are given.
func TestReadsOfOneCutAreNotAnothersY11(t *testing.T) {
	t.Parallel()
	name := catalog.Name{Schema: "public", Name: "t"}
	source, err := dial.Parse(dial.Source, "postgres://u@127.0.0.1:1/s?sslmode=disable")
	require.NoError(t, err)
	target, err := dial.Parse(dial.Target, "postgres://u@127.0.0.1:1/t?sslmode=disable")
	require.NoError(t, err)
	tr := ddlgen.Transfer{Target: name, Source: name, Relations: []catalog.Name{name}, Columns: []ddlgen.ColumnTransfer{{Source: "a", Target: "a", Select: `"a"`, ReadBack: `"a"`}}}
	p := Params{
		Source: source, Target: target, Plan: &ddlgen.Plan{Transfers: []ddlgen.Transfer{tr}}, Profile: ddlgen.Postgres(), Level: LevelDigest,
		Journal: FileJournal{Path: filepath.Join(t.TempDir(), "state.jsonl")}, Resume: true, Bus: event.NewBus(&events{}),
	}
	// begin is a run that finds the table in this state, and recalls its reads.
	begin := func(seen state) (*run, []*read) {
		v := &run{p: p, report: &Report{}, found: map[catalog.Name]*foundTable{name: {}}}
		require.NoError(t, v.openJournal(t.Context()))
		t.Cleanup(v.journal.stop)
		v.states = tableStates{source: map[catalog.Name]state{name: seen}, target: map[catalog.Name]state{name: "as ever"}}
		return v, v.recall(&comparison{transfer: &p.Plan.Transfers[0], table: &Table{Target: name}})
	}
	parts := func() []*read {
		c := &comparison{transfer: &p.Plan.Transfers[0], table: &Table{Target: name}}
		var list []*read
		for _, toTarget := range []bool{false, true} {
			for i := range 3 {
				list = append(list, &read{table: c, target: toTarget, relation: name, part: part{label: fmt.Sprintf("blocks %d", i), bytes: 100}})
			}
		}
		return list
	}
	saw := func(text string) seen {
		var s digest.Sum
		s.Add([]byte(text))
		return seen{sum: s, bytes: int64(len(text))}
	}

	// The first run reads the table as it is, and is broken off before its last part.
	v, recalled := begin("first")
	require.Empty(t, recalled, "nothing was kept yet")
	reads := parts()
	v.recordCuts(t.Context(), reads)
	for i, r := range reads[:5] {
		v.recordRead(t.Context(), r, saw(fmt.Sprint("old ", i)))
	}
	first := reads[0].table.cut

	// The table is written to. The second cuts it in the same way, and reads one part.
	v, recalled = begin("second")
	require.Empty(t, recalled, "it was written to")
	reads = parts()
	v.recordCuts(t.Context(), reads)
	require.NotEqual(t, first, reads[0].table.cut)
	v.recordRead(t.Context(), reads[3], saw("new 3"))

	// The third finds the table as the second did: it knows the cut, and of its parts the one.
	v, recalled = begin("second")
	require.Len(t, recalled, 6)
	for i, r := range recalled {
		got, ok := v.recalled(r)
		if i != 3 {
			require.False(t, ok, "part %d was read before the table was written to, and not since", i)
			continue
		}
		require.True(t, ok)
		require.Equal(t, saw("new 3"), got)
	}

	// The table is as in the first run again, as far as counters tell: only the last cut counts.
	_, recalled = begin("first")
	require.Empty(t, recalled)
}
