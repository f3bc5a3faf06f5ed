package ddlgen

import (
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
)

// named is an object beside tables as COMMENT ON and ALTER ... OWNER TO take
// it, with the word for its kind; empty for a kind that has none.
func (p *planner) named(kind string, n catalog.Name) string {
	word := strings.ToUpper(kind)
	switch kind {
	case "function", "procedure", "aggregate", "window function":
		if kind == "window function" {
			word = "FUNCTION"
		}
		return word + " " + p.signature(kind, n)
	case "range type", "base type", "shell type", "composite type", "enum":
		return "TYPE " + quoted(n)
	case "operator":
		plain, arguments, _ := strings.Cut(n.Name, "(") // no operator has a parenthesis in it
		return "OPERATOR " + ident(n.Schema) + "." + plain + " (" + strings.Replace(arguments, ",", ", ", 1)
	case "operator class", "operator family":
		if i := strings.LastIndex(n.Name, " USING "); i >= 0 {
			return word + " " + quoted(catalog.Name{Schema: n.Schema, Name: n.Name[:i]}) + " USING " + ident(n.Name[i+len(" USING "):])
		}
	case "cast":
		return "CAST (" + n.Name + ")"
	case "transform":
		if i := strings.LastIndex(n.Name, " LANGUAGE "); i >= 0 {
			return "TRANSFORM " + n.Name[:i] + " LANGUAGE " + ident(n.Name[i+len(" LANGUAGE "):])
		}
	case "table", "foreign table", "view", "materialized view", "sequence", "index", "schema", "type", "domain", "collation", "conversion", "statistics",
		"text search configuration", "text search dictionary", "text search parser", "text search template", "language", "access method",
		"event trigger", "publication", "subscription", "foreign data wrapper", "server", "extension":
		return word + " " + quoted(n)
	}
	return ""
}

// signature is a routine's name with the arguments that tell it from others of
// its name.
func (p *planner) signature(kind string, n catalog.Name) string {
	plain, arguments := n.Name, ""
	if i := strings.LastIndex(n.Name, "("); i >= 0 { // types come without modifiers
		plain, arguments = n.Name[:i], strings.TrimSuffix(n.Name[i+1:], ")")
	}
	if rp := p.routines[n]; rp != nil {
		plain, arguments = rp.r.Plain, rp.r.IdentityArgs
		if p.profile.Map && kind != "aggregate" { // the types may be others there
			arguments = strings.Join(rp.types, ", ")
		}
	}
	if kind == "aggregate" && arguments == "" {
		arguments = "*"
	}
	return quoted(catalog.Name{Schema: n.Schema, Name: plain}) + "(" + arguments + ")"
}
