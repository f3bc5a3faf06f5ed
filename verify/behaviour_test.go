package verify

import (
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// Wherever the connection breaks while the target is tried, what was not seen is
// no match, and the rows' verdicts stand.
func TestBehaviourIsNoMatchWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	b := setup(t, "CREATE TABLE t (a int NOT NULL, b int NOT NULL DEFAULT 7, c int GENERATED ALWAYS AS (b * 2) STORED); INSERT INTO t VALUES (1), (2)")
	p := b.params
	p.Jobs, p.Behaviour = 1, true
	report, err := Run(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, Counts{Match: 4}, report.BehaviourCounts())
	require.True(t, report.Good())

	whole := p.Target
	cut := 0
	for limit := int64(0); ; limit += 300 {
		var hit atomic.Bool // the driver reads in the background too
		p.Target = faulty(whole, nil, func(number int, read int64) error {
			if number == 1 && read >= limit {
				hit.Store(true)
				return errCut
			}
			return nil
		})
		report, err := Run(t.Context(), p)
		require.NoError(t, err)
		c := report.BehaviourCounts()
		if !hit.Load() || c.Errored == 0 { // at the goodbye, when all was answered
			require.Equal(t, Counts{Match: 4}, c)
			break
		}
		cut++
		require.Equal(t, Match, table(t, report, "t").Verdict)
		require.False(t, report.Good())
		require.Equal(t, Errored, report.Verdict())
	}
	require.Greater(t, cut, 6)
	require.Equal(t, "2", b.target.QueryString(t, "SELECT count(*) FROM t"))
}
