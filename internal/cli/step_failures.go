package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/pg2db9/pg2db9/copier/runs"
	"github.com/pg2db9/pg2db9/ddlgen"
)

// failures is what --retry-failed takes up of a run, and what it leaves. A nil
// one leaves nothing.
type failures struct {
	tables map[string]bool // target tables that were given up
	left   map[string]bool // IDs of statements that are left
}

// findFailures reads what failed, for --retry-failed. A run of which nothing did
// ends here, before anything is written.
func (j *job) findFailures(ctx context.Context) error {
	if !j.opts.RetryFailed {
		return nil
	}
	l, err := runs.Read(ctx, j.target, j.id)
	if err != nil {
		return err
	}
	r := l.Runs[0] // an error where there is none
	j.failures = &failures{tables: map[string]bool{}, left: map[string]bool{}}
	for _, f := range r.Failures {
		if f.Table != "" {
			j.failures.tables[f.Table] = true
		}
	}
	if len(r.Failures) > 0 || r.Steps.Begun > 0 || len(j.opts.Redo) > 0 {
		return nil
	}
	j.message = fmt.Sprintf("nothing of run %s failed, so --retry-failed has nothing to take up; %d of %s are done, and the rest was broken off", j.id, r.Parts.Done, count(int(r.Parts.All), "part"))
	j.next = []string{j.commandAgain(j.resumeFlags()...)}
	j.hold(Partial)
	return errDone
}

// choose leaves the statements that were never begun, unless they follow the rows
// of a table that is taken up. One that was begun and not seen to end counts as
// failed: most of those waited for something that was.
func (f *failures) choose(statements []ddlgen.Statement, states map[string]string) {
	if f == nil {
		return
	}
	for _, s := range statements {
		_, begun := states[s.ID]
		follows := s.Table != nil && f.tables[s.Table.String()] || s.RefTable != nil && f.tables[s.RefTable.String()]
		if !begun && !follows {
			f.left[s.ID] = true
		}
	}
}

// take has a statement executed after all.
func (f *failures) take(id string) {
	if f != nil {
		delete(f.left, id)
	}
}

// leaves says that a statement is left for a later --resume.
func (f *failures) leaves(id string) bool { return f != nil && f.left[id] }

// taken are those of the statements that are not left.
func (f *failures) taken(statements []ddlgen.Statement) []ddlgen.Statement {
	return slices.DeleteFunc(slices.Clone(statements), func(s ddlgen.Statement) bool { return f.leaves(s.ID) })
}
