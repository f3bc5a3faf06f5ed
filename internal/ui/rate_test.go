package ui

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/pg2db9/pg2db9/internal/event"
)

var t0 = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func at(sec float64) time.Time { return t0.Add(time.Duration(sec * float64(time.Second))) }

func TestRateOfSteadyCounter(t *testing.T) {
	t.Parallel()
	r := rate{window: 30 * time.Second}
	require.Zero(t, r.perSecond())
	for i := range 100 {
		r.add(at(float64(i)), int64(i)*1000)
	}
	require.InDelta(t, 1000, r.perSecond(), 0.001)
	left, ok := r.remaining(5000)
	require.True(t, ok)
	require.Equal(t, 5*time.Second, left)
}

// U3: the estimate follows the recent rate, not the mean since the start.
func TestRateForgetsThePast(t *testing.T) {
	t.Parallel()
	r := rate{window: 30 * time.Second}
	v := int64(0)
	for i := range 1000 {
		v += 1_000_000
		r.add(at(float64(i)), v)
	}
	for i := range 40 {
		v += 10
		r.add(at(1000+float64(i)), v)
	}
	require.InDelta(t, 10, r.perSecond(), 0.001)
}

func TestRateStalled(t *testing.T) {
	t.Parallel()
	r := rate{window: 30 * time.Second}
	r.add(at(0), 7)
	r.add(at(10), 7)
	_, ok := r.remaining(1)
	require.False(t, ok, "nothing moves: no estimate")
	_, ok = r.remaining(0)
	require.True(t, ok)
}

func TestRateAfterReset(t *testing.T) {
	t.Parallel()
	r := rate{window: 30 * time.Second}
	r.add(at(0), 0)
	r.add(at(1), 5000)
	r.add(at(2), 1000) // a part begins again
	require.Zero(t, r.perSecond())
	r.add(at(3), 1500)
	require.InDelta(t, 500, r.perSecond(), 0.001)
}

func TestRateProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := rate{window: time.Duration(rapid.Int64Range(1, 60).Draw(t, "window")) * time.Second}
		now, value := t0, int64(0)
		for range rapid.IntRange(0, 200).Draw(t, "n") {
			now = now.Add(time.Duration(rapid.Int64Range(-1e9, 20e9).Draw(t, "step")))
			value += rapid.Int64Range(-10, 1<<40).Draw(t, "growth")
			r.add(now, value)
			require.GreaterOrEqual(t, r.perSecond(), 0.0)
			if left, ok := r.remaining(rapid.Int64Range(0, 1<<60).Draw(t, "left")); ok {
				require.GreaterOrEqual(t, left, time.Duration(0))
			}
		}
	})
}

func snapshot(sec float64, waits ...event.Waits) event.Snapshot {
	s := event.Snapshot{At: at(sec)}
	for i, w := range waits {
		s.Running = append(s.Running, event.Running{Part: event.Part{ID: int64(i)}, Waits: w})
	}
	return s
}

// U4: what limits is what the parts wait for most of the time.
func TestLimits(t *testing.T) {
	t.Parallel()
	const n, s, g, r, u = event.WaitNothing, event.WaitSource, event.WaitTarget, event.WaitRate, event.WaitGuard
	const w, a = event.WaitNetwork, event.WaitRetry
	for _, c := range []struct {
		name string
		in   [][]event.Waits
		want string
	}{
		{"nothing runs", [][]event.Waits{{}, {}}, ""},
		{"source", [][]event.Waits{{s, s}, {s, n}}, "source"},
		{"target", [][]event.Waits{{g}, {g}, {s}}, "target"},
		{"the user's own limits", [][]event.Waits{{r, u}, {u, s}}, "options"},
		{"the network", [][]event.Waits{{w, w}, {w, g}, {a, w}}, "network"},
		{"retries", [][]event.Waits{{a}, {a}, {g}}, "retry"},
		{"none", [][]event.Waits{{n, g}, {s, n}}, "nothing"},
		{"one half is no majority", [][]event.Waits{{s}, {g}}, "nothing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := limits{window: 30 * time.Second}
			for i, waits := range c.in {
				l.add(snapshot(float64(i), waits...))
			}
			require.Equal(t, c.want, l.by())
		})
	}
}

func TestLimitsForget(t *testing.T) {
	t.Parallel()
	l := limits{window: 30 * time.Second}
	for i := range 100 {
		l.add(snapshot(float64(i), event.WaitSource))
	}
	for i := range 31 {
		l.add(snapshot(float64(100+i), event.WaitTarget))
	}
	require.Equal(t, "target", l.by())
	require.LessOrEqual(t, len(l.seen), 32)
}
