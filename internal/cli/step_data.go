package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/config"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/verify"
)

// copyData copies the rows. A table that fails does not stop the others.
func (j *job) copyData(ctx context.Context) error {
	plan := j.toCopy()
	var truncate []catalog.Name
	resume, err := j.resume()
	if err != nil {
		return err
	}
	if j.onExisting == config.Truncate && j.existing != nil && resume == nil {
		truncate = j.existing.Tables(plan)
	}
	j.written.Store(true)
	keys := j.keysBeside()
	return j.phase("data", len(plan.Transfers), func() (int, error) {
		res, err := copier.Copy(ctx, copier.Params{
			Source: j.opts.source, Target: j.opts.target, Snapshot: j.snapshot, Plan: plan, Profile: j.profile, Run: j.id,
			Jobs: j.jobs, MinJobs: j.minJobs, MaxJobs: j.maxJobs, MaxRate: j.opts.polite.rate, Guard: j.opts.polite.guard, Split: copier.Split{By: copier.SplitBy(j.opts.SplitBy)}, Patience: j.patience(), Truncate: truncate, Resume: resume, Keys: keys, Record: j.recordOne, Owner: j.lease.Owner(), Stop: j.stop, OnRowError: copier.RowErrors(j.opts.OnRowError), MaxRejects: int64(j.opts.MaxRejects), Tool: "pg2db9 " + version(), Command: j.command, Options: j.asked(), Bus: j.bus, Progress: j.progress, Log: j.log,
		})
		j.copied = res
		j.tellBeside()
		if res != nil && res.Jobs > 0 { // a server had no connection for more
			j.jobs = min(j.jobs, res.Jobs)
		}
		return j.copyOutcome(ctx, err)
	})
}

// copyOutcome takes down which tables are not complete, and how many.
func (j *job) copyOutcome(ctx context.Context, err error) (int, error) {
	var partial *copier.PartialError
	switch {
	case err == nil:
		return 0, nil
	case errors.As(err, &partial):
		for _, f := range partial.Failed {
			j.incomplete[f.Table] = f.Err
		}
		j.hold(Partial)
		if ctx.Err() != nil {
			return len(partial.Failed), err
		}
		if len(partial.Failed) == 0 && !partial.Interrupted { // no table's fault, so no table tells
			return 0, fmt.Errorf("copying the rows: %w", partial.Err)
		}
		return len(partial.Failed), j.stopForRow(partial)
	default:
		for _, t := range j.plan.Transfers {
			j.incomplete[t.Target] = err
		}
		return len(j.plan.Transfers), fmt.Errorf("copying the rows: %w", err)
	}
}

// releaseSnapshot gives the snapshot back as soon as every part is committed:
// held through index builds it would keep the source from cleaning up.
// A verification that reads the source needs it: then the run's end does.
func (j *job) releaseSnapshot(ctx context.Context) error {
	if j.readsAgain() {
		return nil
	}
	j.endKept(ctx)
	j.release(ctx)
	return nil
}

// setSequences gives the target's sequences the source's present positions.
func (j *job) setSequences(ctx context.Context) error {
	if len(j.plan.Sequences) == 0 || j.stopped() {
		return nil
	}
	return j.phase("sequences", len(j.plan.Sequences), func() (int, error) {
		set, err := copier.SetSequences(ctx, copier.SequenceParams{Source: j.opts.source, Target: j.opts.target, Settings: copier.ControlSettings(j.profile), Values: j.plan.Sequences, Run: j.ledgerRun(), Margin: int64(j.opts.Margin), Bus: j.bus})
		j.sequences = set
		failed := 0
		for _, s := range set {
			if s.Err != nil {
				failed++
			}
		}
		if failed > 0 || err != nil {
			j.hold(Partial)
		}
		return failed, err
	})
}

// ledgerRun is the run that the ledger knows this one by; "" where it has none.
func (j *job) ledgerRun() string {
	if j.command == cmdSequences {
		return ""
	}
	return j.id
}

// verify reads the target back. Rows are compared with what left the source
// while it was copied, so the source is not read again.
func (j *job) verify(existingTables bool) step {
	return func(ctx context.Context) error {
		if j.opts.SkipVerify || j.stopped() {
			return nil
		}
		ctx, done := j.untilStop(ctx)
		defer done()
		p := verify.Params{
			Source: j.opts.source, Target: j.opts.target, Plan: j.plan, Profile: j.profile, ExistingTables: existingTables,
			Jobs: j.jobs, Patience: j.patience(), Bus: j.bus, Log: j.log, Definitions: len(j.opts.Certificates) > 0,
		}
		if j.snapshot != nil {
			p.Snapshot = j.snapshot.ID
		}
		if j.readsAgain() {
			p.MaxRate = j.opts.polite.rate
		}
		if j.copied != nil {
			p.Copied, p.Sequences, p.Missing, p.ViewRows = j.accounts(), j.positions(), j.notMade(), j.viewRows
		}
		p.Progress = &event.Progress{}
		j.ui.Watch(p.Progress)
		rep, err := verify.Run(ctx, p)
		j.verified = rep
		if err != nil {
			if j.stopped() {
				j.hold(Partial)
				return nil
			}
			return fmt.Errorf("verifying: %w", err)
		}
		j.weigh(rep)
		return nil
	}
}

// accounts is what the copier counted, for verification.
func (j *job) accounts() []verify.SourceSide {
	out := make([]verify.SourceSide, len(j.copied.Tables))
	for i, t := range j.copied.Tables {
		out[i] = verify.SourceSide{
			Target: t.Target, Read: t.Read - t.Rejected, Framed: t.Framed - t.Rejected, Acked: t.Acked, Ledger: t.Ledger, Bytes: t.Bytes, Digest: t.Digest, Err: t.Err,
		}
	}
	return out
}

// positions are the sequences as they were set.
func (j *job) positions() []verify.SequenceSet {
	out := make([]verify.SequenceSet, len(j.sequences))
	for i, s := range j.sequences {
		out[i] = verify.SequenceSet{Target: s.Target, Source: s.Source, LastValue: s.LastValue, IsCalled: s.IsCalled, Err: s.Err}
	}
	return out
}

// weigh turns the verdicts into codes. What was not copied is partial already,
// and no difference beside that; what could not be looked at is a failure.
func (j *job) weigh(rep *verify.Report) {
	if rep.Good() {
		return
	}
	unset := map[catalog.Name]bool{}
	for _, s := range j.sequences {
		unset[s.Target] = s.Err != nil
	}
	unknown := len(rep.Tables) != rep.ExpectedTables || len(rep.Sequences) != rep.ExpectedSequences || len(rep.Views) != rep.ExpectedViews || !rep.Complete
	judge := func(v verify.Verdict) {
		switch v {
		case verify.Mismatch:
			j.hold(Differences)
		case verify.Errored, verify.Unknown:
			unknown = true
		case verify.Match, verify.Skipped:
		}
	}
	partial := map[catalog.Name]bool{} // a key of theirs is valid when those of all partitions stand
	var expected []ddlgen.ExpectedTable
	if j.plan != nil { // a certificate that is held against a target has none
		expected = j.plan.Expect
	}
	for _, e := range expected {
		partial[e.Name] = slices.ContainsFunc(e.Partitions, func(n catalog.Name) bool { return j.incomplete[n] != nil })
	}
	for _, t := range rep.Tables {
		if _, bad := j.incomplete[t.Target]; !bad && !partial[t.Target] {
			judge(t.Verdict)
		}
	}
	for _, s := range rep.Sequences {
		if !unset[s.Target] {
			judge(s.Verdict)
		}
	}
	for _, v := range rep.Views {
		if j.readsIncomplete(v.Target) == nil { // what differs there is the table's, as a rule
			judge(v.Verdict)
		}
	}
	for _, c := range rep.Behaviour {
		judge(c.Verdict)
	}
	if unknown {
		j.hold(Failed)
	}
}
