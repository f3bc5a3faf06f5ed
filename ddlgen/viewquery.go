package ddlgen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
)

// viewQuery gives the query of a view as the target takes it, or says why there
// is none. What cannot be known from the text is left to the target to judge.
func (p *planner) viewQuery(vp *viewPlan) (sql, why string) {
	w := &queryWalk{
		p: p, vp: vp, tokens: tokenize(string(vp.v.Def)), collect: true,
		aliases: map[string][]catalog.Name{}, derived: map[string]bool{}, ctes: map[string]bool{},
	}
	w.words = significant(w.tokens)
	// A column stands before the FROM that says whose it is, and may be handed
	// through queries inside of queries: names are collected until there are no more.
	for last := -1; last != w.learned; {
		last = w.learned
		w.walk()
	}
	w.collect = false
	if w.walk(); w.why != "" {
		return "", w.why
	}
	tokens := w.out
	if _, lost := p.withoutCollations(tokens); len(lost) > 0 {
		return "", fmt.Sprintf("collation %s is not on the target", lost[0])
	}
	if p.profile.Map {
		if tokens, why = p.castsMapped(tokens); why != "" {
			return "", why
		}
	}
	return join(tokens), ""
}

// clause is the part of a query that a token stands in.
type clause int

const (
	clauseOther  clause = iota // conditions, ORDER BY and the like, and what stands in an expression's parentheses
	clauseWith                 // the names of queries
	clauseSelect               // the list of columns
	clauseFrom
	clauseGroup
)

// frame is a query, or a pair of parentheses or brackets inside of one.
type frame struct {
	query  bool
	top    bool // its columns are the view's
	clause clause
	column int // of the list of columns, from 0
}

// queryWalk goes over the server's text of a query: every name of the user's
// with its schema or an alias, words that are keywords in quotes where they are
// names, keywords in capitals, every cast as "::". It does not parse: it keeps
// track of parentheses and clauses, which is what it takes to tell the names of
// relations from those of columns, and a column that is shown from one that is
// computed with.
type queryWalk struct {
	p       *planner
	vp      *viewPlan
	tokens  []token
	words   []token // the significant ones
	out     []token
	collect bool // learn names, and judge nothing
	learned int  // how many
	why     string

	aliases map[string][]catalog.Name // relations by their names in the query
	ctes    map[string]bool
	derived map[string]bool // columns of queries inside that show another kind of value

	frames []frame
	at     int // in words
	skip   int // words of a type, which are no names
}

func (w *queryWalk) frame() *frame { return &w.frames[len(w.frames)-1] }

// word is a significant token by its distance from the present one.
func (w *queryWalk) word(distance int) token {
	if i := w.at + distance; i >= 0 && i < len(w.words) {
		return w.words[i]
	}
	return token{}
}

// lost notes the first reason why the query cannot be carried.
func (w *queryWalk) lost(format string, args ...any) {
	if !w.collect && w.why == "" {
		w.why = fmt.Sprintf(format, args...)
	}
}

// learn notes what was not known yet.
func (w *queryWalk) learn(set map[string]bool, name string) {
	if !set[name] {
		set[name] = true
		w.learned++
	}
}

// isName says whether a token is an identifier, and no keyword.
func isName(t token) bool {
	return t.kind == tokQuoted || t.kind == tokWord && t.text == strings.ToLower(t.text)
}

// walk goes over the query once.
func (w *queryWalk) walk() {
	w.out, w.at, w.skip = w.out[:0], -1, 0
	w.frames = []frame{{query: true, top: true}}
	for _, t := range w.tokens {
		if w.why != "" {
			return
		}
		if t.kind == tokSpace {
			w.out = append(w.out, t)
			continue
		}
		w.at++
		if w.skip > 0 {
			w.skip--
		} else if !w.step(t) {
			continue
		}
		w.out = append(w.out, t)
	}
}

// step takes one token, and says whether it stays.
func (w *queryWalk) step(t token) bool {
	f := w.frame()
	switch {
	case t.is("("), t.is("["):
		w.open()
	case t.is(")"), t.is("]"):
		if len(w.frames) > 1 {
			w.frames = w.frames[:len(w.frames)-1]
		}
	case t.is(","):
		f.column++
	case t.is("::"):
		_, w.skip = w.p.parseType(w.words[w.at+1:])
	case t.is("ONLY") && f.clause == clauseFrom && !isName(t):
		return w.only()
	case t.is("TABLESAMPLE") && !isName(t):
		if w.p.profile.Map {
			w.lost("TABLESAMPLE, which the target lacks")
		}
	case t.kind == tokString:
		w.constant()
	case f.query && w.keyword(t):
	default:
		w.name(t)
	}
	return true
}

// open begins a frame: a query, or inside of FROM a join, an argument list or a
// condition.
func (w *queryWalk) open() {
	up, before, next := w.frame(), w.word(-1), w.word(1)
	f := frame{query: next.is("SELECT") || next.is("WITH") || next.is("VALUES")}
	f.top = f.query && up.top && (before.text == "" || before.is("UNION") || before.is("INTERSECT") || before.is("EXCEPT") || before.is("ALL"))
	if up.clause == clauseFrom && !f.query && (before.is("FROM") || before.is("(") || before.is(",") || before.is("JOIN")) {
		f.clause = clauseFrom
	}
	w.frames = append(w.frames, f)
}

// keyword moves to another clause of the query.
func (w *queryWalk) keyword(t token) bool {
	f := w.frame()
	if t.kind != tokWord {
		return false
	}
	switch t.text {
	case "SELECT":
		f.clause, f.column = clauseSelect, 0
	case "FROM":
		if w.word(-1).is("DISTINCT") && (w.word(-2).is("IS") || w.word(-2).is("NOT")) {
			return false
		}
		f.clause = clauseFrom
	case "WITH":
		if w.word(1).is("ORDINALITY") || w.word(1).is("TIES") {
			return false
		}
		f.clause = clauseWith
	case "GROUP":
		f.clause = clauseGroup
	case "WHERE", "HAVING", "WINDOW", "ORDER", "LIMIT", "OFFSET", "FETCH", "FOR", "UNION", "INTERSECT", "EXCEPT":
		f.clause = clauseOther
	default:
		return false
	}
	return true
}

// only keeps ONLY where the target has it. Without partitions and inheritance
// a table is no more than itself; a root that was made one with its partitions
// has all their rows.
func (w *queryWalk) only() bool {
	n, name := qualified(w.words[w.at+1:])
	if t := w.p.tableOf(name); n > 0 && t != nil && t.leaves != nil {
		w.lost("it reads ONLY %s, which has the rows of its partitions on the target", name)
	}
	if w.p.profile.Inheritance || w.p.profile.Partitions {
		return true
	}
	if last := len(w.out) - 1; last >= 0 && w.out[last].kind == tokSpace {
		w.out = w.out[:last]
	}
	return false
}

// constant judges a string with a cast to the name of an object.
func (w *queryWalk) constant() {
	if !w.p.profile.Map || !w.word(1).is("::") || !w.word(2).is("regclass") {
		return
	}
	function, _ := w.word(-2).ident()
	if !w.word(-1).is("(") || function != "nextval" && function != "currval" && function != "setval" {
		w.lost("a cast to regclass, which the target is not known to resolve")
	}
}

// name takes a word that may be the name of a relation, a function or a column.
func (w *queryWalk) name(t token) {
	id, ok := t.ident()
	if !ok || w.word(-1).is(".") {
		return
	}
	path := []string{id}
	end := 1 // words that the name takes
	for w.word(end).is(".") {
		next, ok := w.word(end + 1).ident()
		if !ok {
			return // x.*
		}
		path, end = append(path, next), end+2
	}
	switch {
	case w.frame().clause == clauseWith:
		if isName(t) {
			w.learn(w.ctes, id)
		}
	case w.frame().clause == clauseFrom && (isName(w.word(-1)) || w.word(-1).is(")")):
		// an alias
	case w.word(end).is("("):
		if len(path) == 1 && w.p.profile.Map && w.p.lacksFunction(id) {
			w.lost("function %s, which the target lacks", id)
		}
	case !isName(t):
		// a keyword
	case w.frame().clause == clauseFrom:
		w.relation(path, end)
	case !w.word(-1).is("AS"):
		w.column(path, end)
	}
}

// relation takes the name of a relation, which an alias may follow.
func (w *queryWalk) relation(path []string, end int) {
	n := catalog.Name{Schema: "pg_catalog", Name: path[len(path)-1]}
	if len(path) == 2 {
		n.Schema = path[0]
	} else if w.ctes[n.Name] {
		return
	}
	if builtIn(n.Schema) && w.p.profile.Map {
		w.lost("it reads %s, and the target's catalogs are not PostgreSQL's", n)
		return
	}
	alias := n.Name
	if t := w.word(end); isName(t) {
		alias, _ = t.ident()
	}
	if !slices.Contains(w.aliases[alias], n) {
		w.aliases[alias] = append(w.aliases[alias], n)
		w.learned++
	}
}

// systemColumns are those that every table of PostgreSQL has.
var systemColumns = []string{"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"}

// column judges the use of a column.
func (w *queryWalk) column(path []string, end int) {
	name := path[len(path)-1]
	if w.p.profile.Map && slices.Contains(systemColumns, name) {
		w.lost("it reads %s, a system column, which the target lacks", name)
		return
	}
	from, typ, is := w.changed(path)
	if !is {
		return
	}
	f := w.frame()
	outside := w.grouped(end)
	switch {
	case w.asksNull(outside), w.word(end).is(")") && w.word(-1).is("(") && w.counts():
		return
	case w.word(outside).is("::"):
		t, _ := w.p.parseType(w.words[w.at+outside+1:])
		if sameText(from, typ, t, w.p.mapped(t)) {
			return
		}
	case f.query && f.clause == clauseSelect && w.alone(end):
		w.show(name, end)
		return
	case f.query && f.clause == clauseGroup && !strings.HasPrefix(typ.target, "json") && w.alone(end):
		return
	}
	w.lost("column %s has another type on the target", name)
}

// alone says whether a name is an item of a list by itself.
func (w *queryWalk) alone(end int) bool {
	before, after := w.word(-1), w.word(end)
	begins := before.is(",") || before.is("SELECT") || before.is("DISTINCT") || before.is("ALL") || before.is("BY")
	for _, word := range []string{",", ")", "AS", "FROM", "WHERE", "HAVING", "WINDOW", "ORDER", "LIMIT", "OFFSET", "UNION", "INTERSECT", "EXCEPT"} {
		if after.is(word) {
			return begins
		}
	}
	return begins && after.text == ""
}

// show notes a column that hands another kind of value on.
func (w *queryWalk) show(name string, end int) {
	if w.word(end).is("AS") {
		name, _ = w.word(end + 1).ident()
	}
	f := w.frame()
	switch {
	case !f.top:
		w.learn(w.derived, name)
	case f.column < len(w.vp.v.Columns):
		w.vp.shows[w.vp.v.Columns[f.column].Name] = true
	}
}

// counts says whether the parenthesis before is that of count().
func (w *queryWalk) counts() bool {
	name, _ := w.word(-2).ident()
	return name == "count"
}

// grouped is the end of a name with the parentheses that hold it alone. Those
// after another name are a call's.
func (w *queryWalk) grouped(end int) int {
	for depth := 1; w.word(-depth).is("(") && w.word(end).is(")") && !isName(w.word(-depth-1)); depth++ {
		end++
	}
	return end
}

// asksNull says whether IS NULL follows, or its opposite.
func (w *queryWalk) asksNull(end int) bool {
	return w.word(end).is("IS") && (w.word(end+1).is("NULL") || w.word(end+1).is("NOT") && w.word(end+2).is("NULL"))
}

// changed says what a column was and has become, where that is another kind of
// value. A name that may be one of several columns is taken for that.
func (w *queryWalk) changed(path []string) (from catalog.Type, typ typing, is bool) {
	name := path[len(path)-1]
	unknown := typing{target: "json", class: other} // of which least can be done
	if len(path) == 2 {
		relations := w.aliases[path[0]]
		for _, r := range relations {
			if from, typ, is = w.p.changed(r, name); is {
				return from, typ, true
			}
		}
		return from, unknown, len(relations) == 0 && w.derived[name]
	}
	for _, u := range w.vp.v.Uses {
		if u.Column == name {
			if from, typ, is = w.p.changed(u.Name, name); is {
				return from, typ, true
			}
		}
	}
	return from, unknown, w.derived[name]
}

// changed says what a column of a table or view was and has become, where that
// is another kind of value.
func (p *planner) changed(relation catalog.Name, column string) (catalog.Type, typing, bool) {
	if t := p.tableOf(relation); t != nil {
		c := t.column(column)
		if c == nil || c.typ.class != other {
			return catalog.Type{}, typing{}, false
		}
		return c.c.Type, *c.typ, true
	}
	if vp := p.views[relation]; vp != nil && vp.shows[column] {
		for i := range vp.v.Columns {
			if c := &vp.v.Columns[i]; c.Name == column {
				return c.Type, p.typing(c.Type), true
			}
		}
	}
	return catalog.Type{}, typing{}, false
}

// sameText says whether a cast of a changed column gives the text that it gave
// at the source. That of an address has a mask which the value may lack, and
// that of money is a currency's.
func sameText(from catalog.Type, typ typing, to catalog.Type, mapped typing) bool {
	return from.Name.Name != "inet" && textual(typ.target) && textual(to.Text) && mapped.class != other
}
