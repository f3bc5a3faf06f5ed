package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/pg2db9/pg2db9/internal/config"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/internal/preflight"
	"github.com/pg2db9/pg2db9/internal/probe"
)

// probe corrects the profile by what the target answers, or answered not long
// ago. It is made before the snapshot is taken, which it would hold up.
func (j *job) probe(ctx context.Context) error {
	why := j.unprobed()
	if j.target == nil || !j.profile.Map && j.opts.Probe != config.ProbeAlways {
		return nil // nothing to probe, or a profile that assumes nothing
	}
	if why != "" {
		j.rep.Profile.Probing = "not probed (" + why + "): everything is assumed"
		return nil
	}
	cache := j.cache()
	if j.opts.Probe == config.ProbeAuto && j.opts.probes.All() {
		known, err := cache.Load(j.opts.target.String(), j.targetAbout.Whole, time.Now())
		if err != nil {
			j.bus.Emit(event.Note{Text: err.Error() + "; the target is probed"})
		}
		if known != nil {
			j.correct(known, "from cache")
			return j.refuseUnfit()
		}
	}
	if j.command == cmdAssess && j.opts.Probe != config.ProbeAlways {
		j.rep.Profile.Probing = "not probed (an assessment writes nothing): everything is assumed; --probe always or pg2db9 probe asks the target"
		return nil
	}
	if j.opts.DryRun {
		j.rep.Profile.Probing = "not probed (a dry run writes nothing): everything is assumed; pg2db9 probe asks the target"
		return nil
	}
	r, err := j.ask(ctx, 0)
	if err != nil {
		return err
	}
	j.correct(r, "")
	return j.refuseUnfit()
}

// refuseUnfit ends the run where the target cannot be relied on; an assessment
// goes on, and says so.
func (j *job) refuseUnfit() error {
	if j.command == cmdAssess {
		return nil
	}
	return j.refuseBlocked()
}

// unprobed says why a target is not asked, "" where it is.
func (j *job) unprobed() string {
	switch {
	case j.opts.Probe == config.ProbeNever:
		return "--probe never"
	case j.opts.Probe == config.ProbeAlways:
		return ""
	case j.profileFile():
		return "the profile is a file's; --probe always corrects it by what the target answers"
	case !j.targetAbout.DB9:
		return "the target does not say that it is a DB9: what it can do says nothing about one; --probe always asks it"
	}
	return ""
}

func (j *job) profileFile() bool {
	switch j.opts.Profile {
	case "", config.ProfileAuto, config.ProfileDB9, config.ProfilePostgres:
		return false
	}
	return true
}

func (j *job) cache() probe.Cache {
	if j.opts.ProbeCache != "" {
		return probe.Cache{Dir: j.opts.ProbeCache}
	}
	return probe.Cache{Dir: probe.DefaultDir()}
}

// ask probes the target and keeps what it answered.
func (j *job) ask(ctx context.Context, connections int) (*probe.Result, error) {
	var r *probe.Result
	err := j.phase("probe", 0, func() (int, error) {
		var err error
		r, err = probe.Run(ctx, probe.Params{Target: j.opts.target, Chosen: j.opts.probes, Connections: connections, Rate: true})
		return 0, err
	})
	for _, left := range r.Left {
		j.bus.Emit(event.Note{Text: "probing left on the target: " + left + "; drop it"})
	}
	if err != nil {
		if len(r.Left) > 0 { // named once more, where the user looks
			err = fmt.Errorf("%w; left on the target: %s", err, strings.Join(r.Left, ", "))
		}
		return nil, err
	}
	if err := j.cache().Store(r); err != nil {
		j.bus.Emit(event.Note{Text: err.Error() + "; the next run asks again"})
	}
	return r, nil
}

// correct applies what was found out to the profile.
func (j *job) correct(r *probe.Result, how string) {
	before := j.profile
	j.profile = r.Apply(before)
	p := &j.rep.Profile
	p.Probing = "probed at " + r.Probed.UTC().Format(time.RFC3339)
	if how != "" {
		p.Probing += ", " + how
	}
	p.Settings, p.Changes, p.Probe = &j.profile, probe.Changes(before, j.profile), r
	j.found(preflight.Probed(r))
}
