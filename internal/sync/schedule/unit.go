// Package schedule decides which tables are synced when. The decisions are
// pure: Schedule is told what time it is and what came of each run; Loop waits
// on a clock that it is given.
package schedule

import (
	"time"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/sync/jobfile"
)

// Unit is what runs together, at the times of one cron line: a group, or a
// table with a schedule of its own.
type Unit struct {
	Name   string // "group shop", "table public.t"
	Group  string // "" is a single table
	Tables []catalog.Name
	Timing jobfile.Timing
}

// Units lists what a job file has on a schedule, in its order: groups, then
// tables. What has no schedule runs only when asked for.
func Units(f *jobfile.File) []Unit {
	var out []Unit
	for _, g := range f.Groups {
		if g.Timing.Schedule.IsZero() {
			continue
		}
		u := Unit{Name: "group " + g.Name, Group: g.Name, Timing: g.Timing}
		for _, t := range f.Of(g.Name) {
			u.Tables = append(u.Tables, t.Table)
		}
		out = append(out, u)
	}
	for _, t := range f.Tables {
		if !t.Timing.Schedule.IsZero() {
			out = append(out, Unit{Name: "table " + t.Table.String(), Tables: []catalog.Name{t.Table}, Timing: t.Timing})
		}
	}
	return out
}

// Reason is why a run begins.
type Reason string

// The reasons.
const (
	Due    Reason = "schedule" // its time has come
	Missed Reason = "missed"   // its time came while it could not begin
	Retry  Reason = "retry"    // tables that failed are tried again
)

// Run is one run of a unit.
type Run struct {
	Unit   Unit
	Tables []catalog.Name // of the unit: all, or those that are to be tried
	Whole  bool           // all of the unit's tables
	Reason Reason
	Due    time.Time // when its time came
}

// Outcome is what came of a run.
type Outcome struct {
	Failed []catalog.Name // tables that have to be tried again
	Busy   bool           // nothing was done: another process has the lease on the target
}

// What a Note is about.
type What string

// What can be noted.
const (
	Began     What = "began"
	Ended     What = "ended"
	Failing   What = "failing"   // the table failed, and is tried again at At
	Recovered What = "recovered" // the table had failed before
	Overlaps  What = "overlaps"  // its time came while its last run was under way
	Waits     What = "waits"     // its time came while all its failed tables wait to be tried again
	LeftOut   What = "left out"  // its time was missed, and is not made up for
	Late      What = "late"      // its time was missed, and is made up for
	IsBusy    What = "busy"      // another process has the lease; At says when it is tried again
	Reloaded  What = "reloaded"
	Stopping  What = "stopping"
)

// Note is one thing that the schedule did or saw, for logs.
type Note struct {
	What  What
	Unit  string
	Table catalog.Name // of Failing, Recovered
	At    time.Time    // what it is about: when it was due, when it is tried again
	Run   *Run         // of Began, Ended
}
