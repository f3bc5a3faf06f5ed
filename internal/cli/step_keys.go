package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/event"
)

// keysBeside are the keys and indexes that are built while other tables are still
// copied.
func (j *job) keysBeside() []ddlgen.Statement {
	if j.command != cmdClone {
		return nil
	}
	keys := slices.DeleteFunc(slices.Clone(j.later), func(s ddlgen.Statement) bool { return s.Phase != ddlgen.PhaseKeys })
	return j.failures.taken(keys)
}

// recordOne records a step while others are under way. One that cannot be recorded
// is with all others, when they have come to their end.
func (j *job) recordOne(ctx context.Context, s copier.Step) {
	if err := j.lease.Record(ctx, []copier.Step{s}); err != nil && ctx.Err() == nil {
		j.log.WarnContext(ctx, "a step could not be recorded at once", "step", s.ID, "error", err)
	}
}

// tellBeside says, for the report, how many keys were built until all rows were there.
func (j *job) tellBeside() {
	if n := j.builtSoFar(); n > 0 {
		j.bus.Emit(event.Note{Text: fmt.Sprintf("built while other tables were copied: %d keys and indexes", n)})
	}
}

// builtBeside waits until none of these keys is built any more, and records them.
func (j *job) builtBeside(ctx context.Context) error {
	if j.beside != nil || j.copied == nil {
		return nil
	}
	done, doubtful := j.copied.Keys.Wait()
	j.beside, j.doubtful = map[string]bool{}, doubtful
	if len(done) == 0 {
		return nil
	}
	for _, id := range done {
		j.beside[id] = true
	}
	a := &copier.Applied{Done: done}
	j.applied = append(j.applied, a)
	return j.record(ctx, a)
}

// builtOf is how many of the statements are built already.
func (j *job) builtOf(group []ddlgen.Statement) int {
	if group[0].Phase != ddlgen.PhaseKeys {
		return 0
	}
	return j.builtSoFar()
}

func (j *job) builtSoFar() int {
	if j.copied == nil {
		return 0
	}
	return j.copied.Keys.Built()
}

// notBuilt are those of the statements that were not built beside the copies.
func (j *job) notBuilt(group []ddlgen.Statement) []ddlgen.Statement {
	return slices.DeleteFunc(slices.Clone(group), func(s ddlgen.Statement) bool { return j.beside[s.ID] })
}
