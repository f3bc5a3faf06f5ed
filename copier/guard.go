package copier

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/internal/event"
)

//go:embed queries/source_load.sql
var sourceLoadSQL string

const (
	guardEvery   = 3 * time.Second
	guardTimeout = 10 * time.Second
	// nearly is the share of the replicas' lag at which reading slows down: what is
	// written meanwhile takes a while to arrive.
	nearly = 0.75
)

// GuardLimits say what others may suffer on the source before the run holds its
// readers back. Zero is no limit.
type GuardLimits struct {
	Lag         int64         // bytes of WAL that a replica may be behind (--max-lag-bytes)
	Active      int           // sessions of others that may be active (--max-active)
	Transaction time.Duration // age that another session's transaction may have (--max-transaction)
}

// load is what the guard sees.
type load struct {
	Active        int64
	Oldest        float64 // seconds
	Hidden        int64   // sessions of others that the role may not look into
	Lag           int64   // bytes
	HiddenSenders int64
}

// weigh says how far a load holds the readers back, and why.
func (g GuardLimits) weigh(l load) (hold, string) {
	oldest := time.Duration(l.Oldest * float64(time.Second))
	switch {
	case g.Active > 0 && l.Active > int64(g.Active):
		return holdPause, fmt.Sprintf("%d sessions are active on the source, --max-active is %d", l.Active, g.Active)
	case g.Lag > 0 && l.Lag > g.Lag:
		return holdPause, fmt.Sprintf("a replica of the source is %s behind, --max-lag-bytes is %s", size(l.Lag), size(g.Lag))
	case g.Transaction > 0 && oldest > g.Transaction:
		return holdPause, fmt.Sprintf("a transaction on the source is %s old, --max-transaction is %s", oldest.Round(time.Second), g.Transaction)
	case g.Lag > 0 && float64(l.Lag) > nearly*float64(g.Lag):
		return holdSlow, fmt.Sprintf("a replica of the source is %s behind, close to --max-lag-bytes (%s)", size(l.Lag), size(g.Lag))
	}
	return holdNot, ""
}

func size(n int64) string { return humanize.Bytes(uint64(max(n, 0))) }

// blind says which limit cannot be kept since the role may not see what it takes.
func (g GuardLimits) blind(l load) string {
	switch {
	case l.Hidden > 0 && (g.Active > 0 || g.Transaction > 0):
		return fmt.Sprintf("the source's role may not look into %d sessions of others: they count as idle for --max-active and --max-transaction", l.Hidden)
	case l.HiddenSenders > 0 && g.Lag > 0:
		return fmt.Sprintf("the source's role may not see how far %d of its replicas are behind: --max-lag-bytes does not count them", l.HiddenSenders)
	}
	return ""
}

// guard watches the source while rows are read, and works the brake.
type guard struct {
	*copyRun
	state hold
	since time.Time // of the state
	told  bool      // what cannot be seen
	deaf  bool      // the source did not answer, and that was told
}

// watchSource begins to guard the source, unless there is no limit. The returned
// function ends it.
func (c *copyRun) watchSource(ctx context.Context) (done func()) {
	if c.Guard == (GuardLimits{}) {
		return func() {}
	}
	period := guardEvery
	if c.faults != nil && c.faults.guardEvery > 0 {
		period = c.faults.guardEvery
	}
	g := &guard{copyRun: c}
	g.look(ctx) // before the first row is read
	end := every(ctx, period, func(ctx context.Context) bool {
		g.look(ctx)
		return false
	})
	return func() {
		end()
		g.become(holdNot, "")
	}
}

// look asks the source how it is, and holds the readers or lets them go. A
// source that cannot be asked is not guarded: its own errors will stop the run.
func (g *guard) look(ctx context.Context) {
	timed, cancel := context.WithTimeout(ctx, guardTimeout)
	defer cancel()
	var l load
	err := g.Snapshot.ask(timed, func(conn *pgx.Conn) error {
		rows, err := conn.Query(timed, sourceLoadSQL)
		if err == nil {
			l, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[load])
		}
		return err
	})
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		if !g.deaf {
			g.deaf = true
			g.Bus.Emit(event.Note{Text: fmt.Sprintf("the source cannot be asked for its load, so that it is not guarded until it can: %v", err)})
		}
		g.become(holdNot, "")
		return
	}
	g.deaf = false
	if text := g.Guard.blind(l); text != "" && !g.told {
		g.told = true
		g.Bus.Emit(event.Note{Text: text + "; GRANT pg_read_all_stats to it, if they are to"})
	}
	g.become(g.Guard.weigh(l))
}

// become works the brake and tells of it when the state changes.
func (g *guard) become(h hold, why string) {
	if h != holdNot {
		why = map[hold]string{holdSlow: "reading slows down: ", holdPause: "reading pauses: "}[h] + why
	}
	g.Progress.Hold(why)
	if h == g.state {
		return
	}
	was, lasted := g.state, time.Since(g.since)
	g.state, g.since = h, time.Now()
	g.brake.set(h)
	if h == holdNot {
		word := map[hold]string{holdSlow: "slow", holdPause: "paused"}[was]
		g.Bus.Emit(event.Note{Text: fmt.Sprintf("reading goes on as before: it was %s for %s", word, lasted.Round(100*time.Millisecond))})
		return
	}
	g.Bus.Emit(event.Note{Text: why})
}
