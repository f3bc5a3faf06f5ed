package db9sim

import (
	"slices"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
)

// Catalogs that DB9 has; it lacks all others.
var (
	ownCatalogs = []string{
		"pg_am", "pg_attrdef", "pg_attribute", "pg_class", "pg_collation", "pg_constraint", "pg_database", "pg_db_role_setting",
		"pg_depend", "pg_description", "pg_enum", "pg_extension", "pg_index", "pg_indexes", "pg_namespace", "pg_opclass", "pg_proc",
		"pg_range", "pg_roles", "pg_sequence", "pg_tables", "pg_trigger", "pg_type", "pg_user", "pg_views",
	}
	ownInformation = []string{
		"check_constraints", "columns", "constraint_column_usage", "key_column_usage", "referential_constraints", "routines",
		"schemata", "sequences", "table_constraints", "table_privileges", "tables",
	}
	// unknownFunctions are those of which nobody knows whether DB9 has them.
	unknownFunctions = []string{"pg_get_viewdef", "pg_get_functiondef", "pg_get_triggerdef", "pg_get_ruledef"}
)

// catalogRules is which rules of catalogs are on.
type catalogRules struct {
	relations, columns, flags, wide, functions, database bool
}

// catalogs are the system catalogs as DB9 has them: fewer relations, fewer
// columns, larger OIDs. They are views of a schema of their own on the backend,
// to which statements are rewritten.
type catalogs struct {
	rules    catalogRules
	copies   copyOptionRules
	timeouts timeoutRules

	schema    string              // of the views; "" where no rule of catalogs is on
	relations map[string][]string // names of pg_catalog and information_schema, with and without views
	views     map[string]bool     // by qualified name, those that have a view
	functions map[string]bool     // names that have a form for wide OIDs
}

func newCatalogs(rules *RuleSet, timeouts timeoutRules) *catalogs {
	return &catalogs{
		rules: catalogRules{
			relations: rules.On("catalog-relations"), columns: rules.On("catalog-columns"), flags: rules.On("catalog-flags"),
			wide: rules.On("wide-oids"), functions: rules.On("catalog-functions"), database: rules.On("database-name"),
		},
		copies:   copyOptionRules{ignored: rules.On("copy-options-ignored"), refused: rules.On("copy-options")},
		timeouts: timeouts,
	}
}

// on reports whether clients see other catalogs than PostgreSQL's.
func (r catalogRules) on() bool { return r.relations || r.columns || r.flags || r.wide || r.functions }

// rewrite turns one statement's references to catalogs into those of the
// stand-in, in place, or refuses it, and with them what it says of timeouts and
// how to copy. Results are cached by the statement's text.
func (c *catalogs) rewrite(tree *pg.RawStmt) (changed bool, refuse *refusal) {
	w := rewriting{c: c}
	if n := tree.GetStmt().GetCopyStmt(); n != nil {
		w.copyOptions(n)
	}
	if n := tree.GetStmt().GetVariableSetStmt(); n != nil {
		w.setTimeout(n)
	}
	if c.schema != "" || c.timeouts.enforced() {
		eachNode(tree.GetStmt(), w.note)
		eachNode(tree.GetStmt(), w.node)
	}
	return w.changed, w.refused
}

// rewriting is one statement on its way.
type rewriting struct {
	c           *catalogs
	local       []string // names of common table expressions
	constraints bool     // pg_constraint is read
	changed     bool
	refused     *refusal
}

func (w *rewriting) refuse(code, format string, args ...any) {
	if w.refused == nil {
		w.refused = refuse(code, format, args...)
	}
}

// note learns what the whole statement says before a part of it is judged.
func (w *rewriting) note(n *pg.Node) {
	if cte := n.GetCommonTableExpr(); cte != nil {
		w.local = append(w.local, cte.GetCtename())
	}
	if r := n.GetRangeVar(); r != nil && r.GetRelname() == "pg_constraint" {
		w.constraints = true
	}
}

func (w *rewriting) node(n *pg.Node) {
	switch e := n.GetNode().(type) {
	case *pg.Node_RangeVar:
		w.relation(e.RangeVar)
	case *pg.Node_ColumnRef:
		w.column(e.ColumnRef)
	case *pg.Node_FuncCall:
		w.function(n, e.FuncCall)
	}
}

// relation points a catalog's name to its view.
func (w *rewriting) relation(r *pg.RangeVar) {
	c, schema, name := w.c, r.GetSchemaname(), r.GetRelname()
	if c.schema == "" {
		return
	}
	if strings.HasPrefix(schema, "_db9sim") {
		w.refuse("42P01", "relation %q does not exist", schema+"."+name)
		return
	}
	if schema == "" && strings.HasPrefix(name, "pg_") && !slices.Contains(w.local, name) && slices.Contains(c.relations["pg_catalog"], name) {
		schema = "pg_catalog"
	}
	if schema != "pg_catalog" && schema != "information_schema" {
		return
	}
	if !c.views[schema+"."+name] {
		w.refuse("42P01", "relation %q does not exist", schema+"."+name)
		return
	}
	if r.Alias == nil {
		r.Alias = &pg.Alias{Aliasname: name}
	}
	r.Schemaname, r.Relname = c.schema, viewName(schema, name)
	w.changed = true
}

// viewName is the name of a catalog's view: some are in both schemas.
func viewName(schema, name string) string {
	if schema == "information_schema" {
		return "is_" + name
	}
	return name
}

// column takes the schema from a column's name: its relation is an alias now.
func (w *rewriting) column(r *pg.ColumnRef) {
	if w.c.schema == "" || len(r.GetFields()) < 3 {
		return
	}
	if s := r.GetFields()[0].GetString_().GetSval(); s == "pg_catalog" || s == "information_schema" {
		r.Fields = r.GetFields()[1:]
		w.changed = true
	}
}

// function points a function that takes OIDs to its form for wide ones.
func (w *rewriting) function(n *pg.Node, f *pg.FuncCall) {
	name := builtin(f.GetFuncname())
	switch {
	case name == "current_setting" || name == "set_config":
		w.timeoutFunction(n, f, name)
	case w.c.schema == "" || name == "":
	case w.c.rules.functions && slices.Contains(unknownFunctions, name):
		w.refuse("42883", "function %s does not exist", name)
	case w.c.rules.functions && name == "pg_get_constraintdef" && !w.constraints:
		w.refuse("0A000", "pg_get_constraintdef is only supported in a query of pg_constraint")
	case w.c.functions[name]:
		f.Funcname = qualified(w.c.schema, name)
		w.changed = true
	}
}
