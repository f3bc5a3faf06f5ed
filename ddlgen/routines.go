package ddlgen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
)

// routinePlan is what becomes of one routine.
type routinePlan struct {
	r       *catalog.Routine
	node    *node
	sql     string   // on the target
	types   []string // of the arguments that identify it there
	changes []string // what is otherwise than at the source
	among   bool     // there are others of its name, and the target may take one alone
}

func routineID(n catalog.Name) string { return "routines/" + n.String() }

// declareRoutines makes a node of each routine, and decides what depends on
// nothing else: language, kind, what the body does, the types of its signature.
func (p *planner) declareRoutines() {
	for i := range p.db.Routines {
		r := &p.db.Routines[i]
		p.called[r.Plain] = append(p.called[r.Plain], r.Name)
	}
	taken := map[catalog.Name]*routinePlan{} // by name, and by name with arguments, of the target
	for i := range p.db.Routines {
		rp := &routinePlan{r: &p.db.Routines[i]}
		r := rp.r
		p.routines[r.Name] = rp
		rp.node = &node{
			key: refKey{string(r.Kind), r.Name}, object: routineObject(r), refs: wholeRefs(r.Uses), phase: PhaseRoutines, code: routineLeft,
			calls: func() []catalog.Ref { return p.callsOf(r) },
			make:  func(at place) { p.makeRoutine(rp, at) },
		}
		rp.node.code, rp.node.refuse = p.judgeRoutine(rp)
		if rp.node.refuse == "" && p.profile.Map {
			plain := catalog.Name{Schema: r.Name.Schema, Name: r.Plain}
			whole := catalog.Name{Schema: r.Name.Schema, Name: rp.signature()}
			switch first := taken[whole]; {
			case first != nil:
				rp.node.refuse = fmt.Sprintf("with the target's types its arguments are those of %s", first.r.Name)
			case taken[plain] != nil && !p.profile.Overloads:
				rp.node.refuse = fmt.Sprintf("the target takes one routine of a name, and %s comes first", taken[plain].r.Name)
			default:
				taken[whole] = rp
				if of := taken[plain]; of != nil {
					of.among, rp.among = true, true
				} else {
					taken[plain] = rp
				}
			}
		}
		p.declare(rp.node)
	}
}

// judgeRoutine says why a routine cannot be carried, whatever stands beside it,
// and under which code that is found.
func (p *planner) judgeRoutine(rp *routinePlan) (code finding.Code, why string) {
	r := rp.r
	switch {
	case builtIn(r.Name.Schema):
		return routineLeft, fmt.Sprintf("it stands in %s, which is the server's own", r.Name.Schema)
	case r.Kind == catalog.Aggregate && p.profile.Map && !p.profile.Aggregates:
		return routineLeft, "the target is not known to take aggregates of the user's"
	case r.Kind != catalog.Aggregate && len(p.profile.Languages) > 0 && !slices.Contains(p.profile.Languages, r.Language):
		return routineLeft, fmt.Sprintf("the target has no language %s", r.Language)
	case r.Kind == catalog.Procedure && !p.profile.Map && !p.has(14) && slices.ContainsFunc(r.Args, func(a catalog.Argument) bool { return a.Mode == "out" }):
		return routineLeft, fmt.Sprintf("%s has no procedures with OUT arguments", p.majorText())
	}
	if !p.profile.Map {
		for _, a := range r.Args {
			if a.Type.Kind == catalog.KindMultirange {
				if why := p.missingType(a.Type); why != "" {
					return routineLeft, why
				}
			}
		}
	}
	if why := p.unsupported(r); why != "" {
		return routineUnsupported, why
	}
	rp.sql, why = p.routineText(rp)
	return routineLeft, why
}

// makeRoutine adds the statement of a routine.
func (p *planner) makeRoutine(rp *routinePlan, at place) {
	id := p.add(Statement{
		ID: routineID(rp.r.Name), Phase: at.phase, Object: rp.node.object, SQL: rp.sql, Undo: "DROP " + p.named(string(rp.r.Kind), rp.r.Name),
		Optional: rp.among, // where the target takes one alone, the others are told as failed
	})
	p.calls = append(p.calls, p.call(rp, id))
	if len(rp.changes) > 0 {
		p.find(routineChanged, rp.node.object, "%s", strings.Join(rp.changes, "; "))
	}
	if rp.among {
		p.find(routineOverloaded, rp.node.object, "there are others of this name: it is tried")
	}
}

// signature is the routine's name with the types of the target, unquoted.
func (rp *routinePlan) signature() string {
	return rp.r.Plain + "(" + strings.Join(rp.types, ",") + ")"
}

// callsOf are the routines that a body calls by name. The catalog does not know
// of them: they need not be there when the routine is created, but when it is
// called.
func (p *planner) callsOf(r *catalog.Routine) []catalog.Ref {
	if r.SQLBody || r.Kind == catalog.Aggregate {
		return nil
	}
	tokens := significant(tokenize(r.Body))
	var out []catalog.Ref
	for i, t := range tokens {
		name, ok := t.ident()
		if !ok || i+1 == len(tokens) || !tokens[i+1].is("(") {
			continue
		}
		for _, n := range p.called[name] {
			if ref := (catalog.Ref{Kind: "routine", Name: n}); n != r.Name && !slices.Contains(out, ref) {
				out = append(out, ref)
			}
		}
	}
	return out
}
