package copier

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The controller grows while that brings something, steps back when it does not,
// and falls by a quarter at errors and late answers, at once to what there is
// where a connection is refused. A row is a window and the limit after it.
func TestC26ControllerFindsTheLimit(t *testing.T) {
	t.Parallel()
	const usual, late = 100 * time.Millisecond, 250 * time.Millisecond
	full := func(rate float64) measurement { return measurement{rate: rate, busy: true, latency: usual} }
	quiet := full(400)
	type window struct {
		m    measurement
		want int
	}
	for name, c := range map[string]struct {
		start, least, most int
		windows            []window
	}{
		"grows one at a time, to its bound": {4, 1, 7, []window{
			{full(400), 5}, {full(500), 6}, {full(600), 7}, {full(700), 7}, {full(700), 7},
		}},
		"steps back when one more is no faster, and tries again after a rest": {4, 1, 10, []window{
			{full(400), 5}, {full(404), 4}, {quiet, 4}, {quiet, 4}, {quiet, 4}, {quiet, 4}, {quiet, 4}, {quiet, 4}, {quiet, 5}, {full(500), 6},
		}},
		"does not grow while places are free": {4, 1, 10, []window{
			{measurement{rate: 400, latency: usual}, 4}, {measurement{rate: 400, latency: usual}, 4},
		}},
		"falls by a quarter at an error, and again": {10, 2, 10, []window{
			{measurement{rate: 900, busy: true, retries: 3}, 8},
			{measurement{rate: 700, busy: true, retries: 1}, 6},
			{measurement{rate: 600, busy: true, retries: 1}, 5},
			{measurement{rate: 500, busy: true, retries: 1}, 4},
			{measurement{rate: 400, busy: true, retries: 1}, 3},
			{measurement{rate: 300, busy: true, retries: 1}, 2},
			{measurement{rate: 200, busy: true, retries: 1}, 2},
		}},
		"falls when answers are late and nothing is gained by it": {8, 1, 8, []window{
			{full(800), 8}, {measurement{rate: 800, busy: true, latency: late}, 6},
		}},
		"late answers that come with more rows are none": {8, 1, 8, []window{
			{full(800), 8}, {measurement{rate: 1200, busy: true, latency: late}, 8},
		}},
		"a refused connection leaves those that have theirs": {10, 1, 10, []window{
			{measurement{refused: true, works: 7}, 7},
			{measurement{refused: true, works: 7}, 7},
			{measurement{refused: true, works: 3}, 3},
			{full(300), 3},
			{full(300), 3},
		}},
		"one job is always left": {2, 1, 2, []window{{measurement{refused: true, works: 0}, 1}, {measurement{rate: 1, retries: 5}, 1}}},
		"a fixed number gives way to refused connections alone": {4, 4, 4, []window{
			{measurement{rate: 400, busy: true, retries: 9}, 4},
			{full(400), 4},
			{measurement{rate: 1, busy: true, latency: 10 * late}, 4},
			{measurement{refused: true, works: 2}, 2},
			{measurement{rate: 100, busy: true, retries: 9}, 2},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctl := newController(c.start, c.least, c.most)
			for i, w := range c.windows {
				was := ctl.limit
				got, why := ctl.next(w.m)
				require.Equal(t, w.want, got, "window %d: %+v (%s)", i, w.m, why)
				require.Equal(t, got != was, why != "", "a change says why, window %d", i)
			}
		})
	}
}

// Against a target with a plateau the limit comes to it, and stays within one of
// it while nothing changes.
func TestControllerSettlesAtAPlateau(t *testing.T) {
	t.Parallel()
	for _, start := range []int{1, 4, 6} {
		ctl := newController(start, 1, 10)
		const plateau = 6
		for i := range 200 {
			jobs := ctl.limit
			m := measurement{busy: true, rate: 0.5e6 * float64(min(jobs, plateau)), latency: 150 * time.Millisecond}
			if jobs > plateau { // what the target cannot do waits in it
				m.latency = time.Duration(float64(m.latency) * float64(jobs) / plateau * 1.5)
			}
			limit, _ := ctl.next(m)
			if i > 60 {
				require.InDelta(t, plateau, limit, 1, "window %d from %d", i, start)
			}
		}
	}
}

// The rest after a try in vain doubles: a target that has no more to give is
// asked less and less often.
func TestControllerTriesLessOften(t *testing.T) {
	t.Parallel()
	ctl := newController(4, 1, 10)
	var tries []int
	for i := range 400 {
		was := ctl.limit
		if limit, _ := ctl.next(measurement{rate: 400, busy: true}); limit > was {
			tries = append(tries, i)
		}
	}
	require.Greater(t, len(tries), 3)
	for i := 2; i < len(tries); i++ {
		require.GreaterOrEqual(t, tries[i]-tries[i-1], tries[i-1]-tries[i-2])
	}
	require.Less(t, len(tries), 12)
}
