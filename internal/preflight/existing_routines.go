package preflight

import (
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
)

// routine is one as the target tells it; without Name where it tells no
// arguments.
type routine struct {
	Schema string `db:"schema"`
	Plain  string `db:"plain"`
	Name   string `db:"name"` // with the types of the arguments
}

// call takes routines as they were read, for a plan.
func (e *Existing) call(all []routine, plan *ddlgen.Plan) {
	for _, r := range all {
		if r.Name != "" {
			e.routines[catalog.Name{Schema: r.Schema, Name: r.Name}] = true
		}
		plain, _, _ := strings.Cut(r.Plain, "(")
		e.called[catalog.Name{Schema: r.Schema, Name: plain}]++
	}
	for _, s := range plan.Statements {
		if isRoutine(s) {
			e.planned[plainRoutine(s)]++
		}
	}
	for _, s := range plan.Statements {
		if isRoutine(s) && e.hasRoutine(s) {
			e.taken = append(e.taken, catalog.Name{Schema: s.Object.Schema, Name: s.Object.Name}.String())
		}
	}
}

func isRoutine(s ddlgen.Statement) bool {
	return slices.Contains([]string{"function", "procedure", "aggregate", "window function"}, s.Object.Kind)
}

// plainRoutine is the name of a routine without its arguments. (A parenthesis
// in the name itself makes it shorter than it is, on both sides.)
func plainRoutine(s ddlgen.Statement) catalog.Name {
	plain, _, _ := strings.Cut(s.Object.Name, "(")
	return catalog.Name{Schema: s.Object.Schema, Name: plain}
}

// hasRoutine reports whether a routine stands on the target: by its arguments;
// where they are not told, or may be of other types there, by its name, of which
// there must be as many as the plan makes.
func (e *Existing) hasRoutine(s ddlgen.Statement) bool {
	if e.routines[catalog.Name{Schema: s.Object.Schema, Name: s.Object.Name}] {
		return true
	}
	n := plainRoutine(s)
	if e.called[n] == 0 || e.called[n] < e.planned[n] {
		return false
	}
	return len(e.routines) == 0 || slices.Contains(s.Findings, "routine.changed")
}
