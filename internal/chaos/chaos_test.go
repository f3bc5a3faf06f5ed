package chaos

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestChaos runs CHAOS_SEEDS seeds from CHAOS_SEED on, in CHAOS_LANES lanes of
// servers of their own. Each is the built program among real servers, with one
// or two accidents: it must end by itself, name the command that continues where
// it is not done, and hold what the source held once it says that it is done.
// CHAOS_STOP=1 stops at the first seed that fails; the logs of those that did
// are kept in CHAOS_LOGS.
func TestChaos(t *testing.T) {
	t.Parallel()
	first, seeds, lanes := number(t, "CHAOS_SEED", 20), number(t, "CHAOS_SEEDS", len(kinds)), number(t, "CHAOS_LANES", 2)
	scale := float64(number(t, "CHAOS_PERCENT", 100)) / 100
	logs := os.Getenv("CHAOS_LOGS")
	if logs == "" {
		var err error
		logs, err = filepath.Abs("../../.cache/chaos")
		require.NoError(t, err)
	}
	sum := &summary{}
	t.Cleanup(func() { t.Log("\n" + sum.table()) })
	var next atomic.Int64
	for i := range lanes {
		t.Run(fmt.Sprint("lane ", i+1), func(t *testing.T) {
			t.Parallel()
			l := newLane(t)
			for {
				n := int(next.Add(1)) - 1
				if n >= seeds || t.Failed() && os.Getenv("CHAOS_STOP") == "1" {
					return
				}
				seed := uint64(first + n)
				t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { playSeed(t, l, seed, scale, logs, sum) })
			}
		})
	}
}

func playSeed(t *testing.T, l *lane, seed uint64, scale float64, logs string, sum *summary) {
	t.Helper()
	p := newPlan(seed, scale)
	dir := filepath.Join(logs, fmt.Sprint("seed-", seed))
	require.NoError(t, os.RemoveAll(dir))
	r := &run{world: newWorld(t, l, p, dir), t: t}
	r.play(t.Context())
	sum.add(r)
	if len(r.wrong) == 0 {
		require.NoError(t, os.RemoveAll(dir))
		if testing.Verbose() {
			t.Log(r.describe())
		}
		return
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "seed.txt"), []byte(r.describe()), 0o600))
	for i := range r.processes {
		t.Logf("standard error of process %d:\n%s", i+1, logTail(t, filepath.Join(dir, fmt.Sprintf("process-%d.stderr", i+1))))
	}
	t.Errorf("seed %d failed; again with: make chaos SEED=%[1]d SEEDS=1\n%s", seed, r.describe())
}

// summary counts seeds by kind of accident.
type summary struct {
	mu   sync.Mutex
	rows map[kind]*counts
	all  counts
}

type counts struct{ planned, struck, continued, wrong int }

func (c *counts) add(struck bool, r *run) {
	c.planned++
	if struck {
		c.struck++
	}
	if len(r.processes) > 1 {
		c.continued++
	}
	if len(r.wrong) > 0 {
		c.wrong++
	}
}

func (s *summary) add(r *run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rows == nil {
		s.rows = map[kind]*counts{}
	}
	any := false
	for _, a := range r.plan.accidents {
		if s.rows[a.kind] == nil {
			s.rows[a.kind] = &counts{}
		}
		s.rows[a.kind].add(a.struck, r)
		any = any || a.struck
	}
	s.all.add(any, r)
}

func (s *summary) table() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "%-34s %6s %7s %10s %6s\n", "accident", "seeds", "struck", "continued", "wrong")
	line := func(name string, c counts) {
		fmt.Fprintf(&b, "%-34s %6d %7d %10d %6d\n", name, c.planned, c.struck, c.continued, c.wrong)
	}
	for _, k := range kinds {
		if c := s.rows[k]; c != nil {
			line(string(k), *c)
		}
	}
	line("all", s.all)
	return b.String()
}
