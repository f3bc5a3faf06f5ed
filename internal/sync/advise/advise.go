// Package advise looks at a source's model for how each of its tables is best
// kept current, and writes a job file that says why.
package advise

import (
	"context"
	_ "embed" // the query
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/sync/jobfile"
)

//go:embed queries/activity.sql
var activitySQL string

// Activity is what was done to a table's rows, as far as statistics count it.
type Activity struct{ Inserted, Updated, Deleted int64 }

// ReadActivity asks the source for the statistics of its tables.
func ReadActivity(ctx context.Context, conn *pgx.Conn) (map[catalog.Name]Activity, error) {
	out := map[catalog.Name]Activity{}
	rows, err := conn.Query(ctx, activitySQL)
	if err != nil {
		return nil, fmt.Errorf("reading the statistics of the source's tables: %w", err)
	}
	var n catalog.Name
	var a Activity
	_, err = pgx.ForEachRow(rows, []any{&n.Schema, &n.Name, &a.Inserted, &a.Updated, &a.Deleted}, func() error {
		out[n] = a
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the statistics of the source's tables: %w", err)
	}
	return out, nil
}

// Advice is how a table is best kept current.
type Advice struct {
	Table   catalog.Name
	Group   string // "" is none: no foreign key connects it with another
	Mode    jobfile.Mode
	Cursor  string
	Key     []string
	Deletes jobfile.Deletes
	Why     []string // sentences
	Bytes   int64    // of rows, with those of its partitions
	Rows    int64    // about; -1 is not known
}

// LeftOut is a table that cannot be kept current by itself.
type LeftOut struct {
	Table catalog.Name
	Why   string
}

// ForTables looks at every table of a model, in the order of names. Partitions
// go with the table that they are part of.
func ForTables(db *catalog.Database, activity map[catalog.Name]Activity) ([]Advice, []LeftOut) {
	var out []Advice
	var left []LeftOut
	for i := range db.Tables {
		t := &db.Tables[i]
		switch {
		case t.IsPartition:
		case t.Foreign != nil:
			left = append(left, LeftOut{Table: t.Name, Why: "it is a foreign table: its rows are another server's"})
		default:
			out = append(out, forTable(db, t, activity))
		}
	}
	group(db, out)
	return out, left
}

// leaves are the relations that hold a table's rows.
func leaves(db *catalog.Database, t *catalog.Table) []*catalog.Table {
	if t.Kind != catalog.TablePartitioned {
		return []*catalog.Table{t}
	}
	var out []*catalog.Table
	for i := range db.Tables {
		if p := &db.Tables[i]; p.IsPartition && slices.Contains(p.Inherits, t.Name) {
			out = append(out, leaves(db, p)...)
		}
	}
	return out
}

func forTable(db *catalog.Database, t *catalog.Table, activity map[catalog.Name]Activity) Advice {
	a := Advice{Table: t.Name, Mode: jobfile.Mirror}
	var did Activity
	heaps := true
	for _, leaf := range leaves(db, t) {
		a.Bytes += leaf.HeapBytes + leaf.ToastBytes
		if leaf.RowsGuess < 0 || a.Rows < 0 {
			a.Rows = -1
		} else {
			a.Rows += leaf.RowsGuess
		}
		x := activity[leaf.Name]
		did.Inserted, did.Updated, did.Deleted = did.Inserted+x.Inserted, did.Updated+x.Updated, did.Deleted+x.Deleted
		heaps = heaps && (leaf.AccessMeth == "" || leaf.AccessMeth == "heap") && leaf.Foreign == nil
	}
	key, what := keyOf(db, t.Name)
	changed, nullable := changedColumn(t)
	grows := growingColumn(t, key)
	say := func(format string, args ...any) { a.Why = append(a.Why, fmt.Sprintf(format, args...)) }
	switch {
	case key == nil:
		say("it has no primary key and no unique key that is NOT NULL: it is compared as a whole, and loaded anew when it differs")
		return a
	case !heaps:
		say("%s; its rows are kept by another access method, which does not tell new rows from old ones", what)
		return a
	case changed != "":
		say("%s; %s looks like the time of a row's last change", what, catalog.Pattern(catalog.Name{Name: changed}))
		say("deletes: digest finds deleted rows; leave it out where none are deleted")
		a.Mode, a.Cursor, a.Key, a.Deletes = jobfile.Upsert, changed, key, jobfile.DeletesDigest
		return a
	case grows != "" && did.Inserted > 0 && did.Updated == 0 && did.Deleted == 0:
		say("%s; %s is handed out in order, and the source's statistics count %d rows inserted, none updated, none deleted", what, catalog.Pattern(catalog.Name{Name: grows}), did.Inserted)
		say("mode mirror, where rows are changed or deleted after all")
		a.Mode, a.Cursor, a.Key = jobfile.Append, grows, key
		return a
	case nullable != "":
		say("%s; %s looks like the time of a row's last change, and takes NULL: not every row has one", what, catalog.Pattern(catalog.Name{Name: nullable}))
	case grows != "" && did.Updated+did.Deleted > 0:
		say("%s; no column tells a row's last change, and rows were updated (%d) or deleted (%d)", what, did.Updated, did.Deleted)
		return a
	default:
		say("%s; no column tells a row's last change", what)
	}
	return a
}

// keyOf finds the columns that tell rows apart, and says what they are.
func keyOf(db *catalog.Database, table catalog.Name) ([]string, string) {
	i := slices.IndexFunc(db.Tables, func(t catalog.Table) bool { return t.Name == table })
	notNull := func(column string) bool {
		return slices.ContainsFunc(db.Tables[i].Columns, func(c catalog.Column) bool { return c.Name == column && c.NotNull })
	}
	for _, kind := range []catalog.ConstraintKind{catalog.PrimaryKey, catalog.Unique} {
		for _, c := range db.Constraints {
			if c.Table != table || c.Kind != kind || c.Deferrable || len(c.Columns) == 0 {
				continue
			}
			if slices.ContainsFunc(c.Columns, func(c string) bool { return !notNull(c) }) {
				continue
			}
			word := "primary key"
			if kind == catalog.Unique {
				word = "unique key"
			}
			return c.Columns, fmt.Sprintf("%s (%s)", word, strings.Join(patterns(c.Columns), ", "))
		}
	}
	return nil, ""
}

func patterns(columns []string) []string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = catalog.Pattern(catalog.Name{Name: c})
	}
	return out
}

// changedName are the names that people give the time of a row's last change.
var changedName = regexp.MustCompile(`(?i)\A(last_?)?(updated?|modified|modification|changed?)(_?(at|on|ts|time|date|timestamp|when))?\z|\A(date|ts|time)_?(updated|modified|changed)\z|\Amtime\z`)

// changedColumn finds the column that says when a row was changed: one that is
// always filled, and one that is not.
func changedColumn(t *catalog.Table) (always, sometimes string) {
	for _, c := range t.Columns {
		moment := c.Type.Name.Schema == "pg_catalog" && (c.Type.Name.Name == "timestamptz" || c.Type.Name.Name == "timestamp") && !c.Type.Array
		switch {
		case !moment || c.Generated != 0 || !changedName.MatchString(c.Name):
		case c.NotNull && always == "":
			always = c.Name
		case !c.NotNull && sometimes == "":
			sometimes = c.Name
		}
	}
	return always, sometimes
}

// growingColumn finds a key of one column whose values are handed out in order.
func growingColumn(t *catalog.Table, key []string) string {
	if len(key) != 1 {
		return ""
	}
	for _, c := range t.Columns {
		if c.Name == key[0] && (c.Identity != 0 || c.Sequence != nil || strings.HasPrefix(string(c.Default), "nextval(")) {
			return c.Name
		}
	}
	return ""
}

// group names what foreign keys connect: those tables have to be read in one
// snapshot. The name is that of the table to which most others refer.
func group(db *catalog.Database, all []Advice) {
	at := map[catalog.Name]int{}
	to := make([]int, len(all)) // the first of each table's kin
	refs := make([]int, len(all))
	for i := range all {
		at[all[i].Table], to[i] = i, i
	}
	find := func(i int) int {
		for to[i] != i {
			i = to[i]
		}
		return i
	}
	for _, c := range db.Constraints {
		if c.Kind != catalog.ForeignKey || c.RefTable == nil || c.Table == *c.RefTable {
			continue
		}
		from, known := at[c.Table]
		ref, knownRef := at[*c.RefTable]
		if !known || !knownRef {
			continue
		}
		refs[ref]++
		a, b := find(from), find(ref)
		to[max(a, b)] = min(a, b)
	}
	kin := map[int][]int{}
	for i := range all {
		kin[find(i)] = append(kin[find(i)], i)
	}
	used := map[string]bool{}
	for i := range all {
		members := kin[i]
		if len(members) < 2 {
			continue
		}
		first := slices.MaxFunc(members, func(a, b int) int { return refs[a] - refs[b] })
		name := all[first].Table.Name
		if used[name] {
			name = all[first].Table.String()
		}
		used[name] = true
		for _, m := range members {
			all[m].Group = name
		}
	}
}
