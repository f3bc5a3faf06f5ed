package cli

import (
	"math"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
)

// memoryGoal is the memory (bytes) that a schema of a hundred thousand tables fits
// in, if the garbage collector takes the time: left to itself it would let garbage
// grow to the size of what is alive. GOMEMLIMIT, where it is set, decides instead.
const memoryGoal = 440 << 20

// ourGoal is the limit as we set it last; 0 where it is the user's.
var ourGoal atomic.Int64

// limitMemory sets the goal, unless the user has set one.
func limitMemory() {
	if debug.SetMemoryLimit(-1) == math.MaxInt64 {
		ourGoal.Store(memoryGoal)
		debug.SetMemoryLimit(memoryGoal)
	}
}

// collectOften lets less garbage grow beside what is alive, unless the user has said
// how much (GOGC).
func collectOften(percent int) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
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
	if goal := ourGoal.Load(); goal > 0 && live > goal/10*9 && ourGoal.CompareAndSwap(goal, live/4*5) {
		debug.SetMemoryLimit(live / 4 * 5)
	}
}
