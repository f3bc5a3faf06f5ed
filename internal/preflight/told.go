package preflight

import (
	"context"
	"fmt"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/ddlgen"
)

// readTold reads what stands in the plan's schemas from a target whose
// pg_catalog is not PostgreSQL's: by information_schema and the simplest of the
// catalogs, each of which it may lack. What it does not tell is remembered.
func readTold(ctx context.Context, q Querier, plan *ddlgen.Plan) (*Existing, error) {
	schemas := Schemas(plan)
	e := newExisting()
	for _, part := range []struct{ query, what string }{
		{"told_relations", "tables and views"},
		{"told_sequences", "sequences"},
		{"told_indexes", "indexes"},
		{"told_materialized", "materialized views"},
		{"told_types", "types"},
	} {
		objects, err := rows[object](ctx, q, part.query, schemas)
		if err != nil {
			if !notTold(err) {
				return nil, err
			}
			e.untold = append(e.untold, part.what)
			continue
		}
		e.add(objects)
	}
	hung, err := rows[hanging](ctx, q, "told_hanging", schemas)
	if err != nil && !notTold(err) {
		return nil, err
	}
	e.hang(hung)
	routines, err := rows[routine](ctx, q, "told_routines", schemas)
	if err != nil {
		if !notTold(err) {
			return nil, err
		}
		e.untold = append(e.untold, "routines")
	}
	e.call(routines, plan)
	constraints, err := rows[constraint](ctx, q, "told_constraints", schemas)
	if err != nil && !notTold(err) {
		return nil, err
	}
	references, refErr := rows[constraint](ctx, q, "told_references", schemas)
	if refErr != nil && !notTold(refErr) {
		return nil, refErr
	}
	if err != nil || refErr != nil {
		e.untold = append(e.untold, "constraints")
	}
	referenced := map[catalog.Name][]constraint{}
	for _, r := range references {
		n := catalog.Name{Schema: r.Schema, Name: r.Name}
		referenced[n] = append(referenced[n], r)
	}
	for _, c := range constraints {
		// A name that several tables' keys share points to more than one table: then
		// nobody knows which is meant, and the key's own table decides alone.
		if r := referenced[catalog.Name{Schema: c.Schema, Name: c.Name}]; c.ForeignKey && len(r) == 1 {
			c.ReferencedSchema, c.Referenced = r[0].ReferencedSchema, r[0].Referenced
		}
		e.constraints[constraintName{catalog.Name{Schema: c.Schema, Name: c.Table}, c.Name}] = c
	}
	return e, nil
}

// notKnown tells what the target did not.
func (e *Existing) notKnown() []finding.Finding {
	if len(e.untold) == 0 {
		return nil
	}
	return []finding.Finding{{
		Code: CheckNotRun, Severity: finding.Info, Object: finding.Object{Kind: "check", Name: "target empty"},
		Message: fmt.Sprintf("the target does not tell which %s it holds: names that are taken come up when they are created", strings.Join(e.untold, ", ")),
	}}
}
