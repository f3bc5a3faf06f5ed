package preflight

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// Existing is what stands on the target in the schemas that a plan writes to.
type Existing struct {
	relations   map[catalog.Name]object // tables, views, sequences, indexes and composite types share one name space
	types       map[catalog.Name]object
	constraints map[constraintName]constraint
	hanging     map[finding.Object]bool // triggers, rules and policies
	routines    map[catalog.Name]bool   // with their arguments
	called      map[catalog.Name]int    // how many routines have a name
	planned     map[catalog.Name]int    // how many of a name the plan makes
	taken       []string                // of routines that the plan makes: those that stand
	untold      []string                // kinds of object that the target does not tell of
}

func newExisting() *Existing {
	return &Existing{
		relations: map[catalog.Name]object{}, types: map[catalog.Name]object{},
		constraints: map[constraintName]constraint{}, hanging: map[finding.Object]bool{},
		routines: map[catalog.Name]bool{}, called: map[catalog.Name]int{}, planned: map[catalog.Name]int{},
	}
}

// hang takes triggers, rules and policies as they were read.
func (e *Existing) hang(all []hanging) {
	for _, h := range all {
		e.hanging[finding.Object{Kind: h.Kind, Schema: h.Schema, Parent: h.Table, Name: h.Name}] = true
	}
}

type hanging struct {
	Schema string `db:"schema"`
	Table  string `db:"table"`
	Kind   string `db:"kind"`
	Name   string `db:"name"`
}

// add takes objects as they were read.
func (e *Existing) add(objects []object) {
	for _, o := range objects {
		name := catalog.Name{Schema: o.Schema, Name: o.Name}
		switch o.Kind {
		case "enum", "domain", "range type", "type":
			e.types[name] = o
		case "composite type":
			e.types[name] = o
			e.relations[name] = o
		default:
			e.relations[name] = o
		}
	}
}

type object struct {
	Schema string `db:"schema"`
	Name   string `db:"name"`
	Kind   string `db:"kind"`
	Owner  string `db:"owner"` // of a sequence: the table that it goes with
}

type constraintName struct {
	table catalog.Name
	name  string
}

type constraint struct {
	Schema           string `db:"schema"`
	Table            string `db:"table"`
	Name             string `db:"name"`
	ForeignKey       bool   `db:"foreign_key"`
	ReferencedSchema string `db:"referenced_schema"`
	Referenced       string `db:"referenced"`
}

// The kinds of object that are not told apart by Existing's query alone.
const (
	kindTable    = "table"
	kindIndex    = "index"
	kindSequence = "sequence"

	kindView         = "view"
	kindMaterialized = "materialized view"
)

// ReadExisting reads what stands in the plan's schemas, from PostgreSQL's own
// catalog where full says that the target has it.
func ReadExisting(ctx context.Context, q Querier, plan *ddlgen.Plan, full bool) (*Existing, error) {
	if !full {
		return readTold(ctx, q, plan)
	}
	schemas := Schemas(plan)
	e := newExisting()
	objects, err := rows[object](ctx, q, "target_objects", schemas)
	if err != nil {
		return nil, err
	}
	e.add(objects)
	routines, err := rows[routine](ctx, q, "target_routines", schemas)
	if err != nil {
		return nil, err
	}
	e.call(routines, plan)
	constraints, err := rows[constraint](ctx, q, "target_constraints", schemas)
	if err != nil {
		return nil, err
	}
	for _, c := range constraints {
		e.constraints[constraintName{catalog.Name{Schema: c.Schema, Name: c.Table}, c.Name}] = c
	}
	hung, err := rows[hanging](ctx, q, "target_hanging", schemas)
	if err != nil {
		return nil, err
	}
	e.hang(hung)
	return e, nil
}

// Schemas are the schemas that the plan writes to, sorted.
func Schemas(plan *ddlgen.Plan) []string {
	seen := map[string]bool{}
	for _, s := range plan.Statements {
		if s.Object.Kind == "schema" {
			seen[s.Object.Name] = true
		} else if s.Object.Schema != "" {
			seen[s.Object.Schema] = true
		}
	}
	for _, t := range plan.Transfers {
		seen[t.Target.Schema] = true
	}
	out := make([]string, 0, len(seen))
	for s := range seen {
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

// Has reports whether what the statement creates stands on the target already,
// and as what. Statements that may be repeated (comments, ANALYZE, CREATE ...
// IF NOT EXISTS, REFRESH) are never had.
func (e *Existing) Has(s ddlgen.Statement) (kind string, ok bool) {
	name := catalog.Name{Schema: s.Object.Schema, Name: s.Object.Name}
	if isRoutine(s) {
		return s.Object.Kind, e.hasRoutine(s)
	}
	switch s.Phase {
	case ddlgen.PhaseTypes:
		o, ok := e.types[name]
		return o.Kind, ok
	case ddlgen.PhaseSequences, ddlgen.PhaseTables:
		o, ok := e.relations[name]
		return o.Kind, ok
	case ddlgen.PhaseViews:
		if k := s.Object.Kind; k == kindView || k == kindMaterialized || k == kindIndex {
			o, ok := e.relations[name]
			return o.Kind, ok
		}
	case ddlgen.PhaseKeys, ddlgen.PhaseChecks, ddlgen.PhaseForeignKeys, ddlgen.PhaseVectorIndexes:
		if marks(s) {
			return "", false
		}
		if s.Object.Parent != "" {
			parent := catalog.Name{Schema: s.Object.Schema, Name: s.Object.Parent}
			if _, ok := e.constraints[constraintName{parent, s.Object.Name}]; ok {
				return "constraint", true
			}
		}
		if s.Phase == ddlgen.PhaseKeys || s.Phase == ddlgen.PhaseVectorIndexes {
			o, ok := e.relations[name]
			return o.Kind, ok
		}
	case ddlgen.PhaseTriggers, ddlgen.PhaseRights, ddlgen.PhaseEventTriggers:
		return s.Object.Kind, e.hanging[s.Object] // and with it the state that it is in
	case ddlgen.PhaseUnset, ddlgen.PhasePrepare, ddlgen.PhaseEarlyRoutines, ddlgen.PhaseData, ddlgen.PhaseRoutines, ddlgen.PhaseRefresh,
		ddlgen.PhaseSequenceValues, ddlgen.PhaseComments, ddlgen.PhaseAnalyze:
	}
	return "", false
}

// marks reports whether a statement only says something of an index that another
// one makes: that it belongs to a partitioned one, that the table is clustered by
// it, that it identifies rows. Nothing tells whether that was said; it can be said twice.
func marks(s ddlgen.Statement) bool {
	return s.Phase == ddlgen.PhaseKeys && strings.HasPrefix(s.SQL, "ALTER ") && !strings.Contains(s.SQL, " ADD ")
}

// Empty reports whether nothing of the user's stands in the plan's schemas. Of
// routines those count alone that the plan makes as well: a target may have some
// of its own.
func (e *Existing) Empty() bool {
	return len(e.relations) == 0 && len(e.types) == 0 && len(e.taken) == 0
}

// describe counts what stands there by kind, and names the first of it.
func (e *Existing) describe() string {
	var names []string
	counts := map[string]int{}
	for n, o := range e.relations {
		if o.Kind == kindIndex || o.Owner != "" || o.Kind == "composite type" {
			continue // stands or falls with its table, or is counted as a type
		}
		counts[o.Kind]++
		names = append(names, n.String())
	}
	for n, o := range e.types {
		counts[o.Kind]++
		names = append(names, n.String())
	}
	for _, n := range e.taken {
		counts["routine"]++
		names = append(names, n)
	}
	slices.Sort(names)
	kinds := make([]string, 0, len(counts))
	for k, n := range counts {
		kinds = append(kinds, plural(n, k))
	}
	slices.Sort(kinds)
	return strings.Join(kinds, ", ") + ": " + few(names)
}

// Drops are the statements of --on-existing drop: exactly those objects that
// the plan creates and that stand on the target, without CASCADE, so that
// nothing else goes. Views and the routines that follow the data fall first, with
// the triggers, rules and policies that hold routines; then all tables in one statement, since
// foreign keys tie them together; the rest falls in the reverse order of its
// creation.
func (e *Existing) Drops(plan *ddlgen.Plan) []string {
	views := append(e.hangingDrops(plan), e.viewDrops(plan)...)
	var first, tables, others []string
	for _, s := range slices.Backward(plan.Statements) {
		kind, ok := e.Has(s)
		if !ok {
			continue
		}
		name := quote.Name(s.Object.Schema, s.Object.Name)
		if isRoutine(s) {
			if s.Phase < ddlgen.PhaseData {
				others = append(others, s.Undo)
			}
			continue
		}
		switch s.Phase {
		case ddlgen.PhaseTables:
			if s.Object.Kind == kindTable && !slices.Contains(tables, name) {
				tables = append(tables, name)
			}
		case ddlgen.PhaseSequences:
			others = append(others, "DROP SEQUENCE IF EXISTS "+name) // a serial's goes with its table
		case ddlgen.PhaseTypes:
			word := "TYPE"
			if kind == "domain" {
				word = "DOMAIN"
			}
			others = append(others, "DROP "+word+" "+name)
		case ddlgen.PhaseEventTriggers: // before it can act on what follows
			if drop := "DROP EVENT TRIGGER " + quote.Ident(s.Object.Name); !slices.Contains(first, drop) {
				first = append(first, drop)
			}
		default: // keys, checks and foreign keys go with their tables
		}
	}
	if len(tables) > 0 {
		slices.Sort(tables)
		views = append(views, "DROP TABLE "+strings.Join(tables, ", "))
	}
	return slices.Concat(first, views, others)
}

// hangingDrops are the drops of triggers, rules and policies that may call
// routines, where there are any: without those they go with their tables.
func (e *Existing) hangingDrops(plan *ddlgen.Plan) []string {
	if !slices.ContainsFunc(plan.Statements, func(s ddlgen.Statement) bool { return isRoutine(s) && s.Phase > ddlgen.PhaseData && e.hasRoutine(s) }) {
		return nil
	}
	var out []string
	for _, s := range slices.Backward(plan.Statements) {
		table := catalog.Name{Schema: s.Object.Schema, Name: s.Object.Parent}
		switch {
		case e.hanging[s.Object] && strings.HasPrefix(s.Undo, "DROP "):
			out = append(out, s.Undo)
		case s.Object.Kind == "policy" && e.relations[table].Kind == kindTable && strings.HasPrefix(s.Undo, "DROP POLICY "):
			// A partial catalog does not tell of policies.
			out = append(out, strings.Replace(s.Undo, "DROP POLICY ", "DROP POLICY IF EXISTS ", 1))
		}
	}
	return out
}

// viewDrops are the drops of views, and of the routines between and after them,
// in the reverse order of their creation.
// Neighbours of one kind fall together: they may need each other.
func (e *Existing) viewDrops(plan *ddlgen.Plan) []string {
	var out []string
	last := ""
	dropped := map[finding.Object]bool{}
	for _, s := range slices.Backward(plan.Statements) {
		if isRoutine(s) && s.Phase > ddlgen.PhaseData && e.hasRoutine(s) {
			out, last = append(out, s.Undo), ""
			continue
		}
		if _, ok := e.Has(s); !ok || s.Object.Kind != kindView && s.Object.Kind != kindMaterialized || dropped[s.Object] {
			continue
		}
		dropped[s.Object] = true
		name := quote.Name(s.Object.Schema, s.Object.Name)
		if s.Object.Kind == last {
			out[len(out)-1] += ", " + name
		} else {
			out = append(out, "DROP "+strings.ToUpper(s.Object.Kind)+" "+name)
		}
		last = s.Object.Kind
	}
	return out
}

// ForeignKeyDrops are the statements that --on-existing truncate begins with:
// the plan's own foreign keys, which it makes again after the data. With them
// the tables could be neither emptied nor loaded in any order.
func (e *Existing) ForeignKeyDrops(plan *ddlgen.Plan) []string {
	var out []string
	for _, s := range plan.Statements {
		if _, ok := e.Has(s); ok && s.Phase == ddlgen.PhaseForeignKeys {
			out = append(out, "ALTER TABLE "+quote.Name(s.Object.Schema, s.Object.Parent)+" DROP CONSTRAINT "+quote.Ident(s.Object.Name))
		}
	}
	return out
}

// Stands reports whether a table of the name stands on the target.
func (e *Existing) Stands(table catalog.Name) bool { return e.relations[table].Kind == kindTable }

// IndexValid reports whether an index of PostgreSQL's was built to its end; one
// that is not there counts as valid.
func IndexValid(ctx context.Context, q Querier, schema, name string) (bool, error) {
	return one[bool](ctx, q, "index_valid", schema, name)
}

// ConstraintValid reports whether a constraint of PostgreSQL's holds for all rows;
// one that is not there counts as valid.
func ConstraintValid(ctx context.Context, q Querier, table catalog.Name, name string) (bool, error) {
	return one[bool](ctx, q, "constraint_valid", table.Schema, table.Name, name)
}

// Tables are the plan's target tables that get rows and stand on the target, by
// name.
func (e *Existing) Tables(plan *ddlgen.Plan) []catalog.Name {
	var out []catalog.Name
	for _, t := range plan.Transfers {
		if t.NoData == "" && e.relations[t.Target].Kind == kindTable {
			out = append(out, t.Target)
		}
	}
	return out
}

// occupied finds names that the plan needs and that belong to something else.
func (e *Existing) occupied(plan *ddlgen.Plan) []finding.Finding {
	var out []finding.Finding
	for _, s := range plan.Statements {
		kind, ok := e.Has(s)
		if !ok || s.Object.Kind == "column" {
			continue
		}
		var want string
		switch s.Phase {
		case ddlgen.PhaseTables:
			if s.Object.Kind != kindTable {
				continue
			}
			want = kindTable
		case ddlgen.PhaseSequences:
			want = kindSequence
		case ddlgen.PhaseViews:
			want = s.Object.Kind
		case ddlgen.PhaseKeys, ddlgen.PhaseVectorIndexes:
			if kind == "constraint" {
				continue
			}
			want = kindIndex
		default:
			continue
		}
		if kind != want {
			out = append(out, finding.Finding{
				Code: TargetOccupied, Severity: finding.Block, Object: s.Object,
				Message: "on the target a " + kind + " has this name",
				Remedy:  "drop or rename it there, or migrate into another database",
			})
		}
	}
	return out
}

func plural(n int, word string) string {
	s := strconv.Itoa(n) + " " + word
	if n != 1 {
		s += "s"
	}
	return s
}
