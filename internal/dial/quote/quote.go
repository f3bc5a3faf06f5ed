// Package quote turns names and values into SQL text. It is the only place
// where pg2db9 quotes: every identifier of every statement passes through it.
package quote

import "strings"

// Ident quotes one identifier, always: a name is never trusted to be safe or
// lower case, and a keyword of some version never slips through.
func Ident(name string) string {
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// Name quotes a schema-qualified name; with an empty schema the name alone.
func Name(schema, name string) string {
	if schema == "" {
		return Ident(name)
	}
	return Ident(schema) + "." + Ident(name)
}

// Idents quotes a list of identifiers, separated by ", ".
func Idents(names []string) string {
	var b strings.Builder
	for i, n := range names {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(Ident(n))
	}
	return b.String()
}

// Literal quotes a string value. With a backslash in it the E” form is used,
// which means the same whatever standard_conforming_strings says.
func Literal(value string) string {
	q := strings.ReplaceAll(value, `'`, `''`)
	if strings.Contains(q, `\`) {
		return ` E'` + strings.ReplaceAll(q, `\`, `\\`) + `'`
	}
	return `'` + q + `'`
}
