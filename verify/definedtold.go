package verify

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
)

// unnamedNotNull is the name that information_schema makes for a column's NOT NULL:
// of OIDs, which are others after every load.
var unnamedNotNull = regexp.MustCompile(`^\d+_\d+_\d+_not_null$`)

// readToldDefined is readDefined for a target whose catalog is not PostgreSQL's.
// It takes what views tell; of a view that the target lacks it tells nothing.
func readToldDefined(ctx context.Context, conn *pgx.Conn, schemas []string) (told []string, objects map[catalog.Name][]DefinedObject, err error) {
	objects = map[catalog.Name][]DefinedObject{}
	put := func(schema, table, kind, name, text string) {
		home := catalog.Name{Schema: schema, Name: table}
		objects[home] = append(objects[home], DefinedObject{Kind: kind, Name: name, Text: text})
	}
	for _, view := range []struct {
		name, column, kind string
		take               func(schema string, r infoRow)
	}{
		{"pg_catalog.pg_indexes", "schemaname", whatIndex, func(schema string, r infoRow) { put(schema, r["tablename"], whatIndex, r["indexname"], r["indexdef"]) }},
		{"pg_catalog.pg_views", "schemaname", whatView, func(schema string, r infoRow) { put(schema, r["viewname"], whatView, "", r["definition"]) }},
		{"information_schema.columns", "table_schema", whatDefault, func(schema string, r infoRow) {
			if text := r["column_default"]; text != "" {
				put(schema, r["table_name"], whatDefault, r["column_name"], text)
			}
		}},
	} {
		all, err := readViewOf(ctx, conn, view.name, view.column, schemas)
		if err != nil && !lacks(err) {
			return nil, nil, err
		}
		if err != nil {
			continue
		}
		told = append(told, view.kind)
		for schema, rows := range all {
			for _, r := range rows {
				view.take(schema, r)
			}
		}
	}
	constraints, err := toldConstraints(ctx, conn, schemas, put)
	if err != nil {
		return nil, nil, err
	}
	triggers, err := toldTriggers(ctx, conn, schemas, put)
	if err != nil {
		return nil, nil, err
	}
	told = append(append(told, constraints...), triggers...)
	slices.Sort(told)
	return told, objects, nil
}

// readViewOf reads a view's rows about each of the schemas.
func readViewOf(ctx context.Context, conn *pgx.Conn, view, column string, schemas []string) (map[string][]infoRow, error) {
	all := map[string][]infoRow{}
	for _, schema := range schemas {
		rows, err := readView(ctx, conn, view, column, schema)
		if err != nil {
			return nil, err
		}
		all[schema] = rows
	}
	return all, nil
}

// toldConstraints writes constraints by what information_schema tells of them. Where
// it lacks a view, that part of their text is left out, each time alike.
func toldConstraints(ctx context.Context, conn *pgx.Conn, schemas []string, put func(schema, table, kind, name, text string)) ([]string, error) {
	there, err := readObjects(ctx, conn, schemas)
	if err != nil || there.constraints == nil {
		return nil, err
	}
	checks, err := readViewOf(ctx, conn, "information_schema.check_constraints", "constraint_schema", schemas)
	if err != nil && !lacks(err) {
		return nil, err
	}
	for key, row := range there.constraints {
		if unnamedNotNull.MatchString(key.Name) {
			continue
		}
		text := row["constraint_type"]
		if columns := there.columns[key]; len(columns) > 0 {
			text += " (" + strings.Join(columns, ", ") + ")"
		}
		switch row["constraint_type"] {
		case "CHECK":
			text += toldClause(checks[key.Schema], key.Name)
		case "FOREIGN KEY":
			text += toldActions(there.references[key.Schema+"."+key.Name])
		}
		put(key.Schema, key.Parent, whatConstraint, key.Name, text)
	}
	return []string{whatConstraint}, nil
}

// toldClause are the conditions of the checks of a name, which several tables' may
// share.
func toldClause(rows []infoRow, name string) string {
	var list []string
	for _, r := range rows {
		if r["constraint_name"] == name {
			list = append(list, r["check_clause"])
		}
	}
	slices.Sort(list)
	return " " + strings.Join(slices.Compact(list), "; ")
}

func toldActions(rows []infoRow) string {
	var list []string
	for _, r := range rows {
		list = append(list, fmt.Sprintf("to %s ON UPDATE %s ON DELETE %s", r["unique_constraint_name"], r["update_rule"], r["delete_rule"]))
	}
	slices.Sort(list)
	return " " + strings.Join(slices.Compact(list), "; ")
}

// toldTriggers are the triggers by their names: no view tells what they do.
func toldTriggers(ctx context.Context, conn *pgx.Conn, schemas []string, put func(schema, table, kind, name, text string)) ([]string, error) {
	rows, err := conn.Query(ctx, toldHangingSQL, pgx.QueryExecModeSimpleProtocol, schemas)
	var all []hangingRow
	if err == nil {
		all, err = pgx.CollectRows(rows, pgx.RowToStructByName[hangingRow])
	}
	switch {
	case err != nil && lacks(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading the target's triggers: %w", err)
	}
	for _, r := range all {
		put(r.Schema, r.Table, r.Kind, r.Name, "")
	}
	return []string{"trigger"}, nil
}
