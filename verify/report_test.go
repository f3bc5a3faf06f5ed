package verify

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

var verdicts = []Verdict{Unknown, Match, Mismatch, Skipped, Errored}

// Only Match everywhere is good, or a skip with leave: looped over all verdicts
// in every place (Y4).
func TestOnlyMatchIsGoodY4(t *testing.T) {
	t.Parallel()
	require.Len(t, verdicts, len(verdictNames), "a verdict is not looped over")
	var zero Table
	require.Equal(t, Unknown, zero.Verdict)
	for _, v := range append([]Verdict{-1, 99}, verdicts...) {
		for _, leave := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, leave %t", v, leave), func(t *testing.T) {
				t.Parallel()
				good := v == Match || v == Skipped && leave
				for _, r := range []Report{
					{Tables: []Table{{Verdict: v}}, ExpectedTables: 1},
					{Tables: []Table{{Verdict: v}, {Verdict: Match}}, ExpectedTables: 2},
					{Tables: []Table{{Verdict: Match}, {Verdict: v}}, ExpectedTables: 2},
					{Sequences: []Sequence{{Verdict: v}}, ExpectedSequences: 1},
				} {
					r.Complete, r.AllowSkipped = true, leave
					require.Equal(t, good, r.Good())
					require.Equal(t, v == Match, r.Verdict() == Match)
					r.Complete = false
					require.False(t, r.Good(), "not complete")
				}
			})
		}
	}
}

func TestWorse(t *testing.T) {
	t.Parallel()
	for i, order := 0, []Verdict{Match, Skipped, Mismatch, Unknown, Errored}; i < len(order); i++ {
		for j := range order {
			require.Equal(t, order[max(i, j)], worse(order[i], order[j]))
		}
	}
	require.Equal(t, Unknown, worse(Match, 99))
	require.Equal(t, Unknown, worse(-1, Match))
}

// A report that lacks what the plan promises is bad, as is an empty one that
// nobody made (Y16).
func TestMissingAnswersAreBadY16(t *testing.T) {
	t.Parallel()
	require.False(t, (&Report{}).Good())
	for _, r := range []Report{
		{Complete: true, ExpectedTables: 1},
		{Complete: true, ExpectedTables: 2, Tables: []Table{{Verdict: Match}}},
		{Complete: true, ExpectedTables: 1, Tables: []Table{{Verdict: Match}, {Verdict: Match}}},
		{Complete: true, ExpectedSequences: 1},
		{Complete: true, ExpectedTables: 1, ExpectedSequences: 1, Tables: []Table{{Verdict: Match}}},
	} {
		require.Equal(t, Unknown, r.Verdict())
		require.False(t, r.Good())
	}
	require.True(t, (&Report{Complete: true}).Good(), "the plan has nothing")
}

func TestVerdictText(t *testing.T) {
	t.Parallel()
	for _, v := range verdicts {
		text, err := v.MarshalText()
		require.NoError(t, err)
		var back Verdict
		require.NoError(t, back.UnmarshalText(text))
		require.Equal(t, v, back)
	}
	var v Verdict
	require.Error(t, v.UnmarshalText([]byte("fine")))
}

func TestReportJSON(t *testing.T) {
	t.Parallel()
	r := &Report{
		Complete: true, ExpectedTables: 2, ExpectedSequences: 1,
		Tables: []Table{
			{Verdict: Match, Data: &Data{Verdict: Match, Obtained: CopyStream, Counted: 3}},
			{Verdict: Mismatch, Shape: Shape{Verdict: Mismatch, Differences: []Difference{{"a", "type", "integer", "text"}}}},
		},
		Sequences: []Sequence{{Verdict: Match, Found: &Position{1, true}}},
	}
	text, err := json.Marshal(r)
	require.NoError(t, err)
	var sums struct {
		Verdict string `json:"verdict"`
		Good    bool   `json:"good"`
		Tables  Counts `json:"table_counts"`
	}
	require.NoError(t, json.Unmarshal(text, &sums))
	require.Equal(t, "mismatch", sums.Verdict)
	require.False(t, sums.Good)
	require.Equal(t, Counts{Match: 1, Mismatch: 1}, sums.Tables)

	var back Report
	require.NoError(t, json.Unmarshal(text, &back))
	require.Empty(t, cmp.Diff(r, &back))
}
