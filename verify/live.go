package verify

import (
	"context"
	"fmt"
	"time"

	"github.com/pg2db9/pg2db9/internal/event"
)

const (
	// DefaultDeadline is how long rows that differ are read again.
	DefaultDeadline = 10 * time.Minute

	steadyLooks  = 3 // in a row that must see the same, before a row is said to differ
	steadyTries  = 1 // of a table without a key beside the one before
	steadyShare  = 2 // both through the last half of the deadline at least
	leastRounds  = 4 // within a deadline that is short
	mostLiveWait = 5 * time.Second
)

// Live is what became of the rows of a table that differed while both sides were
// being written.
type Live struct {
	Settled int64 `json:"settled"` // differed, and were equal when they were read again
	Moving  int64 `json:"moving"`  // were still changing when the deadline passed: nobody knows
	Differ  int64 `json:"differ"`  // differ, and did not change through the last looks at them
	// Unchecked differed, and were too many to be looked at again.
	Unchecked int64 `json:"unchecked,omitempty"`
	// Blocks is in how many ranges of blocks a side was read at most, where the key does not go with its blocks;
	// 0 is none.
	Blocks int `json:"blocks,omitempty"`
	// Whole is how often the table was read again as a whole, since it has no key.
	Whole int `json:"whole,omitempty"`
}

// facts says it in words.
func (l *Live) facts() []string {
	if l == nil {
		return nil
	}
	var facts []string
	say := func(n int64, one, many string) {
		switch {
		case n == 1:
			facts = append(facts, "1 row "+one)
		case n > 1:
			facts = append(facts, countedRows(n)+" "+many)
		}
	}
	if l.Whole > 0 {
		facts = append(facts, fmt.Sprintf("read %d times more, since it has no key", l.Whole))
	}
	if l.Blocks > 0 {
		facts = append(facts, fmt.Sprintf("read in %d ranges of blocks, each of a moment of its own: a row that an UPDATE moved from one to another meanwhile may have been missed", l.Blocks))
	}
	say(l.Settled, "differed at first and has settled", "differed at first and have settled")
	say(l.Differ, "differs and did not change any more", "differ and did not change any more")
	say(l.Moving, "was still changing at the deadline", "were still changing at the deadline")
	say(l.Unchecked, "more differed than can be looked at again", "more differed than can be looked at again")
	return facts
}

// forLive brings what does not go with Live into order.
func (p *Params) forLive() {
	if !p.Live || p.Copied != nil {
		p.Live = false
		return
	}
	p.Snapshot = ""
	if !p.Level.has(LevelRows) {
		p.Level = LevelRows
	}
	if p.Deadline <= 0 {
		p.Deadline = DefaultDeadline
	}
}

// watch is the work on what differs while both sides are written.
type watch struct {
	run    *run
	queues *liveQueues
	tables []*liveTable // without a key
	begun  time.Time
}

// settle looks for the rows that differ, and at them again, with more and more
// time between, until they are equal or the deadline passes. Each look is a
// statement of its own and sees what is there then.
func (v *run) settle(ctx context.Context, differing []*comparison) error {
	w := &watch{run: v, queues: &liveQueues{}}
	var keyed []*comparison
	for _, c := range differing {
		if len(c.buckets.keys) > 0 {
			keyed = append(keyed, c)
		} else if t := newLiveTable(v, c); !t.settled() {
			w.tables = append(w.tables, t)
		}
	}
	if err := v.localise(ctx, keyed, w.queues); err != nil {
		return err
	}
	w.begun = time.Now()
	end := w.begun.Add(v.p.Deadline)
	if open := w.open(); open != "" {
		v.p.Bus.Emit(event.Note{Text: fmt.Sprintf("%s: looked at again until equal, at most until %s", open, end.Format(time.TimeOnly))})
	}
	wait := newBackOff(v.p.Deadline)
	wait.MaxInterval = min(mostLiveWait, v.p.Deadline/leastRounds)
	wait.InitialInterval = min(wait.InitialInterval, wait.MaxInterval)
	wait.Reset()
	for rounds := 1; w.open() != ""; rounds++ {
		pause := time.NewTimer(min(wait.NextBackOff(), max(0, time.Until(end))))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return context.Cause(ctx)
		}
		v.source.forgive()
		v.target.forgive()
		last := !time.Now().Before(end) && rounds >= steadyLooks // servers that answer slowly make it later
		if err := w.round(ctx, last); err != nil {
			return err
		}
		if last {
			break
		}
	}
	for _, l := range w.queues.list {
		l.live.over = true
		l.conclude()
	}
	return context.Cause(ctx)
}

// open says what is not settled; empty is nothing.
func (w *watch) open() string {
	rows, tables := 0, 0
	for _, l := range w.queues.list {
		rows += len(l.live.rows)
	}
	for _, t := range w.tables {
		if !t.done {
			tables++
		}
	}
	switch {
	case rows > 0 && tables > 0:
		return fmt.Sprintf("%s and %d tables without a key differ", countedRows(int64(rows)), tables)
	case rows > 0:
		return countedRows(int64(rows)) + " that differ"
	case tables > 0:
		return fmt.Sprintf("%d tables without a key that differ", tables)
	}
	return ""
}

// round looks once at all that is not settled. In the last one each has its answer.
func (w *watch) round(ctx context.Context, last bool) error {
	var work []func() error
	for _, l := range w.queues.list {
		for _, k := range l.batches(last) {
			work = append(work, func() error { return w.lookAtRows(ctx, l, k, last) })
		}
	}
	for _, t := range w.tables {
		if !t.done && (last || t.due()) {
			work = append(work, func() error { return t.look(ctx, last) })
		}
	}
	if err := w.run.atOnce(ctx, work); err != nil {
		return err
	}
	if last {
		return w.tellTables(ctx)
	}
	return context.Cause(ctx)
}

// steady says whether what was the same through so many looks since a moment is
// taken for what it is.
func (v *run) steady(looks, least int, since time.Time) bool {
	return looks >= least && time.Since(since) >= v.p.Deadline/steadyShare
}

// leaveSequences takes the positions of sequences out of the verdict where the
// source is being written: they move there, and nothing carries them over. They
// are given at cut-over.
func (v *run) leaveSequences() {
	if !v.p.Live {
		return
	}
	for i := range v.report.Sequences {
		q := &v.report.Sequences[i]
		if q.Verdict != Mismatch || q.Found == nil || len(q.Differences) > 0 {
			continue
		}
		q.Verdict = Skipped
		q.Detail = sentence(q.Detail, "the source goes on: pg2db9 sequences --set gives the position at cut-over, and proves it")
		v.report.AllowSkipped = true
	}
}
