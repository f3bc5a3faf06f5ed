package verify

import (
	"context"
	_ "embed" // queries
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/ddlgen"
)

//go:embed queries/definitions.sql
var definitionsSQL string

// definitionRow is a constraint, index, default or generated column of a target that has PostgreSQL's catalog.
type definitionRow struct {
	Schema     string `db:"schema_name"`
	Table      string `db:"table_name"`
	Kind       string `db:"kind"`
	Name       string `db:"name"`
	Definition string `db:"definition"`
	Flaw       string `db:"flaw"`
}

// definitions are the constraints, indexes, defaults and generated columns of the target, as it writes them.
type definitions map[finding.Object]definitionRow

func (r *definitionRow) key() finding.Object {
	return finding.Object{Kind: r.Kind, Schema: r.Schema, Parent: r.Table, Name: r.Name}
}

// readDefinitions reads all of the schemas, with one query.
func readDefinitions(ctx context.Context, conn *pgx.Conn, schemas []string) (definitions, error) {
	rows, err := conn.Query(ctx, definitionsSQL, pgx.QueryExecModeSimpleProtocol, schemas)
	if err != nil {
		return nil, fmt.Errorf("reading the target's constraints, indexes and defaults: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[definitionRow])
	if err != nil {
		return nil, fmt.Errorf("reading the target's constraints, indexes and defaults: %w", err)
	}
	d := definitions{}
	for i := range list {
		d[list[i].key()] = list[i]
	}
	return d, nil
}

// compare holds a promised object against its definition on the target.
func (d definitions) compare(o promisedObject) compared {
	c := compared{object: o}
	found, ok := d[finding.Object{Kind: o.what, Schema: o.table.Schema, Parent: o.table.Name, Name: o.name}]
	switch {
	case !ok && (o.what == whatDefault || o.what == whatGenerated): // the column tells of that
	case !ok:
		c.differ(o.word(), "none")
	case !sameSQL(o.def, found.Definition) && !sameButText(o.def, found.Definition):
		c.differ(o.def, found.Definition)
	case found.Flaw != "":
		c.differ("a valid "+o.what, found.Flaw)
	case !sameSQL(o.def, found.Definition): // a column has another type, perhaps: nobody knows
		c.assume()
	}
	return c
}

// promisedExpressions are the defaults and generated columns of the plan.
func promisedExpressions(plan *ddlgen.Plan) []promisedObject {
	var list []promisedObject
	for i := range plan.Expect {
		e := &plan.Expect[i]
		for _, x := range e.Expressions {
			what := whatDefault
			if x.Generated {
				what = whatGenerated
			}
			list = append(list, promisedObject{table: e.Name, name: x.Column, what: what, def: x.Text})
		}
	}
	return list
}

// checkDefinitions is checkObjects for a target that has PostgreSQL's catalog,
// which tells of every constraint and index what was sent.
func (v *run) checkDefinitions(ctx context.Context, conn *pgx.Conn, schemas []string, objects []promisedObject) error {
	there, err := readDefinitions(ctx, conn, schemas)
	if err != nil {
		return err
	}
	at := map[catalog.Name][]promisedObject{}
	for _, o := range objects {
		at[o.table] = append(at[o.table], o)
	}
	for i, w := range v.wanted {
		if v.found[w.expected.Name] == nil {
			continue
		}
		s := &v.report.Tables[i].Shape
		for _, o := range at[w.expected.Name] {
			c := there.compare(o)
			s.Differences, s.Assumed = append(s.Differences, c.differences...), append(s.Assumed, c.assumed...)
		}
		if len(s.Differences) > 0 && s.Verdict == Match {
			s.Verdict = Mismatch
		}
	}
	for i, e := range v.views {
		for _, o := range at[e.Name] {
			c, out := there.compare(o), &v.report.Views[i]
			out.Differences, out.Assumed = append(out.Differences, c.differences...), append(out.Assumed, c.assumed...)
		}
	}
	return nil
}
