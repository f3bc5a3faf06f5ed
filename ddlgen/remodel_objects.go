package ddlgen

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
)

// objects changes all that stands beside tables. Their kinds grow, so that the
// structs are walked: names, types, references and the server's texts are found
// by their Go types.
func (r *remodel) objects(out *catalog.Database) {
	changeAll(r, &out.Extensions, func(e *catalog.Extension) finding.Object { return extensionObject(e.Name) })
	changeAll(r, &out.Enums, func(e *catalog.Enum) finding.Object { return objectOf("type", e.Name) })
	changeAll(r, &out.Domains, func(d *catalog.Domain) finding.Object { return objectOf("domain", d.Name) })
	changeAll(r, &out.Composites, func(c *catalog.Composite) finding.Object { return objectOf("type", c.Name) })
	changeAll(r, &out.Ranges, func(x *catalog.RangeType) finding.Object { return objectOf("range type", x.Name) })
	changeAll(r, &out.Collations, func(c *catalog.Collation) finding.Object { return objectOf("collation", c.Name) })
	changeAll(r, &out.Statistics, func(s *catalog.Statistics) finding.Object { return objectOf("statistics", s.Name) })
	changeAll(r, &out.Routines, func(x *catalog.Routine) finding.Object { return objectOf(string(x.Kind), x.Name) })
	changeAll(r, &out.Views, func(v *catalog.View) finding.Object { return objectOf(v.Kind(), v.Name) })
	r.withoutParents(out)
	on := func(kind string, table catalog.Name, name string) finding.Object {
		return finding.Object{Kind: kind, Schema: table.Schema, Parent: table.Name, Name: name}
	}
	changeAll(r, &out.Triggers, func(x *catalog.Trigger) finding.Object { return on("trigger", x.Table, x.Name) })
	changeAll(r, &out.Rules, func(x *catalog.Rule) finding.Object { return on("rule", x.Table, x.Name) })
	changeAll(r, &out.Policies, func(x *catalog.Policy) finding.Object { return on("policy", x.Table, x.Name) })
	changeAll(r, &out.EventTriggers, func(x *catalog.EventTrigger) finding.Object {
		return finding.Object{Kind: "event trigger", Name: x.Name}
	})
	changeAll(r, &out.Others, func(o *catalog.Other) finding.Object { return otherObject(*o) })
	changeAll(r, &out.Owners, func(o *catalog.Owner) finding.Object { return finding.Object(o.Object) })
	changeAll(r, &out.Grants, func(g *catalog.Grant) finding.Object { return finding.Object(g.Object) })
	changeAll(r, &out.DefaultPrivileges, func(d *catalog.DefaultPrivilege) finding.Object {
		return finding.Object{Kind: "schema", Name: d.Schema}
	})
	changeAll(r, &out.SecurityLabels, func(s *catalog.SecurityLabel) finding.Object { return finding.Object(s.Object) })
	changeAll(r, &out.Dependencies, func(d *catalog.Dependency) finding.Object { return finding.Object(d.Object) })
}

// withoutParents takes out what stands on a view that was taken out.
func (r *remodel) withoutParents(out *catalog.Database) {
	lost := func(table catalog.Name) bool {
		return r.gone[objectOf("view", table)] || r.gone[objectOf("materialized view", table)]
	}
	drop := func(kind string, table catalog.Name, name string) bool {
		if !lost(table) {
			return false
		}
		r.out(mappingLeft, finding.Object{Kind: kind, Schema: table.Schema, Parent: table.Name, Name: name}, "what it stands on is not carried")
		return true
	}
	out.Triggers = slices.DeleteFunc(slices.Clone(out.Triggers), func(x catalog.Trigger) bool { return drop("trigger", x.Table, x.Name) })
	out.Rules = slices.DeleteFunc(slices.Clone(out.Rules), func(x catalog.Rule) bool { return drop("rule", x.Table, x.Name) })
	out.Indexes = slices.DeleteFunc(slices.Clone(out.Indexes), func(x catalog.Index) bool {
		table := r.sourceName(x.Table)
		if !lost(table) {
			return false
		}
		r.out(indexLost, objectOf("index", r.sourceName(x.Name)), "the materialized view is not carried")
		return true
	})
}

// changeAll changes a list of one kind; what cannot be changed is left, with a
// finding.
func changeAll[T any](r *remodel, list *[]T, object func(*T) finding.Object) {
	old := *list
	if old == nil {
		return
	}
	*list = make([]T, 0, len(old))
	for i := range old {
		o := object(&old[i])
		w := structWalk{r: r}
		changed := w.value(reflect.ValueOf(old[i]))
		if w.why != "" {
			switch any(old[i]).(type) {
			case catalog.Dependency, catalog.Owner: // edges and owners of what is told of elsewhere
			default:
				r.out(mappingLeft, o, w.why)
			}
			continue
		}
		x, ok := changed.Interface().(T)
		if !ok {
			continue // impossible: the same type comes back
		}
		*list = append(*list, x)
	}
}

// structWalk changes one object, the parts of which may be of any kind.
type structWalk struct {
	r     *remodel
	table *catalog.Name // whose columns its texts name
	uses  []catalog.Ref // what the object reads, by the server's word
	why   string
}

func (w *structWalk) fail(why string) {
	if w.why == "" {
		w.why = why
	}
}

func (w *structWalk) text(s string) string {
	out, why := w.r.text(s, w.table)
	if why != "" {
		w.fail(why)
	}
	return out
}

// value is the changed copy of a value.
func (w *structWalk) value(v reflect.Value) reflect.Value {
	switch x := v.Interface().(type) {
	case catalog.Name:
		return reflect.ValueOf(w.r.name(x))
	case catalog.Type:
		return reflect.ValueOf(w.r.typ(x))
	case catalog.Ref:
		out, why := w.r.refs([]catalog.Ref{x})
		if why != "" {
			w.fail(why)
			return v
		}
		return reflect.ValueOf(out[0])
	case catalog.ColumnRef:
		to, ok := w.r.column(x.Table, x.Column)
		if !ok {
			w.fail(w.r.goneWhy(x.Table, x.Column))
		}
		return reflect.ValueOf(catalog.ColumnRef{Table: w.r.name(x.Table), Column: to})
	case catalog.ObjectRef:
		return reflect.ValueOf(w.object(x))
	case catalog.ViewDef:
		w.view(string(x))
		return reflect.ValueOf(catalog.ViewDef(w.text(string(x))))
	}
	switch v.Kind() { //nolint:exhaustive // the model has no other kinds
	case reflect.Struct:
		return w.structure(v)
	case reflect.Slice:
		if v.IsNil() {
			return v
		}
		out := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		for i := range v.Len() {
			out.Index(i).Set(w.value(v.Index(i)))
		}
		return out
	case reflect.Pointer:
		if v.IsNil() {
			return v
		}
		out := reflect.New(v.Type().Elem())
		out.Elem().Set(w.value(v.Elem()))
		return out
	case reflect.String:
		if v.Type().PkgPath() != "" && rendered[v.Type().Name()] {
			return reflect.ValueOf(w.text(v.String())).Convert(v.Type())
		}
	}
	return v
}

// rendered are the model's types of text that the server wrote.
var rendered = map[string]bool{
	"Expr": true, "IndexDef": true, "ConstraintDef": true, "PartitionBound": true, "PartitionKey": true,
	"ViewDef": true, "RoutineDef": true, "TriggerDef": true, "RuleDef": true,
}

// plainTexts are fields of plain strings that hold names or SQL, by struct.
var plainTexts = map[string][]string{
	"Routine":    {"IdentityArgs", "Returns"},
	"Statistics": {"Def"},
	"Other":      {"Def"},
	"Grant":      nil,
}

func (w *structWalk) structure(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	source := v.Interface()
	switch x := source.(type) {
	case catalog.Trigger:
		w.table = &x.Table
	case catalog.Rule:
		w.table = &x.Table
	case catalog.Policy:
		w.table = &x.Table
	case catalog.Statistics:
		w.table = &x.Table
	case catalog.View:
		w.uses = x.Uses
	case catalog.Routine:
		w.uses = x.Uses
		w.routine(&x)
	}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		field := out.Field(i)
		switch {
		case slices.Contains(plainTexts[v.Type().Name()], f.Name):
			field.Set(w.texts(v.Field(i)))
		case f.Type.Kind() == reflect.String && f.Type.PkgPath() == "":
		default:
			field.Set(w.value(v.Field(i)))
		}
	}
	w.rest(out)
	return out
}

// texts is value for plain strings that hold SQL, or lists of them.
func (w *structWalk) texts(v reflect.Value) reflect.Value {
	if v.Kind() == reflect.String {
		return reflect.ValueOf(w.text(v.String()))
	}
	out := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
	for i := range v.Len() {
		out.Index(i).SetString(w.text(v.Index(i).String()))
	}
	return out
}

// rest changes the fields of plain strings that name schemas or columns.
func (w *structWalk) rest(out reflect.Value) {
	switch x := out.Addr().Interface().(type) {
	case *catalog.Trigger:
		list, gone := w.r.columnList(*w.table, x.Columns)
		if gone != "" {
			w.fail(w.r.goneWhy(*w.table, gone))
		}
		x.Columns = list
		w.trigger(x)
	case *catalog.Extension:
		x.Schema = w.r.schemaOnly(catalog.Name{Schema: x.Schema}).Schema
	case *catalog.DefaultPrivilege:
		x.Schema = w.r.schemaOnly(catalog.Name{Schema: x.Schema}).Schema
	case *catalog.Routine:
		before, _, _ := strings.Cut(x.Name.Name, "(")
		x.Plain = before
	}
}

// object is an object by its words.
func (w *structWalk) object(o catalog.ObjectRef) catalog.ObjectRef {
	switch {
	case o.Kind == "schema":
		o.Name = w.r.schemaOnly(catalog.Name{Schema: o.Name}).Schema
	case o.Parent != "":
		table := catalog.Name{Schema: o.Schema, Name: o.Parent}
		if o.Kind == "column" {
			to, ok := w.r.column(table, o.Name)
			if !ok {
				w.fail(w.r.goneWhy(table, o.Name))
			}
			o.Name = to
		}
		table = w.r.name(table)
		o.Schema, o.Parent = table.Schema, table.Name
	case o.Schema != "":
		n := w.r.name(catalog.Name{Schema: o.Schema, Name: o.Name})
		o.Schema, o.Name = n.Schema, n.Name
	}
	return o
}

// view finds what of the tables that a query reads is otherwise on the target:
// it names columns by their table's alias, and its own columns are named by
// them.
func (w *structWalk) view(def string) {
	tokens := tokenize(def)
	for _, table := range w.r.changedTables {
		if !w.names(tokens, table) {
			continue
		}
		if w.wholeRow(tokens) {
			w.fail(fmt.Sprintf("it takes whole rows of %s, whose columns are others on the target", table))
		}
		if c := w.r.columns[table].named(w.reads(tokens, table)); c != "" {
			w.fail(fmt.Sprintf("it reads column %s of %s, which stays behind or has another name on the target", c, table))
		}
	}
}

// reads are the columns of a table that a query reads: by the server's word,
// else any that it names.
func (w *structWalk) reads(tokens []token, table catalog.Name) map[string]bool {
	out := map[string]bool{}
	for _, u := range w.uses {
		if u.Name == table && u.Column != "" {
			out[u.Column] = true
		}
	}
	if len(out) > 0 {
		return out
	}
	for _, t := range tokens {
		if name, ok := t.ident(); ok && (t.kind == tokQuoted || t.text == strings.ToLower(t.text)) {
			out[name] = true
		}
	}
	return out
}

// wholeRow says whether a query takes a row as one value: x.*
func (w *structWalk) wholeRow(tokens []token) bool {
	for i := range tokens {
		if tokens[i].is(".") && i+1 < len(tokens) && tokens[i+1].text == "*" {
			return true
		}
	}
	return false
}

// names says whether a text names a table.
func (w *structWalk) names(tokens []token, table catalog.Name) bool {
	for i, t := range tokens {
		if schema, ok := t.ident(); ok && schema == table.Schema && i+2 < len(tokens) && tokens[i+1].is(".") {
			if name, ok := tokens[i+2].ident(); ok && name == table.Name {
				return true
			}
		}
	}
	return false
}

// routine looks into a body: what it names there nobody rewrites.
func (w *structWalk) routine(x *catalog.Routine) {
	if x.SQLBody {
		w.view(string(x.Def))
		return
	}
	body := x.Body + "\n" + strings.Join(x.Settings, "\n")
	seen := bodyWords(body)
	for _, from := range w.r.changedSchemas {
		if seen[from] {
			w.fail(fmt.Sprintf("its body names %s, which is schema %s on the target", from, w.r.schemas[from]))
			return
		}
	}
	for _, from := range w.r.changedNames {
		to := w.r.moved[from]
		if seen[from.Name] && to.Name != from.Name || seen[from.Name] && seen[from.Schema] {
			w.fail(fmt.Sprintf("its body names %s, which is %s on the target", from.Name, to))
			return
		}
	}
	for _, table := range w.r.changedTables {
		names := w.r.columns[table]
		if !seen[table.Name] {
			continue
		}
		if c := names.named(seen); c != "" {
			w.fail(fmt.Sprintf("its body names column %s of %s, which stays behind or has another name on the target", c, table))
			return
		}
	}
}

// named is the first changed column among words; empty is none.
func (c *columnNames) named(words map[string]bool) string {
	var hits []string
	for name := range c.to {
		if words[name] {
			hits = append(hits, name)
		}
	}
	for name := range c.gone {
		if words[name] {
			hits = append(hits, name)
		}
	}
	if len(hits) == 0 {
		return ""
	}
	return slices.Min(hits)
}

// trigger looks into the function that a trigger calls: it names the columns
// of NEW and OLD without naming the table.
func (w *structWalk) trigger(x *catalog.Trigger) {
	names := w.r.columns[*w.table]
	if names == nil {
		return
	}
	for i := range w.r.db.Routines {
		f := &w.r.db.Routines[i]
		if w.r.name(f.Name) != x.Function {
			continue
		}
		if c := names.named(bodyWords(f.Body)); c != "" {
			w.fail(fmt.Sprintf("its function %s names %s, a column that stays behind or has another name on the target", f.Name, c))
		}
	}
}

// bodyWords are the identifiers of a text, those inside of its strings too:
// statements are made of strings.
func bodyWords(body string) map[string]bool {
	out := map[string]bool{}
	var walk func(text string, depth int)
	walk = func(text string, depth int) {
		for _, t := range tokenize(text) {
			if name, ok := t.ident(); ok {
				out[name] = true
			}
			if t.kind == tokString && depth < 3 {
				walk(unquotedString(t.text), depth+1)
			}
		}
	}
	walk(body, 0)
	return out
}

// unquotedString is what stands between the quotes of a string.
func unquotedString(s string) string {
	if open := strings.IndexByte(s, '\''); open >= 0 && open <= 2 && strings.HasSuffix(s, "'") && len(s) > open+1 {
		return strings.ReplaceAll(s[open+1:len(s)-1], "''", "'")
	}
	if strings.HasPrefix(s, "$") {
		if end := strings.IndexByte(s[1:], '$'); end >= 0 {
			tag := s[:end+2]
			return strings.TrimSuffix(strings.TrimPrefix(s, tag), tag)
		}
	}
	return s
}
