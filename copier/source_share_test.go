package copier

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What is shared out is never more than there is; readers come first, and the
// locks are merged where it is tight.
func TestShareSource(t *testing.T) {
	t.Parallel()
	for total := range 40 {
		for jobs := 1; jobs < 20; jobs++ {
			for _, tables := range []int{0, 1, 100, 101, 950, 100_000} {
				for _, kept := range []bool{false, true} {
					own := map[bool]int{false: 3, true: 4}[kept]
					s, err := ShareSource(total, jobs, tables, kept)
					if total < own+2 {
						require.ErrorContains(t, err, "too few")
						continue
					}
					require.NoError(t, err)
					require.LessOrEqual(t, own+s.Lockers+s.Jobs, total)
					require.LessOrEqual(t, s.Jobs, jobs)
					require.GreaterOrEqual(t, s.Jobs, 1)
					require.GreaterOrEqual(t, s.Lockers, 1)
					require.LessOrEqual(t, s.Lockers, maxLockGroups)
					if s.Jobs < jobs {
						require.Equal(t, total, own+s.Lockers+s.Jobs, "none is left over")
					}
				}
			}
		}
	}
	s, err := ShareSource(20, 4, 950, true)
	require.NoError(t, err)
	require.Equal(t, SourceShare{Lockers: 10, Jobs: 4}, s)
	s, err = ShareSource(9, 4, 950, true)
	require.NoError(t, err)
	require.Equal(t, SourceShare{Lockers: 1, Jobs: 4}, s)
}
