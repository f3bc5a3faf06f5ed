package ddlgen

import (
	"fmt"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
)

// text rewrites the server's text of an expression or definition to the
// target's names. The server writes keywords in upper case, names in lower case
// or quotes, and every name of the user's with its schema; columns of the table
// stand without. It says why where that is not certain.
func (r *remodel) text(sql string, table *catalog.Name) (out, why string) {
	tokens := tokenize(sql)
	if !r.touches(tokens) {
		return sql, ""
	}
	t := textWalk{r: r, tokens: tokens, table: table}
	if table != nil {
		t.names = r.columns[*table]
	}
	for i, tok := range tokens {
		switch {
		case tok.is("SELECT"):
			t.query = true
		case tok.is(".") && t.next(i) >= 0 && tokens[t.next(i)].text == "*":
			t.whole = true
		}
	}
	for t.at < len(tokens) && t.why == "" {
		t.step()
	}
	if t.why != "" {
		return sql, t.why
	}
	return join(t.out), ""
}

// touches says whether a text holds any of the words that a mapping changes.
func (r *remodel) touches(tokens []token) bool {
	for _, t := range tokens {
		if name, ok := t.ident(); ok && r.words[name] {
			return true
		}
		if t.kind == tokString {
			for _, inner := range tokenize(strings.Trim(t.text, "'")) {
				if name, ok := inner.ident(); ok && r.words[name] {
					return true
				}
			}
		}
	}
	return false
}

// textWalk is one text under way.
type textWalk struct {
	r      *remodel
	tokens []token
	at     int
	out    []token
	table  *catalog.Name
	names  *columnNames // of the table; nil is none that differ
	query  bool         // it holds a SELECT: names without a table may be another's
	whole  bool         // it holds a whole row: x.*
	why    string
}

// next is the place of the next token that is no space; -1 is none.
func (t *textWalk) next(i int) int {
	for i++; i < len(t.tokens); i++ {
		if t.tokens[i].kind != tokSpace {
			return i
		}
	}
	return -1
}

// before is the token before, spaces left out.
func (t *textWalk) before(i int) token {
	for i--; i >= 0; i-- {
		if t.tokens[i].kind != tokSpace {
			return t.tokens[i]
		}
	}
	return token{}
}

func (t *textWalk) after(i int) token {
	if j := t.next(i); j >= 0 {
		return t.tokens[j]
	}
	return token{}
}

func (t *textWalk) emit(n int) {
	t.out = append(t.out, t.tokens[t.at:t.at+n]...)
	t.at += n
}

func (t *textWalk) step() {
	i := t.at
	tok := t.tokens[i]
	if tok.kind == tokString && t.after(i).is("::") {
		t.literal()
		return
	}
	name, ok := tok.ident()
	if !ok || tok.kind == tokWord && tok.text != strings.ToLower(tok.text) {
		t.emit(1)
		return
	}
	if i+2 < len(t.tokens) && t.tokens[i+1].is(".") && !t.before(i).is(".") {
		if second, ok := t.tokens[i+2].ident(); ok {
			t.pair(catalog.Name{Schema: name, Name: second})
			return
		}
		if t.table != nil && name == t.table.Name && (t.names != nil || t.r.moved[*t.table] != catalog.Name{}) {
			t.why = "it takes the whole row of its table"
			return
		}
	}
	t.word(name)
}

// pair is a name with another before it: of a schema and what it holds, or of
// a table and its column.
func (t *textWalk) pair(n catalog.Name) {
	i := t.at
	_, renamed := t.r.schemas[n.Schema]
	_, isMoved := t.r.moved[n]
	switch {
	case renamed && t.alias(n.Schema):
		t.why = fmt.Sprintf("whether %s is schema or alias in it is not certain", n.Schema)
	case t.after(i+2).is("(") && !t.takesTable(i):
		t.qualified(t.r.schemaOnly(n), n)
	case renamed || isMoved || t.r.known[n]:
		t.qualified(t.r.name(n), n)
		if to := t.r.moved[n]; isMoved && to.Name != n.Name && t.inFrom(i) {
			t.out = append(t.out, token{tokSpace, " "}, token{tokQuoted, ident(n.Name)})
		}
	case t.names != nil && t.own(n.Schema):
		t.column(n.Name, 2)
	default:
		t.emit(3)
	}
}

// own says whether a qualifier stands for the row of the text's table.
func (t *textWalk) own(qualifier string) bool {
	return qualifier == "new" || qualifier == "old" || t.table != nil && qualifier == t.table.Name
}

// takesTable says whether what stands in front of a name makes it a table's,
// although a parenthesis follows.
func (t *textWalk) takesTable(i int) bool {
	b := t.before(i)
	return b.is("REFERENCES") || b.is("INTO") || b.is("ON") || b.is("ONLY")
}

// inFrom says whether a table is read there under its own name: columns are
// qualified by it, so that it must stay as an alias.
func (t *textWalk) inFrom(i int) bool {
	if !t.query {
		return false
	}
	b := t.before(i)
	if !b.is("FROM") && !b.is("JOIN") && !b.is(",") && !b.is("ONLY") && !b.is("(") {
		return false
	}
	a := t.after(i + 2)
	if _, named := a.ident(); named && (a.kind == tokQuoted || a.text == strings.ToLower(a.text)) {
		return false // an alias of its own
	}
	return !a.is(".")
}

// alias says whether a name stands somewhere without a dot behind it, as an
// alias or a table of that name would.
func (t *textWalk) alias(name string) bool {
	for i, tok := range t.tokens {
		if s, ok := tok.ident(); ok && s == name && (tok.kind == tokQuoted || tok.text == strings.ToLower(tok.text)) && (i+1 >= len(t.tokens) || !t.tokens[i+1].is(".")) {
			return true
		}
	}
	return false
}

func (t *textWalk) qualified(to, from catalog.Name) {
	if to == from {
		t.emit(3)
		return
	}
	t.out = append(t.out, identToken(to.Schema), token{tokPunct, "."}, identToken(to.Name))
	t.at += 3
}

// identToken writes a name as format_type and its kin do.
func identToken(name string) token {
	if plainIdent(name) {
		return token{tokWord, name}
	}
	return token{tokQuoted, ident(name)}
}

// word is a name that stands alone.
func (t *textWalk) word(name string) {
	i := t.at
	b, a := t.before(i), t.after(i)
	_, second := b.ident() // the second word of a type, an operator class
	second = second && (b.kind == tokQuoted || b.text == strings.ToLower(b.text))
	switch {
	case t.names == nil, second, b.is("."), b.is("::"), b.is("COLLATE"), b.is("USING"), b.is("TRIGGER"), b.is("AS"),
		a.is("("), a.is(".") && !t.own(name), t.field(i):
		t.emit(1)
	default:
		t.column(name, 0)
	}
}

// field says whether a word is the field that EXTRACT takes.
func (t *textWalk) field(i int) bool {
	if !t.after(i).is("FROM") || !t.before(i).is("(") {
		return false
	}
	for i--; !t.tokens[i].is("("); i-- {
		continue
	}
	return t.before(i).is("EXTRACT")
}

// column writes a column of the text's table; lead is the number of tokens of
// its qualifier.
func (t *textWalk) column(name string, lead int) {
	to, changed := t.names.to[name]
	gone := t.names.gone[name]
	switch {
	case !changed && gone == "":
		t.emit(lead + 1)
	case gone != "":
		t.why = fmt.Sprintf("it reads column %s, which %s", name, gone)
	case t.query:
		t.why = fmt.Sprintf("whether %s in it is the column that is named %s on the target is not certain", name, to)
	default:
		t.emit(lead)
		t.out = append(t.out, token{tokQuoted, ident(to)})
		t.at++
	}
}

// literal is a string before a cast: the name of an object where the cast is to
// one of the reg* types.
func (t *textWalk) literal() {
	i := t.at
	j := t.next(t.next(i))
	if j < 0 || !strings.HasPrefix(t.tokens[j].text, "reg") {
		t.emit(1)
		return
	}
	inner, ok := strings.CutPrefix(t.tokens[i].text, "'")
	if ok {
		inner = strings.ReplaceAll(strings.TrimSuffix(inner, "'"), "''", "'")
	}
	n, name := qualified(tokenize(inner))
	if !ok || n == 0 || name.Schema == "pg_catalog" {
		t.emit(1)
		return
	}
	to := t.r.name(name)
	if to == name {
		t.emit(1)
		return
	}
	rest := join(tokenize(inner)[n:])
	t.out = append(t.out, token{tokString, literal(identToken(to.Schema).text + "." + identToken(to.Name).text + rest)})
	t.at++
}

// foreignKey rewrites the text of a foreign key: the columns behind REFERENCES
// are the other table's.
func (r *remodel) foreignKey(def string, table, ref catalog.Name) (out, why string) {
	tokens := tokenize(def)
	at, end := -1, len(tokens)
	for i, t := range tokens {
		if t.is("REFERENCES") {
			at = i
		}
		if at >= 0 && t.is(")") {
			end = i + 1
			break
		}
	}
	if at < 0 {
		return def, "its text is not understood"
	}
	var parts []string
	for _, part := range []struct {
		text  string
		table catalog.Name
	}{{join(tokens[:at]), table}, {join(tokens[at:end]), ref}, {join(tokens[end:]), table}} {
		text, why := r.text(part.text, &part.table)
		if why != "" {
			return def, why
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ""), ""
}
