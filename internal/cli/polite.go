package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/internal/config"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/internal/pace"
	"github.com/pg2db9/pg2db9/internal/preflight"
)

// farJobs is how many jobs may work for a target that is far away: its own
// documents see no gain beyond.
const farJobs = 10

// politeness is what keeps a run from being a burden to the source.
type politeness struct {
	rate  int64 // bytes a second; 0 is no bound
	guard copier.GuardLimits
	yield time.Duration
}

// readPolite checks the options that bound what a run takes.
func readPolite(command string, cfg *config.Config) (politeness, error) {
	var p politeness
	for _, n := range []struct {
		name  string
		value int
		most  int
	}{
		{"min-jobs", cfg.MinJobs, mostJobs},
		{"max-jobs", cfg.MaxJobs, mostJobs},
		{"max-active", cfg.MaxActive, 1 << 20},
		{"max-transaction", cfg.MaxTransaction, mostNetworkTimeout},
		{"yield-locks", cfg.YieldLocks, mostNetworkTimeout},
	} {
		if cfg.Given(n.name) && (n.value < 1 || n.value > n.most) {
			return p, usagef(command, "%s: must be 1 to %d, not %d", cfg.Where(n.name), n.most, n.value)
		}
	}
	switch {
	case cfg.Given("jobs") && cfg.MaxJobs > 0 && cfg.Jobs > cfg.MaxJobs:
		return p, usagef(command, "%s: %d jobs are more than %s allows, %d", cfg.Where("jobs"), cfg.Jobs, cfg.Where("max-jobs"), cfg.MaxJobs)
	case cfg.MaxJobs > 0 && cfg.MinJobs > cfg.MaxJobs:
		return p, usagef(command, "%s: %d is more than %s allows, %d", cfg.Where("min-jobs"), cfg.MinJobs, cfg.Where("max-jobs"), cfg.MaxJobs)
	case cfg.Given("jobs") && cfg.MinJobs > cfg.Jobs:
		return p, usagef(command, "%s: %d is more than %s begins with, %d", cfg.Where("min-jobs"), cfg.MinJobs, cfg.Where("jobs"), cfg.Jobs)
	}
	if cfg.Given("source-max-connections") {
		if _, err := copier.ShareSource(cfg.SourceMaxConnections, 1, 1, cfg.KeepSnapshot > 0); err != nil {
			return p, usagef(command, "%s: %v", cfg.Where("source-max-connections"), err)
		}
	}
	rate, err := pace.ParseRate(cfg.MaxRate)
	if err == nil && rate.Rows > 0 {
		err = fmt.Errorf("%q is rows, not bytes a second (10MB)", cfg.MaxRate)
	}
	if err != nil {
		return p, usagef(command, "%s: %v", cfg.Where("max-rate"), err)
	}
	p.rate = rate.Bytes
	if p.guard.Lag, err = pace.ParseSize(cfg.MaxLagBytes); err != nil {
		return p, usagef(command, "%s: %v", cfg.Where("max-lag-bytes"), err)
	}
	p.guard.Active, p.guard.Transaction = cfg.MaxActive, time.Duration(cfg.MaxTransaction)*time.Second
	p.yield = time.Duration(cfg.YieldLocks) * time.Second
	return p, nil
}

// boundJobs decides between which bounds the number of jobs may follow what the
// target takes, and shares the source's connections out. A target that bounds
// its batches is far away: there the number is found out, unless the user has
// fixed it by --jobs alone.
func (j *job) boundJobs(ctx context.Context, tables int) error {
	if j.command != cmdClone && j.command != cmdCopy {
		return nil
	}
	far := j.profile.BatchRows > 0 || j.profile.BatchBytes > 0
	j.minJobs, j.maxJobs = j.opts.MinJobs, j.opts.MaxJobs
	if j.maxJobs == 0 && far && !j.opts.Given("jobs") {
		j.maxJobs = farJobs
	}
	switch {
	case j.maxJobs == 0:
		j.maxJobs = j.jobs
	case j.minJobs == 0:
		j.minJobs = 1
	}
	j.jobs = min(max(j.jobs, j.minJobs), j.maxJobs)
	if err := j.shareSource(ctx, tables); err != nil {
		return err
	}
	if j.maxJobs > j.jobs { // what there is not, is not asked for
		most, _, err := preflight.JobsFor(ctx, j.servers(), j.maxJobs, tables)
		if err != nil {
			return err
		}
		j.maxJobs = max(j.jobs, most)
	}
	return nil
}

// shareSource keeps the run to the connections that the user allows it on the
// source, and gives table locks fewer of them where the server has not many.
func (j *job) shareSource(ctx context.Context, tables int) error {
	free, known, err := preflight.Free(ctx, j.source)
	if err != nil {
		return fmt.Errorf("asking the source for free connections: %w", err)
	}
	kept := j.opts.KeepSnapshot > 0
	if share, err := copier.ShareSource(free+1, j.maxJobs, tables, kept); known && err == nil { // one is ours already
		j.lockers = share.Lockers
	}
	if j.opts.SourceMaxConnections == 0 {
		return nil
	}
	share, err := copier.ShareSource(j.opts.SourceMaxConnections, j.maxJobs, tables, kept)
	if err != nil {
		return usagef(j.command, "%s: %v", j.opts.Where("source-max-connections"), err)
	}
	if share.Jobs < j.jobs {
		j.bus.Emit(event.Note{Text: fmt.Sprintf("--source-max-connections %d leaves %d to read by: %d jobs are used", j.opts.SourceMaxConnections, share.Jobs, share.Jobs)})
	}
	j.lockers = share.Lockers
	j.jobs, j.maxJobs = min(j.jobs, share.Jobs), share.Jobs
	j.minJobs = min(j.minJobs, j.jobs)
	return nil
}
