package db9sim

import (
	"slices"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
)

// supportedTypes are those of PostgreSQL's own that DB9 has.
var supportedTypes = []string{
	"bool", "int4", "int8", "float8", "numeric", "text", "varchar", "name", "bytea", "date", "time",
	"timestamp", "timestamptz", "interval", "json", "jsonb", "uuid", "tsvector", "tsquery",
	"serial", "serial4", "bigserial", "serial8", "vector", "refcursor", "trigger", "void", "record",
}

// unlistedTypes are those of PostgreSQL's own that become text in a column.
var unlistedTypes = []string{
	"char", "money", "xml", "inet", "cidr", "macaddr", "macaddr8", "bit", "varbit",
	"int4range", "int8range", "numrange", "tsrange", "tstzrange", "daterange",
	"int4multirange", "int8multirange", "nummultirange", "tsmultirange", "tstzmultirange", "datemultirange",
	"point", "line", "lseg", "box", "path", "polygon", "circle",
	"oid", "xid", "cid", "xid8", "tid", "regclass", "regproc", "regprocedure", "regoper", "regoperator", "regtype",
	"regrole", "regnamespace", "regconfig", "regdictionary", "regcollation",
	"pg_lsn", "pg_snapshot", "txid_snapshot", "jsonpath",
}

// columnType turns a column's type into what DB9 makes of it.
func (v *verdict) columnType(t *pg.TypeName) {
	if t == nil {
		return
	}
	name := builtin(t.GetNames())
	v.columns = append(v.columns, name)
	switch name {
	case "int2":
		v.no("small-types", unsupported, "type smallint is not supported")
		v.become("smallint", t, "int4")
	case "smallserial", "serial2":
		v.no("small-types", unsupported, "type smallserial is not supported")
		if v.does("smallint") {
			t.Names = qualified("serial")
		}
	case "float4":
		v.no("small-types", unsupported, "type real is not supported")
		v.become("real", t, "float8")
	case "bpchar":
		v.no("small-types", unsupported, "type char is not supported")
		mods := t.GetTypmods()
		if v.become("char", t, "varchar") {
			t.Typmods = mods
		}
	case "timetz":
		v.become("timetz", t, "time")
	case "timestamp", "timestamptz":
		if len(t.GetArrayBounds()) == 0 && v.does("timestamp-cut") {
			t.Typmods = nil
		} else if v.does("timestamp-ms") {
			t.Names = qualified("pg_catalog", name)
			t.Typmods = []*pg.Node{pg.MakeAConstIntNode(3, -1)}
		}
	case "interval":
	default:
		switch {
		case slices.Contains(supportedTypes, name):
		case slices.Contains(unlistedTypes, name):
			v.no("unlisted-types", "42704", "type %q does not exist", name)
			v.become("unknown-types", t, "text")
		default:
			v.namedType(t)
		}
	}
}

// become replaces a type, its modifiers too, where the rule is on.
func (v *verdict) become(rule string, t *pg.TypeName, to string) bool {
	if !v.does(rule) {
		return false
	}
	t.Names, t.Typmods = qualified("pg_catalog", to), nil
	return true
}

// namedType judges a type by what the backend says it is: v.types has that on a
// second judgement, for which the first asks.
func (v *verdict) namedType(t *pg.TypeName) {
	if !v.rules.On("unknown-types") && !v.rules.On("composite-columns") {
		return
	}
	name := quoteName(names(t.GetNames()))
	kind, known := v.types[name]
	if !known {
		v.out.types = append(v.out.types, name)
		return
	}
	parts := names(t.GetNames())
	last := parts[len(parts)-1]
	switch {
	case kind == "e", kind == "d": // enums; a domain was there before the rule
	case kind == "b" && (last == "vector" || last == "hstore"):
	case kind == "c":
		v.become("composite-columns", t, "text")
	default:
		v.become("unknown-types", t, "text")
	}
}

// quoteName writes a qualified name as SQL.
func quoteName(parts []string) string {
	out := make([]string, len(parts))
	for i, p := range parts {
		out[i] = `"` + strings.ReplaceAll(p, `"`, `""`) + `"`
	}
	return strings.Join(out, ".")
}

// relationName writes a relation's name as SQL.
func relationName(rel *pg.RangeVar) string {
	if rel.GetSchemaname() == "" {
		return quoteName([]string{rel.GetRelname()})
	}
	return quoteName([]string{rel.GetSchemaname(), rel.GetRelname()})
}

// literal writes a text as SQL.
func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// valuesTrigger has a table's values changed or refused on their way in, as the
// rules say. Those of COPY are seen to where its rows are read.
func (v *verdict) valuesTrigger(rel *pg.RangeVar, whole bool) {
	var does []string
	if v.rules.On("row-limit") {
		does = append(does, "'size'")
	}
	for _, d := range []struct {
		rule, does string
		types      []string
	}{
		{"interval-ms", "'interval'", []string{"interval"}},
		{"timestamp-cut", "'cut'", []string{"timestamp", "timestamptz"}},
		{"numeric-28", "'numeric'", []string{"numeric"}},
		{"timestamp-specials", "'specials'", []string{"timestamp", "timestamptz", "date"}},
		{"time-strict", "'time'", []string{"time", "timetz"}},
	} {
		if v.rules.On(d.rule) && (!whole || slices.ContainsFunc(d.types, func(t string) bool { return slices.Contains(v.columns, t) })) {
			does = append(does, d.does)
		}
	}
	if len(does) == 0 {
		return
	}
	v.out.then = []string{
		`DROP TRIGGER IF EXISTS "~_db9sim" ON ` + relationName(rel),
		`CREATE TRIGGER "~_db9sim" BEFORE INSERT OR UPDATE ON ` + relationName(rel) +
			` FOR EACH ROW WHEN (pg_catalog.current_query() !~* '^\s*copy\M') EXECUTE FUNCTION _db9sim.values(` + strings.Join(does, ", ") + `)`,
	}
}
