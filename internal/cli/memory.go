package cli

import (
	"math"
	"runtime/debug"
	"runtime/metrics"
)

// memoryGoal is the memory (bytes) that a schema of a hundred thousand tables fits
// in, if the garbage collector takes the time: left to itself it would let garbage
// grow to the size of what is alive. GOMEMLIMIT, where it is set, decides instead.
const memoryGoal = 440 << 20

// limitMemory sets the goal, unless the user has set one.
func limitMemory() {
	if debug.SetMemoryLimit(-1) == math.MaxInt64 {
		debug.SetMemoryLimit(memoryGoal)
	}
}

// widenMemory moves our goal up where what is alive comes near it: a collector
// that cannot reach its goal does nothing but try.
func widenMemory() {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return
	}
	live := int64(sample[0].Value.Uint64()) //nolint:gosec // bytes of memory
	limit := debug.SetMemoryLimit(-1)
	if limit >= memoryGoal && limit < math.MaxInt64 && live > limit/10*9 {
		debug.SetMemoryLimit(live / 4 * 5)
	}
}
