package cli

import (
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/guide"
)

// ending is what clone's report ends with, once something stands on the target:
// whether the application may switch, and what is to be done around that.
func (j *job) ending(code Code) *guide.Ending {
	if j.command != cmdClone || !j.written.Load() {
		return nil
	}
	r := guide.Run{
		State: j.state(code), Next: j.next, DB9: j.profile.Map, StandIn: j.rep.Profile.Simulated,
		Source: guideServer(j.opts.source, j.opts.SourcePasswordCommand+j.opts.SourceURLCommand != ""),
		Target: guideServer(j.opts.target, j.opts.TargetPasswordCommand+j.opts.TargetURLCommand != ""),
	}
	if r.State == guide.Unverified {
		r.Verify = commandLine(cmdVerify, j.serverFlags(), j.filterFlags(), j.planFlags())
	}
	if r.State == guide.Verified {
		r.Unproven = j.verified.TableCounts().Skipped
	}
	if j.rep.Snapshot != nil {
		r.Taken = j.rep.Snapshot.Taken
	}
	for _, f := range j.rep.Findings {
		r.Findings = append(r.Findings, f.Finding)
	}
	if f := j.facts; f != nil {
		r.Provider, r.Superuser, r.Standby = f.Provider.Name, f.Role.Superuser, f.Standby != nil
	}
	return guide.End(r)
}

// state is how far the run has come.
func (j *job) state(code Code) guide.State {
	switch {
	case code == OK && j.verified != nil && j.verified.Good():
		return guide.Verified
	case code == OK:
		return guide.Unverified
	case code == Differences:
		return guide.Different
	}
	return guide.Undone
}

func guideServer(e *dial.Endpoint, commands bool) guide.Server {
	return guide.Server{
		URL: e.Masked(), Role: e.User(), Bastion: e.Bastion(), Commands: commands,
		Plaintext: e.Plaintext() && !e.Socket() && e.Bastion() == "" && !e.Local(),
	}
}
