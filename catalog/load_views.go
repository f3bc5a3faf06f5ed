package catalog

import (
	"context"
	"strings"
)

type viewRow struct {
	OID          int64    `db:"oid"`
	Schema       string   `db:"schema"`
	Name         string   `db:"name"`
	Materialized bool     `db:"materialized"`
	Def          string   `db:"def"`
	Options      []string `db:"options"`
	Populated    bool     `db:"populated"`
	AccessMethod string   `db:"access_method"`
	Tablespace   string   `db:"tablespace"`
	HeapBytes    int64    `db:"heap_bytes"`
	ToastBytes   int64    `db:"toast_bytes"`
	RowsGuess    int64    `db:"rows_guess"`
}

// Kind is the view's kind, as COMMENT ON and a Ref spell it.
func (v *View) Kind() string {
	if v.Materialized {
		return "materialized view"
	}
	return "view"
}

func (r *reader) views(ctx context.Context) error {
	rows, err := collect[viewRow](ctx, r.q, "views", r.sizes)
	r.view = make(map[int64]int, len(rows))
	for i, v := range rows {
		n := Name{Schema: v.Schema, Name: v.Name}
		if v.Def == "" {
			return &GoneError{Kind: "view", Name: n}
		}
		r.view[v.OID] = i
		r.db.Views = append(r.db.Views, View{
			Name: n, Materialized: v.Materialized, Def: ViewDef(strings.TrimSuffix(v.Def, ";")), Options: sortedStrings(v.Options),
			Populated: v.Populated, AccessMeth: v.AccessMethod, Tablespace: v.Tablespace, Uses: r.uses[objectKey{"pg_class", v.OID}],
			HeapBytes: v.HeapBytes, ToastBytes: v.ToastBytes, RowsGuess: v.RowsGuess,
		})
		r.know("pg_class", v.OID, Comment{Kind: r.db.Views[i].Kind(), Name: n})
	}
	return err
}

// viewColumn appends a column to a view.
func (r *reader) viewColumn(v *View, c columnRow) error {
	if c.DefaultOID != 0 && c.Default == "" {
		return &GoneError{Kind: "column", Name: v.Name, Sub: c.Name}
	}
	v.Columns = append(v.Columns, ViewColumn{
		Name: c.Name, Type: r.types[typeKey{c.Type, c.Mod}], Default: Expr(c.Default), Collation: name(c.CollationSchema, c.Collation),
		Uses: r.uses[objectKey{"pg_attrdef", c.DefaultOID}], StatsTgt: c.StatsTarget, Storage: storages[c.Storage],
		Compress: compressions[c.Compression], Options: sortedStrings(c.Options),
	})
	return nil
}
