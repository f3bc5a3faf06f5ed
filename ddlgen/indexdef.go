package ddlgen

import (
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
)

// indexText is the text of pg_get_indexdef, taken apart. What stands between
// the parentheses is kept as the server wrote it.
type indexText struct {
	unique     bool
	only       bool
	method     string
	keys       string // between the parentheses
	include    string // between the parentheses; empty is none
	nullsEqual bool
	with       string // between the parentheses; empty is none
	where      string // the predicate; empty is none
}

// parseIndex reads the text of an index; false is a text of another form.
func parseIndex(def catalog.IndexDef) (x indexText, ok bool) {
	r := reader{tokens: tokenize(string(def))}
	if !r.take("CREATE") {
		return x, false
	}
	x.unique = r.take("UNIQUE")
	if !r.take("INDEX") || !r.name() || !r.take("ON") {
		return x, false
	}
	x.only = r.take("ONLY")
	if !r.name() || !r.take("USING") || r.done() {
		return x, false
	}
	x.method, _ = r.next().ident()
	if x.keys, ok = r.parens(); !ok {
		return x, false
	}
	if r.take("INCLUDE") {
		x.include, _ = r.parens()
	}
	if r.take("NULLS") {
		if !r.take("NOT") || !r.take("DISTINCT") {
			return x, false
		}
		x.nullsEqual = true
	}
	if r.take("WITH") {
		x.with, _ = r.parens()
	}
	if r.take("WHERE") {
		x.where = strings.TrimSpace(r.rest())
	}
	return x, r.done()
}

// sql renders the index under a name on a table.
func (x indexText) sql(name string, table catalog.Name) string {
	var b strings.Builder
	b.WriteString("CREATE ")
	if x.unique {
		b.WriteString("UNIQUE ")
	}
	b.WriteString("INDEX " + ident(name) + " ON ")
	if x.only {
		b.WriteString("ONLY ")
	}
	b.WriteString(quoted(table) + " USING " + x.method + " (" + x.keys + ")")
	if x.include != "" {
		b.WriteString(" INCLUDE (" + x.include + ")")
	}
	if x.nullsEqual {
		b.WriteString(" NULLS NOT DISTINCT")
	}
	if x.with != "" {
		b.WriteString(" WITH (" + x.with + ")")
	}
	if x.where != "" {
		b.WriteString(" WHERE " + x.where)
	}
	return b.String()
}

// reader walks over tokens.
type reader struct {
	tokens []token
	at     int
}

func (r *reader) space() {
	for r.at < len(r.tokens) && r.tokens[r.at].kind == tokSpace {
		r.at++
	}
}

func (r *reader) done() bool {
	r.space()
	return r.at >= len(r.tokens)
}

func (r *reader) next() token {
	r.space()
	t := r.tokens[r.at]
	r.at++
	return t
}

func (r *reader) take(word string) bool {
	r.space()
	if r.at < len(r.tokens) && r.tokens[r.at].is(word) {
		r.at++
		return true
	}
	return false
}

func (r *reader) name() bool {
	r.space()
	n, _ := qualified(r.tokens[r.at:])
	r.at += n
	return n > 0
}

// parens is the text between a pair of parentheses that begins here.
func (r *reader) parens() (string, bool) {
	if !r.take("(") {
		return "", false
	}
	start, depth := r.at, 1
	for ; r.at < len(r.tokens); r.at++ {
		switch {
		case r.tokens[r.at].is("("):
			depth++
		case r.tokens[r.at].is(")"):
			if depth--; depth == 0 {
				text := join(r.tokens[start:r.at])
				r.at++
				return text, true
			}
		}
	}
	return "", false
}

func (r *reader) rest() string {
	text := join(r.tokens[r.at:])
	r.at = len(r.tokens)
	return text
}
