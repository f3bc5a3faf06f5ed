package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/internal/event"
)

// joinKept opens the snapshot that a process of the run's keeps, if it is there
// still: then the rows on the target and those to come show one moment.
func (j *job) joinKept(ctx context.Context, p copier.SnapshotParams) (*copier.Snapshot, error) {
	if j.resumed == nil || j.resumed.Kept.Snapshot == "" || j.opts.NewSnapshot {
		return nil, nil //nolint:nilnil // none is kept
	}
	p.Join, p.Taken = j.resumed.Kept.Snapshot, j.resumed.Taken
	var s *copier.Snapshot
	// A source that was restarted gives the names of its snapshots anew.
	lives, err := copier.KeptLives(ctx, j.source, j.resumed.Kept)
	if err != nil {
		return nil, err
	}
	if err = error(&copier.SnapshotGoneError{ID: p.Join, Err: errors.New("its keeper is gone")}); lives {
		s, err = copier.OpenSnapshot(ctx, p)
	}
	var gone *copier.SnapshotGoneError
	if errors.As(err, &gone) {
		j.bus.Emit(event.Note{Text: fmt.Sprintf("the snapshot of %s is gone: a new one is taken", j.resumed.Taken.UTC().Format(time.DateTime))})
		// It may be kept still, and of no use, since a table was changed. Its keeper would
		// take this process for the one that it waits for, and hold the source's clean-up back.
		j.endKeeper(ctx, j.resumed.Kept)
		return nil, nil //nolint:nilnil // none is kept any more
	}
	if err != nil {
		return nil, err
	}
	if err := s.Sign(ctx, j.resumed.ID); err != nil {
		s.Close(ctx)
		return nil, err
	}
	j.joined, j.kept = true, j.resumed.Kept
	return s, nil
}

// keepSnapshot starts the process that holds the snapshot when this one is gone.
// Without it the rows can be copied as well: a crash then costs more.
func (j *job) keepSnapshot(ctx context.Context) error {
	if j.joined {
		j.warnOfAge(ctx)
		return nil
	}
	if j.opts.KeepSnapshot == 0 || j.p.streams.Self == "" || len(j.plan.Transfers) == 0 {
		return nil
	}
	kept, err := j.startKeeper(ctx)
	if err == nil {
		err = j.snapshot.Sign(ctx, j.id)
		j.kept = kept
		j.warnOfAge(ctx)
	}
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		j.bus.Emit(event.Note{Text: fmt.Sprintf("no process of its own keeps the snapshot (%v): should this one die, tables that are under way are compared with a new one", err)})
	}
	return nil
}

// warnOfAge says that the snapshot is about to be as old as its keeper lets it
// become: after that a crash costs more, and the source is held back all the same
// for as long as rows are read.
func (j *job) warnOfAge(ctx context.Context) {
	limit := time.Duration(j.opts.MaxSnapshotAge) * time.Second
	if limit == 0 {
		return
	}
	var age time.Duration // by the source's clock, as it was taken
	var now time.Time
	if err := j.source.QueryRow(ctx, "SELECT pg_catalog.clock_timestamp()").Scan(&now); err == nil {
		age = now.Sub(j.snapshot.Taken)
	}
	timer := time.AfterFunc(max(0, limit/5*4-age), func() {
		j.bus.Emit(event.Note{Text: fmt.Sprintf("the snapshot is %s old: it keeps the source from cleaning up what was deleted since. At %s (--max-snapshot-age) nobody keeps it any more "+
			"for a --resume after a crash; the run itself goes on in it", max(limit/5*4, age.Round(time.Second)), limit)})
	})
	j.aged = func() { timer.Stop() }
}

// endKept ends the process that keeps the snapshot, when no part needs it any
// more: every row is there, or none will be asked for.
func (j *job) endKept(ctx context.Context) {
	needed := (j.claimed || j.joined) && j.copied == nil || j.takenOver.Load() || // by whoever goes on with it
		j.claimed && j.verified == nil && j.readsAgain()
	for _, err := range j.incomplete {
		// What was refused is mended at the source, and a kept snapshot would not show it.
		needed = needed || j.claimed && (copier.MayGoOn(err) || errors.Is(err, errInterrupted))
	}
	if j.kept.PID == 0 || needed || j.source == nil {
		return
	}
	j.endKeeper(ctx, j.kept)
	j.kept = copier.Kept{}
}

// endKeeper asks the source for it on a connection of its own: that for questions
// may have idled for days, and broken long since.
func (j *job) endKeeper(ctx context.Context, k copier.Kept) {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), 2*closeTimeout, errors.New("the source did not answer"))
	defer cancel()
	conn, err := j.opts.source.Connect(ctx, copier.KeeperSettings())
	if err == nil {
		err = copier.EndKept(ctx, conn, k)
		_ = conn.Close(ctx) // of no more use
	}
	if err != nil {
		j.bus.Emit(event.Note{Text: fmt.Sprintf("the process that keeps the snapshot (%s) could not be ended: %v; it ends by itself", k.By, err)})
	}
}
