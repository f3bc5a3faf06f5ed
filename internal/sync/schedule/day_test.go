package schedule_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/sync/jobfile"
	"github.com/pg2db9/pg2db9/internal/sync/schedule"
)

// clock is one that begins when a test says; within a bubble no time is waited for.
type clock struct{ begin, since time.Time }

func (c *clock) Now() time.Time { return c.begin.Add(time.Since(c.since)) }

func (c *clock) Timer(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTimer(d)
	return t.C, func() { t.Stop() }
}

// began is one run of a day.
type began struct {
	unit   string
	tables []string
	reason schedule.Reason
	due    time.Time
	at     time.Time
	end    time.Time
	out    schedule.Outcome
}

// world is what a day's runs meet.
type world struct {
	takes  func(unit string) time.Duration
	result func(r schedule.Run, at time.Time) schedule.Outcome
}

const dayJobs = `
timezone: Europe/Berlin
groups:
  - {name: shop, schedule: "*/15 * * * *", missed: MISSED}
  - {name: slow, schedule: "*/10 * * * *"}
  - {name: slowskip, schedule: "*/10 * * * *", missed: skip}
  - {name: loose, schedule: "0 * * * *", jitter: 10m}
tables:
  - {table: public.orders, group: shop, mode: mirror}
  - {table: public.lines, group: shop, mode: mirror}
  - {table: public.slow, group: slow, mode: mirror}
  - {table: public.slowskip, group: slowskip, mode: mirror}
  - {table: public.loose, group: loose, mode: mirror}
  - {table: public.night, schedule: "30 2 * * *", mode: full}
  - {table: public.asked, mode: mirror}
`

// TestADay runs 24 hours and more of each kind of day: an ordinary one, the one
// on which the clock leaps, and the one on which an hour is shown twice. The
// target is away from 10:00 to 11:00 UTC, and from 14:05 to 14:20 another
// process has the lease.
func TestADay(t *testing.T) {
	t.Parallel()
	for _, day := range []struct{ name, from, to, night string }{
		{"ordinary", "2026-06-09T22:00:00Z", "2026-06-10T22:00:00Z", "2026-06-10T00:30:00Z"},
		{"leap", "2026-03-28T23:00:00Z", "2026-03-29T23:00:00Z", "2026-03-29T01:00:00Z"},
		{"twice", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", "2026-10-25T00:30:00Z"},
	} {
		t.Run(day.name, func(t *testing.T) {
			t.Parallel()
			from, to := moment(t, day.from), moment(t, day.to)
			noon := from.Truncate(24 * time.Hour).Add(24 * time.Hour) // midnight UTC within the day
			away := [2]time.Time{noon.Add(10 * time.Hour), noon.Add(11 * time.Hour)}
			held := [2]time.Time{noon.Add(14*time.Hour + 5*time.Minute), noon.Add(14*time.Hour + 20*time.Minute)}
			w := world{
				takes: func(unit string) time.Duration {
					return map[string]time.Duration{"group slow": 14 * time.Minute, "group slowskip": 14 * time.Minute, "table public.night": 50 * time.Minute}[unit] + time.Minute
				},
				result: func(r schedule.Run, at time.Time) schedule.Outcome {
					if within(at, away) {
						return schedule.Outcome{Failed: r.Tables}
					}
					return schedule.Outcome{Busy: within(at, held)}
				},
			}
			runs := live(t, dayJobs, "once", from, to, w, 3)
			calm := func(at time.Time) bool {
				return !within(at, [2]time.Time{away[0], away[1].Add(20 * time.Minute)}) && !within(at, [2]time.Time{held[0], held[1].Add(20 * time.Minute)})
			}

			neverTwiceAtOnce(t, runs, 3)
			// Every quarter of real time, whatever the clock shows; two of them wait for their turn
			// where three others are under way.
			for at := from.Add(15 * time.Minute); at.Before(to); at = at.Add(15 * time.Minute) {
				if calm(at) {
					require.True(t, slices.ContainsFunc(runs, func(b began) bool {
						return b.unit == "group shop" && b.due.Equal(at) && len(b.tables) == 2 && b.at.Sub(at) < 15*time.Minute
					}), "shop at %s: %v", at, of(runs, "group shop"))
				}
			}
			// At the time that the clock leaps over, or shows twice: once.
			require.Len(t, of(runs, "table public.night"), 1)
			require.Equal(t, moment(t, day.night), of(runs, "table public.night")[0].due.UTC())
			// What overlaps itself is made up for at once, or left out until the next time.
			slow, skip := of(runs, "group slow"), of(runs, "group slowskip")
			require.Greater(t, len(slow), len(skip)+10)
			for _, b := range skip {
				require.NotEqual(t, schedule.Missed, b.reason)
				if calm(b.at) && b.reason == schedule.Due {
					require.Zero(t, b.due.Minute()%10)
				}
			}
			require.True(t, slices.ContainsFunc(slow, func(b began) bool { return b.reason == schedule.Missed }))
			// Later by the jitter, and never before its time.
			late := map[int]bool{}
			for _, b := range of(runs, "group loose") {
				if calm(b.at) && b.reason == schedule.Due {
					require.Zero(t, b.due.Minute())
					late[b.at.Minute()] = true
				}
			}
			require.Greater(t, len(late), 4, "jitter spreads")
			// Away for an hour: tried at growing distances, and again within the longest of them.
			tries := slices.DeleteFunc(of(runs, "group shop"), func(b began) bool { return !within(b.at, away) })
			require.Greater(t, len(tries), 4)
			require.Less(t, len(tries), 12)
			for _, unit := range []string{"group shop", "group slow", "group slowskip", "group loose"} {
				require.True(t, slices.ContainsFunc(of(runs, unit), func(b began) bool {
					return within(b.at, [2]time.Time{away[1], away[1].Add(30 * time.Minute)}) && len(b.out.Failed) == 0
				}), "%s is back", unit)
			}
			// The lease: who makes up for it asks again, who does not waits.
			require.True(t, slices.ContainsFunc(of(runs, "group shop"), func(b began) bool {
				return within(b.at, [2]time.Time{held[1], held[1].Add(10 * time.Minute)}) && b.due.Equal(noon.Add(14*time.Hour+15*time.Minute)) && !b.out.Busy
			}), "%v", of(runs, "group shop"))
			require.Empty(t, of(runs, "table public.asked"), "without a schedule nothing runs")
		})
	}
}

// One table that fails keeps no other from running, in its group neither.
func TestATableThatFails(t *testing.T) {
	t.Parallel()
	from := moment(t, "2026-06-09T22:00:00Z")
	bad := [2]time.Time{from.Add(time.Hour), from.Add(4 * time.Hour)}
	w := world{
		takes: func(string) time.Duration { return time.Minute },
		result: func(r schedule.Run, at time.Time) schedule.Outcome {
			var out schedule.Outcome
			for _, table := range r.Tables {
				if table.Name == "lines" && within(at, bad) {
					out.Failed = append(out.Failed, table)
				}
			}
			return out
		},
	}
	runs := of(live(t, dayJobs, "skip", from, from.Add(6*time.Hour-time.Second), w, 9), "group shop")
	good := 0
	for _, b := range runs {
		if slices.Contains(b.tables, "orders") {
			require.LessOrEqual(t, b.at.Sub(b.due), time.Minute, "on time, or when the other's try is over")
			good++
		} else {
			require.Equal(t, []string{"lines"}, b.tables)
			require.Equal(t, schedule.Retry, b.reason)
		}
	}
	require.Equal(t, 6*4-1, good)
	tries := slices.DeleteFunc(slices.Clone(runs), func(b began) bool { return len(b.out.Failed) == 0 })
	require.Greater(t, len(tries), 10)
	require.Less(t, len(tries), 22, "at growing distances, and no more than every 15 minutes")
	last := runs[len(runs)-1]
	require.Len(t, last.tables, 2, "whole again")
}

// live serves a job file from one moment to another, and stops as asked.
func live(t *testing.T, text, missed string, from, to time.Time, w world, atOnce int) []began {
	t.Helper()
	var runs []began
	synctest.Test(t, func(t *testing.T) {
		f, err := jobfile.Parse("jobs.yaml", []byte(strings.ReplaceAll(text, "MISSED", missed)))
		require.NoError(t, err)
		c := &clock{begin: from, since: time.Now()}
		rnd := rand.New(rand.NewPCG(7, 7))
		s := schedule.New(schedule.Units(f), c.Now(), schedule.Options{
			Zone: f.Timezone, AtOnce: atOnce, Rand: rnd.Int64N, First: 30 * time.Second, Most: 15 * time.Minute,
		})
		stop := make(chan struct{})
		done := make(chan began)
		loop := &schedule.Loop{Schedule: s, Clock: c, Stop: stop, Begin: func(r schedule.Run) func(context.Context) schedule.Outcome {
			b := began{unit: r.Unit.Name, reason: r.Reason, due: r.Due, at: c.Now()}
			for _, table := range r.Tables {
				b.tables = append(b.tables, table.Name)
			}
			return func(context.Context) schedule.Outcome {
				b.out = w.result(r, b.at)
				if !b.out.Busy {
					<-time.After(w.takes(b.unit))
				}
				b.end = c.Now()
				done <- b
				return b.out
			}
		}}
		served := make(chan error, 1)
		go func() { served <- loop.Serve(t.Context()) }()
		over := time.After(to.Sub(from))
		for {
			select {
			case b := <-done:
				runs = append(runs, b)
				continue
			case <-over:
				close(stop)
				over = nil
				continue
			case err := <-served:
				require.NoError(t, err)
			}
			break
		}
	})
	slices.SortStableFunc(runs, func(a, b began) int { return a.at.Compare(b.at) })
	return runs
}

func neverTwiceAtOnce(t *testing.T, runs []began, atOnce int) {
	t.Helper()
	for i, a := range runs {
		beside := 1
		for _, b := range runs[:i] {
			if b.end.After(a.at) {
				require.NotEqual(t, a.unit, b.unit, "%v beside %v", a, b)
				beside++
			}
		}
		require.LessOrEqual(t, beside, atOnce)
	}
}

func of(runs []began, unit string) []began {
	return slices.DeleteFunc(slices.Clone(runs), func(b began) bool { return b.unit != unit })
}

func within(at time.Time, span [2]time.Time) bool {
	return !at.Before(span[0]) && at.Before(span[1])
}

func moment(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, strings.TrimSpace(text))
	require.NoError(t, err)
	return at
}
