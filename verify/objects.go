package verify

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

const (
	whatConstraint = "constraint"
	whatIndex      = "index"
)

// shape holds one table against its promise, by what the target tells.
func (v *run) shape(w promise, found *foundTable) Shape {
	var assumed []string
	if found != nil && found.info != nil {
		assumed = found.known(w.expected)
	}
	if found != nil && v.p.Profile.Map {
		found.timestamps(w.expected)
	}
	s := compareShape(w.expected, found, v.p.ExistingTables || w.partial)
	s.Assumed = assumed
	return s
}

// promisedObject is a constraint or index of a plan, with the definition that
// was sent.
type promisedObject struct {
	table catalog.Name
	name  string
	what  string
	def   string // of a constraint what follows its name, of an index the statement
}

// word is what the object is, in words.
func (o *promisedObject) word() string {
	for _, kind := range constraintTypes {
		if o.what == whatConstraint && strings.HasPrefix(o.def, kind) {
			return strings.ToLower(kind)
		}
	}
	return o.what
}

// promisedObjects are the constraints and indexes that the plan's statements
// make, but for those not executed.
func promisedObjects(plan *ddlgen.Plan, missing map[string]bool) []promisedObject {
	var list []promisedObject
	for i := range plan.Statements {
		s := &plan.Statements[i]
		if missing[s.ID] || s.Table == nil || s.Optional && s.Phase != ddlgen.PhaseVectorIndexes {
			continue
		}
		add := func(what, name, def string) {
			if def != "" {
				list = append(list, promisedObject{table: *s.Table, name: name, what: what, def: def})
			}
		}
		if s.Phase == ddlgen.PhaseTables {
			for _, o := range s.Carries {
				if o.Kind == whatConstraint && o.Schema == s.Table.Schema && o.Parent == s.Table.Name {
					add(whatConstraint, o.Name, inlineDef(s.SQL, o.Name))
				}
			}
			continue
		}
		switch s.Object.Kind {
		case whatConstraint:
			_, def, _ := strings.Cut(s.SQL, " ADD CONSTRAINT "+quote.Ident(s.Object.Name)+" ")
			add(whatConstraint, s.Object.Name, def)
		case whatIndex:
			if strings.HasPrefix(s.SQL, "CREATE ") {
				add(whatIndex, s.Object.Name, s.SQL)
			}
		}
	}
	return list
}

// inlineDef finds the definition of a named constraint in CREATE TABLE, where
// each stands on a line of its own.
func inlineDef(sql, name string) string {
	_, rest, found := strings.Cut(sql, "\n    CONSTRAINT "+quote.Ident(name)+" ")
	if !found {
		return ""
	}
	for _, end := range []string{",\n    ", "\n)"} {
		if i := strings.Index(rest, end); i >= 0 {
			rest = rest[:i]
		}
	}
	return rest
}

// checkObjects looks for the constraints and indexes of the plan. Where the
// target's catalog is not PostgreSQL's it may have lost some without a word, and
// those of a catalog that the target lacks are assumed, by name.
func (v *run) checkObjects(ctx context.Context, conn *pgx.Conn, schemas []string) error {
	if v.p.ExistingTables {
		return nil
	}
	objects := promisedObjects(v.p.Plan, v.p.Missing)
	own := v.p.Profile.FullCatalog && !v.p.Profile.Map // what was mapped is another text on the target
	if own {
		objects = append(objects, promisedExpressions(v.p.Plan)...)
	}
	if len(objects) == 0 {
		return nil
	}
	if own {
		return v.checkDefinitions(ctx, conn, schemas, objects)
	}
	there, err := readObjects(ctx, conn, schemas)
	if err != nil {
		return err
	}
	for i, w := range v.wanted {
		s := &v.report.Tables[i].Shape
		if v.found[w.expected.Name] == nil {
			continue
		}
		for _, o := range objects {
			if o.table != w.expected.Name {
				continue
			}
			seen := there.compare(o)
			s.Differences = append(s.Differences, seen.differences...)
			s.Tolerated = append(s.Tolerated, seen.tolerated...)
			s.Assumed = append(s.Assumed, seen.assumed...)
			for _, d := range seen.tolerated {
				v.note(fmt.Sprintf("%s: %s; no row depends on it, but queries may be slower", o.table, d))
			}
		}
		if len(s.Differences) > 0 && s.Verdict == Match {
			s.Verdict = Mismatch
		}
	}
	v.checkViewIndexes(objects, there)
	for _, text := range there.lacking {
		v.note(text)
	}
	return nil
}

// checkViewIndexes is checkObjects for the indexes of materialized views.
func (v *run) checkViewIndexes(objects []promisedObject, there *foundObjects) {
	for i, e := range v.views {
		out := &v.report.Views[i]
		for _, o := range objects {
			if !e.Materialized || o.table != e.Name {
				continue
			}
			seen := there.compare(o)
			out.Differences = append(out.Differences, seen.differences...)
			out.Assumed = append(out.Assumed, seen.assumed...)
			for _, d := range seen.tolerated {
				v.note(fmt.Sprintf("%s: %s; no row depends on it, but queries may be slower", o.table, d))
			}
		}
	}
}

// foundObjects are the constraints and indexes that the target tells of. A map
// that is nil is of a view that it lacks.
type foundObjects struct {
	constraints map[finding.Object]infoRow // of table_constraints
	references  map[string][]infoRow       // of referential_constraints, by schema and name, which several tables' keys may share
	columns     map[finding.Object][]string
	indexes     map[finding.Object]infoRow // of pg_indexes
	lacking     []string
}

func constraintKey(table catalog.Name, name string) finding.Object {
	return finding.Object{Kind: whatConstraint, Schema: table.Schema, Parent: table.Name, Name: name}
}

// readObjects reads four views for each schema.
func readObjects(ctx context.Context, conn *pgx.Conn, schemas []string) (*foundObjects, error) {
	o := &foundObjects{}
	for _, view := range []struct {
		name, column string
		begin        func()
		take         func(schema string, rows []infoRow)
		forget       func()
	}{
		{"information_schema.table_constraints", "table_schema", func() { o.constraints = map[finding.Object]infoRow{} }, func(schema string, rows []infoRow) {
			for _, r := range rows {
				o.constraints[constraintKey(catalog.Name{Schema: schema, Name: r["table_name"]}, r["constraint_name"])] = r
			}
		}, func() { o.constraints = nil }},
		{"information_schema.key_column_usage", "table_schema", func() { o.columns = map[finding.Object][]string{} }, func(schema string, rows []infoRow) {
			slices.SortStableFunc(rows, func(a, b infoRow) int { return ordinal(a) - ordinal(b) })
			for _, r := range rows {
				k := constraintKey(catalog.Name{Schema: schema, Name: r["table_name"]}, r["constraint_name"])
				o.columns[k] = append(o.columns[k], r["column_name"])
			}
		}, func() { o.columns = nil }},
		{"information_schema.referential_constraints", "constraint_schema", func() { o.references = map[string][]infoRow{} }, func(schema string, rows []infoRow) {
			for _, r := range rows {
				name := schema + "." + r["constraint_name"]
				o.references[name] = append(o.references[name], r)
			}
		}, func() { o.references = nil }},
		{"pg_catalog.pg_indexes", "schemaname", func() { o.indexes = map[finding.Object]infoRow{} }, func(schema string, rows []infoRow) {
			for _, r := range rows {
				o.indexes[finding.Object{Kind: whatIndex, Schema: schema, Name: r["indexname"]}] = r
			}
		}, func() { o.indexes = nil }},
	} {
		view.begin()
		for _, schema := range schemas {
			rows, err := readView(ctx, conn, view.name, view.column, schema)
			if err != nil {
				if !lacks(err) {
					return nil, err
				}
				view.forget()
				o.lacking = append(o.lacking, fmt.Sprintf("the target does not tell what %s would hold: what depends on it is assumed, not proved", view.name))
				break
			}
			view.take(schema, rows)
		}
	}
	return o, nil
}

// constraintTypes are information_schema's words for how a definition begins.
var constraintTypes = []string{"PRIMARY KEY", "UNIQUE", "FOREIGN KEY", "CHECK"}

// compared is what was seen of one object.
type compared struct {
	object                 promisedObject
	differences, tolerated []Difference
	assumed                []string
}

func (c *compared) assume() { c.assumed = append(c.assumed, c.object.what+" "+c.object.name) }

func (c *compared) difference(expected, found string) Difference {
	return Difference{Column: c.object.name, What: c.object.what, Expected: expected, Found: found}
}

func (c *compared) differ(expected, found string) {
	c.differences = append(c.differences, c.difference(expected, found))
}

// compare holds a promised object against what the target tells.
func (f *foundObjects) compare(o promisedObject) compared {
	c := compared{object: o}
	if o.what == whatIndex {
		f.compareIndex(&c)
	} else {
		f.compareConstraint(&c)
	}
	return c
}

func (f *foundObjects) compareIndex(c *compared) {
	o := c.object
	row, ok := f.indexes[finding.Object{Kind: whatIndex, Schema: o.table.Schema, Name: o.name}]
	def := row["indexdef"]
	if f.indexes == nil || ok && def == "" {
		c.assume()
		return
	}
	if !ok {
		c.differ("index", "none")
		return
	}
	want, found := indexTraits(o.def), indexTraits(def)
	switch {
	case want.essential() != found.essential():
		c.differ(want.String(), found.String())
	case want != found:
		c.tolerated = append(c.tolerated, c.difference(want.String(), found.String()))
	}
}

func (f *foundObjects) compareConstraint(c *compared) {
	o := c.object
	kind := ""
	for _, k := range constraintTypes {
		if strings.HasPrefix(o.def, k) {
			kind = k
		}
	}
	if kind == "" { // exclusion and NOT NULL constraints, which these views do not have
		return
	}
	key := constraintKey(o.table, o.name)
	row, ok := f.constraints[key]
	switch {
	case f.constraints == nil:
		c.assume()
		return
	case !ok:
		c.differ(strings.ToLower(kind), "none")
		return
	case !strings.EqualFold(row["constraint_type"], kind):
		c.differ(strings.ToLower(kind), strings.ToLower(row["constraint_type"]))
		return
	}
	if kind == "CHECK" {
		return // its expression is written in each server's own way
	}
	if columns := definedColumns(o.def); columns != nil {
		switch found := f.columns[key]; {
		case f.columns == nil:
			c.assumed = append(c.assumed, "columns of constraint "+o.name)
		case !slices.Equal(columns, found):
			c.differ(strings.Join(columns, ", "), orNone(strings.Join(found, ", ")))
		}
	}
	if kind == "FOREIGN KEY" {
		f.compareActions(c)
	}
}

func (f *foundObjects) compareActions(c *compared) {
	refs := f.references[c.object.table.Schema+"."+c.object.name]
	for _, action := range []string{"update", "delete"} {
		word := "ON " + strings.ToUpper(action)
		want := actionOf(c.object.def, " "+word+" ")
		var found []string
		for _, ref := range refs {
			found = append(found, strings.ToUpper(ref[action+"_rule"]))
		}
		slices.Sort(found)
		switch found = slices.Compact(found); {
		case len(found) == 1 && found[0] == want:
		case len(found) == 0 || slices.Contains(found, ""), // not told
			len(found) > 1 && slices.Contains(found, want): // not told of which table's
			c.assumed = append(c.assumed, word+" of constraint "+c.object.name)
		default:
			c.differ(word+" "+want, strings.Join(found, ", "))
		}
	}
}

// actionOf reads a foreign key's action behind a word of its definition.
func actionOf(def, word string) string {
	_, rest, found := strings.Cut(def, word)
	if found {
		for _, action := range []string{"CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT", "NO ACTION"} {
			if strings.HasPrefix(rest, action) {
				return action
			}
		}
	}
	return "NO ACTION"
}

// definedColumns are the columns in the first parentheses of a definition.
func definedColumns(def string) []string {
	open := strings.IndexByte(def, '(')
	if open < 0 {
		return nil
	}
	var columns []string
	var name strings.Builder
	quoted := false
	for i := open + 1; i < len(def); i++ {
		switch b := def[i]; {
		case b == '"' && quoted && i+1 < len(def) && def[i+1] == '"':
			name.WriteByte(b)
			i++
		case b == '"':
			quoted = !quoted
		case !quoted && (b == ',' || b == ')'):
			columns = append(columns, name.String())
			name.Reset()
			if b == ')' {
				return columns
			}
		case !quoted && b == ' ':
		default:
			name.WriteByte(b)
		}
	}
	return nil
}
