package ddlgen

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/verify/digest"
)

// Intervals are compared as what the target keeps of them, whatever fields the
// column declares.
func TestCanonOfIntervals(t *testing.T) {
	t.Parallel()
	keeps := DB9()
	keeps.IntervalDigits = 6
	for _, target := range []string{"interval", "interval(3)", "interval day to second", "interval day to second(3)", "interval year to month"} {
		require.Equal(t, digest.Interval, DB9().canonOf(target), target)
		require.Equal(t, digest.IntervalDays, keeps.canonOf(target), target)
		require.Equal(t, digest.ArrayOf(digest.IntervalDays), keeps.canonOf(target+"[]"), target)
	}
	require.Equal(t, digest.Text, DB9().canonOf("public.interval_kind"))
	require.Equal(t, digest.Timestamp, keeps.canonOf("timestamp(3) without time zone"))
}
