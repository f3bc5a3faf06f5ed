package schedule_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/sync/jobfile"
	"github.com/pg2db9/pg2db9/internal/sync/schedule"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// hourly is one table, once an hour.
func hourly(t *testing.T, more string) *jobfile.File {
	t.Helper()
	f, err := jobfile.Parse("jobs.yaml", []byte("tables: [{table: public.t, mode: mirror, schedule: '0 * * * *'"+more+"}]"))
	require.NoError(t, err)
	return f
}

// script tells what a schedule does with one table, step by step.
type script struct {
	*schedule.Schedule
	t     *testing.T
	notes []schedule.What
}

func begin(t *testing.T, f *jobfile.File, now time.Time, last time.Time) *script {
	t.Helper()
	s := &script{t: t}
	s.Schedule = schedule.New(schedule.Units(f), now, schedule.Options{
		Zone: f.Timezone, AtOnce: 2, First: time.Minute, Most: 4 * time.Minute,
		Last: func(schedule.Unit) time.Time { return last },
		Note: func(n schedule.Note) { s.notes = append(s.notes, n.What) },
	})
	return s
}

// take expects one run.
func (s *script) take(now time.Time, reason schedule.Reason) schedule.Run {
	s.t.Helper()
	runs := s.Take(now)
	require.Len(s.t, runs, 1)
	require.Equal(s.t, reason, runs[0].Reason)
	return runs[0]
}

func TestMissedTimes(t *testing.T) {
	t.Parallel()
	noon := moment(t, "2026-06-10T12:00:00Z")
	at := func(d string) time.Time {
		span, err := time.ParseDuration(d)
		require.NoError(t, err)
		return noon.Add(span)
	}
	t.Run("before it began, made up for once", func(t *testing.T) {
		t.Parallel()
		s := begin(t, hourly(t, ""), at("10m"), at("-5h"))
		s.take(at("10m"), schedule.Missed)
		require.Equal(t, at("1h"), s.Next().UTC())
	})
	t.Run("before it began, left out", func(t *testing.T) {
		t.Parallel()
		s := begin(t, hourly(t, ", missed: skip"), at("10m"), at("-5h"))
		require.Empty(t, s.Take(at("10m")))
		require.Equal(t, []schedule.What{schedule.LeftOut}, s.notes)
		s.take(at("1h"), schedule.Due)
	})
	t.Run("nothing was missed", func(t *testing.T) {
		t.Parallel()
		s := begin(t, hourly(t, ""), at("10m"), at("1m"))
		require.Empty(t, s.Take(at("10m")))
		require.Empty(t, s.notes)
	})
	t.Run("it never ran", func(t *testing.T) {
		t.Parallel()
		require.Empty(t, begin(t, hourly(t, ""), at("10m"), time.Time{}).Take(at("10m")))
	})
	t.Run("the machine slept", func(t *testing.T) {
		t.Parallel()
		once, skip := begin(t, hourly(t, ""), at("10m"), time.Time{}), begin(t, hourly(t, ", missed: skip"), at("10m"), time.Time{})
		once.take(at("4h10m"), schedule.Missed)
		require.Empty(t, skip.Take(at("4h10m")))
		require.Equal(t, at("5h"), once.Next().UTC())
		require.Equal(t, at("5h"), skip.Next().UTC())
	})
	t.Run("while it ran", func(t *testing.T) {
		t.Parallel()
		once, skip := begin(t, hourly(t, ""), at("-10m"), time.Time{}), begin(t, hourly(t, ", missed: skip"), at("-10m"), time.Time{})
		for _, s := range []*script{once, skip} {
			run := s.take(noon, schedule.Due)
			require.Empty(t, s.Take(at("1h")))
			require.Empty(t, s.Take(at("2h")))
			s.Done(run, schedule.Outcome{}, at("2h10m"))
		}
		once.take(at("2h10m"), schedule.Missed)
		require.Empty(t, skip.Take(at("2h10m")))
		require.Equal(t, []schedule.What{schedule.Began, schedule.Overlaps, schedule.Overlaps, schedule.Ended, schedule.LeftOut}, skip.notes)
	})
}

func TestTriesAgain(t *testing.T) {
	t.Parallel()
	now := moment(t, "2026-06-10T12:00:00Z")
	s := begin(t, hourly(t, ""), now.Add(-time.Minute), time.Time{})
	run := s.take(now, schedule.Due)
	for _, minutes := range []int{1, 2, 4, 4, 4} { // no further apart than the longest
		s.Done(run, schedule.Outcome{Failed: run.Tables}, now)
		require.Equal(t, now.Add(time.Duration(minutes)*time.Minute), s.Next())
		require.Len(t, s.Status()[0].Failing, 1)
		require.Empty(t, s.Take(s.Next().Add(-time.Second)))
		now = s.Next()
		run = s.take(now, schedule.Retry)
	}
	s.Done(run, schedule.Outcome{}, now)
	require.Equal(t, schedule.Recovered, s.notes[len(s.notes)-1])
	require.Empty(t, s.Status()[0].Failing)
	run = s.take(moment(t, "2026-06-10T13:00:00Z"), schedule.Due)
	s.Done(run, schedule.Outcome{Failed: run.Tables}, now)
	require.Equal(t, now.Add(time.Minute), s.Next(), "it begins with the shortest again")
}

func TestAnotherFile(t *testing.T) {
	t.Parallel()
	now := moment(t, "2026-06-10T11:50:00Z")
	s := begin(t, hourly(t, ""), now, time.Time{})
	run := s.take(now.Add(10*time.Minute), schedule.Due)
	now = now.Add(11 * time.Minute)

	// Another table stands in the file: the first runs to its end, and never again.
	other, err := jobfile.Parse("jobs.yaml", []byte("timezone: Asia/Kolkata\ntables: [{table: public.u, mode: mirror, schedule: '0 * * * *'}]"))
	require.NoError(t, err)
	s.Replace(schedule.Units(other), other.Timezone, now)
	require.Len(t, s.Status(), 1)
	require.Equal(t, moment(t, "2026-06-10T12:30:00Z"), s.Next().UTC(), "by the clock of the file's zone")

	// And back before it has ended: it is not begun twice.
	f := hourly(t, "")
	s.Replace(schedule.Units(f), f.Timezone, now)
	require.True(t, s.Status()[0].Running)
	require.Empty(t, s.Take(now))
	s.Done(run, schedule.Outcome{Failed: run.Tables}, now)
	require.Equal(t, now.Add(time.Minute), s.Next())
	// What is known of a table stays known.
	s.Replace(schedule.Units(f), f.Timezone, now)
	require.Equal(t, []schedule.Again{{Table: catalog.Name{Schema: "public", Name: "t"}, At: now.Add(time.Minute)}}, s.Status()[0].Failing)
}

// The loop stops when it was asked and the last run has ended; a context that
// ends takes the runs with it. A file that cannot be read changes nothing.
func TestLoopStopsAndReloads(t *testing.T) {
	t.Parallel()
	for _, hard := range []bool{false, true} {
		t.Run(fmt.Sprintf("hard=%t", hard), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := hourly(t, "")
				c := &clock{begin: moment(t, "2026-06-10T11:59:00Z"), since: time.Now()}
				stop, reload := make(chan struct{}), make(chan struct{})
				bad := true
				var ran, canceled atomic.Int64
				var units atomic.Int64
				loop := &schedule.Loop{
					Schedule: schedule.New(schedule.Units(f), c.Now(), schedule.Options{Zone: f.Timezone, AtOnce: 2, First: time.Minute, Most: time.Hour}),
					Clock:    c, Stop: stop, Reload: reload, Turn: func(_ time.Time, all []schedule.UnitStatus) { units.Store(int64(len(all))) },
					Load: func(context.Context) ([]schedule.Unit, *time.Location, error) {
						if bad {
							return nil, nil, errors.New("no file")
						}
						return append(schedule.Units(f), schedule.Unit{Name: "never"}), f.Timezone, nil
					},
					Begin: func(schedule.Run) func(context.Context) schedule.Outcome {
						return func(ctx context.Context) schedule.Outcome {
							ran.Add(1)
							select {
							case <-time.After(10 * time.Minute):
							case <-ctx.Done():
								canceled.Add(1)
							}
							return schedule.Outcome{}
						}
					},
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				served := make(chan error, 1)
				go func() { served <- loop.Serve(ctx) }()
				reload <- struct{}{}
				synctest.Wait()
				require.EqualValues(t, 1, units.Load())
				bad = false
				reload <- struct{}{}
				synctest.Wait()
				require.EqualValues(t, 2, units.Load())

				<-time.After(5 * time.Minute)
				close(stop)
				if hard {
					cancel()
				}
				err := <-served
				require.EqualValues(t, 1, ran.Load())
				if hard {
					require.ErrorIs(t, err, context.Canceled)
					require.EqualValues(t, 1, canceled.Load())
					require.Equal(t, "12:04", c.Now().Format("15:04"))
					return
				}
				require.NoError(t, err)
				require.Zero(t, canceled.Load())
				require.Equal(t, "12:10", c.Now().Format("15:04"))
			})
		})
	}
}

// Jitter never reaches the next time: none is lost.
func TestJitterLosesNoTime(t *testing.T) {
	t.Parallel()
	now := moment(t, "2026-06-10T11:50:00Z")
	f := hourly(t, ", jitter: 3h")
	s := schedule.New(schedule.Units(f), now, schedule.Options{Zone: f.Timezone, AtOnce: 1, Rand: func(n int64) int64 { return n - 1 }})
	for i := range 5 {
		at := s.Next()
		require.Less(t, at.Sub(now), 10*time.Minute+time.Duration(i+1)*time.Hour)
		runs := s.Take(at)
		require.Len(t, runs, 1)
		require.Equal(t, now.Add(10*time.Minute+time.Duration(i)*time.Hour), runs[0].Due.UTC())
		s.Done(runs[0], schedule.Outcome{}, s.Next().Add(-time.Nanosecond))
	}
}

// A try that waits for its turn becomes part of the whole run whose time has come.
func TestTryWaitsForItsTurn(t *testing.T) {
	t.Parallel()
	noon := moment(t, "2026-06-10T12:00:00Z")
	f, err := jobfile.Parse("jobs.yaml", []byte(`
groups: [{name: g, schedule: "0 * * * *"}]
tables:
  - {table: a.long, schedule: "5 * * * *", mode: full}
  - {table: a.t, group: g, mode: full}
  - {table: a.u, group: g, mode: full}
`))
	require.NoError(t, err)
	s := schedule.New(schedule.Units(f), noon.Add(-time.Minute), schedule.Options{Zone: f.Timezone, AtOnce: 1, First: 10 * time.Minute, Most: time.Hour})
	group := s.Take(noon)
	require.Len(t, group, 1)
	s.Done(group[0], schedule.Outcome{Failed: group[0].Tables[:1]}, noon)
	long := s.Take(noon.Add(5 * time.Minute))
	require.Len(t, long, 1)
	require.Empty(t, s.Take(noon.Add(10*time.Minute)), "its try has to wait")
	require.Equal(t, noon.Add(time.Hour), s.Next().UTC(), "and nothing is looked at in vain meanwhile")
	require.Empty(t, s.Take(noon.Add(time.Hour)))
	s.Done(long[0], schedule.Outcome{}, noon.Add(time.Hour+time.Second))
	group = s.Take(noon.Add(time.Hour + time.Second))
	require.Len(t, group, 1)
	require.Equal(t, schedule.Due, group[0].Reason)
	require.True(t, group[0].Whole)
}
