package verify

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// tried is a table whose rules are tried on one of its rows.
type tried struct {
	name    catalog.Name
	found   *foundTable
	types   map[string]string // by column
	key     []string          // of the primary key; empty is none
	rules   []rule
	columns []string // that an INSERT may name
	always  bool     // one of them is GENERATED ALWAYS AS IDENTITY
}

// rule is a constraint, or a unique index, that the plan promises.
type rule struct {
	name    string
	kind    string // "unique", "check", "foreign key", "exclusion"
	columns []string
	plain   bool   // of a unique key: it is of columns, not of expressions
	expr    string // of a check; of a unique index its predicate
	def     string // of a unique index its keys, as they are written
	refers  *ddlgen.Statement
}

// tables are those of the plan that stand on the target and hold rows, with the
// rules that the plan promises for each.
func (b *behaviour) tables() []*tried {
	rules := map[catalog.Name][]rule{}
	keys := map[catalog.Name][]string{}
	for _, o := range promisedObjects(b.v.p.Plan, b.v.p.Missing) {
		r, ok := ruleOf(o)
		if !ok {
			continue
		}
		rules[o.table] = append(rules[o.table], r)
		if strings.HasPrefix(o.def, "PRIMARY KEY") {
			keys[o.table] = r.columns
		}
	}
	for i := range b.v.p.Plan.Statements {
		s := &b.v.p.Plan.Statements[i]
		if s.Refers != nil && s.Table != nil && s.RefTable != nil && !b.v.p.Missing[s.ID] {
			rules[*s.Table] = append(rules[*s.Table], rule{name: s.Object.Name, kind: "foreign key", columns: s.Refers.Columns, refers: s})
		}
	}
	var out []*tried
	for _, w := range b.v.wanted {
		found := b.v.found[w.expected.Name]
		if found == nil || found.kind != "r" && found.kind != "p" {
			continue // which its shape says
		}
		t := &tried{name: w.expected.Name, found: found, types: map[string]string{}, key: keys[w.expected.Name], rules: rules[w.expected.Name]}
		for _, c := range w.expected.Columns {
			t.types[c.Name] = c.Type
		}
		for _, c := range found.columns {
			if c.Generated == 0 {
				t.columns = append(t.columns, c.Name)
			}
			t.always = t.always || c.Identity == catalog.IdentityAlways
			if b.full {
				t.types[c.Name] = c.Type
			}
		}
		for i := range t.rules {
			r := &t.rules[i]
			r.plain = !slices.ContainsFunc(r.columns, func(c string) bool { return found.column(c) < 0 })
		}
		out = append(out, t)
	}
	return out
}

// ruleOf reads what a constraint or unique index refuses from its definition.
func ruleOf(o promisedObject) (rule, bool) {
	r := rule{name: o.name}
	switch {
	case o.what == whatIndex:
		if !strings.HasPrefix(o.def, "CREATE UNIQUE INDEX ") {
			return r, false
		}
		at := strings.LastIndex(o.def, " USING ")
		if at < 0 {
			at = 0
		}
		keys, rest := parenthesised(o.def[at:])
		r.kind, r.columns, r.def = "unique", definedColumns("("+keys+")"), keys
		if _, where, ok := strings.Cut(rest, " WHERE "); ok {
			r.expr = where
		}
	case strings.HasPrefix(o.def, "PRIMARY KEY"), strings.HasPrefix(o.def, "UNIQUE"):
		r.kind, r.columns = "unique", definedColumns(o.def)
	case strings.HasPrefix(o.def, "EXCLUDE"):
		r.kind = "exclusion"
	case strings.HasPrefix(o.def, "CHECK"):
		if strings.Contains(o.def, "NOT ENFORCED") {
			return r, false
		}
		r.kind = "check"
		r.expr, _ = parenthesised(o.def)
	default:
		return r, false
	}
	return r, true
}

// parenthesised is what stands in the first parentheses of a definition, and
// what follows them. Strings and quoted names are passed over.
func parenthesised(def string) (inside, rest string) {
	depth, from := 0, -1
	for i := 0; i < len(def); i++ {
		switch c := def[i]; c {
		case '"', '\'':
			for i++; i < len(def) && def[i] != c; i++ {
			}
		case '(':
			if depth++; depth == 1 {
				from = i + 1
			}
		case ')':
			if depth--; depth == 0 {
				return def[from:i], def[i+1:]
			}
		}
	}
	return "", ""
}

// from names the rows of the table alone, not those of tables that inherit it.
func (b *behaviour) from(t *tried) string {
	n := quote.Name(t.name.Schema, t.name.Name)
	if b.full && t.found.kind == "r" {
		return "ONLY " + n
	}
	return n
}

// place is what tells one row apart; empty where nothing does.
func (b *behaviour) place(t *tried) []string {
	switch {
	case len(t.key) > 0:
		return quoteAll(t.key)
	case b.full:
		return []string{"tableoid", "ctid"}
	}
	return nil
}

func quoteAll(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = quote.Ident(n)
	}
	return out
}

// rows picks some rows of the table that fulfil a condition: for each the
// condition that finds it again, and the text of columns of it.
func (b *behaviour) rows(ctx context.Context, t *tried, n int, condition string, columns ...string) (places []string, values [][][]byte, err error) {
	place := b.place(t)
	if place == nil {
		return nil, nil, nil
	}
	list := make([]string, 0, len(place)+len(columns))
	for _, c := range append(slices.Clone(place), columns...) {
		list = append(list, c+"::text")
	}
	where := ""
	if condition != "" {
		where = " WHERE " + condition
	}
	rows, err := b.try(ctx, nil, fmt.Sprintf("SELECT %s FROM %s%s LIMIT %d", strings.Join(list, ", "), b.from(t), where, n))
	if err != nil {
		return nil, nil, fmt.Errorf("picking a row: %w", err)
	}
	for _, r := range rows {
		parts := make([]string, len(place))
		for i, c := range place {
			parts[i] = c + " = " + strings.TrimSpace(quote.Literal(string(r[i])))
		}
		places, values = append(places, strings.Join(parts, " AND ")), append(values, r[len(place):])
	}
	return places, values, nil
}

// copyOf is an INSERT of a row as it is but for some columns, given as SQL.
// Every column gets a value, so that no default takes a sequence's number.
func (b *behaviour) copyOf(t *tried, place string, instead map[string]string) string {
	values := make([]string, len(t.columns))
	for i, c := range t.columns {
		if values[i] = quote.Ident(c); instead[c] != "" {
			values[i] = instead[c]
		}
	}
	overriding := ""
	if t.always {
		overriding = "OVERRIDING SYSTEM VALUE "
	}
	return fmt.Sprintf("INSERT INTO %s (%s) %sSELECT %s FROM %s WHERE %s", quote.Name(t.name.Schema, t.name.Name),
		quote.Idents(t.columns), overriding, strings.Join(values, ", "), b.from(t), place)
}

// table tries all rules of one table.
func (b *behaviour) table(ctx context.Context, t *tried) {
	for _, c := range t.found.columns {
		if c.NotNull {
			b.add(b.notNull(ctx, t, c.Name, c.Generated != 0))
		}
	}
	for _, r := range t.rules {
		if ctx.Err() != nil {
			return
		}
		c := Check{Object: t.name.String() + "." + r.name, Kind: r.kind}
		switch r.kind {
		case "unique", "exclusion":
			c.What = "a second row like one that is there"
			b.unique(ctx, t, r, &c)
		case "check":
			c.What = "a row that does not fulfil it"
			b.check(ctx, t, r, &c)
		case "foreign key":
			c.What = "a row that refers to none"
			b.foreignKey(ctx, t, r, &c)
		}
		b.add(c)
	}
	b.values(ctx, t)
}

func (c *Check) skip(why string) { c.Verdict, c.Detail = Skipped, why }

func (c *Check) fail(err error) {
	c.Verdict, c.Detail = Errored, fmt.Sprintf("it could not be tried: %v", err)
}

// one picks one row, or says why there is none.
func (b *behaviour) one(ctx context.Context, t *tried, c *Check, keys bool, condition string) (place string, ok bool) {
	if why := b.hooked(t.name, keys); why != "" {
		c.skip(why)
		return "", false
	}
	if b.place(t) == nil {
		c.skip("the table has no primary key to tell one row by")
		return "", false
	}
	places, _, err := b.rows(ctx, t, 1, condition)
	switch {
	case err != nil:
		c.fail(err)
	case len(places) == 0 && condition == "":
		c.skip("the table holds no row to try it with")
	case len(places) == 0:
		c.skip("the table holds no row to try it with: none has a value in its columns")
	default:
		return places[0], true
	}
	return "", false
}
