package cli

import (
	"math"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

// GOMEMLIMIT is the user's: a run neither lowers nor raises it, however much is
// alive. Our own goal moves up. (Not parallel: there is one limit.)
func TestMemoryLimitOfTheUser(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	was := ourGoal.Load()
	t.Cleanup(func() {
		debug.SetMemoryLimit(before)
		ourGoal.Store(was)
	})
	runtime.GC() // what is alive is known only after one
	ourGoal.Store(0)
	debug.SetMemoryLimit(memoryGoal + 1)
	limitMemory()
	require.Zero(t, ourGoal.Load())
	widenMemory()
	require.Equal(t, int64(memoryGoal+1), debug.SetMemoryLimit(-1))

	debug.SetMemoryLimit(math.MaxInt64)
	limitMemory()
	require.Equal(t, int64(memoryGoal), debug.SetMemoryLimit(-1))
	ourGoal.Store(1) // what is alive is far above it
	widenMemory()
	require.Greater(t, ourGoal.Load(), int64(1))
	require.Equal(t, ourGoal.Load(), debug.SetMemoryLimit(-1))
}
